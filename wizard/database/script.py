"""The scripts of `dbscripts/`: their statements, and what they create.  Nothing here runs a statement.

Read as the `mysql` client reads them: `--`, `#` and `/* */` are comments (`/*! */` is not), strings hold any
character.  `DELIMITER` is unknown: no script of a pack has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from wizard.system.errors import EditError

if TYPE_CHECKING:
    from wizard.database.connection import Greeting
    from wizard.pack.home import Pack


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

    def __str__(self) -> str:
        what = "primary key" if self.name == "PRIMARY" else "unique index" if self.unique else "index"
        name = f" {self.name}" if self.name not in (None, "PRIMARY") else ""
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
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()


@dataclass(frozen=True)
class Script:
    """One script: its path in the pack, and its text.  Both properties raise EditError for an unreadable one."""

    path: str
    text: str

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(statements(self.text, self.path))

    @cached_property
    def schema(self) -> Schema:
        return creates(self.text, self.path)


@dataclass(frozen=True)
class Scripts:
    """The script that fits a server (None: the pack has none), and all whose tables make a whole schema, it first."""

    fitting: Script | None
    all: tuple[Script, ...]


def scripts_for(packs: Iterable[Pack], server: Greeting) -> Scripts | None:
    """Return the scripts for this server of the first pack, whichever of them is named `mysql.sql` now.

    None without a pack.  Both nodes have the same product and version.
    """
    for pack in packs:
        fitting = pack.script_for(server.version, mariadb=server.mariadb)
        # The fitting one first, then those for old and new servers: these are all that exist.
        paths = dict.fromkeys([fitting, pack.script_for((5, 6)), pack.script_for((5, 7))])
        found = {path: Script(path, pack.read(path).decode("utf-8-sig", "replace")) for path in paths if path}
        return Scripts(found[fitting] if fitting else None, tuple(found.values()))
    return None


# --- reading statements -------------------------------------------------------------------------------------

# A version comment is code.
_TOKEN = re.compile(
    r"""
    (?P<comment> --(?=[\s\x00-\x1f]|\Z)[^\n]* | \#[^\n]* | /\*(?!M?!).*?\*/ )
    | (?P<end> ; | \Z )
    | (?P<code> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*` | /\*M?!.*?\*/
        | [^'"`\#;/-]+ | - | /(?!\*) )
    | (?P<unclosed> ['"`] | /\* )
    """,
    re.VERBOSE | re.DOTALL,
)


def statements(text: str, place: str = "script") -> Iterator[Statement]:
    """Yield the statements of a script, in order.  EditError with its line for a string or comment without end."""
    start, pieces = -1, [""]
    for token in _TOKEN.finditer(text):
        if token["end"] is not None:
            if statement := "".join(pieces).strip():
                yield Statement(statement, text.count("\n", 0, start) + 1)
            start, pieces = -1, [""]
        elif token["unclosed"]:
            line = text.count("\n", 0, token.start()) + 1
            message = f"{token[0]} on line {line} is not closed"
            raise EditError(message, place=f"{place}:{line}", fix="use the script of a fresh pack")
        else:
            pieces.append(token["code"] or " ")
            if start < 0 and pieces[-1].strip():
                start = token.start() + len(pieces[-1]) - len(pieces[-1].lstrip())


# --- what a script creates ----------------------------------------------------------------------------------

# A part of a statement, between two commas: words, and groups in parentheses, which are lists of parts.
_Part: TypeAlias = "list[str | list[_Part]]"

_WORD = re.compile(
    r"""`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|[^\s`'"(),.;=]+|[(),.;=]""", re.DOTALL
)
_MODIFIERS = {"temporary", "or", "replace", "ignore", "unique", "fulltext", "spatial"}


def creates(text: str, place: str = "script") -> Schema:
    """Return what a script creates: tables, indexes (inline ones too), foreign keys, each in the script's order."""
    tables: list[str] = []
    found: list[Index | ForeignKey | None] = []
    for statement in statements(text, place):
        first, *more = _parts(statement.text)
        words = _keywords(first)
        what = [word for word in words if word not in _MODIFIERS][:2]
        at = words.index(what[-1]) + 1 if what else 0
        name = _name(first, at)
        match what:
            case ["create", "table"] if name not in tables:
                tables.append(name)
                definitions = next((word for word in first if isinstance(word, list)), [])
                found += [_definition(name, part) for part in definitions]
            case ["create", "index" | "key"]:
                on = words.index("on") + 1 if "on" in words else len(words)
                columns, _ = _columns(first[on:])
                found.append(Index(_name(first, on), columns, "unique" in words[:at], name))
            case ["alter", "table"]:
                added = (part[1:] for part in (first[at + 1 :], *more) if _keywords(part)[:1] == ["add"])
                found += [_definition(name, part) for part in added]
    indexes = tuple(one for one in found if isinstance(one, Index))
    return Schema(tuple(tables), indexes, tuple(one for one in found if isinstance(one, ForeignKey)))


def _parts(statement: str) -> list[_Part]:
    """Return the parts of a statement, without the database's name before a table's, and without IF NOT EXISTS."""
    statement_parts: list[_Part] = [[]]
    groups = [statement_parts]
    for word in _WORD.findall(re.sub(r"(?i)\bif\s+(not\s+)?exists\b", "", statement)):
        part = groups[-1][-1]
        if word == "(":
            groups.append([[]])
            part.append(groups[-1])
        elif word == ")":
            del groups[max(1, len(groups) - 1) :]
        elif word == ",":
            groups[-1].append([])
        elif word == ".":
            del part[-1:]
        else:
            part.append(word)
    return statement_parts


def _keywords(part: _Part) -> list[str]:
    """Return the words in lower case; a group is its parenthesis."""
    return [word.lower() if isinstance(word, str) else "(" for word in part]


def _name(part: _Part, at: int) -> str:
    """Return the name at a place, unquoted; empty if there is none."""
    word = part[at] if at < len(part) else ""
    if not isinstance(word, str):
        return ""
    return word[1:-1].replace("``", "`") if word.startswith("`") else word


def _columns(part: _Part) -> tuple[tuple[str, ...], ...]:
    """Return the columns of the first two groups, lower case: `(a, b(100) DESC)` gives a and b."""
    groups = (word for word in part if isinstance(word, list))
    columns = [tuple(_name(column, 0).lower() for column in group if column) for group in groups]
    return (*columns, (), ())[:2]


def _definition(table: str, part: _Part) -> Index | ForeignKey | None:
    """Return the index or key that one part of a `CREATE TABLE`, or of an `ALTER TABLE … ADD`, creates."""
    constraint = None
    words = _keywords(part)
    if words[:1] == ["constraint"]:
        named = words[1:2] not in (["primary"], ["unique"], ["foreign"], ["check"])
        constraint = _name(part, 1) if named else None
        part, words = part[1 + named :], words[1 + named :]
    columns, others = _columns(part)
    match words:
        case ["primary", *_]:
            return Index(table, columns, True, "PRIMARY")
        case ["foreign", *_]:
            target = words.index("references") + 1 if "references" in words else len(words)
            return ForeignKey(table, columns, _name(part, target), others, constraint)
        case ["unique" | "index" | "key" | "fulltext" | "spatial" as kind, *_]:
            at = 2 if words[1:2] in (["index"], ["key"]) else 1
            named = words[at : at + 1] not in ([], ["("], ["using"])
            return Index(table, columns, kind == "unique", _name(part, at) if named else constraint)
        case [] | ["check" | "column" | "partition", *_]:
            return None
    column = (_name(part, 0).lower(),)
    if "primary" in words:
        return Index(table, column, True, "PRIMARY")
    return Index(table, column, True) if "unique" in words else None
