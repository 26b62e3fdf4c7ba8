"""Sessions with the server: the greeting, which it sends before a login, logging in, and statements.

PyMySQL blocks and trusts what it receives, so it gets a socket with an `Allowance`.  No exception raised here contains
a password or a chained cause that could.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from wizard.database.failure import (
    NEVER,
    NEVER_QUOTES,
    DatabaseError,
    Endpoint,
    by_number,
    failed,
    number_of,
    unreachable,
)
from wizard.database.names import as_text
from wizard.pack.releases import version_tuple
from wizard.passwords.secret import MASK
from wizard.system.peer import Allowance, Encryption, Peer, reach
from wizard.system.printable import quoted

if TYPE_CHECKING:
    import pymysql

    from wizard.passwords.secret import Secret

LIMIT = 4.5
"""Seconds for all that a check asks a server: within the five seconds of the check, whatever the server does."""

SPEAK_LIMIT = 2.5
"""Seconds within which a server that has accepted the connection must send something."""

_LARGEST = 64 * 1024
_LONGEST_VERSION = 60
_OTHER = "it uses another protocol"

WORK_LIMIT = 120.0
"""Seconds for one statement that creates something: a table takes a while on a slow disk."""

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes of the answer to one statement."""

_NONSENSE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""Exceptions of code that reads a malformed answer."""


# --- the greeting -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server sends before a login; made of `text` alone it stands for a server of that version."""

    text: str
    """The version, like `5.6.24-log` or `10.11.19-MariaDB`."""
    tls: bool = False
    plugin: str = ""
    """The authentication plugin that the server prefers."""

    @property
    def mariadb(self) -> bool:
        return "mariadb" in self.text.lower()

    @property
    def version(self) -> tuple[int, ...]:
        """The numbers of the version.  MariaDB before 11 puts `5.5.5-` before its own, for old clients."""
        return version_tuple(re.sub(r"^5\.5\.5-(?=\d)", "", self.text) if self.mariadb else self.text)

    @property
    def name(self) -> str:
        """The name for messages: `MySQL 5.6.24`, `MariaDB 10.11.19`."""
        return f"{'MariaDB' if self.mariadb else 'MySQL'} {'.'.join(map(str, self.version))}"

    def is_before(self, mysql: tuple[int, ...], mariadb: tuple[int, ...] = ()) -> bool:
        """Whether the version is older than `mysql`, or than `mariadb` for a MariaDB (no version: not older)."""
        return self.version < (mariadb if self.mariadb else mysql)


def greeting(endpoint: Endpoint, *, limit: float = LIMIT) -> Greeting:
    """Return what the server sends before a login.  Raises DatabaseError, with what answers, if it is not MySQL.

    The server counts this as an interrupted connection, so ask once and do not poll.
    """
    peer, found = meet(endpoint, Allowance(limit, 2 * _LARGEST))
    peer.close()
    return found


def meet(endpoint: Endpoint, allowance: Allowance) -> tuple[Peer, Greeting]:
    """Connect and read the greeting, which the peer returns again when read.  Raises DatabaseError as `greeting`."""
    try:
        peer = reach(endpoint.host, endpoint.port, allowance)
    except OSError as problem:
        raise unreachable(problem, endpoint) from None
    try:
        packet = _first_packet(peer, endpoint)
        found = _parsed(packet, endpoint)
    except BaseException as problem:
        peer.close()
        if isinstance(problem, OSError):
            silent = isinstance(problem, TimeoutError)
            raise failed("silent", endpoint) if silent else unreachable(problem, endpoint) from None
        raise
    peer.ahead = len(packet).to_bytes(4, "little") + packet  # the fourth byte is the number of the packet
    return peer, found


def _first_packet(peer: Peer, endpoint: Endpoint) -> bytes:
    """Return the first packet, complete.  A silent peer is asked in HTTP, so that a web server can be named."""
    peer.pause = SPEAK_LIMIT
    try:
        header = peer.recv(4)
    except TimeoutError:
        peer.pause = 0.5
        with contextlib.suppress(OSError):
            peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
            if peer.recv(5) == b"HTTP/":
                raise failed("not MySQL", endpoint, reason="it is a web server (it answers HTTP)") from None
        raise
    peer.pause = float("inf")
    header += _exactly(peer, 4 - len(header))
    length, number = int.from_bytes(header[:3], "little"), header[3]
    if number == 0 and 0 < length <= _LARGEST:
        return _exactly(peer, length)
    peer.pause = 0.2
    with contextlib.suppress(OSError):
        header += peer.recv(64)
    word = re.split(rb"[\r\n]", header)[0][:40]
    shown = word.decode("ascii", "replace") if word.isascii() else ""
    reason = f'it sends "{shown}"' if shown and shown.isprintable() else _OTHER
    raise failed("not MySQL", endpoint, reason=reason)


