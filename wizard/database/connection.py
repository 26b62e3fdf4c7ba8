"""Sessions with the server: logging in, and statements.

PyMySQL blocks and trusts what it receives, so it gets a socket with an `Allowance`.  No exception raised here contains
a password or a chained cause that could.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from wizard.database.failure import (
    NEVER,
    Cause,
    DatabaseError,
    Endpoint,
    failed,
    login_refused,
    no_mysql,
    number_of,
    translated,
    unreachable,
)
from wizard.database.greeting import LIMIT, SPEAK_LIMIT, Greeting, meet
from wizard.database.names import as_text
from wizard.system.peer import Allowance, Encryption
from wizard.system.printable import quoted

if TYPE_CHECKING:
    import pymysql

    from wizard.passwords.secret import Secret
    from wizard.system.peer import Peer

WORK_LIMIT = 120.0
"""Seconds for one statement that creates something: a table takes a while on a slow disk."""

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes of the answer to one statement."""

ResultRow = tuple[Any, ...]

_NONSENSE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""Exceptions of code that reads a malformed answer."""


def connect(
    endpoint: Endpoint,
    username: str,
    password: Secret,
    *,
    limit: float = LIMIT,
    speak_limit: float = SPEAK_LIMIT,
    work_limit: float | None = None,
) -> DatabaseSession:
    """Log in.  `limit` seconds are for everything, statements included; with `work_limit` each statement has that many.

    Uses TLS if the server offers it, as the `mysql` client does; does not verify the certificate.  Without TLS sends
    nothing from which the password could be read, unless the endpoint allows it.  Raises DatabaseError, with the
    greeting if there was one.
    """
    end = time.monotonic() + limit
    for tls in (True, False):
        allowance = Allowance(end - time.monotonic(), LARGEST_ANSWER)
        peer, greeting = meet(endpoint, allowance, speak_limit=speak_limit)
        encryption = Encryption(allowance) if tls and greeting.tls else None
        session = DatabaseSession(endpoint, username, password, greeting, allowance, encryption)
        try:
            session.log_in(peer)
            session.work_limit = work_limit
            return session
        except Exception as problem:
            peer.close()
            if not (endpoint.plain_after_tls and session.in_handshake(problem)):
                failure = session.failure(problem)
                failure.greeting, failure.encrypted = greeting, session.encrypted
                raise failure from None
            # Servers like MySQL 5.6 offer a TLS version that is no longer supported.
    raise AssertionError("without TLS no handshake fails")


class _LoginRefused(Exception):
    """The server asks for the password in a way in which it is never sent; the message is the plugin's name."""


class _Refusal:
    """Called by PyMySQL in place of an authentication plugin."""

    def __init__(self, plugin: str, raw: object) -> None:
        self._plugin = plugin

    def authenticate(self, packet: object) -> None:
        raise _LoginRefused(self._plugin)


