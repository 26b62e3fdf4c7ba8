"""Accounts: which exist, which one the server matches a login to, creating one in each server's dialect; privileges."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wizard.database.failure import DatabaseError
from wizard.database.names import identifier, literal

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession, Greeting
    from wizard.passwords.secret import Secret


@dataclass(frozen=True, slots=True)
class Account:
    """An account as MySQL knows it: a name and a pattern of hosts.  The anonymous one has no name."""

    username: str
    host: str

    def __str__(self) -> str:
        return f"'{self.username}'@'{self.host}'"

    @property
    def sql(self) -> str:
        """The account as a statement names it, quoted."""
        return f"{literal(self.username)}@{literal(self.host)}"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What an account is set to, beside its privileges."""

    tls: str = ""
    """`ANY` (REQUIRE SSL), `X509` or `SPECIFIED` (a certificate of the client); empty: TLS is not required."""
    max_connections: int = 0
    """Concurrent connections that it may have (MAX_USER_CONNECTIONS); 0: the server's own limit."""

    @property
    def needs_certificate(self) -> bool:
        """Whether the client needs a certificate of its own."""
        return self.tls not in ("", "ANY")


def longest_name(server: Greeting) -> int:
    """Return how many characters a user name may have."""
    if server.mariadb:
        return 80
    return 16 if server.is_before((5, 7, 8)) else 32


def read_accounts(session: DatabaseSession, username: str) -> dict[Account, AccountSettings] | None:
    """Return the accounts of that name and the anonymous ones; None if this session may not see them."""
    statement = "SELECT User, Host, ssl_type, max_user_connections FROM mysql.user WHERE User IN (%s, '')"
    rows = session.visible(statement, (username,))
    if rows is None:
        return None
    # MariaDB keeps roles in the same table; they have no host.
    return {Account(user, host): AccountSettings(tls, int(limit)) for user, host, tls, limit in rows if host}


def own_settings(session: DatabaseSession) -> AccountSettings:
    """Return the settings of the session's own account, which it sees without any privilege.

    The limit is the one that applies, which may be the server's own (`max_user_connections`).
    """
    limit = int(session.value("SELECT @@SESSION.max_user_connections") or 0)
    # MySQL 5.6 shows the requirement in the grants, later servers in the statement that creates the account.
    rows = session.visible("SHOW CREATE USER CURRENT_USER()") or session.visible("SHOW GRANTS") or []
    # Without quoted parts: a name or a hash may contain any words.
    quoted = r"'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`"
    text = re.sub(quoted, "?", " ".join(row[0] for row in rows), flags=re.DOTALL)
    required = re.search(r"\bREQUIRE (SSL|X509|SUBJECT|ISSUER|CIPHER)\b", text)
    kinds = {"SSL": "ANY", "X509": "X509"}
    return AccountSettings(kinds.get(required[1], "SPECIFIED") if required else "", limit)


def current_account(session: DatabaseSession) -> Account:
    """Return the account that the server matched this session to."""
    username, _, host = str(session.value("SELECT CURRENT_USER()")).rpartition("@")
    return Account(username, host)


def own_hosts(session: DatabaseSession) -> tuple[str, ...]:
    """Return this machine as the server sees it: by its name, if the server resolved one, and by its address."""
    seen = str(session.value("SELECT USER()")).rpartition("@")[2]
    return tuple(dict.fromkeys(host for host in (seen, session.own_address) if host))


def create_account(session: DatabaseSession, account: Account, password: Secret) -> bool:
    """Create it.  Returns False if it exists already, unchanged.  Raises DatabaseError.

    `CREATE USER IF NOT EXISTS` does not exist in 5.6 (procedure, chapter 2), so the error decides everywhere.
    Without TLS the server gets the hash that it stores; MySQL 8 and later refuse that one.
    """
    server, word, by = session.greeting, password.reveal(), "BY"
    if not session.encrypted and (server.mariadb or server.is_before((8,))):
        # What they store for `mysql_native_password`.
        once = hashlib.sha1(word.encode("utf-8", "surrogateescape")).digest()
        word, by = f"*{hashlib.sha1(once).hexdigest().upper()}" if word else "", "BY PASSWORD"
    elif not session.encrypted and not session.endpoint.plain_after_tls:
        raise DatabaseError(
            f"the account {account} is not created: without TLS its password would be sent in clear text",
            cause="tls",
            endpoint=session.endpoint,
            fix="let the server offer TLS 1.2 or later, or let a DBA run what apimha-wizard sql prints",
        )
    try:
        arguments = (account.username, account.host, word)
        session.make(f"CREATE USER %s@%s IDENTIFIED {by} %s", arguments, hiding=password)
    except DatabaseError as problem:
        if problem.number == 1396:
            return False
        raise
    return True


def grant_all(session: DatabaseSession, database: str, account: Account) -> None:
    """Grant all privileges on a database.  Raises DatabaseError."""
    pattern = grant_pattern(database, literal=partial_revokes(session))
    target = identifier(pattern).replace("%", "%%")
    session.make(f"GRANT ALL ON {target}.* TO %s@%s", (account.username, account.host))


