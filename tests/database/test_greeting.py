"""The peer that listens in place of MySQL is named, within the time of a check, with a fix."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support import listeners
from tests.support.servers import Server, free_port
from wizard.database.connection import Greeting, connect, greeting
from wizard.database.failure import DatabaseError, Endpoint
from wizard.passwords.secret import Secret


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits long for a peer that says nothing."""
    monkeypatch.setattr("wizard.database.connection.SPEAK_LIMIT", 0.3)


def refusal(port: int, host: str = "127.0.0.1") -> DatabaseError:
    with pytest.raises(DatabaseError) as raised:
        greeting(Endpoint(host, port), limit=1)
    assert raised.value.fix
    assert raised.value.place == f"MySQL at {host}:{port}"
    return raised.value


def login_refusal(port: int) -> DatabaseError:
    with pytest.raises(DatabaseError) as raised:
        connect(Endpoint("127.0.0.1", port), "u", Secret("p"), limit=1)
    return raised.value


class TestAServer:
    def test_says_its_version_before_any_login(self, server: Server) -> None:
        said = greeting(Endpoint(server.host, server.port))
        expected = {"mysql56": (5, 6, 24), "mysql9": (9, 7), "mariadb": (10, 11)}[server.kind]
        assert said.version[: len(expected)] == expected
        assert said.mariadb is (server.kind == "mariadb")
        assert said.tls is (server.kind == "mysql9")
        plugin = "caching_sha2_password" if server.kind == "mysql9" else "mysql_native_password"
        assert said.plugin == plugin

    def test_versions(self) -> None:
        texts = (
            "5.5.5-10.11.19-MariaDB-0+deb12u1",
            "11.4.2-MariaDB",
            "5.6.24-log",
            "8.0.36-0ubuntu0.22.04.1",
            "5.5.5",
        )
        versions = [(10, 11, 19), (11, 4, 2), (5, 6, 24), (8, 0, 36), (5, 5, 5)]
        assert [Greeting(text).version for text in texts] == versions


class TestSomethingElse:
    """Both ways of asking report the same: the greeting alone, and a login."""

    def test_nothing_listens(self) -> None:
        port = free_port()
        for problem in (refusal(port), login_refusal(port)):
            assert (problem.cause, problem.reached) == ("refused", False)
            assert f"port {port}" in problem.message

    def test_a_black_hole(self) -> None:
        with listeners.black_hole() as port:
            began = time.monotonic()
            for problem in (refusal(port), login_refusal(port)):
                assert problem.cause == "unreachable"
            assert time.monotonic() - began < 60  # the system itself would wait for two minutes

    @pytest.mark.parametrize(
        ("listening", "cause", "word"),
        [
            (listeners.silent, "silent", "sends nothing"),
            (listeners.http, "not-mysql", "web server"),
            (listeners.ssh, "not-mysql", "SSH-2.0"),
            (listeners.closing, "gone", "closed"),
            (listeners.saying(b"\xff\x10\x04#08004Too many connections"), "too-many", "no more connections"),
        ],
    )
    def test_a_peer_that_is_not_a_usable_server(self, listening: Any, cause: str, word: str) -> None:
        with listeners.listener(listening) as port:
            for problem in (refusal(port), login_refusal(port)):
                assert problem.cause == cause
                assert word in problem.message
                assert problem.reached is (cause == "too-many")

    @pytest.mark.parametrize(
        "packet", [b"\x0aab\0xyz", b"\x09\0", b"\x0a" + b"9" * 300, b"\xff", b"\x0a5.6\0"]
    )
    def test_what_only_looks_like_mysql(self, packet: bytes) -> None:
        with listeners.listener(listeners.saying(packet)) as port:
            try:
                said = greeting(Endpoint("127.0.0.1", port))
            except DatabaseError as problem:
                assert problem.cause == "not-mysql"
            else:
                assert said.version == (5, 6)
            assert login_refusal(port).cause in ("not-mysql", "gone", "silent")

    def test_an_unknown_host(self) -> None:
        assert refusal(3306, "no-such-host.invalid").cause == "unknown-host"
