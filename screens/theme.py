"""The two looks, for dark and for light terminals, the inks that widgets paint with, and what plainer terminals get."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Size
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.theme import Theme
from textual.widget import Widget

SMALLEST = (72, 20)
"""Columns and rows that the screens need."""


def is_enough(size: Size) -> bool:
    return size.width >= SMALLEST[0] and size.height >= SMALLEST[1]


WIDE = 116
"""Columns from which both nodes stand side by side, and the checks beside the form."""
VAST = 160
"""Columns from which the changes of a step are shown beside its form."""

PALETTE = {
    "foreground": ("#dde4ea", "#1c252d"),
    "background": ("#10161d", "#fbfaf7"),
    "panel": ("#161f28", "#f2efe8"),
    "surface": ("#1d2832", "#eae6dc"),
    "raised": ("#263645", "#dfd9cb"),
    "line": ("#33444f", "#cfc8b8"),
    "quiet": ("#8a9bab", "#5c6770"),
    "primary": ("#ff9a4d", "#ad4405"),
    "secondary": ("#73bccf", "#17616f"),
    "success": ("#7fcf97", "#1a6b3a"),
    "warning": ("#f0c567", "#7d5200"),
    "error": ("#ff8580", "#ad231b"),
    "added": ("#15331f", "#d8ecdb"),
    "removed": ("#3d1c1e", "#f8dad6"),
    "on-primary": ("#10161d", "#fbfaf7"),
}
"""Each colour on a dark and on a light ground."""

DARK, LIGHT = ({name: pair[look] for name, pair in PALETTE.items()} for look in (0, 1))
PALETTES = {"apimha-dark": DARK, "apimha-light": LIGHT}

OWN = ("raised", "line", "quiet", "added", "removed", "on-primary")
"""The colours that Textual's themes do not know."""
GROUNDS = (
    *(f"scrollbar-background{state}" for state in ("", "-hover", "-active")),
    "scrollbar-corner-color",
)


def _theme(name: str, colours: dict[str, str], *, dark: bool) -> Theme:
    bars = dict.fromkeys(GROUNDS, colours["background"])
    bars |= {"scrollbar": colours["line"], "scrollbar-hover": colours["quiet"]}
    bars |= {"scrollbar-active": colours["primary"], "border": colours["primary"]}
    known = {key: colour for key, colour in colours.items() if key not in OWN}
    variables = {key: colours[key] for key in OWN} | bars
    return Theme(name=name, dark=dark, accent=colours["primary"], variables=variables, **known)  # type: ignore[arg-type]


THEMES = {
    "dark": _theme("apimha-dark", DARK, dark=True),
    "light": _theme("apimha-light", LIGHT, dark=False),
}


def ink(widget: Widget, colour: str, on: str = "background", *, bold: bool = False) -> Style:
    """The style of a widget that paints its own lines: colours by their name in the palette.

    Component classes in a style sheet would do the same; each of them costs every widget a pass through all rules,
    and a form has many.
    """
    return _ink(widget.app.theme, colour, on, bold)


@cache
def _ink(theme: str, colour: str, on: str, bold: bool) -> Style:
    palette = PALETTES.get(theme, DARK)
    return Style(color=palette[colour], bgcolor=palette[on], bold=bold or None)


REVERSED = frozenset(
    palette[name] for palette in PALETTES.values() for name in ("primary", "foreground", "success")
)
"""Backgrounds that mark a choice: cursor, selection, focused button."""


class NoColours(LineFilter):
    """Remove every colour (Textual's own answer to `NO_COLOR` is shades of grey, Textualize/textual#839).

    Bold and reversed text show what colours show otherwise.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(text, _without_colour(style) if style is not None else None, control)
            for text, style, control in segments
        ]


@lru_cache(2048)
def _without_colour(style: Style) -> Style:
    ground = style.bgcolor.triplet if style.bgcolor is not None else None
    return Style(
        bold=style.bold,
        italic=style.italic,
        underline=style.underline,
        reverse=(ground is not None and ground.hex in REVERSED) or style.reverse or None,
        meta=style.meta,
    )


class AsciiBars(ScrollBarRender):
    """Scroll bars whose ends are whole cells: they are drawn by colour and reversed text alone."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def dress_scroll_bars(*, ascii: bool) -> None:
    """Draw every scroll bar so from now on."""
    ScrollBar.renderer = AsciiBars if ascii else ScrollBarRender
