"""A field of a form where something is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.segment import Segment
from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input

from screens.model import values
from screens.signs import plain
from screens.theme import ink
from screens.widgets.labelled import Labelled, cut

if TYPE_CHECKING:
    from textual import events

    from wizard.profile.document import Place
    from wizard.profile.fields import Key


class Pasted(Message):
    """A text with several values: one for the field that it was pasted into, the others for the fields after it."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self.texts = texts


EDITING = {
    key: binding.action
    for binding in Input.BINDINGS
    if isinstance(binding, Binding) and binding.action != "submit"
    for key in binding.key.split(",")
}
"""The keys that edit a line, and what they do."""


class Line(Input):
    """An input that takes its keys in the order in which they were typed."""

    def __init__(self, text: str, placeholder: str, **given: Any) -> None:
        super().__init__(text, placeholder, select_on_focus=False, compact=True, **given)
        # A cursor that does not blink costs nothing over a slow line, and makes the same picture twice.
        self.cursor_blink = False

    def show_cursor(self, position: int) -> None:
        """Put the cursor there, and the part of the value around it in sight."""
        self.cursor_position = 0
        self.cursor_position = position

    def on_resize(self) -> None:
        if self.has_focus:
            self.show_cursor(self.cursor_position)

    async def on_key(self, event: events.Key) -> None:
        """As a binding, a key that edits would overtake no letter, but letters it: `a`, Backspace, `b` would be `a`."""
        action = EDITING.get(event.key)
        if action is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)


class TextField(Labelled, Line):
    """One line of text: a name, a number, a path."""

    def __init__(self, field: Key, place: Place, text: str, placeholder: str) -> None:
        super().__init__(text, placeholder)
        self.field = field
        self.place = place

    def show(self, value: object) -> None:
        """Show a value that did not come from the keyboard; no message is posted."""
        if values.from_text(self.field, self.value) != value:
            with self.prevent(Input.Changed):
                self.value = values.to_text(self.field, value)
                self.cursor_position = len(self.value)

    def take(self, text: str) -> None:
        self.value = text
        self.cursor_position = len(text)

    def on_paste(self, event: events.Paste) -> None:
        """Drop the blanks and line ends around what was pasted; a tab or a line end inside begins the next field."""
        event.prevent_default()
        event.stop()
        first, *rest = values.pasted(event.text) or [""]
        self.replace(first, *self.selection)
        if rest:
            self.post_message(Pasted(rest))

    def on_focus(self) -> None:
        """Begin at the end of the value, where a path says most."""
        self.show_cursor(len(self.value))

    async def action_submit(self) -> None:
        """Enter goes to the next field."""
        self.screen.focus_next()

    def render_line(self, y: int) -> Strip:
        """What is not printable would be a command for the terminal; an example is cut, not wrapped."""
        if not self.value and not y:
            width = self.scrollable_content_region.width
            text, faint = plain(cut(self.placeholder, width)) or " ", ink(self, "quiet", "surface")
            under = ink(self, "background", "foreground") if self.has_focus else faint
            return Strip([Segment(text[:1], under), Segment(text[1:], faint)]).adjust_cell_length(
                width, faint
            )
        strip = super().render_line(y)
        if self.value.isprintable():
            return strip
        return Strip(
            [
                Segment("".join(c if c.isprintable() else "?" for c in piece.text), piece.style)
                for piece in strip
            ]
        )
