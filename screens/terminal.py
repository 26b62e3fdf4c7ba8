"""A terminal that goes away: closed by its window, or cut off with its connection."""

from __future__ import annotations

from typing import Any

from textual.app import App


def never_wait_for(app: App[Any]) -> None:
    """Let the application end also where nobody takes what it paints.

    Textual writes from a thread, through a queue that holds 30 pieces.  When the terminal is gone that thread ends, and
    the next one who puts something into the full queue, the end of the application among them, waits for ever: a
    process that nobody sees, with its locks and its server.  A queue without a bound never makes anybody wait.
    """
    writer = getattr(app._driver, "_writer_thread", None)
    queue = getattr(writer, "_queue", None)
    if queue is not None:
        queue.maxsize = 0
