"""What a database holds, and how far that is what the pack's script creates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from wizard.database.script import ForeignKey, Index, Schema

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession

SchemaState = Literal["absent", "empty", "whole", "partial", "other"]
"""`partial`: some of the script's tables; `other`: tables, and none of them the script's."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A database as it is.  `others` are what is no table: views, routines, events."""

    name: str
    charset: str
    schema: Schema
    others: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.schema.tables and not self.others


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a database compares with a script.

    `missing` names each table, index and foreign key that the script creates and the database lacks; `foreign`
    the tables that are not the script's.
    """

    state: SchemaState
    missing: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def read_contents(
    session: DatabaseSession, database: str, *, fold: bool, deep: bool = True
) -> Contents | None:
    """What the database holds, as far as this account may see it; None where it sees no such database.

    `fold`: the server compares names without regard to case.  Without `deep` only the tables' names are read: an
    analytics store has thousands, and MySQL 5.6 opens each of them to tell more.
    """
    same = _folded if fold else _plain
    where = "information_schema.SCHEMATA WHERE SCHEMA_NAME = %s"
    found = session.rows(f"SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME FROM {where}", (database,))
    # The server's own comparison may ignore case where its names do not.
    row = next((row for row in found if same(_text(row[0])) == same(database)), None)
    if row is None:
        return None
    name = _text(row[0])

    def rows(columns: str, table: str, more: str = "") -> list[tuple[str, ...]]:
        column = "ROUTINE_SCHEMA" if table == "ROUTINES" else _SCHEMA.get(table, "TABLE_SCHEMA")
        statement = f"SELECT {column}, {columns} FROM information_schema.{table} WHERE {column} = %s {more}"
        return [
            tuple(_text(value) for value in row[1:])
            for row in session.rows(statement, (name,))
            if _text(row[0]) == name
        ]

    if not deep:
        tables = sorted(table for (table,) in rows("TABLE_NAME", "TABLES"))
        return Contents(name, _text(row[1]), Schema(tuple(tables), (), ()))
    kinds = rows("TABLE_NAME, TABLE_TYPE", "TABLES")
    tables = sorted(table for table, kind in kinds if "VIEW" not in kind)
    others = [f"view {table}" for table, kind in kinds if "VIEW" in kind]
    others += [f"routine {routine}" for (routine,) in rows("ROUTINE_NAME", "ROUTINES")]
    others += [f"event {event}" for (event,) in rows("EVENT_NAME", "EVENTS")]
    columns = rows(
        "TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME",
        "STATISTICS",
        "ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
    )
    keys = rows(
        "TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME",
        "KEY_COLUMN_USAGE",
        "AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
    )
    schema = Schema(tuple(tables), tuple(_indexes(columns)), tuple(_foreign_keys(keys)))
    return Contents(name, _text(row[1]), schema, tuple(others))


_SCHEMA = {"EVENTS": "EVENT_SCHEMA"}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _indexes(rows: Iterable[tuple[str, ...]]) -> list[Index]:
    columns: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for table, index, non_unique, column in rows:
        columns[table, index, non_unique == "0"].append(column.lower())
    return [Index(table, tuple(of), unique, name) for (table, name, unique), of in columns.items()]


def _foreign_keys(rows: Iterable[tuple[str, ...]]) -> list[ForeignKey]:
    columns: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for table, name, column, target, target_column in rows:
        columns[table, name, target].append((column.lower(), target_column.lower()))
    return [
        ForeignKey(table, tuple(one for one, _ in pairs), target, tuple(other for _, other in pairs), name)
        for (table, name, target), pairs in columns.items()
    ]


# --- comparing ----------------------------------------------------------------------------------------------


def compare(contents: Contents | None, scripts: Sequence[Schema], *, fold: bool) -> Verdict:
    """How the database compares with what a script creates; whole by any of the pack's scripts is whole.

    `scripts`: the one that fits the server first; that one's names are used for what is missing.  What the
    database holds beyond the script's tables makes a whole schema no less whole: products share databases.
    """
    if contents is None:
        return Verdict("absent")
    if contents.empty:
        return Verdict("empty")
    best: Verdict | None = None
    for script in scripts:
        verdict = _against(contents, script, fold=fold)
        if best is None or len(verdict.missing) < len(best.missing):
            best = verdict
    return best or Verdict("other", foreign=contents.schema.tables + contents.others)


def _against(contents: Contents, script: Schema, *, fold: bool) -> Verdict:
    same = _folded if fold else _plain
    there = {same(table) for table in contents.schema.tables}
    wanted = {same(table) for table in script.tables}
    foreign = tuple(table for table in contents.schema.tables if same(table) not in wanted)
    if not there & wanted:
        return Verdict("other", foreign=foreign + contents.others)
    missing = [f"table {table}" for table in script.tables if same(table) not in there]
    for table in script.tables:
        if same(table) in there:
            missing += [str(index) for index in _missing_indexes(contents.schema, script, table, same)]
            missing += [str(key) for key in _missing_keys(contents.schema, script, table, same)]
    return Verdict("partial" if missing else "whole", tuple(missing), foreign)


def _missing_indexes(there: Schema, script: Schema, table: str, same: _Same) -> list[Index]:
    """The script's indexes of a table that are not there, whatever name they have there.

    Two equal indexes have to be there twice.  The index that InnoDB makes by itself for a foreign key carries
    that key's name, or its first column's, and goes when a real one comes: it does not count for one.
    """
    here = [index for index in there.indexes if same(index.table) == same(table)]
    keys = [key for key in there.foreign_keys if same(key.table) == same(table)]
    implicit = {(key.columns, name.lower()) for key in keys for name in (key.name, key.columns[0]) if name}
    wanted = [index for index in script.indexes if same(index.table) == same(table)]
    names = {(index.name or index.columns[0]).lower() for index in wanted}
    usable = [
        index
        for index in here
        if (index.columns, (index.name or "").lower()) not in implicit or (index.name or "").lower() in names
    ]
    missing = []
    for index in wanted:
        match = next((one for one in usable if _alike(one, index)), None)
        if match is None:
            missing.append(index)
        else:
            usable.remove(match)
    return missing


def _alike(one: Index, other: Index) -> bool:
    return one.columns == other.columns and one.unique == other.unique and one.primary == other.primary


def _missing_keys(there: Schema, script: Schema, table: str, same: _Same) -> list[ForeignKey]:
    here = {
        (key.columns, same(key.target), key.target_columns)
        for key in there.foreign_keys
        if same(key.table) == same(table)
    }
    return [
        key
        for key in script.foreign_keys
        if same(key.table) == same(table) and (key.columns, same(key.target), key.target_columns) not in here
    ]


class _Same:
    """How a name is brought into the form in which names are compared."""

    def __init__(self, fold: bool) -> None:
        self.fold = fold

    def __call__(self, name: str) -> str:
        return name.lower() if self.fold else name


_folded = _Same(True)
_plain = _Same(False)
