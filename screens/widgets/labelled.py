"""What every field of a form has in common: its label, its problem, and what is known of its value.

A widget draws all of that itself, in its padding, around its own line: a form of a dozen fields is a dozen widgets
and not sixty, which halves the time until it is painted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from screens.signs import plain, sign
from screens.theme import ink
from wizard.profile.document import Place
from wizard.profile.fields import Key

if TYPE_CHECKING:
    Base = Widget
else:
    Base = object  # Textual takes the style and the focus of a widget from its first base that is one

LONGEST_LABEL = 27


class Labelled(Base):
    """A mixin for a widget whose content is one line.

    The label is left of it; the line below it is always there, for the problem or else the note.
    """

    field: Key
    place: Place
    problem = ""
    note = ""
    is_required = False
    label_width = 0
    known: Any = None
    """The value of the profile that this field shows."""
    on_change: Callable[[Any], None] | None = None
    """Takes what the user makes of the value, at once: no message is under way that a key could overtake."""

    def lay(self, label_width: int, *, is_required: bool = False) -> None:
        """Give the label so many cells, and mark it as required."""
        self.label_width, self.is_required = label_width, is_required
        self._make_room()

    def change(self, value: Any) -> None:
        """Give the profile the value that the user chose or typed."""
        self.known = value
        if self.on_change is not None:
            self.on_change(value)

    def show(self, value: Any) -> None:
        raise NotImplementedError

    def describe(self, problem: str, note: str = "") -> None:
        """Say what is wrong with the value, or else what is known of it; empty texts remove both."""
        if (problem, note) != (self.problem, self.note):
            self.problem, self.note = problem, note
            self._make_room()
            self.refresh()

    def take(self, text: str) -> None:
        raise NotImplementedError

    def _below(self) -> list[str]:
        """The lines below the value: one for the note, or as many as the problem needs."""
        width = max(10, (self.outer_size.width or 52) - self.label_width)
        if not self.problem:
            return [cut(plain(self.note), width)]
        return wrapped(plain(f"{sign('error')} {self.problem}"), width)

    def _make_room(self) -> None:
        padding = (0, 0, len(self._below()), self.label_width)
        if padding != self.styles.padding:
            self.styles.padding = padding
            self.styles.height = 1 + padding[2]

    def on_resize(self) -> None:
        self._make_room()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The widget's own line with the label beside it, then the problem or the note."""
        return [
            self._with_label(y, strip, crop) for y, strip in enumerate(super().render_lines(crop), crop.y)
        ]

    def _with_label(self, y: int, strip: Strip, crop: Region) -> Strip:
        width = self.outer_size.width
        if y:
            below = self._below()
            line = below[y - 1] if y <= len(below) else ""
            colour = "error" if self.problem else "success"
            return self._painted(colour, " " * self.label_width + line, width).crop(crop.x, crop.right)
        active = self.has_focus_within
        mark = sign("mark") if active else " "
        star = " *" if self.is_required else ""
        text = f"{mark}{cut(self.field.title, self.label_width - 2 - len(star))}{star}"
        label = self._painted("primary" if active else "quiet", text, self.label_width)
        own = strip.crop(max(0, self.label_width - crop.x))
        return Strip.join([label.crop(crop.x), own]) if crop.x < self.label_width else strip

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


def cut_left(text: str, width: int) -> str:
    """The end of `text` in at most so many cells, as paths are cut: their last part says most."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - len(sign("cut")):
        text = text[1:]
    return sign("cut") + text


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
