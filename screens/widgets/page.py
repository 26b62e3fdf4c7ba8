"""Texts: findings, and paragraphs that fit themselves to the width that there is (help, the welcome's promises)."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from screens.signs import of_finding, plain
from screens.widgets.labelled import wrapped
from wizard.system.finding import Finding

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


class PageEntry(NamedTuple):
    """A paragraph of help: a head in its own ink, then text that is wrapped beside or below it."""

    head: str = ""
    ink: str = ""
    text: str = ""
    text_ink: str = ""
    indent: int = 0


class Page(Widget):
    """Paragraphs, wrapped to the width that there is."""

    def __init__(self, entries: list[PageEntry]) -> None:
        super().__init__()
        self._entries = entries

    def _lines(self, width: int) -> list[Content]:
        lines = []
        for entry in self._entries:
            text = wrapped(plain(entry.text), max(10, width - entry.indent)) if entry.text else []
            head = plain(entry.head)
            if head and text and len(head) < entry.indent:
                head, beside = f"{head:<{entry.indent}}", text.pop(0)
                lines.append(Content.assemble((head, entry.ink), (beside, entry.text_ink)))
            elif head or not text:
                lines.append(Content.assemble((head, entry.ink)))
            lines += [Content.assemble((" " * entry.indent + line, entry.text_ink)) for line in text]
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.size.width))
