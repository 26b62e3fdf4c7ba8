"""Files on their way into a home: staged beside their path, then put there in one step.

Each folder that a run writes into is opened once: a folder that replaces one of them is never written to.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from wizard.system import bounded
from wizard.system.durable import FOLDER, naming, new_file, write_all
from wizard.system.errors import StoppedError
from wizard.transaction.move import ABSENT, LARGEST, Meta, Move, PathState, attributes_of, state_of


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


def stage(move: Move, temporary: Path, folders: Folders) -> None:
    """Create the new file under a temporary name, on disk, with its mode, owner and attributes."""
    folder = folders.of(temporary.parent)
    if move.after.kind == "link":
        with naming(temporary):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary.name, dir_fd=folder)
            os.symlink(move.after.value, temporary.name, dir_fd=folder)
    elif move.after.kind == "file":
        with new_file(temporary, folder) as descriptor:
            if move.source is not None:
                _copy_verified(move.source, descriptor, expected=move.after.value)
            else:
                write_all(descriptor, move.content or b"")
            _apply_metadata(descriptor, move.meta or _like_its_folder(folder))


def back_up(path: Path, backup: Path, folders: Folders, *, expected: str) -> None:
    """Copy a file (0600), on disk when this returns; `StoppedError` unless it has the expected hash."""
    with new_file(backup) as descriptor:
        _copy_verified(path, descriptor, folders.of(path.parent), expected=expected)


def put(move: Move, temporary: Path, folders: Folders) -> None:
    """Put the staged file in its place, on disk when this returns."""
    path, folder = move.path, folders.of(move.path.parent)
    if move.after.kind == "absent":
        remove(path, folders)
    else:
        with naming(path):
            os.rename(temporary.name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    with naming(path.parent):
        os.fsync(folder)


def remove(path: Path, folders: Folders) -> None:
    """Remove a file or a link; its folder is not synced yet."""
    with naming(path):
        os.unlink(path.name, dir_fd=folders.of(path.parent))


def refuse_drift(move: Move, folders: Folders) -> None:
    """Raise `StoppedError` if the path is not in the planned state."""
    if folders.state(move.path) != move.before:
        raise _edited(move.path)


def _edited(path: Path) -> StoppedError:
    return StoppedError(f"{path} was edited since it was planned")


def _copy_verified(source: Path, descriptor: int, folder: int | None = None, *, expected: str) -> None:
    """Copy a file; `StoppedError` unless it has the planned bytes."""
    digest = hashlib.sha256()
    for block in bounded.blocks(source, LARGEST, folder=folder):
        digest.update(block)
        write_all(descriptor, block)
    if digest.hexdigest() != expected:
        raise _edited(source)


def _like_its_folder(folder: int) -> Meta | None:
    """The metadata of a new file: root gives it to the folder's owner; other users keep it."""
    if os.geteuid() != 0:
        return None
    status = os.fstat(folder)
    return Meta(0o644, status.st_uid, status.st_gid)


def _apply_metadata(descriptor: int, meta: Meta | None) -> None:
    if meta is None:
        os.fchmod(descriptor, 0o644)
        return
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (meta.uid, meta.gid):
        os.fchown(descriptor, meta.uid if status.st_uid != meta.uid else -1, meta.gid)
    if (there := attributes_of(descriptor)) != meta.attributes:
        # The new file may have inherited an access list from its folder.
        for name in there.keys() - meta.attributes.keys():
            os.removexattr(descriptor, name)
        for name, value in meta.attributes.items():
            os.setxattr(descriptor, name, value)
    # After the owner, whose change clears the set-id bits, and after an access list, which has bits of its own.
    os.fchmod(descriptor, meta.mode)
    if meta.mtime_ns is not None:
        os.utime(descriptor, ns=(meta.mtime_ns, meta.mtime_ns))
