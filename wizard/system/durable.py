"""Writing so that it is on disk: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def write_new(path: Path, data: bytes, *, mode: int) -> None:
    """A new file with these bytes, on disk when this returns; whatever stood at the name is replaced.

    The folder's entry is not on disk yet: that is `fsync_folder`'s, after the rename.
    """
    with new_file(path) as descriptor:
        write_all(descriptor, data)
        os.fchmod(descriptor, mode)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[int]:
    """The descriptor of a new empty file that only this user may read; what is written to it is on disk afterwards.

    Whatever stood at the name is gone.  An `OSError` from inside names the file.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        os.unlink(path)
        descriptor = os.open(path, flags, 0o600)
    try:
        yield descriptor
        os.fsync(descriptor)
    except OSError as problem:
        if not isinstance(problem.filename, str):
            problem.filename = str(path)
        raise
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Every byte, also where the system takes them in parts."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def fsync_folder(folder: Path) -> None:
    """Make the folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        problem.filename = str(folder)
        raise
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes, *, mode: int, temporary: Path | None = None) -> None:
    """Replace a file in one step; its old or its new bytes are there at any moment."""
    temporary = temporary or path.with_name(f".{path.name}.tmp")
    try:
        write_new(temporary, data, mode=mode)
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    fsync_folder(path.parent)


def write_plainly(path: Path, data: bytes, *, mode: int) -> None:
    """Replace a file; a power cut may leave it empty or in part, and its reader has to see that."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, *, mode: int) -> None:
    """A folder, and those that are missing above it, on disk when this returns."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        with contextlib.suppress(FileExistsError):  # another run makes it at this moment
            os.mkdir(one, mode)
        fsync_folder(one.parent)
