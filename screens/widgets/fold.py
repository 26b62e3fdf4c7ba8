"""The line that the advanced fields of a step are folded into, with the values that are in effect."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from screens.signs import plain, sign
from screens.widgets.labelled import cut


class Fold(Widget, can_focus=True):
    """`▸ Advanced`, and below it a line for each field; Enter or a click opens it."""

    ABOUT = "These fields have values that fit most pairs. Enter shows them."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,right,left", "unfold", "show or hide", show=False)
    ]

    shown: reactive[tuple[list[tuple[str, str]], bool]] = reactive(([], False), layout=True)
    """The titles and the values in effect; and whether the fields are open, so that only the head shows."""

    class Toggled(Message):
        """The user wants to see the advanced fields, or to hide them."""

    def __init__(self, alone: bool) -> None:
        """`alone`: the step has no other fields."""
        super().__init__()
        self._alone = alone

    def _lines(self, width: int) -> list[tuple[str, str]]:
        values, is_open = self.shown
        mark, bold = (sign("mark"), "bold $primary") if self.has_focus else (" ", "bold $secondary")
        what = "hides them" if is_open else "changes them"
        head = f"{mark}{sign('opened' if is_open else 'here')} Advanced: {len(values)} fields"
        lines = [(cut(f"{head}, Enter {what}", width), bold)]
        if self._alone and not is_open:
            lines[:0] = [(" Nothing to fill in: these values fit every pair.", "$foreground"), ("", "")]
        if not is_open:
            wide = max((len(title) for title, _ in values), default=0) + 1
            lines += [
                (cut(f"   {plain(title):<{wide}}{plain(value)}", width), "$quiet") for title, value in values
            ]
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(Content.styled(*line) for line in self._lines(self.size.width))

    def action_unfold(self) -> None:
        self.post_message(self.Toggled())

    on_click = action_unfold
