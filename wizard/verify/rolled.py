"""The files that a log was rolled over to, and finding the newest start in one of them."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from wizard.system.bounded import open_regular
from wizard.verify.record import NEAR, STARTING, newest_start

BLOCK = 1024 * 1024
MOST_FILES = 400
INFLATED = 4
"""A packed file may inflate to this many times the bytes that are still to be searched."""

_GZIP = b"\x1f\x8b"
_ROLLED = re.compile(r"(?:\.(?P<date>\d{4}-\d\d-\d\d(?:-\d\d){0,2}))?(?:\.(?P<index>\d{1,4}))?(?:\.gz)?")


class LogFile:
    """One file of a log, opened once, so that it may be renamed.  `size` is in bytes, when it was opened."""

    def __init__(self, path: Path) -> None:
        """Raises as `open_regular`."""
        self.path = path
        self._file = os.fdopen(open_regular(path), "rb", buffering=0)
        self.close = self._file.close
        self.descriptor = self._file.fileno()
        status = os.fstat(self.descriptor)
        self.size = status.st_size
        self.identity = (status.st_dev, status.st_ino)
        self.packed = os.pread(self.descriptor, 2, 0) == _GZIP

    def newest_start(self, most: int) -> tuple[int | None, int]:
        """Return where the newest start begins, within the last `most` bytes, and how many bytes were searched.

        Both count the bytes of the log's text, also in a packed file.  The second is more than `most` if the file has
        more text.  Raises OSError, and ValueError for a broken archive.
        """
        return self._packed_start(most) if self.packed else self._plain_start(most)

    def blocks(self, begin: int) -> Iterator[bytes]:
        """Yield the text from there to the end of the file when it was opened."""
        if self.packed:
            for block in self._inflated():
                if len(block) > begin:
                    yield block[begin:]
                begin = max(0, begin - len(block))
            return
        while block := os.pread(self.descriptor, min(BLOCK, max(0, self.size - begin)), begin):
            begin += len(block)
            yield block

    def _plain_start(self, most: int) -> tuple[int | None, int]:
        first, end = max(0, self.size - most), self.size
        while end > first:
            begin = max(first, end - BLOCK)
            # With what precedes the words of a start, and a little of the next block for words across the border.
            offset = max(0, begin - 2 * NEAR)
            data = os.pread(self.descriptor, end - offset + len(STARTING) - 1, offset)
            start = newest_start(data, begin - offset)
            if start is not None:
                return offset + start, self.size - offset - start
            end = begin
        return None, self.size

    def _packed_start(self, most: int) -> tuple[int | None, int]:
        newest: int | None = None
        before, at = b"", 0
        for block in self._inflated():
            data = before + block
            start = newest_start(data, max(0, len(before) - len(STARTING)))
            if start is not None:
                newest = at - len(before) + start
            before, at = data[-2 * NEAR :], at + len(block)
            if at > INFLATED * most:
                raise ValueError(f"inflates to more than {at // 2**20} MB")
        if newest is None or at - newest > most:
            return None, at
        return newest, at - newest

    def _inflated(self) -> Iterator[bytes]:
        """Yield the text of a gzip file in bounded blocks.  Raises ValueError if it is broken or truncated."""
        self._file.seek(0)
        try:
            with gzip.GzipFile(fileobj=self._file) as text:
                while block := text.read(BLOCK):
                    yield block
        except (zlib.error, gzip.BadGzipFile) as problem:
            raise ValueError(f"is a broken archive: {problem}") from None
        except EOFError:
            raise ValueError("is a truncated archive") from None


def newest_first(path: Path) -> Iterator[LogFile]:
    """Yield the log's own file and those that it was rolled over to, from the newest to the oldest, opened once.

    A file that is renamed meanwhile comes once.  Raises OSError for a file that cannot be opened.
    """
    seen: set[tuple[int, int]] = set()
    for file in _newest_names(path):
        try:
            one = LogFile(file)
        except FileNotFoundError:
            continue
        if one.identity in seen:
            one.close()
            continue
        seen.add(one.identity)
        yield one


def _newest_names(path: Path) -> Iterator[Path]:
    """Yield the names, each when it is asked for: `path` may be rolled over after it was opened.

    Rolled-over names: `.2026-01-27` (a date, with hour and minute), `.1` (the higher, the older), either with `.gz`.
    """
    yield path
    found = []
    try:
        names = os.listdir(path.parent)
    except OSError:
        return
    for name in names:
        match = _ROLLED.fullmatch(name, len(path.name)) if name.startswith(path.name) else None
        if match and (match["date"] or match["index"]):
            found.append((match["date"] or "9", -int(match["index"] or 0), name))
    for *_, name in sorted(found, reverse=True)[:MOST_FILES]:
        yield path.with_name(name)
