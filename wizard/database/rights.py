"""What an account may do, read from its grants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wizard.database.failure import DatabaseError

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession

SERVERS_NEED = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "ALTER",
    "INDEX",
    "REFERENCES",
)
"""What the two servers do in their databases: the analytics stores' tables are made and dropped by them."""

SCRIPT_NEEDS = ("CREATE", "ALTER", "INDEX", "REFERENCES", "DROP", "SELECT")
"""What running the pack's script takes, and taking back what it began."""

ALL_OF_A_DATABASE = (
    *SERVERS_NEED,
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "EXECUTE",
    "CREATE VIEW",
    "SHOW VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EVENT",
    "TRIGGER",
)
"""What `GRANT ALL ON database.*` takes of the one who grants it, beside the grant option."""

_ALL = "ALL PRIVILEGES"


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant: `database` is None for all of them, else a pattern as the server keeps it."""

    database: str | None
    privileges: frozenset[str]
    grantable: bool = False
    revoked: bool = False
    """A partial revoke: what a grant for all databases does not give here (MySQL 8.0.16 and later)."""

    def gives(self, privilege: str) -> bool:
        return privilege in self.privileges or _ALL in self.privileges


@dataclass(frozen=True, slots=True)
class Rights:
    """All grants of one account.  `literal`: patterns are names (the server's `partial_revokes` is on)."""

    grants: tuple[Grant, ...]
    literal: bool = False

    def missing(
        self, database: str | None, privileges: Iterable[str], *, grantable: bool = False
    ) -> list[str]:
        """Which of the privileges it lacks on a database (None: on all of them), in the given order.

        With `grantable` also those count that it has but may not pass on.
        """
        lacking = [one for one in privileges if not self._has(database, one)]
        if grantable and not any(grant.grantable for grant in self._about(database)):
            lacking.append("GRANT OPTION")
        return lacking

    def _has(self, database: str | None, privilege: str) -> bool:
        about = self._about(database)
        if any(grant.gives(privilege) for grant in about if grant.database is not None):
            return True
        revoked = any(
            grant.revoked and grant.gives(privilege) and grant.database == database for grant in self.grants
        )
        return not revoked and any(grant.gives(privilege) for grant in about if grant.database is None)

    def _about(self, database: str | None) -> list[Grant]:
        """The grants that count for a database.

        Of those for single databases the server takes the most exact pattern: one with a wildcard gives nothing
        where a grant for the very name exists.
        """
        everywhere = [grant for grant in self.grants if grant.database is None]
        if database is None:
            return everywhere
        own = [grant for grant in self.grants if grant.database is not None and not grant.revoked]
        exact = [grant for grant in own if self._names(grant.database or "", database)]
        wild = [grant for grant in own if self._matches(grant.database or "", database)]
        return everywhere + (exact or wild)

    def _names(self, pattern: str, database: str) -> bool:
        return (
            pattern == database if self.literal else _unescaped(pattern) == database and not _is_wild(pattern)
        )

    def _matches(self, pattern: str, database: str) -> bool:
        if self.literal:
            return pattern == database
        return re.fullmatch(_as_regex(pattern), database, re.DOTALL) is not None


def grant_pattern(database: str, *, literal: bool = False) -> str:
    """The name of a database as a grant needs it: `_` and `%` are wildcards there (procedure, chapter 2).

    With `literal` (the server's `partial_revokes` is on) they are not, and a backslash would be part of the name.
    """
    return database if literal else re.sub(r"([\\_%])", r"\\\1", database)


def _as_regex(pattern: str) -> str:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"_": ".", "%": ".*"}
    return "".join(
        re.escape(part[1:]) if len(part) == 2 else wild.get(part, re.escape(part)) for part in parts
    )


def _unescaped(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)


def _is_wild(pattern: str) -> bool:
    return re.search(r"[_%]", re.sub(r"\\.", "", pattern, flags=re.DOTALL)) is not None


_LINE = re.compile(
    r"""(?P<verb>GRANT|REVOKE) (?P<privileges>.+?) ON (?P<database>\*|`(?:[^`]|``)*`|"(?:[^"]|"")*"|[^\s`"'.*]+)\.\*"""
    r" (?:TO|FROM) (?P<rest>.*)",
    re.DOTALL,
)


def parsed(lines: Iterable[str]) -> tuple[Grant, ...]:
    """The grants of `SHOW GRANTS` that are about whole databases or all of them; others give nothing here."""
    found = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        quoted = match["database"]
        database = None if quoted == "*" else _unquoted(quoted)
        privileges = frozenset(
            name.strip().upper() for name in re.sub(r"\([^)]*\)", "", match["privileges"]).split(",")
        )
        found.append(
            Grant(
                database,
                privileges,
                grantable="WITH GRANT OPTION" in match["rest"],
                revoked=match["verb"] == "REVOKE",
            )
        )
    return tuple(found)


def _unquoted(name: str) -> str:
    """In backticks, in the SQL mode ANSI_QUOTES in double quotes, without `sql_quote_show_create` in neither."""
    mark = name[0]
    return name[1:-1].replace(mark * 2, mark) if mark in '`"' else name


def own_rights(session: DatabaseSession) -> Rights:
    """What the account of this session may do, with its active roles.  Raises DatabaseError."""
    roles = ""
    if not session.greeting.mariadb and session.greeting.version >= (8,):
        current = str(session.value("SELECT CURRENT_ROLE()") or "NONE")
        roles = "" if current == "NONE" else f" USING {current}"
    lines = session.rows("SHOW GRANTS" if not roles else f"SHOW GRANTS FOR CURRENT_USER(){roles}")
    return Rights(parsed(str(row[0]) for row in lines), literal=partial_revokes(session))


def rights_of(session: DatabaseSession, username: str, host: str) -> Rights | None:
    """What another account may do; None where there is none, or this session may not see it."""
    try:
        lines = session.rows("SHOW GRANTS FOR %s@%s", (username, host))
    except DatabaseError as problem:
        if problem.cause in ("right", "statement"):
            return None
        raise
    return Rights(parsed(str(row[0]) for row in lines), literal=partial_revokes(session))


def partial_revokes(session: DatabaseSession) -> bool:
    """Whether names in grants are literal (MySQL 8.0.16 and later, off unless switched on)."""
    rows: Sequence[tuple[object, ...]] = session.rows("SHOW GLOBAL VARIABLES LIKE 'partial\\_revokes'")
    return bool(rows) and str(rows[0][1]).upper() == "ON"
