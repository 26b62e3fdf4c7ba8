"""A script of `dbscripts/`: its statements, and what they create.  Nothing here is ever run.

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
    """One statement without comments and delimiter, and the line that it begins on (the first is 1)."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Index:
    """An index: its columns in order, lower case, without lengths; no `name` where the server makes one."""

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
    """The statements of a script, in order.  EditError with its line where a string or comment has no end."""
    delimiter = ";"
    position, start = 0, -1
    pieces: list[str] = []

    def ended() -> Iterator[Statement]:
        statement = "".join(pieces).strip()
        if statement:
            yield Statement(statement, text.count("\n", 0, start) + 1)

    while position < len(text):
        if start < 0:  # between two statements, where the client's own command may stand
            command = _DELIMITER.match(text, position)
            if command:
                delimiter = command.group(1)
                position = command.end()
                continue
        found = _SPECIAL.match(text, position)
        if found and found.lastgroup == "comment":
            pieces.append(" ")
            position = found.end()
        elif text.startswith(delimiter, position):
            yield from ended()
            pieces, start = [], -1
            position += len(delimiter)
        elif found and found.lastgroup == "unended":
            line = text.count("\n", 0, position) + 1
            raise EditError(
                f"what begins with {found.group()} on line {line} has no end",
                place=f"{place}:{line}",
                fix="take the script from a fresh pack",
            )
        else:
            if not found and delimiter == ";":
                found = _PLAIN.match(text, position)
            piece = found.group() if found else text[position]
            if start < 0 and not piece.isspace():
                start = position + len(piece) - len(piece.lstrip())
            pieces.append(piece)
            position += len(piece)
    yield from ended()


# A string or a quoted name, a version comment (which is code), a comment; the beginning of one without end.
_SPECIAL = re.compile(
    r"""
    (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*` | /\*M?!.*?\*/ )
    | (?P<comment> --(?=[\s\x00-\x1f]|\Z)[^\n]* | \#[^\n]* | /\*(?!M?!).*?\*/ )
    | (?P<unended> ['"`] | /\* )
    """,
    re.VERBOSE | re.DOTALL,
)
# Only there to be quick: what holds neither a delimiter nor the beginning of anything special.
_PLAIN = re.compile(r"[\w\s(),=]+")
_DELIMITER = re.compile(r"[ \t\r\n]*^[ \t]*delimiter[ \t]+(\S+)[^\n]*", re.IGNORECASE | re.MULTILINE)


def creates(text: str, place: str = "script") -> Schema:
    """What a script creates: tables, indexes (inline ones, too), foreign keys, each in the script's order."""
    tables: list[str] = []
    indexes: list[Index] = []
    foreign_keys: list[ForeignKey] = []
    for statement in statements(text, place):
        words = _Words(statement.text)
        if words.take("create"):
            words.take_any("temporary", "or", "replace")
            kind = words.take_any("unique", "fulltext", "spatial")
            if words.take("table"):
                table = words.table()
                if table not in tables:
                    tables.append(table)
                    _definitions(table, words.group(), indexes, foreign_keys)
            elif words.take("index") or words.take("key"):
                name = words.name()
                words.skip_to("on")
                table = words.table()
                indexes.append(Index(table, words.columns(), kind == "unique", name))
        elif words.take("alter") and (words.take("table") or (words.take("ignore") and words.take("table"))):
            table = words.table()
            for part in words.rest_parts():
                if part.take("add"):
                    _definition(table, part, indexes, foreign_keys)
    return Schema(tuple(tables), tuple(indexes), tuple(foreign_keys))


def _definitions(
    table: str, parts: list[_Words], indexes: list[Index], foreign_keys: list[ForeignKey]
) -> None:
    for part in parts:
        _definition(table, part, indexes, foreign_keys)


