"""The diff of a change for people: real lines compared, masked lines shown.

Comparing the masked texts would lose a password that changes; showing the real ones would show it.  So the lines
are compared as they are, and printed from a copy in which every password is ********, line for line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from wizard.passwords.secret import MASK

if TYPE_CHECKING:
    from wizard.plan.change import Change

# What an element holds: text, comments and CDATA, of a length that a password can have, so that a file full of tags
# that are never closed takes no time without end.
_CONTENT = r"((?:[^<]|<!--.{0,500}?-->|<!\[CDATA\[.{0,5000}?\]\]>)*+)"
_ELEMENT = re.compile(
    rf"(<((?:[\w.-]+:)?[\w.-]*password[\w.-]*)(?:\s[^<>]*)?(?<!/)>){_CONTENT}(</\2\s*>)",
    re.IGNORECASE | re.DOTALL,
)
_NAMED_ELEMENT = re.compile(
    rf"(<([\w:.-]+)\s[^<>]*(?:name|key)\s*=\s*[\"'][^\"'<>]*password[\"'][^<>]*(?<!/)>){_CONTENT}(</\2\s*>)",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"(\b[\w.-]*password\s*=\s*([\"']))(.*?)(\2)", re.IGNORECASE | re.DOTALL)
_VALUE = r"(?:[^&<;\s\"]|;(?![\w.]+=))*"  # a `;` ends a parameter of an H2 URL, but not one of MySQL's
_PARAMETER = re.compile(rf"((?:[?&;]|&amp;)[\w.]*(?:password|pwd)[\w.]*=){_VALUE}", re.IGNORECASE)


@dataclass(frozen=True)
class Masker:
    """Hides passwords: by where they stand, and the run's own by their text too, wherever that may have got to."""

    secrets: tuple[str, ...] = field(default=(), repr=False)
    parameters: tuple[str, ...] = ()
    """Names of URL parameters whose value is a reference."""

    def mask(self, text: str) -> str:
        """The text with every password as ********, with as many lines as before."""
        # First the whole ones: a rule for a place might leave a piece of one that no other rule knows.
        for form in self.secrets:
            text = text.replace(form, "\n".join([MASK] * (form.count("\n") + 1)))
        for pattern in (_ELEMENT, _NAMED_ELEMENT, _ATTRIBUTE):
            text = pattern.sub(_keep_lines, text)
        text = _PARAMETER.sub(rf"\g<1>{MASK}", text)
        for name in self.parameters:
            text = re.sub(rf"((?:[?&;]|&amp;){re.escape(name)}=){_VALUE}", rf"\g<1>{MASK}", text)
        return text


def _keep_lines(found: re.Match[str]) -> str:
    value = found[3]
    hidden = "\n".join(MASK if line.strip() else line for line in value.split("\n"))
    return f"{found[1]}{hidden}{found[4]}"


def masker(secrets: Iterable[str], parameters: Iterable[str] = ()) -> Masker:
    """A masker of these passwords, in plain and in each form that a file can hold them; a very short one is left to
    the places alone, since it would hide half of the file."""
    import json
    from urllib.parse import quote

    from wizard.profile.jdbc_url import VALUE

    forms: set[str] = set()
    for secret in secrets:
        if len(secret) >= 4:
            in_url = quote(secret, safe=VALUE)
            texts = {secret, in_url, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]}
            forms |= texts | {_escaped(text) for text in texts}
            forms.add(_escaped(secret).replace('"', "&quot;").replace("'", "&apos;"))
            # A character that ISO-8859-1 lacks is in such a file as a numeric reference.
            forms.add(_escaped(secret).encode("iso-8859-1", "xmlcharrefreplace").decode("iso-8859-1"))
    return Masker(tuple(sorted(forms, key=len, reverse=True)), tuple(parameters))


def _escaped(text: str) -> str:
    """As `xml.sax.saxutils.escape`, which would load all of HTTP and TLS."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A line of a diff: its numbers before and after (from 1; None on the side where it is not), and its text."""

    kind: Literal["same", "removed", "added", "gap"]
    before: int | None
    after: int | None
    text: str


def rows(change: Change, hide: Masker, context: int = 3) -> list[DiffRow]:
    """The lines of an edited file's diff, with `context` lines around each group; a `gap` between groups."""
    import difflib

    if change.before is None or change.after is None or change.before == change.after:
        return []
    old, new = (_lines(data) for data in (change.before, change.after))
    old_shown, new_shown = (_shown(data, hide) for data in (change.before, change.after))
    found: list[DiffRow] = []
    # In a very long file, lines that occur everywhere are ignored: each would be compared with every other.
    very_many = len(old) > 10_000
    for group in difflib.SequenceMatcher(None, old, new, autojunk=very_many).get_grouped_opcodes(context):
        if found:
            found.append(DiffRow("gap", None, None, ""))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                found += [DiffRow("same", i + 1, j1 + i - i1 + 1, old_shown[i]) for i in range(i1, i2)]
                continue
            found += [DiffRow("removed", i + 1, None, old_shown[i]) for i in range(i1, i2)]
            found += [DiffRow("added", None, j + 1, new_shown[j]) for j in range(j1, j2)]
    return found


def unified(change: Change, hide: Masker, context: int = 3) -> Iterator[str]:
    """The unified diff of an edited file, line by line without line ends, passwords masked."""
    all_rows = rows(change, hide, context)
    if not all_rows:
        return
    yield f"--- {change.node}/{change.path}"
    yield f"+++ {change.node}/{change.path}"
    group: list[DiffRow] = []
    for row in [*all_rows, DiffRow("gap", None, None, "")]:
        if row.kind != "gap":
            group.append(row)
            continue
        yield _header(group)
        yield from (f"{SIGNS[line.kind]}{line.text}" for line in group)
        group = []


SIGNS = {"same": " ", "removed": "-", "added": "+", "gap": ""}


def _header(group: list[DiffRow]) -> str:
    old = [row.before for row in group if row.before is not None]
    new = [row.after for row in group if row.after is not None]
    return f"@@ -{_range(old)} +{_range(new)} @@"


def _range(numbers: list[int]) -> str:
    if not numbers:
        return "0,0"
    return f"{numbers[0]},{len(numbers)}" if len(numbers) > 1 else str(numbers[0])


def _text(data: bytes) -> str:
    """Bytes as text, every byte kept apart: ISO-8859-1 where it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")


def _lines(data: bytes) -> list[str]:
    return _text(data).split("\n")


def _shown(data: bytes, hide: Masker) -> list[str]:
    """The masked lines, as many as the real ones; control characters are shown, not obeyed by the terminal."""
    real, masked = _lines(data), hide.mask(_text(data)).split("\n")
    if len(masked) != len(real):  # a password with a line break in it: hide more rather than less
        masked = [hide.mask(line) for line in real]
    return ["".join(c if c.isprintable() or c == "\t" else "" for c in line) for line in masked]
