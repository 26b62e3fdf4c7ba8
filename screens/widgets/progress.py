"""A bar of how far something is, and what is being done."""

from __future__ import annotations

from typing import Literal

from textual.content import Content
from textual.widget import Widget

from screens.signs import plain, sign
from screens.widgets.labelled import cut

LABEL = 39
BARS = (10, 20)
"""Columns of the bar in a narrow and in a wide terminal."""


class ProgressRow(Widget):
    """` node1   ████████░░░░  4/9  master-datasources.xml`."""

    def __init__(self, label: str, total: int) -> None:
        super().__init__()
        self.label = label
        self.done, self.total = 0, total
        self.text = "waiting"
        self.state: Literal["open", "done", "failed"] = "open"

    def show(self, done: int, total: int, text: str) -> None:
        """Show how far it is."""
        self.done, self.total, self.text = done, total or self.total, text
        self.refresh()

    def finish(self, text: str, *, failed: bool = False) -> None:
        """Show how it ended."""
        self.text, self.state = text, "failed" if failed else "done"
        self.refresh()

    def undo(self) -> None:
        """Show that everything is as before."""
        self.done, self.text, self.state = 0, "as before", "open"
        self.refresh()

    def render(self) -> Content:
        done = self.total if self.state == "done" else self.done
        part = 1.0 if self.state == "done" else done / self.total if self.total else 0.0
        bar = BARS[self.size.width >= 100]
        full = round(part * bar)
        colour = {"failed": "$error", "done": "$success", "open": "$primary"}[self.state]
        count = f"{done}/{self.total}" if self.total else ""
        room = max(8, self.size.width - LABEL - bar - 10)
        return Content.assemble(
            f" {cut(plain(self.label), LABEL):<{LABEL}} ",
            (sign("full") * full, colour),
            (sign("empty") * (bar - full), "$line"),
            f" {count:>5}  ",
            (cut(plain(self.text), room), "$quiet"),
        )
