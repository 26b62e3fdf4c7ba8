"""The text of `check` and `replay`: steps, problems last, totals, what to do next, colour, and a live line."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.database.test_replay import world_of
from tests.support.cli import on_a_terminal, run
from tests.support.headless import untouched
from tests.support.pairs import Pair
from tests.support.playground import playground
from tests.support.servers import Server
from wizard.command_line.text import Paper, RunPrinter

STEPS = ["prerequisites", "datasources", "registry", "hazelcast", "event-processor", "spark"]
PROBLEM = re.compile(r"^[!✗] ([a-z-]+\.[a-z-]+)", re.M)


@pytest.fixture
def broken(make_pair: Callable[..., Pair]) -> Pair:
    """A pair with an error, two nodes with one port, and the warning that no Java is set."""
    return make_pair(nodes=[{}, {"hazelcast_port": 4000}])


@pytest.mark.parametrize("command", ["check", "replay"])
def test_a_line_for_each_step_then_the_problems_in_full_the_failed_ones_last(
    broken: Pair, command: str
) -> None:
    before = untouched(*broken.homes)
    ran = run(command, broken.profile, "--offline")
    assert (ran.code, ran.err) == (3, "")
    assert untouched(*broken.homes) == before
    steps = [(sign, step) for sign, step in re.findall(r"^(\S) ([a-z-]+): \d", ran.out, re.M)]
    assert [step for _, step in steps if step in STEPS] == STEPS
    assert {("✓", "registry"), ("✗", "ports")} <= set(steps)
    problems = PROBLEM.findall(ran.out)
    assert problems[-1] == "ports.clash"
    assert set(problems[:-1]) == {"prerequisites.java"}
    assert ran.out.index("\n✗ ports: ") < ran.out.index("\n! prerequisites.java")
    assert re.search(r"^✗ ports\.clash node2: .*\n    fix: set hazelcast_port", ran.out, re.M)
    assert re.search(r"^checks: \d+ passed, 2 warnings, 1 failed$", ran.out, re.M)
    assert ran.out.count("ports.clash") == 1
    # `check` also lists what passed below its step.
    assert ("    ✓ registry.local-database" in ran.out) == (command == "check")


def test_a_dry_run_ends_with_totals_and_quiet_leaves_the_problems_and_the_result(
    broken: Pair, make_pair: Callable[..., Pair]
) -> None:
    ran = run("check", broken.profile, "--offline", "--quiet")
    assert all(re.match(r"[!✗]|    fix: |checks: ", line) for line in ran.out.splitlines())
    assert PROBLEM.findall(ran.out)[-1] == "ports.clash"
    pair = make_pair("das-3.0.1")
    dry = run("replay", pair.profile, "--offline", "--dry-run", "--json")
    pending = [file["node"] for file in dry.json["files"] if file["status"] == "pending"]
    both = f"node1: {pending.count('node1')}, node2: {pending.count('node2')}"
    assert dry.err.splitlines()[-2] == f"{len(pending)} files to change ({both})."
    few = ["--offline", "--quiet", "--only", "hazelcast"]
    quiet = run("replay", pair.profile, *few, "--dry-run", "--node", "node2").out.splitlines()
    assert quiet[0].startswith("checks: ")
    assert quiet[1:] == ["1 file to change (node2: 1).", "Nothing was written (--dry-run)."]
    done = run("replay", pair.profile, *few).out.splitlines()
    assert (len(done), done[1][:10]) == (2, "Done: run ")


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_on_a_terminal_only(broken: Pair, environment: dict[str, str], coloured: bool) -> None:
    settings = {"TERM": "xterm", **broken.env, **environment}
    code, shown = on_a_terminal("", "check", broken.profile, "--offline", **settings)
    assert code == 3
    assert ("\x1b[31m✗ ports.clash node2" in shown) == coloured
    assert ("\x1b" in shown) == coloured
    assert "\x1b" not in run("check", broken.profile, "--offline").out


def test_the_live_line_is_gone_before_an_error_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    with (
        contextlib.suppress(KeyboardInterrupt),
        contextlib.closing(RunPrinter(Paper(terminal), quiet=False)) as one,
    ):
        one.database("regdb", 31, 74, "CREATE TABLE REG_LOG")
        assert terminal.getvalue().rstrip() == "\rregdb 31/74"
        raise KeyboardInterrupt
    last = terminal.getvalue().split("\r")[-2]
    assert (last.strip(), terminal.getvalue()[-1]) == ("", "\r")


def test_a_live_line_counts_the_statements_of_a_database(
    mariadb: Server, packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = packs / "apim-analytics-2.0.0"
    with playground(mariadb, pack, tmp_path) as ground:
        world = world_of(ground, pack, tmp_path)
        options = ("--only", "mysql", "--ignore", "ports.free", "--ignore", "mysql.driver")
        env = {**world.env, "TERM": "xterm"}
        code, shown = on_a_terminal("", "replay", world.pair.profile, *options, **env)
        assert code == 0, shown
        lines = shown.replace("\r\n", "\n").split("\r")
        name = ground.names["registry"]
        done = [line.split()[1] for line in lines if line.startswith(f"{name} ") and "/" in line.split()[1]]
        assert len(done) > 10
        assert {one.partition("/")[2] for one in done} == {done[-1].partition("/")[0]}
        # The live line is gone at the end: what remains does not begin with it.
        assert re.search(rf"^database {name}: created, \d+ tables", shown.replace("\r\n", "\n"), re.M)