class DatabaseSession:
    """A connection, logged in by `connect`.  Statements raise DatabaseError with the server's reason."""

    work_limit: float | None = None
    """Seconds for each statement; None: what is left of the time for the login."""
    own_address = ""
    """The address of this machine that the connection comes from."""

    def __init__(
        self,
        endpoint: Endpoint,
        username: str,
        password: Secret,
        greeting: Greeting,
        allowance: Allowance,
        encryption: Encryption | None,
    ) -> None:
        import pymysql

        self.endpoint, self.username, self.greeting = endpoint, username, greeting
        self._password, self._allowance, self._encryption = password, allowance, encryption
        self._no_key = encryption is None and not endpoint.trusts_server_key
        """Whether the password may not be sent in a form that the server can read."""
        never = [*NEVER, *(["sha256_password"] if self._no_key else [])]
        tls: dict[str, Any] = {"ssl_disabled": True} if encryption is None else {"ssl": encryption.context}
        self._raw: pymysql.Connection[Any] = pymysql.connect(
            host=endpoint.host,
            port=endpoint.port,
            user=username,
            # A `str` would be encoded as Latin-1; Connector/J and the `mysql` client send UTF-8.
            password=password.reveal().encode("utf-8", "surrogateescape"),
            charset="utf8mb4",
            autocommit=True,
            program_name="apimha-wizard",
            defer_connect=True,
            auth_plugin_map={plugin: partial(_Refusal, plugin) for plugin in never},
            # If caching_sha2_password asks for the password itself, PyMySQL uses this invalid key (ValueError) instead
            # of asking the server for one.
            server_public_key=b"no key" if self._no_key else None,
            **tls,
        )

    def log_in(self, peer: Peer) -> None:
        """Log in over the peer that sent the greeting.  Raises what PyMySQL does, and _LoginRefused."""
        from pymysql.err import OperationalError

        self.own_address, plugin = str(peer.getsockname()[0]), self.greeting.plugin
        if self._no_key and plugin == "sha256_password":
            raise _LoginRefused(plugin)  # PyMySQL 1.2.0 does not ask the map of plugins here
        try:
            self._raw.connect(peer)
        except ValueError as problem:
            if type(problem) is ValueError and self._no_key:
                raise _LoginRefused("caching_sha2_password") from None
            raise
        except OperationalError as problem:
            if not number_of(problem) and not plugin:
                # Servers without plugins ask for it without a name.
                raise _LoginRefused("mysql_old_password") from None
            raise

    @property
    def encrypted(self) -> bool:
        """Whether everything is sent over TLS."""
        return self._encryption is not None and self._encryption.established

    def in_handshake(self, problem: Exception) -> bool:
        """Whether the TLS handshake failed."""
        failing = self._encryption is not None and not self.encrypted
        return failing and isinstance(getattr(problem, "original_exception", None), OSError)

    def failure(self, problem: BaseException, hiding: Secret | None = None) -> DatabaseError:
        """Return what an exception of PyMySQL, or of the code that reads its results, means."""
        from pymysql.err import Error

        original = getattr(problem, "original_exception", None)
        if isinstance(problem, DatabaseError):
            return problem
        if isinstance(problem, _LoginRefused):
            return login_refused(str(problem), self.endpoint, self.username)
        if self._allowance.spent == "size":
            return no_mysql(self.endpoint, "its answer is too long")
        if self._allowance.spent == "time":
            return failed("silent", self.endpoint)
        if isinstance(problem, Exception) and self.in_handshake(problem):
            reason = getattr(original, "reason", None) or type(original).__name__
            return failed("handshake", self.endpoint, reason=quoted(str(reason), 60))
        if isinstance(original, OSError):
            return unreachable(original, self.endpoint)
        if isinstance(problem, Error) and number_of(problem):
            return translated(problem, self.endpoint, self.username, hiding, self._password)
        if isinstance(problem, RuntimeError):  # PyMySQL's refusal
            return no_mysql(self.endpoint, "it asks for a file of this machine (LOAD DATA LOCAL)")
        return no_mysql(self.endpoint, f"its answer is malformed ({type(problem).__name__})")

    # --- statements -----------------------------------------------------------------------------------------

    def rows(
        self,
        statement: str,
        arguments: Sequence[object] = (),
        *,
        most: int = LARGEST_ANSWER,
        hiding: Secret | None = None,
    ) -> list[ResultRow]:
        """Run one statement, with `arguments` for each `%s` if there are any; returns its rows, of `most` bytes.

        An error does not repeat the secret `hiding`.
        """
        with self._asking(most, hiding), self._raw.cursor() as cursor:
            # Without arguments a `%` stays a `%`, as the scripts need it.
            cursor.execute(statement, tuple(arguments) or None)
            return list(cursor.fetchall())

    def visible(
        self,
        statement: str,
        arguments: Sequence[object] = (),
        *,
        refusals: tuple[Cause, ...] = ("right", "statement"),
    ) -> list[tuple[str, ...]] | None:
        """Return the rows as text; None if the server refuses the statement for one of these causes."""
        try:
            return [tuple(map(as_text, row)) for row in self.rows(statement, arguments)]
        except DatabaseError as problem:
            if problem.cause in refusals:
                return None
            raise

    def value(self, statement: str, arguments: Sequence[object] = ()) -> Any:
        """Return the first column of the first row; None without a row."""
        rows = self.rows(statement, arguments)
        return rows[0][0] if rows else None

    def make(self, statement: str, arguments: Sequence[object] = (), *, hiding: Secret | None = None) -> None:
        """Run one statement that changes something."""
        self.rows(statement, arguments, hiding=hiding)

    def use(self, database: str) -> None:
        """Make `database` the default database."""
        with self._asking(LARGEST_ANSWER):
            self._raw.select_db(database)

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

    @contextlib.contextmanager
    def _asking(self, most: int, hiding: Secret | None = None) -> Iterator[None]:
        self._allowance.renew(most, self.work_limit)
        try:
            yield
        except Exception as problem:
            failure = self.failure(problem, hiding)
            if not failure.reached:  # the connection is out of step
                self.close()
            raise failure from None
