"""A home that was configured by hand, read back: what it says of each field, and what could not be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wizard.secrets import Secret

if TYPE_CHECKING:
    from wizard.pack import Pack


class Reading:
    """What one home says.  Steps fill it: `say` for the pair's fields, `own` for the node's, `note` for doubts."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.shared: dict[str, Any] = {}
        self.node: dict[str, Any] = {}
        self.notes: list[tuple[str, str]] = []

    def say(self, field: str, value: Any) -> None:
        """A field of the pair, by its dotted name.  Two values in one home are a doubt; the first counts."""
        if field in self.shared and self.shared[field] != value:
            shown = "another value" if isinstance(value, Secret) else repr(value)
            self.note(field, f"stands there twice, also as {shown}")
            return
        self.shared[field] = value

    def own(self, field: str, value: Any) -> None:
        """A field of this node."""
        self.node[field] = value

    def note(self, field: str, text: str) -> None:
        """What was missing, contradictory or not understood; a comment at that field."""
        if (field, text) not in self.notes:
            self.notes.append((field, text))

    def number(self, field: str, text: str | None, *, own: bool = False) -> None:
        """A field that is a whole number."""
        if text is None:
            return
        if text.strip().isdigit():
            (self.own if own else self.say)(field, int(text))
        else:
            self.note(field, f"is no number there: {text.strip()!r}")

    def switch(self, field: str, text: str | None) -> None:
        """A field that is true or false."""
        if text is None:
            return
        if text.strip().lower() in {"true", "false"}:
            self.say(field, text.strip().lower() == "true")
        else:
            self.note(field, f"is neither true nor false there: {text.strip()!r}")