def _definition(table: str, part: _Words, indexes: list[Index], foreign_keys: list[ForeignKey]) -> None:
    """One part of a `CREATE TABLE`, or of an `ALTER TABLE … ADD`."""
    constraint = None
    if part.take("constraint") and not part.peek("primary", "unique", "foreign", "check"):
        constraint = part.name()
    if part.take("primary"):
        part.take("key")
        indexes.append(Index(table, part.columns_after_type(), True, "PRIMARY"))
    elif part.take("foreign"):
        part.take("key")
        if not part.at_group():
            part.name()
        columns = part.columns()
        part.skip_to("references")
        target = part.table()
        foreign_keys.append(ForeignKey(table, columns, target, part.columns(), constraint))
    elif part.peek("unique", "index", "key", "fulltext", "spatial"):
        unique = part.take_any("unique", "fulltext", "spatial") == "unique"
        part.take_any("index", "key")
        name = None if part.at_group() or part.peek("using") else part.name()
        indexes.append(Index(table, part.columns_after_type(), unique, name or constraint))
    elif not part.peek("check", "column", "partition"):
        column = part.name().lower()
        if part.has("primary", "key"):
            indexes.append(Index(table, (column,), True, "PRIMARY"))
        elif part.has("unique"):
            indexes.append(Index(table, (column,), True))


class _Words:
    """The words of a statement, read from the front: names, numbers, strings, single characters."""

    def __init__(self, source: str | list[str]) -> None:
        self.words = _WORD.findall(source) if isinstance(source, str) else source
        self.at = 0

    def peek(self, *wanted: str) -> bool:
        return self.at < len(self.words) and self.words[self.at].lower() in wanted

    def take(self, wanted: str) -> bool:
        found = self.peek(wanted)
        self.at += found
        return found

    def take_any(self, *wanted: str) -> str | None:
        """Takes every word that is one of these; the last one taken."""
        last = None
        while self.peek(*wanted):
            last = self.words[self.at].lower()
            self.at += 1
        return last

    def has(self, *sequence: str) -> bool:
        """Whether these words follow each other in what is left."""
        left = [word.lower() for word in self.words[self.at :]]
        return any(tuple(left[i : i + len(sequence)]) == sequence for i in range(len(left)))

    def skip_to(self, wanted: str) -> None:
        while self.at < len(self.words) and not self.take(wanted):
            self.at += 1

    def name(self) -> str:
        word = self.words[self.at] if self.at < len(self.words) else ""
        self.at += 1
        return word[1:-1].replace("``", "`") if word.startswith("`") else word

    def table(self) -> str:
        """A table's name, without the database that may stand before it."""
        self.take_any("if", "not", "exists", "only")
        name = self.name()
        while self.take("."):
            name = self.name()
        return name

    def at_group(self) -> bool:
        return self.peek("(")

    def group(self) -> list[_Words]:
        """The parts of the group in parentheses that begins here."""
        while self.at < len(self.words) and not self.at_group():
            self.at += 1
        self.at += 1
        depth, begin = 0, self.at
        parts: list[_Words] = []
        while self.at < len(self.words):
            word = self.words[self.at]
            if word == ")" and depth == 0:
                break
            if word == "," and depth == 0:
                parts.append(_Words(self.words[begin : self.at]))
                begin = self.at + 1
            depth += (word == "(") - (word == ")")
            self.at += 1
        parts.append(_Words(self.words[begin : self.at]))
        self.at += 1
        return [part for part in parts if part.words]

    def rest_parts(self) -> list[_Words]:
        """The parts of what is left, as if it stood in parentheses."""
        return _Words(["(", *self.words[self.at :], ")"]).group()

    def columns(self) -> tuple[str, ...]:
        """The columns of a group: `(a, b(100) DESC)` gives a and b, lower case."""
        return tuple(part.name().lower() for part in self.group())

    def columns_after_type(self) -> tuple[str, ...]:
        """The columns behind an optional `USING HASH`."""
        if self.take("using"):
            self.name()
        return self.columns()


_WORD = re.compile(
    r"""`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|[^\s`'"(),.;=]+|[(),.;=]""", re.DOTALL
)
