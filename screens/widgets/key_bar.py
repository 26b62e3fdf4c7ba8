"""The last row: the keys that act now; each can be clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

if TYPE_CHECKING:
    from textual import events

    from screens.keys import Keys, ScreenKey


class KeyBar(Widget):
    """As many keys as there is room for, the dispensable ones left out first."""

    keys: reactive[Keys] = reactive(())

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self.set_reactive(KeyBar.keys, keys)

    def without(self, keys: Keys, *actions: str) -> None:
        """Show these keys but those of actions that can do nothing now."""
        self.keys = tuple(key for key in keys if key.action not in actions)

    def _shown(self) -> list[ScreenKey]:
        shown = [key for key in self.keys if key.label]
        while len(shown) > 1 and sum(map(_width, shown)) > self.size.width:
            worst = max(key.rank for key in shown)
            shown.remove([key for key in shown if key.rank == worst][-1])
        return shown

    def render(self) -> Content:
        parts: list[str | tuple[str, str]] = []
        for key in self._shown():
            parts += [" ", (key.name, "bold $primary"), f" {key.label} "]
        return Content.assemble(*parts)

    async def on_click(self, event: events.Click) -> None:
        at = 0
        for key in self._shown():
            if at <= event.x < at + _width(key):
                await self.screen.run_action(key.action)
                return
            at += _width(key)


def _width(key: ScreenKey) -> int:
    return len(key.name) + len(key.label) + 3
