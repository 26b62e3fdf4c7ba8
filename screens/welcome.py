"""The first screen without a profile: a new pair, the saved ones, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from screens import keys
from screens.dialogs.picker import Picker
from screens.existing import ExistingPair, ReadBack, WhatWasRead
from screens.model import lookup
from screens.model.background import beside
from screens.model.draft import begin, open_profile
from screens.page import Page, PageEntry
from screens.signs import plain, sign
from screens.sizes import WIDE
from screens.widgets.key_bar import KeyBar
from screens.widgets.title_bar import TitleBar
from wizard.profile.fields import Key
from wizard.profile.names import check_name
from wizard.profile.store import listing
from wizard.system import locations
from wizard.system.errors import WizardError

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from wizard.profile.store import Listed

ACTIONS = {"new": "New pair", "existing": "From an existing pair", "open_file": "Open a file"}

TITLE = "A pair of API Manager Analytics nodes, step by step"

STATES = {
    "ok": ("done", "complete", "$success"),
    "draft": ("incomplete", "incomplete", "$warning"),
    "invalid": ("error", "invalid", "$error"),
}
"""The state of a profile → its sign, word and colour."""

NEEDED = (
    "two unpacked packs of the same version, with their servers stopped",
    "MySQL or MariaDB, and an account for it",
    "the jar of MySQL Connector/J (5.1.49 fits every server before 9)",
    "a JDK 1.7 or 1.8 for the servers",
)
PROMISES = (
    "nothing is written before you have seen every change",
    "a run writes everything or nothing, and can be rolled back",
    "what you type is saved at once: leave at any time, continue later",
)


class Welcome(Screen[None]):
    """The saved profiles, and what is needed for a new one."""

    CSS_PATH = "welcome.tcss"
    AUTO_FOCUS = "OptionList"
    KEYS = keys.WELCOME
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.WELCOME)

    def __init__(self) -> None:
        super().__init__()
        self._listed: list[Listed] = []

    def compose(self) -> ComposeResult:
        yield TitleBar()
        with Container(id="welcome"):
            with Vertical(id="profiles"):
                yield Static(Content.assemble((TITLE, "bold $primary")), id="greeting")
                yield OptionList()
            yield _about()
        yield KeyBar(self.KEYS)

    def on_mount(self) -> None:
        self.set_class(self.app.size.width >= WIDE, "-wide")
        self.call_after_refresh(self.action_again)

    async def action_again(self) -> None:
        """Look for the saved profiles."""
        self._listed, last = await beside(_listing, "profiles")
        options = self.query_one(OptionList)
        options.clear_options()
        for number, one in enumerate(self._listed):
            options.add_option(Option(_line(one, last.get(one.name)), id=str(number)))
        if self._listed:
            options.add_option(None)
        options.add_options(Option(f"+ {title}", id=id) for id, title in ACTIONS.items())
        options.highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        chosen = event.option.id or "0"
        if chosen in ACTIONS:
            self.call_later(self.run_action, f"screen.{chosen}")
        else:
            one = self._listed[int(chosen)]
            self._open(one.name if one.state == "draft" or not one.error else str(one.path))

    def action_open(self) -> None:
        self.query_one(OptionList).action_select()

    def action_new(self) -> None:
        self.app.push_screen(NewPair(), self._begin)

    def _begin(self, name: str | None) -> None:
        if name is None:
            return
        try:
            self.app.open(begin(name))  # type: ignore[attr-defined]
        except WizardError as problem:
            self.app.say(str(problem), "error")  # type: ignore[attr-defined]

    def action_existing(self) -> None:
        self.app.push_screen(ExistingPair(Path.cwd()), self._go_on)

    def _go_on(self, read: ReadBack | None) -> None:
        if read is None:
            return
        self._open(read.name)
        self.app.push_screen(WhatWasRead(read.found))

    def action_open_file(self) -> None:
        profile = Key("profile", "Profile", "a .toml file", "path", True, None, (), ())
        self.app.push_screen(Picker(profile, "", Path.cwd()), self._open)

    def _open(self, argument: str | None) -> None:
        if argument is None:
            return
        try:
            self.app.open(open_profile(argument))  # type: ignore[attr-defined]
        except WizardError as problem:
            self.app.say(str(problem), "error")  # type: ignore[attr-defined]

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-wide")


class NewPair(ModalScreen["str | None"]):
    """Asks for the name of a new pair."""

    CSS_PATH = "dialogs/ask.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", show=False)]

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = "A new pair"
            yield Static(
                "A name of letters, digits, _ and -, for commands and reports.",
                markup=False,
                classes="text",
            )
            name = Input(placeholder="analytics", select_on_focus=False)
            name.cursor_blink = False
            yield name
            yield Static("", markup=False, classes="result")
            with Horizontal(classes="buttons"):
                yield Button("cancel", id="cancel", compact=True)
                yield Button("begin", id="begin", compact=True)

    def on_input_submitted(self) -> None:
        self._use()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "begin":
            self._use()
        else:
            self.action_close()

    def _use(self) -> None:
        name = self.query_one(Input).value.strip() or "analytics"
        result = self.query_one(".result", Static)
        try:
            check_name(name)
        except WizardError as problem:
            result.update(f"{sign('error')} {plain(problem.message)}; {plain(problem.fix or '')}")
            return
        if locations.profile(name).exists() or locations.draft(name).exists():
            result.update(f"{sign('error')} a profile of this name exists: open it, or choose another name")
            return
        self.dismiss(name)

    def action_close(self) -> None:
        self.dismiss(None)


def _listing() -> tuple[list[Listed], dict[str, tuple[str, str]]]:
    """The profiles, and the state and day of the newest run of each."""
    return listing(), lookup.newest_runs()


def _line(one: Listed, last: tuple[str, str] | None) -> Content:
    """`✓ analytics  applied 2026-11-24  10.100.0.46, 10.100.0.47`."""
    mark, word, colour = STATES[one.state]
    if one.state == "draft" and not one.hosts:
        mark, word = "untouched", "new"
    elif last is not None and one.state == "ok":
        word = " ".join(last)
    return Content.assemble(
        (sign(mark), f"bold {colour}"),
        (f" {plain(one.name):<20}", "bold"),
        (f" {word:<22}", colour),
        (f" {', '.join(map(plain, one.hosts))}", "$quiet"),
    )


def _about() -> Page:
    def points(title: str, lines: tuple[str, ...]) -> list[PageEntry]:
        return [
            PageEntry(title, "$secondary bold"),
            *(PageEntry(f"  {sign('dot')}", "", line, "", 4) for line in lines),
        ]

    return Page([*points("What is needed", NEEDED), PageEntry(), *points("What you can count on", PROMISES)])
