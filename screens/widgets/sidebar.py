"""The steps at the left, each with its state; and what comes after them."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from screens.signs import WORDS, StepState, sign
from screens.theme import ink

COLOURS: dict[StepState | None, str] = {
    "untouched": "quiet",
    "incomplete": "warning",
    "checking": "secondary",
    "error": "error",
    "warning": "warning",
    "done": "success",
    None: "quiet",
}

RULE, STATE = "-", "="
"""Lines without an item: the one between the steps and the rest, and the state of the current step in words."""

REST = (("review", "Review"), ("runs", "Runs"), ("verify", "Verify"))


class Sidebar(Widget, can_focus=True):
    """A list of the steps; Enter or a click opens one, at any time."""

    about = "Up and Down choose a step; Enter opens it."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("home", "move(-99)", "first", show=False),
        Binding("end", "move(99)", "last", show=False),
        Binding("enter,space,right", "open", "open", show=False),
    ]
    current = reactive("")
    """The id of the open step."""
    applied = reactive("")
    """When the newest run was applied that is not rolled back; empty without one."""
    states: reactive[dict[str, StepState]] = reactive(dict[str, "StepState"])

    class Chosen(Message):
        """The user wants to open a step, or `review`, `runs` or `verify`."""

        def __init__(self, id: str) -> None:
            super().__init__()
            self.id = id

    def __init__(self, steps: list[tuple[str, str]], current: str) -> None:
        """Show these steps, each an id and a title."""
        super().__init__()
        self._titles = dict([*steps, *REST])
        self._ids = list(self._titles)
        self._steps = len(steps)
        self.set_reactive(Sidebar.current, current)
        self._pointed = 0

    def _row(self, y: int) -> str:
        """The id that a row shows; empty for none."""
        ids, at = self._ids, self._ids.index(self.current) + 1
        rows = ["", *ids[:at], STATE, *ids[at : self._steps], RULE, *ids[self._steps :]]
        return rows[y] if y < len(rows) else ""

    def on_focus(self) -> None:
        self._pointed = self._ids.index(self.current)
        self.refresh()

    def action_move(self, by: int) -> None:
        self._pointed = min(len(self._ids) - 1, max(0, self._pointed + by))
        self.refresh()

    def action_open(self) -> None:
        self.post_message(self.Chosen(self._ids[self._pointed]))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and (id := self._row(offset.y)) in self._titles:
            self.post_message(self.Chosen(id))

    def render_line(self, y: int) -> Strip:
        width, id = self.size.width, self._row(y)
        if not id:
            return Strip.blank(width, ink(self, "foreground", "panel"))
        if id == RULE:
            return Strip([Segment(f" {sign('rule') * (width - 2)} ", ink(self, "line", "panel"))])
        if id == STATE:
            state = self.states.get(self.current)
            style = ink(self, COLOURS[state], "raised")
            return Strip([Segment(f"    {WORDS[state] if state else ''}", style)]).adjust_cell_length(
                width, style
            )
        return self._item(id, pointed=self.has_focus and id == self._ids[self._pointed])

    def _item(self, id: str, *, pointed: bool) -> Strip:
        width, state = self.size.width, self.states.get(id)
        current = id == self.current
        ground = "primary" if pointed else "raised" if current else "panel"
        base = ink(self, "on-primary" if pointed else "foreground", ground, bold=current or pointed)
        colour, mark = COLOURS[state], sign(state) if state is not None else sign("to")[:1]
        word = ""
        if id == "runs" and self.applied:
            colour, mark, word = "success", sign("done"), f"  {self.applied}"
        about = ink(self, "on-primary" if pointed else colour, ground)
        segments = [
            Segment(f"{sign('here') if current else ' '} ", base),
            Segment(mark, about),
            Segment(f" {self._titles[id]}", base),
            Segment(word, about),
        ]
        return Strip(segments).adjust_cell_length(width, base)
