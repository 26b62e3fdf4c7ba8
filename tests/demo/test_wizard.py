"""`make demo` on a terminal: the wizard on a sandbox, which is removed when the user leaves it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.process import Process
from wizard.demo.server import find_server

START = "import screens.demo, wizard.demo.server as s, sys\n{}sys.exit(screens.demo.main())"
LIMIT = 90.0


def demo(folder: Path, *, server: bool) -> Process:
    """The demo on a terminal."""
    code = START.format("" if server else "s.find_server = lambda: None\n")
    environment = {**os.environ, "TMPDIR": str(folder), "TERM": "xterm-256color"}
    return Process([sys.executable, "-c", code], environment)


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("apimha-demo-")]


@pytest.mark.parametrize("server", [True, False])
def test_the_wizard_opens_on_the_sandbox_and_leaves_nothing(tmp_path: Path, server: bool) -> None:
    with demo(tmp_path, server=server) as shown:
        shown.until(lambda text: "Prerequisites" in text, LIMIT)
        shown.press(b"\x11")  # Ctrl+Q
        shown.until(lambda text: "The sandbox is gone" in text, LIMIT)
        ended = os.waitid(os.P_PID, shown.pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None and (ended.si_code, ended.si_status) == (os.CLD_EXITED, 0)
    assert (b"starting a private" in shown.output) is (server and find_server() is not None)
    assert left(tmp_path) == []


def test_a_closed_terminal_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    """A user closes the window: the kernel sends the signals, and the output has no reader."""
    for _ in range(3):  # whose signal comes first is chance
        with demo(tmp_path, server=False) as shown:
            shown.until(lambda text: "Prerequisites" in text, LIMIT)
            os.dup2(os.open(os.devnull, os.O_RDWR), shown.descriptor)  # which closes the terminal
            os.waitid(os.P_PID, shown.pid, os.WEXITED | os.WNOWAIT)
            assert left(tmp_path) == []
