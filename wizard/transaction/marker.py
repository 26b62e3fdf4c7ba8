"""The marker in a home: which run works on it, from before the first write until the commit.

It says that a run is going on or was interrupted, whose it is, and where its journal is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wizard.system import bounded
from wizard.system.durable import naming, write_durably
from wizard.system.presence import is_empty

if TYPE_CHECKING:
    from wizard.transaction.runs import Run

NAME = ".apimha-wizard-run"
LARGEST = 64 * 1024
UNKNOWN = "unknown"


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
        if all(isinstance(one, str) for one in (run, journal, owner, host)) and re.fullmatch(
            r"[\w-]{1,64}", run
        ):
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
