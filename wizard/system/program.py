"""Running a program for what it prints: no shell, no input, a time limit, and nothing of it in an error."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress


class ProgramFailed(Exception):
    """It did not print what was wanted; the message tells no argument and nothing that was printed."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def output_of(command: Sequence[str], *, time_limit: float, most_bytes: int) -> bytes:
    """What `command` prints on standard output; standard input is closed, standard error is dropped.

    Args:
        command: the program and its arguments.
        time_limit: in seconds, for all of it.
        most_bytes: more than that is an error.

    Raises:
        ProgramFailed: it cannot be run, fails, prints too much, or is not done in time: then it is ended, with
            all that it started.
    """
    name = command[0]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a group of its own: the time limit ends its children too
        )
    except (OSError, ValueError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else "an argument holds a NUL"
        raise ProgramFailed(
            f"the command {name!r} cannot be run: {reason}",
            "correct the command: it is a list of program and arguments, and no shell takes part",
        ) from None
    try:
        content = _read(process, time.monotonic() + time_limit, most_bytes)
        if len(content) > most_bytes:
            del content  # not among the variables of a traceback
            raise ProgramFailed(f"the command {name!r} prints too much for a password", "correct the command")
        if process.returncode:
            del content
            raise ProgramFailed(
                f"the command {name!r} failed with exit code {process.returncode}",
                "run it by hand to see why: what it prints is not shown here",
            )
        return content
    except TimeoutError:
        raise ProgramFailed(
            f"the command {name!r} did not end within {time_limit:g} s",
            "run it by hand, and unlock first what it asks for",
        ) from None
    finally:
        _end(process)


def _read(process: subprocess.Popen[bytes], deadline: float, most_bytes: int) -> bytes:
    """The process's output to its end, or a little more than `most_bytes` of it.

    Raises:
        TimeoutError: it had not ended at `deadline`.
    """
    assert process.stdout is not None
    blocks: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while sum(map(len, blocks)) <= most_bytes:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                blocks.clear()
                raise TimeoutError
            blocks.append(os.read(process.stdout.fileno(), most_bytes + 1))
            if not blocks[-1]:
                break
        else:
            return b"".join(blocks)
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        blocks.clear()
        raise TimeoutError from None
    return b"".join(blocks)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process, and all that it started, if it still runs."""
    if process.returncode is None:  # not reaped yet, so that the number of its group is still its own
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
