"""A run writes everything or nothing, and whatever stops it, the homes are as before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import faults, sandboxes
from tests.support.cli import ROOT, started
from tests.support.sandboxes import AXIS2, MARKER, REGISTRY, Sandbox, edit, ends, in_a_child, sandbox
from wizard.system.errors import Cancel, NotRestored

LIB = "repository/components/lib"


def as_before(box: Sandbox, *but: str) -> None:
    """Nothing is changed (but what the test has changed itself), and nothing is left behind."""
    assert box.changed() == sorted(but)
    assert not box.markers


def test_modes_owners_attributes_and_links_are_kept(box: Sandbox) -> None:
    box.applied()
    new = box.now()
    for path, old in box.old.items():
        if path in new:
            assert (new[path][0], *new[path][1:4], new[path][6]) == (old[0], *old[1:4], old[6]), path
    assert (box.homes[0] / "repository/conf/user-mgt.xml").is_symlink()
    assert b"jdbc/WSO2UM_DB" in (box.folder / "elsewhere/user-mgt.xml").read_bytes()
    assert dict(new[AXIS2][6]).get("user.note") == b"kept"


def test_an_access_list_is_kept_and_one_of_the_folder_is_not_taken(box: Sandbox) -> None:
    folder = box.folder / AXIS2
    own = _access_list(user=1, permissions=6)
    with contextlib.suppress(OSError):
        os.setxattr(box.folder / REGISTRY, "system.posix_acl_access", own)
        os.setxattr(folder.parent, "system.posix_acl_default", _access_list(user=2, permissions=7))
    if not os.listxattr(folder.parent):
        pytest.skip("this file system has no access lists")
    before = box.now()
    box.applied()
    assert os.getxattr(box.folder / REGISTRY, "system.posix_acl_access") == own
    assert "system.posix_acl_access" not in os.listxattr(box.folder / AXIS2)
    assert box.now()[AXIS2][1] == before[AXIS2][1]
    box.rollback()
    assert box.now() == before


def _access_list(*, user: int, permissions: int) -> bytes:
    """A POSIX access list as the kernel takes it: owner rw, one user, group r, mask, others none."""
    anyone = 2**32 - 1
    entries = [(1, 6, anyone), (2, permissions, user), (4, 4, anyone), (16, 7, anyone), (32, 0, anyone)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_the_other_name_of_a_file_stays_as_it_was(box: Sandbox) -> None:
    """A backup that was made by a hard link is no part of the pack."""
    copy = box.folder / "axis2.before"
    copy.hardlink_to(box.folder / AXIS2)
    before = copy.read_bytes()
    box.applied()
    assert copy.read_bytes() == before != (box.folder / AXIS2).read_bytes()
    box.rollback()
    assert copy.read_bytes() == before == (box.folder / AXIS2).read_bytes()


@sandboxes.ROOT_ONLY
def test_what_root_adds_belongs_to_the_owner_of_the_folder(box: Sandbox) -> None:
    lib = box.homes[0] / LIB
    os.chown(lib, faults.NOBODY, faults.NOBODY)
    box.applied()
    (jar,) = lib.iterdir()
    assert (jar.stat().st_uid, jar.stat().st_gid, jar.stat().st_mode & 0o777) == (*[faults.NOBODY] * 2, 0o644)


@pytest.mark.parametrize("name", ["x" * 240 + ".jar", "é" * 120 + ".jar", " a b.jar"])
def test_a_name_of_any_length_can_be_written(box: Sandbox, name: str) -> None:
    (jar,) = (box.folder / "driver").iterdir()
    jar.rename(jar.with_name(name))
    text = box.profile.read_text("utf-8")
    box.profile.write_text(text.replace(jar.name, name), "utf-8")
    box.applied()
    assert [path.name for path in (box.homes[0] / LIB).iterdir()] == [name]
    box.rollback()
    assert not list((box.homes[0] / LIB).iterdir())


def test_a_system_that_takes_the_bytes_in_parts(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.write
    box.applied()
    new = faults.timeless(box.now())
    box.rollback()
    monkeypatch.setattr(os, "write", lambda descriptor, data: whole(descriptor, data[:1000]))
    box.applied()
    assert faults.timeless(box.now()) == new
    box.rollback()
    as_before(box)


def test_a_wish_to_stop_that_comes_after_the_end_is_not_heard(box: Sandbox) -> None:
    """Neither after a commit nor after what could not be restored: how it ended is settled."""

    def is_heard(cancel: Cancel) -> bool:
        try:
            cancel.interrupt()
        except KeyboardInterrupt:
            return True
        return False

    done, failed, stranded = Cancel(), Cancel(), Cancel()
    box.applied(cancel=done)
    assert not is_heard(done)
    box.rollback()
    ends(box.replay(cancel=failed, progress=after("axis2.xml", lambda: None)), 1)
    assert is_heard(failed)
    ends(box.replay(cancel=stranded, progress=after("axis2.xml", lambda: edit(box.folder / AXIS2))), 5)
    assert not is_heard(stranded)


@pytest.mark.parametrize("when", ["planned", "written"])
def test_a_file_that_is_edited_before_its_turn_stops_the_run(box: Sandbox, when: str) -> None:
    """What was written already is taken back; the edit stays, for it was never overwritten: no need for exit 5."""

    def by_hand() -> None:
        edit(box.folder / REGISTRY)

    how = {"tell": once_checked(by_hand)} if when == "planned" else {"progress": at(3, by_hand)}
    result = box.replay(**how)
    ends(result, 1, "registry.xml was edited since it was planned")
    assert result.outcome == "failed"
    as_before(box, REGISTRY)
    assert box.applied()


def test_a_file_that_is_edited_after_its_turn_is_left_alone_and_named(box: Sandbox) -> None:
    result = box.replay(progress=after("axis2.xml", lambda: edit(box.folder / AXIS2)))
    ends(result, 5, "Input/output error", AXIS2, "left alone", "--force")
    assert result.outcome == "failed"
    assert [path for path in box.changed() if MARKER not in path] == [AXIS2]
    assert len(box.markers) == 2
    ends(box.rollback(), 5, AXIS2)
    result = box.rollback(force=True)
    assert (result.outcome, result.exit_code) == ("restored", 0)
    as_before(box)


def at(number: int, act: Callable[[], object]) -> Callable[[str, str, int, int], None]:
    """A progress that does something once that many paths are written."""
    return lambda node, path, done, total: act() if done == number else None


def after(name: str, act: Callable[[], object]) -> Callable[[str, str, int, int], None]:
    """A progress that does something once the first path of that name is written, and then fails."""

    def progress(node: str, path: str, done: int, total: int) -> None:
        if path.endswith(name):
            act()
            raise OSError(5, "Input/output error")

    return progress


def test_a_cancel_at_every_move_restores_everything(box: Sandbox) -> None:
    total = moves(box)
    assert total > 15
    for number in range(1, total + 1):
        cancel = Cancel()
        result = box.replay(cancel=cancel, progress=at(number, cancel.set))
        ends(result, 130, "everything in the homes is as before")
        assert result.outcome == "cancelled"
        as_before(box)


def moves(box: Sandbox) -> int:
    """How many paths a replay writes, each named once, in order; the homes are as before afterwards."""
    seen: list[tuple[str, int, int]] = []
    result = box.applied(progress=lambda node, path, done, total: seen.append((node, done, total)))
    assert [(done, total) for _, done, total in seen] == [(n + 1, len(seen)) for n in range(len(seen))]
    assert [node for node, _, _ in seen] == sorted(node for node, _, _ in seen)
    assert len(seen) >= len([file for file in result.files if file["status"] != "unchanged"])
    box.rollback()
    return len(seen)


def test_a_cancel_while_it_is_checked_ends_it_at_once(box: Sandbox) -> None:
    cancel = Cancel()
    with pytest.raises(KeyboardInterrupt):
        box.replay(cancel=cancel, tell=lambda finding: cancel.set())
    as_before(box)
    assert not box.runs.exists()


@pytest.mark.parametrize(
    "problem", [OSError(28, "No space left on device"), RuntimeError("secret"), MemoryError()]
)
def test_whatever_is_raised_in_the_middle_everything_is_restored(box: Sandbox, problem: Exception) -> None:
    def fail() -> None:
        raise problem

    result = box.replay(progress=at(7, fail))
    ends(result, 1, "everything in the homes is as before")
    assert "secret" not in (result.error or "")
    as_before(box)
    assert not (box.runs / os.listdir(box.runs)[0] / "backups").exists()


def test_a_folder_that_has_gone_before_its_turn_fails_the_run(box: Sandbox) -> None:
    away = box.folder / "away"
    folder = (box.folder / REGISTRY).parent
    result = box.replay(progress=at(3, lambda: folder.rename(away)))
    assert result.exit_code == 1, result
    away.rename(folder)
    # Its temporary files had gone with it.
    strays = [path for path in box.changed() if path.endswith(".tmp")]
    assert [path for path in box.changed() if path not in strays] == []


@pytest.mark.parametrize("when", ["planned", "written"])
@pytest.mark.parametrize("folder", ["", "repository", "repository/conf/axis2", "repository/components/lib"])
def test_a_folder_that_became_a_link_is_never_written_to(box: Sandbox, folder: str, when: str) -> None:
    """The link leads to a copy with the same bytes: only that it is a link tells that it was replaced."""
    real = box.homes[1] / folder
    with replaced_by_a_link(box, real) as replace:
        if when == "planned":
            ends(box.replay(tell=once_checked(replace)), 1, f"{real} was replaced", "nothing was written")
        else:
            ends(box.replay(progress=at(3, replace)), 5, str(real), "was replaced", "could not be restored")
    if when == "written":
        assert box.rollback().outcome == "restored"
    as_before(box)


def test_a_folder_above_the_homes_that_is_replaced_by_a_link_is_noticed(box: Sandbox) -> None:
    with replaced_by_a_link(box, box.folder) as replace:
        ends(box.replay(tell=once_checked(replace)), 1, "was replaced", "nothing was written")
    as_before(box)


@contextlib.contextmanager
def replaced_by_a_link(box: Sandbox, real: Path) -> Iterator[Callable[[], None]]:
    """What replaces a folder; it is back in the end, and the copy that the link leads to was not touched."""
    away, elsewhere = box.folder.parent / "away", box.folder.parent / "copy"
    subprocess.run(["cp", "-a", str(real), str(elsewhere)], check=True)
    copied = faults.look(elsewhere)

    def replace() -> None:
        real.rename(away)
        real.symlink_to(elsewhere)

    yield replace
    assert faults.look(elsewhere) == copied
    real.unlink()
    away.rename(real)
    faults.remove(elsewhere)


def test_what_cannot_be_restored_after_a_failure_is_listed_and_the_rest_restored(box: Sandbox) -> None:
    """Two paths cannot be, each for its own reason; the next rollback restores them."""
    away = box.folder / "away"

    def break_both() -> None:
        edit(box.folder / AXIS2)
        (box.folder / REGISTRY).parent.rename(away)
        raise OSError(5, "broken")

    result = box.replay(progress=at(moves(box), break_both))
    ends(result, 5, "broken", f"{AXIS2}: edited since", f"{REGISTRY}: it is gone", "--force")
    assert result.outcome == "failed"
    away.rename((box.folder / REGISTRY).parent)
    restored = [path for path in box.changed() if MARKER not in path and "analytics-1" in path]
    assert restored == [AXIS2]
    assert box.rollback(force=True).outcome == "restored"
    as_before(box)


def test_files_where_folders_belong_are_errors_before_anything_is_written(box: Sandbox) -> None:
    folder = box.homes[1] / LIB
    faults.remove(folder)
    folder.write_text("no folder")
    before = box.everything()
    result = box.replay()
    assert (result.exit_code, result.outcome) == (3, "refused")
    assert any(str(folder) in finding.message for finding in result.checks if finding.status == "error")
    assert box.everything() == before
    folder.unlink()
    folder.mkdir()
    box.old = box.now()
    box.state.write_text("no folder")
    ends(box.replay(), 1, str(box.state), "Not a directory")
    box.state.unlink()
    as_before(box)


WATCHED = """
import os, sys
begun = []
def watch(event, arguments):
    if event == "os.mkdir" and os.fspath(arguments[0]).endswith("backups"):
        begun.append(event)
    if event == "import" and begun:
        print("late:", arguments[0], file=sys.stderr)
