"""Whether something exists: yes, no, or an error, but never "no" because it could not be read.

Much of what Python calls absent is only unreadable, perhaps for a moment.  Treating that as absent would leave out a
driver, or remove the folder of a run.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

NOTHING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
"""The answers of the system that mean: nothing is there.  A link that leads nowhere, or to itself, is nothing."""


def is_file(path: Path) -> bool:
    """Whether a file exists (a link counts by its target).  Raises `OSError` if that is unknown."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether a folder exists (a link counts by its target).  Raises `OSError` if that is unknown."""
    return stat.S_ISDIR(_mode(path))


def is_anything(path: Path) -> bool:
    """Whether anything exists, including a broken link.  Raises `OSError` if that is unknown."""
    return _mode(path, follow=False) != 0


def is_empty(path: Path) -> bool:
    """Whether the path is absent or an empty folder, as before something is mounted.  False if it is unreadable."""
    try:
        return not os.listdir(path)
    except OSError as problem:
        return problem.errno in NOTHING


def _mode(path: Path, *, follow: bool = True) -> int:
    try:
        return os.stat(path, follow_symlinks=follow).st_mode
    except OSError as problem:
        if problem.errno in NOTHING:
            return 0
        raise
    except ValueError:  # no path at all: there is a NUL in it
        return 0
