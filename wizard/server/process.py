"""The process of a home's server, known by its command line: the number in a file can be anyone's (procedure,
"The launcher")."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from wizard.pack.home import Pack

ARGUMENT = b"-Dcarbon.home="
"""The prefix of the JVM argument with the home."""


def server_of(home: Path) -> int | None:
    """Return the process id of this home's server, also before it has written `wso2carbon.pid`; None if none runs."""
    # Threads have numbers too, but are not listed.
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    if (named := Pack(home).pid) in pids:
        pids.insert(0, named)
    return next((pid for pid in pids if serves(pid, home)), None)


def stranger_in_pid_file(home: Path) -> int | None:
    """Return the live process that a stale `wso2carbon.pid` names and that is not this home's server."""
    named = Pack(home).running
    return named if named is not None and not serves(named, home) else None


def serves(pid: int, home: Path) -> bool:
    """Whether a process is the server of this home: its command line holds `-Dcarbon.home=HOME`."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    named = next((os.fsdecode(one[len(ARGUMENT) :]) for one in arguments if one.startswith(ARGUMENT)), None)
    if named is None:
        return False
    try:  # in its own root: the same path in a container is another home
        return os.path.samefile(f"/proc/{pid}/root{named}", home)
    except PermissionError:
        return os.path.realpath(named) == os.path.realpath(home)
    except OSError:
        return False


def send(pid: int, home: Path, number: signal.Signals) -> bool:
    """Send a signal to the server of this home; False where the process has ended or is another one by now.

    Raises `PermissionError` where this user may not.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    except (AttributeError, OSError):  # not supported by this Python or kernel
        descriptor = None
    try:
        if not serves(pid, home):
            return False
        if descriptor is None:
            os.kill(pid, number)
        else:
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return True
