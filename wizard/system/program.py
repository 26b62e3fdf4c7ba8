"""Running a program: no shell, a time limit for all of it, and no more of what it prints than is wanted."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Ended(NamedTuple):
    """How a program ended; one that printed more than was wanted was ended with -9."""

    code: int
    output: bytes
    errors: bytes


def run(
    command: Sequence[str | Path],
    *,
    given: bytes | None = None,
    time_limit: float,
    most_bytes: int,
    errors: bool = True,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Ended:
    """Run a program, and end it, with all that it started, when it has closed its output or must not go on.

    `given` is what it gets on standard input, which stays open until it ends; None: nothing, and it is closed.  It may
    take `time_limit` seconds; of its output, and of its `errors` unless they are dropped, little more than `most_bytes`
    are read.  Raises `OSError` or `ValueError` if it cannot be run, `TimeoutError` if it had not ended in time.
    """
    deadline = time.monotonic() + time_limit
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if errors else subprocess.DEVNULL,
        env=environment,
        cwd=folder,
        start_new_session=True,  # a group of its own: the time limit ends its children too
    )
    try:
        if process.stdin is not None and given is not None:
            with suppress(BrokenPipeError):  # it ended at once and says why
                process.stdin.write(given)
                process.stdin.flush()
        output, errors_output = _read(process, deadline, most_bytes)
        if max(len(output), len(errors_output)) <= most_bytes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            if process.returncode is None:
                raise TimeoutError
    finally:
        _end(process)
    return Ended(process.returncode, output, errors_output)


def _read(process: subprocess.Popen[bytes], deadline: float, most_bytes: int) -> tuple[bytes, bytes]:
    """Return the process's output and errors to their end, or until one is a little more than `most_bytes`.

    Raises `TimeoutError` if that was not so at `deadline`.
    """
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream, found in ((process.stdout, output), (process.stderr, errors)):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, found)
        while selector.get_map() and max(len(output), len(errors)) <= most_bytes:
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                del output, errors, found  # nothing of it among the variables of a traceback
                raise TimeoutError
            for key, _ in ready:
                block = os.read(key.fd, 65536)
                key.data.extend(block)
                if not block:
                    selector.unregister(key.fileobj)
    return bytes(output), bytes(errors)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process, and all that it started, if it still runs."""
    if process.returncode is None:  # not reaped yet, so that the number of its group is still its own
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
