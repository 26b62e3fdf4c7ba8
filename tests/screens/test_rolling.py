"""A pair that runs, on the screen: the review offers a change node by node, where it can be made so."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from screens.review import Review
from tests.command_line.test_rolling import (  # noqa: F401  (fixtures are used by their names)
    before,
    healthy,
    launched,
    off,
    pids,
    running,
)
from tests.support.driving import applied, ended, review
from tests.support.screens import opened, settled, text_of, until
from tests.support.stand_in_pair import StandInPair


async def reviewed(pilot: Pilot[Any]) -> Review:
    """The review, once all that a machine without a database has to say is ignored."""
    app = pilot.app
    await settled(pilot)
    screen = await review(pilot)
    wrong = {one.id for one in app.pair.all_findings() if one.status == "error"}  # type: ignore[attr-defined]
    app.pair.note(ignore=sorted(wrong - {"prerequisites.running"}))  # type: ignore[attr-defined]
    screen.look()
    await until(pilot, lambda: screen._shown is not None, "the plan")
    return screen


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_change_that_rolls(running: Callable[..., StandInPair], cancelled: bool) -> None:  # noqa: F811
    two = running()
    was = pids(two)
    app = opened(two.pair.profile)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await reviewed(pilot)
        assert str(screen.query_one("#apply", Button).label) == "Apply node by node"
        if cancelled:
            await pilot.press("a", "f9")
            down = re.compile("node2: (stopp|launched|starting)")
            await until(pilot, lambda: down.search(text_of(app)), "the first node goes down")
            await pilot.press("escape")
            outcome = await ended(pilot)
        else:
            outcome = await applied(pilot)
        assert outcome == ("cancelled" if cancelled else "applied"), text_of(app)
    assert off(two) == [not cancelled] * 2
    assert (was[0] == pids(two)[0]) is cancelled
    assert healthy(before(two) if cancelled else two.pair.profile)


async def test_a_change_that_cannot_roll_is_not_offered(running: Callable[..., StandInPair]) -> None:  # noqa: F811
    two = running('domain = "another.domain"', "[cluster]")
    app = opened(two.pair.profile)
    async with app.run_test(size=(120, 40)) as pilot:
        button = (await reviewed(pilot)).query_one("#apply", Button)
        assert (str(button.label), button.disabled) == ("Apply", True)
