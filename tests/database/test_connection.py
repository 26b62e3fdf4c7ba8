"""The greeting of real servers and of others, logging in, and what refusals mean."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pymysql
import pytest

from tests.support import listeners, servers
from tests.support.playground import Playground
from tests.support.servers import Server
from wizard.database.connection import Greeting, connect, greeting
from wizard.database.failure import DatabaseError, Endpoint, by_number
from wizard.passwords.secret import Secret

FULL = b"\xff\x10\x04#08004Too many connections"
PASSWORDS = (
    "plain",
    "q'uo\"te",
    "back\\slash\\",
    "100%s %d %%",
    "semi;colon -- #",
    "grün ß ✓ 漢字",
    "😀",
    "`tick`",
)


def session(server: Server, username: str | None = None, password: str = "", **allowed: bool):
    if username is None:
        username, password = server.root, server.root_password
    return connect(Endpoint(server.host, server.port, **allowed), username, Secret(password))


def refused(server: Server, username: str, password: str) -> DatabaseError:
    with pytest.raises(DatabaseError) as raised:
        session(server, username, password).close()
    assert raised.value.fix
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    return raised.value


class TestTheGreeting:
    def test_names_the_version_before_any_login(self, server: Server) -> None:
        said = greeting(Endpoint(server.host, server.port))
        expected = {"mysql56": (5, 6, 24), "mysql9": (9, 7), "mariadb": (10, 11)}[server.kind]
        assert said.version[: len(expected)] == expected
        assert (said.mariadb, said.tls) == (server.kind == "mariadb", server.kind == "mysql9")
        assert said.plugin == (
            "caching_sha2_password" if server.kind == "mysql9" else "mysql_native_password"
        )

    def test_versions(self) -> None:
        texts = ("5.5.5-10.11.19-MariaDB-0+deb12u1", "5.6.24-log", "8.0.36-0ubuntu0.22.04.1", "5.5.5")
        assert [Greeting(text).version for text in texts] == [(10, 11, 19), (5, 6, 24), (8, 0, 36), (5, 5, 5)]

    def test_an_unknown_host(self) -> None:
        with pytest.raises(DatabaseError) as raised:
            greeting(Endpoint("no-such-host.invalid", 3306))
        assert raised.value.cause == "unknown-host"


class TestSomethingElse:
    """Both ways of asking report the same within the time of a check: the greeting alone, and a login."""

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("wizard.database.connection.SPEAK_LIMIT", 0.3)

    def problems(self, port: int) -> list[DatabaseError]:
        endpoint, found = Endpoint("127.0.0.1", port), []
        for ask in (
            lambda: greeting(endpoint, limit=1),
            lambda: connect(endpoint, "u", Secret("p"), limit=1),
        ):
            with pytest.raises(DatabaseError) as raised:
                ask()
            assert raised.value.fix
            assert raised.value.place == f"MySQL at 127.0.0.1:{port}"
            found.append(raised.value)
        return found

    @pytest.mark.parametrize(
        ("listening", "cause", "word"),
        [
            (lambda: nullcontext(servers.free_port()), "refused", "nothing listens on port"),
            (listeners.black_hole, "unreachable", "no answer"),
            (lambda: listeners.listener(listeners.silent), "silent", "sends nothing"),
            (lambda: listeners.listener(listeners.http), "not-mysql", "web server"),
            (lambda: listeners.listener(listeners.ssh), "not-mysql", "SSH-2.0"),
            (lambda: listeners.listener(listeners.closing), "gone", "closed"),
            (lambda: listeners.listener(listeners.saying(FULL)), "too-many", "no more connections"),
        ],
    )
    def test_is_named(self, listening: Callable[[], Any], cause: str, word: str) -> None:
        with listening() as port:
            for problem in self.problems(port):
                assert problem.cause == cause
                assert word in problem.message
                assert problem.reached is (cause == "too-many")

    @pytest.mark.parametrize("packet", [b"\x0aab\0xyz", b"\x09\0", b"\x0a" + b"9" * 300, b"\xff"])
    def test_that_only_looks_like_mysql(self, packet: bytes) -> None:
        with listeners.listener(listeners.saying(packet)) as port:
            assert {one.cause for one in self.problems(port)} == {"not-mysql"}

    def test_that_sends_half_a_greeting(self) -> None:
        with listeners.listener(listeners.saying(b"\x0a5.6\0")) as port:
            assert greeting(Endpoint("127.0.0.1", port)).version == (5, 6)
            with pytest.raises(DatabaseError) as raised:
                connect(Endpoint("127.0.0.1", port), "u", Secret("p"), limit=1)
        assert raised.value.cause in ("not-mysql", "gone", "silent")


class TestLoggingIn:
    def test_any_password(self, ground: Playground) -> None:
        for password in (*PASSWORDS, ""):
            ground.make_account(password=password)
            with session(ground.server, ground.account, password) as inside:
                assert inside.value("SELECT CURRENT_USER()") == f"{ground.account}@%", password
            ground.server.drop_user(ground.account)

    def test_arguments_are_never_code(self, server: Server) -> None:
        """And a percent sign in a statement without arguments stays."""
        evil = "'; DROP DATABASE mysql; -- \\' \" ` %s"
        with session(server) as inside:
            assert inside.value("SELECT %s", [evil]) == evil
            assert inside.value("SELECT '100%s'") == "100%s"


class TestLoggingInWithoutTls:
    def test_the_password_is_sent_by_the_servers_key_only_where_the_profile_allows_it(self) -> None:
        """A MySQL 9, whose accounts use caching_sha2_password: what it has cached needs no key."""
        with servers.fresh("mysql9", "--tls-version=") as server:
            server.run("CREATE USER apim@'%' IDENTIFIED BY 's3cret'")  # nothing of it is cached
            for _ in range(2):
                problem = refused(server, "apim", "s3cret")
                assert problem.cause == "plugin"
                assert "caching_sha2_password" in problem.message
                assert "allowPublicKeyRetrieval" in (problem.fix or "")
            for trusted in (True, False):
                with session(server, "apim", "s3cret", trusts_server_key=trusted) as inside:
                    assert inside.value("SELECT CURRENT_USER()") == "apim@%"


class TestRefusals:
    def test_a_wrong_password(self, server: Server) -> None:
        problem = refused(server, server.root, "s3cret-wrong")
        assert "s3cret" not in str(problem) + repr(problem) + repr(problem.__dict__)
        assert problem.cause == refused(server, "nobody-here", "x").cause == "denied"
        assert "access denied for root" in problem.message
        assert problem.reached
        assert problem.greeting is not None
        assert problem.greeting.version[0] in (5, 9, 10)

    @pytest.mark.parametrize("cause", ["right", "read-only"])
    def test_a_statement(self, ground: Playground, cause: str) -> None:
        ground.make_account()
        if cause == "read-only":
            ground.server.run(f"GRANT CREATE ON *.* TO '{ground.account}'@'%'")
        with (
            ground.server.setting("read_only", "ON" if cause == "read-only" else "OFF"),
            ground.session() as inside,
        ):
            with pytest.raises(DatabaseError) as raised:
                inside.make("CREATE DATABASE not_allowed")
        assert raised.value.cause == cause
        assert cause != "right" or ground.account in raised.value.message

    @pytest.mark.parametrize(
        ("kind", "how", "cause"),
        [
            ("mysql9", "IDENTIFIED BY 'x' ACCOUNT LOCK", "expired"),
            ("mariadb", "IDENTIFIED BY 'x' ACCOUNT LOCK", "expired"),
            ("mariadb", "IDENTIFIED VIA unix_socket", "denied"),
        ],
    )
    def test_an_account_that_may_not_log_in(self, kind: servers.Kind, how: str, cause: str) -> None:
        server = servers.shared_server(kind)
        server.run(f"CREATE USER locked@'%' {how}")
        try:
            assert refused(server, "locked", "x").cause == cause
        finally:
            server.drop_user("locked")


class TestStatementsWithAPassword:
    """What the server quotes back in an error may be the password."""

    def test_a_syntax_error_shows_nothing_of_the_statement(self, server: Server) -> None:
        with session(server) as inside, pytest.raises(DatabaseError) as raised:
            inside.make("CREATE USER x IDENTIFIED WRONGLY BY %s", ["s3cret"], hiding=Secret("s3cret"))
        assert raised.value.number == 1064
        assert "s3cret" not in str(raised.value)

    def test_without_a_secret_the_servers_words_stay(self, server: Server) -> None:
        with session(server) as inside, pytest.raises(DatabaseError, match="1064"):
            inside.make("CREATE NONSENSE")

    def test_a_refused_policy_is_reported(self, mariadb: Server) -> None:
        text = "Your password does not satisfy the current policy requirements"
        with session(mariadb) as inside:
            problem = inside.failure(pymysql.err.OperationalError(1819, text), hiding=Secret("x"))
        assert text in problem.message


@pytest.mark.parametrize(
    ("number", "cause"),
    [(1045, "denied"), (1040, "too-many"), (1130, "host-refused"), (1044, "right"), (1836, "read-only"),
     (2013, "gone"), (1862, "expired"), (3159, "tls"), (1251, "plugin"), (1146, "statement"), (0, "statement")],
)  # fmt: skip
def test_every_kind_of_refusal_has_a_fix(number: int, cause: str) -> None:
    problem = by_number(number, "the server's words", Endpoint("db", 3306), "apim")
    assert problem.cause == cause
    assert problem.fix
    assert problem.place == "MySQL at db:3306"


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert str(Endpoint("::1", 3306)) == "[::1]:3306"
