"""`NO_COLOR`: no colour is sent; bold and reversed text show what colours show otherwise."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter

from screens.theme import PALETTES

if TYPE_CHECKING:
    from textual.color import Color

REVERSED = frozenset(
    colour
    for palette in PALETTES.values()
    for colour in (palette["primary"], palette["foreground"], palette["success"])
)
"""Backgrounds that mark a choice: cursor, selection, focused button."""


class NoColours(LineFilter):
    """Remove every colour (Textual's own answer to `NO_COLOR` is shades of grey, Textualize/textual#839)."""

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