sys.addaudithook(watch)
from wizard.main import main
main()
"""


def test_nothing_is_imported_any_more_once_a_run_has_begun(box: Sandbox) -> None:
    """On a disk that breaks meanwhile it would fail, and the exit code would say something else than what happened."""
    for arguments in (["replay", str(box.profile), "--offline"], ["rollback", str(box.profile)]):
        command = [sys.executable, "-c", WATCHED, *arguments, "--json"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert "late:" not in done.stderr


def test_a_journal_that_nobody_could_read_is_not_begun(box: Sandbox) -> None:
    for number in range(150):
        try:
            os.setxattr(box.folder / AXIS2, f"user.{number}", bytes(60_000))
        except OSError as problem:
            pytest.skip(f"no file can have so many attributes here: {problem}")
    box.old = box.now()
    ends(box.replay(), 1, "journal.json: File too large; nothing in the homes was touched")
    as_before(box)
    assert list(box.runs.iterdir()) == []


@contextlib.contextmanager
def home_on_its_own_disk(box: Sandbox, options: str) -> Iterator[Path]:
    """The second home on a file system of its own."""
    home = box.homes[1]
    aside = home.with_name("aside")
    home.rename(aside)
    home.mkdir()
    with sandboxes.mounted(home, "-t", "tmpfs", "-o", options, "none"):
        subprocess.run(["cp", "-a", f"{aside}/.", str(home)], check=True)
        yield home


def fill(folder: Path) -> None:
    """Leave no room in a file system."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))


