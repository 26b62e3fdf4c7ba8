"""Two commands timed side by side: what else the machine does meets both alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Times:
    """Wall-clock seconds of one command, processor seconds of the same runs, and the most memory of any (kilobytes)."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: int = 0

    def take(self, command: Sequence[str], env: Mapping[str, str], expected: int = 0) -> None:
        """Run the command once, from its start to its exit."""
        with open(os.devnull, "r+b") as nothing:
            began = time.perf_counter()
            process = subprocess.Popen(command, env=env, stdin=nothing, stdout=nothing, stderr=nothing)
            _, status, usage = os.wait4(process.pid, 0)
            self.wall.append(time.perf_counter() - began)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == expected, (command, process.returncode)
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        self.peak = max(self.peak, usage.ru_maxrss)


@dataclass(frozen=True)
class Paired:
    """`ratio` is the median of the pairs' ratios, `cpu_ratio` the same of processor time."""

    floor: Times
    subject: Times

    @property
    def ratio(self) -> float:
        return statistics.median(s / f for f, s in zip(self.floor.wall, self.subject.wall, strict=True))

    @property
    def cpu_ratio(self) -> float:
        return statistics.median(s / f for f, s in zip(self.floor.cpu, self.subject.cpu, strict=True))

    def __str__(self) -> str:
        floor, subject = (statistics.median(times.wall) * 1000 for times in (self.floor, self.subject))
        return (
            f"{subject:.0f} ms, floor {floor:.0f} ms: {self.ratio:.2f} times (processor {self.cpu_ratio:.2f}), "
            f"peak {self.subject.peak / 1024:.0f} MB"
        )


def paired(
    floor: Sequence[str],
    subject: Sequence[str],
    env: Mapping[str, str],
    *,
    pairs: int,
    before: Callable[[], object] = lambda: None,
) -> Paired:
    """Run both in turn, each first as often as second; `before` puts everything back before each run."""
    times = Paired(Times(), Times())
    for number in range(-1, pairs):  # one more to warm up
        both = [(times.floor, floor), (times.subject, subject)]
        for taken, command in both if number % 2 else reversed(both):
            before()
            (Times() if number < 0 else taken).take(command, env)
    return times
