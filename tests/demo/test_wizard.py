"""`make demo` on a terminal: the wizard on a sandbox, gone when it is left."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

import pytest


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


@pytest.mark.parametrize("server", ["as found", "none"])
def test_the_wizard_opens_on_the_sandbox_and_leaves_nothing(tmp_path: Path, server: str) -> None:
    import pty

    environment = {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "TERM": "xterm-256color",
        "COLUMNS": "100",
        "LINES": "30",
    }
    code = "import screens.demo, wizard.demo.server as s, sys\n"
    if server == "none":
        code += "s.find_server = lambda: None\n"
    code += "sys.exit(screens.demo.main())"
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-c", code], environment)
    try:
        seen = read_until(terminal, b"Prerequisites")
        os.write(terminal, b"\x11")  # Ctrl+Q
        seen = read_until(terminal, b"The sandbox is gone", seen)
    finally:
        try:
            _, status = os.waitpid(child, 0)
        except ChildProcessError:
            status = 0
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert (b"starting a private" in seen) is (server != "none" and _has_server())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("apimha-demo-")] == []


def _has_server() -> bool:
    from wizard.demo.server import find_server

    return find_server() is not None


def test_a_terminal_that_is_closed_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    """The window is closed, as users do: the kernel sends the signals, and the output has no reader."""
    import pty

    environment = {**os.environ, "TMPDIR": str(tmp_path), "TERM": "xterm-256color"}
    code = "import screens.demo, wizard.demo.server as s, sys\n"
    code += "s.find_server = lambda: None\nsys.exit(screens.demo.main())"
    for _ in range(3):  # whose signal comes first is chance
        child, terminal = pty.fork()
        if child == 0:
            os.execve(sys.executable, [sys.executable, "-c", code], environment)
        read_until(terminal, b"Prerequisites")
        os.close(terminal)
        os.waitpid(child, 0)
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("apimha-demo-")] == []
