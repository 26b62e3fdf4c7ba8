"""The wizard in a real terminal: 80x24, from the first picture to a terminal that is as it was."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from screens.model.draft import open_profile
from tests.support import pairs
from tests.support.black_holes import PROGRAM
from tests.support.driving import configured
from tests.support.tmux import Terminal, run_line, terminal
from wizard.steps.procedure import STEPS

WIZARD = (sys.executable, "-m", "wizard")


@pytest.fixture
def screen(isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    root = Path(__file__).resolve().parents[2]
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
    for name in ("LC_ALL", "LC_CTYPE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    with terminal(tmp_path) as made:
        yield made


def start(screen: Terminal, *words: str | Path) -> dict[str, str]:
    """Start the wizard and wait for its first picture; gives the terminal's state before."""
    before = screen.state()
    screen.type(run_line([*WIZARD, *words]))
    screen.press("Enter")
    screen.wait("step 1 of 8")
    return before


def process_of(screen: Terminal) -> int:
    """The wizard's process id."""
    shell = screen.tmux("display-message", "-p", "#{pane_pid}").strip()
    children = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
    return int(children[0])


def test_the_whole_way_in_a_terminal(screen: Terminal, pair: Any) -> None:
    """Start, the eight steps, the review, applied offline, left; and the terminal is as before."""
    before = start(screen, pair.profile)
    text = screen.wait(lambda text: all(step.title in text for step in STEPS))
    assert "node1" in text and "node2" in text
    screen.press("F8")
    screen.wait("offline")
    for number in range(2, 9):
        screen.press("C-n")
        screen.wait(f"step {number} of 8")
    screen.press("C-n")
    screen.wait("warnings to accept")
    screen.press("a")
    screen.wait("ready: nothing has been written yet")
    assert not any(map(configured, pair.homes))
    screen.press("F9")
    screen.wait("Done: ")
    screen.wait("1 Start both nodes")
    assert all(map(configured, pair.homes))
    screen.press("C-q")
    screen.wait("ended with 0")
    assert screen.state() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(screen: Terminal, pair: Any, number: signal.Signals) -> None:
    before = start(screen, pair.profile)
    screen.type("q")
    screen.wait("analytics-1q")
    os.kill(process_of(screen), number)
    screen.wait(f"ended with {128 + number}")
    assert screen.state() == before
    assert "Traceback" not in screen.text


def test_an_exception_leaves_the_terminal_as_it_was(screen: Terminal, pair: Any) -> None:
    """One line says so; no traceback, and no variable's value."""
    breaking = (
        "import sys, screens.step\n"
        "def broken(self):\n"
        "    secret = 'hunter2'\n"
        "    raise ZeroDivisionError(secret)\n"
        "screen = screens.step.StepScreen\n"
        "screen.action_again = broken\n"
        "from wizard.main import main\n"
        "main()\n"
    )
    before = screen.state()
    screen.type(run_line([sys.executable, "-c", breaking, pair.profile]))
    screen.press("Enter")
    screen.wait("step 1 of 8")
    screen.press("F5")
    screen.wait("ended with 1")
    text = screen.text
    assert "internal error: ZeroDivisionError" in text
    assert "hunter2" not in text.partition("\nended")[0].rpartition("main()")[2]
    assert screen.state() == before


def test_cut_off_by_the_kernel_nothing_typed_is_lost(screen: Terminal, pair: Any) -> None:
    start(screen, pair.profile)
    screen.type("abc")
    screen.wait("analytics-1abc")
    screen.wait(lambda text: "analytics-1abc" in open_profile(str(pair.profile)).draft.text)
    os.kill(process_of(screen), signal.SIGKILL)
    screen.wait("ended with 137")
    assert "analytics-1abc" in open_profile(str(pair.profile)).draft.text


def test_leaving_does_not_wait_for_checks_that_hang(screen: Terminal, pair: Any, tmp_path: Path) -> None:
    """Forty checks hang for longer than this test waits: the wizard is gone all the same."""
    program, all_hang = tmp_path / "holes.py", tmp_path / "all-hang"
    program.write_text(PROGRAM, "utf-8")
    screen.type(run_line([sys.executable, program, pair.profile, all_hang]))
    screen.press("Enter")
    screen.wait(lambda text: all_hang.exists())
    screen.press("C-q")
    screen.wait("ended with 0")


def test_a_key_typed_before_anything_is_painted_reaches_the_first_field(screen: Terminal, pair: Any) -> None:
    screen.type(run_line([*WIZARD, pair.profile]))
    screen.press("Enter")
    screen.type("Z")
    screen.wait("analytics-1Z")
    screen.press("C-q")
    screen.wait("ended with 0")
