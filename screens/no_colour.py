"""`NO_COLOR`: not one colour is sent; what colours tell is told by bold and by reversed text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter

from screens.theme import PALETTES

if TYPE_CHECKING:
    from textual.app import App
    from textual.color import Color

REVERSED = frozenset(
    colour
    for palette in PALETTES.values()
    for colour in (palette["primary"], palette["foreground"], palette["success"])
)
"""Grounds that mark what is chosen: cursor, selection, focused button."""


class NoColours(LineFilter):
    """Takes every colour out of what is sent."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(text, _without(style) if style is not None else None, control)
            for text, style, control in segments
        ]


@lru_cache(2048)
def _without(style: Style) -> Style:
    ground = (
        style.bgcolor.triplet.hex if style.bgcolor is not None and style.bgcolor.triplet is not None else ""
    )
    return Style(
        bold=style.bold,
        italic=style.italic,
        underline=style.underline,
        reverse=ground in REVERSED or style.reverse or None,
        meta=style.meta,
    )


def without_colours(app: App[Any]) -> None:
    """Make an application send no colours (Textual's own answer to `NO_COLOR` is shades of grey)."""
    app._filters = [NoColours()]
