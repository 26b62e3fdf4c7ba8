"""What the review and the list of runs have in common: a tree, and beside it or below it what its line is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Tree

from screens import signs
from screens.keys import Keys
from screens.theme import WIDE
from screens.widgets.bars import KeyBar, TitleBar
from screens.widgets.diff_view import DiffView

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from screens.model.pair import OpenPair

Item = TypeVar("Item")
Result = TypeVar("Result")


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


class TreeScreen(Screen[Result], Generic[Item, Result]):
    """A tree of items, and the view of the current one."""

    CSS_PATH = "review.tcss"
    AUTO_FOCUS = "Tree"
    KEYS: ClassVar[Keys]
    TITLE_WORD: ClassVar[str]

    def __init__(self, pair: OpenPair | None) -> None:
        super().__init__()
        self._heading = (
            f"{pair.draft.title} {signs.sign('to')} {self.TITLE_WORD}" if pair else self.TITLE_WORD
        )

    def compose(self) -> ComposeResult:
        yield TitleBar(self._heading)
        yield Container(ChangeTree[Item](), DiffView(), id="review")
        yield KeyBar(self.KEYS)

    def on_mount(self) -> None:
        self.set_class(self.app.size.width >= WIDE, "-wide")
        self.app.theme_changed_signal.subscribe(self, lambda theme: self.relabel())

    def relabel(self) -> None:
        """Write the labels anew, in the colours of another theme."""
        raise NotImplementedError

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")

    @property
    def branches(self) -> Tree[Item]:
        return self.query_one(Tree)

    @property
    def view(self) -> DiffView:
        return self.query_one(DiffView)

    @property
    def current(self) -> Item | None:
        """What the current line is about."""
        node = self.branches.cursor_node
        return node.data if node is not None else None

    def offer(self, *silent: str) -> None:
        """Show the keys in the footer but those of these actions, which can do nothing now."""
        self.query_one(KeyBar).without(self.KEYS, *silent)

    def action_back(self) -> None:
        self.dismiss(None)
