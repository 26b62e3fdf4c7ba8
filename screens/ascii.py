"""What has to change where only ASCII can be shown, beyond the signs: lines, bars and arrows of the widgets."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender


class AsciiBars(ScrollBarRender):
    """Scroll bars whose ends are whole cells: they are drawn by colour and reversed text alone."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def dress_scroll_bars(*, ascii: bool) -> None:
    """Draw every scroll bar so from now on."""
    ScrollBar.renderer = AsciiBars if ascii else ScrollBarRender
