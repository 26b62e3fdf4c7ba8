"""A question in the middle of the screen, with its answers as buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from screens.signs import plain

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Ask(ModalScreen[str]):
    """Gives the id of the answer; Escape gives the first one, which is always the harmless one."""

    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "Button"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "first", "no", show=False),
        Binding("right,down", "app.focus_next", "next", show=False),
        Binding("left,up", "app.focus_previous", "previous", show=False),
    ]

    def __init__(self, title: str, text: str, choices: list[tuple[str, str]]) -> None:
        """Ask with these answers, each an id and what stands on its button."""
        super().__init__()
        self._title, self._text, self._choices = title, text, choices

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = plain(self._title)
            text = "\n".join(map(plain, self._text.split("\n")))
            yield Static(text, markup=False, classes="text")
            with Horizontal(classes="buttons"):
                for id, label in self._choices:
                    yield Button(label, id=id, compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id or self._choices[0][0])

    def action_first(self) -> None:
        self.dismiss(self._choices[0][0])
