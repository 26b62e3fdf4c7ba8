"""What a database holds: its schema, compared with what the pack's script creates; the owners of an event store."""

from __future__ import annotations

import base64
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from wizard.database.names import as_text, identifier
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
    fold: bool = False
    """The server compares names without regard to case."""

    @property
    def empty(self) -> bool:
        return not self.schema.tables and not self.others

    def same(self, name: str) -> str:
        """Return a name in the form in which the server compares it."""
        return name.lower() if self.fold else name


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

    `fold`: see `Contents`.  Without `deep` only the tables' names are read: an analytics store has thousands, and
    MySQL 5.6 opens each of them to return more.
    """

    def rows(table: str, columns: str, more: str = "", owner: str = "TABLE_SCHEMA") -> list[tuple[str, ...]]:
        statement = f"SELECT {owner}, {columns} FROM information_schema.{table} WHERE {owner} = %s {more}"
        found = [tuple(map(as_text, row)) for row in session.rows(statement, (database,))]
        # The server's own comparison may ignore case where its names do not.
        return [
            row[1:] for row in found if row[0] == database or (fold and row[0].lower() == database.lower())
        ]

    databases = rows("SCHEMATA", "SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME", owner="SCHEMA_NAME")
    if not databases:
        return None
    ((database, charset),) = databases
    if not deep:
        names = sorted(name for (name,) in rows("TABLES", "TABLE_NAME"))
        return Contents(database, charset, Schema(tuple(names)), fold=fold)
    kinds = rows("TABLES", "TABLE_NAME, TABLE_TYPE")
    others = [f"view {table}" for table, kind in kinds if "VIEW" in kind]
    for kind in ("ROUTINE", "EVENT"):
        named = rows(f"{kind}S", f"{kind}_NAME", owner=f"{kind}_SCHEMA")
        others += [f"{kind.lower()} {name}" for (name,) in named]
    order = "ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
    indexes = rows("STATISTICS", "TABLE_NAME, NON_UNIQUE, INDEX_NAME, COLUMN_NAME", order)
    keys = rows(
        "KEY_COLUMN_USAGE",
        "TABLE_NAME, REFERENCED_TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_COLUMN_NAME",
        "AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
    )
    schema = Schema(
        tuple(sorted(table for table, kind in kinds if "VIEW" not in kind)),
        tuple(
            Index(table, columns, non_unique == "0", name)
            for (table, non_unique, name), (columns,) in _grouped(indexes)
        ),
        tuple(
            ForeignKey(table, columns, target, targets, name)
            for (table, target, name), (columns, targets) in _grouped(keys)
        ),
    )
    return Contents(database, charset, schema, tuple(others), fold)


def _grouped(rows: list[tuple[str, ...]]) -> list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]:
    """Return the first three values of the rows, each with what follows in its rows, by column and in lower case."""
    groups: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for row in rows:
        groups[row[:3]].append([value.lower() for value in row[3:]])
    return [(head, tuple(zip(*found, strict=True))) for head, found in groups.items()]


def compare(contents: Contents | None, scripts: Sequence[Schema]) -> Verdict:
    """Compare the database with what the pack's scripts create; whole by any of them is whole.

    `scripts`: the one that fits the server first; missing parts are named by that one.  Further tables are allowed
    beside a whole schema: products share databases.
    """
    if contents is None:
        return Verdict("absent")
    if contents.empty:
        return Verdict("empty")
    verdicts = [_against(contents, script) for script in scripts]
    other = Verdict("other", foreign=contents.schema.tables + contents.others)
    return min(verdicts, key=lambda verdict: len(verdict.missing), default=other)


def _against(contents: Contents, script: Schema) -> Verdict:
    same, here = contents.same, contents.schema
    there, wanted = set(map(same, here.tables)), set(map(same, script.tables))
    foreign = tuple(table for table in here.tables if same(table) not in wanted)
    if not there & wanted:
        return Verdict("other", foreign=foreign + contents.others)

    def shape(key: ForeignKey) -> tuple[object, ...]:
        return same(key.table), key.columns, same(key.target), key.target_columns

    keys = set(map(shape, here.foreign_keys))
    lacking: list[Index | ForeignKey] = [*_missing_indexes(contents, script)]
    lacking += [key for key in script.foreign_keys if shape(key) not in keys]
    missing = [f"table {table}" for table in script.tables if same(table) not in there]
    missing += [str(one) for one in lacking if same(one.table) in there]
    return Verdict("partial" if missing else "whole", tuple(missing), foreign)


def _missing_indexes(contents: Contents, script: Schema) -> list[Index]:
    """Return the script's indexes that the database lacks, whatever their names there.

    Two equal indexes must both exist.  The index that InnoDB creates for a foreign key has that key's name, or its
    first column's, and is dropped when a real one is created: it does not count.
    """
    same, here = contents.same, contents.schema

    def named(index: Index) -> tuple[str, str]:
        return same(index.table), (index.name or "".join(index.columns[:1])).lower()

    def shape(index: Index) -> tuple[object, ...]:
        return same(index.table), index.columns, index.unique, index.name == "PRIMARY"

    implicit = {
        (same(key.table), name.lower(), key.columns)
        for key in here.foreign_keys
        for name in (key.name or "", key.columns[0])
    }
    names = set(map(named, script.indexes))
    usable = Counter(
        shape(index)
        for index in here.indexes
        if (*named(index), index.columns) not in implicit or named(index) in names
    )
    missing = []
    for index in script.indexes:
        usable[shape(index)] -= 1
        if usable[shape(index)] < 0:
            missing.append(index)
    return missing


# --- the owners of the index shards of an event store -------------------------------------------------------

# Up to carbon-analytics 1.3.18 the event store keeps the owners of each index shard in a record table of its own
# (procedure, chapter 1).  Its contents are not trusted: reading is limited, and malformed records are only counted.

TABLE = "ANX___8GO8JC2Q_"
"""The table of `__GLOBAL_SHARD_ALLOCATION_CONFIG__` of the tenant -1000."""

LARGEST_RECORD = 16 * 1024
"""Bytes of a record that is read: a few node ids of 36 characters, each with a value."""

_MOST_RECORDS = 1024  # that are read; a store has one for each index shard, 6 by default
_LONGEST_ID = 256  # characters of a node id


class ShardOwners(NamedTuple):
    """The node ids that own shards, and how many records could not be read."""

    node_ids: frozenset[str]
    unreadable: int


def shard_owners(session: DatabaseSession, store: Contents) -> ShardOwners:
    """Return the owners that the event store names; none if it has no such table.  Raises DatabaseError."""
    table = next((one for one in store.schema.tables if store.same(one) == store.same(TABLE)), "")
    found_columns = session.rows(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
        (store.name, table),
    )
    columns = {as_text(name).lower(): as_text(name) for (name,) in found_columns}
    if "data" not in columns:
        return ShardOwners(frozenset(), 0)
    extra = sorted((int(name[2:]), name) for name in columns if re.fullmatch(r"ed\d{1,4}", name))
    names = [identifier(columns[name]) for name in ("data", *(name for _, name in extra))]
    fits = " + ".join(f"COALESCE(LENGTH({name}), 0)" for name in names) + f" <= {LARGEST_RECORD}"
    # The server does not send a record that is too long.
    wanted = ", ".join([fits, *(f"IF({fits}, {name}, NULL)" for name in names)])
    statement = f"SELECT {wanted} FROM {identifier(store.name, table)} LIMIT {_MOST_RECORDS}"
    rows = session.rows(statement, most=_MOST_RECORDS * (LARGEST_RECORD + 1024))
    owners = [keys_of(fields, data) if sent else None for sent, data, *fields in rows]
    return ShardOwners(frozenset().union(*filter(None, owners)), owners.count(None))


def keys_of(fields: Sequence[object], data: object) -> frozenset[str] | None:
    """Return the keys of a record; None for a malformed one.

    Args:
        fields: the extra columns in their order, which together hold Base64; none in tables without them.
        data: the bytes that follow.
    """
    keys = set()
    try:
        encoded = "".join(as_text(field) for field in fields if field is not None)
        content = base64.b64decode(encoded, validate=True)
        content += data if isinstance(data, bytes) else str(data or "").encode("utf-8", "surrogateescape")
        while content:
            key, content = _sized(content)
            _, content = _sized(content[1:])  # one byte is the type of the value
            keys.add(key.decode("utf-8"))
    except ValueError:  # of Base64, of a length, of UTF-8
        return None
    valid = all(0 < len(key) <= _LONGEST_ID and key.isprintable() for key in keys)
    return frozenset(keys) if valid else None


def _sized(content: bytes) -> tuple[bytes, bytes]:
    """Return the bytes after a length of four bytes, and the rest.  ValueError if there are fewer."""
    end = 4 + int.from_bytes(content[:4], "big", signed=True)
    if not 4 <= end <= len(content):
        raise ValueError("the record is cut")
    return content[4:end], content[end:]
