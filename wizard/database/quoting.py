"""Names and strings for SQL, safe whatever they hold."""

from __future__ import annotations

_ESCAPES = {"\\": "\\\\", "'": "''", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z"}


def identifier(name: str) -> str:
    """A name in backticks, whatever it holds; right in every SQL mode."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A string in quotes, on one line.

    Its backslashes are doubled, so it is right only where the SQL mode has no NO_BACKSLASH_ESCAPES: printed
    SQL switches that off first.
    """
    return "'" + "".join(_ESCAPES.get(character, character) for character in text) + "'"
