"""A script of `dbscripts/`: its statements, and what they create.  Nothing here runs a statement.

Read as the `mysql` client reads it: `--`, `#` and `/* */` are comments (`/*! */` is not), strings hold any
character, `DELIMITER` changes what ends a statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wizard.system.errors import EditError


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without comments and delimiter, and the line where it begins (the first is 1)."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Index:
    """An index: its columns in order, lower case, without lengths; no `name` if the server generates one."""

    table: str
    columns: tuple[str, ...]
    unique: bool
    name: str | None = None

    @property
    def primary(self) -> bool:
        return self.name == "PRIMARY"

    def __str__(self) -> str:
        what = "primary key" if self.primary else "unique index" if self.unique else "index"
        name = f" {self.name}" if self.name and not self.primary else ""
        return f"{what}{name} ({', '.join(self.columns)}) of {self.table}"


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key: columns of `table` that refer to those of `target`; the columns are lower case."""

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    name: str | None = None

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"foreign key{name} ({', '.join(self.columns)}) of {self.table} to {self.target}"


@dataclass(frozen=True, slots=True)
class Schema:
    """Tables, indexes and foreign keys: what a script creates, or what a database holds."""

    tables: tuple[str, ...]
    indexes: tuple[Index, ...]
    foreign_keys: tuple[ForeignKey, ...]


def statements(text: str, place: str = "script") -> Iterator[Statement]:
    """Return the statements of a script, in order.  EditError with its line for a string or comment without end."""
    delimiter = ";"
    position, start = 0, -1
    pieces: list[str] = []
    while position <= len(text):
        # Between two statements the client's own command is possible.
        if start < 0 and (command := _DELIMITER.match(text, position)):
            delimiter = command[1]
            position = command.end()
            continue
        found = _SPECIAL.match(text, position)
        if found and found.lastgroup == "comment":
            pieces.append(" ")
            position = found.end()
        elif position == len(text) or text.startswith(delimiter, position):
            if statement := "".join(pieces).strip():
                yield Statement(statement, text.count("\n", 0, start) + 1)
            pieces, start = [], -1
            position += len(delimiter)
        elif found and found.lastgroup == "unended":
            line = text.count("\n", 0, position) + 1
            raise EditError(
                f"{found[0]} on line {line} is not closed",
                place=f"{place}:{line}",
                fix="use the script of a fresh pack",
            )
        else:
            if not found and delimiter == ";":
                found = _PLAIN.match(text, position)
            piece = found[0] if found else text[position]
            if start < 0 and not piece.isspace():
                start = position + len(piece) - len(piece.lstrip())
            pieces.append(piece)
            position += len(piece)


# A string or a quoted name, a version comment (which is code), a comment; the beginning of an unclosed one.
_SPECIAL = re.compile(
    r"""
    (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*` | /\*M?!.*?\*/ )
    | (?P<comment> --(?=[\s\x00-\x1f]|\Z)[^\n]* | \#[^\n]* | /\*(?!M?!).*?\*/ )
    | (?P<unended> ['"`] | /\* )
    """,
    re.VERBOSE | re.DOTALL,
)
# Only for speed: text without a delimiter or the beginning of anything special.
_PLAIN = re.compile(r"[\w\s(),=]+")
_DELIMITER = re.compile(r"[ \t\r\n]*^[ \t]*delimiter[ \t]+(\S+)[^\n]*", re.IGNORECASE | re.MULTILINE)


