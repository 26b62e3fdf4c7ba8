"""The tree of the review and of the runs."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.widgets import Tree

from screens import signs

T = TypeVar("T")


class ChangeTree(Tree[T]):
    """Space accepts a line that has nothing below it, and unfolds any other; Left and Right fold and unfold."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "settle", "accept, or unfold", show=False),
        Binding("right", "unfold", "unfold", show=False),
        Binding("left", "fold", "fold, or go to the line above it", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("review")
        self.show_root = False
        self.guide_depth = 2
        if signs.ASCII:
            self.ICON_NODE, self.ICON_NODE_EXPANDED = "> ", "v "
            self.show_guides = False

    async def action_settle(self) -> None:
        node = self.cursor_node
        if node is not None and node.allow_expand:
            node.toggle()
        else:
            await self.run_action("screen.accept")

    def action_unfold(self) -> None:
        if self.cursor_node is not None:
            self.cursor_node.expand()

    def action_fold(self) -> None:
        node = self.cursor_node
        if node is None:
            return
        if node.is_expanded and node.allow_expand:
            node.collapse()
        elif node.parent is not None and not node.parent.is_root:
            self.move_cursor(node.parent)
