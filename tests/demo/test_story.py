"""`make demo`: a stranger sees in some 30 lines what the tool does, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.need import need
from wizard.demo import story
from wizard.demo.sandbox import make_sandbox, opened
from wizard.demo.server import find_server
from wizard.demo.story import main


class Demo(NamedTuple):
    """One demo: the text that it printed, the folder that it used, and the home of its user."""

    text: str
    folder: Path
    home: Path

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A whole demo, without a terminal, of a user who has never run anything."""
    folder, home = tmp_path_factory.mktemp("demo") / "play", tmp_path_factory.mktemp("home")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    command = [sys.executable, "-m", "wizard.demo", "--folder", folder]
    environment["HOME"] = str(home)
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return Demo(done.stdout, folder, home)


def test_dry_run_replay_replay_again_and_roll_back_in_about_thirty_lines(demo: Demo) -> None:
    assert 25 <= len([line for line in demo.lines if line]) <= 42
    assert [line for line in demo.lines if len(line) > 100 and str(demo.folder) not in line] == []
    options = story.OFFLINE if find_server() is None else story.LIVE
    assert [line for line in demo.lines if line.startswith("$ ")] == [
        f"$ apimha-wizard replay demo.toml{options} --dry-run",
        f"$ apimha-wizard replay demo.toml{options}",
        f"$ apimha-wizard replay demo.toml{options}",
        "$ apimha-wizard rollback demo.toml",
    ]
    changes = [r'  - {16}enable="false">', r'  \+ {8}<parameter name="membershipScheme">wka</parameter>']
    ends = ["node1: 8 files written", r"Done: run \d{8}T\d{6}Z-.*", "Nothing to do: .*", r"Restored\."]
    for line in (r"checks: \d+ passed.*", *changes, *ends):
        assert re.search(f"^{line}$", demo.text, re.MULTILINE), line
    assert (demo.folder / "secrets/apim").read_text().strip() not in demo.text


def test_homes_are_as_before_nothing_of_the_user_is_changed_and_a_server_gets_databases(demo, tmp_path):
    assert story.snapshot(opened(demo.folder)) == story.snapshot(make_sandbox(tmp_path / "fresh"))
    assert list(demo.home.rglob("*")) == []
    assert main(["--folder", str(demo.folder)]) == 2, "it is not empty any more"
    need("mariadbd")
    assert "database userdb: created, 7 tables" in demo.lines
    assert "database WSO2_ANALYTICS_EVENT_STORE_DB: created, 0 tables" in demo.lines


def test_printed_commands_of_the_sandbox_work_when_pasted(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # without the environment that the program is installed in
    lines: list[str] = []
    story.show(tmp_path / "with a space", lines.append)
    typed = [line.strip() for line in lines if line.startswith("  ") and "the screen" not in line]
    command = ["bash", "-Ec", "\n".join(["trap 'echo ends with $?' ERR", *typed])]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    ends = re.findall(r"^ends with \d+|^Done|^Restored", done.stdout, re.MULTILINE)
    assert ends[-3:] == ["ends with 4", "Done", "Restored"]
    assert any((tmp_path / "with a space/.apimha-wizard/state").rglob("*"))


def test_a_temporary_folder_is_removed_and_a_missing_server_is_mentioned(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(story, "find_server", lambda: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    assert main([]) == 0
    assert signal.getsignal(signal.SIGTERM) is before
    shown = capsys.readouterr().out
    assert "$ apimha-wizard replay demo.toml --offline\n" in shown
    assert "would also have created databases" in shown
    assert list(tmp_path.iterdir()) == []


SPOIL = 'case "$*" in *{}*) echo >>analytics-2/repository/conf/carbon.xml;; esac\nexit $code'


@pytest.mark.parametrize(
    ("python", "messages"),
    [
        ("echo it is broken >&2\nexit 3", ("ended with 3 instead of 4", "it is broken")),
        (SPOIL.format("--dry-run"), ("a dry run changed something",)),
        (SPOIL.format("rollback"), ("the rollback left a difference",)),
    ],
)
def test_a_command_that_fails_or_spoils_a_home_ends_the_story(
    python: str, messages: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The homes are compared, not what the program prints: one byte more is found."""
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"; code=$?\n{python}\n')
    program.chmod(0o755)
    monkeypatch.setattr(story, "find_server", lambda: None)
    monkeypatch.setattr(sys, "executable", str(program))
    assert main([]) == 1
    shown = capsys.readouterr().err
    assert all(message in shown for message in messages), shown


def test_a_stopped_demo_removes_its_folder(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-u", "-m", "wizard.demo"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, **streams) as demo:
        assert demo.stdout
        demo.stdout.readline()
        demo.send_signal(signal.SIGTERM)
        demo.stdout.read()
        assert demo.wait(timeout=60) == 130
    assert [path for path in tmp_path.iterdir() if path.name.startswith("apimha-demo-")] == []
