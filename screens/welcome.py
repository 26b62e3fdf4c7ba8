"""The first screen without a profile: the saved pairs, and the ways to begin another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from screens import keys
from screens.dialogs.ask import Entry
from screens.dialogs.picker import Picker, pick_for
from screens.help import Page, PageBox, PageEntry, chapter, point
from screens.model import memory
from screens.model.background import beside, typed_in
from screens.model.draft import OpenedProfile, begin, open_profile
from screens.signs import plain, sign
from screens.widgets.bars import BarScreen
from screens.widgets.field import Line, PathField, TextField
from wizard.command_line.run import from_homes
from wizard.command_line.run.from_homes import PairReading
from wizard.profile import fields
from wizard.profile.files import check_name
from wizard.profile.store import Listed, listing
from wizard.system import locations
from wizard.system.errors import UsageError, WizardError

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


class Welcome(BarScreen[None]):
    """The saved profiles, and what is needed for a new one."""

    CSS_PATH = "welcome.tcss"
    AUTO_FOCUS = "OptionList"
    KEYS = keys.WELCOME

    def __init__(self) -> None:
        super().__init__()
        self._listed: list[Listed] = []

    def content(self) -> ComposeResult:
        with Container(id="welcome"):
            with Vertical(id="profiles"):
                yield Static(Content.assemble((TITLE, "bold $primary")), id="greeting")
                yield OptionList()
            yield _about()

    def on_mount(self) -> None:
        self.call_after_refresh(self.action_again)

    async def action_again(self) -> None:
        self._listed, last = await beside(lambda: (listing(), memory.newest_runs()), "profiles")
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
        self.app.push_screen(NewPair(), partial(self._open, how=begin))

    def action_existing(self) -> None:
        self.app.push_screen(ExistingPair(Path.cwd()), self._go_on)

    def _go_on(self, read: tuple[str, PairReading] | None) -> None:
        if read is not None:
            name, found = read
            self._open(name)
            self.app.push_screen(WhatWasRead(found))

    def action_open_file(self) -> None:
        profile = fields.Key("profile", "Profile", "a .toml file", "path", True, None, (), ())
        self.app.push_screen(Picker(profile, "", Path.cwd()), self._open)

    def _open(self, argument: str | None, how: Callable[[str], OpenedProfile] = open_profile) -> None:
        if argument is not None:
            with self.app.errors_said():
                self.app.open(how(argument))


class NewPair(Entry[str]):
    """Asks for the name of a new pair."""

    AUTO_FOCUS = "Input"

    def __init__(self) -> None:
        super().__init__(
            "A new pair", "A name of letters, digits, _ and -, for commands and reports.", "begin"
        )

    def fields(self) -> Iterable[Widget]:
        yield Line("", "analytics")

    def action_use(self) -> None:
        name = self.query_one(Line).value.strip() or "analytics"
        try:
            check_name(name)
        except WizardError as problem:
            self.refuse(f"{problem.message}; {problem.fix or ''}")
            return
        if locations.profile(name).exists() or locations.draft(name).exists():
            self.refuse("a profile of this name exists: open it, or choose another name")
            return
        self.dismiss(name)


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
    needed = [*chapter("What is needed"), *(point("dot", "", line) for line in NEEDED)]
    promises = [*chapter("What you can count on"), *(point("dot", "", line) for line in PROMISES)]
    return Page([*needed[1:], *promises])


EXISTING = """\
For a pair that was configured by hand. Both homes are read, and nothing in them is changed: their configuration \
becomes a profile, and each password a file that only you can read."""
NAME = "from-homes"
"""The name of the profile where none is typed, as on the command line."""


class ExistingPair(Entry["tuple[str, PairReading]"]):
    """Ask for the two homes and for a name; return the name of the profile that was written, and what was read."""

    AUTO_FOCUS = "PathField"
    # Before the key after it is given to a field, as in the forms: each of them moves the focus.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "previous", show=False, priority=True),
        Binding("enter", "enter", "next, or begin", show=False, priority=True),
    ]

    def __init__(self, folder: Path) -> None:
        """Ask; `folder` is where relative paths count from."""
        super().__init__("From an existing pair", EXISTING, "read the homes", subtitle="F3 chooses a folder")
        self._folder = folder

    def fields(self) -> Iterable[Widget]:
        home = fields.keys()["nodes.home"]
        named = replace(home, key="", title="Profile", help="what commands and reports call the pair")
        for number in (0, 1):
            of_node = replace(home, title=f"Home of node {number + 1}")
            such_as = f"/opt/wso2/analytics-{number + 1}"
            yield PathField(of_node, ("nodes", number, "home"), "", such_as, self._folder)
        yield TextField(named, (), "", NAME)

    def on_mount(self) -> None:
        for field in self.query(TextField):
            field.lay(17)

    def action_pick(self) -> None:
        """Choose a home from the disk; F3 of a path."""
        if isinstance(self.focused, PathField):
            pick_for(self.focused, self._folder)

    async def action_enter(self) -> None:
        """Go to the next field; on the last one begin."""
        if not isinstance(self.focused, TextField):
            raise SkipAction()
        if isinstance(self.focused, PathField):
            self.focus_next()
            return
        await typed_in(self.focused)
        self.action_use()

    @work(exclusive=True)
    async def action_use(self) -> None:
        first, second, name = (field.value.strip() for field in self.query(TextField))
        for field in self.query(PathField):
            if not field.value.strip():
                self.refuse("enter the folder of this node's pack")
                field.focus()
                return
        self.result.update(f"Reading {sign('cut')}")
        try:
            self.dismiss(await beside(partial(read_back, first, second, name or NAME, self._folder), "homes"))
        except (WizardError, ValueError) as problem:
            self.refuse(str(problem))


def read_back(first: str, second: str, name: str, folder: Path) -> tuple[str, PairReading]:
    """Read the two homes and write the profile of that name, with its files of passwords; return both.

    Raises:
        WizardError: a home is not a pack, the name is invalid or taken, or the profile cannot be written.
        ValueError: a path is invalid.
    """
    check_name(name)
    if locations.draft(name).exists():
        raise UsageError("a draft of this name exists already", fix="open it, or use another name")
    found = from_homes.read((locations.located(first, folder), locations.located(second, folder)))
    from_homes.write(found, locations.profile(name))
    return name, found


class WhatWasRead(PageBox):
    """What was ambiguous in the homes, field by field, over the step where the wizard continues."""

    def __init__(self, found: PairReading) -> None:
        super().__init__("Read from the two homes", "Esc continues", entries(found))


def entries(found: PairReading) -> list[PageEntry]:
    """What the user has to know: what is missing, then each ambiguity with its field."""
    about = "The profile holds what the homes hold. The review shows where they differ from it."
    page = [PageEntry(text=about)]
    if found.missing:
        page += chapter("Not in the homes; fill in")
        page += [point("incomplete", "$warning bold", name) for name in found.missing]
    if found.notes:
        page += chapter("To be reviewed (each is a comment in the profile)")
    for field, notes in found.notes.items():
        page.append(PageEntry(f"  {field or 'both homes'}", "bold"))
        page += [point("warning", "$warning bold", note) for note in notes]
    return page
