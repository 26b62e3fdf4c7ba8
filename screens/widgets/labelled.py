"""What every field of a form has in common: its label, its problem, and what is known of its value.

A widget draws all of that itself, in its padding, round its own line: a form of a dozen fields is a dozen widgets
and not sixty, which halves the time until it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from screens.signs import plain, sign
from screens.theme import ink

if TYPE_CHECKING:
    from textual.geometry import Region
    from textual.widget import Widget

    Base = Widget
else:
    Base = object

LONGEST_LABEL = 27
MOST_LINES = 3
"""So many lines a problem may take; the rest is cut, and F1 has it whole."""


class Labelled(Base):
    """A mixin for a widget whose content is one line.

    The label stands left of it, or above where there is room; the problem, or else the note, stands below.
    """

    _room = (-1, 0, 0, 0, 0)

    label = ""
    problem = ""
    note = ""
    above = False
    rows = 1
    """How many lines its own content has; the label goes on over all of them."""
    label_width = 0
    known: Any = None
    """What the draft holds as far as this field knows: while it does, what stands here is on its way to the draft."""

    def lay(self, *, above: bool, label_width: int) -> None:
        """Put the label above, or to the left in so many cells."""
        self.above, self.label_width = above, label_width
        self._make_room()

    def tell(self, problem: str, note: str = "") -> None:
        """What is wrong with the value, or else what is known of it; empty texts take both away."""
        if (problem, note) != (self.problem, self.note):
            self.problem, self.note = problem, note
            self._make_room()
            self.refresh()

    @property
    def indent(self) -> int:
        """Where the line below the value begins."""
        return 0 if self.above else 2

    def _below(self) -> list[str]:
        """The lines below the value."""
        text = self.problem or self.note
        if not text:
            return []
        text = f"{sign('error')} {text}" if self.problem else text
        width = max(10, (self.outer_size.width or 52) - self.indent)
        lines = wrapped(plain(text), width)
        if len(lines) > MOST_LINES:
            lines = [*lines[: MOST_LINES - 1], cut(" ".join(lines[MOST_LINES - 1 :]), width)]
        return lines

    def _make_room(self) -> None:
        below = len(self._below())
        padding = (1 if self.above else 0, 0, below, 0 if self.above else self.label_width)
        if (*padding, self.rows) != self._room:
            self._room = (*padding, self.rows)
            self.styles.padding = padding
            self.styles.height = padding[0] + self.rows + below

    def _on_resize(self, event: Any) -> None:
        self._make_room()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The widget's own line, dressed with label, problem and note."""
        return [self._dressed(y, strip, crop) for y, strip in enumerate(super().render_lines(crop), crop.y)]

    def _dressed(self, y: int, strip: Strip, crop: Region) -> Strip:
        width = self.outer_size.width
        top = 1 if self.above else 0
        if y >= top + self.rows:
            below = self._below()
            line = below[y - top - self.rows] if y - top - self.rows < len(below) else ""
            colour = "error" if self.problem else "success"
            return self._painted(colour, " " * self.indent + line, width).crop(crop.x, crop.right)
        if self.above and y:
            return strip
        colour = "primary" if self._is_active() else "quiet"
        mark = sign("mark") if self._is_active() else " "
        if self.above:
            return self._painted(colour, cut(f"{mark}{self.label}", width), width).crop(crop.x, crop.right)
        lines = [self.label] if self.rows == 1 else wrapped(self.label, self.label_width - 2)
        text = f"{mark}{lines[y]}" if y < len(lines) else mark
        painted = self._painted(colour, cut(text, self.label_width - 1), self.label_width)
        own = strip.crop(max(0, self.label_width - crop.x))
        return Strip.join([painted.crop(crop.x), own]) if crop.x < self.label_width else strip

    def _is_active(self) -> bool:
        return self.has_focus

    def _painted(self, colour: str, text: str, width: int) -> Strip:
        style = ink(self, colour, bold=colour == "primary")
        strip = Strip([Segment(text.ljust(width), style)])
        for line_filter in self.get_line_filters():
            strip = strip.apply_filter(line_filter, self.background_colors[1])
        return strip.adjust_cell_length(width, style)


def cut(text: str, width: int) -> str:
    """`text` in at most so many cells, with a sign where it was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - len(sign("cut")))).rstrip() + sign("cut")


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text in so many cells; a word that is longer is broken, since paths are."""
    lines, line = [], ""
    pieces = [word[i : i + width] for word in text.split(" ") for i in range(0, max(1, len(word)), width)]
    for piece in pieces:
        if line and len(line) + 1 + len(piece) > width:
            lines.append(line)
            line = piece
        else:
            line = f"{line} {piece}" if line else piece
    return [*lines, line] if line else lines
