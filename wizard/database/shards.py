"""Which nodes own the index shards of an event store, read from its database (procedure, chapter 1).

Up to carbon-analytics 1.3.18 the event store keeps the owners of each index shard in a record table of its own.  The
contents of that table are not trusted: reading is limited, and malformed records are only counted.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from wizard.database.names import as_text, identifier

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession
    from wizard.database.schema import Contents

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
