"""The lock on a home: on its folder itself, so that another user's run is seen too."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wizard.errors import Locked


@contextmanager
def folder_lock(folder: Path | str, *, wait: bool) -> Iterator[None]:
    """Hold one folder.  `Locked` where another process holds it and `wait` is false."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Locked(
            "another run works on this home", place=str(folder), fix="wait until it has ended, then try again"
        ) from None
    finally:
        os.close(descriptor)


@contextmanager
def locked(homes: Iterable[Path]) -> Iterator[None]:
    """Hold the homes; two runs that want the same ones in another order do not wait for each other.

    Nothing is written.  `Locked` where another run holds one of them.
    """
    with ExitStack() as stack:
        for home in sorted({os.path.realpath(home) for home in homes}):
            stack.enter_context(folder_lock(home, wait=False))
        yield
