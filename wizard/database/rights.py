"""The privileges of an account, read from its grants."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.database.accounts import Account
    from wizard.database.connection import DatabaseSession

SERVERS_NEED = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES")
"""What the two servers do in their databases: they create and drop the tables of the analytics stores."""

SCRIPT_NEEDS = ("CREATE", "ALTER", "INDEX", "REFERENCES", "DROP", "SELECT")
"""What running the pack's script needs, and removing what it began."""

ALL_OF_A_DATABASE = (
    *(*SERVERS_NEED, "CREATE TEMPORARY TABLES", "LOCK TABLES", "EXECUTE", "CREATE VIEW", "SHOW VIEW"),
    *("CREATE ROUTINE", "ALTER ROUTINE", "EVENT", "TRIGGER"),
)
"""What the account that runs `GRANT ALL ON database.*` needs, beside the grant option."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant: `database` is None for all databases, else a pattern as the server stores it."""

    database: str | None
    privileges: frozenset[str]
    grantable: bool = False
    revoked: bool = False
    """A partial revoke: what a grant for all databases does not include here (MySQL 8.0.16 and later)."""

    def gives(self, privilege: str) -> bool:
        return privilege in self.privileges or "ALL PRIVILEGES" in self.privileges


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
        everywhere = [grant for grant in self.grants if grant.database is None]
        own = [grant for grant in self.grants if not grant.revoked and self._is_for(grant, database)]
        # The server uses the most exact pattern: one with a wildcard grants nothing if another fits.
        own = [grant for grant in own if self.literal or not _has_wildcard(grant.database or "")] or own
        revoked = [grant for grant in self.grants if grant.revoked and grant.database == database]

        def has(privilege: str) -> bool:
            if any(grant.gives(privilege) for grant in own):
                return True
            withdrawn = any(grant.gives(privilege) for grant in revoked)
            return not withdrawn and any(grant.gives(privilege) for grant in everywhere)

        lacking = [one for one in privileges if not has(one)]
        if grantable and not any(grant.grantable for grant in (*own, *everywhere)):
            lacking.append("GRANT OPTION")
        return lacking

    def _is_for(self, grant: Grant, database: str | None) -> bool:
        if grant.database is None or database is None:
            return False
        return grant.database == database if self.literal else _matches(grant.database, database)


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
    for match in filter(None, map(_LINE.fullmatch, lines)):
        # In backticks, with ANSI_QUOTES in double quotes, without `sql_quote_show_create` plain.
        name, mark = match["database"], match["database"][0]
        if mark in '`"':
            name = name[1:-1].replace(mark * 2, mark)
        privileges = re.sub(r"\([^)]*\)", "", match["privileges"]).split(",")
        found.append(
            Grant(
                None if match["database"] == "*" else name,
                frozenset(one.strip().upper() for one in privileges),
                grantable="WITH GRANT OPTION" in match["rest"],
                revoked=match["verb"] == "REVOKE",
            )
        )
    return tuple(found)


def own_rights(session: DatabaseSession) -> Rights:
    """Return the privileges of this session's account, with its active roles.  Raises DatabaseError."""
    statement = "SHOW GRANTS"
    if not session.greeting.mariadb and not session.greeting.is_before((8,)):
        roles = str(session.value("SELECT CURRENT_ROLE()") or "NONE")
        if roles != "NONE":
            statement = f"SHOW GRANTS FOR CURRENT_USER() USING {roles}"
    lines = session.rows(statement)
    return Rights(parsed(str(row[0]) for row in lines), partial_revokes(session))


def rights_of(session: DatabaseSession, account: Account) -> Rights | None:
    """Return the privileges of another account; None if it does not exist, or this session may not see it."""
    lines = session.visible("SHOW GRANTS FOR %s@%s", (account.username, account.host))
    return None if lines is None else Rights(parsed(row[0] for row in lines), partial_revokes(session))


def partial_revokes(session: DatabaseSession) -> bool:
    """Whether names in grants are literal (MySQL 8.0.16 and later, off unless switched on)."""
    rows = session.rows("SHOW GLOBAL VARIABLES LIKE 'partial\\_revokes'")
    return bool(rows) and str(rows[0][1]).upper() == "ON"
