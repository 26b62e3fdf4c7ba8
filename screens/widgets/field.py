"""A field of a form where something is typed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.geometry import Offset
from textual.strip import Strip
from textual.widgets import Input
from textual.widgets.input import Selection

from screens.signs import plain
from screens.theme import ink
from screens.widgets.labelled import Labelled, cut

if TYPE_CHECKING:
    from wizard.profile.fields import Key
    from wizard.profile.lines import Place


class TextField(Labelled, Input):
    """One line of text: a name, a number, a path.

    It paints its line itself: that is less than half of the work, for each field and each key.
    """

    @classmethod
    def _get_component_classes(cls) -> frozenset[str]:  # type: ignore[override]
        """None: what it paints with comes from the palette."""
        return frozenset()

    def __init__(
        self, field: Key, place: Place, text: str, placeholder: str, classes: str | None = None
    ) -> None:
        super().__init__(text, placeholder, select_on_focus=False, classes=classes)
        self.field = field
        self.place = place
        self.label = field.title
        # A cursor that stands still costs nothing over a slow line, and makes the same picture twice.
        self.cursor_blink = False

    # --- scrolling --------------------------------------------------------------------------------
    # `Input` scrolls by a virtual size that changes with each key, and each change lays out the whole screen anew.

    _left = 0
    """The cell of the value that stands at the left edge."""

    @property
    def scroll_offset(self) -> Offset:
        return Offset(self._left, 0)

    def _follow(self) -> None:
        """Keep the cursor in sight."""
        width = self.scrollable_content_region.width
        cell = self._position_to_cell(self.cursor_position)
        if width:
            self._left = max(0, min(self._left, cell), cell - width + 1)

    def _watch_value(self, value: str) -> None:
        self._suggestion = ""
        if self.suggester is not None and value:
            self.run_worker(self.suggester._get_suggestion(self, value))
        self.post_message(self.Changed(self, value, None))
        if self._initial_value:
            self._initial_value = False
            self.cursor_position = len(value)
        else:
            self.selection = self.selection  # within the new length

    def _watch_selection(self, selection: Selection) -> None:
        self.app.clear_selection()
        self._follow()
        self.app.cursor_position = self.cursor_screen_offset

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
        self._follow()
        strip = Strip(self._pieces(cursor, ground))
        left = self._left if self.has_focus else 0
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
