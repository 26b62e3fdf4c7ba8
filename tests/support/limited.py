"""Limits of memory: for a piece of code, and for commands in a process (`python -m tests.support.limited`)."""

from __future__ import annotations

import json
import os
import resource
import sys
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.cli import ROOT, Ran, run
from tests.support.programs import must

MEMORY = 1 << 30
"""Bytes of address space: the interpreter and its libraries need about half of it."""


@contextmanager
def memory_below(most: int) -> Iterator[None]:
    """Fail if what runs inside holds more than `most` bytes of Python's memory at any moment."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most, f"{peak} bytes"


def run_limited(commands: Sequence[Sequence[str | Path]], env: Mapping[str, str]) -> list[Ran]:
    """How each command ended.  A command that hangs or takes all the memory fails the test.

    The first item of a command is the folder of its configuration and state.
    """
    done = must(
        *(sys.executable, "-m", "tests.support.limited"),
        stdin=None,
        input=json.dumps([[str(argument) for argument in command] for command in commands]),
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        timeout=300,
    )
    return [Ran(*one) for one in json.loads(done.stdout)]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    ended = []
    for folder, *command in json.load(sys.stdin):
        for kind in ("config", "state"):
            os.environ[f"XDG_{kind.upper()}_HOME"] = f"{folder}/{kind}"
        ran = run(*command)
        ended.append((ran.code, ran.out, ran.err))
    print(json.dumps(ended))
