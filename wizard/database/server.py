"""What kind of server it is, and what follows from that (procedure, chapter 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wizard.database.greeting import Greeting, server_name

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession

_VARIABLES = (
    "character_set_server",
    "innodb_default_row_format",
    "innodb_force_primary_key",
    "innodb_large_prefix",
    "innodb_read_only",
    "lower_case_table_names",
    "max_connections",
    "max_user_connections",
    "read_only",
    "require_secure_transport",
    "sql_require_primary_key",
    "version_compile_os",
)

# MySQL 8.0.13 and later (error 3750), and MariaDB (error 1173).
_PRIMARY_KEY_VARIABLES = ("sql_require_primary_key", "innodb_force_primary_key")

# Bytes that an index may have: InnoDB's old row formats, and the new ones (procedure, chapter 2).
_SHORT_INDEX = 767
_LONG_INDEX = 3072
# The longest columns with an index: UM_TENANT.UM_DOMAIN_NAME VARCHAR(255), whose index is unique and cannot be
# cut, and REG_PATH.REG_PATH_VALUE VARCHAR(750), whose index can, where the server cuts instead of refusing.
_UNIQUE_CHARACTERS = 255
_INDEXED_CHARACTERS = 750

LENIENT = "NO_ENGINE_SUBSTITUTION"
"""The SQL mode for scripts on old servers and MariaDB: MySQL 5.6's own default.

A strict mode, which many a `my.cnf` of 5.6 sets, refuses the index of REG_PATH with `utf8` (error 1071) instead of
cutting it, and NO_ZERO_DATE refuses `mysql.sql` (1067).  Measured on 5.6.24.
"""


def script_mode(version: tuple[int, ...], *, mariadb: bool) -> str | None:
    """The SQL mode in which the pack's script is run; None: the server's own, as measured."""
    return LENIENT if mariadb or version < (5, 7) else None


@dataclass(frozen=True, slots=True)
class Server:
    """A server's facts.  Names of character sets and the operating system are as the server writes them."""

    version: tuple[int, ...]
    text: str
    mariadb: bool
    os: str
    charset: str
    """What new databases get where nothing else is said."""
    charsets: Mapping[str, int]
    """Each character set that it knows → the most bytes that a character of it takes."""
    lower_case_table_names: int
    tls: bool
    max_connections: int
    read_only: bool
    short_indexes: bool
    """Whether an index ends at 767 bytes."""
    max_user_connections: int = 0
    """Connections that each account may have at a time; 0: no limit of the server's own."""
    requires_tls: bool = False
    """Whether every log-in over the network needs TLS."""
    primary_key_variable: str | None = None
    """The variable by which a table without a primary key is refused; None: it is not."""

    @property
    def name(self) -> str:
        """For people: `MySQL 5.6.24`, `MariaDB 10.11.19`."""
        return server_name(self.version, mariadb=self.mariadb)

    @property
    def windows(self) -> bool:
        return self.os.lower().startswith("win")

    @property
    def folds_names(self) -> bool:
        """Whether names of databases and tables are compared without regard to case."""
        return self.lower_case_table_names != 0

    @property
    def index_limit(self) -> int:
        """Bytes that an index may have."""
        return _SHORT_INDEX if self.short_indexes else _LONG_INDEX

    def charset_for(self, wanted: str | None) -> str:
        """The character set of new databases: the wanted one, else `latin1` on Windows, else the server's."""
        return wanted or ("latin1" if self.windows else self.charset)

    def width(self, charset: str) -> int | None:
        """The most bytes of a character; None for a character set that the server does not know."""
        name = charset.lower()
        if name not in self.charsets and name == "utf8":
            name = "utf8mb3"  # how newer servers call it
        return self.charsets.get(name)

    def schema_fits(self, charset: str, *, by_servers: bool = False) -> bool | None:
        """Whether the pack's tables can be made with this character set; None where it is unknown here.

        `by_servers`: with `-Dsetup`, by Connector/J, whose sessions are strict.
        """
        width = self.width(charset)
        if width is None:
            return None
        cuts = self.short_indexes and script_mode(self.version, mariadb=self.mariadb) and not by_servers
        old = self.version < ((10, 2) if self.mariadb else (5, 7))
        longest = _UNIQUE_CHARACTERS if cuts and old else _INDEXED_CHARACTERS
        return width * longest <= self.index_limit


def read_server(session: DatabaseSession) -> Server:
    """Ask the server; any account may.  Raises DatabaseError."""
    marks = ", ".join(["%s"] * len(_VARIABLES))
    found = session.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({marks})", _VARIABLES)
    values = {str(key).lower(): str(value) for key, value in found}
    charsets = {str(row[0]).lower(): int(row[3]) for row in session.rows("SHOW CHARACTER SET")}
    greeting = session.greeting
    return Server(
        version=greeting.version,
        text=greeting.text,
        mariadb=greeting.mariadb,
        os=values.get("version_compile_os", ""),
        charset=values.get("character_set_server", ""),
        charsets=charsets,
        lower_case_table_names=int(values.get("lower_case_table_names", "0")),
        tls=greeting.tls,
        max_connections=int(values.get("max_connections", "0")),
        read_only=_on(values.get("read_only")) or _on(values.get("innodb_read_only")),
        short_indexes=_short_indexes(greeting, values),
        max_user_connections=int(values.get("max_user_connections", "0")),
        requires_tls=_on(values.get("require_secure_transport")),
        primary_key_variable=next((name for name in _PRIMARY_KEY_VARIABLES if _on(values.get(name))), None),
    )


def _on(value: str | None) -> bool:
    return (value or "").upper() in ("ON", "1", "YES")


def _short_indexes(greeting: Greeting, values: Mapping[str, str]) -> bool:
    """Without `ROW_FORMAT=` in the script, what counts is the server's default row format.

    MySQL before 5.7 and MariaDB before 10.2 take COMPACT, whatever `innodb_large_prefix` says.
    """
    if greeting.version < ((10, 2) if greeting.mariadb else (5, 7)):
        return True
    if values.get("innodb_default_row_format", "dynamic").lower() in ("compact", "redundant"):
        return True
    return "innodb_large_prefix" in values and not _on(values["innodb_large_prefix"])
