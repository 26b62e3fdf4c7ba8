"""The record of each run: its journal, its backups, the marker in the homes, and the history.

A run's folder in the state folder holds `journal.json` and `backups/`.  The journal says what stood at every path
before and what the run puts there; with it, any state that a crash can leave is one that can be undone.
"""

from __future__ import annotations

import dataclasses
import getpass
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wizard import locations
from wizard.change import Meta, State
from wizard.durable import fsync_folder, write_durably
from wizard.errors import Locked, UsageError
from wizard.home_lock import folder_lock

if TYPE_CHECKING:
    from wizard.plan import Plan

MARKER = ".apimha-wizard-run"
JOURNAL = "journal.json"
FORMAT = 1

Outcome = Literal["started", "committed", "restored"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a run: what stood there, what the run puts there, and the backup's name in the run's folder."""

    node: str
    name: str
    """What the plan calls it: relative to the home, absolute for a link."""
    path: Path
    before: State
    after: State
    meta: Meta | None = None
    backup: str | None = None


@dataclass(frozen=True)
class Run:
    """A run as its journal tells it.

    `files` are the entries of the JSON's `files`; `undoes` is the run that a rollback undid, `complete` whether it
    undid all of it.
    """

    run: str
    kind: Literal["replay", "rollback"]
    profile: str
    profile_path: str
    owner: str
    host: str
    started: str
    homes: dict[str, str]
    entries: tuple[Entry, ...]
    files: tuple[dict[str, Any], ...] = ()
    outcome: Outcome = "started"
    undoes: str | None = None
    complete: bool = True
    ignored: tuple[str, ...] = ()
    error: str | None = None
    databases: tuple[dict[str, Any], ...] = ()
    folder: Path = field(default_factory=Path, compare=False)

    @property
    def journal(self) -> Path:
        return self.folder / JOURNAL

    def backup(self, entry: Entry) -> Path:
        """Where the bytes that stood at the entry's path are kept."""
        return self.folder / "backups" / (entry.backup or "")

    @property
    def has_backups(self) -> bool:
        """Whether it can still be undone (`history --prune` takes the backups away)."""
        return all(self.backup(entry).is_file() for entry in self.entries if entry.backup)

    def temporary(self, path: Path) -> Path:
        """The name that a file of this run has until it takes its place."""
        return path.parent / f".{path.name[:180]}.{self.run}.tmp"

    def save(self) -> None:
        """Write the journal, on disk when this returns."""
        write_durably(self.journal, json.dumps(to_json(self), indent=1).encode(), mode=0o600)

    def ended(self, outcome: Outcome, **changes: Any) -> Run:
        """The run with its outcome, saved."""
        ended = dataclasses.replace(self, outcome=outcome, **changes)
        ended.save()
        return ended


def new_id(now: float | None = None) -> str:
    """A run's name: the time in UTC and four hexadecimal digits."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)) + "-" + secrets.token_hex(2)


def begin(run: Run) -> Run:
    """Make the run's folder (0700) with its journal, on disk when this returns; gives the run that lives there."""
    folder = locations.runs() / run.run
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    run = dataclasses.replace(run, folder=folder)
    # Whoever tidies up takes a folder without a journal for one that was cut off: it waits for this lock.
    with folder_lock(folder.parent, wait=True):
        (folder / "backups").mkdir(parents=True, mode=0o700)
        os.chmod(folder, 0o700)
        run.save()
        fsync_folder(folder.parent)
    return run


def forget_unbegun(homes: Iterable[Path]) -> None:
    """Remove what is left of runs that were cut off before they touched anything.

    The caller holds the locks of the homes, has recovered what their markers name, and so knows that a run on these
    homes alone that is still open never began to write.
    """
    folder = locations.runs()
    if not folder.is_dir():
        return
    real = {os.path.realpath(home) for home in homes}
    for run in history():
        if run.outcome == "started" and real.issuperset(
            os.path.realpath(home) for home in run.homes.values()
        ):
            shutil.rmtree(run.folder, ignore_errors=True)
    try:
        with folder_lock(folder, wait=False):
            for entry in os.scandir(folder):
                if entry.is_dir() and not Path(entry.path, JOURNAL).exists():
                    shutil.rmtree(entry.path, ignore_errors=True)
    except Locked:
        return  # another run is just beginning; the next one tidies up


def user() -> str:
    """Who runs this, for the marker and the history."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def now() -> str:
    """The time in UTC, to the microsecond: runs are ordered by it."""
    seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{microseconds:06}Z"


def to_json(run: Run) -> dict[str, Any]:
    data = {
        name: getattr(run, name)
        for name in [
            "run",
            "kind",
            "profile",
            "profile_path",
            "owner",
            "host",
            "started",
            "homes",
            "outcome",
            "undoes",
            "complete",
            "ignored",
            "error",
            "files",
            "databases",
        ]
    }
    entries = [
        {
            "node": entry.node,
            "name": entry.name,
            "path": str(entry.path),
            "before": entry.before.to_json(),
            "after": entry.after.to_json(),
            "meta": dataclasses.astuple(entry.meta) if entry.meta else None,
            "backup": entry.backup,
        }
        for entry in run.entries
    ]
    return {"format": FORMAT, **data, "entries": entries}


def from_json(data: Any, folder: Path) -> Run:
    """The run of a journal; `ValueError`, `KeyError` or `TypeError` where it is none."""
    if data["format"] != FORMAT:
        raise ValueError("another format")
    entries = tuple(
        Entry(
            entry["node"],
            entry["name"],
            Path(entry["path"]),
            State.from_json(entry["before"]),
            State.from_json(entry["after"]),
            Meta(*entry["meta"]) if entry["meta"] else None,
            entry["backup"],
        )
        for entry in data["entries"]
    )
    return Run(
        run=data["run"],
        kind=data["kind"],
        profile=data["profile"],
        profile_path=data["profile_path"],
        owner=data["owner"],
        host=data["host"],
        started=data["started"],
        homes=dict(data["homes"]),
        entries=entries,
        files=tuple(data["files"]),
        outcome=data["outcome"],
        undoes=data["undoes"],
        complete=data["complete"],
        ignored=tuple(data["ignored"]),
        error=data["error"],
        databases=tuple(data["databases"]),
        folder=folder,
    )


def read(journal: Path) -> Run | None:
    """The run of a journal file; None where it cannot be read or is none."""
    try:
        return from_json(json.loads(journal.read_bytes()), journal.parent)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def history() -> list[Run]:
    """Every run of this user, the newest first."""
    try:
        folders = [Path(entry.path) for entry in os.scandir(locations.runs()) if entry.is_dir()]
    except OSError:
        return []
    found = [run for folder in folders if (run := read(folder / JOURNAL)) is not None]
    return sorted(found, key=lambda run: run.started, reverse=True)


def status(run: Run, all_runs: Iterable[Run]) -> str:
    """What became of a run, in a word: applied, rolled back (also in part), restored, cut off."""
    if run.outcome == "started":
        return "cut off"
    if run.outcome == "restored":
        return "failed, restored"
    if run.kind == "rollback":
        return f"undid {run.undoes}" if run.complete else f"undid part of {run.undoes}"
    undoing = [other for other in all_runs if other.undoes == run.run and other.outcome == "committed"]
    if any(other.complete for other in undoing):
        return "rolled back"
    return "rolled back in part" if undoing else "applied"


def open_runs(all_runs: list[Run]) -> list[Run]:
    """The runs that can still be undone, the newest first."""
    return [
        run
        for run in all_runs
        if run.kind == "replay" and status(run, all_runs) in {"applied", "rolled back in part"}
    ]


def prune(keep: int) -> list[Run]:
    """Take the backups of all but the newest runs away; gives those runs.  A cut-off run keeps its own."""
    pruned = [
        run for run in history()[keep:] if run.outcome != "started" and (run.folder / "backups").is_dir()
    ]
    for run in pruned:
        shutil.rmtree(run.folder / "backups")
    return pruned


def last_written(paths: Iterable[Path]) -> dict[Path, tuple[str, State]]:
    """For each of these paths that a run of this user has written: the newest such run, and the state it left."""
    wanted = set(paths)
    found: dict[Path, tuple[str, State]] = {}
    for run in history():
        if run.outcome == "committed":
            for entry in run.entries:
                if entry.path in wanted:
                    found.setdefault(entry.path, (run.run, entry.after))
    return found


# --- the marker in the home -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marker:
    """What stands in a home while a run works on it: the run, where its journal is, and whose it is."""

    run: str
    journal: Path
    owner: str
    host: str
    started: str


def marker_of(home: Path) -> Marker | None:
    """The marker in a home.  One that cannot be understood is somebody's too: it gives a marker without a journal."""
    try:
        data = json.loads((home / MARKER).read_bytes())
        return Marker(
            str(data["run"]),
            Path(data["journal"]),
            str(data["owner"]),
            str(data["host"]),
            str(data["started"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        try:
            owner = (home / MARKER).owner()
        except (OSError, KeyError):
            owner = "somebody"
        return Marker("unknown", Path("/nonexistent"), owner, "", "")


def unfinished_in(home: Path) -> Marker | None:
    """The marker of a run that was cut off in this home; None also where it only had not been tidied up."""
    marker = marker_of(home)
    if marker is None:
        return None
    run = read(marker.journal)
    return marker if run is None or run.outcome == "started" else None


def set_marker(run: Run, home: Path) -> None:
    data = {
        "run": run.run,
        "journal": str(run.journal),
        "owner": run.owner,
        "host": run.host,
        "started": run.started,
    }
    write_durably(
        home / MARKER, json.dumps(data).encode(), mode=0o644, temporary=home / f"{MARKER}.{run.run}.tmp"
    )


def clear_marker(run: Run, home: Path) -> None:
    """Take the run's own marker away; another's stays."""
    marker = marker_of(home)
    if marker is not None and marker.run == run.run:
        os.unlink(home / MARKER)
        fsync_folder(home)


def stray_markers(home: Path) -> Iterator[Path]:
    """Temporary markers that a crash left behind."""
    yield from home.glob(f"{MARKER}.*.tmp")


def hostname() -> str:
    return socket.gethostname()


# --- finding a run ----------------------------------------------------------------------------------


def find(argument: str | None) -> Run:
    """The run that `rollback` means: a run's name, the newest of a profile, or of the only profile that has runs.

    Raises:
        UsageError: there is no such run, or several profiles have runs.
    """
    all_runs = history()
    if argument is not None:
        for run in all_runs:
            if run.run == argument:
                return run
        return _newest_of(argument, all_runs)
    still_open = open_runs(all_runs)
    profiles = sorted({run.profile for run in still_open})
    if len(profiles) > 1:
        raise UsageError(
            f"several profiles have runs: {', '.join(profiles)}", fix=f"apimha-wizard rollback {profiles[0]}"
        )
    if not still_open:
        raise UsageError("there is no run to undo", fix="apimha-wizard history")
    return still_open[0]


def of_profile(argument: str, all_runs: list[Run]) -> list[Run]:
    """The runs of a profile, by its name or its file."""
    path = os.path.realpath(argument) if os.sep in argument or argument.endswith(".toml") else None
    return [
        run
        for run in all_runs
        if (run.profile_path == path if path else argument in {run.profile, run.profile_path})
    ]


def _newest_of(argument: str, all_runs: list[Run]) -> Run:
    own = of_profile(argument, all_runs)
    if not own:
        raise UsageError(f"{argument} is no run, and no profile that has runs", fix="apimha-wizard history")
    still_open = [run for run in open_runs(all_runs) if run in own]
    return still_open[0] if still_open else own[0]


def room_needed(plan: Plan) -> dict[Path, int]:
    """Folder → bytes that a run needs on its file system: the new files, and backups and journal in the state folder."""
    needed: dict[int, tuple[Path, int]] = {}

    def add(place: Path, count: int) -> None:
        while not place.exists():
            place = place.parent
        device = os.stat(place).st_dev
        needed[device] = (needed.get(device, (place, 0))[0], needed.get(device, (place, 0))[1] + count)

    for change in plan.pending:
        for move in change.moves:
            size = len(move.content) if move.content is not None else 0
            if move.source is not None:
                size = os.stat(move.source).st_size
            add(move.path.parent, _blocks(size))
            if move.before.kind == "file":
                add(locations.runs(), _blocks(os.stat(move.path).st_size))
    if plan.pending:
        add(locations.runs(), 64 * 1024)
    return dict(needed.values())


def _blocks(size: int) -> int:
    return (size // 4096 + 1) * 4096


def locked_by(marker: Marker, home: Path) -> Locked:
    """The error for a cut-off run whose journal cannot be read."""
    where = f" on {marker.host}" if marker.host else ""
    return Locked(
        f"the run {marker.run} of {marker.owner}{where} was cut off here, and its journal cannot be read",
        place=str(home),
        fix=f"let {marker.owner} run: apimha-wizard rollback {marker.run}",
    )
