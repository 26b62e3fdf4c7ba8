"""Two commands timed side by side: what else the machine does meets both alike.  And a module that a floor imports."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

SECTIONS = 11
FIELDS = (
    ("name", "str", "'analytics'", "pattern='^[A-Za-z0-9_-]+$'"),
    ("host", "str", "'10.100.0.10'", "min_length=1, max_length=253"),
    ("port", "int", "3306", "ge=1, le=65535"),
    ("kind", "Literal['wizard', 'server', 'dba']", "'wizard'", ""),
    ("enabled", "bool", "True", ""),
    ("path", "str | None", "None", ""),
)
"""Name, type, default and rule of each field of a section: those of the profile have rules too."""


def floor_models() -> str:
    """Return the source of a module with twelve models, 77 fields, and a value for all of them.

    The profile is of this size: eleven tables with 64 keys, and five kinds of references to passwords.
    """
    lines = ["from typing import Literal", "from pydantic import BaseModel, ConfigDict, Field"]

    def model(name: str, fields: list[tuple[str, str, str, str]]) -> None:
        lines.append(f"class {name}(BaseModel):")
        lines.append("    model_config = ConfigDict(strict=True, frozen=True, extra='forbid')")
        for own, kind, default, rule in fields:
            title, description = f"Title of {own}", f"what {own} of {name} is for, in one line of help"
            lines.append(
                f"    {own}: {kind} = Field({default}, title={title!r}, description={description!r}, {rule})"
            )

    for number in range(1, SECTIONS + 1):
        model(f"Section{number}", [*FIELDS])
    model("Profile", [(f"section{n}", f"Section{n}", "...", "") for n in range(1, SECTIONS + 1)])
    values = ", ".join(f"{name!r}: {default}" for name, _, default, _ in FIELDS)
    lines.append(f"PROFILE = {{f'section{{n}}': {{{values}}} for n in range(1, {SECTIONS + 1})}}")
    return "\n".join(lines) + "\n"


LAUNCHER = """
import json, os, sys, time
nothing = os.open(os.devnull, os.O_RDWR)
out = os.open(sys.argv.pop(1), os.O_WRONLY)
actions = [(os.POSIX_SPAWN_DUP2, file, n) for file, n in ((nothing, 0), (out, 1), (nothing, 2))]
began = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
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

    def take(
        self, command: Sequence[str], env: Mapping[str, str], code: int = 0, out: str = os.devnull
    ) -> None:
        """Run the command once, from its start to its exit, with its output in the file `out`.

        A small process starts it: the system counts the memory of whoever starts a process as that process's own.
        """
        launched = subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, out, *command],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        )
        wall, cpu, peak, ended = json.loads(launched.stdout)
        assert ended == code, (command, ended)
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
