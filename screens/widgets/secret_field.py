"""A field for a password: never the password itself, only where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Button, Input, Select

from screens.model import values
from screens.widgets.labelled import Labelled

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from wizard.profile.fields import Key
    from wizard.profile.lines import Place


class SecretField(Labelled, Horizontal):
    """The kind of reference, its argument, and a button that tries it."""

    class Changed(Message):
        """Another reference; None where it is not whole."""

        def __init__(self, field: SecretField, value: Any) -> None:
            super().__init__()
            self.field = field
            self.value = value

    class TestWanted(Message):
        """Somebody wants to know whether the password works."""

        def __init__(self, field: SecretField) -> None:
            super().__init__()
            self.field = field

    def __init__(self, field: Key, place: Place, value: Any, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self.field = field
        self.place = place
        self.label = field.title
        self.value = value

    def compose(self) -> ComposeResult:
        kind, argument = values.reference_parts(self.value)
        yield Select(
            [(word, kind) for kind, word in values.REFERENCES.items()],
            value=kind,
            allow_blank=False,
            compact=True,
        )
        argument_input = Input(argument, values.ARGUMENTS[kind], compact=True, select_on_focus=False)
        argument_input.cursor_blink = False
        argument_input.disabled = kind == "prompt"
        yield argument_input
        yield Button("test it now" if self.above else "test", compact=True)

    def lay(self, *, above: bool, label_width: int) -> None:
        """In a narrow form the kind stands over the argument."""
        self.rows = 1 if above else 2
        self.set_class(not above, "-two-lines")
        for button in self.query(Button):
            button.label = "test it now" if above else "test"
        super().lay(above=above, label_width=label_width)

    def _is_active(self) -> bool:
        return self.has_focus_within

    @property
    def kind(self) -> values.ReferenceKind:
        return self.query_one(Select).value  # type: ignore[return-value]

    def show(self, value: Any) -> None:
        """Show a reference that was not chosen here; nobody is told of a change."""
        kind, argument = values.reference_parts(value)
        with self.prevent(Select.Changed, Input.Changed):
            self.query_one(Select).value = kind
            self.query_one(Input).value = argument
        self._fit(kind)

    def _fit(self, kind: values.ReferenceKind) -> None:
        argument = self.query_one(Input)
        argument.placeholder = values.ARGUMENTS[kind]
        argument.disabled = kind == "prompt"

    def on_select_changed(self, event: Select.Changed) -> None:
        event.stop()
        self._fit(self.kind)
        self._say()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._say()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.TestWanted(self))

    def _say(self) -> None:
        value = values.reference(self.kind, self.query_one(Input).value)
        if value != self.value:
            self.value = value
            self.post_message(self.Changed(self, value))
