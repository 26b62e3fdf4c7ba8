"""Undoing what was done, and the history of it."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support import faults
from tests.support.sandboxes import AXIS2, MARKER, REGISTRY, Sandbox, edit, ends, mounted
from wizard.command_line.run import rollback as undo
from wizard.system import locations
from wizard.system.errors import Cancel, UsageError
from wizard.transaction import runs

JAR = "analytics-1/repository/components/lib/mysql-connector-java-stand-in.jar"


def state_of(run: str) -> str:
    """What `history` calls a run."""
    (found,) = [one for one in undo.history() if one["run"] == run]
    return str(found["state"])


def port(box: Sandbox, old: int, new: int) -> None:
    """Change node 2's Hazelcast port in the profile: both nodes' `axis2.xml` name it."""
    text = box.profile.read_text("utf-8")
    assert f"hazelcast_port = {old}" in text
    box.profile.write_text(text.replace(f"hazelcast_port = {old}", f"hazelcast_port = {new}"), "utf-8")


def test_a_rollback_restores_every_byte_mode_owner_attribute_and_time(box: Sandbox) -> None:
    run = box.applied().run
    assert (box.folder / JAR).exists()
    assert (box.homes[0] / "dbscripts/mysql-before-5.7.sql").exists()
    result = box.rollback()
    assert (result.outcome, result.exit_code) == ("restored", 0)
    assert box.changed() == []
    assert {file["status"] for file in result.files} == {"restored"}
    assert [state_of(str(one)) for one in (run, result.run)] == ["rolled back", f"undid {run}"]


@pytest.mark.parametrize("box", ["link"], indirect=True)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_rollback_removes_the_link_unless_it_leads_elsewhere(box: Sandbox, elsewhere: bool) -> None:
    result, link = box.applied(only_node="node1"), box.folder / "common"
    assert str(link) in [file["path"] for file in result.files]
    assert link.readlink() == box.homes[0]
    if elsewhere:
        link.unlink()
        link.symlink_to(box.folder / "elsewhere")
        ends(box.rollback(), 3, str(link))
        assert link.readlink() == box.folder / "elsewhere"
    assert box.rollback(force=True).exit_code == 0
    assert box.changed() == []


def test_what_was_edited_since_is_kept_and_named_until_it_is_forced(box: Sandbox) -> None:
    run = str(box.applied().run)
    edit(box.folder / AXIS2)
    edit(box.folder / JAR)
    result = box.rollback()
    assert result.outcome == "restored"
    ends(result, 3, AXIS2, JAR, f"rollback {run} --force")
    assert box.changed() == sorted([AXIS2, JAR])
    statuses = {f"analytics-{file['node'][-1]}/{file['path']}": file["status"] for file in result.files}
    assert statuses[AXIS2] == statuses[JAR] == "unchanged"
    assert statuses[REGISTRY] == "restored"
    assert state_of(run) == "rolled back in part"
    # It stays open: once more without --force changes nothing, with it everything is as before.
    assert box.rollback().exit_code == 3
    assert box.changed() == sorted([AXIS2, JAR])
    forced = box.rollback(force=True)
    assert (forced.outcome, forced.exit_code) == ("restored", 0)
    assert box.changed() == []
    assert state_of(run) == "rolled back"


def test_a_second_rollback_has_nothing_to_do_and_a_rollback_cannot_be_undone(box: Sandbox) -> None:
    box.applied()
    undone = box.rollback().run
    before = box.everything()
    for argument in (None, undone):
        result = box.rollback(argument)
        assert (result.outcome, result.exit_code, result.run) == ("unchanged", 0, None)
        assert box.everything() == before


def twice(
    box: Sandbox, meanwhile: Callable[[], object] = lambda: None
) -> tuple[str, str, dict[str, faults.Look]]:
    """Two runs, the second with another port, and the homes between them."""
    first, between = str(box.applied().run), box.now()
    port(box, 4001, 4002)
    meanwhile()
    return first, str(box.applied().run), between


def test_what_was_restored_by_hand_needs_no_rollback_and_lets_the_older_run_be_undone(box: Sandbox) -> None:
    first, _, between = twice(box)
    now = box.now()
    for path, one in between.items():  # as a person does who has a copy of the homes
        if now.get(path) != one:
            faults.restore(box.folder / path, one, now.get(path))
    result = box.rollback()
    assert (result.outcome, result.run) == ("unchanged", None)
    assert box.rollback().outcome == "restored"
    assert state_of(first) == "rolled back"
    assert box.changed() == []


@pytest.mark.parametrize("back", [0, 10**6])
def test_runs_are_undone_the_newest_first_whatever_the_clock_says(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, back: int
) -> None:
    now = time.time()
    first, second, between = twice(box, lambda: monkeypatch.setattr(time, "time", lambda: now - back))
    assert [one["run"] for one in undo.history()] == [second, first]
    assert box.rollback().outcome == "restored"
    assert box.now() == between
    assert box.rollback().outcome == "restored"
    assert box.changed() == []
    assert [state_of(run) for run in (first, second)] == ["rolled back", "rolled back"]


def test_an_older_run_gives_back_only_what_no_newer_one_has_changed(box: Sandbox) -> None:
    first, *_ = twice(box)
    result = box.rollback(first)
    assert (result.outcome, result.exit_code) == ("restored", 3)
    assert box.changed() == [AXIS2, AXIS2.replace("-1/", "-2/")]


@pytest.mark.parametrize("whose", [0, 1])
def test_it_refuses_while_a_server_runs(box: Sandbox, whose: int) -> None:
    """Also before the server has written its process id; and where another program has that id by now."""
    box.applied()
    node, home = f"node{whose + 1}", box.homes[whose]
    before = box.everything()
    server = [sys.executable, "-c", "print(flush=True); input()", f"-Dcarbon.home={home}"]
    with subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # its command line can be read
        stop = f"apimha-wizard stop {box.profile} --node {node}"
        result = box.rollback()
        assert result.outcome == "refused"
        ends(result, 3, f"{home}: running servers: {node} (process {process.pid})", stop)
        process.communicate(b"\n")
    assert box.everything() == before
    (home / "wso2carbon.pid").write_text(f"{os.getpid()}\n")
    before = box.everything()
    stale = f"{home}: wso2carbon.pid of {node} names process {os.getpid()}"
    ends(box.rollback(), 3, stale, f"if it is another program: rm {home}/wso2carbon.pid")
    assert box.everything() == before


@pytest.mark.parametrize("mounted", [False, True])
def test_a_home_that_is_missing_is_named(box: Sandbox, mounted: bool) -> None:
    box.applied()
    box.homes[1].rename(box.folder / "away")
    if mounted:
        box.homes[1].mkdir()
    ends(box.rollback(), 3, f"{box.homes[1]}: the home of node2 is missing")


@contextlib.contextmanager
def changed_backup(box: Sandbox) -> Iterator[list[str]]:
    run = runs.find(str(box.profile))
    (backup,) = [run.backup(entry) for entry in run.entries if str(entry.path).endswith(AXIS2)]
    edit(backup)
    yield ["axis2.xml", f"{backup} was edited since it was planned"]
    backup.write_bytes(box.old[AXIS2][4])


@contextlib.contextmanager
def linked_folder(box: Sandbox) -> Iterator[list[str]]:
    folder, away = (box.folder / REGISTRY).parent, box.folder / "away"
    folder.rename(away)
    folder.symlink_to(away)
    yield [REGISTRY, "user-mgt.xml", f"the folder {folder} was replaced"]
    folder.unlink()
    away.rename(folder)


@contextlib.contextmanager
def read_only(box: Sandbox, place: str) -> Iterator[list[str]]:
    folder = box.folder / place
    with mounted(folder, "--bind", "-r", str(folder)):
        yield ["Read-only file system", str(folder)]


OBSTACLES: dict[str, tuple[Callable[[Sandbox], contextlib.AbstractContextManager[list[str]]], str]] = {
    "a changed backup": (changed_backup, AXIS2),
    "a folder replaced by a link": (linked_folder, "analytics-2/"),
    "a read-only folder": (lambda box: read_only(box, os.path.dirname(AXIS2)), AXIS2),
    "a read-only home": (lambda box: read_only(box, "analytics-2"), "analytics-2/"),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_path_that_cannot_be_restored_stops_no_other_path(box: Sandbox, obstacle: str) -> None:
    run = str(box.applied().run)
    done = box.now()
    make, where = OBSTACLES[obstacle]
    with make(box) as words:
        result = box.rollback()
        assert result.outcome == "failed"
        ends(result, 5, *words, f"apimha-wizard rollback {run}")
        if obstacle == "a read-only home":  # what is outside of it can be restored all the same
            assert not (box.homes[1] / MARKER).exists()
    left = [path for path in box.changed() if not path.startswith("away")]
    assert left
    assert all(where in path for path in left)
    assert {box.now().get(path) for path in left} <= set(done.values()) | {None}
    status = {f"analytics-{file['node'][-1]}/{file['path']}": file["status"] for file in result.files}
    assert {one for path, one in status.items() if where not in path} <= {"restored"}
    assert state_of(run) == "rolled back in part"
    result = box.rollback()
    assert (result.outcome, result.exit_code) == ("restored", 0)
    assert box.changed() == []
    assert state_of(run) == "rolled back"


def test_a_path_that_cannot_take_its_place_stays_open(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was staged, and so was the journal that says what is restored."""
    run, rename = str(box.applied().run), os.rename

    def fail(source: str, target: str, **how: int) -> None:
        if target == "registry.xml":
            raise OSError(5, "Input/output error")
        rename(source, target, **how)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        ends(box.rollback(), 5, "registry.xml")
    locations.index().unlink()  # the journals alone say so
    assert state_of(run) == "rolled back in part"
    assert box.rollback().exit_code == 0
    assert box.changed() == []