@sandboxes.ROOT_ONLY
@pytest.mark.parametrize("when", ["before", "meanwhile", "in the middle", "between two moves"])
def test_a_disk_that_fills_up_changes_nothing_or_stops_nothing(box: Sandbox, when: str) -> None:
    """All that needs room is written before the first move, the word that commits the run included.

    Going back takes the place of the temporary files that are not needed any more.
    """
    with home_on_its_own_disk(box, "size=1m") as home:
        before = faults.look(box.folder / "analytics-1"), faults.look(home)

        def fail() -> None:
            fill(home)
            raise RuntimeError

        if when == "between two moves":
            assert box.applied(progress=at(1, lambda: fill(home)))
            assert not box.markers
            return
        if when == "before":
            fill(home)
            result = box.replay()
            assert result.exit_code == 3
            assert "prerequisites.space" in {one.id for one in result.checks if one.status == "error"}
        elif when == "meanwhile":
            ends(box.replay(tell=once_checked(lambda: fill(home))), 1, "No space left on device", "as before")
        else:
            ends(box.replay(progress=at(2, fail)), 1, "as before")
        (home / "filler").unlink()
        assert (faults.look(box.folder / "analytics-1"), faults.look(home)) == before
        assert box.applied()


@sandboxes.ROOT_ONLY
def test_a_home_that_is_mounted_read_only(box: Sandbox) -> None:
    home = box.homes[1]
    with sandboxes.mounted(home, "--bind", str(home)):
        remount(home, "ro")
        result = box.replay()
        assert (result.exit_code, result.outcome) == (3, "refused")
        assert "prerequisites.writable" in {one.id for one in result.checks if one.status == "error"}
        remount(home, "rw")
        ends(box.replay(tell=once_checked(lambda: remount(home, "ro"))), 1, "Read-only file system")
        assert not box.markers
        remount(home, "rw")
        # In the middle nothing can be restored over there: exit 5, and the next command restores it.
        result = box.replay(progress=lambda node, *_: remount(home, "ro") if node == "node2" else None)
        ends(result, 5, "could not be restored", "Read-only file system", "apimha-wizard rollback")
        ends(box.rollback(), 5, "Read-only file system")
        remount(home, "rw")
        assert box.rollback().outcome == "restored"
        as_before(box)


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how},bind", str(place)], check=True)