def _exactly(peer: Peer, length: int) -> bytes:
    received = b""
    while len(received) < length:
        piece = peer.recv(length - len(received))
        if not piece:
            raise ConnectionResetError("closed")
        received += piece
    return received


def _parsed(packet: bytes, endpoint: Endpoint) -> Greeting:
    """Parse protocol 10's greeting: version, thread, salt, capabilities, …, plugin.  Raises an error packet."""
    if packet[0] == 0xFF and len(packet) >= 3:
        text = packet[3:].decode("utf-8", "replace")
        raise by_number(int.from_bytes(packet[1:3], "little"), re.sub(r"^#.{5}", "", text), endpoint)
    end = packet.find(b"\0", 1)
    if packet[0] != 10 or end < 0:
        raise failed("not MySQL", endpoint, reason=_OTHER)
    rest = packet[end + 1 :]
    capabilities = int.from_bytes(rest[13:15], "little") | int.from_bytes(rest[18:20], "little") << 16
    salt = max(13, (rest[20] if len(rest) > 20 else 0) - 8)
    plugin = rest[31 + salt :].split(b"\0")[0].decode("latin-1")
    text = "".join(filter(str.isprintable, packet[1:end].decode("latin-1")[:_LONGEST_VERSION]))
    if re.match(r"\d{1,4}(\.|$)", text) is None:
        raise failed("not MySQL", endpoint, reason=_OTHER)
    return Greeting(text, bool(capabilities & 0x0800), plugin)  # CLIENT_SSL


# --- the session --------------------------------------------------------------------------------------------


def connect(endpoint: Endpoint, username: str, password: Secret, *, limit: float = LIMIT) -> DatabaseSession:
    """Log in.  `limit` seconds are for everything, statements included, until the session has a `work_limit`.

    Uses TLS if the server offers it, as the `mysql` client does; verifies the certificate only if the endpoint says so.
    Without TLS sends nothing from which the password could be read, unless the endpoint allows it.  Raises
    DatabaseError, with the greeting if there was one.
    """
    end = time.monotonic() + limit
    for tls in (True, False):
        allowance = Allowance(end - time.monotonic(), LARGEST_ANSWER)
        peer, said = meet(endpoint, allowance)
        encryption = Encryption(allowance, endpoint.verifies) if tls and said.tls else None
        session = DatabaseSession(endpoint, username, password, said, allowance, encryption)
        try:
            if endpoint.verifies and not said.tls:
                raise failed("no certificate", endpoint)
            session.log_in(peer)
            return session
        except Exception as problem:
            peer.close()
            if not (endpoint.plain_after_tls and session.in_handshake(problem)):
                failure = session.failure(problem)
                failure.greeting, failure.encrypted = said, session.encrypted
                raise failure.with_traceback(None) from None
            # Servers like MySQL 5.6 offer a TLS version that is no longer supported.
    raise AssertionError("without TLS no handshake fails")


