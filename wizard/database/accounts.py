"""Accounts: which exist, which one the server matches a login to, and creating one in each server's dialect."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wizard.database.failure import DatabaseError
from wizard.database.names import identifier, literal

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession
    from wizard.database.greeting import Greeting
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
    rows = session.visible(statement, (username,), refusals=("right",))
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
    rows = session.visible("SHOW CREATE USER CURRENT_USER()")
    if rows is None:
        rows = session.visible("SHOW GRANTS") or []
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


def grant_all(session: DatabaseSession, pattern: str, account: Account) -> None:
    """Grant all privileges on the databases that `pattern` names (see `rights.grant_pattern`)."""
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
    return any(_matches(pattern, host) for host in hosts)


def _matches(pattern: str, host: str) -> bool:
    if "/" in pattern:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(pattern, strict=False)
        except ValueError:
            return False
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(character, re.escape(character)) for character in pattern or "%")
    return re.fullmatch(expression, host, re.IGNORECASE) is not None


def _exactness(pattern: str) -> tuple[int, int]:
    """Return the server's sort key: without a wildcard first, then by the position of the first wildcard."""
    wildcard = re.search(r"[%_]", pattern)
    if not pattern or pattern == "%":
        return 2, 0
    return (1, -wildcard.start()) if wildcard else (0, 0)
