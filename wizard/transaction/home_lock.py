"""The lock on a home: on its folder itself, so that another user's run is seen too."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from wizard.system.errors import ChecksFailed, Locked


@contextmanager
def folder_lock(folder: Path | str, *, wait: bool) -> Iterator[None]:
    """Hold one folder.  `Locked` where another process does and `wait` is false; `OSError` where no lock can be had."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(
                "another run works on this home",
                place=str(folder),
                fix="wait until it has ended, then try again",
            ) from None
        yield
    finally:
        with suppress(OSError):  # the lock is gone with it in any case
            os.close(descriptor)


@contextmanager
def locked(homes: Iterable[Path]) -> Iterator[None]:
    """Hold the homes; two runs that want the same ones in another order do not wait for each other.

    Nothing is written.

    Raises:
        Locked: another run holds one of them.
        ChecksFailed: one of them cannot be opened, or its file system knows no locks.
    """
    with ExitStack() as stack:
        for home in sorted({os.path.realpath(home) for home in homes}):
            try:
                stack.enter_context(folder_lock(home, wait=False))
            except OSError as problem:
                raise ChecksFailed(
                    f"the home cannot be locked: {problem.strerror}",
                    place=home,
                    fix="let this user read the folder; it has to be on a file system with locks (flock)",
                ) from None
        yield


def held(home: Path) -> bool:
    """Whether another process holds the home now.  Ask only where a run has left its marker: the question is a lock
    itself, for a moment, and would keep a run from beginning."""
    try:
        with folder_lock(home, wait=False):
            return False
    except Locked:
        return True
    except OSError:
        return False