@dataclass(eq=False)
class DatabaseSession:
    """A connection, logged in by `connect`.  Statements raise DatabaseError with the server's reason."""

    endpoint: Endpoint
    username: str
    _password: Secret
    greeting: Greeting
    _allowance: Allowance
    _encryption: Encryption | None
    work_limit: float | None = None
    """Seconds for each statement; None: what is left of the time for the login."""
    own_address: str = ""
    """The address of this machine that the connection comes from."""

    def __post_init__(self) -> None:
        import pymysql

        self._no_key = self._encryption is None and not self.endpoint.trusts_server_key
        """Whether the password may not be sent in a form that the server can read."""
        never = [*NEVER, *(["sha256_password"] if self._no_key else [])]
        self._raw: pymysql.Connection[Any] = pymysql.connect(
            host=self.endpoint.host,
            port=self.endpoint.port,
            user=self.username,
            # A `str` would be encoded as Latin-1; Connector/J and the `mysql` client send UTF-8.
            password=self._password.reveal().encode("utf-8", "surrogateescape"),
            charset="utf8mb4",
            autocommit=True,
            program_name="apimha-wizard",
            defer_connect=True,
            ssl=self._encryption.context if self._encryption is not None else None,
            ssl_disabled=self._encryption is None,
            # PyMySQL calls these in place of a plugin's class.
            auth_plugin_map={plugin: partial(self._refuse, plugin) for plugin in never},
            # If caching_sha2_password asks for the password itself, PyMySQL uses this invalid key (ValueError) instead
            # of asking the server for one.
            server_public_key=b"no key" if self._no_key else None,
        )

    def log_in(self, peer: Peer) -> None:
        """Log in over the peer that sent the greeting.  Raises what PyMySQL does, and DatabaseError."""
        from pymysql.err import OperationalError

        self.own_address, plugin = str(peer.getsockname()[0]), self.greeting.plugin
        if self._no_key and plugin == "sha256_password":
            self._refuse(plugin)  # PyMySQL 1.2.0 does not ask the map of plugins here
        try:
            self._raw.connect(peer)
        except ValueError as problem:
            if type(problem) is ValueError and self._no_key:
                self._refuse("caching_sha2_password")
            raise
        except OperationalError as problem:
            if not number_of(problem) and not plugin:
                self._refuse("mysql_old_password")  # servers without plugins ask for it without a name
            raise

    def _refuse(self, plugin: str, raw: object = None) -> NoReturn:
        """Send no password to a server that asks for it by this plugin."""
        kind = "plugin" if plugin in NEVER else "key"
        raise failed(kind, self.endpoint, who=self.username, plugin=plugin, asked=NEVER.get(plugin, ""))

    @property
    def encrypted(self) -> bool:
        """Whether everything is sent over TLS."""
        return self._encryption is not None and self._encryption.established

    def in_handshake(self, problem: Exception) -> bool:
        """Whether the TLS handshake failed."""
        failing = self._encryption is not None and not self.encrypted
        return failing and isinstance(getattr(problem, "original_exception", None), OSError)

    def failure(self, problem: BaseException, hiding: Secret | None = None) -> DatabaseError:
        """Return what an exception of PyMySQL, or of the code that reads its results, means.

        The message repeats neither the secret `hiding` nor the account's password, which the server received.
        """
        from pymysql.err import Error

        original = getattr(problem, "original_exception", None)
        if isinstance(problem, DatabaseError):
            return problem
        if self._allowance.spent == "time":
            return failed("silent", self.endpoint)
        if self._allowance.spent == "size":
            reason = "its answer is too long"
        elif isinstance(problem, Exception) and self.in_handshake(problem):
            invalid = getattr(original, "verify_message", None)
            reason = quoted(str(invalid or getattr(original, "reason", None) or type(original).__name__), 60)
            return failed("certificate" if invalid else "handshake", self.endpoint, reason=reason)
        elif isinstance(original, OSError):
            return unreachable(original, self.endpoint)
        elif isinstance(problem, Error) and (number := number_of(problem)):
            text = str(problem.args[1]) if len(problem.args) > 1 else str(problem)
            if self._password.reveal():
                text = text.replace(self._password.reveal(), MASK)
            if hiding is not None and number not in NEVER_QUOTES:
                # A syntax error quotes the statement from where it went wrong.
                text = "the server's message may contain the password and is not shown"
            return by_number(number, text, self.endpoint, self.username)
        elif isinstance(problem, RuntimeError):  # PyMySQL's refusal
            reason = "it asks for a file of this machine (LOAD DATA LOCAL)"
        else:
            reason = f"its answer is malformed ({type(problem).__name__})"
        return failed("not MySQL", self.endpoint, reason=reason)

    def rows(
        self,
        statement: str,
        arguments: Sequence[object] = (),
        *,
        most: int = LARGEST_ANSWER,
        hiding: Secret | None = None,
    ) -> list[tuple[Any, ...]]:
        """Run one statement, with `arguments` for each `%s` if there are any; returns its rows, of `most` bytes.

        An error does not repeat the secret `hiding`.
        """
        self._allowance.renew(most, self.work_limit)
        try:
            with self._raw.cursor() as cursor:
                # Without arguments a `%` stays a `%`, as the scripts need it.
                cursor.execute(statement, tuple(arguments) or None)
                return list(cursor.fetchall())
        except Exception as problem:
            failure = self.failure(problem, hiding)
            if not failure.reached:  # the connection is out of step
                self.close()
            raise failure from None

    def visible(self, statement: str, arguments: Sequence[object] = ()) -> list[tuple[str, ...]] | None:
        """Return the rows as text; None if the server refuses the statement, or does not know it."""
        try:
            return [tuple(map(as_text, row)) for row in self.rows(statement, arguments)]
        except DatabaseError as problem:
            if problem.cause in ("right", "statement"):
                return None
            raise

    def value(self, statement: str, arguments: Sequence[object] = ()) -> Any:
        """Return the first column of the first row; None without a row."""
        rows = self.rows(statement, arguments)
        return rows[0][0] if rows else None

    def make(self, statement: str, arguments: Sequence[object] = (), *, hiding: Secret | None = None) -> None:
        """Run one statement that changes something."""
        self.rows(statement, arguments, hiding=hiding)

    def close(self) -> None:
        """Close the connection; it may be closed already."""
        from pymysql.err import Error

        with contextlib.suppress(Error, OSError):
            self._raw.close()

    def __enter__(self) -> DatabaseSession:
        return self

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        """Close it.  An exception caused by a malformed answer becomes a DatabaseError."""
        self.close()
        if isinstance(problem, _NONSENSE):
            raise self.failure(problem) from None
