"""The facts of a server, and what follows from them (procedure, chapter 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession, Greeting

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


def script_mode(server: Greeting) -> str | None:
    """Return the SQL mode in which the pack's script is run; None: the server's own, as measured."""
    return LENIENT if server.mariadb or server.is_before((5, 7)) else None


@dataclass(frozen=True, slots=True)
class Server:
    """A server's facts.  Names of character sets and the operating system are as the server writes them."""

    greeting: Greeting
    os: str
    charset: str
    """The default of new databases."""
    charsets: Mapping[str, int]
    """Each character set that it knows → the most bytes of a character."""
    lower_case_table_names: int
    max_connections: int
    read_only: bool
    index_limit: int
    """Bytes that an index may have."""
    max_user_connections: int = 0
    """Concurrent connections of each account; 0: no limit of the server's own."""
    requires_tls: bool = False
    """Whether every login over the network needs TLS."""
    primary_key_variable: str | None = None
    """The variable by which a table without a primary key is refused; None: it is not."""

    @property
    def folds_names(self) -> bool:
        """Whether the names of databases and tables are compared without regard to case."""
        return self.lower_case_table_names != 0

    def charset_for(self, wanted: str | None) -> str:
        """Return the character set of new databases: the wanted one, else `latin1` on Windows, else the server's."""
        return wanted or ("latin1" if self.os.lower().startswith("win") else self.charset)

    def width(self, charset: str) -> int | None:
        """Return the most bytes of a character; None for a character set that the server does not know."""
        name = charset.lower()
        if name not in self.charsets and name == "utf8":
            name = "utf8mb3"  # its name on newer servers
        return self.charsets.get(name)

    def schema_fits(self, charset: str, *, by_servers: bool = False) -> bool | None:
        """Whether the pack's tables can be created with this character set; None for an unknown one.

        `by_servers`: with `-Dsetup`, by Connector/J, whose sessions are strict.
        """
        width = self.width(charset)
        if width is None:
            return None
        cuts = self.index_limit == _SHORT_INDEX and script_mode(self.greeting) and not by_servers
        longest = _UNIQUE_CHARACTERS if cuts and _is_old(self.greeting) else _INDEXED_CHARACTERS
        return width * longest <= self.index_limit


def read_server(session: DatabaseSession) -> Server:
    """Ask the server; any account may.  Raises DatabaseError."""
    values = {str(key).lower(): str(value) for key, value in session.rows("SHOW GLOBAL VARIABLES")}

    def is_on(*names: str) -> bool:
        return any(values.get(name, "").upper() in ("ON", "1", "YES") for name in names)

    # Without `ROW_FORMAT=` in the script the default row format decides.
    old_format = values.get("innodb_default_row_format", "dynamic").lower() in ("compact", "redundant")
    old_prefix = "innodb_large_prefix" in values and not is_on("innodb_large_prefix")
    return Server(
        greeting=session.greeting,
        os=values.get("version_compile_os", ""),
        charset=values.get("character_set_server", ""),
        charsets={str(row[0]).lower(): int(row[3]) for row in session.rows("SHOW CHARACTER SET")},
        lower_case_table_names=int(values.get("lower_case_table_names", "0")),
        max_connections=int(values.get("max_connections", "0")),
        read_only=is_on("read_only", "innodb_read_only"),
        index_limit=_SHORT_INDEX if _is_old(session.greeting) or old_format or old_prefix else _LONG_INDEX,
        max_user_connections=int(values.get("max_user_connections", "0")),
        requires_tls=is_on("require_secure_transport"),
        primary_key_variable=next(filter(is_on, _PRIMARY_KEY_VARIABLES), None),
    )


def _is_old(greeting: Greeting) -> bool:
    """Whether the row format is COMPACT, whatever `innodb_large_prefix` says."""
    return greeting.is_before((5, 7), mariadb=(10, 2))
