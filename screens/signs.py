"""The signs of states and of findings: with a word beside them, never by colour alone.

A terminal that cannot show them gets ASCII: one whose locale is not UTF-8, and the Linux console, whose fonts lack
the ticks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Literal

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


INKS = {
    "ok": "$success",
    "waiting": "$secondary",
    "warning": "$warning",
    "error": "$error bold",
    "skipped": "$quiet",
}
"""The ink of a finding's sign, by its status."""


def finding_content(finding: Finding) -> Content:
    """A finding with its fix, and below them what was read where."""
    head = " ".join(filter(None, [of_finding(finding.status), finding.id, finding.node]))
    lines = [Content.assemble((plain(head), INKS[finding.status]), f"  {plain(finding.message)}")]
    if finding.fix and finding.status != "ok":
        lines.append(Content.assemble(("    fix: ", "$quiet"), plain(finding.fix)))
    evidence = (finding.evidence or "").split("\n") if finding.status in {"error", "warning"} else []
    lines += [Content.styled(f"    {plain(line)}", "$quiet") for line in evidence if line]
    return Content("\n").join(lines)
