"""Whatever fails or cuts a run off, the homes end old or new, whole.

Each single system call of `replay` and `rollback` that touches a file is in turn the last one of its process
(kill -9), or fails.  All of it is `make faults`; `make test` tries a sample, always the same.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import pytest

from tests.support import faults, strace
from tests.support.faults import Case, Kind, Point, Start
from tests.support.need import need

Capture = pytest.CaptureFixture[str]

ALL = bool(os.environ.get("FAULTS"))
"""Whether everything is tried, and not only a sample."""

SEED = os.environ.get("FAULTS_SEED", "0")
"""What a sample is drawn with."""

SAMPLE = 5
"""Cases of each test in a sample."""


@dataclass(frozen=True)
class Faults:
    """The processes that try the cases, one for each processor (two at least)."""

    pool: ProcessPoolExecutor
    random: random.Random

    def points(self, kind: Kind, start: Start, command: str) -> list[Point]:
        return self.pool.submit(faults.points, kind, start, command).result()

    def survives(self, cases: Iterable[Case], capsys: Capture, what: str) -> None:
        """Try the cases, or a sample of them; no one of them may go wrong."""
        cases = list(cases)
        total = len(cases)
        if not ALL and total > SAMPLE:
            cases = self.random.sample(cases, SAMPLE)
        began = time.monotonic()
        wrong = [text for found in self.pool.map(faults.problems, cases) for text in found]
        with capsys.disabled():
            if ALL:
                seconds = time.monotonic() - began
                print(f"\n{what}: {len(cases)} of {total} in {seconds:.0f} s, {len(wrong)} wrong")
        assert not wrong, f"{len(wrong)} wrong (FAULTS_SEED={SEED}), among them\n" + "\n".join(wrong[:60])


@pytest.fixture(scope="module")
def every() -> Iterator[Faults]:
    need("strace")
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(dir=faults.memory(), prefix="faults-") as folder,
    ):
        # The order of a set is part of a run, and so is what is compiled after an edit: all processes have to make
        # the same calls in the same order.
        patch.setenv("PYTHONHASHSEED", "0")
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        patch.setenv("FAULTS_FOLDER", folder)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max(2, os.cpu_count() or 2), mp_context=spawn) as pool:
            yield Faults(pool, random.Random(SEED))


Where = tuple[Kind, Start, str]
"""The world, where the command begins in it, and the command."""

PAIR: list[Where] = [("pair", "fresh", "replay"), ("pair", "done", "rollback")]
LINK: list[Where] = [("link", "fresh", "replay"), ("link", "done", "rollback")]
INTERRUPTED: list[Where] = [("pair", at, command) for at in (3, 15, 23) for command in ("replay", "rollback")]
"""A replay was interrupted before its n-th rename, and what restores it is interrupted as well."""

STAYING = {"write": ("ENOSPC+", "EIO+"), "fsync": ("EIO+",), "openat": ("ENOSPC+",)}
STAYING |= dict.fromkeys(("rename", "renameat"), ("EROFS+",))
"""A disk that stays full or broken: what cannot be undone is named (exit 5) and undone by the next run."""


def of_changes(*names: str) -> Callable[[Point], Iterable[str]]:
    """These faults for every call that changes something."""
    return lambda point: names if point.changes else ()


def of_looks(point: Point) -> Iterable[str]:
    return () if point.changes or point.name in strace.POWERLESS else faults.LOOKING_FAULTS


FAMILIES: dict[str, tuple[list[Where], Callable[[Point], Iterable[str]]]] = {
    # Before each call is after the one before it, so that no moment is left out.
    "kill -9": (PAIR + LINK, of_changes("KILL")),
    "failures of writing": (PAIR + LINK, of_changes(*faults.FAULTS)),
    "failures of looking": (PAIR, of_looks),
    "failures that stay": (PAIR, lambda point: STAYING.get(point.name, ()) if point.changes else ()),
    **{f"SIG{name}": (PAIR, of_changes(name)) for name in ("INT", "TERM", "HUP")},
    "kill -9 after a kill -9": (INTERRUPTED, of_changes("KILL")),
    "failures after a kill -9": (INTERRUPTED[2:4], of_changes(*faults.FAULTS)),
}
"""Where each kind of fault is tried, and which faults for a call."""


@pytest.mark.parametrize(
    ("family", "where"),
    [
        pytest.param(family, where, id=f"{family}-{'-'.join(map(str, where))}")
        for family, (places, _) in FAMILIES.items()
        for where in places
    ],
)
def test_a_fault_at_every_call(every: Faults, family: str, where: Where, capsys: Capture) -> None:
    points = every.points(*where)
    changing = {point.name for point in points if point.changes}
    least = {"renameat", "fsync", "write", "openat", "mkdir", "unlinkat", "fchmod", "rename"}
    assert isinstance(where[1], int) or least <= changing
    cases = [Case(*where, point, fault) for point in points for fault in FAMILIES[family][1](point)]
    every.survives(cases, capsys, f"{family} in {where[2]} ({where[0]}, {where[1]})")
