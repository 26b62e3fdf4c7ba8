"""What every editor takes and gives: values, and what changes as lines for people."""

from __future__ import annotations

from typing import NamedTuple

from wizard.passwords.masking import without_passwords
from wizard.passwords.secret import MASK, Secret
from wizard.system.printable import escaped, quoted

Value = str | Secret
"""What an editor takes: text, or a password that no description shows."""


class Note(NamedTuple):
    """What an editor carries along with an edit and does not read, but for `what`.

    `what` names the place for people (empty: the editor's own label); `field` and `rolls` are those of the `Line`.
    """

    what: str = ""
    field: str = ""
    rolls: bool = False


NOTE = Note()


class Line(NamedTuple):
    """One thing that changes in a file.

    `text` says it for people, passwords masked; `field` is the field of the profile that causes it, a node's with
    its name (`nodes.node2.host`), empty where the procedure prescribes it; `rolls` says that the nodes may differ
    in it for a while; `number` is the line of the new file where it begins, from 1, or 0; `edit` is the place and
    the whole values before and after (None: there is none), equal for equal edits alone, whatever the text shows.
    """

    text: str
    field: str = ""
    rolls: bool = False
    number: int = 0
    edit: tuple[str | Secret | None, ...] = ()


def reveal(value: Value) -> str:
    """The text of `value`, to be written into a file and nowhere else."""
    return value.reveal() if isinstance(value, Secret) else value


def shown(text: str | None, *, secret: bool) -> str:
    """`text` as a description shows it: passwords masked, nothing as `(none)`, outer blanks in quotes."""
    if text is None:
        return "(none)"
    if secret:
        return MASK
    if not text.strip() or text != text.strip():
        text = f'"{text}"'
    return without_passwords(escaped(text))


def changed(note: Note, what: str, old: str | None, new: str | None, number: int, *, secret: bool) -> Line:
    """The line `what: old → new`, masked where it is a password, shortened where it is long."""
    text = f"{what}: {quoted(shown(old, secret=secret))} → {quoted(shown(new, secret=secret))}"
    values = (None if one is None else Secret(one) for one in (old, new))
    return Line(text, note.field, note.rolls, number, (what, *values))
