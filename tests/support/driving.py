"""What a person does on the screens, for the tests: goes to a field, fills it in, reviews, applies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Button, Select

from screens.apply import Apply, Done
from screens.review import Review
from screens.runs import Runs
from screens.widgets.field import Labelled
from screens.widgets.form import Fold
from tests.support.screens import on, pressed, text_of, typed, until


def place_of(app: Any) -> Any:
    """The place of the field that has the focus."""
    widget = app.focused
    while widget is not None and not isinstance(widget, Labelled):
        widget = widget.parent
    return widget.place if widget is not None else None


async def go_to(pilot: Pilot[Any], *place: Any) -> None:
    """Tab to a field; the advanced ones are opened on the way."""
    for _ in range(80):
        if place_of(pilot.app) == place:
            return
        form = getattr(pilot.app.screen, "form", None)
        if isinstance(pilot.app.focused, Fold) and not form.is_open and form.field_at(place) is None:
            await pressed(pilot, "enter")
            await pilot.pause()
        await pressed(pilot, "tab")
    raise AssertionError(f"Tab does not come to {place}\n{text_of(pilot.app)}")


async def fill(pilot: Pilot[Any], text: str, *place: Any) -> None:
    """Tab to a field and type into it."""
    await go_to(pilot, *place)
    await pressed(pilot, "ctrl+e", "ctrl+u")
    await typed(pilot, text)


async def fill_password(pilot: Pilot[Any], variable: str, *place: Any) -> None:
    """Tab to the argument of a password's reference and type a variable's name."""
    await go_to(pilot, *place)
    field = pilot.app.screen.form.field_at(place)
    if field.kind != "env":
        await pressed(pilot, "tab")
        field.query_one(Select).value = "env"
        await until(pilot, lambda: field.kind == "env")
        await pressed(pilot, "shift+tab")
    await pressed(pilot, "ctrl+e", "ctrl+u")
    await typed(pilot, variable)


async def planned(pilot: Pilot[Any]) -> Review:
    """Wait for the review and its plan."""
    await on(pilot, Review)
    screen = pilot.app.screen
    await until(pilot, lambda: screen._shown is not None, "the plan")
    return screen


async def review(pilot: Pilot[Any]) -> Review:
    await pressed(pilot, "f2")
    return await planned(pilot)


async def applied(pilot: Pilot[Any]) -> str:
    """Accept every warning and apply; gives how that ended, `applied` where the page of next steps is shown."""
    await pressed(pilot, "a")
    await until(pilot, lambda: not pilot.app.screen.query_one("#apply", Button).disabled, "nothing open")
    await pressed(pilot, "f9")
    return await ended(pilot)


async def ended(pilot: Pilot[Any]) -> str:
    """Wait for the end of a run."""

    def outcome() -> str:
        screen = pilot.app.screen
        if isinstance(screen, Done):
            return "applied"
        return screen.result.outcome if isinstance(screen, Apply) and screen.result is not None else ""

    await until(pilot, outcome, "the end")
    return outcome()


async def runs_of(pilot: Pilot[Any]) -> Runs:
    """Open the list of runs, and wait for it."""
    app = pilot.app
    await app.run_action("runs")
    await until(pilot, lambda: app.screen.query("Tree") and app.screen.current, "the list of runs")  # type: ignore[attr-defined]
    return app.screen  # type: ignore[return-value]


def configured(home: Path) -> bool:
    return ">wka<" in (home / "repository/conf/axis2/axis2.xml").read_text("utf-8")
