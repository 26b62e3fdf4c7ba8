"""What a terminal can show: the signs of states and findings (with a word, never by colour alone), texts that fit.

A terminal that cannot show them gets ASCII: one whose locale is not UTF-8, and the Linux console, whose fonts lack
the ticks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from itertools import chain
from typing import Literal

from rich.cells import cell_len, chop_cells, set_cell_size
from textual.content import Content

from wizard.system.finding import Finding
from wizard.system.printable import escaped

StepState = Literal["untouched", "incomplete", "checking", "error", "warning", "done"]

WORDS: dict[StepState, str] = {
    "untouched": "to do",
    "incomplete": "incomplete",
    "checking": "checking",
    "error": "error",
    "warning": "warning",
    "done": "done",
}

SIGNS = {
    "untouched": "·.",
    "incomplete": "??",
    "checking": "…~",
    "error": "✗x",
    "warning": "!!",
    "done": "✓+",
    "skipped": "--",
    "here": "▸>",
    "opened": "▾v",
    "chosen": "•*",
    "dot": "·-",
    "to": ("→", "->"),
    "full": "█#",
    "empty": "░.",
    "rule": "─-",
    "bar": "│|",
    "cut": "…~",
    "mark": "▌|",
}
"""Each sign, and what replaces it where only ASCII can be shown."""


def needs_ascii(environ: Mapping[str, str], encoding: str | None) -> bool:
    """Whether a terminal shows ASCII only.

    `LC_ALL=C` counts although Python itself then writes UTF-8: who sets it asks for plain text.
    """
    if environ.get("TERM") in {"linux", "dumb", "vt100", "vt220"}:
        return True
    if environ.get("LC_ALL") in {"C", "POSIX"}:
        return True
    # Python itself sets LC_CTYPE where the locale is C (PEP 538): then LANG tells what the user said.
    if not environ.get("LC_ALL") and environ.get("LANG") in {"C", "POSIX"}:
        return True
    return (encoding or "utf-8").lower().replace("-", "") not in {"utf8", "utf16"}


ASCII = needs_ascii(os.environ, getattr(sys.__stdout__, "encoding", None))
"""Decided once, from the terminal that the program was started on."""


def sign(name: str) -> str:
    """The sign of that name, in what the terminal can show."""
    return SIGNS[name][ASCII]


def of_finding(status: str) -> str:
    """The sign of a finding's status (wizard.system.finding.Status)."""
    return sign({"ok": "done", "waiting": "checking"}.get(status, status))


def plain(text: str) -> str:
    """`text` in what the terminal can show: line ends as blanks, control characters escaped."""
    text = escaped(text.replace("\n", " ").replace("\t", " "))
    if not ASCII:
        return text
    for fancy, simple in (("→", "->"), ("…", "..."), ("–", "-"), ("·", "-"), ("›", ">"), ("•", "*")):
        text = text.replace(fancy, simple)
    return text.encode("ascii", "replace").decode("ascii")


INKS = {"ok": "success", "waiting": "secondary", "warning": "warning", "error": "error", "skipped": "quiet"}
"""The colour of a finding's sign, by its status."""


def content_ink(status: str) -> str:
    return f"${INKS[status]}{' bold' if status == 'error' else ''}"


def finding_content(finding: Finding) -> Content:
    """A finding with its fix, and below them what was read where."""
    head = " ".join(filter(None, [of_finding(finding.status), finding.id, finding.node]))
    lines = [Content.assemble((plain(head), content_ink(finding.status)), f"  {plain(finding.message)}")]
    if finding.fix and finding.status != "ok":
        lines.append(Content.assemble(("    fix: ", "$quiet"), plain(finding.fix)))
    evidence = (finding.evidence or "").split("\n") if finding.status in {"error", "warning"} else []
    lines += [Content.styled(f"    {plain(line)}", "$quiet") for line in evidence if line]
    return Content("\n").join(lines)


def cut(text: str, width: int) -> str:
    """`text` in at most so many cells, with a sign where it was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - len(sign("cut")))).rstrip() + sign("cut")


def cut_left(text: str, width: int) -> str:
    """The end of `text` in at most so many cells, as paths are cut: their last part says most."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - len(sign("cut")):
        text = text[1:]
    return sign("cut") + text


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text in so many cells; a word that is longer is broken, since paths are."""
    lines, line = [], ""
    words = ([word] if cell_len(word) <= width else chop_cells(word, width) for word in text.split(" "))
    for piece in chain.from_iterable(words):
        if line and cell_len(line) + 1 + cell_len(piece) > width:
            lines.append(line)
            line = piece
        else:
            line = f"{line} {piece}" if line else piece
    return [*lines, line] if line else lines
