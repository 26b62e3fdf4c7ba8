"""What the first edition left on disk is read, continued, undone and recovered (`tests.support.first_edition`)."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from screens.model.memory import Memory
from tests.support.cli import Ran, process, run
from tests.support.first_edition import HOMES, STATE, TOOL, Files, homes_of, output, place, snapshot
from tests.support.quick import folder_in_memory
from wizard.command_line.run import rollback as undo
from wizard.profile import drafts
from wizard.profile.store import ProfileError, load
from wizard.system import locations
from wizard.transaction import runs

OFFLINE = ("--offline", "--ignore", "event-processor.member-interval")
"""The miniature pack of the first edition lacks settings of the event processor that the real packs have."""

AXIS2 = "analytics-2/repository/conf/axis2/axis2.xml"

Placed = Callable[[str], Path]


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Placed]:
    """Restore a state in a folder whose path is not the one that it was recorded in, and use its records."""
    with folder_in_memory() as folder:

        def restore(state: str) -> Path:
            here = folder / f"somewhere else than before/{state}"
            place(state, here)
            monkeypatch.setenv("XDG_CONFIG_HOME", str(here / TOOL / "config"))
            monkeypatch.setenv("XDG_STATE_HOME", str(here / TOOL / "state"))
            return here

        yield restore


def names(state: str) -> list[str]:
    """Return the runs of a state, the newest first."""
    return [one["run"] for one in json.loads(output(state, "history.json", Path("/")))["runs"]]


def ended(command: str, argument: Path | str, outcome: str) -> Ran:
    """Run a command that ends with success and this outcome."""
    ran = process(command, argument, *(OFFLINE if command != "rollback" else ()), "--json")
    assert (ran.code, ran.json["outcome"]) == (0, outcome), ran.err
    return ran


def states() -> dict[str, str]:
    """Return the state of each run, the newest first."""
    return {one["run"]: one["state"] for one in undo.history()}


def times(folder: Path) -> dict[str, int]:
    """Return the time of the last change that the journals hold, of each file that a run replaced first."""
    found: dict[str, int] = {}
    for journal in sorted((folder / STATE / "runs").glob("*/journal.json")):
        for entry in json.loads(journal.read_bytes())["entries"]:
            if entry["meta"]:
                found.setdefault(entry["path"], entry["meta"][3])
    return found


def assert_homes(folder: Path, expected: Files) -> None:
    """Every file of both homes has the expected bytes and mode, and there is no other file."""
    found = homes_of(folder)
    differing = sorted(
        path for path in found.keys() | expected.keys() if found.get(path) != expected.get(path)
    )
    assert differing == []


NEW_KEYS = {
    "datasources": ("user", "registry"),
    "registry": ("instance_id", "db_config", "governance_target", "config_target"),
}
"""Keys with a default that the first edition did not have."""


def without_new_keys(shown: str) -> str:
    """What `profile show` prints, without the keys that the first edition did not have."""
    kept, table = [], ""
    for line in shown.splitlines(keepends=True):
        table = line.strip().strip("[]") if line.startswith("[") else table
        if line.partition(" ")[0] not in NEW_KEYS.get(table, ()):
            kept.append(line)
    return "".join(kept)


# --- profiles, drafts and the screen --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["every-kind", "minimal", "demo"])
def test_a_profile_loads_and_is_shown_with_the_same_text(name: str, placed: Placed) -> None:
    folder = placed("profiles")
    argument = str(folder / "demo.toml") if name == "demo" else name
    assert load(argument).name == name
    shown = run("profile", "show", argument)
    assert (shown.code, shown.err) == (0, "")
    assert without_new_keys(shown.out) == output("profiles", f"show-{name}.toml", folder)


def test_a_mistake_the_lists_and_what_the_screen_remembers_are_as_before(placed: Placed) -> None:
    folder = placed("profiles")
    with pytest.raises(ProfileError) as refused:
        load("broken")
    assert [(one.field, one.line) for one in refused.value.mistakes] == [("mysql.host", 3)]
    listed = run("profile", "list", "--json").json["profiles"]
    before = json.loads(output("profiles", "list.json", folder))["profiles"]
    found, expected = (
        [{**one, "error": one["error"] is not None} for one in each] for each in (listed, before)
    )
    assert (found, len(found)) == (expected, 5)
    memory = Memory()
    assert memory.theme == "light"
    progress = memory.progress(locations.profile("every-kind"))
    assert progress is not None
    assert progress.passed == ["prerequisites"]
    assert "mysql" in progress.wrong


@pytest.mark.parametrize(
    ("name", "typed"),
    [("every-kind", 'host = "127.0.0.1x"'), ("half", 'name = "east"'), ("demo", 'name = "node1y"')],
)
def test_a_draft_is_resumed(name: str, typed: str, placed: Placed) -> None:
    folder = placed("profiles")
    target = folder / "demo.toml" if name == "demo" else locations.profile(name)
    draft = drafts.find(name, target=target)
    assert draft is not None
    assert typed in draft.text
    assert draft.target == target
    assert not draft.conflict()
    assert target.exists() == (name != "half")
    # The draft knows the profile that it was begun from: a change to that profile is noticed.
    target.write_text("# changed\n", "utf-8")
    again = drafts.find(name, target=target)
    assert again is not None and again.conflict()


# --- two runs ---------------------------------------------------------------------------------------------------


def test_the_state_is_restored_as_it_was_and_history_lists_the_same_runs(placed: Placed) -> None:
    folder = placed("runs")
    assert_homes(folder, snapshot("runs", "second"))
    for path in (folder / STATE / "runs").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    listed = run("history", "--json")
    assert (listed.code, listed.json) == (0, json.loads(output("runs", "history.json", folder)))


def test_a_configured_pair_is_unchanged_and_a_change_by_hand_is_told_from_it(placed: Placed) -> None:
    folder = placed("runs")
    profile, axis2 = folder / "demo.toml", folder / AXIS2
    for command, outcome in (("replay", "unchanged"), ("check", "ok")):
        data = ended(command, profile, outcome).json
        assert {one["status"] for one in data["files"]} <= {"unchanged"}
        assert [one["status"] for one in data["checks"] if one["id"] == "apply.drift"] == ["ok"]
    assert_homes(folder, snapshot("runs", "second"))
    text = axis2.read_text("utf-8")
    assert "4002" in text
    axis2.write_text(text.replace("4002", "4009"), "utf-8")
    (drift,) = [one for one in ended("check", profile, "ok").json["checks"] if one["id"] == "apply.drift"]
    assert (drift["status"], drift["node"]) == ("warning", "node2")
    assert "4002" in drift["message"] and "4009" in drift["message"]


def test_a_new_run_and_then_each_older_one_is_rolled_back_to_the_byte(placed: Placed) -> None:
    folder = placed("runs")
    profile = folder / "demo.toml"
    profile.write_text(profile.read_text("utf-8").replace("4002", "4003"), "utf-8")
    expected = times(folder)
    newest = ended("replay", profile, "applied").json["run"]
    assert list(states()) == [newest, *names("runs")]
    for undone, before in zip(list(states()), ("second", "first", "stock"), strict=True):
        ended("rollback", profile, "restored")
        assert_homes(folder, snapshot("runs", before))
        assert states()[undone] == "rolled back"
    assert {path: os.stat(path).st_mtime_ns for path in expected} == expected
    assert len(states()) == 6


# --- a run that was killed --------------------------------------------------------------------------------------


def test_the_killed_run_is_found_and_recovered_by_the_next_replay(placed: Placed) -> None:
    folder = placed("killed")
    (killed,) = names("killed")
    for home in HOMES:
        marker = runs.unfinished_in(folder / home)
        assert marker is not None and marker.run == killed
    listed = run("history", "--json")
    assert (listed.code, listed.json) == (5, json.loads(output("killed", "history.json", folder)))
    replayed = ended("replay", folder / "demo.toml", "applied")
    assert killed in replayed.err
    # The password and the driver are those of the two runs, so the result is what the first edition wrote there.
    assert_homes(folder, snapshot("runs", "first"))
    assert states() == {replayed.json["run"]: "applied", killed: "failed, restored"}


@pytest.mark.parametrize("by_name", [True, False])
def test_the_killed_run_is_recovered_by_rollback(by_name: bool, placed: Placed) -> None:
    folder = placed("killed")
    (killed,) = names("killed")
    ended("rollback", killed if by_name else folder / "demo.toml", "restored")
    assert_homes(folder, snapshot("killed", "stock"))
    replaced = {path: time for path, time in times(folder).items() if path_was_written(path, folder)}
    assert {path: os.stat(path).st_mtime_ns for path in replaced} == replaced
    assert list(states().values()) == ["failed, restored"]
    ended("replay", folder / "demo.toml", "applied")


def path_was_written(path: str, folder: Path) -> bool:
    """Whether the killed run had replaced a file: the recovery leaves the others alone."""
    name = str(Path(path).relative_to(folder))
    return snapshot("killed", "killed")[name] != snapshot("killed", "stock")[name]
