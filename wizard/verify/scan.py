"""Blocks of a log's bytes → the records about the pair.

A log can have hundreds of megabytes, and nearly none of its lines matters here.  The bytes are searched for the few
words that every relevant line has, at the speed of `memchr`, and only those lines are parsed.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from wizard.verify.classes import row_of
from wizard.verify.record import HEAD, Record, newest_start, parse, prefix_of, printable, without_prefix

TELLING = (
    b"ERROR",
    b"FATAL",
    b"CEP ",
    b"ember",  # Member joined and left, Added member, Local member, membership scheme, localMemberHost
    b"onnected to mount at",
    b"Configured Registry in",
    b"Spark Master map size",
    b"Started Spark CLIENT in",
    b"[Spark init - ",
    b"CarbonServerManager",  # what logs the shutdown
    b"Connecting to ",
    b"TCPEventServer for EventReceiver",
    b"lang.OutOfMemoryError",
)
"""Each line of procedure 9 contains one of these; so does every error."""

STARTING = b"WSO2 Carbon"
"""The first and the last line of a start contain this."""
COMPLETE = b"WSO2 Carbon started in"
DURING_START = (
    b"Hazelcast initialized in",
    b"Cluster initialization completed",
    b"Waiting for ",  # 2 [TYPE] task executor nodes, required OSGi services
    b"All task servers activated",
    b"My Analytics Node ID",
    b"Unable to look-up JNDI name",
    b"Target path does not exist",
)
"""Words that matter only until the start is complete."""

LONGEST_LINE = 1024 * 1024
LONGEST_TRACE = 64 * 1024
"""Bytes of an unfinished trace, above which only the kept part is held."""
FIRST_CAUSES = 4
LAST_CAUSES = 8
"""Causes of a trace that are kept: the first and the last ones; the very last is the root."""
LONGEST_CAUSE = 2000
ROOT = 3000
"""Bytes of the root that are kept, with the frames below it."""
MOST_SEEN = 500
"""Kinds of errors that are recognised by their bytes."""
LONGEST_SEEN = 8000
"""Bytes of such an error, with its trace."""

_NEXT = re.compile(rb"\n(?=[ \t]{0,8}(?:TID:[ \t]*\[|\[\d{4}-\d\d-\d\d[ T]))")
_CAUSED = b"Caused by:"
_DIGITS = bytes(0x23 if 0x30 <= byte <= 0x39 else byte for byte in range(256))


class _Again(NamedTuple):
    """The place of the last error of a kind in the block, its minute, and how many it represents."""

    start: int
    stop: int
    last: int
    minute: bytes
    times: int


class Scanner:
    """Takes the blocks of one log in order and yields the relevant records.

    What is held between two blocks is bounded: the end of the last block, from its last unfinished record on, and only
    the kept part of a long trace.

    `latest` is the last record of any kind: it shows how far the log goes.  `sample` is one of the lines, as long as
    none of them is a record.
    """

    def __init__(self) -> None:
        self.latest: Record | None = None
        self.sample = ""
        self._rest = b""
        self._at = 0
        self._file = ""
        self._skipping = False
        self._seen: set[bytes] = set()
        self._complete = False

    def begin(self, file: str, offset: int) -> None:
        """The following blocks come from that file, from that offset in bytes."""
        self._rest, self._at, self._file, self._skipping = b"", offset, file, False

    def feed(self, block: bytes) -> Iterator[Record]:
        """Yield the records that are complete with this block; an error waits for the end of its trace."""
        if self._skipping:
            end = block.find(b"\n") + 1
            if not end:
                self._at += len(block)
                return
            self._skipping, self._at, block = False, self._at + end, block[end:]
        data = self._rest + block if self._rest else block
        end = data.rfind(b"\n") + 1
        dropped = len(data) - end
        if dropped > LONGEST_LINE:  # a line without end, maybe after an error that waits for its trace
            yield from self._scan(data[:end], end, over=False)
            self._skipping, self._at = True, self._at + len(self._rest) + dropped
            yield from self.settle()
            self._rest = b""
            return
        yield from self._scan(data, end, over=False)

    def settle(self) -> Iterator[Record]:
        """Yield the records whose lines are complete, even if their trace might continue: the log is silent."""
        yield from self._scan(self._rest, self._rest.rfind(b"\n") + 1, over=True)

    def finish(self) -> Iterator[Record]:
        """Yield all that is left: the log has ended, maybe in the middle of a line."""
        rest, self._rest = self._rest, b""
        yield from self._scan(rest + b"\n", len(rest) + 1, over=True)
        self._rest = b""

    def _scan(self, data: bytes, end: int, *, over: bool) -> Iterator[Record]:
        """Yield the relevant records in `data[:end]`, which ends with a line; keep what is open for the next block.

        Consecutive errors of one kind within the block and within a minute are two records: the first, and the last
        with the number of errors that it represents.
        """
        kept = end
        again: dict[bytes, _Again] = {}
        trace_end = 0
        for start, stop in self._telling_lines(data, end):
            line = data[start:stop]
            key = line.translate(_DIGITS)
            if key in self._seen:
                last = _trace_end(data, stop, end, b"", over=over)
                if last is None:
                    kept = start
                    break
                trace_end = last
                yield from self._once_more(data, (start, stop, last), again)
                continue
            record = parse(line, file=self._file, offset=self._at + start)
            if record is None or (not record.time_text and start < trace_end and record.source == "java"):
                continue
            if record.level not in ("ERROR", "FATAL"):
                yield from self._repeated(data, again)
                yield record
                continue
            prefix = prefix_of(line) if record.time_text else b""
            last = _trace_end(data, stop, end, prefix, over=over)
            if last is None:
                kept = start
                break
            trace_end = last
            if not prefix and record.level == "ERROR" and row_of(record.source) is None:
                self._remember(key)
                self._remember(data[start:last].translate(_DIGITS))
            yield _with_trace(record, data, stop, last, prefix)
        yield from self._repeated(data, again)
        self.latest = _last_record(data, kept, self._file, self._at) or self.latest
        if self.latest is None:
            self.sample = self.sample or _sample(data, end)
        self._at += kept
        self._rest = data[kept:]
        if len(self._rest) > LONGEST_TRACE:
            self._compact(end - kept)

    def _telling_lines(self, data: bytes, end: int) -> list[tuple[int, int]]:
        """Return start and end of every line in `data[:end]` with a relevant word, in order, each once.

        Lines before the newest start in it do not count.
        """
        lines: dict[int, int] = {}
        last = data.rfind(STARTING, 0, end)
        begin = (newest_start(data, end=end) or 0) if last >= 0 else 0
        words = TELLING if self._complete and last < 0 else (*TELLING, STARTING, *DURING_START)
        if last >= 0:
            self._complete = data.startswith(COMPLETE, last)
        for word in words:
            found = data.find(word, begin, end)
            while found >= 0:
                stop = data.find(b"\n", found, end)
                lines[data.rfind(b"\n", 0, found) + 1] = stop
                found = data.find(word, stop, end)
        return sorted(lines.items())

    def _once_more(
        self, data: bytes, place: tuple[int, int, int], again: dict[bytes, _Again]
    ) -> Iterator[Record]:
        """Yield an error whose line is known: the first of its kind and minute; count the others."""
        start, stop, last = place
        whole = data[start:last].translate(_DIGITS)
        if whole in self._seen:
            minute = _minute(data, start, stop)
            before = again.get(whole)
            if before is not None and before.minute == minute:
                again[whole] = _Again(start, stop, last, minute, before.times + 1)
                return
            if before is not None:
                yield from self._repeated(data, {whole: again.pop(whole)})
            again[whole] = _Again(start, stop, last, minute, 0)
        self._remember(whole)
        yield from self._with_times(data, start, stop, last, 1)

    def _with_times(self, data: bytes, start: int, stop: int, last: int, times: int) -> Iterator[Record]:
        record = parse(data[start:stop], file=self._file, offset=self._at + start)
        if record is not None:
            yield _with_trace(record, data, stop, last, b"")._replace(times=times)

    def _remember(self, key: bytes) -> None:
        if len(key) > LONGEST_SEEN:
            return
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen.add(key)

    def _repeated(self, data: bytes, again: dict[bytes, _Again]) -> Iterator[Record]:
        """Yield the counted errors, each kind as its last record."""
        for start, stop, last, _, times in sorted(again.values()):
            if times:
                yield from self._with_times(data, start, stop, last, times)
        again.clear()

    def _compact(self, end: int) -> None:
        """Reduce an unfinished trace to its kept part, so that its length does not matter."""
        rest = self._rest
        stop = rest.find(b"\n", 0, end)
        if stop < 0:
            return
        record = parse(rest[:stop])
        if record is None:
            return
        prefix = prefix_of(rest[:stop]) if record.time_text else b""
        lines, root = _causes(rest, stop, end, prefix)
        body = b"".join(b"\n" + prefix + line for line in lines[:-1]) if root else b""
        body += b"\n" + root if root else b"".join(b"\n" + prefix + line for line in lines)
        tail = rest[end:]
        self._at += len(rest) - len(tail) - len(rest[:stop] + body + b"\n")
        self._rest = rest[:stop] + body + b"\n" + tail


def _minute(data: bytes, start: int, stop: int) -> bytes:
    """Return the printed time of a line, to the minute."""
    found = data.find(b"[20", start, min(stop, start + LONGEST_CAUSE))
    return data[found : found + 17] if found >= 0 else b""


def _trace_end(data: bytes, stop: int, end: int, prefix: bytes, *, over: bool) -> int | None:
    """Return where the trace after a line ends; None if it may continue in the next block."""
    if not prefix:
        if data.startswith((b"TID:", b"["), stop + 1, end):
            return stop
        following = _NEXT.search(data, stop, end)
        if following is not None:
            return following.start()
        return end - 1 if over else None
    for head in HEAD.finditer(data, stop, end):
        begin = data.rfind(b"\n", 0, head.start()) + 1
        if head.start() - begin < 4 * len(prefix) and prefix_of(data[begin : head.end()]):
            return begin - 1
    return end - 1 if over else None


def _with_trace(record: Record, data: bytes, stop: int, last: int, prefix: bytes) -> Record:
    """Return the record with the kept part of its trace."""
    if last <= stop:
        return record
    lines, root = _causes(data, stop, last, prefix)
    if prefix:
        root = b"\n".join(without_prefix(line) for line in root.split(b"\n"))
    return record._replace(raw_trace=lines, raw_root=root)


def _causes(data: bytes, stop: int, last: int, prefix: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """Return the first line of a trace with its first and last causes; and the root with its frames."""
    begin = stop + 1
    line = data.find(b"\n", begin, last)
    first = data[begin : last if line < 0 else line][:LONGEST_CAUSE]
    early: list[tuple[int, bytes]] = []
    late: deque[tuple[int, bytes]] = deque(maxlen=LAST_CAUSES)
    found = data.find(_CAUSED, stop, last)
    while found >= 0:
        line = data.find(b"\n", found, last)
        line = last if line < 0 else line
        at = data.rfind(b"\n", 0, found) + 1
        lead = data[at:found]
        if not lead.strip() or (prefix and len(lead) < 4 * len(prefix) and not without_prefix(lead)):
            cause = (at, data[found : min(line, found + LONGEST_CAUSE)])
            if len(early) < FIRST_CAUSES:
                early.append(cause)
            else:
                late.append(cause)
        found = data.find(_CAUSED, line, last)
    causes = [*early, *late]
    if prefix:
        first = without_prefix(first)
    texts = [text for _, text in causes]
    root = data[causes[-1][0] if causes else begin : last][:ROOT]
    return tuple([first, *texts] if first and first not in texts else texts), root


def _last_record(data: bytes, end: int, file: str, at: int) -> Record | None:
    """Return the last record of any kind in `data[:end]`."""
    found = data.rfind(b"[20", 0, end)
    for _ in range(50):
        if found < 0:
            return None
        begin = data.rfind(b"\n", 0, found) + 1
        stop = data.find(b"\n", found, end)
        record = parse(data[begin : stop if stop >= 0 else end], file=file, offset=at + begin)
        if record is not None and record.time_text:
            return record
        found = data.rfind(b"[20", 0, begin)
    return None


def _sample(data: bytes, end: int) -> str:
    """Return the first line in `data[:end]` that is not empty."""
    for line in data[: min(end, LONGEST_TRACE)].split(b"\n"):
        if text := printable(line):
            return text
    return ""
