"""A node's log: its newest start first, then what is appended; and the files that it was rolled over to."""

from __future__ import annotations

import gzip
import os
import re
import select
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wizard.system.bounded import open_regular
from wizard.verify.record import NEAR, STARTING, Record, newest_start, printable
from wizard.verify.scan import Scanner

BLOCK = 1024 * 1024
MOST_FILES = 400
INFLATED = 4
"""A packed file may inflate to this many times the bytes that are still to be searched."""

_GZIP = b"\x1f\x8b"
_ROLLED = re.compile(r"(?:[.-](?P<date>\d{4}-?\d\d-?\d\d(?:-?\d\d){0,3}))?(?:\.(?P<index>\d{1,4}))?(?:\.gz)?")


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

    Rolled-over names: `.2026-01-27` (a date, with hour and minute) or `-20260127` of logrotate, `.1` (the higher, the
    older), each with or without `.gz`.
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
            found.append(((match["date"] or "9").replace("-", ""), -int(match["index"] or 0), name))
    for *_, name in sorted(found, reverse=True)[:MOST_FILES]:
        yield path.with_name(name)


LIMIT = 256 * 1024 * 1024
"""Bytes of a log that are read from its end, by default."""

FIRST_BYTE = 60.0
"""Seconds that a pipe's first byte may take: an ssh may have to ask for a password."""
TRICKLE = 64 * 1024
PAUSE = 3.0
"""A pipe with less than `TRICKLE` bytes in `PAUSE` seconds has no older lines left: `tail -F` never ends."""
MOST_BLOCKS = 64
"""Blocks that one `read` takes from a pipe, so that the other log is read too."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a log cannot be read, or only in part."""

    kind: Literal["missing", "unreadable", "capped", "broken"]
    message: str


