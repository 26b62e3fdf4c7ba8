"""What is on the disk when: seen on the system calls of real runs.

Only `fsync` brings something to the disk: a file's bytes and modes by its own, its name by its folder's.  A small
model of that (`Disk`) follows the calls and says at each of them what a power cut would take away.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support import pairs, strace
from tests.support.need import need
from tests.support.strace import Call

ROOT = Path(__file__).resolve().parents[2]
MARKER = ".apimha-wizard-run"
COMMIT = "/journal.json"
MAY_BE_LOST = re.compile(r"/backups/left-[0-9a-f]{64}$|/runs\.index$")
"""What a run leaves to find out what was changed since: its hash shows whether it is whole.  And the index of
the runs, which can be made again."""


@dataclass
class Disk:
    """What a power cut would take away now: bytes of files, and names in folders.

    What goes from the state folder may come back: the next run removes it again.
    """

    homes: Sequence[Path]
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
            self.names.discard(call.path)
            if call.within(*self.homes):
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
            path
            for path in self.bytes | self.names
            if any(path.startswith(f"{folder}/") for folder in folders) and not MAY_BE_LOST.search(path)
        )


@dataclass
class Rules:
    """The order that `apply` promises, checked call by call (design.md, "All or nothing")."""

    homes: Sequence[Path]
    state: Path
    problems: list[str] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)
    marked: set[str] = field(default_factory=set)
    journal: bool = False
    """Whether there is a journal that names what was before: its own, or that of the cut-off run that is taken back."""
    committed: bool = False

    def __post_init__(self) -> None:
        self.disk = Disk(self.homes)

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
        # The journal's last word waits under a name of its own; that one may be lost.
        lost = [path for path in disk.lost(self.state) if not path.endswith(".next")]
        self.demand(not lost, f"a home is touched before {lost[:3]} (journal, backups) are on the disk", call)
        is_marker = os.path.basename(call.paths[-1]).startswith(MARKER)
        if call.name.startswith("rename"):
            self.demand(call.paths[0] not in disk.bytes, "a file in its place is not on the disk", call)
        is_removal = call.name.startswith("unlink") and not call.path.endswith(".tmp")
        if call.name.startswith("rename") or is_removal:
            self.demand(not self.moved & disk.names, f"{self.moved & disk.names} may be lost", call)
        if not is_marker:
            self.demand(len(self.marked) == len(self.homes), "touched before the markers stand", call)
        elif is_removal:
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
        elif call.name.startswith("unlink") and not call.path.endswith(".tmp"):
            self.moved.add(call.path)
            self.marked.discard(call.path)


@dataclass(frozen=True)
class Traced:
    """A pair, and the calls of the commands that ran on it, one after the other."""

    homes: list[Path]
    state: Path
    replay: list[Call]
    unchanged: list[Call]
    rollback: list[Call]
    recoveries: list[list[Call]]

    def verdict(self, calls: Iterable[Call], **known: Any) -> list[str]:
        return Rules(self.homes, self.state, **known).read(calls)

    def recovered(self, calls: Iterable[Call]) -> list[str]:
        """The verdict on a command that finds a journal and the markers of an interrupted run."""
        return self.verdict(calls, journal=True, marked={f"{home}/{MARKER}" for home in self.homes})


@pytest.fixture(scope="module")
def traced(packs: Path, tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """All that a run can do to a file (edit, copy, rename): done, undone, interrupted at both ends, and recovered."""
    need("strace")
    folder = tmp_path_factory.mktemp("traced")
    state = folder / "state"
    state.mkdir()
    pair = pairs.make_pair(
        packs / "apim-analytics-2.0.0",
        folder / "pair",
        mysql={"provisioning": "server", "server_version": "5.7.44"},
    )
    env = {**pair.env, "XDG_STATE_HOME": str(state), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def trace(*arguments: str, inject: str = "") -> list[Call]:
        command = ["strace", "-f", "-y", "-qq", "-e", f"trace={strace.TRACED}", "-o", str(folder / "trace")]
        command += ["-e", f"inject={inject}"] if inject else []
        command += [sys.executable, "-m", "wizard", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == (-signal.SIGKILL if inject else 0), done.stdout + done.stderr
        return strace.read(folder / "trace")

    profile = str(pair.profile)
    replay = trace("replay", profile, "--offline")
    unchanged = trace("replay", profile, "--offline")
    rollback = trace("rollback", profile)
    renames = [call for call in replay if call.name.startswith("rename")]
    first = next(
        call
        for call in renames
        if call.paths[0].endswith(".tmp") and call.within(*pair.homes) and MARKER not in call.path
    )
    recoveries = []
    for call in (first, renames[-1]):
        trace("replay", profile, "--offline", inject=f"{call.name}:signal=KILL:when={call.ordinal}")
        recoveries.append(trace("rollback", profile))
    return Traced(pair.homes, state, replay, unchanged, rollback, recoveries)


def test_everything_is_on_the_disk_in_the_promised_order(traced: Traced) -> None:
    assert traced.verdict(traced.replay) == []
    assert traced.verdict(traced.rollback) == []
    for recovery in traced.recoveries:
        assert traced.recovered(recovery) == []


def test_every_fsync_is_needed_and_none_can_be_left_out_unnoticed(traced: Traced) -> None:
    """The rules above would be useless if a run without one of its fsyncs keeps them too."""
    for calls, verdict, least in (
        (traced.replay, traced.verdict, 60),
        (traced.rollback, traced.verdict, 60),
        *((recovery, traced.recovered, 8) for recovery in traced.recoveries),
    ):
        fsyncs = [at for at, call in enumerate(calls) if call.name == "fsync"]
        assert len(fsyncs) > least
        for at in fsyncs:
            assert verdict(calls[:at] + calls[at + 1 :]), f"nothing missed {calls[at]}"


def test_a_run_touches_nothing_but_homes_and_state(traced: Traced) -> None:
    for call in sum(traced.recoveries, traced.replay + traced.rollback):
        if (
            call.changes and call.done and call.paths
        ):  # standard output and error are pipes here, and have none
            assert call.within(*traced.homes, traced.state), call


def test_unchanged_writes_nothing(traced: Traced) -> None:
    """A pair that is as it should be: not one call that changes a file."""
    assert [str(call) for call in traced.unchanged if call.changes and call.paths] == []


def test_no_kind_of_call_is_overlooked(traced: Traced) -> None:
    """Faults are injected into the calls of `CHANGING`: one that is in neither list would escape."""
    seen = {call.name for call in sum(traced.recoveries, traced.replay + traced.rollback)}
    assert seen - strace.CHANGING - strace.LOOKING == set()
