"""Commands one after the other in a process of little memory: `python -m tests.support.limited`."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.cli import ROOT, Ran, run

MEMORY = 1 << 30
"""Bytes of address space: the interpreter and its libraries need about half of it."""


def run_limited(commands: Sequence[Sequence[str | Path]], env: Mapping[str, str]) -> list[Ran]:
    """How each command ended.  A command that hangs or takes all the memory fails the test.

    The first item of a command is the folder of its configuration and state.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.limited"],
        input=json.dumps([[str(argument) for argument in command] for command in commands]),
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
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