def once_checked(act: Callable[[], object]) -> Callable[[object], None]:
    """What a `tell` does when the last check has been shown: nothing is written yet."""

    def tell(finding: object) -> None:
        if getattr(finding, "id", "") == "apply.drift":
            act()

    return tell


@sandboxes.ROOT_ONLY
def test_a_file_that_must_not_be_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`chattr +i`: refused before, and restored where it comes in between."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "box/state"))

    def chattr(how: str) -> int:
        return subprocess.run(["chattr", how, str(path)], capture_output=True, check=False).returncode

    with sandbox(tmp_path / "box") as box:
        path = box.folder / REGISTRY
        if chattr("+i"):
            pytest.skip("this file system has no such attribute")
        try:
            found = [one.message for one in box.replay().checks if one.id == "prerequisites.writable"]
            assert any(str(path) in message for message in found)
            chattr("-i")
            ends(box.replay(progress=at(3, lambda: chattr("+i"))), 1, "Operation not permitted", "as before")
        finally:
            chattr("-i")
        as_before(box)


READING = (["check", "PROFILE", "--offline"], ["replay", "PROFILE", "--offline", "--dry-run"], ["history"])


def ended(box: Sandbox, arguments: list[str]) -> tuple[int, str]:
    """The exit code and all output of a command about the sandbox's profile."""
    code, out, err = box.ended(*(one.replace("PROFILE", str(box.profile)) for one in arguments))
    return code, out + err


