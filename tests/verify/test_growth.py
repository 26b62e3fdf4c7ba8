"""Work grows with a log's size and no faster, and what is held does not grow, whatever the log holds.

Work is counted in calls, not in seconds.
"""

from __future__ import annotations

import cProfile
import itertools
import pstats
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import server_logs as tell
from tests.support.server_logs import QUEUE, ServerLog
from wizard.verify.facts import Facts
from wizard.verify.log import FileLog
from wizard.verify.story import Story

SMALL = 1_000_000
"""Bytes; each log is also made four times as long."""


FAILS = "Error in putting records"
Round = Callable[[ServerLog, int, str], list[str]]
KINDS: dict[str, Round] = {
    "starts": lambda log, *_: [log.say(tell.CARBON, "Starting WSO2 Carbon...", after=0.01)],
    "quoted starts": lambda *_: ["\tat Starting WSO2 Carbon..."],
    "errors": lambda log, number, _: [
        log.say(QUEUE, f"Error in putting {number} records", "ERROR", after=0.01),
        "x.Y: z",
        "Caused by: java.sql.SQLException: Communications link failure",
    ],
    "errors that are never the same": lambda log, _, word: [
        log.say(QUEUE, f"Session {word} failed: connection {word} refused", "ERROR", after=0.01)
    ],
    "errors of a judged class": lambda log, _, word: [log.say(tell.HA, word * 2, "ERROR", after=0.01)],
    "one trace": lambda log, number, _: [
        "\tat org.example.Frame.of(Frame.java:1)" if number else log.say(QUEUE, FAILS, "ERROR")
    ],
    "causes": lambda log, number, _: [
        f"Caused by: org.example.Cause{number}: no" if number else log.say(QUEUE, FAILS, "ERROR")
    ],
    "one line": lambda log, number, _: ["x" * 9 * SMALL if number else log.say(QUEUE, FAILS, "ERROR")],
    "facts": lambda log, number, _: [
        log.say(tell.REGISTRY, f"Connected to mount at m{number} in 0ms", after=0.01),
        log.say(tell.AGENT, f"Added member: Host:h{number}, Remote Host:null, Port: 4000, x"),
        log.say(tell.WKA, f"Member joined [{number}]: /h{number}:4000"),
        log.say(tell.PUBLISHER, f"Error connection to h{number}:4000", "ERROR"),
        log.say(tell.PUBLISHER, f"Connecting to x{number}:4000"),
        log.say(tell.TASKS, f"Waiting for 2 [T{number}] task executor nodes..."),
    ],
}
"""What each log holds again and again: lines with a number and with a word that never comes again."""


def write(path: Path, size: int, kind: Round) -> None:
    """Write a log with a start and so many bytes of these lines."""
    log, words = ServerLog(), random.Random(1)
    content = [log.say(tell.CARBON, "Starting WSO2 Carbon...")]
    for number in itertools.count():
        lines = kind(log, number, "".join(words.choices("abcdefgh", k=20)))
        content += lines
        size -= sum(len(line) + 1 for line in lines)
        if size <= 0:
            break
    path.write_text("\n".join(content) + "\n")


def read(path: Path) -> Facts:
    log, story = FileLog(path), Story()
    story.read(log.read())
    story.read(log.finish())
    log.close()
    return story.facts


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_work_and_memory_grow_no_faster_than_the_log(kind: Round, tmp_path: Path) -> None:
    calls, peaks = [], []
    for times in (1, 4):
        path = tmp_path / f"{times}.log"
        write(path, times * SMALL, kind)
        profiler = cProfile.Profile()
        profiler.runcall(read, path)  # what is made once for all, too
        calls.append(pstats.Stats(profiler).total_calls)  # type: ignore[attr-defined]
        tracemalloc.start()
        read(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert calls[1] <= 5 * calls[0] + 2000, calls
    assert peaks[1] <= peaks[0] * 1.5 + 2_000_000, peaks
    assert peaks[1] < 40_000_000, peaks


def test_the_root_of_a_trace_of_any_length_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "wso2carbon.log"
    for frames in (10, 1000, 200_000):
        log = ServerLog()
        log.say(tell.CARBON, "Starting WSO2 Carbon...")
        trace = ["x.Y: z"]
        for cause in range(9):
            trace += [f"Caused by: org.example.Cause{cause}: no", *(["\tat a.B.c(D.java:1)"] * (frames // 9))]
        trace += ["Caused by: java.sql.SQLException: Unknown database 'regdb'", "\tat com.mysql.X"]
        log.say(QUEUE, "Error in putting records", "ERROR", trace=tuple(trace))
        log.say(tell.HA, "Became CEP HA Active Member")
        path.write_bytes(log.content)
        facts = read(path)
        (trouble,) = facts.troubles.values()
        assert trouble.failure is not None
        assert trouble.failure.id == "unknown-database"
        last = trouble.tally.last
        assert (last.raw_trace[0], last.raw_trace[-1]) == (b"x.Y: z", trace[-2].encode())
        assert "Unknown database" in last.evidence
        assert facts.role == "active"
