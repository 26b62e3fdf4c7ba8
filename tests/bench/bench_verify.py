"""`verify --offline` over two logs of 120 MB: the whole process, its time and its memory, beside `grep -c`.

The logs are like those of a busy server: queries, a warning here and there, errors with their traces.  One pair has
its newest start at the end, which is what nearly every look finds; the other at the head, so that all of it is read.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench.paired import Times
from tests.support import server_logs as tell
from tests.support.pairs import Pair
from tests.support.server_logs import ServerLog, Side

SIZE = 120 * 1024 * 1024
RUNS = 5

AT_THE_END = 1.0
AT_THE_HEAD = 6.0
"""Seconds from the process's start to its exit."""
PEAK = 80 * 1024
"""Kilobytes."""


def busy(size: int) -> Iterator[bytes]:
    """Blocks of a busy server's log, together about `size` bytes."""
    log = ServerLog(lines=[])
    traced = (
        "x.Y: no",
        *(f"\tat org.wso2.carbon.databridge.core.Queue{n}.run(Queue.java:{n})" for n in range(14)),
    )
    for number in range(2000):
        if number % 40 == 7:
            kind, text, trace = "ERROR", f"Error while executing query {number}", traced
        elif number % 14 == 3:
            kind, text, trace = "WARN", f"wrong stream for session {number}", ()
        else:
            query = f"INSERT INTO TABLE t{number} SELECT a, b FROM events"
            kind, text, trace = "INFO", f"Executing query: {query}", ()
        log.say(tell.QUERIES, text, kind, after=0.05, trace=trace)
    block = log.content
    yield from [block] * (size // len(block) + 1)


def write(path: Path, side: Side, *, start_first: bool) -> None:
    """The side's log around the noise."""
    old, _ = tell.sides()
    tell.begin(old, old, mode="Single node")
    with path.open("wb") as file:
        file.write(side.log.content if start_first else old.log.content)
        for block in busy(SIZE):
            file.write(block)
        if not start_first:
            file.write(side.log.content)


@pytest.fixture(params=["end", "head"])
def logs(request: pytest.FixtureRequest, make_pair: Callable[..., Pair]) -> tuple[Pair, str, list[Path]]:
    pair = make_pair()
    first, second = tell.local_sides()
    tell.first_start(first, second)
    paths = [home / "repository/logs/wso2carbon.log" for home in pair.homes]
    for path, side in zip(paths, (first, second), strict=True):
        write(path, side, start_first=request.param == "head")
    return pair, request.param, paths


def test_two_logs_of_120_megabytes(logs: tuple[Pair, str, list[Path]], tmp_path: Path) -> None:
    pair, where, paths = logs
    command = [sys.executable, "-m", "wizard", "verify", str(pair.profile), "--offline"]
    grep = ["grep", "-c", "Starting WSO2 Carbon", *map(str, paths)]
    limit = AT_THE_END if where == "end" else AT_THE_HEAD
    verify, grepped = Times(), Times()
    # Into a file: grep stops at the first match where nobody reads what it counts.
    out = tmp_path / "counts"
    out.touch()
    Times().take(grep, pair.env, out=str(out))  # both files are in the page cache for both programs
    for _ in range(RUNS):
        verify.take(command, pair.env)
        grepped.take(grep, pair.env, out=str(out))
    # The fastest run is the program's own time; what else the machine does makes the others longer.
    seconds, compared = min(verify.wall), min(grepped.wall)
    print(
        f"\nverify, newest start at the {where}: {seconds:.2f} s (limit {limit:g}, "
        f"median {statistics.median(verify.wall):.2f}, processor {min(verify.cpu):.2f}), "
        f"{verify.peak / 1024:.0f} MB (limit {PEAK // 1024}); grep -c over the same files {compared:.3f} s: "
        f"{seconds / compared:.1f} times as long"
    )
    assert seconds <= limit
    assert verify.peak <= PEAK
