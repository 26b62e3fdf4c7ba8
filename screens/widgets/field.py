"""A field of a form where something is typed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets._input import Input

from screens.signs import plain
from screens.theme import ink
from screens.widgets.labelled import Labelled, cut

if TYPE_CHECKING:
    from screens.draft import Place
    from screens.outline import Field


class TextField(Labelled, Input):
    """One line of text: a name, a number, a path.

    It paints its line itself: that is less than half of the work, for each field and each key.
    """

    @classmethod
    def _get_component_classes(cls) -> frozenset[str]:  # type: ignore[override]
        """None: what it paints with comes from the palette."""
        return frozenset()

    def __init__(
        self, field: Field, place: Place, text: str, placeholder: str, classes: str | None = None
    ) -> None:
        super().__init__(text, placeholder, select_on_focus=False, classes=classes)
        self.field = field
        self.place = place
        self.label = field.title
        # A cursor that stands still costs nothing over a slow line, and makes the same picture twice.
        self.cursor_blink = False

    def validate(self, value: str) -> None:
        """The profile's own rules judge it, beside the screen."""

    def show(self, text: str) -> None:
        """Show a value that did not come from the keyboard; nobody is told of a change."""
        if text != self.value:
            with self.prevent(Input.Changed):
                self.value = text
                self.cursor_position = len(text)

    async def action_submit(self) -> None:
        """Enter goes on to the next field."""
        self.screen.focus_next()

    def render_line(self, y: int) -> Strip:
        ground = "raised" if self.has_focus else "surface"
        base = ink(self, "foreground", ground)
        width = self.scrollable_content_region.width
        if y or not width:
            return Strip.blank(self.size.width, base)
        cursor = self.cursor_position if self.has_focus else -1
        if not self.value:
            text = plain(cut(self.placeholder, width)) or " "
            faint = ink(self, "quiet", ground)
            under = ink(self, "background", "foreground") if cursor == 0 else faint
            segments = [Segment(text[:1], under), Segment(text[1:], faint)]
            return Strip(segments).adjust_cell_length(width, base)
        strip = Strip(self._pieces(cursor, ground))
        left = self.scroll_offset.x
        return strip.crop(left, left + width).adjust_cell_length(width, base)

    def _pieces(self, cursor: int, ground: str) -> list[Segment]:
        """The value in pieces of one style each: selected, under the cursor, or neither; then the completion."""
        text = "".join(c if c.isprintable() else "?" for c in self.value)
        start, end = sorted(self.selection) if cursor >= 0 else (0, 0)
        text += " " if cursor == len(text) else ""
        edges = sorted({0, start, end, len(text), *((cursor, cursor + 1) if cursor >= 0 else ())})
        pieces = []
        for left, right in pairwise(edges):
            if left == cursor:
                style = ink(self, "background", "foreground")
            elif start <= left < end:
                style = ink(self, "on-primary", "primary")
            else:
                style = ink(self, "foreground", ground)
            pieces.append(Segment(text[left:right], style))
        rest = self._suggestion[len(self.value) :] if cursor >= len(self.value) else ""
        if rest:
            pieces[-1] = Segment(rest[:1], ink(self, "background", "foreground"))
            pieces.append(Segment(rest[1:], ink(self, "quiet", ground)))
        return pieces
