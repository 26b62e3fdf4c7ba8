"""Driving the wizard's screens in tests: waiting for what has to happen, and checks that say what a test wants."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot

from screens.app import WizardApp
from screens.model.draft import begin, open_profile
from screens.model.memory import Memory, ProfileProgress
from screens.model.session import CheckOrder, CheckRound, chosen_checks
from tests.support.profiles import MINIMAL_TEXT
from wizard.system.finding import Finding

LIMIT = 60.0

PROFILE = MINIMAL_TEXT.replace("[mysql]", '[cluster]\nname = "analytics"\n\n[mysql]').replace(
    "\n\n[[nodes]]", '\ndriver_jar = "/opt/mysql-connector-java-5.1.49-bin.jar"\n\n[[nodes]]', 1
)


async def until(pilot: Pilot[Any], happened: Callable[[], Any], what: str = "") -> None:
    """Wait until something has happened, and what it led to is shown."""
    deadline = time.monotonic() + LIMIT
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not happen: {what or happened}\n{text_of(pilot.app)}")
        await pilot.pause(0.01)
    await pilot.pause()


async def on(pilot: Pilot[Any], kind: type[Any]) -> None:
    """Wait until a screen of that kind is shown."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind), kind.__name__)


async def seen(pilot: Pilot[Any], *texts: str) -> None:
    """Wait until all of these texts stand on the screen."""
    await until(pilot, lambda: all(text in text_of(pilot.app) for text in texts), str(texts))


async def at_step(pilot: Pilot[Any], id: str) -> None:
    """Wait until the step of that id is open."""
    await until(pilot, lambda: getattr(getattr(pilot.app.screen, "step", None), "id", "") == id, id)


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until the draft is judged, every check has ended and everything is saved."""
    pair = pilot.app.pair  # type: ignore[attr-defined]
    await until(pilot, lambda: pair.at_rest, "the end of the checks")
    await until(pilot, lambda: pair.draft.keeper.settled(0), "the saving")
    await until(pilot, lambda: getattr(pilot.app.screen, "at_rest", True), "the picture")
    await pilot.pause()


async def pressed(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys as fast as they are taken, and wait until all of them have been.

    `pilot.press` waits behind each until the processor is idle, which a text of a hundred letters does not need.
    """
    for key in keys:
        pilot.app.post_message(events.Key(key, None))
    # the application takes it, then the widget, then who hears of the change, then the picture
    for _ in range(4):
        await pilot.pause(0)


async def typed(pilot: Pilot[Any], text: str) -> None:
    """Type a text, key by key."""
    await pressed(pilot, *text)


def text_of(app: Any) -> str:
    """What stands on the screen, as text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def opened(path: Path | str) -> WizardApp:
    """The wizard on a profile."""
    return WizardApp(open_profile(str(path)))


@asynccontextmanager
async def wizard(
    profile: Path | None, size: tuple[int, int] = (80, 24), **progress: Any
) -> AsyncIterator[tuple[Any, Pilot[Any]]]:
    """The wizard on a profile (None: on a new pair), once everything that is known of it is shown; and who drives it.

    `progress` is what was noted of the profile before, such as `offline=True`.
    """
    if progress and profile is not None:
        Memory().note(profile, ProfileProgress(**progress))
    app = opened(profile) if profile is not None else WizardApp(begin("fresh"))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield app, pilot


class Scripted(CheckRound):
    """Takes the place of a round of checks: tells what a test says, at once, and runs nothing."""

    findings: Sequence[Finding] = ()
    unfinished: Iterable[str] = ()
    prepare: Callable[[CheckOrder], tuple[Any, Any]] | None = None

    def start(self) -> None:
        chosen = frozenset(one.id for one in chosen_checks(self.order))
        prepare = type(self).prepare
        prepared, needs = prepare(self.order) if prepare else (None, None)
        self.tell(self.pair.checks_begin, chosen, getattr(prepared, "plan", None))
        for finding in type(self).findings:
            if finding.id in chosen:
                self.tell(self.pair.found, finding)
        if not self.unfinished:
            self.tell(self.pair.checks_end, *((prepared, needs) if self.order.whole else ()))
