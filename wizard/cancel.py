"""Cancelling a run: at once where nothing is being written, at the next safe point where something is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Cancel:
    """The wish to stop.  Whoever writes looks at it between two moves and goes back."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._shields = 0

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    @contextmanager
    def shield(self) -> Iterator[None]:
        """While it lasts, `interrupt` only notes the wish: a write is never cut in the middle."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    def interrupt(self) -> None:
        """Somebody pressed Ctrl-C (called by a signal handler): `KeyboardInterrupt` unless shielded."""
        self.set()
        if not self._shields:
            raise KeyboardInterrupt
