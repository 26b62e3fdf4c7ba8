"""Start from an existing pair: its two homes are read into a profile, and nothing in them is changed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from screens.dialogs.picker import pick_for
from screens.model.background import beside
from screens.page import Page, PageEntry
from screens.signs import plain, sign
from screens.widgets.field import TextField
from screens.widgets.path_field import PathField
from wizard.command_line.run import from_homes
from wizard.profile.fields import keys
from wizard.profile.names import check_name
from wizard.system import locations
from wizard.system.errors import UsageError, WizardError

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult

    from wizard.command_line.run.from_homes import PairReading

ABOUT = """\
For a pair that was configured by hand. Both homes are read, and nothing in them is changed: their configuration \
becomes a profile, and each password a file that only you can read."""
NAME = "from-homes"
"""The name of the profile where none is typed, as on the command line."""


class ReadBack(NamedTuple):
    """The profile that was written, and what the homes do not answer."""

    name: str
    found: PairReading


class LastField(TextField):
    """The last field of the form: Enter begins."""

    async def action_submit(self) -> None:
        await self.screen.run_action("read")


class ExistingPair(ModalScreen["ReadBack | None"]):
    """Ask for the two homes and for a name; return what was read, once it is written."""

    CSS_PATH = "dialogs/ask.tcss"
    AUTO_FOCUS = "PathField"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "give up", show=False)]

    def __init__(self, folder: Path) -> None:
        """Ask; `folder` is where relative paths count from."""
        super().__init__()
        self._folder = folder

    def compose(self) -> ComposeResult:
        home = keys()["nodes.home"]
        named = replace(home, key="", title="Profile", help="what commands and reports call the pair")
        fields: list[TextField] = [
            PathField(replace(home, title=title), ("nodes", number, "home"), "", f"/opt/wso2/{like}")
            for number, (title, like) in enumerate(
                [("Home of node 1", "analytics-1"), ("Home of node 2", "analytics-2")]
            )
        ]
        fields.append(LastField(named, (), "", NAME))
        with Vertical(classes="box") as box:
            box.border_title = "From an existing pair"
            box.border_subtitle = "F3 chooses a folder"
            yield Static(ABOUT, markup=False, classes="text")
            for field in fields:
                field.lay(17)
                yield field
            yield Static("", markup=False, classes="result")
            with Horizontal(classes="buttons"):
                yield Button("cancel", id="cancel", compact=True)
                yield Button("read the homes", id="read", compact=True)

    def on_mount(self) -> None:
        for field in self.query(PathField):
            field.look_from(self._folder)

    def action_pick(self) -> None:
        """Choose a home from the disk; F3 of a path."""
        if isinstance(self.focused, PathField):
            pick_for(self.focused, self._folder)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "read":
            self.action_read()
        else:
            self.action_give_up()

    @work(exclusive=True)
    async def action_read(self) -> None:
        """Read the homes, and write the profile."""
        first, second, name = (field.value.strip() for field in self.query(TextField))
        result = self.query_one(".result", Static)
        for field in self.query(PathField):
            if not field.value.strip():
                result.update(f"{sign('error')} enter the folder of this node's pack")
                field.focus()
                return
        result.update(f"Reading {sign('cut')}")
        try:
            self.dismiss(await beside(partial(read_back, first, second, name or NAME, self._folder), "homes"))
        except (WizardError, ValueError) as problem:
            result.update(f"{sign('error')} {plain(str(problem))}")

    def action_give_up(self) -> None:
        self.dismiss(None)


def read_back(first: str, second: str, name: str, folder: Path) -> ReadBack:
    """Read the two homes and write the profile of that name, with its files of passwords.

    Raises:
        WizardError: a home is not a pack, the name is invalid or taken, or the profile cannot be written.
        ValueError: a path is invalid.
    """
    check_name(name)
    if locations.draft(name).exists():
        raise UsageError("a draft of this name exists already", fix="open it, or use another name")
    found = from_homes.read((locations.located(first, folder), locations.located(second, folder)))
    from_homes.write(found, locations.profile(name))
    return ReadBack(name, found)


class WhatWasRead(ModalScreen[None]):
    """What was ambiguous in the homes, field by field, over the step where the wizard continues."""

    CSS_PATH = ["dialogs/ask.tcss", "help.tcss"]  # noqa: RUF012  (as Textual declares it)
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,space", "close", "close", show=False)]

    def __init__(self, found: PairReading) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box") as box:
            box.border_title = "Read from the two homes"
            box.border_subtitle = "Esc continues"
            yield Page(entries(self._found))

    def action_close(self) -> None:
        self.dismiss(None)


def entries(found: PairReading) -> list[PageEntry]:
    """What the user has to know: what is missing, then each ambiguity with its field."""
    page = [
        PageEntry(text="The profile holds what the homes hold. The review shows where they differ from it.")
    ]
    if found.missing:
        page += [PageEntry(), PageEntry("Not in the homes; fill in", "$secondary bold")]
        page += [
            PageEntry(f"  {sign('incomplete')}", "$warning bold", name, indent=4) for name in found.missing
        ]
    if found.notes:
        page += [
            PageEntry(),
            PageEntry("To be reviewed (each is a comment in the profile)", "$secondary bold"),
        ]
    for field, notes in found.notes.items():
        page.append(PageEntry(f"  {field or 'both homes'}", "bold"))
        page += [PageEntry(f"  {sign('warning')}", "$warning bold", note, indent=4) for note in notes]
    return page
