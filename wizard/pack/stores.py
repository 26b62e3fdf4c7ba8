"""The tables that a pack's record stores create in MySQL, and how large a row of them can be (procedure, chapter 2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.pack.home import Pack

RDBMS_CONFIG = "repository/conf/analytics/rdbms-config.xml"

LARGEST_ROW = 65_535
"""Bytes that a row may have in MySQL and MariaDB, whatever the storage engine; `CREATE TABLE` fails beyond."""

SINGLE_BYTE = "latin1"
"""The character set of the stores where a multi-byte one does not fit; their text columns hold Base64."""

WIDEST = 4
"""Bytes of the longest character of any character set: that of utf8mb4."""

TABLE_PREFIX = "ANX"
"""What the names of all record tables of a store begin with."""

# Like any name of a record table: 15 characters (procedure, chapter 2).
_TABLE = f"{TABLE_PREFIX}___8GO8JC2Q_"

# Every multi-byte character set of MySQL and MariaDB → the most bytes of one character.
_WIDTHS = {
    charset: width
    for width, charsets in {
        2: "big5 cp932 euckr gb2312 gbk sjis ucs2",
        3: "eucjpms ujis utf8 utf8mb3",
        4: "gb18030 utf16 utf16le utf32 utf8mb4",
    }.items()
    for charset in charsets.split()
}

# Bytes of a column in a row, where they depend neither on a length nor on the character set.  A BLOB or TEXT counts
# with its length bytes and a pointer.
_FIXED = {
    kind: size
    for size, kinds in {
        1: "tinyint bool boolean year",
        2: "smallint",
        3: "mediumint date",
        4: "int integer float",
        6: "time",
        7: "timestamp",
        8: "bigint double real datetime",
        9: "tinyblob tinytext",
        10: "blob text",
        11: "mediumblob mediumtext",
        12: "longblob longtext json",
    }.items()
    for kind in kinds.split()
}
_UNKNOWN = 8

_NO_COLUMN = re.compile(
    r"(primary|unique|key|index|constraint|foreign|check|fulltext|spatial)\b", re.IGNORECASE
)
_COLUMN = re.compile(
    r"\S+\s+(?P<type>[a-z]\w*)\s*(?:\(\s*(?P<length>\d{1,9})[^)]*\))?(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_QUOTED = re.compile(r"'[^']*'|`[^`]*`")
_GROUP = r"\((?:[^()]|\([^()]*\))*\)"
_DEFINITIONS = re.compile(rf"[^(]*\((?P<columns>(?:[^()]|{_GROUP})*)(?P<options>.*)", re.DOTALL)
_DEFINITION = re.compile(rf"(?:[^(),]|{_GROUP})+")
_CHARSET = re.compile(
    r"\b(?:character\s+set|charset)\s*=?\s*['\"]?(\w+)|\bcollate\s*=?\s*['\"]?([a-z0-9]+)_", re.IGNORECASE
)


def charset_width(charset: str) -> int:
    """Return the most bytes that a character of this character set takes; 1 for one that is not multi-byte."""
    return _WIDTHS.get(charset.lower(), 1)


def store_tables(pack: Pack) -> list[str]:
    """Return the `CREATE TABLE` of each category for MySQL, expanded as the server does; none without the file.

    Raises EditError for a file that cannot be read or parsed.
    """
    if not pack.exists(RDBMS_CONFIG):
        return []
    found = []
    for database in pack.xml(RDBMS_CONFIG).all("database"):
        queries = database.all("recordTableInitQueries/query")
        if queries and _is_mysql(database.get("name") or ""):
            counts = database.all("recordExtDataFieldCount")
            text = counts[0].text.strip() if counts else ""
            count = int(text) if re.fullmatch(r"\d{1,4}", text) else 0
            found.append(expanded(queries[0].text, count))
    return found


def _is_mysql(name: str) -> bool:
    """Whether a `database` of the configuration is for MySQL: its name is a pattern for the product's name."""
    try:
        return re.fullmatch(name.strip(), "MySQL", re.IGNORECASE) is not None
    except re.error:
        return False


def expanded(query: str, count: int, table: str = _TABLE) -> str:
    """Return a query with the table's name and `count` extra columns, as the server expands it.

    Source: procedure, chapter 2: the text in `[ ]` is repeated, joined by `, `, with `{{EXT_FIELD}}` as ED0, ED1, …
    """

    def columns(found: re.Match[str]) -> str:
        return ", ".join(found[1].replace("{{EXT_FIELD}}", f"ED{number}") for number in range(count))

    return re.sub(r"\[([^\]]*)\]", columns, query.replace("{{TABLE_NAME}}", table))


def row_size(statement: str, width: int) -> int:
    """Return the bytes that a row of this table can have, in a character set of `width` bytes a character.

    A character set that the statement itself names counts in place of `width`.
    """
    # In quotes are names, defaults and character sets: none of their parentheses and commas is one of the statement.
    plain = _QUOTED.sub(lambda quoted: re.sub(r"\W", "_", quoted[0][1:-1]), statement)
    table = _DEFINITIONS.match(plain)
    if table is None:
        return 0
    width = _own_width(table["options"]) or width
    parts = (part.strip() for part in _DEFINITION.findall(table["columns"]))
    columns = [found for part in parts if not _NO_COLUMN.match(part) and (found := _COLUMN.fullmatch(part))]
    nullable = sum("not null" not in " ".join(one["rest"].lower().split()) for one in columns)
    return sum(_column_size(one, width) for one in columns) + (nullable + 7) // 8


def largest_row(packs: Iterable[Pack], width: int) -> int:
    """Return the bytes of the largest row that a store table of these packs can have; 0 where nothing says.

    Raises EditError as `store_tables` does.
    """
    return max((row_size(table, width) for pack in packs for table in store_tables(pack)), default=0)


def needs_single_byte(packs: Iterable[Pack]) -> bool:
    """Whether the store tables of these packs cannot be created in every character set.  Raises EditError."""
    return largest_row(packs, WIDEST) > LARGEST_ROW


def _own_width(text: str) -> int | None:
    found = _CHARSET.search(text)
    return None if found is None else charset_width(found[1] or found[2])


def _column_size(column: re.Match[str], width: int) -> int:
    kind, length = column["type"].lower(), int(column["length"] or 1)
    width = _own_width(column["rest"]) or width
    if kind in ("nchar", "nvarchar"):  # the national character set is utf8, whatever the table's
        kind, width = kind[1:], _WIDTHS["utf8"]
    if kind in ("binary", "varbinary"):
        kind, width = kind.replace("binary", "char"), 1
    if kind == "char":
        return length * width
    if kind == "varchar":
        return length * width + (1 if length * width < 256 else 2)
    if kind in ("decimal", "numeric"):
        return length // 2 + 2
    if kind == "bit":
        return (length + 7) // 8
    return _FIXED.get(kind, _UNKNOWN)
