"""The marker in a home: which run works on it, from before the first write until the commit.

Whoever finds one knows that a run is going on or was cut off, whose it is, and where its journal is.
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
from wizard.transaction.home_lock import held

if TYPE_CHECKING:
    from wizard.transaction.runs import Run

NAME = ".apimha-wizard-run"
LARGEST = 64 * 1024
UNKNOWN = "unknown"


class Marker(NamedTuple):
    """What stands in the marker.  `run` is `unknown` where it cannot be understood: then it is somebody's too."""

    run: str
    journal: Path
    owner: str
    host: str


def of(home: Path) -> Marker | None:
    """The marker in a home; None where there is none.  `OSError` where that cannot be told."""
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
        pass  # a link is none of ours either
    try:
        owner = path.owner()
    except (OSError, KeyError):
        owner = "somebody"
    return Marker(UNKNOWN, Path(), owner, "")


def put(run: Run, home: Path, folder: int) -> None:
    """Leave the run's marker in a home, whose descriptor is `folder`; it is on disk when this returns."""
    data = {
        "run": run.run,
        "journal": str(run.journal),
        "owner": run.owner,
        "host": run.host,
        "started": run.started,
    }
    text = json.dumps(data) + "\n"
    temporary = home / f"{NAME}.{run.run}.tmp"
    write_durably(home / NAME, text.encode(), mode=0o644, temporary=temporary, folder=folder)


def clear(run: Run, home: Path, folder: int) -> None:
    """Remove the run's own marker from a home, whose descriptor is `folder`; another run's stays."""
    marker = of(home)
    if marker is not None and marker.run == run.run:
        with naming(home):
            os.unlink(NAME, dir_fd=folder)
            os.fsync(folder)


def sweep(homes: Iterable[Path]) -> None:
    """Remove temporary markers that a crash has left behind.  The caller holds the homes."""
    for home in homes:
        with contextlib.suppress(OSError):
            for name in os.listdir(home):
                if name.startswith(f"{NAME}.") and name.endswith(".tmp"):
                    os.unlink(home / name)


def names(run: str, home: Path) -> bool:
    """Whether the marker in a home is this run's.  A home that is not here now, or cannot be entered, may hold it."""
    try:
        marker = of(home)
        return is_empty(home) if marker is None else marker.run == run
    except OSError:
        return True


def is_at_work(home: Path) -> bool:
    """Whether the run whose marker stands in this home is going on in another process now."""
    return held(home)
