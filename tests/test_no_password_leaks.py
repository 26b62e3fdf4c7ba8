"""Passwords: only the nodes' files and the 0600 backups hold them, whatever is run and however it ends.

Every password begins and ends with a mark of letters and digits, which stays as it is in every form that a text can
be written in (XML, JSON, URL, shell), so that a search for the marks is a search for all of these, and for pieces.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

import pytest

from tests.support import pairs
from tests.support.cli import Ran, process, run
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    CARBON,
    MASTER,
    PACKS,
    quick_disk,
    replayed,
    text,
)
from tests.support.pairs import Pair
from wizard.passwords.secret import MASK


def marked(name: str) -> str:
    return f"qZ{name}A1&<p>\"'üß€中 +%/\\;=qZ{name}B2"


NAMES = ("first", "second", "admin", "svn", "trust")
FIRST, SECOND, ADMIN, SVN, TRUST = map(marked, NAMES)
MARKS = [f"qZ{name}{end}".encode() for name in NAMES for end in ("A1", "B2")]
VARIABLES = {"PW_MYSQL": FIRST, "PW_ADMIN": ADMIN, "PW_SVN": SVN, "PW_TRUST": TRUST}


def marks_in(data: bytes) -> list[str]:
    return [mark.decode() for mark in MARKS if mark in data]


class Watch:
    """Everything that was said, every argument of every process, and every file but the nodes' own."""

    def __init__(self, folders: list[Path], homes: list[Path]) -> None:
        self.folders = folders
        self.homes = homes
        self.arguments: list[str] = []
        self.count = 0

    def ran(self, *arguments: str | Path, code: int | set[int] | None = None) -> Ran:
        """A command in this process; nothing of a password was said or is left anywhere it does not belong."""
        done = run(*arguments)
        if code is not None:
            assert done.code in ({code} if isinstance(code, int) else code), (arguments, done)
        self.look(done, arguments)
        return done

    def look(self, done: Ran, arguments: object) -> None:
        self.count += 1
        assert marks_in(done.out.encode() + done.err.encode()) == [], (arguments, done.code)
        assert marks_in("\0".join(self.arguments).encode()) == [], arguments
        for path in self.files():
            assert marks_in(path.read_bytes()) == [], (arguments, path)
            assert marks_in(str(path).encode()) == [], path

    def files(self) -> Iterator[Path]:
        """Every file but those that may hold a password: the nodes' configuration, and backups that are 0600."""
        for path in (path for folder in self.folders for path in folder.rglob("*")):
            of_a_node = any(path.is_relative_to(home / "repository/conf") for home in self.homes)
            if path.is_symlink() or not path.is_file() or of_a_node:
                continue
            if path.parent.name != "backups":
                yield path
            else:
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


