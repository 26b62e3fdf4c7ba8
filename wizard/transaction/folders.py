"""The folders that a run writes into, each opened once: a folder that replaces one of them is never written to."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path

from wizard.system.durable import FOLDER, naming
from wizard.system.errors import StoppedError
from wizard.transaction.move import ABSENT, PathState, state_of


class Folders:
    """Descriptors of folders.  Below a home no link is followed, since a plan has real paths.

    `moved` says that a home may be a link to where it was moved, as before a rollback; otherwise each home must be
    where it was planned.
    """

    def __init__(self, homes: Iterable[str], *, moved: bool = False) -> None:
        self._homes = [Path(home) for home in homes]
        self._moved = moved
        self._opened: dict[Path, int] = {}

    def __enter__(self) -> Folders:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self._opened.values():
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def of(self, folder: Path) -> int:
        """Return the folder's descriptor.

        Raises:
            StoppedError: it, or a folder above it, was replaced since it was planned.
            OSError: it is gone or cannot be opened.
        """
        if folder not in self._opened:
            self._opened[folder] = self._open(folder)
        return self._opened[folder]

    def _open(self, folder: Path) -> int:
        with naming(folder):
            try:
                if any(home in folder.parents for home in self._homes):
                    return os.open(folder.name, FOLDER | os.O_NOFOLLOW, dir_fd=self.of(folder.parent))
                if self._moved:
                    return os.open(folder, FOLDER)
                if os.path.realpath(folder) == str(folder):
                    return os.open(folder, FOLDER | os.O_NOFOLLOW)
            except OSError as problem:
                if problem.errno not in {errno.ENOTDIR, errno.ELOOP}:
                    raise
        raise _replaced(folder)

    def state(self, path: Path) -> PathState:
        """Return the state of a path now, in the folder that was opened; raises the errors of `of`."""
        folder = path.parent
        known = folder in self._opened
        try:
            descriptor = self.of(folder)
            if known and not os.path.samestat(os.stat(folder), os.fstat(descriptor)):
                raise _replaced(folder)
        except FileNotFoundError:
            return ABSENT
        return state_of(path, descriptor)


def _replaced(folder: Path) -> StoppedError:
    return StoppedError(f"the folder {folder} was replaced since the run was planned")
