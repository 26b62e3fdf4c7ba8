"""The last row: the keys that act now; each can be clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.widget import Widget

if TYPE_CHECKING:
    from textual import events


class KeyHint(NamedTuple):
    """A key as the bar shows it, what it does in a word, and the action; `rank` 0 is the last to be left out."""

    key: str
    label: str
    action: str
    rank: int = 1


class KeyBar(Widget):
    """As many keys as there is room for, the dispensable ones left out first."""

    def __init__(self, *hints: KeyHint) -> None:
        super().__init__()
        self._hints = hints

    def offer(self, *hints: KeyHint) -> None:
        """Show these keys from now on."""
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def _shown(self) -> list[KeyHint]:
        shown = list(self._hints)
        while len(shown) > 1 and sum(_width(hint) for hint in shown) > self.size.width:
            worst = max(hint.rank for hint in shown)
            shown.remove([hint for hint in shown if hint.rank == worst][-1])
        return shown

    def render(self) -> Content:
        parts: list[str | tuple[str, str]] = []
        for hint in self._shown():
            parts += [" ", (hint.key, "bold $primary"), f" {hint.label} "]
        return Content.assemble(*parts)

    async def on_click(self, event: events.Click) -> None:
        at = 0
        for hint in self._shown():
            if at <= event.x < at + _width(hint):
                await self.run_action(hint.action)
                return
            at += _width(hint)


def _width(hint: KeyHint) -> int:
    return len(hint.key) + len(hint.label) + 3
