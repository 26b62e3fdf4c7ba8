"""Writing so that it is on disk: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""How a folder is opened."""


def write_new(
    path: Path, data: bytes, *, mode: int, owner_of: os.stat_result | None = None, folder: int | None = None
) -> None:
    """Create a file with these bytes, on disk when this returns; whatever has the name is replaced.

    It gets the owner of `owner_of`, where this user may give it.  The folder's entry is not on disk yet: that is
    `fsync_folder`'s, after the rename.
    """
    with new_file(path, folder) as descriptor:
        write_all(descriptor, data)
        if owner_of is not None:
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, owner_of.st_uid, owner_of.st_gid)
        os.fchmod(descriptor, mode)


@contextlib.contextmanager
def new_file(path: Path, folder: int | None = None) -> Iterator[int]:
    """The descriptor of a new empty file that only this user may read; what is written to it is on disk afterwards.

    Whatever had the name is gone.  With `folder`, the descriptor of the path's folder, the name is looked up there.
    An `OSError` from inside names the file.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    name = path if folder is None else path.name
    with naming(path):
        try:
            descriptor = os.open(name, flags, 0o600, dir_fd=folder)
        except FileExistsError:
            os.unlink(name, dir_fd=folder)
            descriptor = os.open(name, flags, 0o600, dir_fd=folder)
        try:
            yield descriptor
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an `OSError` that names no file, or only a name in a folder, this path."""
    try:
        yield
    except OSError as problem:
        if not isinstance(problem.filename, str) or os.sep not in problem.filename:
            problem.filename = str(path)
        raise


def write_all(descriptor: int, data: bytes) -> None:
    """Every byte, also where the system takes them in parts."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def fsync_folder(folder: Path, descriptor: int | None = None) -> None:
    """Make the folder's entries durable; `descriptor` is an open one of it."""
    opened = os.open(folder, FOLDER) if descriptor is None else descriptor
    try:
        with naming(folder):
            os.fsync(opened)
    finally:
        if descriptor is None:
            os.close(opened)


def write_durably(
    path: Path,
    data: bytes,
    *,
    mode: int,
    owner_of: os.stat_result | None = None,
    temporary: Path | None = None,
    folder: int | None = None,
) -> None:
    """Replace a file in one step: at any moment its old or its new bytes are there (arguments as for `write_new`).

    `temporary` is the file that is renamed; without it one that no other writer has.
    """
    temporary = temporary or path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}")
    old, new = (temporary, path) if folder is None else (temporary.name, path.name)
    try:
        write_new(temporary, data, mode=mode, owner_of=owner_of, folder=folder)
        with naming(path):
            os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(old, dir_fd=folder)
        raise
    fsync_folder(path.parent, folder)


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
