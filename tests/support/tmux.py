"""A real terminal: tmux, 80x24, whose screen can be read and whose state can be asked for."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.need import need

LIMIT = 40.0


@dataclass
class Terminal:
    """One session of a tmux server of its own."""

    socket: Path
    folder: Path

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self.socket), "-f", "/dev/null", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return self.tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: `C-n`, `F2`, `Tab`, `a`."""
        self.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", text)

    def wait(self, for_what: str | Callable[[str], bool]) -> str:
        """The screen once a text stands on it, or a condition holds of it."""
        happened = (lambda text: for_what in text) if isinstance(for_what, str) else for_what
        deadline = time.monotonic() + LIMIT
        while not happened(text := self.text):
            assert time.monotonic() < deadline, f"{for_what!r} does not come:\n{text}"
            time.sleep(0.03)
        return text

    def state(self) -> dict[str, str]:
        """Whether the alternate screen, the cursor and mouse reports are on, and what the line discipline does."""
        names = ("alternate_on", "cursor_flag", "mouse_any_flag", "keypad_flag")
        values = self.tmux("display-message", "-p", " ".join(f"#{{{name}}}" for name in names)).split()
        tty = self.tmux("display-message", "-p", "#{pane_tty}").strip()
        stty = subprocess.run(["stty", "-F", tty, "-a"], check=True, capture_output=True, text=True).stdout
        return {**dict(zip(names, values, strict=True)), "stty": stty}

    def resize(self, columns: int, rows: int) -> None:
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))


@contextmanager
def terminal(folder: Path, columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    """A terminal with a shell in it, whose prompt is `$ `."""
    need("tmux")
    made = Terminal(folder / "tmux", folder)
    made.tmux(
        *("new-session", "-d", "-x", str(columns), "-y", str(rows), "env PS1='$ ' TERM=screen-256color sh"),
        *(";", "set-option", "-g", "status", "off"),
    )
    try:
        made.resize(columns, rows)
        made.wait("$")
        yield made
    finally:
        made.tmux("kill-server")


def run_line(words: Sequence[str | Path]) -> str:
    """A line for the shell that runs these words and then says how they ended."""
    return f"clear; {' '.join(shlex.quote(str(word)) for word in words)}; echo ended with $?"
