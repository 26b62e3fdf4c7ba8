"""A bar of what is done of something, and what is being done."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from screens.signs import plain, sign
from screens.widgets.labelled import cut

LABEL = 22
BAR = 20


class ProgressRow(Widget):
    """` node1   ████████░░░░  4/9  master-datasources.xml`."""

    def __init__(self, label: str, total: int) -> None:
        super().__init__()
        self.label = label
        self.done = 0
        self.total = total
        self.text = "waits"
        self.failed = False

    def show(self, done: int, total: int, text: str) -> None:
        """Show how far it is."""
        self.done, self.total, self.text = done, total or self.total, text
        self.refresh()

    def finish(self, text: str, *, failed: bool = False) -> None:
        """Show how it ended."""
        self.done = self.done if failed else self.total
        self.text, self.failed = text, failed
        self.refresh()

    def undo(self) -> None:
        """Show that nothing is left of it."""
        self.done, self.text, self.failed = 0, "as before", False
        self.refresh()

    def render(self) -> Content:
        part = (
            self.done / self.total if self.total else 1.0 if self.text not in {"waits", "as before"} else 0.0
        )
        full = round(part * BAR)
        colour = "$error" if self.failed else "$success" if part >= 1 else "$primary"
        count = f"{self.done}/{self.total}" if self.total else ""
        room = max(8, self.size.width - LABEL - BAR - 12)
        return Content.assemble(
            f" {cut(plain(self.label), LABEL):<{LABEL}} ",
            (sign("full") * full, colour),
            (sign("empty") * (BAR - full), "$line"),
            f" {count:>7}  ",
            (cut(plain(self.text), room), "$quiet"),
        )
