"""Accounts: which there are, which one a host is taken for, and making one in each server's dialect."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wizard.database.failure import DatabaseError

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession
    from wizard.passwords.secret import Secret

_EXISTS = 1396


@dataclass(frozen=True, slots=True)
class Account:
    """An account as MySQL knows it: a name and a pattern of hosts.  The anonymous one has no name."""

    username: str
    host: str

    def __str__(self) -> str:
        return f"'{self.username}'@'{self.host}'"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What an account is set to, beside its rights."""

    tls: str = ""
    """`ANY` (REQUIRE SSL), `X509` or `SPECIFIED` (a certificate of the client); empty: TLS is not required."""
    max_connections: int = 0
    """Connections that it may have at a time (MAX_USER_CONNECTIONS); 0: the server's own limit."""

    @property
    def needs_certificate(self) -> bool:
        """Whether the client has to show a certificate of its own."""
        return self.tls not in ("", "ANY")


def longest_name(version: tuple[int, ...], *, mariadb: bool) -> int:
    """How many characters a user name may have."""
    if mariadb:
        return 80
    return 32 if version >= (5, 7, 8) else 16


def read_accounts(session: DatabaseSession, username: str) -> tuple[Account, ...] | None:
    """The accounts of that name and the anonymous ones; None where this session may not see them."""
    try:
        rows = session.rows("SELECT User, Host FROM mysql.user WHERE User IN (%s, '')", (username,))
    except DatabaseError as problem:
        if problem.cause == "right":
            return None
        raise
    # MariaDB keeps roles in the same table; they have no host.
    return tuple(Account(_text(user), _text(host)) for user, host in rows if _text(host))


def read_settings(session: DatabaseSession, username: str) -> dict[Account, AccountSettings]:
    """Return the settings of the accounts of that name; none where this session may not see them."""
    try:
        rows = session.rows(
            "SELECT User, Host, ssl_type, max_user_connections FROM mysql.user WHERE User = %s", (username,)
        )
    except DatabaseError as problem:
        if problem.cause in ("right", "statement"):
            return {}
        raise
    return {
        Account(_text(user), _text(host)): AccountSettings(_text(tls), int(limit))
        for user, host, tls, limit in rows
        if _text(host)
    }


def own_settings(session: DatabaseSession) -> AccountSettings:
    """Return the settings of the session's own account, which it sees without any right.

    The limit is the one that applies, which may be the server's own (`max_user_connections`).
    """
    limit = int(session.value("SELECT @@SESSION.max_user_connections") or 0)
    # MySQL 5.6 shows it in the grants, later servers in the statement that makes the account.
    text = ""
    for statement in ("SHOW CREATE USER CURRENT_USER()", "SHOW GRANTS"):
        try:
            text = " ".join(_text(row[0]) for row in session.rows(statement))
        except DatabaseError as problem:
            if problem.cause not in ("right", "statement"):
                raise
        else:
            break
    required = re.search(r"\bREQUIRE (SSL|X509|SUBJECT|ISSUER|CIPHER)\b", _without_strings(text))
    kinds = {"SSL": "ANY", "X509": "X509"}
    return AccountSettings(kinds.get(required[1], "SPECIFIED") if required else "", limit)


def _without_strings(text: str) -> str:
    """The statement without what is quoted: a name or a hash may hold any words."""
    return re.sub(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`", "?", text, flags=re.DOTALL)


def current_account(session: DatabaseSession) -> Account:
    """The account that the server took this session for."""
    username, _, host = str(session.value("SELECT CURRENT_USER()")).rpartition("@")
    return Account(username, host)


def own_hosts(session: DatabaseSession) -> tuple[str, ...]:
    """This machine as the server knows it: by its name, where it has looked that up, and by its address."""
    seen = str(session.value("SELECT USER()")).rpartition("@")[2]
    return tuple(dict.fromkeys(host for host in (seen, session.own_address) if host))


def create_account(session: DatabaseSession, account: Account, password: Secret) -> bool:
    """Make it.  False where it exists already (and is left as it is).  Raises DatabaseError.

    `CREATE USER IF NOT EXISTS` does not exist in 5.6 (procedure, chapter 2), so the error decides everywhere.
    Without TLS the server gets the hash that it stores; MySQL 8 and later do not take that one.
    """
    server, word, by = session.greeting, password.reveal(), "BY"
    if not session.encrypted and (server.mariadb or server.version < (8,)):
        word, by = _native_hash(word), "BY PASSWORD"
    elif not session.encrypted and not session.endpoint.plain_after_tls:
        raise DatabaseError(
            f"the account {account} is not created: without TLS its password would be sent in clear text",
            cause="tls",
            place=f"MySQL at {session.endpoint}",
            fix="let the server offer TLS 1.2 or later, or let a DBA run what apimha-wizard sql prints",
        )
    try:
        arguments = (account.username, account.host, word)
        session.make(f"CREATE USER %s@%s IDENTIFIED {by} %s", arguments, hiding=password)
    except DatabaseError as problem:
        if problem.number == _EXISTS:
            return False
        raise
    return True


def _native_hash(password: str) -> str:
    """Return what a server stores for `mysql_native_password`."""
    if not password:
        return ""
    once = hashlib.sha1(password.encode("utf-8", "surrogateescape")).digest()
    return f"*{hashlib.sha1(once).hexdigest().upper()}"


def grant_all(session: DatabaseSession, pattern: str, account: Account) -> None:
    """All privileges on the databases that `pattern` names (see `rights.grant_pattern`)."""
    from wizard.database.quoting import identifier

    target = identifier(pattern).replace("%", "%%")
    session.make(f"GRANT ALL ON {target}.* TO %s@%s", (account.username, account.host))


# --- which account a host is taken for ----------------------------------------------------------------------


def taken_for(accounts: Iterable[Account], username: str, hosts: Sequence[str]) -> Account | None:
    """The account that a log-in of `username` is taken for; None where none fits.

    `hosts` are the name and the address of the one machine that it comes from.  The server goes through its
    accounts by host, the most exact first, and takes the first that fits: an anonymous one of `localhost` comes
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
    """Sorts as the server does: without wildcard first, then by where the first wildcard stands."""
    wildcard = re.search(r"[%_]", pattern)
    if not pattern or pattern == "%":
        return 2, 0
    return (1, -wildcard.start()) if wildcard else (0, 0)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
