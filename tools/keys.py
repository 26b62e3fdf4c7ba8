"""The keys of every screen as chapters of a page: `python -m tools.keys FILE...` updates the files in place."""

from __future__ import annotations

import sys

from screens.keys import SCREENS
from tools.pages import renew, table


def chapters() -> str:
    """Return each screen as a chapter with its keys, in Markdown."""
    return "\n\n".join(
        f"## {title}\n\n"
        + table(("key", "what it does"), ((f"`{key.names}`", key.help) for key in keys if key.keys))
        for title, keys in SCREENS
    )


if __name__ == "__main__":
    renew(sys.argv[1:], {"keys": chapters})
