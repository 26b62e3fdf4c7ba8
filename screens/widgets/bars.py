"""What every screen has: a first row with what is to be known at any time, and a last one with the keys that act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from screens import keys
from screens.signs import plain, sign
from screens.theme import VAST, WIDE
from screens.widgets.labelled import cut_left

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from screens.app import WizardApp
    from screens.keys import Action, Keys
    from screens.model.pair import OpenPair

Result = TypeVar("Result")


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

    def _shown(self) -> list[Action]:
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


class BarScreen(Screen[Result]):
    """A screen with its title above and its keys below; the keys of its class are its bindings."""

    app: WizardApp
    KEYS: ClassVar[Keys] = ()

    def __init_subclass__(cls, **given: Any) -> None:
        cls.BINDINGS = [*keys.bindings(vars(cls).get("KEYS", ())), *vars(cls).get("BINDINGS", ())]
        super().__init_subclass__(**given)

    def __init__(self, heading: str = "", pair: OpenPair | None = None) -> None:
        """Show what concerns a pair; None: no pair, or every one."""
        super().__init__()
        self.pair, self._heading = pair, heading

    def compose(self) -> ComposeResult:
        self._fit(self.app.size.width)
        yield TitleBar(self._heading)
        yield from self.content()
        yield KeyBar(self.KEYS)

    def content(self) -> ComposeResult:
        raise NotImplementedError

    def on_mount(self) -> None:
        self.show_head()

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.width)

    def _fit(self, width: int) -> None:
        self.set_class(width >= WIDE, "-wide")
        self.set_class(width >= VAST, "-vast")

    def show_pair(self) -> None:
        self.show_head()

    def show_head(self) -> None:
        """Show in the title how safe the pair's changes are, and what is unusual."""
        if self.pair is not None:
            bar = self.query_one(TitleBar)
            bar.badge, bar.saved = self.pair.badge, self.pair.saved

    def offer(self, *silent: str) -> None:
        """Show the keys in the footer but those of these actions, which can do nothing now."""
        self.query_one(KeyBar).without(self.KEYS, *silent)


def heading(pair: OpenPair, word: str) -> str:
    """Return the title of a screen about a pair: `analytics → review`."""
    return f"{pair.draft.title} {sign('to')} {word}"


def _width(key: Action) -> int:
    return len(key.name) + len(key.label) + 3