def refused(box: Sandbox, arguments: list[str], *words: str) -> None:
    """Such a command ends with 5, and names these."""
    code, text = ended(box, arguments)
    assert code == 5, text
    assert [word for word in words if word not in text] == [], text


def test_while_a_run_works_every_other_one_is_refused(box: Sandbox) -> None:
    found: list[tuple[int, str]] = []
    others = (["replay", "PROFILE", "--offline"], ["rollback", "PROFILE"], *READING)
    box.applied(progress=at(5, lambda: found.extend(ended(box, one) for one in others)))
    words = [*["another run works on this home"] * 2, *["is at work in"] * 2, "running"]
    assert [code for code, _ in found] == [5, 5, 5, 5, 0]
    assert [word for word, (_, text) in zip(words, found, strict=True) if word not in text] == []
    assert len(os.listdir(box.runs)) == 1


def test_four_replays_at_once_are_one(box: Sandbox) -> None:
    processes = [started("replay", str(box.profile), "--offline") for _ in range(4)]
    ended = [(process.communicate(timeout=120), process.returncode) for process in processes]
    codes = sorted(code for _, code in ended)
    assert codes[0] == 0, ended
    assert set(codes) <= {0, 5}, ended
    assert sum("Done: run" in out for (out, _), _ in ended) == 1, ended
    assert not box.markers
    assert box.replay().outcome == "unchanged"
    assert box.rollback().outcome == "restored"
    as_before(box)


def test_what_only_reports_a_run_that_was_interrupted_changes_nothing(box: Sandbox) -> None:
    box.cut_off()
    before = box.everything()
    for arguments in (*READING, ["history", "PROFILE"], ["verify", "PROFILE", "--offline"]):
        refused(box, arguments, "interrupted")
        assert box.everything() == before, arguments