class FileLog(Scanner):
    """The log of a home, or a copy of one, followed through its rotations.

    The first `read` searches backwards through the rolled-over files for the newest start, at most `limit` bytes, and
    reads forward from there.  Only one block is held in memory.
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        super().__init__()
        self.name = str(path)
        self.unread: Unread | None = None
        self._path = path
        self._limit = limit
        self._file: LogFile | None = None
        self._at = 0

    def read(self) -> Iterator[Record]:
        try:
            yield from self._first() if self._file is None else self._more(self._file)
        except (OSError, ValueError) as problem:
            self.close()
            self.unread = Unread("unreadable", getattr(problem, "strerror", None) or str(problem))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _first(self) -> Iterator[Record]:
        self.unread = None
        segments: list[tuple[LogFile, int]] = []
        try:
            try:
                self._find_start(segments)
            except (OSError, ValueError) as problem:
                if not segments:
                    raise
                self.unread = Unread("broken", f"a rolled-over file cannot be read: {problem}")
            if not segments:
                self.unread = Unread("missing", "does not exist")
                return
            yield from self._forward(segments)
            yield from self.settle()
        finally:
            _close(segments)

    def _find_start(self, segments: list[tuple[LogFile, int]]) -> None:
        """Collect the files from the newest back to the one with the newest start, each with the offset to begin.

        What is raised about a rolled-over file leaves the newer ones, which count.
        """
        left = self._limit
        for one in newest_first(self._path):
            try:
                start, searched = one.newest_start(left)
            except (OSError, ValueError):
                one.close()
                raise
            segments.append((one, start if start is not None else max(0, searched - left)))
            left -= searched
            if start is not None:
                return
            if left <= 0:
                megabytes = self._limit // 2**20
                self.unread = Unread("capped", f"the last {megabytes} MB have no start of the server")
                return

    def _forward(self, segments: list[tuple[LogFile, int]]) -> Iterator[Record]:
        """Yield the records of the files from the oldest on; the newest one is followed from now on."""
        for one, begin in reversed(segments):
            yield from self.follow_on()
            for block in one.blocks(begin):
                yield from self.feed(block)
        self.close()
        self._file, _ = segments.pop(0)
        self._at = self._file.size

    def _more(self, file: LogFile) -> Iterator[Record]:
        """Yield what was appended; then, if the log was rotated, the records of the newer files."""
        before = self._at
        yield from self._appended(file)
        silent = self._at == before
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return  # between two renames, while the open file is still written to
        if (status.st_dev, status.st_ino) != file.identity:
            yield from self._rotated(file)
        elif status.st_size < self._at:
            yield from self.follow_on()
            self._at = 0
            yield from self._appended(file)
        elif silent:
            yield from self.settle()

    def _appended(self, file: LogFile) -> Iterator[Record]:
        end = os.fstat(file.descriptor).st_size  # it may grow faster than it is read
        while block := os.pread(file.descriptor, min(BLOCK, max(0, end - self._at)), self._at):
            self._at += len(block)
            yield from self.feed(block)

    def _rotated(self, file: LogFile) -> Iterator[Record]:
        """Yield the rest of the followed file, then the files rolled over since, and the new one."""
        segments: list[tuple[LogFile, int]] = []
        try:
            for one in newest_first(self._path):
                if one.identity == file.identity:
                    one.close()
                    break
                segments.append((one, 0))
            else:  # the followed file was packed or removed: continue with the newest one
                _close(segments[1:])
                del segments[1:]
            if segments:
                yield from self._appended(file)
                yield from self._forward(segments)
        finally:
            _close(segments)


def _close(segments: Iterable[tuple[LogFile, int]]) -> None:
    for one, _ in segments:
        one.close()


class PipeLog(Scanner):
    """A log from a pipe, from its beginning: `ssh node2 tail -n +1 -F … |`."""

    def __init__(self, descriptor: int, name: str = "-") -> None:
        super().__init__()
        self.name = name
        self.unread: Unread | None = None
        self.ended = False
        self.size = 0
        self._descriptor = descriptor

    def read(self) -> Iterator[Record]:
        """Yield what is available now; never waits."""
        silent = True
        for _ in range(MOST_BLOCKS):
            if self.ended or not self._ready(0):
                break
            silent = False
            yield from self._block()
        if silent:
            yield from self.settle()

    def drain(self, *, first_byte: float = FIRST_BYTE, pause: float = PAUSE) -> Iterator[Record]:
        """Yield everything up to the end of the pipe, or until it only trickles; the limits are in seconds."""
        deadline, came, limit = time.monotonic() + first_byte, 0, 1
        while not self.ended:
            left = deadline - time.monotonic()
            if left <= 0 or not self._ready(left):
                break
            before = self.size
            yield from self._block()
            came += self.size - before
            if came >= limit:
                deadline, came, limit = time.monotonic() + pause, 0, TRICKLE
        yield from self.settle()

    def close(self) -> None:
        """Leave the pipe open, as its opener wants."""

    def _ready(self, seconds: float) -> bool:
        return bool(select.select([self._descriptor], [], [], seconds)[0])

    def _block(self) -> Iterator[Record]:
        try:
            block = os.read(self._descriptor, BLOCK)
        except OSError as problem:
            self.unread = Unread("unreadable", problem.strerror or "cannot be read")
            block = b""
        self.size += len(block)
        self.ended = not block
        return self.feed(block) if block else self.finish()


def open_log(source: Path | str, *, limit: int = LIMIT, standard_input: int = 0) -> FileLog | PipeLog:
    """Open the log of `--log NODE=…`: a file, a named pipe, or `-` for the descriptor of standard input."""
    if str(source) == "-":
        return PipeLog(standard_input)
    path = Path(source)
    try:
        if path.is_fifo():
            # Without O_NONBLOCK opening waits for a writer, with no limit.
            return PipeLog(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), str(path))
    except OSError:
        pass  # the file log reports the problem
    return FileLog(path, limit)


TAIL = 256 * 1024
"""Bytes at the end of a log that are searched for its important lines."""
_MATTERS = re.compile(rb"\b(?:WARN|ERROR|FATAL)\b|Caused by: |Exception|Error:")
_FRAME = re.compile(rb"\s+at |\s+\.\.\. \d+ more")


def lines_that_matter(paths: Iterable[Path], most: int = 20) -> list[str]:
    """Return the last warnings and errors of the newest start, with their causes, of the first log that has any.

    Else the last lines of the first log; without passwords and the frames of traces.
    """
    found = [lines for path in paths if (lines := _tail(path))]
    matter = ([line for line in lines if _MATTERS.search(line)] for lines in found)
    return [printable(line) for line in next(filter(None, matter), found[0] if found else [])[-most:]]


def _tail(path: Path) -> list[bytes]:
    """Return the lines of the newest start at the end of a log; none if it cannot be read."""
    try:
        with closing(LogFile(path)) as file:
            start, _ = file.newest_start(TAIL)
            content = b"".join(file.blocks(max(0, file.size - TAIL) if start is None else start))
    except (OSError, ValueError):
        return []
    return [line for line in content.splitlines() if line.strip() and not _FRAME.match(line)]
