"""The privileges of an account, read from its grants."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
"""What the two servers do in their databases: they create and drop the tables of the analytics stores."""

SCRIPT_NEEDS = ("CREATE", "ALTER", "INDEX", "REFERENCES", "DROP", "SELECT")
"""What running the pack's script needs, and removing what it began."""

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
"""What the account that runs `GRANT ALL ON database.*` needs, beside the grant option."""

_ALL = "ALL PRIVILEGES"


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant: `database` is None for all databases, else a pattern as the server stores it."""

    database: str | None
    privileges: frozenset[str]
    grantable: bool = False
    revoked: bool = False
    """A partial revoke: what a grant for all databases does not include here (MySQL 8.0.16 and later)."""

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
        """Return the privileges that it lacks on a database (None: on all of them), in the given order.

        `grantable`: it also needs the grant option.
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
        """Return the grants that apply to a database.

        Of those for single databases the server uses the most exact pattern: one with a wildcard grants nothing
        if a grant for the exact name exists.
        """
        everywhere = [grant for grant in self.grants if grant.database is None]
        if database is None:
            return everywhere
        own = [grant for grant in self.grants if grant.database is not None and not grant.revoked]
        if self.literal:
            return everywhere + [grant for grant in own if grant.database == database]
        wild = [grant for grant in own if _matches(grant.database or "", database)]
        return everywhere + ([grant for grant in wild if not _has_wildcard(grant.database or "")] or wild)


def grant_pattern(database: str, *, literal: bool = False) -> str:
    """Return the name of a database as a grant needs it: `_` and `%` are wildcards there (procedure, chapter 2).

    With `literal` (the server's `partial_revokes` is on) they are not, and a backslash would be part of the name.
    """
    return database if literal else re.sub(r"([\\_%])", r"\\\1", database)


def _matches(pattern: str, database: str) -> bool:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"_": ".", "%": ".*"}
    regex = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(regex, database, re.DOTALL) is not None


def _has_wildcard(pattern: str) -> bool:
    return re.search(r"[_%]", re.sub(r"\\.", "", pattern, flags=re.DOTALL)) is not None


_LINE = re.compile(
    r"""(?P<verb>GRANT|REVOKE) (?P<privileges>.+?) ON (?P<database>\*|`(?:[^`]|``)*`|"(?:[^"]|"")*"|[^\s`"'.*]+)\.\*"""
    r" (?:TO|FROM) (?P<rest>.*)",
    re.DOTALL,
)


def parsed(lines: Iterable[str]) -> tuple[Grant, ...]:
    """Return the grants of `SHOW GRANTS` for whole databases or all of them; others do not matter here."""
    found = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        quoted = match["database"]
        database = None if quoted == "*" else _unquoted(quoted)
        names = re.sub(r"\([^)]*\)", "", match["privileges"]).split(",")
        privileges = frozenset(name.strip().upper() for name in names)
        grantable, revoked = "WITH GRANT OPTION" in match["rest"], match["verb"] == "REVOKE"
        found.append(Grant(database, privileges, grantable, revoked))
    return tuple(found)


def _unquoted(name: str) -> str:
    """Unquote a name: in backticks, with ANSI_QUOTES in double quotes, without `sql_quote_show_create` plain."""
    mark = name[0]
    return name[1:-1].replace(mark * 2, mark) if mark in '`"' else name


def own_rights(session: DatabaseSession) -> Rights:
    """Return the privileges of this session's account, with its active roles.  Raises DatabaseError."""
    roles = ""
    if not session.greeting.mariadb and not session.greeting.is_before((8,)):
        current = str(session.value("SELECT CURRENT_ROLE()") or "NONE")
        roles = "" if current == "NONE" else f" USING {current}"
    lines = session.rows("SHOW GRANTS" if not roles else f"SHOW GRANTS FOR CURRENT_USER(){roles}")
    return Rights(parsed(str(row[0]) for row in lines), partial_revokes(session))


def rights_of(session: DatabaseSession, username: str, host: str) -> Rights | None:
    """Return the privileges of another account; None if it does not exist, or this session may not see it."""
    lines = session.visible("SHOW GRANTS FOR %s@%s", (username, host))
    return None if lines is None else Rights(parsed(row[0] for row in lines), partial_revokes(session))


def partial_revokes(session: DatabaseSession) -> bool:
    """Whether names in grants are literal (MySQL 8.0.16 and later, off unless switched on)."""
    rows = session.rows("SHOW GLOBAL VARIABLES LIKE 'partial\\_revokes'")
    return bool(rows) and str(rows[0][1]).upper() == "ON"
