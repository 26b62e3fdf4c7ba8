"""A field for a path: completes what was begun, and says what is there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.suggester import Suggester

from screens.model import paths
from screens.model.background import PATIENCE, beside, typed_in
from screens.theme import ink
from screens.widgets.field import TextField
from screens.widgets.labelled import cut_left

if TYPE_CHECKING:
    from pathlib import Path

    from textual.timer import Timer

PAUSE = 0.15
"""Seconds without a key before the disk is read."""


class PathSuggester(Suggester):
    """Completion from the disk."""

    def __init__(self, key: str, folder: Path) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._key, self._folder = key, folder

    async def get_suggestion(self, value: str) -> str | None:
        return await beside(lambda: paths.completion(self._key, value, self._folder), "completion")


class PathField(TextField):
    """One line for a path; Tab completes it while there is something to complete, Right takes the suggestion."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f3", "screen.pick", "choose", show=False)]

    _looking: Timer | None = None
    _folder: Path | None = None

    def look_from(self, folder: Path) -> None:
        """Relative paths count from `folder`; read what is at the path that the field holds now."""
        self._folder = folder
        self.suggester = PathSuggester(self.field.key, folder)
        self._look_soon()

    def watch_value(self) -> None:
        self._look_soon()

    def _look_soon(self) -> None:
        if self._folder is None:
            return
        if self._looking is not None:
            self._looking.stop()
        self._looking = self.set_timer(PAUSE, self._look)

    async def _look(self) -> None:
        text, folder = self.value, self._folder
        if folder is None:
            return
        found = await beside(lambda: paths.about(self.field.key, text, folder), "path") if text else ""
        if text == self.value:
            self.describe(self.problem, found)

    async def completed(self) -> bool:
        """Complete as far as the disk leaves one choice; gives whether there was anything to complete."""
        await typed_in(self)
        text, folder, longer = self.value, self._folder, None
        if folder is not None and text and self.cursor_position == len(text):
            look = beside(lambda: paths.certain_completion(self.field.key, text, folder), "completion")
            try:
                longer = await asyncio.wait_for(look, PATIENCE)
            except TimeoutError:
                longer = None
        if longer is None or len(longer) <= len(text):
            return False
        self.take(longer)
        return True

    def render_line(self, y: int) -> Strip:
        """A path that is too long is cut at the left, unless it is being edited."""
        width = self.scrollable_content_region.width
        if y or self.has_focus or len(self.value) <= width or not self.value.isprintable():
            return super().render_line(y)
        style = ink(self, "foreground", "surface")
        return Strip([Segment(cut_left(self.value, width), style)]).adjust_cell_length(width, style)
