"""The line that the advanced fields of a step are folded into, with the values that are in effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from screens.signs import plain, sign
from screens.widgets.labelled import cut

if TYPE_CHECKING:
    from textual.geometry import Size


class Fold(Widget, can_focus=True):
    """`▸ Advanced`, and below it a line for each field; Enter or a click opens it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,right,left", "unfold", "show or hide", show=False)
    ]

    class Toggled(Message):
        """The user wants to see the advanced fields, or to hide them."""

    def __init__(self, alone: bool) -> None:
        """`alone`: the step has no other fields."""
        super().__init__()
        self._alone = alone
        self._values: list[tuple[str, str]] = []
        self._open = False

    def show(self, values: list[tuple[str, str]], *, is_open: bool) -> None:
        """Show the titles and values in effect, or only the head over the open fields."""
        if (values, is_open) != (self._values, self._open):
            self._values, self._open = values, is_open
            self.refresh(layout=True)

    def _lines(self, width: int) -> list[tuple[str, str]]:
        mark, bold = (sign("mark"), "bold $primary") if self.has_focus else (" ", "bold $secondary")
        what = "hides them" if self._open else "changes them"
        head = f"{mark}{sign('opened' if self._open else 'here')} Advanced: {len(self._values)} fields"
        lines = [(cut(f"{head}, Enter {what}", width), bold)]
        if self._alone and not self._open:
            lines[:0] = [(" Nothing to fill in: these values fit every pair.", "$foreground"), ("", "")]
        if not self._open:
            wide = max((len(title) for title, _ in self._values), default=0) + 4
            lines += [
                (cut(f"   {plain(title):<{wide - 3}}{plain(value)}", width), "$quiet")
                for title, value in self._values
            ]
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(Content.styled(*line) for line in self._lines(self.size.width))

    def action_unfold(self) -> None:
        self.post_message(self.Toggled())

    def on_click(self) -> None:
        self.post_message(self.Toggled())
