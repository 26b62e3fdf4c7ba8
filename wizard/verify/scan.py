"""Blocks of a log's bytes → the records that say something about the pair.

A log can have hundreds of megabytes, and nearly all of its lines say nothing here.  So the bytes are
searched for the few words that every telling line has, which runs at the speed of `memchr`, and only those
lines are parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard.verify.record import Record, parse

TELLING = (
    b"ERROR",
    b"FATAL",
    b"CEP ",
    b"ember",  # Member joined and left, Added member, Local member, membership scheme, localMemberHost
    b"onnected to mount at",
    b"WSO2 Carbon",
    b"nitializ",  # Hazelcast initialized, Cluster initialization completed
    b"Spark ",
    b"CarbonServerManager",  # what logs the shutdown
)
"""Each line of procedure 9 holds one of these; so does every error."""

LONGEST_LINE = 1024 * 1024
LONGEST_TRACE = 64 * 1024
MOST_CAUSES = 6

_NEXT = re.compile(rb"\n(?=[ \t]{0,8}(?:TID:[ \t]*\[|\[\d{4}-\d\d-\d\d[ T]))")
_CAUSE = re.compile(rb"\n(Caused by:[^\n]{1,2000})")


class Scanner:
    """Takes the blocks of one log one after the other and gives the telling records.

    What is held between two blocks is bounded: the end of the last block, from the last record that is not
    over.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._at = 0
        self._file = ""
        self._skipping = False

    def begin(self, file: str, offset: int) -> None:
        """From here on the blocks come from that file, the next one from that offset in bytes."""
        self._rest, self._at, self._file, self._skipping = b"", offset, file, False

    def feed(self, block: bytes) -> Iterator[Record]:
        """The records that are complete with this block; an error waits for the end of its trace."""
        if self._skipping:
            end = block.find(b"\n") + 1
            if not end:
                self._at += len(block)
                return
            self._skipping, self._at, block = False, self._at + end, block[end:]
        data = self._rest + block if self._rest else block
        end = data.rfind(b"\n") + 1
        if not end and len(data) > LONGEST_LINE:
            self._skipping, self._rest, self._at = True, b"", self._at + len(data)
            return
        yield from self._scan(data, end, over=False)

    def settle(self) -> Iterator[Record]:
        """The records whose lines are complete, also those whose trace might go on: the log is silent now."""
        yield from self._scan(self._rest, self._rest.rfind(b"\n") + 1, over=True)

    def finish(self) -> Iterator[Record]:
        """All that is left: the log has ended, also in the middle of a line."""
        rest, self._rest = self._rest, b""
        yield from self._scan(rest + b"\n", len(rest) + 1, over=True)
        self._rest = b""

    def _scan(self, data: bytes, end: int, *, over: bool) -> Iterator[Record]:
        """The telling records in `data[:end]`, which ends with a line; what is open stays for the next
        block.
        """
        kept = end
        for start, stop in _telling_lines(data, end):
            record = parse(data[start:stop], file=self._file, offset=self._at + start)
            if record is None:
                continue
            if record.level in ("ERROR", "FATAL"):
                trace = _trace(data, stop, end, over=over)
                if trace is None:
                    kept = start
                    break
                record = record._replace(raw_trace=trace)
            yield record
        self._rest = data[kept:]
        self._at += kept


def _telling_lines(data: bytes, end: int) -> list[tuple[int, int]]:
    """Start and end of every line in `data[:end]` that holds a telling word, in order, each once."""
    lines: dict[int, int] = {}
    for word in TELLING:
        found = data.find(word, 0, end)
        while found >= 0:
            stop = data.find(b"\n", found, end)
            lines[data.rfind(b"\n", 0, found) + 1] = stop
            found = data.find(word, stop, end)
    return sorted(lines.items())


def _trace(data: bytes, stop: int, end: int, *, over: bool) -> tuple[bytes, ...] | None:
    """The first line and the causes of the trace behind a line; None if it may go on in the next block."""
    if data.startswith((b"TID:", b"["), stop + 1, end):
        return ()
    bound = min(end, stop + LONGEST_TRACE)
    following = _NEXT.search(data, stop, bound)
    if following is None and bound == end and not over:
        return None
    last = following.start() if following else bound
    first = data[stop + 1 : last].split(b"\n", 1)[0]
    causes = [
        cause[1] for cause, _ in zip(_CAUSE.finditer(data, stop, last), range(MOST_CAUSES), strict=False)
    ]
    return tuple([first, *causes] if first and first not in causes else causes)
