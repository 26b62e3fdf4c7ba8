"""Whatever a peer does, a command ends with its exit code, tells what is wrong, and gives nothing away."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import tomlkit

from tests.support import cli, pairs, rogues
from tests.support.certificates import old_certificate
from tests.support.cli import ROOT, started
from tests.support.need import need
from wizard.database.accounts import Account, create_account
from wizard.database.connection import connect
from wizard.database.failure import DatabaseError, Endpoint
from wizard.passwords.secret import Secret

ADMIN_PASSWORD = "battery staple"


@pytest.fixture(scope="module")
def pair(packs: Path, tmp_path_factory: pytest.TempPathFactory) -> pairs.Pair:
    return pairs.make_pair(packs / "apim-analytics-2.0.0", tmp_path_factory.mktemp("rogues") / "pair")


@pytest.fixture
def profile(pair: pairs.Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`profile(mysql={…})`: the pair's, with changes."""
    monkeypatch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
    monkeypatch.setenv("ADMIN_PASSWORD", ADMIN_PASSWORD)

    def make(**changes: object) -> Path:
        tables = tomlkit.parse(pair.profile.read_text("utf-8")).unwrap()
        path = tmp_path / "pair.toml"
        path.write_text(tomlkit.dumps(pairs.merged(tables, changes)), "utf-8")
        return path

    return make


def ended(*arguments: str | Path) -> cli.Ran:
    """A command that has ended, with all that it began; it shows no password and no control character."""
    ran = cli.run(*arguments)
    for thread in threading.enumerate():
        if thread.name.startswith(("mysql.", "deployment-sync.")):
            thread.join(60)
            assert not thread.is_alive(), thread.name
    for text in (ran.out, ran.err):
        raw = {one for one in text if not one.isprintable()} - {"\n", "\t"}
        assert not raw or ("--json" in arguments and min(raw) > "\x1f")
        assert pairs.PASSWORD not in text
        assert ADMIN_PASSWORD not in text
        assert "Traceback" not in text, text
        assert max(map(len, text.splitlines()), default=0) < (100_000 if "--json" in arguments else 2000)
    return ran


def admin(port: int, **more: object) -> dict[str, object]:
    return {"port": port, "admin_username": "root", "admin_password": {"env": "ADMIN_PASSWORD"}, **more}


@pytest.mark.parametrize(("way", "told"), rogues.MYSQL.items())
def test_a_rogue_mysql_server(profile, way: str, told: str) -> None:
    with rogues.rogue_mysql(way) as rogue:
        path = profile(mysql=admin(rogue.port))
        checked = ended("check", path)
        assert checked.code == 3
        told_by = [line.split()[1] for line in checked.out.splitlines() if told in line]
        assert {"mysql.connect", "mysql.account"} & set(told_by), checked.out
        replayed = ended("replay", path, "--dry-run", "--json")
        assert replayed.code == 3
        failed = [one for one in replayed.json["checks"] if one["status"] == "error"]
        assert any(told in one["message"] and one["fix"] for one in failed if one["id"].startswith("mysql."))
        assert ended("sql", path).code == (3 if way == "drip at the greeting" else 0)
    assert pairs.PASSWORD.encode() not in rogue.heard
    assert ADMIN_PASSWORD.encode() not in rogue.heard
    assert b"root:" not in rogue.heard  # of /etc/passwd
    if way == "alert":
        assert b"apim" not in rogue.heard


def test_with_the_permission_of_the_profile_the_key_of_a_server_is_used(profile) -> None:
    """The counterpart: this is what the rogue would get."""
    for way in ("sha256", "sha256 from the greeting on", "caching"):
        with rogues.rogue_mysql(way) as rogue:
            permission = {"allowPublicKeyRetrieval": "true"}
            ended("check", profile(mysql=admin(rogue.port, url_parameters=permission)))
        assert pairs.PASSWORD.encode() in rogue.heard


def test_after_a_failed_handshake_nothing_is_sent_without_tls_unless_the_profile_says_so(profile) -> None:
    for parameters, sent in (({"useSSL": "true"}, False), ({"useSSL": "false"}, True)):
        with rogues.rogue_mysql("alert") as rogue:
            ended("check", profile(mysql={"port": rogue.port, "url_parameters": parameters}))
        assert (b"apim" in rogue.heard) is sent


