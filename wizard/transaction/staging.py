"""Files on their way into a home: staged beside their path, then put there in one step."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from wizard.system import bounded
from wizard.system.durable import naming, new_file, write_all
from wizard.system.errors import StoppedError
from wizard.transaction.folders import Folders
from wizard.transaction.move import LARGEST, Meta, Move, attributes_of


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