def match_account(accounts: Iterable[Account], username: str, hosts: Sequence[str]) -> Account | None:
    """Return the account that the server matches a login of `username` to; None if none fits.

    `hosts` are the name and the address of the one machine that it comes from.  The server goes through its
    accounts by host, the most exact first, and uses the first that fits: an anonymous one of `localhost` comes
    before `apim` of `%` (procedure, chapter 2).
    """
    fitting = [one for one in accounts if one.username in ("", username) and matches(one.host, hosts)]
    return min(fitting, key=lambda one: (*_exactness(one.host), one.username == ""), default=None)


def matches(pattern: str, hosts: Sequence[str]) -> bool:
    """Whether an account's host fits a machine: `%` and `_`, `10.0.0.0/255.0.0.0`, `10.0.0.0/8`."""
    if "/" not in pattern:
        return any(_fits(pattern or "%", host, re.IGNORECASE) for host in hosts)
    for host in hosts:
        with suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(pattern, strict=False):
                return True
    return False


def _exactness(pattern: str) -> tuple[int, int]:
    """Return the server's sort key: without a wildcard first, then by the position of the first wildcard."""
    if pattern in ("", "%"):
        return 2, 0
    wildcard = re.search(r"[%_]", pattern)
    return (1, -wildcard.start()) if wildcard else (0, 0)


# --- privileges -------------------------------------------------------------------------------------------

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


@dataclass(frozen=True, slots=True)
class Rights:
    """All grants of one account.

    `literal`: patterns are names (the server's `partial_revokes` is on); `fold`: the server compares names without
    regard to case, and may show them in lower case.
    """

    grants: tuple[Grant, ...]
    literal: bool = False
    fold: bool = False

    def missing(
        self, database: str | None, privileges: Iterable[str], *, grantable: bool = False
    ) -> list[str]:
        """Return the privileges that it lacks on a database (None: on all of them), in the given order.

        `grantable`: it also needs the grant option.
        """
        everywhere = [grant for grant in self.grants if grant.database is None]
        own = [grant for grant in self.grants if not grant.revoked and self._is_for(grant, database)]
        # The server uses the most exact pattern: one with a wildcard grants nothing if another fits.
        own = [grant for grant in own if self.literal or _EXACT.fullmatch(grant.database or "")] or own
        revoked = [grant for grant in self.grants if grant.revoked and self._is_for(grant, database)]

        def given(by: list[Grant], privilege: str) -> bool:
            return any({privilege, "ALL PRIVILEGES"} & grant.privileges for grant in by)

        lacking = [
            one
            for one in privileges
            if not given(own, one) and (given(revoked, one) or not given(everywhere, one))
        ]
        if grantable and not any(grant.grantable for grant in (*own, *everywhere)):
            lacking.append("GRANT OPTION")
        return lacking

    def _is_for(self, grant: Grant, database: str | None) -> bool:
        if grant.database is None or database is None:
            return False
        pattern, name = (one.lower() if self.fold else one for one in (grant.database, database))
        return pattern == name if self.literal or grant.revoked else _fits(pattern, name)


def grant_pattern(database: str, *, literal: bool = False) -> str:
    """Return the name of a database as a grant needs it: `_` and `%` are wildcards there (procedure, chapter 2).

    With `literal` (the server's `partial_revokes` is on) they are not, and a backslash would be part of the name.
    """
    return database if literal else re.sub(r"([\\_%])", r"\\\1", database)


def _fits(pattern: str, name: str, case: re.RegexFlag = re.NOFLAG) -> bool:
    """Whether a pattern of a grant or a host fits a name: `_` and `%` are wildcards if no backslash escapes them."""
    wild = {"_": ".", "%": ".*"}
    parts = (wild.get(part) or re.escape(part[-1]) for part in re.findall(r"\\.|.", pattern, re.DOTALL))
    return re.fullmatch("".join(parts), name, re.DOTALL | case) is not None


_EXACT = re.compile(r"(?:\\.|[^_%\\])*", re.DOTALL)  # no wildcard that is not escaped
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


def own_rights(session: DatabaseSession, *, fold: bool) -> Rights:
    """Return the privileges of this session's account, with its active roles; `fold` as of `Rights`.

    Raises DatabaseError.
    """
    statement = "SHOW GRANTS"
    if not session.greeting.mariadb and not session.greeting.is_before((8,)):
        roles = str(session.value("SELECT CURRENT_ROLE()") or "NONE")
        if roles != "NONE":
            statement = f"SHOW GRANTS FOR CURRENT_USER() USING {roles}"
    lines = session.rows(statement)
    return Rights(parsed(str(row[0]) for row in lines), partial_revokes(session), fold)


def rights_of(session: DatabaseSession, account: Account, *, fold: bool) -> Rights | None:
    """Return the privileges of another account; None if it does not exist, or this session may not see it."""
    lines = session.visible("SHOW GRANTS FOR %s@%s", (account.username, account.host))
    return None if lines is None else Rights(parsed(row[0] for row in lines), partial_revokes(session), fold)


def partial_revokes(session: DatabaseSession) -> bool:
    """Whether names in grants are literal (MySQL 8.0.16 and later, off unless switched on)."""
    return ("partial_revokes", "ON") in session.rows("SHOW GLOBAL VARIABLES LIKE 'partial\\_revokes'")
