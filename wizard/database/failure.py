"""What each failure of the database server means, in plain words, with its fix.

Nothing here ever repeats a password.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from wizard.passwords.secret import MASK
from wizard.system.errors import WizardError
from wizard.system.printable import quoted
from wizard.verify import knowledge

if TYPE_CHECKING:
    from wizard.database.greeting import Greeting
    from wizard.passwords.secret import Secret

Cause = Literal[
    "unknown-host",
    "refused",
    "unreachable",
    "silent",
    "not-mysql",
    "gone",
    "denied",
    "host-refused",
    "too-many",
    "expired",
    "plugin",
    "tls",
    "right",
    "read-only",
    "statement",
]

_NO_SERVER = ("unknown-host", "refused", "unreachable", "silent", "not-mysql", "gone")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server listens, and what the profile lets be sent there."""

    host: str
    port: int
    plain_after_tls: bool = False
    """Whether a log-in without TLS may follow a handshake that failed (`useSSL = "false"`)."""
    trusts_server_key: bool = False
    """Whether the password may be sent without TLS, encrypted with a key that the server names
    (`allowPublicKeyRetrieval = "true"`)."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class DatabaseError(WizardError):
    """The server said no, or nothing.  `number` is MySQL's own error number where there is one."""

    def __init__(
        self,
        message: str,
        *,
        cause: Cause,
        number: int | None = None,
        place: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(message, place=place, fix=fix)
        self.cause = cause
        self.number = number
        self.greeting: Greeting | None = None
        """What the server had said of itself, where a log-in failed after that."""
        self.encrypted = False
        """Whether the log-in that failed was sent over TLS."""

    @property
    def reached(self) -> bool:
        """Whether a MySQL server answered at all."""
        return self.cause not in _NO_SERVER


def unreachable(problem: Exception, endpoint: Endpoint) -> DatabaseError:
    """Why there is no connection, from what the operating system said."""
    host, port = endpoint.host, endpoint.port

    def made(cause: Cause, message: str, fix: str) -> DatabaseError:
        return DatabaseError(message, cause=cause, place=f"MySQL at {endpoint}", fix=fix)

    if isinstance(problem, socket.gaierror | UnicodeError):
        return made(
            "unknown-host",
            f"the host {host} is not known here",
            f"correct mysql.host, or make {host} known to this machine (getent hosts {host})",
        )
    if isinstance(problem, TimeoutError):
        return made(
            "unreachable",
            "no answer: the host is down, or a firewall swallows the connection",
            f"let this machine through to port {port} of {host}, or correct mysql.host",
        )
    if isinstance(problem, ConnectionRefusedError):
        return made(
            "refused",
            f"nothing listens on port {port} of {host}",
            "start the database server, let it listen on that address (bind-address), or correct mysql.port",
        )
    if isinstance(problem, ConnectionError):
        return made(
            "gone",
            "the connection was cut while the server introduced itself",
            "look into the server's error log; a proxy in between also ends connections like this",
        )
    reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    return made(
        "unreachable",
        f"cannot be reached: {reason}",
        "check the network between this machine and the database server, or correct mysql.host",
    )


def stuck(endpoint: Endpoint) -> DatabaseError:
    """Something accepts the connection, or even greets, and then says nothing more."""
    return DatabaseError(
        "something accepts the connection and then never speaks",
        cause="silent",
        place=f"MySQL at {endpoint}",
        fix="correct mysql.host and mysql.port; if it is MySQL, it is stuck or slow to look up names "
        "(skip_name_resolve)",
    )


def no_mysql(endpoint: Endpoint, what: str) -> DatabaseError:
    """Something answers, and it is no MySQL."""
    return DatabaseError(
        f"what listens on port {endpoint.port} of {endpoint.host} is no MySQL: {what}",
        cause="not-mysql",
        place=f"MySQL at {endpoint}",
        fix="correct mysql.host and mysql.port",
    )


def tls_failed(problem: Exception, endpoint: Endpoint) -> DatabaseError:
    """The server offers TLS, and the handshake fails: nothing more was sent."""
    reason = getattr(problem, "reason", None) or type(problem).__name__
    return DatabaseError(
        f"the server offers TLS, and the handshake fails ({quoted(str(reason), 60)}); without TLS nothing was sent",
        cause="tls",
        place=f"MySQL at {endpoint}",
        fix='let the server speak TLS 1.2 or later; or set useSSL = "false" in mysql.url_parameters: then anybody on '
        "the network can read what is sent",
    )


NEVER = {
    "mysql_clear_password": "for the password in clear text",
    "dialog": "for the password in clear text",
    "mysql_old_password": "for pre-4.1 authentication, from which the password can be computed",
    "client_ed25519": "for a signature that cannot be made here",
}
"""What the authentication plugins that are always refused ask for."""


def login_refused(plugin: str, endpoint: Endpoint, username: str) -> DatabaseError:
    """The server asks for the password in a way in which it is not sent."""
    asked = NEVER.get(plugin, "for the password, encrypted with a key of the server's, and without TLS")
    fix = "let the account use caching_sha2_password (with TLS) or mysql_native_password"
    if plugin not in NEVER:
        fix = (
            'let the server offer TLS 1.2 or later; or set allowPublicKeyRetrieval = "true" in mysql.url_parameters, '
            "if nobody on the network can answer in the server's place"
        )
    return DatabaseError(
        f"the server asks {username} {asked} ({plugin}), which it did not get",
        cause="plugin",
        place=f"MySQL at {endpoint}",
        fix=f"{fix}; if the server should not ask for that, find out what answers at {endpoint}",
    )


# --- the server's own error numbers -------------------------------------------------------------------------

_DENIED = knowledge.BY_ID["access-denied"].numbers
_TOO_MANY = knowledge.BY_ID["too-many-connections"].numbers
_HOST = knowledge.BY_ID["host-blocked"].numbers | knowledge.BY_ID["host-refused"].numbers
_RIGHT = {1044, 1142, 1143, 1211, 1227, 1370, 1410}
_READ_ONLY = knowledge.BY_ID["read-only"].numbers
_EXPIRED = knowledge.BY_ID["account-expired"].numbers
_LOCKED = knowledge.BY_ID["account-locked"].numbers
_PLUGIN = {1251, 1275, 2059, 2061}
_TLS_NEEDED = 3159
_GONE = {1053, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2055, 3168, 4031}

# Refusals whose text names accounts, rights or policies, and never a part of the statement.
_NEVER_QUOTES = _DENIED | _RIGHT | _READ_ONLY | _GONE | {1290, 1396, 1470, 1819}


def number_of(problem: Exception) -> int:
    """MySQL's error number in an exception of PyMySQL; 0 without one."""
    first = problem.args[0] if problem.args else 0
    return first if isinstance(first, int) else 0


def translated(
    problem: Exception,
    endpoint: Endpoint,
    username: str,
    hiding: Secret | None = None,
    password: Secret | None = None,
) -> DatabaseError:
    """PyMySQL's exception as ours.  Where the text may repeat the secret, the text is left out.

    `password` is the account's own: a server that was told it could say it again.
    """
    text = str(problem.args[1]) if len(problem.args) > 1 else str(problem)
    if password is not None and password.reveal():
        text = text.replace(password.reveal(), MASK)
    if hiding is not None and number_of(problem) not in _NEVER_QUOTES:
        # A syntax error quotes the statement from where it went wrong.
        text = "the server's message may hold the password and is not shown"
    return by_number(number_of(problem), text, endpoint, username)


def by_number(number: int, text: str, endpoint: Endpoint, username: str = "") -> DatabaseError:
    """What an error number means.  `text` is the server's message, in whatever language it has."""
    who, text = username or "this machine", quoted(text)

    def made(cause: Cause, message: str, fix: str) -> DatabaseError:
        return DatabaseError(
            message, cause=cause, number=number or None, place=f"MySQL at {endpoint}", fix=fix
        )

    if number in _DENIED:
        seen = re.search(r"'[^']*'@'([^']*)'", text)
        origin = f" from {seen.group(1)}" if seen else ""
        if number == 1698:
            return made(
                "denied",
                f"{who} may not log in over the network{origin}: the account is bound to the Unix socket",
                "take an account that has a password",
            )
        return made(
            "denied",
            f"access denied for {who}{origin}: wrong password, or no such account",
            _fix(number),
        )
    if number in _TOO_MANY:
        return made(
            "too-many",
            f"{_cause(number)} ({text})",
            _fix(number),
        )
    if number in _HOST:
        return made("host-refused", f"{_cause(number)}: {text}", _fix(number))
    if number in _RIGHT:
        return made("right", f"{who} lacks a right: {text}", "grant it, or let an administrator do it")
    if number in _READ_ONLY or (number == 1290 and "read-only" in text.lower().replace("_", "-")):
        return made(
            "read-only",
            f"{_cause(1836)} ({text})",
            _fix(1836),
        )
    if number in _EXPIRED:
        return made(
            "expired",
            f"the password of {who} has expired ({text})",
            _fix(number),
        )
    if number in _LOCKED:
        return made("expired", f"the account {who} is locked ({text})", _fix(number))
    if number in _PLUGIN:
        return made(
            "plugin",
            f"{who} logs in by a plugin that is not known here ({text})",
            "let the account use caching_sha2_password or mysql_native_password",
        )
    if number == _TLS_NEEDED:
        return made("tls", f"the server insists on TLS ({text})", "let it speak TLS 1.2 or later")
    if number in _GONE:
        return made("gone", f"the server went away ({text})", "look into its error log, then run it again")
    known = knowledge.by_number(number)
    fix = known.fix if known is not None else "see the server's message"
    return made("statement", f"{text} (error {number})" if number else text, fix)


def _cause(number: int) -> str:
    """What the error number means, by the table that `verify` uses too."""
    return knowledge.refusal(number).cause


def _fix(number: int) -> str:
    return knowledge.refusal(number).fix
