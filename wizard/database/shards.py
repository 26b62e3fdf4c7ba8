"""Which nodes own the index shards of an event store, read from its database (procedure, chapter 1).

Up to carbon-analytics 1.3.18 the event store keeps the owners of each index shard in a record table of its own.  The
contents of that table are not trusted: reading is limited, and malformed records are only counted.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from wizard.database.quoting import as_text, identifier

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession
    from wizard.database.schema import Contents

TABLE = "ANX___8GO8JC2Q_"
"""The table of `__GLOBAL_SHARD_ALLOCATION_CONFIG__` of the tenant -1000."""

MOST_RECORDS = 1024
"""Records that are read; a store has one for each index shard, 6 by default."""

LARGEST_RECORD = 16 * 1024
"""Bytes of a record that is read: a few node ids of 36 characters, each with a value."""

LONGEST_ID = 256
"""Characters of a node id."""


class ShardOwners(NamedTuple):
    """The node ids that own shards, and how many records could not be read."""

    node_ids: frozenset[str]
    unreadable: int


def shard_owners(session: DatabaseSession, store: Contents, *, fold: bool) -> ShardOwners:
    """Return the owners that the event store names; none if it has no such table.  Raises DatabaseError."""
    same = str.lower if fold else str
    table = next((one for one in store.schema.tables if same(one) == same(TABLE)), "")
    found_columns = session.rows(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
        (store.name, table),
    )
    columns = {name.lower(): name for name in (as_text(row[0]) for row in found_columns)}
    extra = sorted(
        (name for name in columns if re.fullmatch(r"ed\d{1,4}", name)), key=lambda name: int(name[2:])
    )
    if "data" not in columns:
        return ShardOwners(frozenset(), 0)
    names = [identifier(columns[name]) for name in ("data", *extra)]
    size = " + ".join(f"COALESCE(LENGTH({name}), 0)" for name in names)
    fits = f"{size} <= {LARGEST_RECORD}"
    # The server does not send a record that is too long.
    wanted = ", ".join([fits, *(f"IF({fits}, {name}, NULL)" for name in names)])
    found: set[str] = set()
    unreadable = 0
    statement = f"SELECT {wanted} FROM {identifier(store.name, table)} LIMIT {MOST_RECORDS}"
    for sent, data, *fields in session.rows(statement, most=MOST_RECORDS * (LARGEST_RECORD + 1024)):
        owners = keys_of(fields, data) if sent else None
        if owners is None:
            unreadable += 1
        else:
            found |= owners
    return ShardOwners(frozenset(found), unreadable)


def keys_of(fields: Sequence[object], data: object) -> frozenset[str] | None:
    """Return the keys of a record; None for a malformed one.

    Args:
        fields: the extra columns in their order, which together hold Base64; none in tables without them.
        data: the bytes that follow.
    """
    try:
        encoded = "".join(as_text(field) for field in fields if field is not None)
        content = base64.b64decode(encoded, validate=True) + _bytes(data)
    except (binascii.Error, ValueError):
        return None
    keys = set()
    at = 0
    while at < len(content):
        key, at = _sized(content, at)
        # One byte is the type of the value.
        value, at = _sized(content, at + 1)
        if key is None or value is None:
            return None
        try:
            text = key.decode("utf-8")
        except UnicodeDecodeError:
            return None
        if not 0 < len(text) <= LONGEST_ID or not text.isprintable():
            return None
        keys.add(text)
    return frozenset(keys)


def _sized(content: bytes, at: int) -> tuple[bytes | None, int]:
    """Return the bytes after a length of four bytes, and their end; None if there are fewer."""
    if at + 4 > len(content):
        return None, len(content)
    end = at + 4 + int.from_bytes(content[at : at + 4], "big", signed=True)
    if not at + 4 <= end <= len(content):
        return None, len(content)
    return content[at + 4 : end], end


def _bytes(value: object) -> bytes:
    if value is None:
        return b""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
