"""Choosing a path from the disk: folders, and beside each what pack or driver it is."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from screens.dialogs.ask import Box
from screens.model import paths
from screens.model.background import beside
from screens.signs import cut, cut_left, plain, sign
from screens.widgets.field import PathField
from wizard.profile.fields import Key
from wizard.system import locations

UP = ".."
KEYS = (
    "Enter chooses a pack or a file and opens any other folder; Right opens, Backspace goes up, Esc leaves."
)
LONGEST = 66
"""Characters of the folder's path on one line of the box."""


class Picker(Box["str | None"]):
    """Gives the path that was chosen, or None."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace,left", "up", "up", show=False),
        Binding("right", "into", "into the folder", show=False),
    ]

    def __init__(self, field: Key, text: str, folder: Path) -> None:
        super().__init__(f"Choose: {field.title}")
        self._field = field
        self._entries: list[paths.PathEntry] = []
        self._folder = _start(text, folder)

    def content(self) -> ComposeResult:
        yield Static("", markup=False, id="where")
        yield OptionList()
        yield Static(KEYS, markup=False, classes="quiet")

    async def on_mount(self) -> None:
        await self._show()

    async def _show(self, left: str = "") -> None:
        """List the folder, with the cursor on the folder that was left."""
        where = self.query_one("#where", Static)
        listing = self.query_one(OptionList)
        try:
            self._entries = await beside(lambda: paths.entries(self._field.key, self._folder), "folder")
            where.update(cut_left(plain(str(self._folder)), where.size.width or LONGEST))
        except OSError as problem:
            self._entries = []
            where.update(f"{plain(str(self._folder))}: {problem.strerror}")
        listing.clear_options()
        listing.add_option(Option(Content(f"  {UP}"), id=UP))
        for number, entry in enumerate(self._entries):
            mark = sign("here") if entry.wanted else " "
            name = plain(entry.name) + ("/" if entry.is_folder else "")
            line = Content.assemble(
                (f"{mark} {cut(name, 20):<20} ", "bold" if entry.wanted else ""), cut(plain(entry.about), 44)
            )
            listing.add_option(Option(line, id=str(number)))
        names = [entry.name for entry in self._entries]
        listing.highlighted = names.index(left) + 1 if left in names else min(1, len(names))

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option.id == UP:
            await self.action_up()
            return
        entry = self._entries[int(event.option.id or 0)]
        if entry.wanted or not entry.is_folder:
            self.dismiss(str(self._folder / entry.name))
        else:
            self._folder = self._folder / entry.name
            await self._show()

    async def action_into(self) -> None:
        number = self.query_one(OptionList).highlighted or 0
        if number and self._entries[number - 1].is_folder:
            self._folder = self._folder / self._entries[number - 1].name
            await self._show()

    async def action_up(self) -> None:
        left, self._folder = self._folder.name, self._folder.parent
        await self._show(left)


def pick_for(field: PathField, folder: Path) -> None:
    """Let the user choose the path of a field; relative paths count from `folder`."""

    def take(path: str | None) -> None:
        if path is not None:
            field.value = path
            field.cursor_position = len(path)

    field.app.push_screen(Picker(field.field, field.value, folder), take)


def _start(text: str, folder: Path) -> Path:
    """The folder to begin in: the nearest one around the path, else the current one."""
    path = Path.cwd()
    if text.strip():
        with suppress(ValueError):
            path = Path(os.path.abspath(locations.located(text, folder).parent))
    return next(one for one in (path, *path.parents) if one.is_dir())
