"""The files that a log was rolled over to, and reading one of them from behind."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from wizard.system.bounded import open_regular
from wizard.verify.record import STARTING, is_start
from wizard.verify.scan import LAUNCHER

BLOCK = 1024 * 1024
MOST_FILES = 400
INFLATED = 4
"""How many times the bytes still to be looked at a packed file may inflate to."""

_START = STARTING.encode()
_HEAD = 4096
"""Bytes before the telling words that are looked at for the beginning of their line."""
_RECORD = re.compile(rb"\[\d{4}-\d\d-\d\d[ T]\d\d:\d\d:")
_GZIP = b"\x1f\x8b"
_ROLLED = re.compile(r"(?:\.(?P<date>\d{4}-\d\d-\d\d(?:-\d\d){0,2}))?(?:\.(?P<index>\d{1,4}))?(?:\.gz)?")


class LogFile:
    """One file of a log, opened once: renaming it meanwhile does no harm.  `size` is in bytes, as it was
    then.
    """

    def __init__(self, path: Path) -> None:
        """Raises as `open_regular`."""
        self.path = path
        self.descriptor = open_regular(path)
        try:
            status = os.fstat(self.descriptor)
            self.size = status.st_size
            self.identity = (status.st_dev, status.st_ino)
            self.packed = os.pread(self.descriptor, 2, 0) == _GZIP
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def newest_start(self, most: int) -> tuple[int | None, int]:
        """Where the line of the newest start begins, within the last `most` bytes, and how many were looked
        at.

        Both count in the bytes of the log's text, also where the file is packed.  The second is more than
        `most` where there is more that was not looked at.  Raises OSError, and ValueError for a broken
        archive.
        """
        return self._packed_start(most) if self.packed else self._plain_start(most)

    def blocks(self, begin: int) -> Iterator[bytes]:
        """The text from there to the end of the file as it was when it was opened."""
        if self.packed:
            at = 0
            for block in self._inflated():
                if at + len(block) > begin:
                    yield block[max(0, begin - at) :]
                at += len(block)
            return
        while begin < self.size:
            block = os.pread(self.descriptor, min(BLOCK, self.size - begin), begin)
            if not block:
                return
            begin += len(block)
            yield block

    def _plain_start(self, most: int) -> tuple[int | None, int]:
        first = max(0, self.size - most)
        end = self.size
        while end > first:
            begin = max(first, end - BLOCK)
            # A little of the next block, so that words across the border are seen.
            data = os.pread(self.descriptor, end - begin + len(_START) - 1, begin)
            found = data.rfind(_START)
            while found >= 0:
                line = self._line(begin + found)
                if line is not None:
                    line = self._with_launcher(line)
                    return line, self.size - line
                found = data.rfind(_START, 0, found)
            end = begin
        return None, self.size

    def _line(self, at: int) -> int | None:
        """Where the line that holds the words at `at` begins, if it is the line of a start."""
        begin = max(0, at - _HEAD)
        head = os.pread(self.descriptor, at - begin + len(_START), begin)
        line = head.rfind(b"\n") + 1
        return begin + line if is_start(head[line:]) else None

    def _with_launcher(self, at: int) -> int:
        """Where what the launcher says of a start begins: it comes before the first line of that start."""
        begin = max(0, at - _HEAD)
        before = os.pread(self.descriptor, at - begin, begin)
        found = before.rfind(LAUNCHER)
        if found < 0 or _RECORD.search(before, before.find(b"\n", found)):
            return at
        return begin + before.rfind(b"\n", 0, found) + 1

    def _packed_start(self, most: int) -> tuple[int | None, int]:
        newest: int | None = None
        before, at = b"", 0
        for block in self._inflated():
            data = before + block
            offset = at - len(before)
            found = data.rfind(_START)
            while found >= 0:
                line = data.rfind(b"\n", 0, found) + 1
                if is_start(data[line : found + len(_START)]):
                    newest = offset + line
                    break
                found = data.rfind(_START, 0, found)
            before, at = data[-_HEAD:], at + len(block)
            if at > INFLATED * most:
                raise ValueError(f"inflates to more than {at // 2**20} MB")
        if newest is None or at - newest > most:
            return None, at
        return newest, at - newest

    def _inflated(self) -> Iterator[bytes]:
        """The text of a gzip file in bounded blocks.  Raises ValueError where it is broken or cut off."""
        at, whole = 0, True
        inflater = zlib.decompressobj(wbits=31)
        packed = b""
        try:
            while True:
                if not packed:
                    packed = os.pread(self.descriptor, BLOCK // 4, at)
                    at += len(packed)
                if not packed:
                    break
                whole = False
                block = inflater.decompress(packed, BLOCK)
                packed = inflater.unconsumed_tail
                if inflater.eof:
                    packed, whole = inflater.unused_data, True
                    inflater = zlib.decompressobj(wbits=31)
                if block:
                    yield block
        except zlib.error as problem:
            raise ValueError(f"is a broken archive: {problem}") from None
        if not whole:
            raise ValueError("is an archive that was cut off")


def newest_first(path: Path) -> Iterator[LogFile]:
    """The log's own file and those that it was rolled over to, from the newest to the oldest, each opened
    once.

    Rolled-over names: `.2026-01-27` (a date, an hour and a minute behind it), `.1` (the higher, the older),
    either with `.gz`.  A file that is renamed while this runs comes once.  Raises OSError for what
    is there and cannot be opened.
    """
    seen: set[tuple[int, int]] = set()
    try:
        own = LogFile(path)
    except FileNotFoundError:
        pass
    else:
        seen.add(own.identity)
        yield own
    for rolled in rolled_over(path)[:MOST_FILES]:
        try:
            one = LogFile(rolled)
        except FileNotFoundError:
            continue
        if one.identity in seen:
            one.close()
            continue
        seen.add(one.identity)
        yield one


def rolled_over(path: Path) -> list[Path]:
    """The names that the log was rolled over to, the newest first."""
    found = []
    try:
        names = os.listdir(path.parent)
    except OSError:
        return []
    for name in names:
        match = _ROLLED.fullmatch(name, len(path.name)) if name.startswith(path.name) else None
        if match and (match["date"] or match["index"]):
            found.append((match["date"] or "9", -int(match["index"] or 0), name))
    return [path.with_name(name) for *_, name in sorted(found, reverse=True)]
