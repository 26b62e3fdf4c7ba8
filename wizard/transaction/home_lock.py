"""The lock on a home: on its folder itself, so that it holds against other users too."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from wizard.system.errors import ChecksFailed, Locked


@contextmanager
def folder_lock(folder: Path | str, *, wait: bool) -> Iterator[None]:
    """Lock a folder.  `Locked` where another process has it and `wait` is false; `OSError` where locking fails."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(
                "another run works on this home",
                place=str(folder),
                fix="wait until it has ended, then run the command again",
            ) from None
        yield
    finally:
        with suppress(OSError):  # closing releases the lock in any case
            os.close(descriptor)


@contextmanager
def locked(homes: Iterable[Path]) -> Iterator[None]:
    """Lock the homes, always in the same order; nothing is written.

    Raises:
        Locked: another run has locked one of them.
        ChecksFailed: one of them cannot be opened, or its file system has no locks.
    """
    with ExitStack() as stack:
        for home in sorted({os.path.realpath(home) for home in homes}):
            try:
                stack.enter_context(folder_lock(home, wait=False))
            except OSError as problem:
                raise ChecksFailed(
                    f"the home cannot be locked: {problem.strerror}",
                    place=home,
                    fix="let this user read the folder; it must be on a file system with locks (flock)",
                ) from None
        yield


def held(home: Path) -> bool:
    """Whether another process has locked the home.  Only for homes with a marker: testing locks the home for a
    moment, and could keep a run from beginning."""
    try:
        with folder_lock(home, wait=False):
            return False
    except Locked:
        return True
    except OSError:
        return False