def test_a_rollback_that_can_restore_nothing_changes_nothing(box: Sandbox) -> None:
    result = box.applied()
    done = box.now()
    for backup in (box.runs / str(result.run) / "backups").iterdir():
        edit(backup)
    for path in set(box.changed()) - set(box.old):  # what is only removed needs no backup
        (box.folder / path).unlink()
    result = box.rollback()
    assert (result.outcome, result.exit_code, result.run) == ("failed", 5, None)
    assert {path: one for path, one in done.items() if path in box.old} == box.now()


@pytest.mark.parametrize("node", ["node1", None])
def test_homes_that_cannot_be_written_at_all_are_named_by_path(box: Sandbox, node: str | None) -> None:
    run = box.applied(only_node=node)
    done, changed = box.now(), box.changed()
    with contextlib.ExitStack() as stack:
        for home in box.homes[: 1 if node else 2]:
            stack.enter_context(read_only(box, home.name))
        result = box.rollback()
    assert (result.outcome, result.exit_code, result.run) == ("failed", 5, None)
    assert [path for path in changed if path not in (result.error or "")] == []
    assert box.now() == done
    assert state_of(str(run.run)) == "applied"
    assert box.rollback().exit_code == 0
    assert box.changed() == []


def test_a_path_that_is_not_seen_any_more_keeps_its_backup(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is in its place, and then the disk is gone: which of the two it holds is unknown."""
    box.applied()
    edit(box.folder / AXIS2)
    edited = (box.folder / AXIS2).read_bytes()
    folder, away = (box.folder / AXIS2).parent, box.folder / "away"
    fsync = os.fsync

    def fail(descriptor: int) -> None:
        if folder.is_dir() and (box.folder / AXIS2).read_bytes() != edited:
            folder.rename(away)
            raise OSError(5, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    assert box.rollback(force=True).exit_code == 5
    away.rename(folder)
    assert edited in [path.read_bytes() for path in box.runs.glob("*/backups/*")]
    assert box.changed() == []


@pytest.mark.parametrize("start", ["applied", "cut_off"])
@pytest.mark.parametrize("what", ["folder", "pipe"])
def test_force_leaves_folders_and_pipes_alone_and_restores_the_rest(
    box: Sandbox, what: str, start: str
) -> None:
    box.applied() if start == "applied" else box.cut_off(at=15)
    (box.folder / AXIS2).unlink()
    if what == "pipe":
        os.mkfifo(box.folder / AXIS2)
    else:
        (box.folder / AXIS2).mkdir()
    result = box.rollback(force=True)
    assert (result.outcome, result.exit_code) == ("failed", 5)
    assert f"{AXIS2}: it is not a file any more; move it away" in (result.error or "")
    assert not (box.folder / AXIS2).is_file()
    faults.remove(box.folder / AXIS2)
    assert box.rollback(force=True).exit_code == 0
    assert box.changed() == []


def test_the_run_of_one_node_is_undone_without_the_other(box: Sandbox) -> None:
    box.applied(only_node="node1")
    box.homes[1].rename(box.folder / "away")
    assert box.rollback().outcome == "restored"
    (box.folder / "away").rename(box.homes[1])
    assert box.changed() == []


def test_without_an_argument_the_only_profile_is_meant(box: Sandbox) -> None:
    with pytest.raises(UsageError, match="no run to undo"):
        undo.rollback(None, force=False, cancel=Cancel())
    box.applied(only_node="node1")
    other = box.profile.with_name("other.toml")
    other.write_bytes(box.profile.read_bytes())
    code, out, err = box.ended("replay", str(other), "--offline", "--node", "node2")
    assert code == 0, (out, err)
    with pytest.raises(UsageError, match="several profiles have runs: demo, other"):
        undo.rollback(None, force=False, cancel=Cancel())
    assert undo.rollback("other", force=False, cancel=Cancel()).outcome == "restored"
    assert undo.rollback(None, force=False, cancel=Cancel()).outcome == "restored"
    assert box.changed() == []


@pytest.mark.parametrize("own", [False, True])
def test_the_runs_of_a_profile_that_was_deleted_can_be_undone(box: Sandbox, own: bool) -> None:
    """By its name, whether the profile was one of the user's own or a file elsewhere, and by its file."""
    if own:
        locations.profiles().parent.mkdir(parents=True)
        locations.profiles().symlink_to(box.folder)
    text = box.profile.read_bytes()
    for argument in ("demo", str(box.profile)):
        box.applied()
        box.profile.unlink()
        assert undo.rollback(argument, force=False, cancel=Cancel()).outcome == "restored"
        box.profile.write_bytes(text)
    (mine, *_) = runs.history()
    box.profile.unlink()
    for argument, path in (("demo", "/elsewhere/demo.toml"), (str(box.profile), "/elsewhere/demo.toml")):
        others = [mine._replace(profile_path=path), mine]
        assert runs.of_profile(argument, others) == ([mine] if own or argument != "demo" else others)
    box.profile.write_bytes(text)
    assert box.changed() == []


def test_a_name_that_nothing_has_is_wrong_use(box: Sandbox) -> None:
    box.applied()
    for name in ("nothing", "20200101T000000Z-beef", "./demo.toml"):
        with pytest.raises(UsageError, match="is neither a run nor a profile with runs"):
            undo.rollback(name, force=False, cancel=Cancel())


def test_a_run_with_the_name_of_another_takes_a_new_one(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = box.applied().run
    names = iter([first, first, "20990101T000000Z-0001"])
    monkeypatch.setattr(runs, "_new_id", lambda: next(names))
    assert box.rollback().run == "20990101T000000Z-0001"
    assert box.changed() == []
    assert len(undo.history()) == 2


def test_prune_keeps_the_backups_of_the_newest_and_of_interrupted_runs(box: Sandbox) -> None:
    first, second, _ = twice(box)
    assert [one["can_be_undone"] for one in undo.history()] == [True, True]
    assert runs.prune(1) == 1
    assert [one["can_be_undone"] for one in undo.history()] == [True, False]
    result = box.rollback(first)
    assert (result.outcome, result.exit_code) == ("refused", 3)
    assert "history --prune" in (result.error or "")
    assert box.rollback(second).outcome == "restored"
    assert runs.prune(0) == 2
    assert not list(box.runs.rglob("backups"))
    box.cut_off(at=1)
    assert runs.prune(0) == 0
    assert box.rollback().outcome == "restored"


def test_only_this_user_can_read_journals_and_backups(box: Sandbox) -> None:
    before = os.umask(0)
    try:
        box.applied()
    finally:
        os.umask(before)
    for path in [box.runs, *box.runs.rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


def test_a_journal_that_cannot_be_understood_is_passed_over(box: Sandbox) -> None:
    run = str(box.applied().run)
    journal = json.loads((box.runs / run / "journal.json").read_bytes())
    wrong = [
        json.dumps(journal | {"run": f"20200101T00000{number}Z-0000", field: value}).encode()
        for number, (field, value) in enumerate({"started": 5, "profile": None, "homes": {"a": 1}}.items(), 6)
    ]
    for number, content in enumerate(
        [b"", b"{", b"[]", b'{"format": 99}', b'{"format": 1, "entries": [1]}', b"\xff", *wrong]
    ):
        folder = box.runs / f"20200101T00000{number}Z-0000"
        folder.mkdir()
        (folder / "journal.json").write_bytes(content)
    assert len(undo.history()) == 1
    assert box.replay().outcome == "unchanged"
    assert box.rollback().outcome == "restored"


def test_a_run_that_failed_is_listed_and_keeps_no_backups(box: Sandbox) -> None:
    def fail(node: str, path: str, done: int, total: int) -> None:
        raise OSError(28, "No space left on device")

    box.replay(progress=fail)
    (run,) = undo.history()
    assert (run["state"], run["can_be_undone"]) == ("failed, restored", False)
    (folder,) = box.runs.iterdir()
    assert [path.name for path in folder.iterdir()] == ["journal.json"]
    assert json.loads((folder / "journal.json").read_text())["error"].endswith("No space left on device")


def test_a_folder_without_a_journal_is_swept_up_but_not_while_a_run_begins(box: Sandbox) -> None:
    stray = box.runs / "20200101T000000Z-0000" / "backups"
    stray.mkdir(parents=True)
    command = ["flock", str(box.runs), "-c", "echo held; read line"]
    lock = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
    assert lock.stdout is not None
    lock.stdout.readline()
    runs.sweep()
    assert stray.exists()
    lock.communicate("\n")
    runs.sweep()
    assert not stray.parent.exists()
