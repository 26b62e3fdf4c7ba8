"""Failures of the database server: what each means, with its fix.  No message repeats a password."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from wizard.system.errors import WizardError
from wizard.system.printable import quoted
from wizard.verify import knowledge

if TYPE_CHECKING:
    from wizard.database.connection import Greeting

_NoServer = Literal["unknown-host", "refused", "unreachable", "silent", "not-mysql", "gone"]
_Refusal = Literal[
    "denied", "host-refused", "too-many", "expired", "plugin", "tls", "right", "read-only", "statement"
]
Cause = _NoServer | _Refusal
_OTHER: Cause = "statement"

Verifies = Literal["", "by driver", "authority", "identity"]
"""Of a certificate: that an authority of this machine issued it, and for this host too (`identity`).  `by driver`: only
the driver can verify it, since the profile names a trust store for Java."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server listens, and what the profile allows to be sent there."""

    host: str
    port: int
    plain_after_tls: bool = False
    """Whether a login without TLS may follow a failed handshake (`useSSL = "false"`)."""
    trusts_server_key: bool = False
    """Whether the password may be sent without TLS, encrypted with a key that the server names
    (`allowPublicKeyRetrieval = "true"`)."""
    verifies: Verifies = ""
    """What is verified of the server's certificate, without which there is no login then (`sslMode`)."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class DatabaseError(WizardError):
    """The server refused something, or did not answer.  `number` is MySQL's own error number, if there is one."""

    def __init__(
        self,
        message: str,
        *,
        cause: Cause,
        endpoint: Endpoint | None = None,
        number: int | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(message, place=f"MySQL at {endpoint}" if endpoint is not None else None, fix=fix)
        self.cause = cause
        self.number = number
        self.greeting: Greeting | None = None
        """The server's greeting, if a login failed after it."""
        self.encrypted = False
        """Whether the failed login was sent over TLS."""

    @property
    def reached(self) -> bool:
        """Whether a MySQL server answered at all."""
        return self.cause not in get_args(_NoServer)


# --- without an error of the server -------------------------------------------------------------------------

# Cause, message, fix; `{host}` and `{port}` are filled in, and what the caller names.
_FAILURES: dict[str, tuple[Cause, str, str]] = {
    "unknown host": (
        "unknown-host",
        "the host {host} cannot be resolved here",
        "correct mysql.host, or make {host} known to this machine (getent hosts {host})",
    ),
    "no answer": (
        "unreachable",
        "no answer: the host is down, or a firewall drops the connection",
        "let this machine connect to port {port} of {host}, or correct mysql.host",
    ),
    "refused": (
        "refused",
        "nothing listens on port {port} of {host}",
        "start the database server, let it listen on that address (bind-address), or correct mysql.port",
    ),
    "closed": (
        "gone",
        "the connection was closed before the server's greeting was complete",
        "check the server's error log; a proxy in between also closes connections like this",
    ),
    "unreachable": (
        "unreachable",
        "cannot be reached: {reason}",
        "check the network between this machine and the database server, or correct mysql.host",
    ),
    # A peer that accepts the connection, may even greet, and then sends nothing.
    "silent": (
        "silent",
        "the connection is accepted, but the server sends nothing",
        "correct mysql.host and mysql.port; if it is MySQL, it is stuck or slow to look up names (skip_name_resolve)",
    ),
    "not MySQL": (
        "not-mysql",
        "the server on port {port} of {host} is not MySQL: {reason}",
        "correct mysql.host and mysql.port",
    ),
    # Nothing more was sent.
    "handshake": (
        "tls",
        "the server offers TLS, and the handshake fails ({reason}); no login was sent without TLS",
        'let the server use TLS 1.2 or later; or set useSSL = "false" in mysql.url_parameters: then everyone on '
        "the network can read what is sent",
    ),
    "certificate": (
        "tls",
        "the server's certificate is not valid here ({reason}); no login was sent",
        "let an authority that this machine trusts issue it (for one run: SSL_CERT_FILE=FILE), for {host} if sslMode "
        "verifies that; or correct sslMode in mysql.url_parameters",
    ),
    "no certificate": (
        "tls",
        "the server offers no TLS, and sslMode requires a valid certificate; no login was sent",
        "let the server offer TLS 1.2 or later, or correct sslMode in mysql.url_parameters",
    ),
    "plugin": (
        "plugin",
        "the server asks {who} {asked} ({plugin}); it was not sent",
        "let the account use caching_sha2_password (with TLS) or mysql_native_password; if the server should not ask "
        "for that, find out what answers at {endpoint}",
    ),
    "key": (
        "plugin",
        "the server asks {who} for the password, encrypted with a key of the server's, and without TLS ({plugin}); it "
        "was not sent",
        'let the server offer TLS 1.2 or later; or set allowPublicKeyRetrieval = "true" in mysql.url_parameters, if no '
        "other machine on the network can answer in the server's place; if the server should not ask for that, find "
        "out what answers at {endpoint}",
    ),
}

NEVER = {
    "mysql_clear_password": "for the password in clear text",
    "dialog": "for the password in clear text",
    "mysql_old_password": "for pre-4.1 authentication, from which the password can be computed",
    "client_ed25519": "for a signature that is not supported here",
}
"""What the authentication plugins that are always refused ask for."""


def failed(kind: str, endpoint: Endpoint, **values: str) -> DatabaseError:
    """Return a failure of the table above."""
    cause, message, fix = _FAILURES[kind]
    values |= {"host": endpoint.host, "port": str(endpoint.port), "endpoint": str(endpoint)}
    return DatabaseError(
        message.format_map(values), cause=cause, endpoint=endpoint, fix=fix.format_map(values)
    )


# The kind of failure that an exception of the operating system stands for: the first that fits.
_SYSTEM_ERRORS: tuple[tuple[type[OSError], str], ...] = (
    (socket.gaierror, "unknown host"),
    (TimeoutError, "no answer"),
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "closed"),
    (OSError, "unreachable"),
)