@pytest.mark.parametrize("node", [None, "node1"])
def test_the_next_replay_restores_what_was_interrupted_and_goes_on(box: Sandbox, node: str | None) -> None:
    """On both nodes, also where it is for one alone."""
    box.cut_off(at=20)
    lines: list[str] = []
    result = box.applied(only_node=node, say=lines.append)
    assert len(lines) == 1
    assert "was interrupted; restored 20 files" in lines[0]
    assert {file["node"] for file in result.files} == ({node} if node else {"node1", "node2"})
    assert not box.markers
    assert not node or not [path for path in box.changed() if path.startswith("analytics-2")]
    assert box.rollback().outcome == "restored"
    as_before(box)


def test_a_rollback_of_what_was_interrupted_undoes_nothing_older(box: Sandbox) -> None:
    box.applied()
    done = box.now()
    text = box.profile.read_text("utf-8").replace("max_active = 50", "max_active = 60")
    box.profile.write_text(text.replace("hazelcast_port = 4001", "hazelcast_port = 4002"), "utf-8")
    box.cut_off(at=1)
    assert box.now() != done
    result = box.rollback()
    assert (result.outcome, result.exit_code, result.run) == ("restored", 0, None)
    assert {file["status"] for file in result.files} == {"restored"}
    assert box.now() == done


def test_a_file_that_was_edited_after_the_crash_is_named_and_the_rest_restored(box: Sandbox) -> None:
    box.cut_off(at=15)
    edit(box.folder / AXIS2)
    with pytest.raises(NotRestored, match=f"left alone:\n.*{AXIS2}: edited"):
        box.replay()
    ends(box.rollback(), 5, AXIS2, "left alone")
    assert [path for path in box.changed() if MARKER not in path] == [AXIS2]
    lines: list[str] = []
    assert box.rollback(force=True, say=lines.append).exit_code == 0
    assert lines[0].endswith("was interrupted; restored 1 file.")
    as_before(box)


def test_with_the_other_home_gone_nothing_is_guessed(box: Sandbox) -> None:
    box.cut_off(at=15)
    away = box.homes[1].rename(box.folder / "away")
    for arguments in (["replay", "PROFILE", "--offline", "--node", "node1"], ["rollback", "PROFILE"]):
        refused(box, arguments, f"put the homes back to {box.homes[0]} and {box.homes[1]}")
    away.rename(box.homes[1])
    assert box.rollback().outcome == "restored"
    as_before(box)


@pytest.mark.parametrize("instead", ["nothing", "what they were mounted on", "fresh packs"])
def test_what_was_interrupted_in_homes_that_are_not_here_is_kept(box: Sandbox, instead: str) -> None:
    fresh = {home: faults.look(home) for home in box.homes}
    axis2 = box.folder / AXIS2
    axis2.write_bytes(axis2.read_bytes() + b"<!-- by hand -->")
    box.old = box.now()
    box.cut_off(at=20)
    for home in box.homes:
        home.rename(f"{home}-away")
        if instead != "nothing":
            home.mkdir()
        if instead == "fresh packs":
            for path, one in fresh[home].items():
                faults.restore(home / path, one, None)
    if instead == "fresh packs":
        assert box.applied()
    else:
        result = box.rollback()
        assert (result.outcome, result.exit_code) == ("refused", 5)
        assert f"put the homes back to {box.homes[0]} and {box.homes[1]}" in (result.error or "")
    for home in box.homes:
        if home.exists():
            faults.remove(home)
        Path(f"{home}-away").rename(home)
    assert box.rollback().outcome == "restored"
    as_before(box)


def test_a_copy_of_a_home_that_was_interrupted_is_not_used_and_a_lost_journal_is_named(box: Sandbox) -> None:
    box.cut_off(at=15)
    copy, text = box.folder / "copy", box.profile.read_text("utf-8")
    subprocess.run(["cp", "-a", str(box.homes[0]), str(copy)], check=True)
    box.profile.write_text(text.replace('"analytics-1"', '"copy"'), "utf-8")
    before = faults.look(copy)
    refused(box, ["replay", "PROFILE", "--offline"], "unpack the pack again")
    assert faults.look(copy) == before
    box.profile.write_text(text, "utf-8")
    faults.remove(box.state)
    words = ("its journal cannot be read", str(box.runs), "XDG_STATE_HOME")
    refused(box, ["replay", "PROFILE", "--offline"], *words)


