"""A terminal that goes away: closed by its window, or cut off with its connection."""

from __future__ import annotations

from textual.drivers import _writer_thread


def never_wait() -> None:
    """Let an application end also where nobody takes what it paints; to be called before it runs.

    Textual writes from a thread, through a queue that holds 30 pieces.  When the terminal is gone that thread ends, and
    the next one who puts something into the full queue, the end of the application among them, waits for ever: a
    process that nobody sees, with its locks and its server.  A queue without a bound never makes anybody wait.  It is
    the number itself that is changed, since the signals of a closed terminal make Textual begin a second such thread.
    """
    _writer_thread.MAX_QUEUED_WRITES = 0  # type: ignore[misc]
