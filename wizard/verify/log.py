"""A node's log: its newest start first, then what is appended."""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wizard.verify.record import Record, printable
from wizard.verify.rolled import BLOCK, LogFile, newest_first
from wizard.verify.scan import Scanner

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
class Trouble:
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
        self.trouble: Trouble | None = None
        self._path = path
        self._limit = limit
        self._file: LogFile | None = None
        self._at = 0

    def read(self) -> Iterator[Record]:
        try:
            yield from self._first() if self._file is None else self._more(self._file)
        except (OSError, ValueError) as problem:
            self.close()
            self.trouble = Trouble("unreadable", getattr(problem, "strerror", None) or str(problem))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _first(self) -> Iterator[Record]:
        self.trouble = None
        segments: list[tuple[LogFile, int]] = []
        try:
            try:
                self._find_start(segments)
            except (OSError, ValueError) as problem:
                if not segments:
                    raise
                self.trouble = Trouble("broken", f"a rolled-over file cannot be read: {problem}")
            if not segments:
                self.trouble = Trouble("missing", "does not exist")
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
                self.trouble = Trouble("capped", f"the last {megabytes} MB have no start of the server")
                return

    def _forward(self, segments: list[tuple[LogFile, int]]) -> Iterator[Record]:
        """Yield the records of the files from the oldest on; the newest one is followed from now on."""
        for one, begin in reversed(segments):
            yield from self.finish()
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
            yield from self.finish()
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
        self.trouble: Trouble | None = None
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
            self.trouble = Trouble("unreadable", problem.strerror or "cannot be read")
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
        file = LogFile(path)
    except OSError:
        return []
    try:
        start, _ = file.newest_start(TAIL)
        content = b"".join(file.blocks(max(0, file.size - TAIL) if start is None else start))
    except (OSError, ValueError):
        return []
    finally:
        file.close()
    return [line for line in content.splitlines() if line.strip() and not _FRAME.match(line)]