def creates(text: str, place: str = "script") -> Schema:
    """Return what a script creates: tables, indexes (inline ones too), foreign keys, each in the script's order."""
    tables: list[str] = []
    indexes: list[Index] = []
    foreign_keys: list[ForeignKey] = []
    for statement in statements(text, place):
        words = _Words(_WORD.findall(statement.text))
        parts: list[_Words] = []
        if words.take("create"):
            words.take_all("temporary", "or", "replace")
            unique = words.take_all("unique", "fulltext", "spatial") == "unique"
            if words.take("table"):
                table = words.table()
                if table not in tables:
                    tables.append(table)
                    parts = words.group()
            elif words.take_all("index", "key"):
                name = words.name()
                words.skip_to("on")
                table = words.table()
                indexes.append(Index(table, words.columns(), unique, name))
        elif words.take("alter"):
            words.take("ignore")
            if words.take("table"):
                table = words.table()
                rest = _Words(["(", *words.left(), ")"])
                parts = [part for part in rest.group() if part.take("add")]
        for part in parts:
            found = _definition(table, part)
            if isinstance(found, Index):
                indexes.append(found)
            elif found is not None:
                foreign_keys.append(found)
    return Schema(tuple(tables), tuple(indexes), tuple(foreign_keys))


def _definition(table: str, part: _Words) -> Index | ForeignKey | None:
    """Return the index or key that one part of a `CREATE TABLE`, or of an `ALTER TABLE … ADD`, creates."""
    constraint = None
    if part.take("constraint") and not part.peek("primary", "unique", "foreign", "check"):
        constraint = part.name()
    if part.take("primary"):
        return Index(table, part.columns(), True, "PRIMARY")
    if part.take("foreign"):
        columns = part.columns()
        part.skip_to("references")
        target = part.table()
        return ForeignKey(table, columns, target, part.columns(), constraint)
    if part.peek("unique", "index", "key", "fulltext", "spatial"):
        unique = part.take_all("unique", "fulltext", "spatial") == "unique"
        part.take_all("index", "key")
        name = None if part.peek("(", "using") else part.name()
        return Index(table, part.columns(), unique, name or constraint)
    if part.peek("check", "column", "partition"):
        return None
    column = part.name().lower()
    attributes = {word.lower() for word in part.left()}
    if "primary" in attributes:
        return Index(table, (column,), True, "PRIMARY")
    return Index(table, (column,), True) if "unique" in attributes else None


class _Words:
    """The words of a statement, read from the front: names, numbers, strings, single characters."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.at = 0

    def left(self) -> list[str]:
        """Return the words that are not read yet."""
        return self.words[self.at :]

    def peek(self, *wanted: str) -> bool:
        return self.at < len(self.words) and self.words[self.at].lower() in wanted

    def take(self, wanted: str) -> bool:
        found = self.peek(wanted)
        self.at += found
        return found

    def take_all(self, *wanted: str) -> str | None:
        """Read every word that is one of these; returns the last one."""
        last = None
        while self.peek(*wanted):
            last = self.words[self.at].lower()
            self.at += 1
        return last

    def skip_to(self, wanted: str) -> None:
        while self.at < len(self.words) and not self.take(wanted):
            self.at += 1

    def name(self) -> str:
        word = self.words[self.at] if self.at < len(self.words) else ""
        self.at += 1
        return word[1:-1].replace("``", "`") if word.startswith("`") else word

    def table(self) -> str:
        """Return a table's name, without the database before it."""
        self.take_all("if", "not", "exists", "only")
        name = self.name()
        while self.take("."):
            name = self.name()
        return name

    def group(self) -> list[_Words]:
        """Return the parts of the next group in parentheses."""
        self.skip_to("(")
        depth = 0
        parts: list[list[str]] = [[]]
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            if word == ")" and depth == 0:
                break
            depth += (word == "(") - (word == ")")
            if word == "," and depth == 0:
                parts.append([])
            else:
                parts[-1].append(word)
        return [_Words(part) for part in parts if part]

    def columns(self) -> tuple[str, ...]:
        """Return the columns of the next group: `(a, b(100) DESC)` gives a and b, lower case."""
        return tuple(part.name().lower() for part in self.group())


_WORD = re.compile(
    r"""`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|[^\s`'"(),.;=]+|[(),.;=]""", re.DOTALL
)
