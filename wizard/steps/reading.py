"""A home that was configured by hand, read back: what it says of each field, and what could not be understood."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wizard.edit.edits import shown
from wizard.passwords.secret import Secret
from wizard.profile.fields import keys
from wizard.system.printable import quoted

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.pack.xml import Element

_NUMBER = re.compile(r"[+-]?[0-9]{1,12}")
_LONGEST = 120
"""Characters of a value that a note quotes."""


class Reading:
    """What one home says.  The steps fill it, by the dotted names of the fields; `nodes.…` is this node's own.

    `values` holds what fields say, `facts` what the home says besides (members, roles, the partner's view), `notes`
    what was missing, contradictory or not understood, each with the field that it belongs to.
    """

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.values: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}
        self.notes: list[tuple[str, str]] = []

    def say(self, field: str, value: Any, *, by: str = "another place") -> None:
        """A field's value.  If one home holds two values, the first counts and a note names `by` for the second."""
        if field in self.values and self.values[field] != value:
            self.note(field, f"{by} says {describe(value)}")
            return
        self.values[field] = value

    def note(self, field: str, text: str) -> None:
        """What was missing, contradictory or not understood; becomes a comment at that field."""
        if (field, text) not in self.notes:
            self.notes.append((field, text))

    def take(
        self, field: str, elements: Sequence[Element], attribute: str = "", *, by: str = "another place"
    ) -> None:
        """A field's value as the element that holds it says it; two live elements with different values give a note."""
        texts = [one.get(attribute) if attribute else one.text for one in elements]
        said = [(one, text) for one, text in zip(elements, texts, strict=True) if text is not None]
        if not said:
            return
        element, text = said[0]
        for other, another in said[1:]:
            if another.strip() != text.strip():
                self.note(field, f"{other.label} is defined twice (line {other.line})")
        if keys()[field].kind == "reference":
            self.password(field, element, by=by)
        else:
            self.value(field, text, by=by)

    def value(self, field: str, text: str, *, by: str = "another place") -> None:
        """A field's value, of the field's kind; a text that cannot be one gives a note."""
        kind, plain = keys()[field].kind, text.strip()
        if kind == "number" and _NUMBER.fullmatch(plain):
            self.say(field, int(plain), by=by)
        elif kind == "number":
            self.note(field, f"not a number: {describe(text)}")
        elif kind == "switch" and plain.lower() in {"true", "false"}:
            self.say(field, is_true(plain), by=by)
        elif kind == "switch":
            self.note(field, f"neither true nor false: {describe(text)}")
        else:
            self.say(field, plain_host(plain) if field == "nodes.host" else plain, by=by)

    def password(self, field: str, element: Element, *, by: str) -> None:
        """A password as written, blanks included; one in the secure vault cannot be read from the files."""
        if element.get("secretAlias") is not None:
            self.note(field, f"the password of {by} is in the secure vault and cannot be read from the files")
            return
        if element.text != element.text.strip():
            self.note(field, f"the password of {by} has blanks at its ends, which are part of it")
        self.say(field, Secret(element.text), by=by)

    def texts(self, element: Element | None, field: str) -> dict[str, str]:
        """Name → text of an element's children, without outer blanks; two of one name give a note at `field`."""
        found: dict[str, str] = {}
        for child in element.children if element is not None else ():
            text = child.text.strip()
            if found.setdefault(child.name, text) != text:
                self.note(field, f"{child.label} is defined twice (line {child.line})")
        return found


def is_true(text: str | None) -> bool:
    """How the servers read a switch."""
    return text is not None and text.strip().lower() == "true"


def plain_host(text: str) -> str:
    """A host as the profile writes it: an IPv6 address without brackets."""
    return text.strip().removeprefix("[").removesuffix("]")


def describe(value: Any) -> str:
    """A value as a note quotes it: on one line, not too long, no password in it."""
    if isinstance(value, Secret):
        return "another one"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inner = (f"{key}={value[key]}" for key in value)
        return ", ".join(inner) or "none"
    text = shown(value, secret=False) if isinstance(value, str) else str(value)
    return quoted(text, _LONGEST)
