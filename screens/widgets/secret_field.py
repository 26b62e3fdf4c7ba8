"""A field for a password: it is typed once and kept elsewhere, or a reference says where it is."""

from __future__ import annotations

import os
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Button, Input, Select

from screens.model import values
from screens.widgets.field import Line, Pasted
from screens.widgets.labelled import Labelled
from wizard.profile.document import Place
from wizard.profile.fields import Key


class Masked(Line):
    """A line that shows dots while `password` is set; what it holds goes to no clipboard."""

    def __init__(self, text: str, placeholder: str, *, masked: bool = True) -> None:
        super().__init__(text, placeholder, password=masked)

    def on_paste(self, event: events.Paste) -> None:
        """As for every field, but a blank may belong to a password."""
        event.prevent_default()
        event.stop()
        first, *rest = values.pasted(event.text) or [""]
        self.replace(event.text.strip("\r\n") if self.password and not rest else first, *self.selection)
        if rest:
            self.post_message(Pasted(rest))

    def action_copy(self) -> None:
        if not self.password:
            super().action_copy()

    def action_cut(self) -> None:
        if self.password:
            self.delete_selection()
        else:
            super().action_cut()


class SecretField(Labelled, Horizontal):
    """The password or the argument of its reference, the kind of reference, and a button that tests it."""

    class FieldMessage(Message, verbose=True):
        """Something about `field`; what is typed is not part of a message."""

        def __init__(self, field: SecretField) -> None:
            super().__init__()
            self.field = field

    class Changed(FieldMessage):
        """Another reference, or None where it is incomplete, is the value of the field."""

    class Typed(FieldMessage):
        """A password was typed, and is to be kept."""

    def __init__(self, field: Key, place: Place, value: Any) -> None:
        super().__init__()
        self.field = field
        self.place = place
        self.value = value
        self.kind, self._argument = values.reference_parts(value)

    def compose(self) -> ComposeResult:
        yield Masked(self._argument, "", masked=self.kind == "typed")
        yield Select(
            [(word, kind) for kind, word in values.REFERENCES.items()],
            value=self.kind,
            allow_blank=False,
            compact=True,
        )
        yield Button("test", compact=True)

    def on_mount(self) -> None:
        self._fit()

    def show(self, value: Any) -> None:
        """Show a reference that was not chosen here; no message is posted."""
        self.value = value
        self.kind, argument = values.reference_parts(value)
        with self.prevent(Select.Changed, Input.Changed):
            self.query_one(Select).value = self.kind
            self.query_one(Masked).value = argument
        self._fit()

    def take(self, text: str) -> None:
        self.query_one(Masked).value = text
        self.leave()

    def leave(self) -> None:
        """The field is left: what was typed is kept."""
        if self.kind == "typed" and self.query_one(Masked).value:
            self.post_message(self.Typed(self))

    def taken(self) -> str:
        """What was typed, once: it is not in the field any more."""
        line = self.query_one(Masked)
        text = line.value
        with self.prevent(Input.Changed):
            line.value = ""
        return text

    def _fit(self) -> None:
        line = self.query_one(Masked)
        line.password = self.kind == "typed"
        is_kept = self.kind == "typed" and self.value is not None
        line.placeholder = "saved" if is_kept else values.ARGUMENTS[self.kind]
        line.disabled = self.kind == "prompt"
        self.describe(self.problem, self._what_is_known())

    def _what_is_known(self) -> str:
        match self.value:
            case {"env": str(name)} if name not in os.environ:
                return "not set here: type it with F7"
            case {"prompt": True}:
                return "type it now with F7"
            case {"file": str(path)} if self.kind == "typed":
                return f"in {path.replace(os.path.expanduser('~'), '~', 1)}"
            case {"keyring": str(entry)} if self.kind == "typed":
                return f"in the keyring: {entry}"
        return ""

    def on_select_changed(self, event: Select.Changed) -> None:
        event.stop()
        kind: Any = event.value
        if kind == self.kind:
            return
        self.kind = kind
        with self.prevent(Input.Changed):
            self.query_one(Masked).value = ""
        self._update()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.kind != "typed":
            self._update()

    def enter(self) -> None:
        """Enter was pressed: without a text it may mean that the password is empty."""
        if self.kind == "typed" and self.value is None and not self.query_one(Masked).value:
            self.post_message(self.Typed(self))

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        await self.run_action("screen.test")

    def _update(self) -> None:
        value = values.reference(self.kind, self.query_one(Masked).value)
        if value != self.value:
            self.value = value
            self.post_message(self.Changed(self))
        self._fit()
