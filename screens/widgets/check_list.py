"""The findings of the checks, as they come: what is wrong first, each with its fix; what passed in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.signs import INKS, of_finding, plain, sign, wrapped
from screens.theme import ink
from wizard.system.finding import Finding

ORDER = {"error": 0, "warning": 1, "waiting": 2, "skipped": 3, "ok": 4}
"""What is wrong is on top."""
FOLDED = ("ok", "skipped")
COUNTED = {"error": ("error", "errors"), "warning": ("warning", "warnings")}
COUNTED |= {"ok": ("passed", "passed"), "skipped": ("skipped", "skipped")}
"""One and several of them."""

MARKS = {**INKS, "fix": "quiet", "key": "primary", "fold": "quiet"}
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

    about = (
        "Up and Down choose a finding; F4 applies its fix, F6 copies it. Enter shows or hides what passed."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "point(-1)", "the one before", show=False),
        Binding("down", "point(1)", "the next one", show=False),
        Binding("enter,space,right,left", "open", "apply the fix, or show what passed", show=False),
    ]

    class Pointed(Message):
        """The cursor is on another finding."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[list[Finding], tuple[str, ...], str] = ([], (), "")
        self._items: list[Finding | None] = []
        """What the cursor can be on, from the top: findings, and None for the line that says how many passed."""
        self._at = 0
        self._is_chosen = False
        """The user has put the cursor there."""
        self._unfolded = False
        self._lines: list[CheckLine] = []

    def show(self, findings: Sequence[Finding], running: Sequence[str], idle: str = "") -> None:
        """Show these findings and what still runs; `idle` is shown when there is nothing."""
        once = [one for number, one in enumerate(findings) if one not in findings[:number]]
        now = (once, tuple(running), idle)
        if now == self._shown:
            return
        chosen = self.pointed if self._is_chosen else None
        self._shown = now
        self._arrange()
        self._is_chosen = chosen is not None and chosen in self._items
        fixable = (n for n, one in enumerate(self._items) if one is not None and one.action is not None)
        self._at = self._items.index(chosen) if self._is_chosen else next(fixable, 0)
        self._lay_out()

    def _arrange(self) -> None:
        """Put what is wrong on top, and what passed below the line that it is folded into."""
        found = sorted(self._shown[0], key=lambda one: ORDER[one.status])
        passed = [one for one in found if _is_folded(one)]
        fold = [None, *(passed if self._unfolded else ())] if passed else []
        self._items = [*(one for one in found if not _is_folded(one)), *fold]

    @property
    def pointed(self) -> Finding | None:
        """The finding under the cursor: the chosen one, else the first with a fix; None on the fold."""
        return self._items[self._at] if self._at < len(self._items) else None

    def action_point(self, by: int) -> None:
        self._at = max(0, min(self._at + by, len(self._items) - 1))
        self._is_chosen = True
        self._lay_out()
        rows = [number for number, line in enumerate(self._lines) if line.item == self._at]
        if rows:
            if rows[-1] >= self.scroll_offset.y + self.size.height:
                self.scroll_to(y=rows[-1] - self.size.height + 1, animate=False)
            if rows[0] < self.scroll_offset.y:
                self.scroll_to(y=rows[0], animate=False)

    async def action_open(self) -> None:
        """Apply the fix of the finding under the cursor; on the fold: show or hide what passed."""
        pointed = self.pointed
        if pointed is not None and not _is_folded(pointed):
            await self.run_action("screen.fix")
        elif None in self._items:
            self._unfolded = not self._unfolded
            self._arrange()
            self._at = self._items.index(None)
            self._lay_out()

    def on_focus(self) -> None:
        self.refresh()

    async def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        number = offset.y + self.scroll_offset.y if offset is not None else -1
        if 0 <= number < len(self._lines) and self._lines[number].item >= 0:
            line = self._lines[number]
            self._at, self._is_chosen = line.item, True
            self._lay_out()
            if line.ink in {"key", "fold"}:
                self.screen.call_later(self.action_open)

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        width = max(20, self.scrollable_content_region.width)
        found, under_way, idle = self._shown
        lines: list[CheckLine] = []
        running = [CheckLine(sign("checking"), f"{id}  runs", "waiting", -1) for id in under_way]
        for number, item in enumerate(self._items):
            if item is not None:
                lines += _lines_of(item, number, width, pointed=number == self._at)
                continue
            counts = ", ".join(_counted([one for one in found if _is_folded(one)], FOLDED))
            text = f"{counts} {sign('opened' if self._unfolded else 'here')}"
            lines += [*running, CheckLine(" ", text, "fold", number)]
        lines += running if None not in self._items else []
        if not lines and idle:
            lines = [CheckLine(" ", text, "skipped", -1) for text in wrapped(idle, width - 2)]
        self._lines = lines
        self.virtual_size = Size(width, len(lines))
        now = [f"{len(running)} running"] if running else []
        self.border_title = "  ".join(["Checks", *_counted(found, ("error", "warning")), *now])
        self.refresh()
        self.post_message(self.Pointed())

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, ink(self, "foreground")
        number = y + self.scroll_offset.y
        if number >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[number]
        pointed = self.has_focus and line.item == self._at
        ground = "raised" if pointed else "background"
        mark = ink(self, MARKS[line.ink], ground, bold=line.ink in {"error", "warning"})
        body = ink(self, BODIES[line.ink], ground, bold=line.ink == "key")
        segments = [Segment(line.sign, mark), Segment(f" {line.text}", body)]
        return Strip(segments).adjust_cell_length(width, ink(self, "foreground", ground))


def _is_folded(finding: Finding) -> bool:
    return finding.status in FOLDED and finding.action is None


def _counted(findings: Sequence[Finding], statuses: Sequence[str]) -> list[str]:
    """`3 errors`, `1 warning`, `25 passed`: only what there is."""
    counts = {status: sum(one.status == status for one in findings) for status in statuses}
    return [f"{count} {COUNTED[status][count > 1]}" for status, count in counts.items() if count]


def _lines_of(finding: Finding, number: int, width: int, *, pointed: bool) -> list[CheckLine]:
    """A finding's lines, in full; the one under the cursor also says what its key does."""
    node = f"{finding.node}: " if finding.node else ""
    text = plain(f"{finding.id}  {node}{finding.message}" if finding.id else f"{node}{finding.message}")
    first, *rest = wrapped(text, width - 2)
    lines = [CheckLine(of_finding(finding.status), first, finding.status, number)]
    lines += [CheckLine(" ", more, finding.status, number) for more in rest]
    if finding.fix:
        fix = wrapped(plain(f"fix: {finding.fix}"), width - 4)
        lines += [CheckLine(" ", f"  {more}", "fix", number) for more in fix]
    if finding.action is not None and pointed:
        key = wrapped(f"F4: {plain(finding.action.label)}", width - 4)
        lines += [CheckLine(" ", f"  {more}", "key", number) for more in key]
    return lines
