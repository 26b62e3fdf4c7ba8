"""Whether something is there: yes, no, or an error, but never "no" because nobody could look.

Much of what Python calls absent is only unreadable, perhaps for a moment.  Whoever takes that for absent leaves a
driver out, or removes the folder of a run.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

NOTHING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
"""The answers of the system that mean: nothing is there.  A link that leads nowhere, or to itself, is nothing."""


def is_file(path: Path) -> bool:
    """Whether a file is there (a link counts by what it leads to).  `OSError` where that cannot be told."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether a folder is there (a link counts by what it leads to).  `OSError` where that cannot be told."""
    return stat.S_ISDIR(_mode(path))


def is_anything(path: Path) -> bool:
    """Whether anything is there, be it a link that leads nowhere.  `OSError` where that cannot be told."""
    return _mode(path, follow=False) != 0


def is_empty(path: Path) -> bool:
    """Whether nothing is there, or an empty folder: what something is mounted on.  False where nobody can look."""
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