def unreachable(problem: OSError, endpoint: Endpoint) -> DatabaseError:
    """Return the reason why there is no connection, from the operating system's error."""
    kind = next(kind for error, kind in _SYSTEM_ERRORS if isinstance(problem, error))
    return failed(kind, endpoint, reason=problem.strerror or str(problem))


# --- the server's own error numbers -------------------------------------------------------------------------


def _numbers(*ids: str) -> frozenset[int]:
    return frozenset().union(*(knowledge.BY_ID[id].numbers for id in ids))


_DENIED = _numbers("access-denied")
_RIGHT = frozenset({1044, 1142, 1143, 1211, 1227, 1370, 1410})
_READ_ONLY = _numbers("read-only")
_GONE = frozenset({1053, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2055, 3168, 4031})

NEVER_QUOTES = _DENIED | _RIGHT | _READ_ONLY | _GONE | {1290, 1396, 1470, 1819}
"""Refusals whose text names accounts, rights or policies, and never a part of the statement."""

# Numbers, cause, message, fix; the first row that fits decides.  `{known}` and a missing fix are those of the table
# that `verify` uses too; `{who}`, `{origin}` and the server's `{text}` are filled in.
_MEANINGS: tuple[tuple[frozenset[int], Cause, str, str | None], ...] = (
    (
        frozenset({1698}),
        "denied",
        "{who} may not log in over the network{origin}: the account is bound to the Unix socket",
        "use an account that has a password",
    ),
    (
        _DENIED,
        "denied",
        "access denied for {who}{origin}: wrong password, or the account does not exist",
        None,
    ),
    (_numbers("too-many-connections"), "too-many", "{known} ({text})", None),
    (_numbers("host-blocked", "host-refused"), "host-refused", "{known}: {text}", None),
    (_RIGHT, "right", "{who} lacks a privilege: {text}", "grant it, or let an administrator do it"),
    (_READ_ONLY, "read-only", "{known} ({text})", None),
    (_numbers("account-expired"), "expired", "the password of {who} has expired ({text})", None),
    (_numbers("account-locked"), "expired", "the account {who} is locked ({text})", None),
    (
        frozenset({1251, 1275, 2059, 2061}),
        "plugin",
        "{who} needs an authentication plugin that is not supported here ({text})",
        "let the account use caching_sha2_password or mysql_native_password",
    ),
    (frozenset({3159}), "tls", "the server requires TLS ({text})", "let the server use TLS 1.2 or later"),
    (_GONE, "gone", "the server closed the connection ({text})", "check its error log, then run it again"),
)


def number_of(problem: Exception) -> int:
    """Return MySQL's error number in an exception of PyMySQL; 0 if there is none."""
    first = problem.args[0] if problem.args else 0
    return first if isinstance(first, int) else 0


def by_number(number: int, text: str, endpoint: Endpoint, username: str = "") -> DatabaseError:
    """Return what an error number means.  `text` is the server's message, in whatever language."""
    text = quoted(text)
    seen = re.search(r"'[^']*'@'([^']*)'", text)
    read_only = number == 1290 and "read-only" in text.lower().replace("_", "-")
    meaning = 1836 if read_only else number
    other = "{text} (error {number})" if number else "{text}"
    rows = (*_MEANINGS, (frozenset({meaning}), _OTHER, other, None))
    _, cause, template, own_fix = next(row for row in rows if meaning in row[0])
    known = knowledge.BY_NUMBER.get(meaning)
    message = template.format(
        who=username or "this machine",
        origin=f" from {seen[1]}" if seen else "",
        text=text,
        number=number,
        known=known.cause if known is not None else "",
    )
    fix = own_fix or (known.fix if known is not None else "see the server's message")
    return DatabaseError(message, cause=cause, endpoint=endpoint, number=number or None, fix=fix)
