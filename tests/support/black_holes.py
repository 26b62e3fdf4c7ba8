"""Forty checks that wait for an answer which never comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from wizard.preflight.checks import Check, CheckContext
from wizard.system.finding import Finding, ok

NUMBER = 40

PROGRAM = """\
import pathlib, sys, threading
from wizard.steps import procedure
from tests.support.black_holes import black_holes

told = pathlib.Path(sys.argv.pop())
real, holes = procedure.checks_of, black_holes(threading.Event(), 600.0, told.touch)
procedure.checks_of = lambda chosen: (*real(chosen), *holes)
from wizard.main import main

main()
"""
"""The wizard with the forty in each round, as a program; its last argument is a file that appears when all hang."""


def black_holes(release: threading.Event, limit: float, all_hang: Callable[[], object]) -> tuple[Check, ...]:
    """The forty checks, which wait for the event; `all_hang` is called when the last one has begun to wait."""
    waiting = threading.Semaphore(NUMBER - 1)

    def probe(context: CheckContext) -> Iterator[Finding]:
        if not waiting.acquire(blocking=False):
            all_hang()
        release.wait(limit)
        yield ok("it answered after all")

    make: Any = Check
    names = [f"hazelcast.hole-{number}" for number in range(NUMBER)]
    return tuple(make(name, "it hangs", "wait", live=True, limit=limit)(probe) for name in names)
