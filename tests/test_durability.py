"""What is on the disk when: seen on the system calls of real runs.

Only `fsync` brings something to the disk: a file's bytes and modes by its own, its name by its folder's.  A small
model of that (`Disk`) follows the calls and says at each of them what a power cut would take away.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support import strace
from tests.support.need import need
from tests.support.pairs import Pair
from tests.support.strace import Call

ROOT = Path(__file__).resolve().parent.parent
MARKER = ".apimha-wizard-run"
COMMIT = "/journal.json"


@dataclass
class Disk:
    """What a power cut would take away now: bytes of files, and names in folders."""

    bytes: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def follow(self, call: Call) -> None:
        """What a call that was done changes."""
        if call.name in {"fsync", "fdatasync"}:
            self.bytes.discard(call.path)
            self.names = {name for name in self.names if os.path.dirname(name) != call.path}
        elif call.name.startswith("rename"):
            old, new = call.paths
            if old in self.bytes:
                self.bytes.remove(old)
                self.bytes.add(new)
            self.names |= {old, new}
        elif call.name in {"unlink", "unlinkat", "rmdir"}:
            self.bytes.discard(call.path)
            self.names.add(call.path)
        elif call.name in {"mkdir", "mkdirat", "symlink", "symlinkat"}:
            self.names.add(call.path)
        elif call.name in {"open", "openat"}:
            self.bytes.add(call.path)
            self.names.add(call.path)
        else:
            self.bytes.add(call.path)

    def lost(self, *folders: Path) -> list[str]:
        """What of these folders is not on the disk."""
        return sorted(
            path for path in self.bytes | self.names if any(path.startswith(f"{folder}/") for folder in folders)
        )


@dataclass
class Rules:
    """The order that `apply` promises, checked call by call (design.md, "All or nothing")."""

    homes: Sequence[Path]
    state: Path
    disk: Disk = field(default_factory=Disk)
    problems: list[str] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    marked: set[str] = field(default_factory=set)
    journal: bool = False
    """Whether there is a journal that names what was before: its own, or that of the cut-off run that is taken back."""
    committed: bool = False

    def demand(self, fact: object, otherwise: str, call: Call) -> None:
        if not fact:
            self.problems.append(f"{otherwise}: {call}")

    def read(self, calls: Iterable[Call]) -> list[str]:
        """Everything that is not as promised."""
        for call in calls:
            if call.changes and call.done and call.within(*self.homes, self.state):
                self.before(call)
                self.disk.follow(call)
                self.after(call)
        end = Call("", "exit", "", "", 1)
        lost = self.disk.lost(*self.homes, self.state)
        self.demand(not lost, f"at the end {lost} is not on the disk", end)
        self.demand(not self.marked, f"the markers {self.marked} are left", end)
        return self.problems

    def before(self, call: Call) -> None:
        disk = self.disk
        if call.name.startswith("rename") and call.paths[1].endswith(COMMIT) and self.journal:
            self.demand(call.paths[0] not in disk.bytes, "the journal's last word is not on the disk", call)
            self.demand(not disk.lost(*self.homes), "committed before everything is on the disk", call)
            self.committed = True
        if not call.within(*self.homes) or call.name in {"fsync", "fdatasync"}:
            return
        self.demand(self.journal, "a home is touched before there is a journal", call)
        lost = disk.lost(self.state)
        self.demand(not lost, f"a home is touched while journal or backups ({lost[:3]}) are not on the disk", call)
        is_marker = os.path.basename(call.paths[-1]).startswith(MARKER)
        if call.name.startswith("rename"):
            self.demand(call.paths[0] not in disk.bytes, "a file takes its place before it is on the disk", call)
        if call.name.startswith("rename") or (call.name == "unlink" and not call.path.endswith(".tmp")):
            self.demand(not self.moved & disk.names, f"{self.moved & disk.names} may not be on the disk yet", call)
        if not is_marker:
            self.demand(len(self.marked) == len(self.homes), "touched before the markers stand", call)
        elif call.name == "unlink" and not call.path.endswith(".tmp"):
            self.demand(not disk.lost(*self.homes), "the marker goes before everything is on the disk", call)

    def after(self, call: Call) -> None:
        if call.name.startswith("rename") and call.paths[1].endswith(COMMIT):
            self.journal = True
        if not call.within(*self.homes):
            return
        if call.name.startswith("rename"):
            self.moved.add(call.paths[1])
            if os.path.basename(call.paths[1]) == MARKER:
                self.marked.add(call.paths[1])
        elif call.name == "unlink" and not call.path.endswith(".tmp"):
            self.moved.add(call.path)
            self.marked.discard(call.path)


@dataclass(frozen=True)
class Traced:
    """A pair, and the calls of the commands that ran on it."""

    homes: list[Path]
    state: Path
    replay: list[Call]
    rollback: list[Call]


def trace(arguments: Sequence[str], env: dict[str, str], out: Path) -> list[Call]:
    """The calls of a command of a process of its own, which has to end well."""
    command = ["strace", "-f", "-y", "-qq", "-e", f"trace={strace.TRACED}", "-o", str(out)]
    done = subprocess.run(
        [*command, sys.executable, "-m", "wizard", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return strace.read(out)


@pytest.fixture
def traced(make_pair: Callable[..., Pair], tmp_path: Path) -> Traced:
    """A replay of everything that a run can do to a file (edit, copy, rename), and its rollback."""
    need("strace")
    pair = make_pair(mysql={"provisioning": "server", "server_version": "5.7.44"})
    state = Path(os.environ["XDG_STATE_HOME"])
    state.mkdir(parents=True)
    replay = trace(["replay", str(pair.profile), "--offline"], pair.env, tmp_path / "replay.trace")
    rollback = trace(["rollback", str(pair.profile)], pair.env, tmp_path / "rollback.trace")
    return Traced(pair.homes, state, replay, rollback)


def verdict(run: Traced, calls: Iterable[Call]) -> list[str]:
    return Rules(run.homes, run.state).read(calls)


def fsyncs(run: Traced, calls: Sequence[Call]) -> list[int]:
    return [at for at, call in enumerate(calls) if call.name == "fsync" and call.within(*run.homes, run.state)]


def test_everything_is_on_the_disk_in_the_promised_order(traced: Traced) -> None:
    assert verdict(traced, traced.replay) == []
    assert verdict(traced, traced.rollback) == []


def test_every_fsync_is_needed_and_none_can_be_left_out_unnoticed(traced: Traced) -> None:
    """The rules above are no rules if a run without one of its fsyncs keeps them too."""
    for calls in (traced.replay, traced.rollback):
        places = fsyncs(traced, calls)
        assert len(places) > 60
        for at in places:
            assert verdict(traced, calls[:at] + calls[at + 1 :]), f"nobody missed {calls[at]}"


def test_a_run_touches_nothing_but_homes_and_state(traced: Traced) -> None:
    own = (*traced.homes, traced.state)
    for call in traced.replay + traced.rollback:
        if call.changes and call.done and call.name not in {"write", "fsync"}:
            assert call.within(*own), call
        # Standard output and error are pipes here: whatever is written to a path is a file.
        if call.name == "write" and call.paths:
            assert call.within(*own), call


def test_no_kind_of_call_is_overlooked(traced: Traced) -> None:
    """The faults that are injected elsewhere are those of `CHANGING`: a call that is in neither list would escape."""
    seen = {call.name for call in traced.replay + traced.rollback}
    assert seen - strace.CHANGING - strace.LOOKING == set()


def test_unchanged_writes_nothing(traced: Traced, make_pair: Callable[..., Pair], tmp_path: Path) -> None:
    """A pair that is as it should be: not one call that changes a file."""
    profile = traced.homes[0].parent / "pair.toml"
    env = {**os.environ}
    arguments = ["replay", str(profile), "--offline"]
    trace(arguments, env, tmp_path / "first.trace")
    again = trace(arguments, env, tmp_path / "again.trace")
    assert [str(call) for call in again if call.changes and call.within(*traced.homes, traced.state)] == []
