"""`make demo`: a stranger sees in some 30 lines what the tool does, and that it leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.need import need
from wizard.demo import story
from wizard.demo.sandbox import make_sandbox, opened
from wizard.demo.server import find_server
from wizard.demo.story import main

CHANGED = {
    "repository/components/lib/mysql-connector-java-stand-in.jar": ("new", "new"),
    "repository/conf/analytics/spark/spark-defaults.conf": ("2", "2"),
    "repository/conf/axis2/axis2.xml": ("8", "10"),
    "repository/conf/datasources/analytics-datasources.xml": ("20", "20"),
    "repository/conf/datasources/master-datasources.xml": ("42", "42"),
    "repository/conf/event-processor.xml": ("6", "6"),
    "repository/conf/registry.xml": ("23", "23"),
    "repository/conf/user-mgt.xml": ("2", "2"),
}
"""Lines that a careful person's edit changes in both nodes: the same as in the stock pack."""


@dataclass(frozen=True)
class Demo:
    """One demo: the lines that it printed, the folder that it used, and the home of its user."""

    lines: list[str]
    folder: Path
    home: Path

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A whole demo, without a terminal, of a user who has never run anything."""
    folder, home = tmp_path_factory.mktemp("demo") / "play", tmp_path_factory.mktemp("home")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, "-m", "wizard.demo", "--folder", folder],
        env={**environment, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return Demo(done.stdout.splitlines(), folder, home)


def test_it_has_some_thirty_lines_of_a_terminals_width(demo: Demo) -> None:
    assert 25 <= len([line for line in demo.lines if line]) <= 42
    assert [line for line in demo.lines if len(line) > 100 and str(demo.folder) not in line] == []


def test_dry_run_replay_replay_again_and_roll_back(demo: Demo) -> None:
    options = story.OFFLINE if find_server() is None else story.LIVE
    assert [line for line in demo.lines if line.startswith("$ ")] == [
        f"$ apimha-wizard replay demo.toml{options} --dry-run",
        f"$ apimha-wizard replay demo.toml{options}",
        f"$ apimha-wizard replay demo.toml{options}",
        "$ apimha-wizard rollback demo.toml",
    ]
    assert re.search(r"^checks: \d+ passed", demo.text, re.MULTILINE)
    assert re.search(r"^Done: run \d{8}T\d{6}Z-", demo.text, re.MULTILINE)
    assert "\nNothing to do: " in demo.text
    assert "\nRestored. " in demo.text


def test_with_a_server_on_this_machine_the_databases_are_really_made(demo: Demo) -> None:
    need("mariadbd")
    assert "  database userdb: created, 7 tables" in demo.lines
    assert "  database WSO2_ANALYTICS_EVENT_STORE_DB: created, 0 tables" in demo.lines


@pytest.fixture
def without_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a database server: the story is shorter."""
    monkeypatch.setattr(story, "find_server", lambda: None)


@pytest.mark.usefixtures("without_server")
def test_without_a_server_it_says_what_it_would_have_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert "$ apimha-wizard replay demo.toml --offline\n" in shown
    assert "would also have created databases" in shown


def test_the_changed_lines_of_each_file_and_home_are_shown(demo: Demo) -> None:
    rows = {words[0]: tuple(words[1:]) for words in map(str.split, demo.lines) if len(words) == 3}
    assert CHANGED.items() <= rows.items()


def test_an_excerpt_of_the_diff_is_shown(demo: Demo) -> None:
    assert '  -                enable="false">' in demo.lines
    assert '  +                enable="true">' in demo.lines
    assert '  +        <parameter name="membershipScheme">wka</parameter>' in demo.lines


def test_the_homes_are_as_before_and_stay_to_play_with(demo: Demo, tmp_path: Path) -> None:
    fresh = make_sandbox(tmp_path / "fresh")
    left = story.snapshots(opened(demo.folder))
    assert left == story.snapshots(fresh)
    assert f"SHA-256 {story.digest(left[0])[:32]}" in demo.text


def test_the_password_is_not_shown(demo: Demo) -> None:
    assert (demo.folder / "secrets/apim").read_text().strip() not in demo.text


def test_nothing_of_the_users_is_touched(demo: Demo) -> None:
    assert list(demo.home.rglob("*")) == []


def test_the_sandbox_alone_says_commands_that_work_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # without the environment that the program is installed in
    lines: list[str] = []
    story.show(tmp_path / "with a space", lines.append)
    typed = [line.strip() for line in lines if line.startswith("  ") and "the screen" not in line]
    done = subprocess.run(
        ["bash", "-Ec", "\n".join(["trap 'echo ends with $?' ERR", *typed])],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"^ends with \d+|^Done|^Restored", done.stdout, re.MULTILINE)[-3:] == [
        "ends with 4",
        "Done",
        "Restored",
    ]
    assert any((tmp_path / "with a space/.apimha-wizard/state").rglob("*"))


@pytest.mark.usefixtures("without_server")
def test_without_a_folder_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    assert main([]) == 0
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_folder_that_holds_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("x")
    assert main(["--folder", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err


@pytest.mark.usefixtures("without_server")
def test_a_command_that_fails_ends_the_story_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho it is out of order >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    assert main([]) == 1
    streams = capsys.readouterr()
    assert "ended with 3 instead of 4" in streams.err
    assert "it is out of order" in streams.err
    assert "Restored" not in streams.out


@pytest.mark.usefixtures("without_server")
@pytest.mark.parametrize(
    ("spoil", "message"),
    [("--dry-run", "a dry run changed something"), ("rollback", "the rollback left a difference")],
)
def test_a_tool_that_does_not_keep_its_word_is_caught(
    spoil: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The proof is made on the homes, not on what the tool says: one byte more is found out."""
    liar = tmp_path / "python"
    liar.write_text(
        f'#!/bin/sh\n"{sys.executable}" "$@"; code=$?\n'
        f'case "$*" in *{spoil}*) echo >>analytics-2/repository/conf/carbon.xml;; esac\nexit $code\n'
    )
    liar.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(liar))
    assert main([]) == 1
    assert message in capsys.readouterr().err


def test_a_demo_that_is_stopped_removes_its_folder(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-u", "-m", "wizard.demo"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as demo:
        assert demo.stdout
        demo.stdout.readline()
        demo.send_signal(signal.SIGTERM)
        demo.stdout.read()
        assert demo.wait(timeout=60) == 130
    assert [path for path in tmp_path.iterdir() if path.name.startswith("apimha-demo-")] == []


def test_the_handlers_of_the_process_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with contextlib.suppress(ZeroDivisionError), story.stoppable():
        assert signal.getsignal(signal.SIGTERM) is not before
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGTERM) is before
