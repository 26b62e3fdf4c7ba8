"""Talking to the server: logging in, and statements.

PyMySQL blocks, so every wait has a limit.  Nothing that is raised here holds a password, nor is a cause
chained to it that could.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wizard.database.failure import (
    INSTEAD_OF_GREETING,
    DatabaseError,
    Endpoint,
    no_mysql,
    number_of,
    stuck,
    translated,
    unreachable,
)
from wizard.database.greeting import CONNECT_LIMIT, SPEAK_LIMIT, TLS_OFFERED, Greeting, greeting

if TYPE_CHECKING:
    import pymysql

    from wizard.passwords.secret import Secret

WORK_LIMIT = 120.0
"""Seconds for one statement that makes something: on a slow disk a table takes a while."""

ResultRow = tuple[Any, ...]


class DatabaseSession:
    """A connection that is logged in.  Statements raise DatabaseError with the server's reason."""

    def __init__(self, raw: pymysql.Connection[Any], endpoint: Endpoint, username: str) -> None:
        self._raw = raw
        self.endpoint = endpoint
        self.username = username

    @property
    def greeting(self) -> Greeting:
        """What the server said of itself."""
        return _greeting_of(self._raw)

    @property
    def own_address(self) -> str:
        """The address of this machine that the connection comes from; empty once it is closed."""
        raw: Any = self._raw
        return str(raw._sock.getsockname()[0]) if raw._sock is not None else ""

    def rows(self, statement: str, arguments: Sequence[object] = ()) -> list[ResultRow]:
        """Run one statement; `%s` in it stands for the arguments where there are any.  Its rows."""
        return self._run(statement, arguments, None)

    def value(self, statement: str, arguments: Sequence[object] = ()) -> Any:
        """The first column of the first row; None without a row."""
        rows = self.rows(statement, arguments)
        return rows[0][0] if rows else None

    def make(self, statement: str, arguments: Sequence[object] = (), *, hiding: Secret | None = None) -> None:
        """Run one statement that changes something; an error does not repeat the secret it is `hiding`."""
        self._run(statement, arguments, hiding)

    def use(self, database: str) -> None:
        """Make `database` the one that statements are about."""
        from pymysql.err import Error

        try:
            self._raw.select_db(database)
        except Error as problem:
            raise translated(problem, self.endpoint, self.username) from None

    def close(self) -> None:
        """End it; a connection that is gone already is no error."""
        from pymysql.err import Error

        with contextlib.suppress(Error, OSError):
            self._raw.close()

    def __enter__(self) -> DatabaseSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, statement: str, arguments: Sequence[object], hiding: Secret | None) -> list[ResultRow]:
        from pymysql.err import Error

        try:
            with self._raw.cursor() as cursor:
                # Without arguments a `%` stays a `%`, as the scripts need it.
                cursor.execute(statement, tuple(arguments) or None)
                return list(cursor.fetchall())
        except Error as problem:
            raise translated(problem, self.endpoint, self.username, hiding) from None


def connect(
    endpoint: Endpoint,
    username: str,
    password: Secret,
    *,
    connect_limit: float = CONNECT_LIMIT,
    speak_limit: float = SPEAK_LIMIT,
    work_limit: float | None = None,
) -> DatabaseSession:
    """Log in.  The limits are seconds: for the TCP connection, for each answer until the log-in is done, and
    for each answer after that (unset: the same).

    TLS is used where the server offers it and both know a common version, as the `mysql` client does by
    itself; the certificate is not verified.  Raises DatabaseError, with the greeting where there was one.
    """
    for tls in (True, False):
        raw = _prepared(endpoint, username, password, connect_limit, speak_limit)
        try:
            _open(raw, tls=tls)
        except Exception as problem:
            if tls and _is_tls_trouble(problem):
                continue  # MySQL 5.6 and its like offer a TLS that is no longer spoken
            failure = _failure(problem, raw, endpoint, username)
            if _greeted(raw):
                failure.greeting = _greeting_of(raw)
                failure.encrypted = tls and failure.greeting.tls
            raise failure from None
        break
    if work_limit is not None:
        raw._read_timeout = raw._write_timeout = work_limit
    return DatabaseSession(raw, endpoint, username)


def _prepared(
    endpoint: Endpoint, username: str, password: Secret, connect_limit: float, speak_limit: float
) -> Any:
    import pymysql

    limit: Any = connect_limit  # an int in the stubs; a float works
    return pymysql.connect(
        host=endpoint.host,
        port=endpoint.port,
        user=username,
        # A `str` would be encoded as Latin-1; Connector/J and the `mysql` client send UTF-8.
        password=password.reveal().encode("utf-8", "surrogateescape"),
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=limit,
        read_timeout=speak_limit,
        write_timeout=speak_limit,
        program_name="apimha-wizard",
        ssl_disabled=True,
        defer_connect=True,
    )


def _open(raw: Any, *, tls: bool) -> None:
    if tls:
        import ssl

        # PyMySQL's own context reads all certificates of the system (26 ms) and then verifies none of them.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        raw.ssl = True
        raw.ctx = context
    raw.connect()


def _is_tls_trouble(problem: Exception) -> bool:
    import ssl

    return isinstance(getattr(problem, "original_exception", None), ssl.SSLError)


def _failure(problem: Exception, raw: Any, endpoint: Endpoint, username: str) -> DatabaseError:
    """Why a log-in failed.  Where not even a greeting came, another look tells who listens there."""
    from pymysql.err import Error

    original = getattr(problem, "original_exception", None)
    if isinstance(original, TimeoutError) and _greeted(raw):
        return stuck(endpoint)
    if isinstance(original, OSError):
        return unreachable(original, endpoint)
    if isinstance(problem, OSError | UnicodeError):
        return unreachable(problem, endpoint)
    if not _greeted(raw) and number_of(problem) not in INSTEAD_OF_GREETING:
        try:
            greeting(endpoint, speak_limit=0.75)
        except DatabaseError as better:
            return better
    if isinstance(problem, Error):
        return translated(problem, endpoint, username)
    # PyMySQL trips over its own parsing where what comes is no MySQL packet.
    return no_mysql(endpoint, "it speaks another protocol")


def _greeted(raw: Any) -> bool:
    """Whether a whole greeting came."""
    return hasattr(raw, "server_capabilities")


def _greeting_of(raw: Any) -> Greeting:
    plugin = getattr(raw, "_auth_plugin_name", None) or ""
    return Greeting(raw.server_version, bool(raw.server_capabilities & TLS_OFFERED), str(plugin))
