"""A field for a path: completes what was begun, and says at once what lies there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester

from screens.model import paths
from screens.model.background import beside
from screens.widgets.field import TextField

if TYPE_CHECKING:
    from pathlib import Path

    from textual.timer import Timer

PAUSE = 0.15
"""Seconds without a key before the disk is looked at."""


class PathSuggester(Suggester):
    """Completion from the disk."""

    def __init__(self, key: str, folder: Path) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._key, self._folder = key, folder

    async def get_suggestion(self, value: str) -> str | None:
        return await beside(lambda: paths.completion(self._key, value, self._folder), "completion")


class PathField(TextField):
    """One line for a path; the right arrow at its end takes the completion."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f3", "screen.pick", "choose", show=False)]

    _looking: Timer | None = None
    _folder: Path | None = None

    def look_from(self, folder: Path) -> None:
        """Relative paths count from `folder`; look at what the field holds now."""
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
        told = await beside(lambda: paths.about(self.field.key, text, folder), "path") if text else ""
        if text == self.value:
            self.tell(self.problem, told)
