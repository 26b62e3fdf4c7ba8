"""The command line: in this process, where a process of its own is not the point, and in one."""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wizard.command_line.cli import main

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Ran:
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self.out
        found = json.loads(lines[0])
        assert isinstance(found, dict)
        return found


def run(*arguments: str | Path) -> Ran:
    """The command in this process: the same code from the entry point to the exit, and no terminal."""
    argv, stdin = sys.argv, sys.stdin
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    sys.argv, sys.stdin = ["apimha-wizard"], io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main([str(argument) for argument in arguments])
            except SystemExit as ended:
                code = ended.code
    finally:
        sys.argv, sys.stdin = argv, stdin
    assert isinstance(code, int)
    return Ran(code, *(stream.buffer.getvalue().decode("utf-8") for stream in (out, err)))


def process(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    code: str | None = None,
    streams: str = "",
    out: int = subprocess.PIPE,
) -> Ran:
    """The command in a process of its own; `code` is Python that runs in place of the entry point.

    `streams` are redirections of the shell, such as `>/dev/full`; `out` is what the standard output is at first.
    """
    start = ["-c", code] if code else ["-m", "wizard"]
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, *start, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        cwd=cwd or ROOT,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    out, err = ((stream or b"").decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    return Ran(done.returncode, out, err)


def started(
    *arguments: str | Path, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.Popen[str]:
    """The command in a process of its own that runs now, with pipes; `options` as of `subprocess.Popen`."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "wizard", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    return subprocess.Popen(command, cwd=ROOT, env=env, text=True, **{**pipes, **options})


def on_a_terminal(answer: str, *arguments: str | Path, **environment: str) -> tuple[int, str]:
    """Run the command on a terminal, and type `answer` when it asks; return its exit code and what it showed."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "wizard", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "300", **environment}
    started = subprocess.Popen(command, env=env, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen, asked, deadline = b"", False, time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                block = os.read(ours, 4096)
            except OSError:  # the terminal is closed: the command has ended
                break
            seen += block
            if not asked and b"[y/N]" in seen:
                asked = True
                os.write(ours, f"{answer}\n".encode())
        return started.wait(timeout=10), seen.decode()
    finally:
        started.kill()
        os.close(ours)
