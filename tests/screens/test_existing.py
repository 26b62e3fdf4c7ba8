"""Start from an existing pair: what two homes hold becomes a profile on the screen, and nothing in them changes."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.app import WizardApp
from screens.step import StepScreen
from screens.welcome import ExistingPair, Welcome, WhatWasRead
from tests.support import pairs
from tests.support.driving import fill
from tests.support.headless import applied, untouched
from tests.support.screens import on, pressed, seen, text_of, typed, until
from wizard.profile.store import load
from wizard.system import locations

pytestmark = pytest.mark.usefixtures("quiet")


@asynccontextmanager
async def asked(size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[WizardApp, Pilot[Any]]]:
    """The wizard at the question for the two homes."""
    app = WizardApp(None)
    async with app.run_test(size=size) as pilot:
        await on(pilot, Welcome)
        await pressed(pilot, "e")
        await on(pilot, ExistingPair)
        yield app, pilot


async def answer(pilot: Pilot[Any], first: Path | str, second: Path | str, name: str) -> None:
    """Fill in the two homes and the name, by keyboard alone, and go."""
    await fill(pilot, str(first), "nodes", 0, "home")
    await fill(pilot, str(second), "nodes", 1, "home")
    await fill(pilot, name)
    await pressed(pilot, "tab", "tab")
    # A button that was pressed is not pressed again for the moment in which it shows that.
    await until(pilot, lambda: not pilot.app.focused.has_class("-active"), "a button that can be pressed")
    await pressed(pilot, "enter")


async def test_a_pair_that_was_configured_becomes_a_profile(pair: Any) -> None:
    applied(pair)
    before = untouched(*pair.homes)
    async with asked() as (app, pilot):
        await answer(pilot, *pair.homes, "made-by-hand")
        await on(pilot, WhatWasRead)
        assert pairs.PASSWORD not in text_of(app)
        await pressed(pilot, "escape")
        await on(pilot, StepScreen)
        assert app.pair is not None and app.pair.draft.target == locations.profile("made-by-hand")
        await until(pilot, lambda: app.pair.profile is not None, "the profile")
        assert pairs.PASSWORD not in text_of(app)
    assert untouched(*pair.homes) == before
    read, given = (load(name).profile.nodes for name in ("made-by-hand", pair.profile))
    assert [(one.home, one.hazelcast_port) for one in read] == [
        (one.home, one.hazelcast_port) for one in given
    ]
    secret = locations.profiles() / "made-by-hand.mysql.password"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text().rstrip("\n") == pairs.PASSWORD


async def test_each_mistake_is_told_in_its_place_and_can_be_corrected(pair: Any, tmp_path: Path) -> None:
    async def told(words: str) -> None:
        await until(pilot, lambda: words in " ".join(text_of(app).replace("│", " ").split()), words)
        assert isinstance(app.screen, ExistingPair)
        assert not locations.profiles().exists() or not list(locations.profiles().iterdir())

    async with asked((120, 40)) as (app, pilot):
        await pressed(pilot, "tab", "tab", "enter")  # on the last field
        await told("enter the folder of this node's pack")
        await answer(pilot, tmp_path, pair.homes[1], "hand")
        await told("not an unpacked pack")
        await answer(pilot, pair.homes[1], pair.homes[1], "hand")
        await told("name the two homes of the pair")
        await answer(pilot, *pair.homes, "no name!")
        await told("letters")
        await answer(pilot, *pair.homes, "hand")
        await on(pilot, WhatWasRead)
        await pressed(pilot, "enter")
    async with asked() as (app, pilot):
        await answer(pilot, *pair.homes, "hand")
        await seen(pilot, "file already")
        await pressed(pilot, "escape")
        await on(pilot, Welcome)


async def test_all_keys_at_once_go_field_by_field_and_enter_on_the_last_one_begins(pair: Any) -> None:
    async with asked() as (app, pilot):
        first, second = map(str, pair.homes)
        await pressed(pilot, *first, "tab", *second, "enter", *"hand", "enter")
        await on(pilot, WhatWasRead)
        assert app.pair.draft.name == "hand"
        await pressed(pilot, "escape")
        assert [app.pair.draft.value(("nodes", number, "home")) for number in (0, 1)] == [first, second]


async def test_a_home_is_chosen_from_the_disk(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pair.homes[0].parent)
    async with asked() as (app, pilot):
        await pressed(pilot, "f3")
        await seen(pilot, "Analytics")
        await pressed(pilot, "enter")
        await on(pilot, ExistingPair)
        assert app.focused.value == str(pair.homes[0])
        await typed(pilot, "x")
        assert app.focused.value == f"{pair.homes[0]}x"
