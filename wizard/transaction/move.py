"""The move of a path from one state to another, the unit of every transaction."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from wizard.system import bounded
from wizard.system.durable import naming


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


def hash_of_file(path: Path, folder: int | None = None) -> str:
    """SHA-256 of a file's bytes, read in blocks; `OSError` also where it is too large to be what it should be."""
    digest = hashlib.sha256()
    for block in bounded.blocks(path, LARGEST, folder=folder):
        digest.update(block)
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
