"""The two looks: one for dark terminals, one for light ones."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="apimha-dark",
    primary="#ff9a4d",
    secondary="#6fb7c9",
    accent="#ff9a4d",
    foreground="#dde4ea",
    background="#10161d",
    surface="#1a232d",
    panel="#151d26",
    success="#7fcf97",
    warning="#f0c567",
    error="#ff8580",
    boost="#243140",
    dark=True,
    variables={
        "input-selection-background": "#ff9a4d 30%",
        "border": "#ff9a4d",
        "quiet": "#8496a7",
        "line": "#2c3a48",
        "added": "#12301f",
        "removed": "#3a1a1d",
    },
)

LIGHT = Theme(
    name="apimha-light",
    primary="#b4480a",
    secondary="#1d6b7d",
    accent="#b4480a",
    foreground="#1c252d",
    background="#fbfaf7",
    surface="#eeebe4",
    panel="#f4f2ec",
    success="#1d7340",
    warning="#8a5a00",
    error="#b3261e",
    boost="#e3ded3",
    dark=False,
    variables={
        "input-selection-background": "#b4480a 25%",
        "border": "#b4480a",
        "quiet": "#5f6a73",
        "line": "#d5cfc2",
        "added": "#dcefdf",
        "removed": "#f9dedb",
    },
)

THEMES = {"dark": DARK, "light": LIGHT}
