# ruff: noqa: F401, F811
"""Starting, stopping and restarting from the screens, with launchers and servers that behave as the real ones."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.app import WizardApp
from screens.apply import Done
from screens.dashboard import Dashboard
from screens.dialogs.ask import Ask
from screens.dialogs.servers import ServersRun
from screens.model.memory import Memory, ProfileProgress
from tests.command_line.test_servers import Launched, launched, pids  # a fixture is used by its name
from tests.support.driving import applied, review
from tests.support.screens import on, opened, pressed, seen, settled, text_of, until, wizard
from tests.support.stand_in_pair import StandInPair
from wizard.command_line.verify import ReportWriter, watching
from wizard.passwords.resolver import Resolver
from wizard.profile.store import load

DATASOURCES = "repository/conf/datasources/master-datasources.xml"


def dashboard(two: StandInPair, *here: str) -> WizardApp:
    """The dashboard as the command line opens it, on the machine where the homes of these nodes are (none: both)."""
    loaded, resolver = load(two.pair.profile), Resolver()
    watcher, writer = watching(loaded.profile, "pair", resolver=resolver)
    if here:
        writer = ReportWriter("pair", {name: pack for name, pack in writer.packs.items() if name in here})
    shown = Dashboard(watcher, name="pair", writer=writer, loaded=loaded, resolver=resolver, alone=True)
    return WizardApp(None, shown)


@asynccontextmanager
async def watched(
    two: StandInPair, *here: str, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[WizardApp, Pilot[Any]]]:
    """The dashboard, once it offers to start the servers."""
    app = dashboard(two, *here)
    async with app.run_test(size=size) as pilot:
        await seen(pilot, "s start")
        yield app, pilot


async def ended(pilot: Pilot[Any], outcome: str) -> str:
    """Wait until the command has ended so; what the screen shows then."""
    await on(pilot, ServersRun)
    await until(pilot, lambda: pilot.app.screen.result is not None, "its end")
    await until(pilot, lambda: pilot.app.screen.query_one("#found").display, "its text")
    await pilot.pause()
    assert pilot.app.screen.result.outcome == outcome, text_of(pilot.app)
    return text_of(pilot.app)


async def agreed(pilot: Pilot[Any], key: str, *, yes: bool = True) -> None:
    await until(pilot, lambda: not isinstance(pilot.app.screen, Ask))
    await pressed(pilot, key)
    await on(pilot, Ask)
    await pressed(pilot, *(("right",) if yes else ()), "enter")


async def test_from_the_end_of_a_run_to_a_healthy_pair(launched: Launched, packs: Path) -> None:
    two = launched()
    Memory().note(two.pair.profile, ProfileProgress(offline=True))
    async with wizard(two.pair.profile) as (app, pilot):
        await review(pilot)
        assert await applied(pilot) == "applied"
        for number, home in enumerate(two.pair.homes):
            two.install(number)
            # The database of the profile is not there: with the datasources of the pack a stand-in needs none.
            shutil.copy(packs / "apim-analytics-2.0.0" / DATASOURCES, home / DATASOURCES)
        await until(pilot, lambda: app.focused is not None and app.focused.id == "start")
        assert "apimha-wizard start" in text_of(app)
        await pressed(pilot, "enter")
        assert "healthy after" in await ended(pilot, "healthy")
        await pressed(pilot, "escape")
        await on(pilot, Done)
        await until(pilot, lambda: "✓ healthy" in text_of(app) and app.focused.id == "verify")
        running = pids(two)
        assert None not in running
        await pressed(pilot, "v")
        await until(pilot, lambda: isinstance(app.screen, Dashboard) and "HEALTHY since" in text_of(app))
        await pressed(pilot, "q")
        await on(pilot, Done)
        await agreed(pilot, "x", yes=False)
        await on(pilot, Done)
        assert pids(two) == running
        await agreed(pilot, "x")
        await ended(pilot, "stopped")
        assert pids(two) == [None, None]


async def test_start_restart_and_stop_from_the_dashboard_which_follows(launched: Launched) -> None:
    two = launched()
    async with watched(two) as (app, pilot):
        await seen(pilot, "NOT STARTED", "Press s: Start both nodes")
        await pressed(pilot, "e", "x")
        assert app.screen is app.watched, "there is nothing to restart or to stop"
        await pressed(pilot, "s")
        await ended(pilot, "healthy")
        before = pids(two)
        await pressed(pilot, "escape")
        await seen(pilot, "HEALTHY since", "e restart")
        assert "s start" not in text_of(app)
        await agreed(pilot, "e")
        await ended(pilot, "healthy")
        assert not set(before) & {*pids(two), None}
        await pressed(pilot, "escape")
        await agreed(pilot, "x", yes=False)
        await until(pilot, lambda: app.screen is app.watched)
        assert None not in pids(two)
        await agreed(pilot, "x")
        await ended(pilot, "stopped")
        await pressed(pilot, "escape")
        await seen(pilot, "s start", "UNHEALTHY")
    assert pids(two) == [None, None]


@pytest.mark.parametrize("key", ["escape", "ctrl+c", "ctrl+q"])
async def test_a_start_that_is_cancelled_leaves_the_servers_running(launched: Launched, key: str) -> None:
    two = launched(fault="never")
    async with watched(two) as (app, pilot):
        await pressed(pilot, "s")
        await seen(pilot, "waiting for node2")
        await pressed(pilot, key)
        if key == "ctrl+q":
            await until(pilot, lambda: app.return_code is not None)
        else:
            assert "servers that run keep running" in await ended(pilot, "cancelled")
    assert None not in pids(two)


@pytest.mark.parametrize(
    ("fault", "outcome", "said"),
    [
        ("dies", "failed", "java.lang.OutOfMemoryError: Java heap space"),
        ("port", "unhealthy", "listens on a port that this node needs"),
    ],
)
async def test_a_start_that_fails_shows_cause_and_fix(
    launched: Launched, fault: str, outcome: str, said: str
) -> None:
    async with watched(launched(fault=fault), size=(120, 40)) as (_, pilot):
        await pressed(pilot, "s")
        text = " ".join((await ended(pilot, outcome)).replace("│", " ").split())
        for one in ("server.start", "fix: ", said):
            assert one in text


async def test_a_java_that_was_not_agreed_to_is_refused_with_the_fix(
    launched: Launched, tmp_path: Path
) -> None:
    two = launched()
    with two.pair.profile.open("a", encoding="utf-8") as lines:
        lines.write(f'java_home = "{tmp_path}/java"\n')
    async with watched(two, size=(120, 40)) as (app, pilot):
        await pressed(pilot, "s")
        await ended(pilot, "refused")
        text = app.screen.result.error
        assert "java_home of node2 is run only for a profile that you have agreed to" in text
        assert "apimha-wizard profile allow" in text
    assert pids(two) == [None, None]


async def test_a_node_that_is_elsewhere_is_left_to_its_machine(launched: Launched) -> None:
    two = launched()
    async with watched(two, "node1", size=(160, 40)) as (app, pilot):
        await seen(pilot, "Press s: Start node1")
        await pressed(pilot, "s")
        await seen(pilot, "waiting for node2")
        assert "--node node2" in text_of(app)
        await pressed(pilot, "escape")
        await ended(pilot, "cancelled")
        await pressed(pilot, "escape")
        await agreed(pilot, "x", yes=False)
        await until(pilot, lambda: app.screen is app.watched)
    assert pids(two)[0] is not None
    assert pids(two)[1] is None
    assert "start" not in dashboard(two, "nowhere").watched._offered()


async def test_the_command_palette_knows_the_three(launched: Launched) -> None:
    two = launched()
    Memory().note(two.pair.profile, ProfileProgress(offline=True, only_node="node2"))
    async with wizard(two.pair.profile) as (app, pilot):
        known = {command.title: command.callback for command in app.get_system_commands(app.screen)}
        assert {"Start the servers", "Stop the servers", "Restart the servers"} <= set(known)
        known["Stop the servers"]()
        await seen(pilot, "Stop node2?")
        await pressed(pilot, "right", "enter")
        await ended(pilot, "stopped")
