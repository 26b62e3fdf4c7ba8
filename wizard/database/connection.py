"""Talking to the server: logging in, and statements.

PyMySQL blocks, and believes whatever comes: so it gets a socket that keeps to an `Allowance`.  Nothing that is raised
here holds a password, nor is a cause chained to it that could.
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
from wizard.system.peer import Allowance, Encryption

if TYPE_CHECKING:
    import pymysql

    from wizard.passwords.secret import Secret

WORK_LIMIT = 120.0
"""Seconds for one statement that makes something: on a slow disk a table takes a while."""

LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes that the answer to one statement may have."""

ResultRow = tuple[Any, ...]

_NONSENSE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What is raised by somebody who takes the answer for one of MySQL's, and it is none."""


class DatabaseSession:
    """A connection that is logged in.  Statements raise DatabaseError with the server's reason."""

    def __init__(
        self, raw: pymysql.Connection[Any], login: _Login, own_address: str, work_limit: float | None
    ) -> None:
        self._raw = raw
        self._login = login
        self._work_limit = work_limit
        self.endpoint = login.endpoint
        self.username = login.username
        self.greeting = login.greeting
        """What the server said of itself."""
        self.encrypted = login.encrypted
        """Whether everything is sent over TLS."""
        self.own_address = own_address
        """The address of this machine that the connection comes from."""

    def rows(
        self, statement: str, arguments: Sequence[object] = (), *, most: int = LARGEST_ANSWER
    ) -> list[ResultRow]:
        """Run one statement; `%s` in it stands for the arguments where there are any.  Its rows, of `most` bytes."""
        return self._run(statement, arguments, None, most)

    def value(self, statement: str, arguments: Sequence[object] = ()) -> Any:
        """The first column of the first row; None without a row."""
        rows = self.rows(statement, arguments)
        return rows[0][0] if rows else None

    def make(self, statement: str, arguments: Sequence[object] = (), *, hiding: Secret | None = None) -> None:
        """Run one statement that changes something; an error does not repeat the secret it is `hiding`."""
        self._run(statement, arguments, hiding, LARGEST_ANSWER)

    def use(self, database: str) -> None:
        """Make `database` the one that statements are about."""
        with self._asking(None, LARGEST_ANSWER):
            self._raw.select_db(database)

    def close(self) -> None:
        """End it; a connection that is gone already is no error."""
        from pymysql.err import Error

        with contextlib.suppress(Error, OSError):
            self._raw.close()

    def __enter__(self) -> DatabaseSession:
        return self

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        """End it.  What somebody trips over in an answer is the server's fault, and raised as DatabaseError."""
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
            if not failure.reached:  # what comes next may be anything
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
    """Log in.  `limit` is for all of it, statements included, in seconds; with `work_limit` each statement has that.

    TLS is used where the server offers it, as the `mysql` client does by itself; the certificate is not verified.
    Without TLS nothing is sent that the password could be read from, unless the endpoint allows it.  Raises
    DatabaseError, with the greeting where there was one.
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
                continue  # MySQL 5.6 and its like offer a TLS that is no longer spoken
            failure = login.failure(login.refusal(problem) or problem)
            failure.greeting = greeting
            failure.encrypted = login.encrypted
            raise failure from None
        break
    return DatabaseSession(raw, login, own_address, work_limit)


class _LoginRefused(Exception):
    """The server asks for the password in a way in which it is not sent; the message is the plugin's name."""


class _Refusal:
    """What PyMySQL calls in place of an authentication plugin."""

    def __init__(self, plugin: str, raw: object) -> None:
        self._plugin = plugin

    def authenticate(self, packet: object) -> None:
        raise _LoginRefused(self._plugin)


@dataclass(frozen=True)
class _Login:
    """One log-in, and what its failures and those of its statements mean."""

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
        """Whether the password may not be sent in any form that the server can read."""
        return self.encryption is None and not self.endpoint.trusts_server_key

    def prepared(self) -> pymysql.Connection[Any]:
        """The connection, which is opened by `connect(peer)`."""
        import pymysql

        never = [*NEVER, *(["sha256_password"] if self.no_key else [])]
        more: dict[str, Any] = {
            "auth_plugin_map": {plugin: partial(_Refusal, plugin) for plugin in never},
            # caching_sha2_password may end before the password itself is asked for.  Where it is, PyMySQL takes this,
            # which is no key (ValueError), instead of asking the server for one.
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
        """The refusal that shows only in what PyMySQL trips over."""
        from pymysql.err import OperationalError

        if type(problem) is ValueError and self.no_key:
            return _LoginRefused("caching_sha2_password")
        if isinstance(problem, OperationalError) and not number_of(problem) and not self.greeting.plugin:
            return _LoginRefused(
                "mysql_old_password"
            )  # before there were plugins, it was asked for without a name
        return None

    def failure(self, problem: Exception, hiding: Secret | None = None) -> DatabaseError:
        """What an exception means that PyMySQL, or whoever reads its results, has raised."""
        from pymysql.err import Error

        original = getattr(problem, "original_exception", None)
        if isinstance(problem, DatabaseError):
            return problem
        if isinstance(problem, _LoginRefused):
            return login_refused(str(problem), self.endpoint, self.username)
        if self.allowance.spent == "size":
            return no_mysql(self.endpoint, "it sends more than any answer needs")
        if self.allowance.spent == "time":
            return stuck(self.endpoint)
        if isinstance(original, OSError):
            explained = tls_failed if self.in_handshake(problem) else unreachable
            return explained(original, self.endpoint)
        if isinstance(problem, Error) and number_of(problem):
            return translated(problem, self.endpoint, self.username, hiding, self.password)
        if isinstance(problem, RuntimeError):  # so says PyMySQL
            return no_mysql(
                self.endpoint, "it asks for a file of this machine (LOAD DATA LOCAL), which it does not get"
            )
        return no_mysql(self.endpoint, f"it answers as none would ({type(problem).__name__})")
