"""`make demo` on a terminal: the wizard on a sandbox, which is removed when the user leaves it."""

from __future__ import annotations

import os
import pty
import select
import sys
from pathlib import Path

import pytest

from wizard.demo.server import find_server

START = "import screens.demo, wizard.demo.server as s, sys\n{}sys.exit(screens.demo.main())"


def started(folder: Path, *, server: bool) -> tuple[int, int]:
    """Start the demo on a terminal; return its process and the terminal."""
    terminal = {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    code = START.format("" if server else "s.find_server = lambda: None\n")
    child, ours = pty.fork()
    if child == 0:
        environment = {**os.environ, "TMPDIR": str(folder), **terminal}
        os.execve(sys.executable, [sys.executable, "-c", code], environment)
    return child, ours


def read_until(descriptor: int, wanted: bytes, seen: bytes = b"", limit: float = 90.0) -> bytes:
    """What the terminal shows until `wanted` is there; fails when nothing comes for `limit` seconds, or it ends."""
    while wanted not in seen:
        ready, _, _ = select.select([descriptor], [], [], limit)
        assert ready, f"nothing came: {seen[-2000:]!r}"
        try:
            block = os.read(descriptor, 65536)
        except OSError:
            block = b""
        assert block, f"it ended: {seen[-2000:]!r}"
        seen += block
    return seen


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("apimha-demo-")]


@pytest.mark.parametrize("server", [True, False])
def test_the_wizard_opens_on_the_sandbox_and_leaves_nothing(tmp_path: Path, server: bool) -> None:
    child, terminal = started(tmp_path, server=server)
    try:
        seen = read_until(terminal, b"Prerequisites")
        os.write(terminal, b"\x11")  # Ctrl+Q
        seen = read_until(terminal, b"The sandbox is gone", seen)
    finally:
        _, status = os.waitpid(child, 0)
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert (b"starting a private" in seen) is (server and find_server() is not None)
    assert left(tmp_path) == []


def test_a_closed_terminal_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    """A user closes the window: the kernel sends the signals, and the output has no reader."""
    for _ in range(3):  # whose signal comes first is chance
        child, terminal = started(tmp_path, server=False)
        read_until(terminal, b"Prerequisites")
        os.close(terminal)
        os.waitpid(child, 0)
        assert left(tmp_path) == []
