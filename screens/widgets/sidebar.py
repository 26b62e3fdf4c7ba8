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

RULE, STATE = "-", "="
"""Lines without an item: the one between the steps and the rest, and the state of the current step in words."""

REST = (("review", "Review"), ("runs", "Runs"), ("verify", "Verify"))


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
        self._items = [*steps, *REST]
        self._titles = dict(self._items)
        self._steps = len(steps)
        self.set_reactive(Sidebar.current, current)
        self._pointed = 0

    def _rows(self) -> list[str]:
        """The id that each row shows, from the top."""
        ids = [id for id, _ in self._items]
        at = ids.index(self.current) + 1
        return [*ids[:at], STATE, *ids[at : self._steps], RULE, *ids[self._steps :]]

    def on_focus(self) -> None:
        self._pointed = next((n for n, (id, _) in enumerate(self._items) if id == self.current), 0)
        self.refresh()

    def action_move(self, by: int) -> None:
        self._pointed = min(len(self._items) - 1, max(0, self._pointed + by))
        self.refresh()

    def action_open(self) -> None:
        self.post_message(self.Chosen(self._items[self._pointed][0]))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        rows = self._rows()
        if offset is not None and 0 < offset.y <= len(rows) and rows[offset.y - 1] in self._titles:
            self.post_message(self.Chosen(rows[offset.y - 1]))

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, ink(self, "foreground", "panel")
        rows = self._rows()
        if not 0 < y <= len(rows):
            return Strip.blank(width, base)
        id = rows[y - 1]
        if id == RULE:
            return Strip([Segment(f" {sign('rule') * (width - 2)} ", ink(self, "line", "panel"))])
        if id == STATE:
            state = self.states.get(self.current)
            style = ink(self, COLOURS[state], "raised")
            return Strip([Segment(f"    {WORDS[state] if state else ''}", style)]).adjust_cell_length(
                width, style
            )
        return self._item(id, pointed=self.has_focus and id == self._items[self._pointed][0])

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
