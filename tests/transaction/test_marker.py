"""The marker in a home, and what is made of it: for every user, and only for the run that it names."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from tests.support.sandboxes import MARKER, ROOT_ONLY, Sandbox, as_nobody, in_a_child
from wizard.system.errors import Locked
from wizard.transaction import marker, recovery, runs
from wizard.transaction.move import Folders
from wizard.verify.checks import unfinished_runs


def as_another_user(box: Sandbox, act: Callable[[], object]) -> None:
    """Do something as a user who is not root and has a state folder of their own, and must not fail."""
    for folder in (box.folder.parent, box.folder):
        folder.chmod(0o755)

    def other() -> None:
        os.environ["XDG_STATE_HOME"] = str(box.folder / "other")
        as_nobody(act)

    assert in_a_child(other) == 0


@ROOT_ONLY
def test_every_user_can_read_whose_run_works_on_a_home(box: Sandbox) -> None:
    before = os.umask(0o077)
    try:
        box.cut_off()
    finally:
        os.umask(before)
    (run,) = os.listdir(box.runs)
    owner = runs.user()

    def look() -> None:
        found = runs.unfinished_in(box.homes[0])
        assert found is not None
        assert (found.run, found.owner) == (run, owner)

    as_another_user(box, look)


@ROOT_ONLY
def test_a_marker_that_cannot_be_read_is_a_warning_of_its_own(box: Sandbox) -> None:
    box.cut_off()
    (box.homes[0] / MARKER).chmod(0o600)

    def look() -> None:
        found = list(unfinished_runs(dict(zip(("node1", "node2"), box.homes, strict=True))))
        assert [(one.status, one.node) for one in found] == [("warning", "node1"), ("error", "node2")]
        assert "Permission denied" in found[0].message

    as_another_user(box, look)


def test_the_marker_of_another_run_is_not_removed(box: Sandbox) -> None:
    box.cut_off()
    run = runs.find(str(box.profile))
    with Folders(run.homes.values()) as folders:
        folder = folders.of(box.homes[0])
        marker.clear(run._replace(run="20200101T000000Z-0000"), box.homes[0], folder)
        assert len(box.markers) == 2
        marker.clear(run, box.homes[0], folder)
        assert box.markers == [box.homes[1] / MARKER]


@pytest.mark.parametrize("named", ["20200101T000000Z-0000", "../runs"])
def test_a_journal_that_names_another_run_is_not_obeyed(box: Sandbox, named: str) -> None:
    box.cut_off()
    (journal,) = box.runs.glob("*/journal.json")
    journal.write_text(json.dumps({**json.loads(journal.read_text()), "run": named}))
    before = box.now()
    with pytest.raises(Locked, match="its journal cannot be read"):
        box.replay()
    assert box.now() == before


@pytest.mark.parametrize("said", ["started", "committed", "nothing", "half"])
def test_a_run_is_reopened_whatever_its_journal_says(box: Sandbox, said: str) -> None:
    """Before the first step back the journal says `started`: a crash in between is then recovered.

    One that says so is not written again: a full disk must not keep a run from going back.
    """
    box.cut_off()
    run = runs.find(str(box.profile))
    before = run.journal.stat().st_ino
    if said == "committed":
        run._replace(outcome="committed").save()
    elif said == "half":
        run.journal.write_bytes(run.journal.read_bytes()[:100])
    elif said == "nothing":
        run.journal.unlink()
    recovery.reopen(run)
    there = runs.read(run.journal)
    assert there is not None
    assert there.outcome == "started"
    assert said != "started" or run.journal.stat().st_ino == before
    assert box.rollback().outcome == "restored"
    assert box.changed() == []