_listeners: list[list[str]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"}:
        for listener in _listeners:
            listener.append(repr(arguments[:2]))  # the program and its arguments, not its environment


sys.addaudithook(_hook)


Watched = tuple[Watch, Pair]


@pytest.fixture
def watch(packs: Path, tmp_path: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    admin = {"admin_username": "root", "admin_password": {"env": "PW_ADMIN"}}
    parameters = {"useSSL": "false", "trustCertificateKeyStorePassword": {"env": "PW_TRUST"}}
    mysql = {"port": 1, "password": {"env": "PW_MYSQL"}, "url_parameters": parameters, **admin}
    svn = {"svn_url": "svn://127.0.0.1:1/r", "svn_username": "u", "svn_password": {"env": "PW_SVN"}}
    pair = pairs.make_pair(
        packs / PACKS[0],
        tmp_path / "pair",
        mysql={**mysql, "databases": {"stats": "STATS"}},
        deployment_sync={"method": "svn", **svn},
    )
    watched = Watch([tmp_path, isolated], pair.homes)
    _listeners.append(watched.arguments)
    yield watched, pair
    _listeners.remove(watched.arguments)


class TestEveryCommand:
    def test_nothing_of_a_password_gets_out(self, watch, isolated, monkeypatch):
        seen, pair = watch
        profile = pair.profile
        offline = (profile, "--offline")
        for arguments in (["profile", "show"], ["profile", "validate"], ["check", "--offline"]):
            seen.ran(*arguments, profile, code=0)
        for arguments in (["check", "--json"], ["check", "--debug"], ["replay", "--debug"]):
            seen.ran(*arguments, profile, code=3)  # live: nothing listens at port 1
        dry = seen.ran("replay", *offline, "--dry-run", code=4)
        assert dry.out.count(MASK) > 10, "masked, not left out"
        assert f"<password>{MASK}</password>" in dry.out
        seen.ran("replay", *offline, "--dry-run", "--json", "--debug", code=4)
        done = seen.ran("replay", *offline, "--json", code=0).json["run"]
        for home in pair.homes:
            for name in ("WSO2UM_DB", "WSO2REG_DB"):
                path = f"//datasource[name='{name}']/definition/configuration/password"
                assert text(home, MASTER, path) == FIRST
            assert text(home, CARBON, "//DeploymentSynchronizer/SvnPassword") == SVN
        seen.ran("replay", *offline, code=0)
        # Another password: the old one is on the lines that are removed.
        monkeypatch.setenv("PW_MYSQL", SECOND)
        changed = seen.ran("replay", *offline, "--dry-run", code=4)
        for sign in "-+":
            assert changed.out.count(f"{sign}                    <password>{MASK}</password>") == 8
        seen.ran("replay", *offline, code=0)
        backups = list(isolated.rglob("backups/*"))
        assert any(marks_in(path.read_bytes()) for path in backups), "they hold the old one"
        for arguments in (["history", "--json"], ["history", "--debug"], ["clean", "--dry-run"]):
            seen.ran(*arguments, profile, code=0)
        seen.ran("profile", "list", "--json", code=0)
        for arguments in (["verify", "--offline", "--json"], ["verify", "--offline"], ["sql"]):
            seen.ran(*arguments, profile)
        for arguments in (["resume"], []):
            seen.ran(*arguments, profile, code=2)
        # Rolled back after an edit of a file, then by force.
        (pair.homes[0] / MASTER).write_bytes((pair.homes[0] / MASTER).read_bytes() + b"\n")
        seen.ran("rollback", profile, code=3)
        seen.ran("rollback", profile, "--force", "--json", code=0)
        seen.ran("rollback", done, "--debug", code=0)
        assert not any(marks_in((home / MASTER).read_bytes()) for home in pair.homes)
        seen.ran("history", "--prune", "0", code=0)
        left = [path for path in isolated.rglob("*") if path.is_file() and marks_in(path.read_bytes())]
        assert left == [], "without backups there is none left"
        assert seen.count > 20

    def test_also_not_when_it_goes_wrong(self, watch, monkeypatch):
        seen, pair = watch
        profile = pair.profile
        seen.ran("replay", profile, "--offline", code=0)
        good = {path: (pair.homes[0] / path).read_bytes() for path in (MASTER, CARBON)}
        for path, data in good.items():
            for broken in (
                data[: len(data) // 2],  # cut off in the middle
                data.replace(b"</password>", b"</passwort>"),
                data.replace(b"<configuration>", b"<configuration><password>x</password>"),
                data.replace(b"</SvnPassword>", b""),
                data + b"<password>" + FIRST.encode(),
                b"<!DOCTYPE x [<!ENTITY e '" + b"qZfirstA1" + b"'>]>" + data,
                b"",
            ):
                (pair.homes[0] / path).write_bytes(broken)
                for arguments in (["replay", "--debug"], ["replay", "--json"], ["check"]):
                    seen.ran(*arguments, "--offline", profile, code={0, 3})
                (pair.homes[0] / path).write_bytes(data)
        for name, good_value, end in (("PW_MYSQL", FIRST, "\x01"), ("PW_SVN", SVN, "\ufffe")):
            monkeypatch.setenv(name, good_value + end)
            seen.ran("replay", profile, "--offline", "--json", "--debug", code=3)
            monkeypatch.setenv(name, good_value)
        # A disk that takes nothing more in the middle of the run, and a state folder that cannot be.
        monkeypatch.setenv("PW_MYSQL", SECOND)
        real, calls = os.rename, []

        def rename(*arguments: Any, **options: Any) -> None:
            calls.append(1)
            if len(calls) == 5:
                raise OSError(28, "No space left on device", arguments[1])
            real(*arguments, **options)

        monkeypatch.setattr(os, "rename", rename)
        seen.ran("replay", profile, "--offline", "--debug", code={1, 5})
        monkeypatch.setattr(os, "rename", real)
        seen.ran("rollback", profile, "--debug")
        # An error of the program itself.
        from wizard.edit.xml import XmlDocument

        def explodes(self: XmlDocument) -> bytes:
            raise RuntimeError("no value in here")

        monkeypatch.setattr(XmlDocument, "result", explodes)
        ran = seen.ran("replay", profile, "--offline", "--debug", code=1)
        assert "Traceback" in ran.err
        assert "Traceback" not in seen.ran("replay", profile, "--offline", code=1).err

    @pytest.mark.parametrize("kind", ["file", "command"])
    def test_from_a_file_and_from_a_command(self, kind: str, watch: Watched) -> None:
        seen, pair = watch
        secret = pair.homes[0] / "repository/conf/a secret"  # among the files that may hold one
        secret.write_text(FIRST + "\n")
        secret.chmod(0o600)
        reference = f'file = "{secret}"' if kind == "file" else f'command = ["cat", "{secret}"]'
        pair.profile.write_text(pair.profile.read_text().replace('env = "PW_MYSQL"', reference))
        seen.ran("replay", pair.profile, "--offline", "--allow-commands", "--debug", code=0)
        path = "//datasource[name='WSO2UM_DB']/definition/configuration/password"
        assert text(pair.homes[1], MASTER, path) == FIRST
        secret.chmod(0o644)
        seen.ran("replay", pair.profile, "--offline", "--allow-commands", code=3 if kind == "file" else 0)
        assert bool(seen.arguments) == (kind == "command")

    def test_in_a_process_of_its_own(self, watch: Watched) -> None:
        """The whole program, with all that runs at its start and its end."""
        seen, pair = watch
        for arguments in (["replay", "--offline", "--dry-run"], ["replay", "--offline", "--debug"]):
            seen.look(process(*arguments, pair.profile), arguments)


def test_no_repr_shows_one(watch: Watched) -> None:
    result, prepared = replayed(watch[1], dry_run=True)
    things = [result, prepared, prepared.plan, prepared.passwords, prepared.profile]
    changes = prepared.plan.changes
    moves = [move for change in changes for move in change.moves]
    for thing in (*things, prepared.masker(), *changes, *moves):
        for form in (repr(thing), str(thing), f"{thing}"):
            assert marks_in(form.encode("utf-8", "backslashreplace")) == [], type(thing)


def test_the_marks_are_found_in_every_form() -> None:
    """That the search itself would find what it looks for."""
    for write in (str, escape, quoteattr, json.dumps, quote, quote_plus, repr):
        form = str(write(FIRST))
        assert marks_in(form.encode()) == ["qZfirstA1", "qZfirstB2"]
