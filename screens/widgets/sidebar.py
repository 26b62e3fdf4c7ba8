"""The steps at the left, each with its state; and what comes after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from screens.signs import WORDS, StepState, sign
from screens.theme import ink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual import events

COLOURS: dict[StepState | None, str] = {
    "untouched": "quiet",
    "incomplete": "warning",
    "checking": "secondary",
    "error": "error",
    "warning": "warning",
    "done": "success",
    None: "quiet",
}

RULE = "-"
"""Stands for the line between the steps and the rest."""

REST = (("review", "Review"), ("verify", "Verify"))


class Sidebar(Widget, can_focus=True):
    """A list of the steps; Enter or a click opens one, at any time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("home", "move(-99)", "first", show=False),
        Binding("end", "move(99)", "last", show=False),
        Binding("enter,space,right", "open", "open", show=False),
    ]
    current = reactive("")
    """The id of what is open."""

    class Chosen(Message):
        """Somebody wants to open a step, or `review`, or `verify`."""

        def __init__(self, id: str) -> None:
            super().__init__()
            self.id = id

    def __init__(self, steps: list[tuple[str, str]], current: str) -> None:
        """Show these steps, each an id and a title."""
        super().__init__()
        self._items = [*steps, (RULE, ""), *REST]
        self._states: dict[str, StepState] = {}
        self.set_reactive(Sidebar.current, current)
        self._pointed = 0

    def show(self, states: Mapping[str, StepState]) -> None:
        """Show the states of the steps."""
        if states != self._states:
            self._states = dict(states)
            self.refresh()

    def on_focus(self) -> None:
        self._pointed = next((n for n, (id, _) in enumerate(self._items) if id == self.current), 0)
        self.refresh()

    def action_move(self, by: int) -> None:
        last = len(self._items) - 1
        self._pointed = min(last, max(0, self._pointed + by))
        if self._items[self._pointed][0] == RULE:
            self._pointed += 1 if by > 0 else -1
        self.refresh()

    def action_open(self) -> None:
        self.post_message(self.Chosen(self._items[self._pointed][0]))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        number = offset.y - 1 if offset is not None else -1
        if 0 <= number < len(self._items) and self._items[number][0] != RULE:
            self.post_message(self.Chosen(self._items[number][0]))

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, ink(self, "foreground", "panel")
        number = y - 1
        if not 0 <= number < len(self._items):
            return Strip.blank(width, base)
        id, title = self._items[number]
        if id == RULE:
            style = ink(self, "line", "panel")
            return Strip([Segment(f" {sign('rule') * (width - 2)} ", style)])
        return self._item(id, title, pointed=self.has_focus and number == self._pointed)

    def _item(self, id: str, title: str, *, pointed: bool) -> Strip:
        width = self.size.width
        state = self._states.get(id)
        current = id == self.current
        ground = "primary" if pointed else "raised" if current else "panel"
        base = ink(self, "on-primary" if pointed else "foreground", ground, bold=current or pointed)
        mark = sign(state) if state is not None else sign("to")[:1]
        word = WORDS[state] if state is not None else ""
        told = ink(self, "on-primary" if pointed else COLOURS[state], ground)
        edge = sign("here") if current else " "
        room = width - len(edge) - len(mark) - len(word) - 4
        segments = [
            Segment(f"{edge} ", base),
            Segment(mark, told),
            Segment(f" {title[:room]:<{room}}", base),
            Segment(f" {word} ", told),
        ]
        return Strip(segments).adjust_cell_length(width, base)
