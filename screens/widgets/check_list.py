"""The findings of the checks, as they come: what is wrong first, each with its fix and the key that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.signs import of_finding, plain, sign
from screens.theme import ink
from screens.widgets.labelled import cut, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from wizard.system.finding import Finding

ORDER = {"error": 0, "warning": 1, "waiting": 2, "skipped": 4, "ok": 3}
"""What is wrong stands on top."""


MARKS = {
    "error": "error",
    "warning": "warning",
    "ok": "success",
    "skipped": "quiet",
    "waiting": "secondary",
    "fix": "quiet",
    "key": "primary",
}
BODIES = {**MARKS, "error": "foreground", "warning": "foreground", "ok": "quiet", "fix": "secondary"}
"""The colours of a line's sign and of its text."""


class CheckLine(NamedTuple):
    """A line of the list; `item` is the number of the finding that it belongs to, -1 for none."""

    sign: str
    text: str
    ink: str
    item: int


class CheckList(ScrollView, can_focus=True):
    """The list; with the focus on it, up and down choose a finding."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "point(-1)", "the one before", show=False),
        Binding("down", "point(1)", "the next one", show=False),
        Binding("enter", "screen.fix", "do what mends it", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[Finding] = []
        self._under_way: tuple[str, ...] = ()
        self._idle = ""
        self._shown: tuple[list[Finding], tuple[str, ...], str] | None = None
        self._lines: list[CheckLine] = []
        self._pointed = 0

    def show(self, findings: Sequence[Finding], running: Sequence[str], idle: str = "") -> None:
        """Show these findings and what still runs; `idle` is what stands there when there is nothing."""
        now = (list(findings), tuple(running), idle)
        if now == self._shown:
            return
        self._shown = now
        self.findings = sorted(findings, key=lambda one: ORDER[one.status])
        self._under_way = tuple(running)
        self._idle = idle
        self._pointed = min(self._pointed, max(0, len(self.findings) - 1))
        self._lay_out()

    @property
    def pointed(self) -> Finding | None:
        """The finding that a key acts on: the chosen one, else the first that can be mended."""
        if self.has_focus and self.findings:
            return self.findings[self._pointed]
        mendable = [one for one in self.findings if one.action is not None]
        wrong = [one for one in self.findings if one.status in {"error", "warning"}]
        return next(iter([*mendable, *wrong]), None)

    def action_point(self, by: int) -> None:
        if not self.findings:
            return
        self._pointed = min(len(self.findings) - 1, max(0, self._pointed + by))
        rows = [number for number, line in enumerate(self._lines) if line.item == self._pointed]
        if rows:
            if rows[-1] >= self.scroll_offset.y + self.size.height:
                self.scroll_to(y=rows[-1] - self.size.height + 1, animate=False)
            if rows[0] < self.scroll_offset.y:
                self.scroll_to(y=rows[0], animate=False)
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        number = offset.y + self.scroll_offset.y
        if 0 <= number < len(self._lines) and self._lines[number].item >= 0:
            self._pointed = self._lines[number].item
            self.refresh()
            if self._lines[number].ink == "key":
                self.screen.call_later(self.run_action, "screen.fix")

    def _on_resize(self, event: events.Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        width = max(20, self.scrollable_content_region.width or self.size.width)
        lines: list[CheckLine] = []
        for number, finding in enumerate(self.findings):
            lines += _lines_of(finding, number, width)
        first_fine = next((n for n, line in enumerate(lines) if line.ink in {"ok", "skipped"}), len(lines))
        running = [
            CheckLine(sign("checking"), cut(f"{id}  runs", width - 2), "waiting", -1)
            for id in self._under_way
        ]
        lines[first_fine:first_fine] = running
        if not lines and self._idle:
            lines = [CheckLine(" ", text, "skipped", -1) for text in wrapped(self._idle, width - 2)]
        self._lines = lines
        self.virtual_size = Size(width, len(lines))
        counts = {
            "error": "errors",
            "warning": "warnings",
            "ok": "in order",
            "skipped": "skipped",
        }
        told = [
            f"{count} {word[:-1] if count == 1 and word.endswith('s') else word}"
            for status, word in counts.items()
            if (count := sum(one.status == status for one in self.findings))
        ]
        if self._under_way:
            told.append(f"{len(self._under_way)} running")
        self.border_title = "  ".join(["Checks", *told])
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, ink(self, "foreground")
        number = y + self.scroll_offset.y
        if number >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[number]
        pointed = self.has_focus and line.item == self._pointed
        ground = "raised" if pointed else "background"
        mark = ink(self, MARKS[line.ink], ground, bold=line.ink in {"error", "warning"})
        body = ink(self, BODIES[line.ink], ground, bold=line.ink == "key")
        segments = [Segment(line.sign, mark), Segment(f" {line.text}", body)]
        return Strip(segments).adjust_cell_length(width, ink(self, "foreground", ground))


def _lines_of(finding: Finding, number: int, width: int) -> list[CheckLine]:
    """A finding's lines: one for what is in order, as many as needed for what is not."""
    node = f"{finding.node}: " if finding.node else ""
    text = plain(f"{finding.id}  {node}{finding.message}" if finding.id else f"{node}{finding.message}")
    mark = of_finding(finding.status)
    if finding.status in {"ok", "skipped"} and finding.action is None:
        return [CheckLine(mark, cut(text, width - 2), finding.status, number)]
    first, *rest = wrapped(text, width - 2)
    lines = [CheckLine(mark, first, finding.status, number)]
    lines += [CheckLine(" ", more, finding.status, number) for more in rest]
    if finding.fix:
        lines += [
            CheckLine(" ", f"  {more}", "fix", number)
            for more in wrapped(plain(f"fix: {finding.fix}"), width - 4)
        ]
    if finding.action is not None:
        lines.append(
            CheckLine(" ", cut(f"  F4 does it: {plain(finding.action.label)}", width - 2), "key", number)
        )
    return lines
