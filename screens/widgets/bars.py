"""The first row, which says what is to be known at any time, and the last one: the keys that act now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from screens.signs import plain, sign
from screens.widgets.labelled import cut_left

if TYPE_CHECKING:
    from textual import events

    from screens.keys import Keys, ScreenKey


class TitleBar(Widget):
    """` apimha-wizard · analytics                 offline  draft saved 10:42`."""

    pair = reactive("")
    badge = reactive("")
    """What is unusual, such as `offline`."""
    saved = reactive("")

    def __init__(self, pair: str = "") -> None:
        super().__init__()
        self.set_reactive(TitleBar.pair, pair)

    def render(self) -> Content:
        left = Content.assemble(
            " ", ("apimha-wizard", "bold $primary"), f" {sign('dot')} " if self.pair else ""
        )
        right = Content.assemble(
            (f" {self.badge} ", "bold $warning") if self.badge else "", (f" {self.saved} ", "$quiet")
        )
        room = self.size.width - left.cell_length - right.cell_length
        left += Content(cut_left(plain(self.pair), max(1, room)))
        gap = max(1, self.size.width - left.cell_length - right.cell_length)
        return left + Content(" " * gap) + right


class KeyBar(Widget):
    """As many keys as there is room for, the dispensable ones left out first; each can be clicked."""

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
