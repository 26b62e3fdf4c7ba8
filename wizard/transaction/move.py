"""The move of a path from one state to another, the unit of every transaction, and how it is done.

A new file is staged beside its path, then put there in one step.  Each folder that a run writes into is opened once:
a folder that replaces one of them is never written to.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from wizard.system import bounded
from wizard.system.durable import FOLDER, naming, new_file, write_all
from wizard.system.errors import StoppedError


class PathState(NamedTuple):
    """The state of a path: absent, a file (by the hash of its bytes), a link (by its target), or something else."""

    kind: Literal["absent", "file", "link", "other"]
    value: str = ""
    """SHA-256 of a file's bytes, target of a link; empty otherwise."""

    @classmethod
    def from_json(cls, data: Any) -> PathState:
        """The state of a journal's list; `ValueError` for anything else."""
        kind, value = data
        if kind not in {"absent", "file", "link", "other"} or not isinstance(value, str):
            raise ValueError("not a state")
        return cls(kind, value)


ABSENT = PathState("absent")


LARGEST = 1024 * 1024 * 1024
"""Bytes of the largest file that is read to its end: no jar, no C-App and no configuration file comes near."""


def state_of(path: Path, folder: int | None = None) -> PathState:
    """Return the state of `path`, links not followed; `OSError` where it cannot be read.

    With `folder`, the descriptor of the path's folder, the name is resolved there.  A file above `LARGEST` is
    something else, so that it need not be read.
    """
    name = path if folder is None else path.name
    with naming(path):
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        if stat.S_ISLNK(status.st_mode):
            return PathState("link", os.readlink(name, dir_fd=folder))
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            return PathState("other")
        return PathState("file", hash_of_file(path, folder))


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def hash_of_file(path: Path, folder: int | None = None, *, copy: int | None = None) -> str:
    """SHA-256 of a file's bytes, read in blocks; `OSError` also where it is too large to be what it should be.

    `copy` is the descriptor of a file to which the bytes are written.
    """
    digest = hashlib.sha256()
    for block in bounded.blocks(path, LARGEST, folder=folder):
        digest.update(block)
        if copy is not None:
            write_all(copy, block)
    return digest.hexdigest()


ACCESS_LIST = "system.posix_acl_access"


class Meta(NamedTuple):
    """The metadata of a file: mode bits, owner, the time of its last change (None: now), extended attributes, with
    access lists."""

    mode: int
    uid: int
    gid: int
    mtime_ns: int | None = None
    attributes: Mapping[str, bytes] = {}

    @classmethod
    def of(cls, path: Path, *, with_time: bool = False) -> Meta | None:
        """Return the metadata of the file at `path`; None where there is none."""
        try:
            status = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return cls(
            stat.S_IMODE(status.st_mode),
            status.st_uid,
            status.st_gid,
            status.st_mtime_ns if with_time else None,
            attributes_of(path) if stat.S_ISREG(status.st_mode) else {},
        )


def attributes_of(file: Path | int) -> dict[str, bytes]:
    """Return the extended attributes that a file's user can set, by name; none where the file system has none."""
    if not hasattr(os, "listxattr"):  # only on Linux
        return {}
    try:
        names = os.listxattr(file)
    except OSError as problem:
        if problem.errno == errno.ENOTSUP:
            return {}
        raise
    kept = sorted(name for name in names if name.startswith("user.") or name == ACCESS_LIST)
    return {name: os.getxattr(file, name) for name in kept}


class Move(NamedTuple):
    """One path's move from one state to the next.

    `content` or `source` (a file to copy) gives the bytes after; without `meta` a new file belongs to the folder's
    owner and is readable for all.
    """

    path: Path
    before: PathState
    after: PathState
    content: bytes | None = None
    source: Path | None = None
    meta: Meta | None = None

    def __repr__(self) -> str:
        # Without the bytes: they hold passwords, and a traceback may show variables.
        return f"Move({str(self.path)!r}, {self.before!r}, {self.after!r})"


# --- doing it -------------------------------------------------------------------------------------------


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
    if hash_of_file(source, folder, copy=descriptor) != expected:
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
