"""Sessions with the server: logging in, and statements.

PyMySQL blocks and trusts what it receives, so it gets a socket with an `Allowance`.  No exception raised here contains
a password or a chained cause that could.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from wizard.database.failure import (
    NEVER,
    Cause,
    DatabaseError,
    Endpoint,
    login_refused,
    no_mysql,
    number_of,
    stuck,
    tls_failed,
    translated,
    unreachable,
)
from wizard.database.greeting import LIMIT, SPEAK_LIMIT, Greeting, meet
from wizard.database.names import as_text
from wizard.system.peer import Allowance, Encryption

if TYPE_CHECKING:
    import pymysql

    from wizard.passwords.secret import Secret

WORK_LIMIT = 120.0
"""Seconds for one statement that creates something: a table takes a while on a slow disk."""

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes of the answer to one statement."""

ResultRow = tuple[Any, ...]

_NONSENSE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""Exceptions of code that reads a malformed answer."""


class DatabaseSession:
    """A logged-in connection.  Statements raise DatabaseError with the server's reason."""

    def __init__(
        self, raw: pymysql.Connection[Any], login: _Login, own_address: str, work_limit: float | None
    ) -> None:
        self._raw = raw
        self._login = login
        self._work_limit = work_limit
        self.endpoint = login.endpoint
        self.username = login.username
        self.greeting = login.greeting
        self.encrypted = login.encrypted
        """Whether everything is sent over TLS."""
        self.own_address = own_address
        """The address of this machine that the connection comes from."""

    def rows(
        self, statement: str, arguments: Sequence[object] = (), *, most: int = LARGEST_ANSWER
    ) -> list[ResultRow]:
        """Run one statement, with `arguments` for each `%s` if there are any; returns its rows, of `most` bytes."""
        return self._run(statement, arguments, None, most)

    def visible(
        self,
        statement: str,
        arguments: Sequence[object] = (),
        *,
        refusals: tuple[Cause, ...] = ("right", "statement"),
    ) -> list[tuple[str, ...]] | None:
        """Return the rows as text; None if the server refuses the statement for one of these causes."""
        try:
            rows = self.rows(statement, arguments)
        except DatabaseError as problem:
            if problem.cause in refusals:
                return None
            raise
        return [tuple(map(as_text, row)) for row in rows]

    def value(self, statement: str, arguments: Sequence[object] = ()) -> Any:
        """Return the first column of the first row; None without a row."""
        rows = self.rows(statement, arguments)
        return rows[0][0] if rows else None

    def make(self, statement: str, arguments: Sequence[object] = (), *, hiding: Secret | None = None) -> None:
        """Run one statement that changes something; an error does not repeat the secret `hiding`."""
        self._run(statement, arguments, hiding, LARGEST_ANSWER)

    def use(self, database: str) -> None:
        """Make `database` the default database."""
        with self._asking(None, LARGEST_ANSWER):
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
            raise self._login.failure(problem) from None

    def _run(
        self, statement: str, arguments: Sequence[object], hiding: Secret | None, most: int
    ) -> list[ResultRow]:
        found: list[ResultRow] = []
        with self._asking(hiding, most), self._raw.cursor() as cursor:
            # Without arguments a `%` stays a `%`, as the scripts need it.
            cursor.execute(statement, tuple(arguments) or None)
            found += cursor.fetchall()
        return found

    @contextlib.contextmanager
    def _asking(self, hiding: Secret | None, most: int) -> Iterator[None]:
        self._login.allowance.renew(most, self._work_limit)
        try:
            yield
        except Exception as problem:
            failure = self._login.failure(problem, hiding)
            if not failure.reached:  # the connection is out of step
                self.close()
            raise failure from None


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
        login = _Login(endpoint, username, password, greeting, allowance, encryption)
        raw, own_address = login.prepared(), str(peer.getsockname()[0])
        try:
            if login.no_key and greeting.plugin == "sha256_password":
                raise _LoginRefused(greeting.plugin)  # PyMySQL 1.2.0 does not ask the map of plugins here
            raw.connect(peer)
        except Exception as problem:
            peer.close()
            if endpoint.plain_after_tls and login.in_handshake(problem):
                continue  # servers like MySQL 5.6 offer a TLS version that is no longer supported
            failure = login.failure(login.refusal(problem) or problem)
            failure.greeting = greeting
            failure.encrypted = login.encrypted
            raise failure from None
        break
    return DatabaseSession(raw, login, own_address, work_limit)


