"""`replay --rolling` on a pair of stand-ins that runs: stop, write, start, node by node."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command_line.test_servers import (  # noqa: F401  (a fixture is used by its name)
    Launched,
    command,
    launched,
    pids,
    signalled,
    steps,
    units,
    wait_until,
)
from tests.support.cli import Ran, run
from tests.support.stand_in_pair import StandInPair
from wizard.command_line.run import rolling
from wizard.server import systemd
from wizard.system.errors import AS_BEFORE
from wizard.transaction import runs

EVENT_PROCESSOR = "repository/conf/event-processor.xml"
INTERVAL = "<persistenceIntervalInMinutes>7<"
OFF = '<persistence enable="false">'
ROLLING = ("--rolling", "--only", "event-processor")


@pytest.fixture
def running(launched: Launched) -> Callable[..., StandInPair]:  # noqa: F811
    """Makes a pair that is configured and healthy, node1 the active one; then sets a field of its profile."""

    def make(line: str = "persistence = false", below: str = "[event_processor]") -> StandInPair:
        two = launched()
        command("replay", two, "--offline", code=0)
        for number, home in enumerate(two.pair.homes):
            (home / "dbscripts/mysql.sql").unlink()  # so that no stand-in looks for its tables
            two.install(number)
        command("start", two, code=0)
        before(two).write_bytes(two.pair.profile.read_bytes())
        text = two.pair.profile.read_text("utf-8")
        text = text if below in text else f"{text}\n{below}\n"
        two.pair.profile.write_text(text.replace(below, f"{below}\n{line}"), "utf-8")
        return two

    return make


def before(two: StandInPair) -> Path:
    """The profile as it was when the pair was started."""
    return two.pair.profile.with_name("before.toml")


def off(two: StandInPair, text: str = OFF) -> list[bool]:
    """Whether persistence is off in the file of each node, or another text is there."""
    return [text in (home / EVENT_PROCESSOR).read_text("utf-8") for home in two.pair.homes]


def healthy(profile: Path) -> bool:
    return bool(run("verify", profile, "--json").json["outcome"] == "healthy")


def files(done: Ran) -> list[tuple[str, bool]]:
    return [(file["node"], file["rolling"]) for file in done.json["files"] if file["diff"]]


def test_a_change_of_persistence_goes_node_by_node(running: Callable[..., StandInPair]) -> None:
    two = running()
    was = pids(two)
    done = command("replay", two, *ROLLING, "--dry-run", "--json", code=4)
    assert files(done) == [("node1", True), ("node2", True)]
    assert f"  {EVENT_PROCESSOR}: rolls\n" in done.err
    assert (pids(two), off(two)) == (was, [False, False])

    done = command("replay", two, *ROLLING, "--json", code=0)
    assert steps(done.err) == ["node2: stopping", "node2: launched", "node1: stopping", "node1: launched"]
    between = done.err[done.err.index("node2: launched") : done.err.index("node1: stopping")]
    assert "node2: started, passive, state synced\n" in between, "healthy before the next one is stopped"
    assert (done.json["outcome"], files(done)) == ("applied", [("node1", True), ("node2", True)])
    assert off(two) == [True, True]
    assert not set(pids(two)) & {*was, None}
    assert healthy(two.pair.profile)
    records = run("history", "--json").json["runs"]
    assert [record["state"] for record in records] == ["applied", "applied"]
    assert records[0]["run"] == done.json["run"]
    assert "Then start" not in done.err

    after = pids(two)
    done = command("replay", two, *ROLLING, "--json", code=0)
    assert (done.json["outcome"], pids(two)) == ("unchanged", after)


def test_a_node_whose_files_stay_is_not_stopped(running: Callable[..., StandInPair]) -> None:
    two = running('spark_local_ip = "127.0.0.1"', 'name = "node2"')
    was = pids(two)
    done = command("replay", two, "--rolling", "--only", "spark", code=0)
    assert steps(done.out) == ["node2: stopping", "node2: launched"]
    assert (pids(two)[0], pids(two)[1] == was[1]) == (was[0], False)


@pytest.mark.parametrize(
    ("line", "below", "step", "file"),
    [
        ('domain = "another.domain"', "[cluster]", "hazelcast", "repository/conf/axis2/axis2.xml"),
        ("port = 3307", "[mysql]", "datasources", "repository/conf/datasources/master-datasources.xml"),
    ],
)
def test_what_both_nodes_need_at_once_is_refused(
    running: Callable[..., StandInPair], line: str, below: str, step: str, file: str
) -> None:
    two = running(line, below)
    was = pids(two)
    for option in ([], ["--dry-run"]):
        done = command("replay", two, "--rolling", "--only", step, "--json", *option, code=3)
        assert done.json["outcome"] == "refused"
        assert f"  node2  {file}: " in done.json["error"]
        assert f"apimha-wizard stop {two.pair.profile}, apimha-wizard replay" in done.json["error"]
        assert ("node2", False) in files(done)
    assert f"  {file}: cannot roll\n" in done.err
    assert pids(two) == was


def test_a_pair_that_does_not_run_whole_is_refused(running: Callable[..., StandInPair]) -> None:
    two = running()
    for option in (["--node", "node1"], ["--offline"]):
        done = command("replay", two, "--rolling", *option, "--json", code=2)
        assert "exclude each other" in done.json["error"]
    command("stop", two, "--node", "node2", code=0)
    was = pids(two)
    done = command("replay", two, *ROLLING, "--json", code=3)
    assert "the pair is not healthy" in done.json["error"]
    assert f"apimha-wizard stop {two.pair.profile}, apimha-wizard replay" in done.json["error"]
    assert (pids(two), off(two)) == (was, [False, False])
    found = [one["status"] for one in done.json["checks"] if one["id"] == "prerequisites.running"]
    assert found == ["ok", "ok"]
    assert command("replay", two, *ROLLING, "--dry-run", "--json", code=4).json["outcome"] == "pending"


@pytest.mark.parametrize("first", [True, False])
def test_a_node_that_fails_brings_both_back(running: Callable[..., StandInPair], first: bool) -> None:
    two = running()
    two.install(1 if first else 0, refuses=OFF)
    done = command("replay", two, *ROLLING, "--json", code=1)
    failing = "node2" if first else "node1"
    assert (done.json["outcome"], done.json["run"]) == ("failed", None)
    for text in (
        f"{failing} did not become healthy; {AS_BEFORE}, and the pair is healthy again\n",
        f"\n- server.start {failing}: the server has ended",
        "java.lang.OutOfMemoryError: Java heap space",
    ):
        assert text in done.json["error"]
    one, other = ([f"{node}: stopping", f"{node}: launched"] for node in ("node2", "node1"))
    back = [line for line in steps(done.err) if line not in ("node1: stopping", "node2: stopping")]
    assert back == [*one[1:], *([] if first else other[1:] * 2), *one[1:]], "the last one changed first"
    assert off(two) == [False, False]
    assert healthy(before(two))
    records = run("history", "--json").json["runs"]
    assert [record["state"] for record in records] == ["failed, restored", "applied"]


def begun(two: StandInPair, line: str, number: int) -> dict[str, Any]:
    """Start a rolling change, send the signal when it tells this line, and return its object."""
    code, out = signalled(["replay", str(two.pair.profile), *ROLLING, "--json"], line, number)
    assert code == (130 if number == signal.SIGINT else -number)
    return out


@pytest.mark.parametrize("line", ["node2: stopping", "node2: launched", "node1: stopping", "node1: launched"])
def test_ctrl_c_brings_both_back(running: Callable[..., StandInPair], line: str) -> None:
    two = running()
    shown = begun(two, line, signal.SIGINT)
    assert shown["outcome"] == "cancelled"
    assert f"{AS_BEFORE}, and the pair is healthy again" in shown["error"]
    assert off(two) == [False, False]
    assert healthy(before(two))


@pytest.mark.parametrize(
    ("line", "stopped", "changed"),
    [
        ("node2: stopped", "node2", []),
        ("node2: launched", None, ["node2"]),
        ("node1: launched", None, ["node1", "node2"]),
    ],
)
def test_the_next_command_completes_the_rollback_after_a_kill(
    running: Callable[..., StandInPair], line: str, stopped: str | None, changed: list[str]
) -> None:
    two = running("persistence_interval_minutes = 7")
    begun(two, line, signal.SIGKILL)
    wait_until(lambda: pids(two).count(None) == (1 if stopped else 0))
    assert all(runs.unfinished_in(home) for home in two.pair.homes)
    assert "was interrupted in" in command("start", two, "--json", code=5).json["findings"][0]["message"]
    done = command("rollback", two, code=0)
    assert "Restored." in done.out
    assert off(two, INTERVAL) == [False, False]
    name = two.pair.profile
    for number, node in enumerate(("node1", "node2")):
        if node == stopped:
            assert f"{node} is stopped: apimha-wizard start {name}\n" in done.out
        elif node in changed:
            assert f"{node} runs with the files of that run (process {pids(two)[number]}): " in done.out
            assert f"apimha-wizard restart {name} --node {node}\n" in done.out
        else:
            assert f"{node} runs with its current files" in done.out
    command("start", two, code=0)
    for node in changed:
        command("restart", two, "--node", node, code=0)
    assert healthy(before(two))
    assert command("replay", two, *ROLLING, "--json", code=0).json["outcome"] == "applied"


def test_an_edit_before_its_turn_is_noticed_and_kept(
    running: Callable[..., StandInPair], monkeypatch: pytest.MonkeyPatch
) -> None:
    two = running()
    start = rolling.Keeper.start
    edited = two.pair.homes[0] / EVENT_PROCESSOR

    def edits(keeper: rolling.Keeper, node: str) -> None:
        start(keeper, node)
        if not edited.read_text("utf-8").endswith("<!-- mine -->"):
            edited.write_text(edited.read_text("utf-8") + "<!-- mine -->", "utf-8")

    monkeypatch.setattr(rolling.Keeper, "start", edits)
    done = command("replay", two, *ROLLING, "--json", code=1)
    assert "was edited since it was planned" in done.json["error"]
    assert edited.read_text("utf-8").endswith("<!-- mine -->")
    assert off(two) == [False, False]
    assert healthy(before(two))


def test_a_unit_that_still_ends_is_started_again(
    running: Callable[..., StandInPair],
    units: Path,  # noqa: F811
) -> None:
    two = running()
    command("stop", two, code=0)
    for number, home in enumerate(two.pair.homes):
        name = f"node{number + 1}"
        text = systemd.unit_text("pair", name, home, os.environ["JAVA_HOME"])
        (units / systemd.unit_name("pair", name)).write_text(text)
    two.pair.profile.write_bytes(before(two).read_bytes())
    command("start", two, code=0)
    text = two.pair.profile.read_text("utf-8")
    two.pair.profile.write_text(f"{text}\n[event_processor]\npersistence = false\n", "utf-8")
    command("replay", two, *ROLLING, code=0)
    assert off(two) == [True, True]
