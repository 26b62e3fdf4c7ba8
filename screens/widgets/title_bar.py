"""The first row: the program, the pair, and what is to be known at any time."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from screens.signs import plain, sign


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
        left += Content(plain(self.pair))
        right = Content.assemble(
            (f" {self.badge} ", "bold $warning") if self.badge else "", (f" {self.saved} ", "$quiet")
        )
        gap = max(1, self.size.width - left.cell_length - right.cell_length)
        return left + Content(" " * gap) + right