class _LoginRefused(Exception):
    """The server asks for the password in a way in which it is never sent; the message is the plugin's name."""


class _Refusal:
    """Called by PyMySQL in place of an authentication plugin."""

    def __init__(self, plugin: str, raw: object) -> None:
        self._plugin = plugin

    def authenticate(self, packet: object) -> None:
        raise _LoginRefused(self._plugin)


@dataclass(frozen=True)
class _Login:
    """One login, and what its failures and those of its statements mean."""

    endpoint: Endpoint
    username: str
    password: Secret
    greeting: Greeting
    allowance: Allowance
    encryption: Encryption | None

    @property
    def encrypted(self) -> bool:
        return self.encryption is not None and self.encryption.established

    @property
    def no_key(self) -> bool:
        """Whether the password may not be sent in a form that the server can read."""
        return self.encryption is None and not self.endpoint.trusts_server_key

    def prepared(self) -> pymysql.Connection[Any]:
        """Return the connection, which `connect(peer)` opens."""
        import pymysql

        never = [*NEVER, *(["sha256_password"] if self.no_key else [])]
        more: dict[str, Any] = {
            "auth_plugin_map": {plugin: partial(_Refusal, plugin) for plugin in never},
            # If caching_sha2_password asks for the password itself, PyMySQL uses this invalid key (ValueError) instead
            # of asking the server for one.
            "server_public_key": b"no key" if self.no_key else None,
            **({"ssl_disabled": True} if self.encryption is None else {"ssl": self.encryption.context}),
        }
        return pymysql.connect(
            host=self.endpoint.host,
            port=self.endpoint.port,
            user=self.username,
            # A `str` would be encoded as Latin-1; Connector/J and the `mysql` client send UTF-8.
            password=self.password.reveal().encode("utf-8", "surrogateescape"),
            charset="utf8mb4",
            autocommit=True,
            program_name="apimha-wizard",
            defer_connect=True,
            **more,
        )

    def in_handshake(self, problem: Exception) -> bool:
        """Whether the TLS handshake failed."""
        failed = self.encryption is not None and not self.encryption.established
        return failed and isinstance(getattr(problem, "original_exception", None), OSError)

    def refusal(self, problem: Exception) -> Exception | None:
        """Return the refusal behind an exception of PyMySQL that does not name it."""
        from pymysql.err import OperationalError

        if type(problem) is ValueError and self.no_key:
            return _LoginRefused("caching_sha2_password")
        if isinstance(problem, OperationalError) and not number_of(problem) and not self.greeting.plugin:
            return _LoginRefused("mysql_old_password")  # servers without plugins ask for it without a name
        return None

    def failure(self, problem: Exception, hiding: Secret | None = None) -> DatabaseError:
        """Return what an exception of PyMySQL, or of the code that reads its results, means."""
        from pymysql.err import Error

        original = getattr(problem, "original_exception", None)
        if isinstance(problem, DatabaseError):
            return problem
        if isinstance(problem, _LoginRefused):
            return login_refused(str(problem), self.endpoint, self.username)
        if self.allowance.spent == "size":
            return no_mysql(self.endpoint, "its answer is too long")
        if self.allowance.spent == "time":
            return stuck(self.endpoint)
        if isinstance(original, OSError):
            explained = tls_failed if self.in_handshake(problem) else unreachable
            return explained(original, self.endpoint)
        if isinstance(problem, Error) and number_of(problem):
            return translated(problem, self.endpoint, self.username, hiding, self.password)
        if isinstance(problem, RuntimeError):  # PyMySQL's refusal
            return no_mysql(self.endpoint, "it asks for a file of this machine (LOAD DATA LOCAL)")
        return no_mysql(self.endpoint, f"its answer is malformed ({type(problem).__name__})")
