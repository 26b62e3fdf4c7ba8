"""A sandbox of miniature packs on a memory file system, and runs on it in this process or in one that is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import faults, headless
from tests.support.cli import process
from tests.support.faults import Kind, Look
from tests.support.pairs import Pair
from wizard.command_line.run.replay import Result

MARKER = ".apimha-wizard-run"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")
AXIS2 = "analytics-1/repository/conf/axis2/axis2.xml"
REGISTRY = "analytics-2/repository/conf/registry.xml"


def edit(path: Path) -> None:
    """What a person does to a file in the meantime."""
    path.write_bytes(path.read_bytes() + b"<!-- by hand -->\n")


def ends(result: Result, code: int, *words: str) -> None:
    """The result ends so, and its error names these."""
    assert result.exit_code == code, result
    for word in words:
        assert word in (result.error or ""), result.error


@dataclass
class Sandbox:
    """Two homes with everything in them that a run can meet (`faults.make`), their profile, and a state folder."""

    folder: Path
    profile: Path
    homes: list[Path]
    state: Path
    old: dict[str, Look]

    @property
    def pair(self) -> Pair:
        return Pair(self.profile, self.homes, {})

    @property
    def runs(self) -> Path:
        return self.state / "apimha-wizard" / "runs"

    @property
    def markers(self) -> list[Path]:
        """The markers in the homes."""
        return [home / MARKER for home in self.homes if (home / MARKER).exists()]

    def now(self) -> dict[str, Look]:
        """Everything in the homes, and what their links lead to."""
        return faults.homes_in(self.folder)

    def everything(self) -> dict[str, Look]:
        """The same with the state folder."""
        return faults.look(self.folder)

    def changed(self) -> list[str]:
        """The paths that are not as they were made, by bytes, mode, owner, attributes, or time."""
        now = self.now()
        return sorted(path for path in now.keys() | self.old.keys() if now.get(path) != self.old.get(path))

    def replay(self, **how: Any) -> Result:
        """`replay --offline`; see `headless.replayed`."""
        return headless.replayed(self.pair, **how)[0]

    def applied(self, **how: Any) -> Result:
        """A replay that has to write something, and does."""
        return headless.applied(self.pair, **how)

    def rollback(self, argument: str | None = None, **how: Any) -> Result:
        """`rollback`, by default of the newest run of the profile."""
        return headless.rolled_back(self.pair, argument, **how)

    def cut_off(self, at: int = 10) -> None:
        """A replay that is killed (kill -9) as soon as it has written its n-th path."""

        def kill(node: str, path: str, done: int, total: int) -> None:
            if done == at:
                os.kill(os.getpid(), signal.SIGKILL)

        assert in_a_child(lambda: self.replay(progress=kill)) == -signal.SIGKILL
        assert len(self.markers) == len(self.homes)

    def ended(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code and output of a command in a process of its own."""
        done = process(*arguments)
        return done.code, done.out, done.err


def in_a_child(act: Callable[[], object]) -> int:
    """Do something in a fork of this process; gives its exit code, negative for a signal."""
    return waited(fork(act))


def fork(act: Callable[[], object]) -> int:
    """The process id of a fork of this process that does something; its exit code is 0 if that raised nothing."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def waited(child: int) -> int:
    """The exit code of a child, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def as_nobody(act: Callable[[], object]) -> None:
    """Do something as a user who is not root; only in a fork."""
    os.setgroups([])
    os.setgid(faults.NOBODY)
    os.setuid(faults.NOBODY)
    act()


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    """A mount while it lasts; the test is skipped where none can be made."""
    done = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def sandbox(folder: Path, kind: Kind = "pair") -> Iterator[Sandbox]:
    """A sandbox in a new folder, which goes with it; its state folder has to be that of the environment."""
    homes = faults.make(folder, kind)
    made = Sandbox(folder, folder / "demo.toml", homes, folder / "state", {})
    made.old = made.now()
    try:
        yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def add_runs(folder: Path, numbers: range) -> None:
    """Add older runs to a state folder: the newest one's journal and a backup, under names and times of their own."""
    runs = folder / "apimha-wizard/runs"
    journals = [json.loads(path.read_text("utf-8")) for path in runs.glob("*/journal.json")]
    journal = max(journals, key=lambda one: one["started"])
    for number in numbers:
        at = f"2020-01-{number // 1440 + 1:02}T{number // 60 % 24:02}:{number % 60:02}:00"
        name = f"{at.replace('-', '').replace(':', '')}Z-{number:04x}"
        (runs / name / "backups").mkdir(parents=True)
        (runs / name / "backups/0001").touch()
        text = json.dumps({**journal, "run": name, "started": f"{at}.000000Z"})
        (runs / name / "journal.json").write_text(text, "utf-8")
