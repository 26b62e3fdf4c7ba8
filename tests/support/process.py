"""A program on a pseudo-terminal, and all that it paints."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_ESCAPE = re.compile(
    rb"\x1b\[[0-9;?>=<$]*[a-zA-Z]|\x1b[()][A-Z0-9]|\x1b[=>78]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\"
)


@dataclass
class Process:
    """A program on a pseudo-terminal of 80x24, and all that it has painted."""

    words: Sequence[str]
    environ: dict[str, str]
    keys_at_once: bytes = b""
    output: bytes = b""
    pid: int = 0
    descriptor: int = -1
    started: float = 0.0
    _seen: int = field(default=0, repr=False)

    def __enter__(self) -> Process:
        self.started = time.perf_counter()
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            # Without the terminal's own echo: what is counted is what the program paints.
            attributes = termios.tcgetattr(0)
            attributes[3] &= ~termios.ECHO
            termios.tcsetattr(0, termios.TCSANOW, attributes)
            os.execve(self.words[0], list(self.words), self.environ)
        if self.keys_at_once:
            os.write(self.descriptor, self.keys_at_once)
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.descriptor)

    def until(self, happened: Callable[[str], bool], limit: float = 20.0) -> float:
        """Seconds since the start of the process when what was painted since the last call lets it have happened."""
        deadline = time.perf_counter() + limit
        while time.perf_counter() < deadline:
            if happened(self.painted()):
                return time.perf_counter() - self.started
            if select.select([self.descriptor], [], [], 0.5)[0]:
                self.output += os.read(self.descriptor, 65536)
        raise AssertionError(f"it is not painted: {self.painted()[-2000:]}")

    def painted(self) -> str:
        return _ESCAPE.sub(b"", self.output[self._seen :]).decode("utf-8", "replace")

    def forget(self) -> None:
        """What was painted so far counts no more."""
        while select.select([self.descriptor], [], [], 0)[0]:
            self.output += os.read(self.descriptor, 65536)
        self._seen = len(self.output)

    def press(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)
