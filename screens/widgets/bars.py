"""What is around the content of a screen: a first row with what is to be known at any time, a last one with the keys
that act, and at the left of a step the others, each with its state, and what comes after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from screens import keys
from screens.signs import WORDS, StepState, cut_left, plain, sign
from screens.theme import VAST, WIDE, ink

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
        dot, badge = f" {sign('dot')} " if self.pair else "", f" {self.badge} " if self.badge else ""
        left = Content.assemble(" ", ("apimha-wizard", "bold $primary"), dot)
        right = Content.assemble((badge, "bold $warning"), (f" {self.saved} ", "$quiet"))
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


COLOURS: dict[StepState | None, str] = {
    "untouched": "quiet",
    "incomplete": "warning",
    "checking": "secondary",
    "error": "error",
    "warning": "warning",
    "done": "success",
    None: "quiet",
}

RULE, STATE = "-", "="
"""Lines without an item: the one between the steps and the rest, and the state of the current step in words."""

REST = (("review", "Review"), ("runs", "Runs"), ("verify", "Verify"))


class Sidebar(Widget, can_focus=True):
    """A list of the steps; Enter or a click opens one, at any time."""

    about = "Up and Down choose a step; Enter opens it."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("home", "move(-99)", "first", show=False),
        Binding("end", "move(99)", "last", show=False),
        Binding("enter,space,right", "open", "open", show=False),
    ]
    current = reactive("")
    """The id of the open step."""
    applied = reactive("")
    """When the newest run was applied that is not rolled back; empty without one."""
    states: reactive[dict[str, StepState]] = reactive(dict[str, "StepState"])

    class Chosen(Message):
        """The user wants to open a step, or `review`, `runs` or `verify`."""

        def __init__(self, id: str) -> None:
            super().__init__()
            self.id = id

    def __init__(self, steps: list[tuple[str, str]], current: str) -> None:
        """Show these steps, each an id and a title."""
        super().__init__()
        self._titles = dict([*steps, *REST])
        self._ids = list(self._titles)
        self._steps = len(steps)
        self.set_reactive(Sidebar.current, current)
        self._pointed = 0

    def _row(self, y: int) -> str:
        """The id that a row shows; empty for none."""
        ids, at = self._ids, self._ids.index(self.current) + 1
        rows = ["", *ids[:at], STATE, *ids[at : self._steps], RULE, *ids[self._steps :]]
        return rows[y] if y < len(rows) else ""

    def on_focus(self) -> None:
        self._pointed = self._ids.index(self.current)
        self.refresh()

    def action_move(self, by: int) -> None:
        self._pointed = min(len(self._ids) - 1, max(0, self._pointed + by))
        self.refresh()

    def action_open(self) -> None:
        self.post_message(self.Chosen(self._ids[self._pointed]))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and (id := self._row(offset.y)) in self._titles:
            self.post_message(self.Chosen(id))

    def render_line(self, y: int) -> Strip:
        width, id = self.size.width, self._row(y)
        if not id:
            return Strip.blank(width, ink(self, "foreground", "panel"))
        if id == RULE:
            return Strip([Segment(f" {sign('rule') * (width - 2)} ", ink(self, "line", "panel"))])
        if id == STATE:
            state = self.states.get(self.current)
            style, word = ink(self, COLOURS[state], "raised"), WORDS[state] if state else ""
            return Strip([Segment(f"    {word}", style)]).adjust_cell_length(width, style)
        return self._item(id, pointed=self.has_focus and id == self._ids[self._pointed])

    def _item(self, id: str, *, pointed: bool) -> Strip:
        width, state = self.size.width, self.states.get(id)
        current = id == self.current
        ground = "primary" if pointed else "raised" if current else "panel"
        base = ink(self, "on-primary" if pointed else "foreground", ground, bold=current or pointed)
        colour, mark = COLOURS[state], sign(state) if state is not None else sign("to")[:1]
        word = ""
        if id == "runs" and self.applied:
            colour, mark, word = "success", sign("done"), f"  {self.applied}"
        about = ink(self, "on-primary" if pointed else colour, ground)
        segments = [
            Segment(f"{sign('here') if current else ' '} ", base),
            Segment(mark, about),
            Segment(f" {self._titles[id]}", base),
            Segment(word, about),
        ]
        return Strip(segments).adjust_cell_length(width, base)


class BarScreen(Screen[Result]):
    """A screen with its title above and its keys below; the keys of its class are its bindings."""

    app: WizardApp
    KEYS: ClassVar[Keys] = ()

    def __init_subclass__(cls, **given: Any) -> None:
        cls.BINDINGS = [*keys.bindings(vars(cls).get("KEYS", ())), *vars(cls).get("BINDINGS", ())]
        super().__init_subclass__(**given)

    def __init__(self, word: str = "", pair: OpenPair | None = None) -> None:
        """Show what concerns a pair (None: no pair, or every one); `word` says in the title what that is."""
        super().__init__()
        self.pair, self._word = pair, word

    def compose(self) -> ComposeResult:
        self._fit(self.app.size.width)
        yield TitleBar(self.heading)
        yield from self.content()
        yield KeyBar(self.KEYS)

    def content(self) -> ComposeResult:
        raise NotImplementedError

    @property
    def heading(self) -> str:
        """What the title names: `analytics → review`."""
        title = self.pair.draft.title if self.pair is not None else ""
        return f" {sign('to')} ".join(filter(None, (title, self._word)))

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
            bar.pair, bar.badge, bar.saved = self.heading, self.pair.badge, self.pair.saved

    def offer(self, *silent: str) -> None:
        """Show the keys in the footer but those of these actions, which can do nothing now."""
        self.query_one(KeyBar).without(self.KEYS, *silent)


def _width(key: Action) -> int:
    return len(key.name) + len(key.label) + 3
