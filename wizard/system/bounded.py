"""Reading files of homes and profiles: regular files of bounded size, opened without blocking; and whether one exists.

Anyone may have put something else in the place of a file: a folder, a pipe, a device, a socket, a file without end.
Each is an `OSError` whose `strerror` says so, and none of them is opened: opening alone can act on a device.

Much of what Python calls absent is only unreadable, perhaps for a moment.  Treating that as absent would leave out a
driver, or remove the folder of a run: whether something exists is yes, no, or an error.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LARGEST = 16 * 1024 * 1024
"""Bytes of the largest file that is read at once; the largest stock configuration file has 38 kB."""
BLOCK = 1024 * 1024


class NotAFile(OSError):
    """What is at a path is not a regular file, or is larger than any file that belongs there."""

    strerror: str


def open_regular(path: str | os.PathLike[str], *, follow: bool = True, folder: int | None = None) -> int:
    """Return a descriptor for reading a regular file, which the caller closes; `follow` symbolic links.

    With `folder`, the descriptor of the folder that it is in, no link is followed.  Raises `OSError`, and `NotAFile`
    (with `EISDIR` for a folder) for anything but a regular file.
    """
    follow = follow and folder is None
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    name = path if folder is None else os.path.basename(path)
    try:
        _require_regular(os.stat(name, dir_fd=folder, follow_symlinks=follow), path)
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as problem:
        problem.filename = os.fspath(path)
        raise
    except ValueError:
        raise OSError(errno.EINVAL, "no file can have this path", os.fspath(path)) from None
    try:
        _require_regular(os.fstat(descriptor), path)  # it may have been replaced in between
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _require_regular(status: os.stat_result, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise NotAFile(errno.EISDIR, "is a folder", os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        raise NotAFile(errno.EINVAL, "is not a regular file", os.fspath(path))


def blocks(
    path: str | os.PathLike[str], most: int, *, follow: bool = True, folder: int | None = None
) -> Iterator[bytes]:
    """Yield the bytes of a regular file in blocks.  Raises as `open_regular`, and `NotAFile` above `most` bytes."""
    descriptor = open_regular(path, follow=follow, folder=folder)
    try:
        size = f"{most // 2**20} MB" if most >= 2**20 else f"{most // 1000} kB"
        too_large = NotAFile(errno.EFBIG, f"is too large (more than {size})", os.fspath(path))
        if os.fstat(descriptor).st_size > most:
            raise too_large
        while block := os.read(descriptor, min(BLOCK, most + 1)):
            most -= len(block)
            if most < 0:  # it grows
                raise too_large
            yield block
    except OSError as problem:
        problem.filename = problem.filename or os.fspath(path)
        raise
    finally:
        os.close(descriptor)


def read(path: str | os.PathLike[str], most: int = LARGEST, *, follow: bool = True) -> bytes:
    """Return the bytes of a regular file.  Raises as `blocks`."""
    return b"".join(blocks(path, most, follow=follow))


def read_text(path: str | os.PathLike[str], most: int = LARGEST) -> str:
    """Return the text of a regular file; bytes that are not UTF-8 are replaced.  Raises as `blocks`."""
    return read(path, most).decode("utf-8", "replace")


def read_json(path: str | os.PathLike[str], most: int = LARGEST, *, follow: bool = True) -> Any:
    """Return the JSON of a regular file.  Raises as `blocks`, and `ValueError` for anything but JSON."""
    try:
        return json.loads(read(path, most, follow=follow))
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def number(text: str) -> int | None:
    """Return the whole number, of at most nine digits, that a text from outside is; None if it is anything else.

    `isdigit()` accepts what `int()` refuses: a superscript two, and thousands of digits.
    """
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*", text)
    return int(found[1]) if found else None


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
