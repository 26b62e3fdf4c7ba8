"""What keeps other commands out of a home: the lock on its folder, and the marker of a run in it.

The lock holds against other users too.  The marker is there from before the first write until the commit: it says that
a run is going on or was interrupted, whose it is, and where its journal is.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wizard.system import bounded
from wizard.system.bounded import is_empty
from wizard.system.durable import FOLDER, naming, write_durably
from wizard.system.errors import ChecksFailed, Locked

if TYPE_CHECKING:
    from wizard.transaction.runs import Run

NAME = ".apimha-wizard-run"
LARGEST = 64 * 1024
UNKNOWN = "unknown"


@contextlib.contextmanager
def folder_lock(folder: Path | str, *, wait: bool) -> Iterator[None]:
    """Lock a folder.  `Locked` where another process has it and `wait` is false; `OSError` where locking fails."""
    descriptor = os.open(folder, FOLDER)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Locked(
                "another run works on this home",
                place=str(folder),
                fix="wait until it has ended, then run the command again",
            ) from None
        yield
    finally:
        with contextlib.suppress(OSError):  # closing releases the lock in any case
            os.close(descriptor)


@contextlib.contextmanager
def locked(homes: Iterable[Path]) -> Iterator[None]:
    """Lock the homes, always in the same order; nothing is written.

    Raises:
        Locked: another run has locked one of them.
        ChecksFailed: one of them cannot be opened, or its file system has no locks.
    """
    with contextlib.ExitStack() as stack:
        for home in sorted({os.path.realpath(home) for home in homes}):
            try:
                stack.enter_context(folder_lock(home, wait=False))
            except OSError as problem:
                raise ChecksFailed(
                    f"the home cannot be locked: {problem.strerror}",
                    place=home,
                    fix="let this user read the folder; it must be on a file system with locks (flock)",
                ) from None
        yield


def held(home: Path) -> bool:
    """Whether another process has locked the home; only for homes with a marker, since testing locks for a moment."""
    try:
        with folder_lock(home, wait=False):
            return False
    except Locked:
        return True
    except OSError:
        return False


class Marker(NamedTuple):
    """The content of a marker.  `run` is `unknown` where it cannot be parsed: then it may be any user's."""

    run: str
    journal: Path
    owner: str
    host: str


def of(home: Path) -> Marker | None:
    """Read the marker in a home; None where there is none.  `OSError` where it cannot be read."""
    path = home / NAME
    try:
        data = bounded.read_json(path, LARGEST, follow=False)
        run, journal, owner, host = (data[key] for key in ("run", "journal", "owner", "host"))
        is_text = all(isinstance(one, str) for one in (run, journal, owner, host))
        if is_text and re.fullmatch(r"[\w-]{1,64}", run):
            return Marker(run, Path(journal), owner, host)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (bounded.NotAFile, ValueError, KeyError, TypeError):
        pass  # nor is a link a marker of this program
    with contextlib.suppress(OSError, KeyError):
        return Marker(UNKNOWN, Path(), path.owner(), "")
    return Marker(UNKNOWN, Path(), "its owner", "")


def put(run: Run, home: Path, folder: int) -> None:
    """Write the run's marker into a home, whose descriptor is `folder`; it is on disk when this returns."""
    data = {"run": run.run, "journal": str(run.journal)}
    data |= {"owner": run.owner, "host": run.host, "started": run.started}
    temporary = home / f"{NAME}.{run.run}.tmp"
    content = f"{json.dumps(data)}\n".encode()
    write_durably(home / NAME, content, mode=0o644, temporary=temporary, folder=folder)


def clear(run: Run, home: Path, folder: int) -> None:
    """Remove the run's own marker from a home, whose descriptor is `folder`; another run's stays."""
    marker = of(home)
    if marker is not None and marker.run == run.run:
        with naming(home):
            os.unlink(NAME, dir_fd=folder)
            os.fsync(folder)


def sweep(homes: Iterable[Path]) -> None:
    """Remove temporary markers that a crash has left.  The caller holds the homes."""
    for home in homes:
        with contextlib.suppress(OSError):
            for name in os.listdir(home):
                if name.startswith(f"{NAME}.") and name.endswith(".tmp"):
                    os.unlink(home / name)


def names(run: str, home: Path) -> bool:
    """Whether the marker in a home is this run's.  A home that is missing, or cannot be read, may have it."""
    try:
        marker = of(home)
        return is_empty(home) if marker is None else marker.run == run
    except OSError:
        return True
