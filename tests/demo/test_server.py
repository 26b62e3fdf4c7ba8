"""The demo's own database server: starts beside other servers, refuses logins without a password, and is stopped."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.support.need import missing
from wizard.demo import server
from wizard.demo.server import ADMINISTRATOR, PrivateServer, find_server, private_server
from wizard.system.errors import Failed

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def program() -> Path:
    found = find_server()
    if found is None:
        missing("no MariaDB or MySQL server program on this machine: .ci/system-packages installs one")
    return found


@pytest.fixture(scope="module")
def running(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """One server for all tests that only ask it something."""
    with private_server(tmp_path_factory.mktemp("shared") / "server", program) as started:
        yield started


def ask(running: PrivateServer, statement: str, password: str | None = None) -> tuple[Any, ...]:
    secret = running.password if password is None else password
    to = {"host": running.host, "port": running.port, "user": ADMINISTRATOR}
    with pymysql.connect(**to, password=secret, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_the_administrator_may_do_what_the_wizard_does_and_has_a_password(running: PrivateServer) -> None:
    ask(running, "CREATE DATABASE userdb")
    ask(running, "CREATE USER 'apim'@'%' IDENTIFIED BY 'x'")
    ask(running, "GRANT ALL ON userdb.* TO 'apim'@'%'")
    with pytest.raises(pymysql.OperationalError, match="1045"):
        ask(running, "SELECT 1", password="")
    with pytest.raises(pymysql.OperationalError, match=r"1045|1698"):
        pymysql.connect(host=running.host, port=running.port, user="unknown", password="")
    accounts = ask(running, "SELECT User, Host FROM mysql.user WHERE User IN ('', 'root')")
    assert set(accounts) == {("root", "localhost"), ("root", "127.0.0.1")}


def test_the_password_is_in_no_file_and_no_argument(running: PrivateServer) -> None:
    assert running.password not in repr(running)
    assert running.password not in Path(f"/proc/{running.pid}/cmdline").read_text()
    data = Path(str(ask(running, "SELECT @@datadir")[0][0]))
    assert ask(running, "SELECT @@tmpdir") == ((str(data.parent),),)
    for path in data.parent.rglob("*"):
        if path.is_file():
            assert running.password.encode() not in path.read_bytes(), path


def test_two_servers_run_side_by_side_and_end_also_after_an_error(program: Path, tmp_path: Path) -> None:
    """The path of one is too long for a socket."""
    long = tmp_path / ("long" * 30) / "with a space"
    with pytest.raises(ZeroDivisionError), private_server(tmp_path / "a", program) as first:
        with private_server(long, program) as second:
            ask(first, "CREATE DATABASE only_here")
            assert first.port != second.port
            assert ("only_here",) not in ask(second, "SHOW DATABASES")
            assert second.version.split("-")[0] in str(ask(second, "SELECT VERSION()"))
        raise ZeroDivisionError
    assert not any(Path(f"/proc/{one.pid}").exists() for one in (first, second))
    assert not any(stat.S_ISSOCK(path.lstat().st_mode) for path in (tmp_path / "a/data").iterdir())


def test_another_port_is_tried_after_one_that_is_taken(program, running, tmp_path, monkeypatch):
    real, asked = server._free_port, []

    def first_the_taken_one() -> int:
        asked.append(running.port if not asked else real())
        return asked[-1]

    monkeypatch.setattr(server, "_free_port", first_the_taken_one)
    with private_server(tmp_path / "b", program) as second:
        assert (asked[0], second.port) == (running.port, asked[1])
        assert ask(second, "SELECT 1") == ((1,),)
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(Failed, match=r"server\.log"), private_server(tmp_path, program):
        pass


# A pause() would sleep on where the signal came just before it.
STOPPABLE = """
import pathlib, sys, time
from wizard.demo import server, story
with story.stoppable(), server.private_server(*map(pathlib.Path, sys.argv[1:])) as running:
    print(running.pid, flush=True)
    while True: time.sleep(0.05)
"""


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stopped_demo_leaves_no_server(program: Path, tmp_path: Path, sign: signal.Signals) -> None:
    command = [sys.executable, "-c", STOPPABLE, tmp_path / "server", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as demo:
        assert demo.stdout
        pid = int(demo.stdout.readline())
        demo.send_signal(sign)
        assert demo.wait(timeout=60) == 130
    assert not Path(f"/proc/{pid}").exists()


def test_a_missing_or_too_old_server_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(server, "BEYOND_PATH", ())
    assert find_server() is None
    program = tmp_path / "mysqld"
    for version, found in (("5.6.24", None), ("8.4.3", program)):
        program.write_text(f"#!/bin/sh\necho 'mysqld  Ver {version} for Linux on x86_64 (MySQL Community)'\n")
        program.chmod(0o755)
        assert find_server() == found
