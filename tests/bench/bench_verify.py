"""`verify --offline` over two logs of 120 MB: the whole process, its time and its memory, beside `grep -c`.

The logs are like those of a busy server: queries, a warning here and there, errors with their traces.  One pair has
its newest start at the end, which is what nearly every look finds; the other at the head, so that all of it is read.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import server_logs as tell
from tests.support.pairs import Pair
from tests.support.server_logs import ServerLog, Side

SIZE = 120 * 1024 * 1024
RUNS = 5
ROOT = Path(__file__).resolve().parents[2]

AT_THE_END = 1.0
AT_THE_HEAD = 6.0
"""Seconds from the process's start to its exit."""
PEAK = 80 * 1024
"""Kilobytes."""


def busy(size: int) -> Iterator[bytes]:
    """Blocks of a busy server's log, together about `size` bytes."""
    log = ServerLog(lines=[])
    for number in range(2000):
        after = 0.05
        if number % 40 == 7:
            trace = tuple(
                f"\tat org.wso2.carbon.databridge.core.Queue{depth}.run(Queue.java:{depth})"
                for depth in range(14)
            )
            log.say(
                tell.QUERIES,
                f"Error while executing query {number}",
                "ERROR",
                after=after,
                trace=("x.Y: no", *trace),
            )
        elif number % 14 == 3:
            log.say(tell.QUERIES, f"wrong stream for session {number}", "WARN", after=after)
        else:
            log.say(
                tell.QUERIES,
                f"Executing query: INSERT INTO TABLE t{number} SELECT a, b FROM events",
                after=after,
            )
    block = log.content
    for _ in range(size // len(block) + 1):
        yield block


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
    pair = make_pair(nodes=[{}, {"port_offset": None}])
    first, second = tell.sides()
    first.host = second.host = "127.0.0.1"
    second.hazelcast, second.event_sync, second.management = 4001, 11225, 10006
    tell.first_start(first, second)
    paths = [home / "repository/logs/wso2carbon.log" for home in pair.homes]
    for path, side in zip(paths, (first, second), strict=True):
        write(path, side, start_first=request.param == "head")
    return pair, request.param, paths


def measured(command: list[str], env: dict[str, str]) -> tuple[float, int, int]:
    """Seconds, kilobytes at the peak, exit code of one process."""
    begun = time.perf_counter()
    # Into a file: grep stops at the first match where nobody reads what it counts.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - begun, usage.ru_maxrss, process.returncode


def test_two_logs_of_120_megabytes(logs: tuple[Pair, str, list[Path]]) -> None:
    pair, where, paths = logs
    command = [sys.executable, "-m", "wizard", "verify", str(pair.profile), "--offline"]
    grep = ["grep", "-c", "Starting WSO2 Carbon", *map(str, paths)]
    limit = AT_THE_END if where == "end" else AT_THE_HEAD
    measured(grep, pair.env)  # both files are in the page cache for everybody
    taken, peaks, greps = [], [], []
    for _ in range(RUNS):
        seconds, peak, code = measured(command, pair.env)
        assert code == 0
        taken.append(seconds)
        peaks.append(peak)
        greps.append(measured(grep, pair.env)[0])
    # The fastest run is the program's own time; what else the machine does makes the others longer.
    seconds, compared = min(taken), min(greps)
    print(
        f"\nverify, newest start at the {where}: {seconds:.2f} s (limit {limit:g}, "
        f"median {statistics.median(taken):.2f}), {max(peaks) / 1024:.0f} MB "
        f"(limit {PEAK // 1024}); grep -c over the same files {compared:.3f} s: {seconds / compared:.1f} times as long"
    )
    assert seconds <= limit
    assert max(peaks) <= PEAK
