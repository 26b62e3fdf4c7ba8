"""A field of a form where one of a few things is chosen."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from screens.signs import sign
from screens.theme import ink
from screens.widgets.labelled import Labelled
from wizard.profile.document import Place
from wizard.profile.fields import Key


class Choice(Labelled, Widget, can_focus=True):
    """Words on one line, one of them chosen: `(•) wizard  ( ) server  ( ) dba`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "step(-1)", "the one before", show=False),
        Binding("right,down,space", "step(1)", "the next one", show=False),
        Binding("enter", "app.focus_next", "the next field", show=False),
    ]

    class Changed(Message):
        """The user chose `value`."""

        def __init__(self, choice: Choice, value: Any) -> None:
            super().__init__()
            self.choice, self.value = choice, value

    def __init__(self, field: Key, place: Place, options: list[tuple[str, Any]], value: Any) -> None:
        """Offer `options`, each a word and its value; an absent value shows the default."""
        super().__init__()
        self.field, self.place, self.options, self.value = field, place, options, value

    @property
    def shown(self) -> int | None:
        """The number of the option that holds: the chosen one, else the default; None for a wrong value."""
        value = self.field.default if self.value is None else self.value
        for number, (_, option) in enumerate(self.options):
            if option == value and type(option) is type(value):
                return number
        return None

    def show(self, value: Any) -> None:
        """Show a value that was not chosen here; no message is posted."""
        self.value = value
        self.refresh()

    def take(self, text: str) -> None:
        wanted = text.casefold()
        for number, (word, value) in enumerate(self.options):
            if wanted in {word.casefold(), str(value).casefold()}:
                self.choose(number)

    def action_step(self, by: int) -> None:
        shown = self.shown
        self.choose((shown + by) % len(self.options) if shown is not None else 0)

    def choose(self, number: int) -> None:
        """Take the option of that number."""
        value = self.options[number][1]
        if number != self.shown or self.value is None:
            self.value = value
            self.refresh()
            self.post_message(self.Changed(self, value))

    def _parts(self) -> tuple[list[str], str]:
        """Each option as it is shown, and the blanks between two: fewer where space is short."""
        marks = [sign("chosen") if number == self.shown else " " for number in range(len(self.options))]
        wide = sum(len(word) + 6 for word, _ in self.options) - 2 <= self.size.width
        behind = " " if wide else ""
        words = [f"({mark}){behind}{word}" for mark, (word, _) in zip(marks, self.options, strict=True)]
        return words, "  " if wide else " "

    def on_click(self, event: events.Click) -> None:
        offset, at = event.get_content_offset(self), 0
        words, between = self._parts()
        for number, word in enumerate(words):
            if offset is not None and at <= offset.x < at + len(word):
                self.choose(number)
            at += len(word) + len(between)

    def render_line(self, y: int) -> Strip:
        base, segments = ink(self, "foreground"), []
        words, between = self._parts()
        for number, word in enumerate(words):
            chosen = number == self.shown
            colour = "quiet" if not chosen else "foreground" if self.value is None else "primary"
            style = ink(self, colour, bold=chosen and self.value is not None)
            segments += [Segment(word, style), Segment(between, base)]
        return Strip(segments).adjust_cell_length(self.size.width, base)
