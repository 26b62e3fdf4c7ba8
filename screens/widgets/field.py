"""A field of a form where something is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets._input import Input

from screens.widgets.labelled import Labelled

if TYPE_CHECKING:
    from textual.widget import Widget

    from screens.draft import Place
    from screens.outline import Field


class TextField(Labelled, Input):
    """One line of text: a name, a number, a path."""

    def __init__(self, field: Field, place: Place, text: str, placeholder: str, ink: Widget) -> None:
        super().__init__(text, placeholder, compact=True, select_on_focus=False)
        self.field = field
        self.place = place
        self.ink = ink
        self.label = field.title
        # A cursor that stands still costs nothing over a slow line, and makes the same picture twice.
        self.cursor_blink = False

    def show(self, text: str) -> None:
        """Show a value that did not come from the keyboard; nobody is told of a change."""
        if text != self.value:
            with self.prevent(Input.Changed):
                self.value = text
                self.cursor_position = len(text)

    async def action_submit(self) -> None:
        """Enter goes on to the next field."""
        self.screen.focus_next()
