"""What the review and the list of runs have in common: a tree, and beside it or below it what its line is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from screens import signs
from screens.signs import plain
from screens.theme import ink
from screens.widgets.bars import BarScreen, Result
from screens.widgets.diff_view import DiffView, Said


@dataclass(frozen=True, kw_only=True)
class TreeLine:
    """What a line of the tree is about; `label` is how it is shown."""

    label: tuple[Said, ...] = ()


Item = TypeVar("Item", bound=TreeLine)


class ChangeTree(Tree[Item]):
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


class TreeScreen(BarScreen[Result], Generic[Item, Result]):
    """A tree of items, and the view of the current one."""

    CSS_PATH = "review.tcss"
    AUTO_FOCUS = "Tree"

    def content(self) -> ComposeResult:
        yield Container(ChangeTree[Item](), DiffView(), id="review")

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda theme: self._relabel())

    @property
    def branches(self) -> Tree[Item]:
        return self.query_one(Tree)

    @property
    def view(self) -> DiffView:
        return self.query_one(DiffView)

    @property
    def current(self) -> Item | None:
        node = self.branches.cursor_node
        return node.data if node is not None else None

    def add(self, branch: TreeNode[Item], item: Item, *, expand: bool | None = None) -> TreeNode[Item]:
        """Add a line below a branch: a leaf, or a branch that is unfolded or folded."""
        label = self._painted(item)
        if expand is None:
            return branch.add_leaf(label, item)
        return branch.add(label, item, expand=expand)

    def replace(self, node: TreeNode[Item], item: Item) -> None:
        node.data = item
        node.set_label(self._painted(item))

    def lines(self, below: TreeNode[Item] | None = None) -> Iterator[tuple[TreeNode[Item], Item]]:
        """Every line of the tree with its item, from the top."""
        for node in (below or self.branches.root).children:
            if node.data is not None:
                yield node, node.data
            yield from self.lines(node)

    def _relabel(self) -> None:
        """Write the labels anew, in the colours of another theme."""
        for node, item in self.lines():
            self.replace(node, item)

    def _painted(self, item: Item) -> Text:
        """The label; a text in no colour of its own has that of the tree."""
        text = Text()
        for one in item.label:
            style = Style(color=ink(self, one.colour).color, bold=one.bold or None)
            text.append(plain(one.text), "" if one == Said(one.text) else style)
        return text

    def action_back(self) -> None:
        self.dismiss(None)