def test_a_password_that_a_server_says_again_is_masked(profile, tmp_path: Path) -> None:
    with rogues.rogue_mysql("sha256 from the greeting on", old_certificate(tmp_path)) as rogue:
        checked = ended("check", profile(mysql={"port": rogue.port}))
    assert pairs.PASSWORD.encode() in rogue.heard
    assert "********" in checked.out


@pytest.mark.parametrize("way", ["agrees", "agrees as 10.11.19-MariaDB", "agrees as 8.0.36"])
def test_an_account_is_created_without_its_password_in_clear_text(way: str) -> None:
    with rogues.rogue_mysql(way) as rogue:
        with connect(Endpoint("127.0.0.1", rogue.port), "root", Secret(ADMIN_PASSWORD)) as session:
            with pytest.raises(DatabaseError) if "8.0" in way else contextlib.nullcontext():
                assert create_account(session, Account("apim", "%"), Secret(pairs.PASSWORD))
    assert (b"CREATE USER" in rogue.heard) is ("8.0" not in way)
    assert pairs.PASSWORD.encode() not in rogue.heard


@pytest.mark.parametrize("way", ["drip in a row", "endless rows", "a file", "sequence"])
def test_each_statement_after_the_checks_has_a_limit_too(way: str) -> None:
    with rogues.rogue_mysql(way) as rogue:
        endpoint, password = Endpoint("127.0.0.1", rogue.port), Secret(pairs.PASSWORD)
        with connect(endpoint, "apim", password) as session:
            session.work_limit = 1.0
            for use in (lambda: session.make("CREATE DATABASE x"), lambda: session.rows("SELECT 1")):
                with pytest.raises(DatabaseError):
                    use()


def test_what_drips_over_tls_ends_at_the_limit_too(tmp_path: Path) -> None:
    with rogues.rogue_mysql("drip at the login", old_certificate(tmp_path)) as rogue:
        with pytest.raises(DatabaseError) as raised:
            connect(Endpoint("127.0.0.1", rogue.port), "apim", Secret(pairs.PASSWORD), limit=1.0)
    assert (raised.value.cause, raised.value.encrypted) == ("silent", True)


@pytest.mark.parametrize("command", [("sql",), ("check", "--only", "mysql"), ("replay", "--dry-run")])
def test_ctrl_c_ends_at_once_what_waits_for_a_rogue(profile, command: tuple[str, ...]) -> None:
    with rogues.rogue_mysql("drip at the greeting") as rogue:
        name, *options = command
        process = started(name, profile(mysql=admin(rogue.port)), *options)
        assert rogue.spoken_to.wait(60)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize(("way", "told"), rogues.SPARK.items())
def test_a_rogue_spark_ui(profile, way: str, told: str) -> None:
    with rogues.rogue_spark(way) as offset:
        path = profile(nodes=[{"port_offset": offset}, {"port_offset": offset + 1}])
        verified = ended("verify", path, "--debug")
        assert verified.code == 3
        assert told in verified.out
        if way in ("escapes", "strange values"):
            assert ended("verify", path, "--json").json["outcome"] == "unhealthy"


@pytest.mark.parametrize("client", [True, False])
@pytest.mark.parametrize(("way", "told"), rogues.SVN.items())
def test_a_rogue_subversion_server(
    profile, way: str, told: str, client: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if client:
        need("svn")
    else:
        monkeypatch.setattr(shutil, "which", lambda name: None)
    with rogues.rogue_svn(way) as (port, heard):
        url = f"svn://127.0.0.1:{port}/repository"
        account = {"svn_username": "wso2", "svn_password": {"env": "ADMIN_PASSWORD"}}
        path = profile(deployment_sync={"method": "svn", "svn_url": url, **account})
        checked = ended("check", path, "--only", "deployment-sync")
    (line,) = [line for line in checked.out.splitlines() if "deployment-sync.repository" in line]
    greets = way not in ("drip", "silence", "another protocol")
    fails = (client and way not in ("plain", "login")) or not greets
    assert line.startswith("✗" if fails else "    ✓"), line
    assert told in line
    assert len(line) < 600
    asked = b"".join(heard)
    assert b"( PLAIN (" not in asked  # what follows holds the password
    assert b"( LOGIN (" not in asked
    assert ADMIN_PASSWORD.encode() not in asked


def test_ctrl_c_within_a_callback_of_the_interpreter_is_noted_without_a_traceback() -> None:
    program = """
import os, signal, weakref
from wizard.command_line.group import interruptible

class Anything: pass

with interruptible() as cancel:
    one = Anything()
    there = weakref.ref(one, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del one
    print(cancel.is_set())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
