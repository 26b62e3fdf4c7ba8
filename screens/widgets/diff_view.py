"""A file's diff: one column with signs, or before and after side by side where there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.signs import plain, sign
from screens.theme import ink
from screens.widgets.labelled import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from wizard.plan.diff import DiffRow

SIDE_BY_SIDE = 100
"""Columns from which before and after stand side by side."""

NUMBER = 6


class Said(NamedTuple):
    """A line of text that is no diff."""

    text: str
    colour: str = "foreground"
    bold: bool = False


class DiffView(ScrollView, can_focus=True):
    """Shows a diff, or text."""

    def __init__(self) -> None:
        super().__init__()
        self._said: list[Said] = []
        self._rows: list[DiffRow] = []
        self._pairs: list[tuple[DiffRow | None, DiffRow | None]] = []
        self._text: list[Said] = []
        self.split: bool | None = None
        """Side by side, or not; None: where there is room."""

    @property
    def splits(self) -> bool:
        return self.size.width >= SIDE_BY_SIDE if self.split is None else self.split

    def show_rows(self, rows: Sequence[DiffRow], said: Sequence[Said] = (), at: int = 0) -> None:
        """Show a diff below some lines of text, scrolled to the row of that number."""
        self._rows, self._said = list(rows), list(said)
        self._pairs = paired(rows)
        self._lay_out()
        top = at
        if self.splits:
            top = next((n for n, pair in enumerate(self._pairs) if rows and rows[at] in pair), 0)
        self.scroll_to(0, max(0, top + len(self._text) - 2) if at else 0, animate=False)

    def show_text(self, said: Sequence[Said]) -> None:
        """Show lines of text."""
        self.show_rows([], said)

    def _on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        width = max(20, self.scrollable_content_region.width or self.size.width)
        self._text = [
            Said(line, one.colour, one.bold)
            for one in self._said
            for line in (wrapped(plain(one.text), width - 1) or [""])
        ]
        rows = len(self._pairs) if self.splits else len(self._rows)
        longest = max((len(row.text.expandtabs(4)) for row in self._rows), default=0) + NUMBER + 4
        across = width if self.splits or not self._rows else max(width, longest)
        self.virtual_size = Size(across, len(self._text) + rows)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, ink(self, "foreground")
        number = y + self.scroll_offset.y
        if number < len(self._text):
            said = self._text[number]
            return Strip([Segment(said.text, ink(self, said.colour, bold=said.bold))]).adjust_cell_length(
                width, base
            )
        number -= len(self._text)
        if self.splits:
            return self._pair(number) if number < len(self._pairs) else Strip.blank(width, base)
        return self._row(number) if number < len(self._rows) else Strip.blank(width, base)

    def _row(self, number: int) -> Strip:
        row, width, left = self._rows[number], self.size.width, self.scroll_offset.x
        if row.kind == "gap":
            return Strip([Segment(sign("rule") * width, ink(self, "line"))])
        ground, colour, mark = LOOKS[row.kind]
        line = row.before if row.before is not None else row.after
        text = plain(row.text.expandtabs(4))[left:]
        segments = [
            Segment(f"{line:>{NUMBER - 1}} ", ink(self, "quiet", ground)),
            Segment(f"{mark} ", ink(self, colour, ground, bold=True)),
            Segment(text, ink(self, colour, ground)),
        ]
        return Strip(segments).adjust_cell_length(width, ink(self, "foreground", ground))

    def _pair(self, number: int) -> Strip:
        width = self.size.width
        half = (width - 1) // 2
        before, after = self._pairs[number]
        middle = Segment(sign("bar"), ink(self, "line"))
        if before is not None and before.kind == "gap":
            return Strip([Segment(sign("rule") * width, ink(self, "line"))])
        left = self._half(before, half, before.before if before is not None else None)
        right = self._half(after, width - 1 - half, after.after if after is not None else None)
        return Strip.join([left, Strip([middle]), right])

    def _half(self, row: DiffRow | None, width: int, line: int | None) -> Strip:
        if row is None:
            return Strip.blank(width, ink(self, "foreground"))
        ground, colour, mark = LOOKS[row.kind]
        text = plain(row.text.expandtabs(4))[self.scroll_offset.x :]
        segments = [
            Segment(f"{line or '':>{NUMBER - 1}} ", ink(self, "quiet", ground)),
            Segment(f"{mark} ", ink(self, colour, ground, bold=True)),
            Segment(text, ink(self, colour, ground)),
        ]
        return Strip(segments).adjust_cell_length(width, ink(self, "foreground", ground))


LOOKS = {
    "same": ("background", "quiet", " "),
    "removed": ("removed", "error", "-"),
    "added": ("added", "success", "+"),
}
"""The kind of a row → its ground, its ink, its sign."""


def paired(rows: Sequence[DiffRow]) -> list[tuple[DiffRow | None, DiffRow | None]]:
    """The rows side by side: what was removed beside what came in its place."""
    pairs: list[tuple[DiffRow | None, DiffRow | None]] = []
    removed: list[DiffRow] = []
    added: list[DiffRow] = []

    def settle() -> None:
        for number in range(max(len(removed), len(added))):
            pairs.append(
                (
                    removed[number] if number < len(removed) else None,
                    added[number] if number < len(added) else None,
                )
            )
        removed.clear()
        added.clear()

    for row in rows:
        if row.kind == "removed":
            if added:
                settle()
            removed.append(row)
        elif row.kind == "added":
            added.append(row)
        else:
            settle()
            pairs.append((row, row))
    settle()
    return pairs
