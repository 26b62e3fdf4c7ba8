"""Start from an existing pair: its two homes are read back into a profile, and nothing in them is changed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

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
Somebody has configured a pair by hand. Both homes are read, and nothing in them is changed: what they hold becomes \
a profile, and each password a file beside it that only you can read."""
NAME = "from-homes"
"""The name of the profile where none is typed, as on the command line."""


class ReadBack(NamedTuple):
    """The profile that was written, and what the homes left open."""

    name: str
    found: PairReading


class ExistingPair(ModalScreen["ReadBack | None"]):
    """Asks for the two homes and for a name; gives what was read, once it is written."""

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
        fields.append(TextField(named, (), "", NAME))
        with Vertical(classes="box") as box:
            box.border_title = "From an existing pair"
            box.border_subtitle = "F3 chooses a folder"
            yield Static(ABOUT, markup=False, classes="text")
            for field in fields:
                field.lay(above=False, label_width=17)
                yield field
            yield Static("", markup=False, classes="result")
            with Horizontal(classes="buttons"):
                yield Button("cancel", id="cancel", compact=True)
                yield Button("read them", id="read", compact=True)

    def on_mount(self) -> None:
        for field in self.query(PathField):
            field.look_from(self._folder)

    def action_pick(self) -> None:
        """Choose a home from the disk; F3 of a path."""
        if isinstance(self.focused, PathField):
            pick_for(self.focused, self._folder)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "read":
            self.run_worker(self._read(), exclusive=True)
        else:
            self.action_give_up()

    async def _read(self) -> None:
        first, second, name = (field.value.strip() for field in self.query(TextField))
        told = self.query_one(".result", Static)
        for field in self.query(PathField):
            if not field.value.strip():
                told.update(f"{sign('error')} name the folder of this node's pack")
                field.focus()
                return
        told.update(f"Reading {sign('cut')}")
        try:
            self.dismiss(await beside(partial(read_back, first, second, name or NAME, self._folder), "homes"))
        except (WizardError, ValueError) as problem:
            told.update(f"{sign('error')} {plain(str(problem))}")

    def action_give_up(self) -> None:
        self.dismiss(None)


def read_back(first: str, second: str, name: str, folder: Path) -> ReadBack:
    """Read the two homes and write the profile of that name, with its files of passwords.

    Raises:
        WizardError: a home is no pack, the name is none or is taken, or it cannot be written.
        ValueError: a path is none.
    """
    check_name(name)
    if locations.draft(name).exists():
        raise UsageError("there is a draft of this name already", fix="open it, or take another name")
    found = from_homes.read((locations.located(first, folder), locations.located(second, folder)))
    from_homes.write(found, locations.profile(name))
    return ReadBack(name, found)


class WhatWasRead(ModalScreen[None]):
    """What was doubtful in the homes, field by field, over the step where the pair goes on."""

    CSS_PATH = ["dialogs/ask.tcss", "help.tcss"]  # noqa: RUF012  (as Textual declares it)
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,space", "close", "close", show=False)]

    def __init__(self, found: PairReading) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box") as box:
            box.border_title = "Read from the two homes"
            box.border_subtitle = "Esc goes on"
            yield Page(entries(self._found))

    def action_close(self) -> None:
        self.dismiss(None)


def entries(found: PairReading) -> list[PageEntry]:
    """What a person has to know of what was read: what is missing, then each doubt at its field."""
    told = [
        PageEntry(text="The profile holds what the homes hold. The review shows where they differ from it.")
    ]
    if found.missing:
        told += [PageEntry(), PageEntry("Not in the homes, to be filled in", "$secondary bold")]
        told += [
            PageEntry(f"  {sign('incomplete')}", "$warning bold", name, indent=4) for name in found.missing
        ]
    if found.notes:
        told += [
            PageEntry(),
            PageEntry("To be looked at (each is a comment in the profile)", "$secondary bold"),
        ]
    for field, notes in found.notes.items():
        told.append(PageEntry(f"  {field or 'both homes'}", "bold"))
        told += [PageEntry(f"  {sign('warning')}", "$warning bold", note, indent=4) for note in notes]
    return told
