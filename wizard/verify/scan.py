"""Blocks of a log's bytes → the records about the pair.

A log can have hundreds of megabytes, and nearly none of its lines matters here.  The bytes are searched for the few
words that every relevant line has, at the speed of `memchr`, and only those lines are parsed.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from wizard.verify.knowledge import row_of
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
_MINUTE = re.compile(rb"\[\d{4}-\d\d-\d\d[ T]\d\d:\d\d")
_CAUSED = b"Caused by:"
_DIGITS = bytes(0x23 if 0x30 <= byte <= 0x39 else byte for byte in range(256))


class _Place(NamedTuple):
    """Where an error is in the block: its line is `start:stop`, its trace `stop:last`.

    `times`: how many of its kind, itself included, are not reported yet; 0 if it is reported.
    """

    start: int
    stop: int
    last: int
    times: int = 0


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
        self._skipping = False
        self._seen: set[bytes] = set()
        self._complete = False

    def feed(self, block: bytes) -> Iterator[Record]:
        """Yield the records that are complete with this block; an error waits for the end of its trace."""
        if self._skipping:
            _, newline, block = block.partition(b"\n")
            if not newline:
                return
            self._skipping = False
        data = self._rest + block if self._rest else block
        end = data.rfind(b"\n") + 1
        endless = len(data) - end > LONGEST_LINE  # a line, maybe after an error that waits for its trace
        yield from self._scan(data[:end] if endless else data, end, over=endless)
        self._skipping = endless

    def settle(self) -> Iterator[Record]:
        """Yield the records whose lines are complete, even if their trace might continue: the log is silent."""
        yield from self._scan(self._rest, self._rest.rfind(b"\n") + 1, over=True)

    def follow_on(self) -> Iterator[Record]:
        """Take the end of a file, maybe in the middle of a line; a trace may continue in the next file."""
        is_cut = self._skipping or self._rest[-1:] not in (b"", b"\n")
        yield from self.feed(b"\n" if is_cut else b"")

    def finish(self) -> Iterator[Record]:
        """Yield all that is left: the log has ended."""
        yield from self.follow_on()
        yield from self.settle()

    def _scan(self, data: bytes, end: int, *, over: bool) -> Iterator[Record]:
        """Yield the relevant records in `data[:end]`, which ends with a line; keep what is open for the next block.

        Consecutive errors of one kind within the block and within a minute are two records: the first, and the last
        with the number of errors that it represents.
        """
        kept, trace_end = end, 0
        again: dict[bytes, _Place] = {}
        minute = b""
        for start, stop in self._telling_lines(data, end):
            line = data[start:stop]
            key = line.translate(_DIGITS)
            known, prefix, countable = key in self._seen, b"", True
            record = None if known else parse(line)
            if not known:
                if record is None or (not record.time_text and start < trace_end and record.source == "java"):
                    continue
                if record.level not in ("ERROR", "FATAL"):
                    yield from _repeated(data, again)
                    yield record
                    continue
                prefix = prefix_of(line) if record.time_text else b""
                countable = not prefix and record.level == "ERROR" and row_of(record.source) is None
            last = _trace_end(data, stop, end, prefix, over=over)
            if last is None:
                kept = start
                break
            trace_end, place = last, _Place(start, stop, last)
            whole = data[start:last].translate(_DIGITS)
            if known and whole in self._seen:
                if (now := _minute(data, place)) != minute:
                    yield from _repeated(data, again)
                    minute = now
                if whole in again:
                    again[whole] = place._replace(times=again[whole].times + 1)
                    continue
                again[whole] = place
            elif countable:
                if len(self._seen) >= MOST_SEEN:
                    self._seen.clear()
                self._seen.update(one for one in (key, whole) if len(one) <= LONGEST_SEEN)
            yield _error(data, place, prefix, record)
        yield from _repeated(data, again)
        self.latest = _last_record(data, kept) or self.latest
        if self.latest is None and not self.sample:
            lines = map(printable, data[: min(end, LONGEST_TRACE)].split(b"\n"))
            self.sample = next(filter(None, lines), "")
        self._rest = data[kept:]
        if len(self._rest) > LONGEST_TRACE:
            self._rest = _compacted(self._rest, end - kept)

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


def _repeated(data: bytes, again: dict[bytes, _Place]) -> Iterator[Record]:
    """Yield the counted errors, each kind as its last record."""
    for place in sorted(again.values()):
        if place.times:
            yield _error(data, place)._replace(times=place.times)
    again.clear()


def _minute(data: bytes, place: _Place) -> bytes:
    """Return the printed time of a line, to the minute."""
    found = _MINUTE.search(data, place.start, min(place.stop, place.start + LONGEST_CAUSE))
    return found[0] if found else b""


def _trace_end(data: bytes, stop: int, end: int, prefix: bytes, *, over: bool) -> int | None:
    """Return where the trace after a line ends; None if it may continue in the next block."""
    if not prefix:
        if data.startswith((b"TID:", b"["), stop + 1, end):
            return stop
        following = _NEXT.search(data, stop, end)
        if following is not None:
            return following.start()
    for head in HEAD.finditer(data, stop, end) if prefix else ():
        begin = data.rfind(b"\n", 0, head.start()) + 1
        if head.start() - begin < 4 * len(prefix) and prefix_of(data[begin : head.end()]):
            return begin - 1
    return end - 1 if over else None


def _error(data: bytes, place: _Place, prefix: bytes = b"", record: Record | None = None) -> Record:
    """Return the record of an error, which its line may have given already, with the kept part of its trace."""
    record = record or parse(data[place.start : place.stop])
    assert record is not None, "a line like that of an error before"
    if place.last == place.stop:
        return record
    lines, root = _causes(data, place.stop, place.last, prefix)
    if prefix:
        root = b"\n".join(map(without_prefix, root.split(b"\n")))
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
            kept = early if len(early) < FIRST_CAUSES else late
            kept.append((at, data[found : min(line, found + LONGEST_CAUSE)]))
        found = data.find(_CAUSED, line, last)
    causes = [*early, *late]
    if prefix:
        first = without_prefix(first)
    texts = [text for _, text in causes]
    root = data[causes[-1][0] if causes else begin : last][:ROOT]
    return tuple([first, *texts] if first and first not in texts else texts), root


def _compacted(rest: bytes, end: int) -> bytes:
    """Return `rest` with the unfinished trace in `rest[:end]` reduced to its kept part."""
    stop = rest.find(b"\n", 0, end)
    record = parse(rest[:stop]) if stop >= 0 else None
    if record is None:
        return rest
    prefix = prefix_of(rest[:stop]) if record.time_text else b""
    lines, root = _causes(rest, stop, end, prefix)
    kept = [prefix + line for line in (lines[:-1] if root else lines)] + ([root] if root else [])
    return b"\n".join((rest[:stop], *kept, rest[end:]))


def _last_record(data: bytes, end: int) -> Record | None:
    """Return the last record of any kind in `data[:end]`."""
    begin = end
    for _ in range(50):
        found = data.rfind(b"[2", 0, begin)  # in Thailand the year 2026 is printed as 2569
        if found < 0:
            return None
        begin = data.rfind(b"\n", 0, found) + 1
        stop = data.find(b"\n", found, end)
        record = parse(data[begin : stop if stop >= 0 else end])
        if record is not None and record.time_text:
            return record
    return None