def test_a_marker_in_the_pack_of_a_stranger_writes_nothing(box: Sandbox, tmp_path: Path) -> None:
    """A journal says what is written where: one that came with the pack is not obeyed."""
    box.cut_off(at=1)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    home = box.homes[0]
    evil = home / "evil"
    (box.runs / os.listdir(box.runs)[0]).rename(evil)
    journal = json.loads((evil / "journal.json").read_text())
    entry = journal["entries"][0]
    entry["path"], entry["after"] = str(victim), ["file", hashlib.sha256(b"mine").hexdigest()]
    (evil / "journal.json").write_text(json.dumps(journal))
    marker = json.loads((home / MARKER).read_text())
    (home / MARKER).write_text(json.dumps({**marker, "journal": str(evil / "journal.json")}))
    for more in ([], ["--dry-run"]):
        refused(box, ["replay", "PROFILE", "--offline", *more])
    assert victim.read_text() == "mine"


def named(run: object) -> Callable[[Path], object]:
    """A marker that names a run so."""
    data = {"run": run, "journal": "/nonexistent", "owner": "mallory", "host": "there", "started": ""}
    return lambda path: path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("make", "word"),
    [
        *((named(run), "interrupted") for run in ("../../../evil", "/tmp/evil", "", "a" * 5000, 7, None)),
        *(
            (make, "rm '{path}'")
            for make in (os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"))
        ),
        *((lambda path, text=text: path.write_text(text), "rm '{path}'") for text in ("", "[" * 60_000)),
    ],
)
def test_any_other_marker_is_another_users(box: Sandbox, make: Callable[[Path], object], word: str) -> None:
    path = box.homes[0] / MARKER
    make(path)
    refused(box, ["replay", "PROFILE", "--offline"], word.format(path=path))


@sandboxes.ROOT_ONLY
def test_the_lock_and_marker_of_another_user_are_seen(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = pwd.getpwuid(faults.NOBODY).pw_name
    box.folder.parent.chmod(0o755)
    for path in [box.folder, *box.folder.rglob("*")]:
        os.chown(path, faults.NOBODY, faults.NOBODY, follow_symlinks=False)
    box.replay(dry_run=True)  # everything is imported: the other user may not be able to

    (seen, tell), (wait, go) = os.pipe(), os.pipe()

    def waits_and_is_killed(node: str, path: str, done: int, total: int) -> None:
        if done == 10:
            os.write(tell, b"!")
            os.read(wait, 1)
            os.kill(os.getpid(), signal.SIGKILL)

    run = sandboxes.fork(lambda: sandboxes.as_nobody(lambda: box.replay(progress=waits_and_is_killed)))
    os.close(tell)
    assert os.read(seen, 1) == b"!"
    # root looks into its own state folder, and finds no journal there.
    monkeypatch.setenv("XDG_STATE_HOME", str(box.folder.parent / "of-root"))
    refused(box, ["replay", "PROFILE", "--offline"], "another run works on this home")
    os.write(go, b"!")
    assert sandboxes.waited(run) == -signal.SIGKILL
    assert len(box.markers) == 2
    before = box.now()
    for verb in ("replay", "check", "rollback"):
        arguments = [verb, "PROFILE", *([] if verb == "rollback" else ["--offline"])]
        refused(box, arguments, f"let {owner} run: apimha-wizard rollback ")
    assert box.now() == before
    monkeypatch.setenv("XDG_STATE_HOME", str(box.state))
    assert in_a_child(lambda: sandboxes.as_nobody(lambda: ends(box.rollback(), 0))) == 0
    assert {path: one[4] for path, one in box.now().items()} == {p: one[4] for p, one in box.old.items()}
    assert not box.markers
    for descriptor in (seen, wait, go):
        os.close(descriptor)
