"""What a database holds, and how it compares with what the pack's script creates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from wizard.database.quoting import as_text
from wizard.database.script import ForeignKey, Index, Schema

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession

SchemaState = Literal["absent", "empty", "whole", "partial", "other"]
"""`partial`: some of the script's tables; `other`: tables, and none of them the script's."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A database and its contents.  `others` are views, routines and events."""

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
    """Return what the database holds, as far as this account may see it; None if it sees no such database.

    `fold`: the server compares names without regard to case.  Without `deep` only the tables' names are read: an
    analytics store has thousands, and MySQL 5.6 opens each of them to return more.
    """
    same = _comparable(fold)

    def rows(table: str, column: str, name: str, columns: str, more: str = "") -> list[tuple[str, ...]]:
        statement = f"SELECT {column}, {columns} FROM information_schema.{table} WHERE {column} = %s {more}"
        return [tuple(map(as_text, row)) for row in session.rows(statement, (name,))]

    found = rows("SCHEMATA", "SCHEMA_NAME", database, "DEFAULT_CHARACTER_SET_NAME")
    # The server's own comparison may ignore case where its names do not.
    name, charset = next((row for row in found if same(row[0]) == same(database)), (None, ""))
    if name is None:
        return None

    def within(
        table: str, columns: str, more: str = "", column: str = "TABLE_SCHEMA"
    ) -> list[tuple[str, ...]]:
        return [row[1:] for row in rows(table, column, name, columns, more) if row[0] == name]

    if not deep:
        tables = sorted(table for (table,) in within("TABLES", "TABLE_NAME"))
        return Contents(name, charset, Schema(tuple(tables), (), ()))
    kinds = within("TABLES", "TABLE_NAME, TABLE_TYPE")
    tables = sorted(table for table, kind in kinds if "VIEW" not in kind)
    others = [f"view {table}" for table, kind in kinds if "VIEW" in kind]
    for kind in ("routine", "event"):
        named = within(f"{kind.upper()}S", f"{kind}_NAME", column=f"{kind.upper()}_SCHEMA")
        others += [f"{kind} {other}" for (other,) in named]
    columns = within(
        "STATISTICS",
        "TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME",
        "ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
    )
    keys = within(
        "KEY_COLUMN_USAGE",
        "TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME",
        "AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
    )
    schema = Schema(tuple(tables), tuple(_indexes(columns)), tuple(_foreign_keys(keys)))
    return Contents(name, charset, schema, tuple(others))


def _comparable(fold: bool) -> Callable[[str], str]:
    """Return the function that brings names into the form in which the server compares them."""
    return str.lower if fold else str


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
    """Compare the database with what the pack's scripts create; whole by any of them is whole.

    `scripts`: the one that fits the server first; missing parts are named by that one.  Further tables are allowed
    beside a whole schema: products share databases.
    """
    if contents is None:
        return Verdict("absent")
    if contents.empty:
        return Verdict("empty")
    verdicts = [_against(contents, script, fold=fold) for script in scripts]
    other = Verdict("other", foreign=contents.schema.tables + contents.others)
    return min(verdicts, key=lambda verdict: len(verdict.missing), default=other)


def _against(contents: Contents, script: Schema, *, fold: bool) -> Verdict:
    same, schema = _comparable(fold), contents.schema
    there = {same(table) for table in schema.tables}
    wanted = {same(table) for table in script.tables}
    foreign = tuple(table for table in schema.tables if same(table) not in wanted)
    if not there & wanted:
        return Verdict("other", foreign=foreign + contents.others)
    missing = [f"table {table}" for table in script.tables if same(table) not in there]
    for table in map(same, script.tables):
        if table in there:
            here, from_script = _of_table(schema, table, same), _of_table(script, table, same)
            missing += map(str, _missing_indexes(here, from_script))
            missing += map(str, _missing_keys(here, from_script, same))
    return Verdict("partial" if missing else "whole", tuple(missing), foreign)


def _of_table(schema: Schema, table: str, same: Callable[[str], str]) -> Schema:
    """Return the part of the schema that belongs to one table."""
    return Schema(
        (table,),
        tuple(index for index in schema.indexes if same(index.table) == table),
        tuple(key for key in schema.foreign_keys if same(key.table) == table),
    )


def _missing_indexes(here: Schema, script: Schema) -> list[Index]:
    """Return the script's indexes of a table that the database lacks, whatever their names there.

    Two equal indexes must both exist.  The index that InnoDB creates for a foreign key has that key's name, or its
    first column's, and is dropped when a real one is created: it does not count.
    """
    implicit = {
        (key.columns, name.lower())
        for key in here.foreign_keys
        for name in (key.name, key.columns[0])
        if name
    }
    names = {(index.name or index.columns[0]).lower() for index in script.indexes}
    usable = [
        index
        for index in here.indexes
        if (index.columns, (index.name or "").lower()) not in implicit or (index.name or "").lower() in names
    ]
    missing = []
    for index in script.indexes:
        match = next((one for one in usable if _shape(one) == _shape(index)), None)
        if match is None:
            missing.append(index)
        else:
            usable.remove(match)
    return missing


def _shape(index: Index) -> tuple[object, ...]:
    return index.columns, index.unique, index.primary


def _missing_keys(here: Schema, script: Schema, same: Callable[[str], str]) -> list[ForeignKey]:
    def shape(key: ForeignKey) -> tuple[object, ...]:
        return key.columns, same(key.target), key.target_columns

    there = {shape(key) for key in here.foreign_keys}
    return [key for key in script.foreign_keys if shape(key) not in there]
