"""What is shown above a screen: a question with its answers as buttons, a box where something is typed, a notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Static

from screens.signs import plain, sign
from screens.theme import SMALLEST, is_enough

T = TypeVar("T")


class Box(ModalScreen[T]):
    """A box with a title, its content, and buttons; Escape closes it."""

    CSS_PATH = Path(__file__).with_name("ask.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", show=False)]
    KIND: ClassVar[type[Widget]] = Vertical

    def __init__(self, title: str, buttons: Iterable[tuple[str, str]] = (), subtitle: str = "") -> None:
        """Show these buttons, each an id and what is written on it."""
        super().__init__()
        self._title, self._buttons, self._subtitle = title, list(buttons), subtitle

    def compose(self) -> ComposeResult:
        with self.KIND(classes="box") as box:
            box.border_title, box.border_subtitle = plain(self._title), self._subtitle
            yield from self.content()
            if self._buttons:
                with Horizontal(classes="buttons"):
                    for id, label in self._buttons:
                        yield Button(label, id=id, compact=True)

    def content(self) -> ComposeResult:
        raise NotImplementedError

    def action_close(self) -> None:
        self.dismiss(None)


class Ask(Box[str]):
    """Gives the id of the answer; Escape gives the first one, which is always the harmless one."""

    AUTO_FOCUS = "Button"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,down", "app.focus_next", "next", show=False),
        Binding("left,up", "app.focus_previous", "previous", show=False),
    ]

    def __init__(self, title: str, text: str, answers: Mapping[str, str]) -> None:
        """Offer these answers, each an id and what is written on its button."""
        super().__init__(title, answers.items())
        self._text = text

    def content(self) -> ComposeResult:
        yield Static("\n".join(map(plain, self._text.split("\n"))), markup=False, classes="text")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id or self._buttons[0][0])

    def action_close(self) -> None:
        self.dismiss(self._buttons[0][0])


class Entry(Box[T | None]):
    """A text, fields, and below them what is wrong with what was entered; gives None where the user gives up."""

    def __init__(self, title: str, text: str, use: str, cancel: str = "cancel", subtitle: str = "") -> None:
        """`use` and `cancel` are written on the buttons."""
        super().__init__(title, [("cancel", cancel), ("use", use)], subtitle)
        self._text = text

    def content(self) -> ComposeResult:
        yield Static(self._text, markup=False, classes="text")
        yield from self.fields()
        yield Static("", markup=False, classes="result")

    def fields(self) -> Iterable[Widget]:
        raise NotImplementedError

    def action_use(self) -> object:
        raise NotImplementedError

    @property
    def result(self) -> Static:
        return self.query_one(".result", Static)

    def refuse(self, problem: str) -> None:
        self.result.update(f"{sign('error')} {plain(problem)}")

    def on_input_submitted(self) -> None:
        self.action_use()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "use":
            self.action_use()
        else:
            self.action_close()


class TooSmall(ModalScreen[None]):
    """Says how much room is needed; goes away by itself when there is enough."""

    DEFAULT_CSS = """
    TooSmall { align: center middle; background: $background; }
    TooSmall Static { width: auto; height: auto; text-align: center; }
    """

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)

    def on_screen_resume(self) -> None:
        """What was asked above this screen is answered: there may be enough room by now."""
        if is_enough(self.app.size):
            self.dismiss(None)

    def on_resize(self, event: events.Resize) -> None:
        columns, rows = SMALLEST
        self.query_one(Static).update(
            f"This terminal is too small.\n\nIt has {event.size.width}x{event.size.height}, and "
            f"{columns}x{rows} are needed.\nMake it larger, or leave with Ctrl+Q:\nnothing is lost."
        )
