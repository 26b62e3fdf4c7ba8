"""A file's diff: one column with signs, or before and after side by side where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, zip_longest
from typing import NamedTuple

from rich.cells import chop_cells
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.signs import cut_left, plain, sign, wrapped
from screens.theme import ink
from wizard.plan.diff import DiffRow

SIDE_BY_SIDE = 100
"""Columns from which before and after stand side by side."""

NUMBER = 6


class Said(NamedTuple):
    """A line of text beside the diff."""

    text: str
    colour: str = "foreground"
    bold: bool = False


class DiffView(ScrollView, can_focus=True):
    """Show a diff below some lines that stay while it scrolls, or only lines; nothing is cut, long lines wrap."""

    def __init__(self) -> None:
        super().__init__()
        self._said: list[Said] = []
        self._rows: list[DiffRow] = []
        self._pinned = 0
        """How many lines stay while the diff below them scrolls."""
        self._lines: list[Strip] = []
        self._starts: list[int] = []
        """The line where each row, or pair of rows, begins."""
        self._at = 0
        self._title = ""
        self.split: bool | None = None
        """Side by side, or not; None: where there is room."""

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._lay_out())

    @property
    def splits(self) -> bool:
        return self.size.width >= SIDE_BY_SIDE if self.split is None else self.split

    def show_rows(
        self, rows: Sequence[DiffRow], said: Sequence[Said] = (), at: int = 0, title: str = ""
    ) -> None:
        """Show a diff below some lines of text, scrolled to the row of that number."""
        self._rows, self._said, self._at, self._title = list(rows), list(said), at, title
        self._lay_out()

    def show_text(self, said: Sequence[Said], title: str = "") -> None:
        self.show_rows([], said, title=title)

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        width = max(20, self.scrollable_content_region.width or self.size.width)
        self.border_title = plain(cut_left(self._title, width - 4)) if self._title else None
        base = ink(self, "foreground")
        text = [
            Strip([Segment(line, ink(self, one.colour, bold=one.bold))]).adjust_cell_length(width, base)
            for one in self._said
            for line in (wrapped(plain(one.text), width - 1) or [""])
        ]
        self._lines, self._starts = [], []
        at = self._at
        if self.splits:
            half = (width - 1) // 2
            bar = Strip([Segment(sign("bar"), ink(self, "line"))])
            pairs = paired(self._rows)
            wanted = self._rows[self._at] if self._rows else None
            at = next((n for n, pair in enumerate(pairs) if wanted in pair), 0)
            for before, after in pairs:
                self._starts.append(len(self._lines))
                if before is not None and before.kind == "gap":
                    self._lines += self._row(before, width, None)
                    continue
                left = self._row(before, half, before.before if before is not None else None)
                right = self._row(after, width - 1 - half, after.after if after is not None else None)
                for first, second in zip_longest(left, right):
                    beside = second or Strip.blank(width - 1 - half, base)
                    self._lines.append(Strip.join([first or Strip.blank(half, base), bar, beside]))
        else:
            for row in self._rows:
                self._starts.append(len(self._lines))
                self._lines += self._row(row, width, row.after if row.before is None else row.before)
        self._pinned = len(text) if self._lines else 0
        self._lines = text + self._lines
        self.virtual_size = Size(width, len(self._lines))
        top = self._starts[at] - 2 if at and self._starts else 0
        self.scroll_to(0, max(0, top), animate=False)
        self.refresh()

    def _row(self, row: DiffRow | None, width: int, line: int | None) -> list[Strip]:
        """A row as lines of that width: its number and sign, then its text."""
        if row is None:
            return []
        if row.kind == "gap":
            return [Strip([Segment(sign("rule") * width, ink(self, "line"))])]
        ground, colour, mark = LOOKS[row.kind]
        text, room = plain(row.text.expandtabs(4)), width - NUMBER - 2
        pieces = chop_cells(text, room) or [""]
        return [
            Strip(
                [
                    Segment(f"{(line or '') if not n else '':>{NUMBER - 1}} ", ink(self, "quiet", ground)),
                    Segment(f"{mark} ", ink(self, colour, ground, bold=True)),
                    Segment(piece, ink(self, colour, ground)),
                ]
            ).adjust_cell_length(width, ink(self, "foreground", ground))
            for n, piece in enumerate(pieces)
        ]

    def render_line(self, y: int) -> Strip:
        number = y if y < self._pinned else y + self.scroll_offset.y
        strip = self._lines[number] if number < len(self._lines) else Strip([])
        return strip.adjust_cell_length(self.size.width, ink(self, "foreground"))


LOOKS = {
    "same": ("background", "quiet", " "),
    "removed": ("removed", "error", "-"),
    "added": ("added", "success", "+"),
}
"""The kind of a row → its ground, its ink, its sign."""


def paired(rows: Sequence[DiffRow]) -> list[tuple[DiffRow | None, DiffRow | None]]:
    """The rows side by side: what was removed beside what came in its place."""
    pairs: list[tuple[DiffRow | None, DiffRow | None]] = []
    for is_change, group in groupby(rows, lambda row: row.kind in {"removed", "added"}):
        lines = list(group)
        if is_change:
            removed = [row for row in lines if row.kind == "removed"]
            pairs += zip_longest(removed, lines[len(removed) :])
        else:
            pairs += zip(lines, lines, strict=True)
    return pairs
