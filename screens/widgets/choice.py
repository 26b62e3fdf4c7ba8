"""A field of a form where one of a few things is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from screens.signs import sign
from screens.theme import ink
from screens.widgets.labelled import Labelled

if TYPE_CHECKING:
    from textual import events

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
            self.choice = choice
            self.value = value

    def __init__(
        self,
        field: Key,
        place: Place,
        options: list[tuple[str, Any]],
        value: Any,
    ) -> None:
        """Offer `options`, each a word and its value; an absent value shows the default."""
        super().__init__()
        self.field = field
        self.place = place
        self.options = options
        self.value = value

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

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for number, (start, end) in enumerate(self._spans()):
            if start <= offset.x < end:
                self.choose(number)

    def _spans(self) -> list[tuple[int, int]]:
        """Where each option begins and ends."""
        spans, at = [], 0
        mark, gap = self._spacing()
        for word, _ in self.options:
            spans.append((at, at + len(word) + 3 + mark))
            at += len(word) + 3 + mark + gap
        return spans

    def _spacing(self) -> tuple[int, int]:
        """Blanks behind a mark and between two options: fewer where space is short."""
        needed = sum(len(word) + 6 for word, _ in self.options) - 2
        return (1, 2) if needed <= self.size.width else (0, 1)

    def render_line(self, y: int) -> Strip:
        base = ink(self, "foreground")
        behind, between = self._spacing()
        segments = []
        for number, (word, _) in enumerate(self.options):
            chosen = number == self.shown
            mark = sign("chosen") if chosen else " "
            colour = "quiet" if not chosen else "foreground" if self.value is None else "primary"
            style = ink(self, colour, bold=chosen and self.value is not None)
            segments += [Segment(f"({mark}){' ' * behind}{word}", style), Segment(" " * between, base)]
        return Strip(segments).adjust_cell_length(self.size.width, base)
