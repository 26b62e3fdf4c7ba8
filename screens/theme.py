"""The two looks, one for dark terminals and one for light ones, and the inks that widgets paint with."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rich.style import Style
from textual.theme import Theme

if TYPE_CHECKING:
    from textual.widget import Widget

DARK = {
    "foreground": "#dde4ea",
    "background": "#10161d",
    "panel": "#161f28",
    "surface": "#1d2832",
    "raised": "#263645",
    "line": "#33444f",
    "quiet": "#8a9bab",
    "primary": "#ff9a4d",
    "secondary": "#73bccf",
    "success": "#7fcf97",
    "warning": "#f0c567",
    "error": "#ff8580",
    "added": "#15331f",
    "removed": "#3d1c1e",
    "on-primary": "#10161d",
}

LIGHT = {
    "foreground": "#1c252d",
    "background": "#fbfaf7",
    "panel": "#f2efe8",
    "surface": "#eae6dc",
    "raised": "#dfd9cb",
    "line": "#cfc8b8",
    "quiet": "#5c6770",
    "primary": "#ad4405",
    "secondary": "#17616f",
    "success": "#1a6b3a",
    "warning": "#7d5200",
    "error": "#ad231b",
    "added": "#d8ecdb",
    "removed": "#f8dad6",
    "on-primary": "#fbfaf7",
}

PALETTES = {"apimha-dark": DARK, "apimha-light": LIGHT}


OWN = ("raised", "line", "quiet", "added", "removed", "on-primary")
"""The colours that Textual's themes do not know."""


def _theme(name: str, colours: dict[str, str], *, dark: bool) -> Theme:
    bars = {f"scrollbar-{part}": colours["background"] for part in ("background", "background-hover")}
    bars |= {
        "scrollbar-background-active": colours["background"],
        "scrollbar-corner-color": colours["background"],
    }
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


def tint(widget: Widget, colour: str, *, bold: bool = False) -> Style:
    """A colour of the palette by its name, on whatever ground there is."""
    style = ink(widget, colour, bold=bold)
    return Style(color=style.color, bold=bold or None)


@cache
def _ink(theme: str, colour: str, on: str, bold: bool) -> Style:
    palette = PALETTES.get(theme, DARK)
    return Style(color=palette[colour], bgcolor=palette[on], bold=bold or None)
