"""Forty checks that wait for an answer which never comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

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


def forty_black_holes(monkeypatch: pytest.MonkeyPatch, limit: float = 60.0) -> threading.Event:
    """Every round of checks has forty more, each of which hangs until the event is set."""
    release = threading.Event()
    hole = black_holes(release, limit)
    from wizard.steps import procedure

    real = procedure.checks_of
    monkeypatch.setattr(procedure, "checks_of", lambda chosen: (*real(chosen), *hole))
    return release


def black_holes(
    release: threading.Event, limit: float = 60.0, all_hang: Callable[[], object] = lambda: None
) -> tuple[Check, ...]:
    """The forty checks; `all_hang` is called when the last one has begun to wait."""
    waiting = threading.Semaphore(NUMBER - 1)

    def probe(context: CheckContext) -> Iterator[Finding]:
        if not waiting.acquire(blocking=False):
            all_hang()
        release.wait(limit)
        yield ok("it answered after all")

    make: Any = Check
    return tuple(
        make(f"hazelcast.hole-{number}", "it hangs", "wait", live=True, limit=limit)(probe)
        for number in range(NUMBER)
    )
