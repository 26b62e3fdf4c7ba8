"""The fields of a form where something is typed; one for a path completes what was begun, and says what is there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Input

from screens.model import paths, values
from screens.model.background import PATIENCE, beside, typed_in
from screens.signs import plain
from screens.theme import ink
from screens.widgets.labelled import Labelled, cut, cut_left
from wizard.profile.document import Place
from wizard.profile.fields import Key

PAUSE = 0.15
"""Seconds without a key before the disk is read."""


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


class PathSuggester(Suggester):
    """Completion from the disk."""

    def __init__(self, key: str, folder: Path) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._key, self._folder = key, folder

    async def get_suggestion(self, value: str) -> str | None:
        return await beside(lambda: paths.completion(self._key, value, self._folder), "completion")


class PathField(TextField):
    """One line for a path; Tab completes it while there is something to complete, Right takes the suggestion."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f3", "screen.pick", "choose", show=False)]

    _looking: Timer | None = None
    _folder: Path | None = None

    def look_from(self, folder: Path) -> None:
        """Relative paths count from `folder`; read what is at the path that the field holds now."""
        self._folder = folder
        self.suggester = PathSuggester(self.field.key, folder)
        self._look_soon()

    def watch_value(self) -> None:
        self._look_soon()

    def _look_soon(self) -> None:
        if self._folder is None:
            return
        if self._looking is not None:
            self._looking.stop()
        self._looking = self.set_timer(PAUSE, self._look)

    async def _look(self) -> None:
        text, folder = self.value, self._folder
        if folder is None:
            return
        found = await beside(lambda: paths.about(self.field.key, text, folder), "path") if text else ""
        if text == self.value:
            self.describe(self.problem, found)

    async def completed(self) -> bool:
        """Complete as far as the disk leaves one choice; gives whether there was anything to complete."""
        await typed_in(self)
        text, folder, longer = self.value, self._folder, None
        if folder is not None and text and self.cursor_position == len(text):
            look = beside(lambda: paths.certain_completion(self.field.key, text, folder), "completion")
            try:
                longer = await asyncio.wait_for(look, PATIENCE)
            except TimeoutError:
                longer = None
        if longer is None or len(longer) <= len(text):
            return False
        self.take(longer)
        return True

    def render_line(self, y: int) -> Strip:
        """A path that is too long is cut at the left, unless it is being edited."""
        width = self.scrollable_content_region.width
        if y or self.has_focus or len(self.value) <= width or not self.value.isprintable():
            return super().render_line(y)
        style = ink(self, "foreground", "surface")
        return Strip([Segment(cut_left(self.value, width), style)]).adjust_cell_length(width, style)
