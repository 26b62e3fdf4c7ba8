"""Two commands timed side by side: what else the machine does meets both alike."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

LAUNCHER = """
import json, os, sys, time
nothing = os.open(os.devnull, os.O_RDWR)
began = time.perf_counter()
child = os.posix_spawnp(
    sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nothing, n) for n in (0, 1, 2)]
)
_, status, usage = os.wait4(child, 0)
seconds = time.perf_counter() - began
print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""
"""Starts a command and prints its wall-clock and processor seconds, peak memory (kilobytes) and exit code."""


@dataclass
class Times:
    """Wall-clock seconds of one command, processor seconds of the same runs, and the most memory of any (kilobytes)."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: int = 0

    def take(self, command: Sequence[str], env: Mapping[str, str], expected: int = 0) -> None:
        """Run the command once, from its start to its exit.

        A small process starts it: the system counts the memory of whoever starts a process as that process's own.
        """
        launched = subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, *command],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        )
        wall, cpu, peak, code = json.loads(launched.stdout)
        assert code == expected, (command, code)
        self.wall.append(wall)
        self.cpu.append(cpu)
        self.peak = max(self.peak, peak)


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
