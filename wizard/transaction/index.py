"""The index of the runs: one line for each run that has ended, so that no list of runs has to read every journal.

The runs' folders are authoritative.  A line counts only while the run's folder exists, a run without a line is read
from its journal, and before a line becomes wrong the index is removed.  So a killed process leaves missing or partial
lines, but never wrong ones.  Writers hold the lock on the runs' folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from wizard.system import bounded, locations
from wizard.system.durable import fsync_folder, write_all
from wizard.transaction.move import LARGEST, hash_of

FORMAT = 1
"""To be changed with the fields of a line: lines of other editions then have other checksums."""

DIGEST = 8
"""Characters of a digest: enough for a few hundred distinct paths."""


class Listed(NamedTuple):
    """A run in short."""

    run: str
    kind: str
    profile: str
    profile_path: str
    owner: str
    started: str
    homes: dict[str, str]
    outcome: str
    undoes: str | None
    complete: bool
    ignored: list[str]
    files: int
    has_backups: bool
    digests: str
    """For each path after the run: the digest of the path and that of its state."""

    @property
    def folder(self) -> Path:
        return locations.runs() / self.run

    @property
    def left(self) -> dict[str, str]:
        """The digests of the states, by the digests of their paths."""
        cut = [self.digests[at : at + DIGEST] for at in range(0, len(self.digests), DIGEST)]
        return dict(zip(cut[::2], cut[1::2], strict=True))


class Row(NamedTuple):
    """A line of the index, most of it not parsed: of thousands of runs few are needed whole.  Sorts by the start."""

    started: bytes
    run: bytes
    paths: bytes
    """The same for all runs that wrote the same paths."""
    text: bytes

    @classmethod
    def of(cls, run: Listed) -> Row:
        """The row of a run."""
        paths = digest("".join(sorted(run.left)).encode())
        return cls(*(one.encode() for one in (run.started, run.run, paths, json.dumps(run))))

    @property
    def listed(self) -> Listed:
        return _parsed(self.text)


@cache
def _parsed(text: bytes) -> Listed:
    return Listed(*json.loads(text))


def digest(data: bytes, length: int = DIGEST) -> str:
    """A short digest."""
    return hash_of(data)[:length]


def read() -> Mapping[str, Row]:
    """Return the rows of the index by the run's name; none where it is missing or cannot be read."""
    path = locations.index()
    try:
        status = os.stat(path)
        return _read(path, status.st_ino, status.st_size, status.st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=1)
def _read(path: Path, *_version: int) -> Mapping[str, Row]:
    rows = {}
    for whole in bounded.read(path, LARGEST).split(b"\n"):
        # A partial or damaged line does not have its checksum.
        line, _, checksum = whole.rpartition(b" ")
        if line and checksum == _checksum(line):
            row = Row(*line.split(b" ", 3))
            rows[row.run.decode()] = row
    return rows


def _checksum(line: bytes) -> bytes:
    return b"%08x" % zlib.crc32(line, FORMAT)


def append(rows: Iterable[Row]) -> None:
    """Add rows; where that fails the journals are read instead."""
    # The line break comes first: the last line may be partial.
    data = b"".join(b"\n%b %b\n" % (line, _checksum(line)) for line in map(b" ".join, rows))
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(locations.index(), flags, 0o600)
        try:
            write_all(descriptor, data)
        finally:
            os.close(descriptor)


def remove() -> None:
    """Remove the index, on disk when this returns."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(locations.index())
        fsync_folder(locations.index().parent)
