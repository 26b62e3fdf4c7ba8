"""The two nodes' names over their fields: tabs where one of them shows, headings where both do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from screens.signs import plain, sign
from screens.theme import ink
from screens.widgets.labelled import cut

if TYPE_CHECKING:
    from textual import events


class NodeTabs(Widget):
    """` node1 │ node2 `, or one heading over each column."""

    class Chosen(Message):
        """The user wants to see the node of that number, 0 or 1."""

        def __init__(self, node: int) -> None:
            super().__init__()
            self.node = node

    def __init__(self, names: tuple[str, str], *, columns: bool) -> None:
        super().__init__()
        self.names = names
        self.columns = columns
        self.active = 0
        self.problems = (0, 0)
        """How many fields of each node are wrong."""

    def show(
        self,
        names: tuple[str, str] | None = None,
        *,
        columns: bool | None = None,
        active: int | None = None,
        problems: tuple[int, int] | None = None,
    ) -> None:
        """Show other names, another tab, or the other arrangement."""
        before = (self.names, self.columns, self.active, self.problems)
        self.names = names or self.names
        self.columns = self.columns if columns is None else columns
        self.active = self.active if active is None else active
        self.problems = problems or self.problems
        if before != (self.names, self.columns, self.active, self.problems):
            self.refresh()

    def _words(self) -> list[str]:
        return [
            f" {plain(name)} {sign('error')} " if problems else f" {plain(name)} "
            for name, problems in zip(self.names, self.problems, strict=True)
        ]

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, ink(self, "quiet")
        words = self._words()
        if self.columns:
            half = (width - 2) // 2
            style = ink(self, "primary", "raised", bold=True)
            cells = [cut(word[:-1], half).ljust(half, " ") for word in words]
            return Strip([Segment(cells[0], style), Segment("  ", base), Segment(cells[1], style)])
        segments = []
        for number, word in enumerate(words):
            active = number == self.active
            style = ink(self, "on-primary", "primary", bold=True) if active else ink(self, "quiet", "surface")
            text = f"{sign('here') if active else ' '}{word}"
            segments += [Segment(text, style), Segment(" ", base)]
        segments.append(Segment(" ^T the other node", base))
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        at = 0
        for number, word in enumerate(self._words()):
            if at <= event.x < at + len(word) + 1:
                self.post_message(self.Chosen(number))
            at += len(word) + 2
