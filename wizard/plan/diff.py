"""The diff of a change for people: real lines compared, masked lines shown.

Comparing the masked texts would lose a password that changes; showing the real ones would show it.  So the lines
are compared as they are, and printed from a copy in which every password is ********, line for line.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from wizard.system.printable import escaped

if TYPE_CHECKING:
    from wizard.passwords.masking import Masker
    from wizard.plan.change import Change


class DiffRow(NamedTuple):
    """A line of a diff: its numbers before and after (from 1; None on the side where it is not), and its text."""

    kind: Literal["same", "removed", "added", "gap"]
    before: int | None
    after: int | None
    text: str


def rows(change: Change, hide: Masker) -> list[DiffRow]:
    """The lines of an edited file's diff, with three lines around each group; a `gap` between groups."""
    if change.before is None or change.after is None or change.before == change.after:
        return []
    before, after = _text(change.before), _text(change.after)
    old, old_shown = before.split("\n"), _shown(before, hide)
    new, new_shown = after.split("\n"), _shown(after, hide)
    found: list[DiffRow] = []
    # In a very long file, lines that occur everywhere are ignored: each would be compared with every other.
    very_many = len(old) > 10_000
    for group in difflib.SequenceMatcher(None, old, new, autojunk=very_many).get_grouped_opcodes():
        if found:
            found.append(DiffRow("gap", None, None, ""))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                found += [DiffRow("same", i + 1, j1 + i - i1 + 1, old_shown[i]) for i in range(i1, i2)]
                continue
            found += [DiffRow("removed", i + 1, None, old_shown[i]) for i in range(i1, i2)]
            found += [DiffRow("added", None, j + 1, new_shown[j]) for j in range(j1, j2)]
    return found


def unified(change: Change, hide: Masker) -> Iterator[str]:
    """The unified diff of an edited file, line by line without line ends, passwords masked."""
    found = rows(change, hide)
    if found:
        yield f"--- {change.node}/{change.path}"
        yield f"+++ {change.node}/{change.path}"
    for is_gap, group in itertools.groupby(found, lambda row: row.kind == "gap"):
        if not is_gap:
            lines = list(group)
            before, after = ([row.before for row in lines], [row.after for row in lines])
            yield f"@@ -{_range(before)} +{_range(after)} @@"
            yield from (f"{SIGNS[line.kind]}{line.text}" for line in lines)


SIGNS = {"same": " ", "removed": "-", "added": "+", "gap": ""}


def _range(given: list[int | None]) -> str:
    numbers = [number for number in given if number is not None]
    if not numbers:
        return "0,0"
    return f"{numbers[0]},{len(numbers)}" if len(numbers) > 1 else str(numbers[0])


def _text(data: bytes) -> str:
    """Bytes as text, every byte kept apart: ISO-8859-1 where it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")


def _shown(text: str, hide: Masker) -> list[str]:
    """The masked lines, as many as the real ones; control characters are escaped."""
    real, masked = text.split("\n"), hide.mask(text).split("\n")
    if len(masked) != len(real):  # a password with a line break in it: hide more rather than less
        masked = [hide.mask(line) for line in real]
    return [escaped(line.removesuffix("\r"), keep="\t") for line in masked]
