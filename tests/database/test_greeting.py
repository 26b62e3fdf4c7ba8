"""Whoever listens where MySQL should is named, within the time of a check, and the fix is said."""

from __future__ import annotations

import time

import pytest

from tests.support import listeners
from tests.support.servers import Server, free_port
from wizard.database.connection import connect
from wizard.database.failure import DatabaseError, Endpoint
from wizard.database.greeting import Greeting, greeting
from wizard.passwords.secret import Secret


def refusal(port: int, host: str = "127.0.0.1") -> DatabaseError:
    with pytest.raises(DatabaseError) as raised:
        greeting(Endpoint(host, port), speak_limit=0.3, limit=1)
    assert raised.value.fix
    assert raised.value.place == f"MySQL at {host}:{port}"
    return raised.value


def login_refusal(port: int) -> DatabaseError:
    with pytest.raises(DatabaseError) as raised:
        connect(Endpoint("127.0.0.1", port), "u", Secret("p"), speak_limit=0.3, limit=1)
    return raised.value


class TestAServer:
    def test_says_its_version_before_any_log_in(self, server: Server) -> None:
        said = greeting(Endpoint(server.host, server.port))
        expected = {"mysql56": (5, 6, 24), "mysql9": (9, 7), "mariadb": (10, 11)}[server.kind]
        assert said.version[: len(expected)] == expected
        assert said.mariadb is (server.kind == "mariadb")
        assert said.tls is (server.kind == "mysql9")
        plugin = "caching_sha2_password" if server.kind == "mysql9" else "mysql_native_password"
        assert said.plugin == plugin

    @pytest.mark.parametrize(
        ("text", "version"),
        [
            ("5.5.5-10.11.19-MariaDB-0+deb12u1", (10, 11, 19)),
            ("11.4.2-MariaDB", (11, 4, 2)),
            ("5.6.24-log", (5, 6, 24)),
            ("8.0.36-0ubuntu0.22.04.1", (8, 0, 36)),
            ("5.5.5", (5, 5, 5)),
        ],
    )
    def test_versions(self, text: str, version: tuple[int, ...]) -> None:
        assert Greeting(text).version == version


class TestSomethingElse:
    """Both ways of asking tell the same: the greeting alone, and a log-in."""

    def test_nothing_listens(self) -> None:
        port = free_port()
        for problem in (refusal(port), login_refusal(port)):
            assert problem.cause == "refused"
            assert f"port {port}" in problem.message

    def test_a_black_hole(self) -> None:
        with listeners.black_hole() as port:
            began = time.monotonic()
            for problem in (refusal(port), login_refusal(port)):
                assert problem.cause == "unreachable"
            assert time.monotonic() - began < 60  # the system itself would wait for two minutes

    def test_something_silent(self) -> None:
        with listeners.listener(listeners.silent) as port:
            for problem in (refusal(port), login_refusal(port)):
                assert problem.cause == "silent"
                assert "sends nothing" in problem.message

    def test_a_web_server(self) -> None:
        with listeners.listener(listeners.http) as port:
            for problem in (refusal(port), login_refusal(port)):
                assert problem.cause == "not-mysql"
                assert "web server" in problem.message

    def test_something_that_speaks_another_protocol_is_quoted(self) -> None:
        with listeners.listener(listeners.ssh) as port:
            for problem in (refusal(port), login_refusal(port)):
                assert problem.cause == "not-mysql"
                assert "SSH-2.0" in problem.message

    def test_something_that_hangs_up(self) -> None:
        with listeners.listener(listeners.closing) as port:
            for problem in (refusal(port), login_refusal(port)):
                assert problem.cause == "gone"

    @pytest.mark.parametrize(
        "packet", [b"\x0aab\0xyz", b"\x09\0", b"\x0a" + b"9" * 300, b"\xff", b"\x0a5.6\0"]
    )
    def test_what_only_looks_like_mysql(self, packet: bytes) -> None:
        with listeners.listener(listeners.saying(packet)) as port:
            try:
                said = greeting(Endpoint("127.0.0.1", port), speak_limit=0.3)
            except DatabaseError as problem:
                assert problem.cause == "not-mysql"
            else:
                assert said.version == (5, 6)
            assert login_refusal(port).cause in ("not-mysql", "gone", "silent")

    def test_an_unknown_host(self) -> None:
        problem = refusal(3306, "no-such-host.invalid")
        assert problem.cause == "unknown-host"
        assert not problem.reached

    def test_a_full_server_is_a_server(self) -> None:
        with listeners.listener(listeners.saying(b"\xff\x10\x04#08004Too many connections")) as port:
            for problem in (refusal(port), login_refusal(port)):
                assert problem.cause == "too-many"
                assert problem.reached
