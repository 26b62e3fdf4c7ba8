"""The tree of the review: what is to be settled, and what changes."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.widgets import Tree

from screens import signs

T = TypeVar("T")


class ChangeTree(Tree[T]):
    """Space settles a line that has nothing below it, and opens any other."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "settle", "accept, or open", show=False)]

    def __init__(self) -> None:
        super().__init__("review")
        self.show_root = False
        self.guide_depth = 2
        if signs.ASCII:
            self.ICON_NODE, self.ICON_NODE_EXPANDED = "> ", "v "
            self.show_guides = False

    async def action_settle(self) -> None:
        node = self.cursor_node
        if node is not None and node.children:
            node.toggle()
        else:
            await self.run_action("screen.accept")
