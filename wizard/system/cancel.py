"""Cancelling a run: at once where nothing is being written, at the next safe point where something is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Cancel:
    """The wish to stop.  Whoever writes looks at it between two moves and goes back."""

    def __init__(self) -> None:
        self._wanted = False
        self._shields = 0
        self.sealed = False

    def set(self) -> None:
        self._wanted = True

    def is_set(self) -> bool:
        return self._wanted

    @contextmanager
    def shield(self) -> Iterator[None]:
        """While it lasts, `interrupt` only notes the wish: a write is never cut in the middle."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    def seal(self) -> None:
        """How the run ends is settled: a wish that comes later changes nothing, and must not claim to have."""
        self.sealed = True

    def interrupt(self) -> None:
        """Handle Ctrl-C (called by a signal handler): `KeyboardInterrupt` unless shielded or sealed."""
        self.set()
        if not self._shields and not self.sealed:
            raise KeyboardInterrupt
