"""Byte replacements, which every editor produces, and their descriptions for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wizard.passwords.masking import without_passwords
from wizard.passwords.secret import MASK, Secret
from wizard.system.printable import escaped, quoted

Value = str | Secret
"""What an editor takes: text, or a password that no description shows."""


class Splice(NamedTuple):
    """The bytes from `start` up to `end` (offsets in the original) give way to `replacement`."""

    start: int
    end: int
    replacement: bytes

    def __repr__(self) -> str:  # the replacement may hold a password
        return f"Splice({self.start}, {self.end}, <{len(self.replacement)} bytes>)"


class Note(NamedTuple):
    """What an editor carries along with an edit and does not read, but for `what`.

    `what` names the place for people (empty: the editor's own label); `field` is the field of the profile whose
    value is written (empty: the procedure prescribes it); `rolls` says that the nodes may differ in it for a while.
    """

    what: str = ""
    field: str = ""
    rolls: bool = False


NOTE = Note()


class Edit(NamedTuple):
    """One thing that changes: for people `description`, for the file `splices` (none if another's bring it)."""

    description: str
    splices: tuple[Splice, ...]
    note: Note = NOTE


def splice(data: bytes, splices: Iterable[Splice]) -> bytes:
    """`data` with every splice applied; insertions at one place keep their order.

    Raises:
        ValueError: two splices overlap, or one lies outside of `data`.
    """
    parts: list[bytes] = []
    position = 0
    for each in sorted(splices, key=lambda s: (s.start, s.end)):
        if not position <= each.start <= each.end <= len(data):
            raise ValueError(f"the splice at {each.start}:{each.end} overlaps another or leaves the file")
        parts += (data[position : each.start], each.replacement)
        position = each.end
    parts.append(data[position:])
    return b"".join(parts)


def reveal(value: Value) -> str:
    """The text of `value`, to be written into a file and nowhere else."""
    return value.reveal() if isinstance(value, Secret) else value


def is_secret_name(name: str) -> bool:
    """Whether an element, attribute or key of that name holds a password."""
    return "password" in name.lower()


def shown(text: str | None, *, secret: bool) -> str:
    """`text` as a description shows it: passwords masked, nothing as `(none)`, outer blanks in quotes."""
    if text is None:
        return "(none)"
    if secret:
        return MASK
    if not text.strip() or text != text.strip():
        text = f'"{text}"'
    return without_passwords(escaped(text))


def described(what: str, old: str | None, new: str | None, *, secret: bool) -> str:
    """`what: old → new`, masked where it is a password, shortened where it is long."""
    return f"{what}: {quoted(shown(old, secret=secret))} → {quoted(shown(new, secret=secret))}"
