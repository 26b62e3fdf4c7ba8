"""Text that was written elsewhere (a server, a pack, a file's name), as a person may see it."""

from __future__ import annotations

LONGEST = 500
"""Characters that are quoted of a text from elsewhere."""


def escaped(text: str, keep: str = "") -> str:
    """Return `text` with what a terminal obeys or does not show as Python's escapes, such as `\\x1b` and `\\u202e`.

    That is control characters, line ends, overrides of the direction, what has no width, and lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else repr(c)[1:-1] for c in text)


def quoted(text: str, most: int = LONGEST) -> str:
    """Return a text from elsewhere on one line, escaped and shortened: it cannot pass for a line of ours."""
    text = escaped(text[: 4 * most].strip())
    return text if len(text) <= most else f"{text[: most - 1]}…"
