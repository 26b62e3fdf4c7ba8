"""The index of the runs: as cheap with many runs as with few, and never in the way of the truth."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import faults, strace
from tests.support.cli import ROOT
from tests.support.need import need
from tests.support.sandboxes import AXIS2, Sandbox, add_runs, edit
from tests.transaction.test_runs import port, twice
from wizard.command_line.run import rollback as undo
from wizard.system import locations
from wizard.transaction import index, runs


def calls(box: Sandbox, *arguments: str) -> int:
    """How many calls a command makes on the homes and the state folder; parts of a listing are not counted.

    Nor is what asks whether a home is that of a server: that is for each server of this machine, other tests' too.
    """
    out = box.folder.parent / "trace"
    command = [sys.executable, "-m", "wizard", *arguments]
    subprocess.run(
        ["strace", "-f", "-y", "-qq", "-e", f"trace={strace.TRACED}", "-o", str(out), *command],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    made = [call for call in strace.read(out) if call.within(box.folder) and call.name != "getdents64"]
    homes = set(map(str, box.homes))
    return sum(
        not (call.name.endswith(("stat", "statx", "statat")) and homes >= set(call.paths)) for call in made
    )


def test_many_runs_cost_no_more_file_calls_than_a_few(box: Sandbox) -> None:
    """Runs without an index at first, as an earlier edition leaves them: the first replay makes it."""
    need("strace")
    profile = str(box.profile)
    box.applied()
    counts = []
    for numbers in (range(50), range(50, 500)):
        add_runs(box.state, numbers)
        assert box.replay().outcome == "unchanged"
        run = undo.history()[0]["run"]
        commands = [
            ["replay", profile, "--offline"],
            ["history"],
            ["history", profile],
            ["rollback", run],
            ["replay", profile, "--offline"],
            ["rollback", profile],
            ["replay", profile, "--offline"],
            ["history", "--prune", "1000"],
        ]
        counts.append([calls(box, *arguments) for arguments in commands])
    for few, many in zip(*counts, strict=True):
        assert many <= few + 4, counts


def history(box: Sandbox) -> list[dict[str, Any]]:
    """The history without the index."""
    path = locations.index()
    kept = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    found = undo.history()
    if kept is not None:
        path.write_bytes(kept)
    return found


def damaged(path: Path) -> None:
    data = path.read_bytes().replace(b"applied", b"other").replace(b"true", b"null")
    path.write_bytes(b"1 2\n" + data + b"\xff\n00000000 x")


HARMS: list[Callable[[Path], object]] = [
    lambda path: path.write_bytes(path.read_bytes()[:-40]),
    lambda path: path.write_bytes(path.read_bytes()[:-200] + bytes(200)),
    lambda path: path.write_bytes(b""),
    *(damaged, Path.unlink),
]


@pytest.mark.parametrize("harm", HARMS)
def test_with_any_index_the_history_is_the_same(box: Sandbox, harm: Callable[[Path], object]) -> None:
    twice(box)
    box.rollback()
    truth = undo.history()
    assert [one["state"] for one in truth] == [f"undid {truth[1]['run']}", "rolled back", "applied"]
    assert len(index.read()) == 3
    assert history(box) == truth
    harm(locations.index())
    assert len(index.read()) < 3
    assert undo.history() == truth
    # What is added later does not go on in a line that is there in part.
    box.applied()
    assert len(undo.history()) == 4 == len(history(box))
    assert undo.history()[0]["run"] in index.read()


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_an_index_that_is_not_a_file_blocks_nothing(box: Sandbox, make: Callable[[Path], object]) -> None:
    box.applied()
    truth = undo.history()
    locations.index().unlink()
    make(locations.index())
    assert undo.history() == truth
    assert box.ended("rollback", str(box.profile))[0] == 0
    faults.remove(locations.index())
    assert box.changed() == []


def test_the_folders_decide_which_runs_there_are(box: Sandbox) -> None:
    """A run whose folder is gone is not listed, and a folder with the journal of another run is passed over."""
    run = str(box.applied().run)
    shutil.copytree(box.runs / run, box.runs / "20200101T000000Z-0000")
    assert [one["run"] for one in undo.history()] == [run]
    assert box.rollback(run).outcome == "restored"
    for folder in box.runs.iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    assert run in index.read()
    assert undo.history() == []


def test_the_next_run_lists_the_runs_of_an_earlier_edition(box: Sandbox) -> None:
    box.applied()
    add_runs(box.state, range(20))
    locations.index().unlink()
    assert len(undo.history()) == 21
    assert not locations.index().exists()
    assert box.replay().outcome == "unchanged"
    assert len(index.read()) == 21
    assert locations.index().stat().st_mode & 0o777 == 0o600
    assert undo.history() == history(box)


def test_a_killed_prune_leaves_no_backup_listed_that_is_gone(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = str(box.applied().run)

    def killed(folder: Path) -> None:
        next(folder.glob("00*")).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            runs.prune(0)
    assert undo.history() == history(box)
    assert [one["can_be_undone"] for one in undo.history()] == [False]
    assert runs.prune(0) == 1
    assert undo.history() == history(box)
    assert not (box.runs / run / "backups").exists()
    assert runs.prune(0) == 0


def test_drift_is_found_through_the_index_as_through_the_journals(box: Sandbox) -> None:
    """After a rollback to what an older run had left."""
    twice(box)
    box.rollback()
    port(box, 4002, 4001)
    assert box.replay().outcome == "unchanged"
    edit(box.folder / AXIS2)
    text = (box.folder / AXIS2).read_text()
    (box.folder / AXIS2).write_text(text.replace(">4000<", ">4444<"))
    port(box, 4001, 4003)

    def found() -> list[str]:
        return [one.message for one in box.replay(dry_run=True).checks if one.id == "apply.drift"]

    notes = found()
    assert "changed by hand" in notes[0]
    assert "4444 → 4000" in notes[0]
    assert "4003" not in "".join(notes)  # that is the profile's
    locations.index().unlink()
    assert found() == notes
