"""The standard streams of the process, to which writing never raises.

A stream may be closed, full, a pipe without a reader, or one that does not block.  The result of a command does not
depend on that: what cannot be written is lost, and the stream keeps the reason.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Descriptor(io.FileIO):
    """A descriptor for writing that waits where a pipe does not block, and after a failure drops the rest."""

    lost: OSError | None = None

    def write(self, data: ReadableBuffer) -> int:
        while self.lost is None:
            try:
                written = super().write(data)
                if written is not None:  # None: it would have blocked
                    return written
                select.select([], [self], [])
            except OSError as problem:
                self.lost = problem
        return memoryview(data).nbytes


def open_standard_streams() -> None:
    """Replace the standard streams of this process by ones that never fail.

    A closed descriptor is opened on the null device, for reading: the next file that the program opens must not become
    its standard output.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = _writer(1, sys.stdout), _writer(2, sys.stderr)


def _writer(number: int, before: TextIO | None) -> TextIO:
    raw = _Descriptor(number, "w", closefd=False)
    encoding = before.encoding if before is not None else "utf-8"
    # Line by line also into a pipe, so that its reader sees the progress.
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=True)


def write_whole(stream: TextIO, text: str) -> None:
    """Write all of a text; after Ctrl-C write nothing more, since nothing may follow a part of it."""
    try:
        stream.write(text)
        stream.flush()
    except KeyboardInterrupt:  # the reader does not read
        if (raw := _raw(stream)) is not None:
            raw.lost = InterruptedError(errno.EINTR, "interrupted")
        raise


def lost(stream: TextIO) -> OSError | None:
    """Return why output to this stream was lost; None where nothing was."""
    stream.flush()
    raw = _raw(stream)
    return raw.lost if raw is not None else None


def _raw(stream: TextIO) -> _Descriptor | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, _Descriptor) else None
