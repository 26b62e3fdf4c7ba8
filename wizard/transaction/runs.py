"""The record of each run: its journal and its backups, and the history that they make.

A run's folder in the state folder holds `journal.json` and `backups/`.  The journal says what stood at every path
before and what the run puts there; with it, any state that a crash can leave is one that can be undone.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pwd
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from wizard.system import bounded, locations
from wizard.system.durable import fsync_folder, make_folder, write_durably, write_new
from wizard.system.errors import Locked, UsageError
from wizard.system.presence import is_anything, is_file, is_folder
from wizard.transaction import index, marker
from wizard.transaction.home_lock import folder_lock
from wizard.transaction.index import Listed
from wizard.transaction.marker import Marker
from wizard.transaction.move import Meta, PathState, state_of

JOURNAL = "journal.json"
BACKUPS = "backups"
FORMAT = 1

JournalState = Literal["started", "committed", "restored"]
RunStatus = Literal[
    "running", "cut off", "failed", "applied", "rolled back in part", "rolled back", "undid", "undid in part"
]

OPEN: frozenset[RunStatus] = frozenset({"applied", "rolled back in part"})
"""What can still be undone."""


class JournalEntry(NamedTuple):
    """One path of a run: what stood there, what the run puts there, and the backup's name in the run's folder."""

    node: str
    name: str
    """What the plan calls it: relative to the home, absolute for a link."""
    path: Path
    before: PathState
    after: PathState
    meta: Meta | None = None
    backup: str | None = None


class Run(NamedTuple):
    """A run as its journal tells it.

    `files` are the entries of the JSON's `files`; `undoes` is the run that a rollback undid, `complete` whether it
    undid all of it; `stages` are the nodes in the order in which they are changed while the pair runs, else empty.
    """

    run: str
    kind: Literal["replay", "rollback"]
    profile: str
    profile_path: str
    owner: str
    host: str
    started: str
    homes: dict[str, str]
    entries: tuple[JournalEntry, ...]
    files: tuple[dict[str, Any], ...] = ()
    outcome: JournalState = "started"
    undoes: str | None = None
    complete: bool = True
    ignored: tuple[str, ...] = ()
    error: str | None = None
    databases: tuple[dict[str, Any], ...] = ()
    stages: tuple[str, ...] = ()
    folder: Path = Path()

    @property
    def journal(self) -> Path:
        return self.folder / JOURNAL

    @property
    def backups(self) -> Path:
        """The folder of the bytes that stood where the run wrote (0700, its files 0600)."""
        return self.folder / BACKUPS

    def backup(self, entry: JournalEntry) -> Path:
        """Where the bytes that stood at the entry's path are kept."""
        return self.backups / (entry.backup or "")

    @property
    def has_backups(self) -> bool:
        """Whether it can still be undone (`history --prune` takes the backups away)."""
        return all(is_file(self.backup(entry)) for entry in self.entries if entry.backup)

    def temporary(self, path: Path) -> Path:
        """The name that a file of this run has until it takes its place."""
        name = os.fsencode(path.name)
        if len(name) > 180:  # a name has 255 bytes at most
            return path.parent / f".{os.fsdecode(name[:100])}-{index.digest(name, 16)}.{self.run}.tmp"
        return path.parent / f".{path.name}.{self.run}.tmp"

    def save(self) -> None:
        """Write the journal, on disk when this returns."""
        write_durably(self.journal, self._text(), mode=0o600, temporary=self._staged)

    def stage(self) -> None:
        """Write the journal beside the one that counts, on disk when this returns: making it count needs no room."""
        write_new(self._staged, self._text(), mode=0o600)

    def commit(self) -> None:
        """Make the staged journal the one that counts, on disk when this returns."""
        os.rename(self._staged, self.journal)
        fsync_folder(self.folder)

    def forget(self) -> None:
        """Remove the run's folder: it is as if it had never begun."""
        _remove(self.folder)

    @property
    def _staged(self) -> Path:
        return self.folder / f".{JOURNAL}.next"

    def _text(self) -> bytes:
        text = json.dumps(to_json(self)).encode() + b"\n"
        if len(text) > bounded.LARGEST:  # no command would read it: attributes of files can have any size
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(self.journal))
        return text


def state_digest(state: PathState) -> str:
    return index.digest(os.fsencode(f"{state.kind} {state.value}"))


# --- a new run --------------------------------------------------------------------------------------


def new_id(now: float | None = None) -> str:
    """A run's name: the time in UTC and four hexadecimal digits."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)) + "-" + os.urandom(2).hex()


def user() -> str:
    """Who runs this, for the marker and the history."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def hostname() -> str:
    return os.uname().nodename


def now() -> str:
    """The time in UTC, to the microsecond: runs are ordered by it."""
    seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{microseconds:06}Z"


def _later(newest: str, started: str) -> str:
    """When a run began, or the moment after the newest one where the clock was set back."""
    if started > newest:
        return started
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(newest) + timedelta(microseconds=1)
        return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
    return started


def begin(run: Run) -> Run:
    """Make the run's folder (0700) with its journal, on disk when this returns; gives the run that lives there."""
    parent = locations.runs()
    make_folder(parent, mode=0o700)
    # Whoever tidies up takes a folder without a journal for one that was cut off: it waits for this lock.
    with folder_lock(parent, wait=True):
        newest = index.row(found[0]).started.decode() if (found := lines()) else ""
        run = run._replace(folder=parent / run.run, started=_later(newest, run.started))
        while True:
            try:
                os.mkdir(run.folder, 0o700)
                break
            except FileExistsError:  # two runs of one second may get the same name
                name = new_id()
                run = run._replace(run=name, folder=parent / name)
        try:
            os.mkdir(run.backups, 0o700)
            run.save()
            fsync_folder(parent)
        except OSError:
            run.forget()
            raise
    return run


# --- the journal as JSON ----------------------------------------------------------------------------

PLAIN = (
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
    "stages",
)
"""The fields of a run that JSON can hold as they are."""


def to_json(run: Run) -> dict[str, Any]:
    """The journal's object."""
    entries = [
        {
            "node": entry.node,
            "name": entry.name,
            "path": str(entry.path),
            "before": entry.before.to_json(),
            "after": entry.after.to_json(),
            "meta": _meta_to_json(entry.meta) if entry.meta else None,
            "backup": entry.backup,
        }
        for entry in run.entries
    ]
    return {"format": FORMAT, **{name: getattr(run, name) for name in PLAIN}, "entries": entries}


def _meta_to_json(meta: Meta) -> list[Any]:
    attributes = {name: value.hex() for name, value in meta.attributes}
    return [meta.mode, meta.uid, meta.gid, meta.mtime_ns, attributes]


def _meta_from_json(data: Any) -> Meta:
    mode, uid, gid, mtime_ns, attributes = data
    return Meta(
        mode, uid, gid, mtime_ns, tuple((name, bytes.fromhex(text)) for name, text in attributes.items())
    )


def from_json(data: Any, folder: Path) -> Run:
    """The run of a journal; `ValueError`, `KeyError`, `TypeError` or `AttributeError` where it is none."""
    if data["format"] != FORMAT:
        raise ValueError("another format")
    entries = tuple(
        JournalEntry(
            entry["node"],
            entry["name"],
            Path(entry["path"]),
            PathState.from_json(entry["before"]),
            PathState.from_json(entry["after"]),
            _meta_from_json(entry["meta"]) if entry["meta"] else None,
            entry["backup"],
        )
        for entry in data["entries"]
    )
    data = {"stages": (), **data}  # an earlier edition wrote none
    plain = {name: data[name] for name in PLAIN}
    for name in ("files", "ignored", "databases", "stages"):
        plain[name] = tuple(plain[name])
    homes = dict(plain["homes"])
    texts = [plain[name] for name in ("run", "profile", "profile_path", "owner", "started")]
    if not all(isinstance(text, str) for text in (*texts, *homes, *homes.values())):
        raise ValueError("not a text")
    return Run(**{**plain, "homes": homes, "entries": entries, "folder": folder})


def read(journal: Path) -> Run | None:
    """The run of a journal file; None where there is none, or it is none.  `OSError` where that cannot be told."""
    try:
        return from_json(bounded.read_json(journal), journal.parent)
    except (FileNotFoundError, NotADirectoryError, bounded.NotAFile):
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def of_marker(found: Marker) -> Run | None:
    """The run that a marker names, if it is in this user's own state folder.

    A journal says what is written where: one that lies elsewhere may be anybody's, and is not obeyed.
    """
    return whole(found.run)


def unfinished_in(home: Path) -> Marker | None:
    """The marker of a run that is going on or was cut off in this home; None also where it only was not tidied up."""
    found = marker.of(home)
    if found is None:
        return None
    run = of_marker(found)
    return found if run is None or run.outcome == "started" else None


# --- the history ------------------------------------------------------------------------------------


def history() -> list[Listed]:
    """Every run of this user, the newest first.  `OSError` where a journal cannot be read."""
    return [index.row(line).listed for line in lines()]


def lines() -> list[bytes]:
    """The same as lines of the index, for who has to parse few of them."""
    known = index.read()
    names = _names()
    found = [line for name, line in known.items() if name in names]
    found += [_line(run, run.has_backups) for run in map(whole, names - known.keys()) if run is not None]
    return sorted(found, reverse=True)


def whole(name: str) -> Run | None:
    """The run of that name with its entries; None where its folder holds no journal, or that of another run."""
    run = read(locations.runs() / name / JOURNAL)
    return run if run is not None and run.run == name else None


def _names() -> set[str]:
    try:
        with os.scandir(locations.runs()) as entries:
            return {entry.name for entry in entries}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def _line(run: Run, has_backups: bool) -> bytes:
    digests = "".join(
        index.digest(os.fsencode(entry.path)) + state_digest(entry.after) for entry in run.entries
    )
    plain = {name: getattr(run, name) for name in Listed._fields if name in PLAIN}
    plain["files"] = len(run.files)
    return index.line_of(Listed(**plain, has_backups=has_backups, digests=digests))


def enlist(run: Run) -> None:
    """Add a run that was committed to the index; a busy or full disk leaves it out."""
    with contextlib.suppress(OSError, Locked), folder_lock(run.folder.parent, wait=False):
        index.append([_line(run, is_folder(run.backups))])


def statuses(all_runs: Iterable[Listed]) -> dict[str, RunStatus]:
    """What became of each run, by its name."""
    all_runs = list(all_runs)
    undone: dict[str | None, bool] = {}
    for run in all_runs:
        if run.outcome == "committed" and run.undoes is not None:
            undone[run.undoes] = undone.get(run.undoes, False) or run.complete
    return {run.run: _status(run, undone.get(run.run)) for run in all_runs}


def _status(run: Listed, undone: bool | None) -> RunStatus:
    """`undone`: whether all of it was, None where nothing was."""
    if run.outcome == "restored":
        return "failed"
    if run.outcome == "started":
        # Without a marker it had not begun to write, or everything was restored.
        marked = [home for home in map(Path, run.homes.values()) if marker.names(run.run, home)]
        if not marked:
            return "failed"
        return "running" if any(marker.is_at_work(home) for home in marked) else "cut off"
    if run.kind == "rollback":
        return "undid" if run.complete else "undid in part"
    if undone is None:
        return "applied"
    return "rolled back" if undone else "rolled back in part"


def prune(keep: int) -> int:
    """Remove the backups of all but the newest runs; return of how many.  An interrupted run keeps its own."""
    if not is_folder(locations.runs()):
        return 0
    with folder_lock(locations.runs(), wait=True):
        known = dict(index.read())
        pruned = [
            run
            for run in history()[keep:]
            if run.outcome != "started"
            and (run.has_backups or run.run not in known)
            and is_folder(run.folder / BACKUPS)
        ]
        if pruned:
            import shutil

            index.remove()
            for run in pruned:
                shutil.rmtree(run.folder / BACKUPS)
                known[run.run] = index.line_of(run._replace(has_backups=False))
            index.append(known.values())
    return len(pruned)


def _is_as_before(run: Run) -> bool:
    try:
        return all(state_of(entry.path) == entry.before for entry in run.entries)
    except OSError:
        return False


MANY = 16
"""Runs that have ended and are not in the index: if there are more, they are added."""


def tidy(homes: Iterable[Path]) -> None:
    """Remove what nobody needs: runs that never began to write, and backups of those that were taken back.

    The caller holds the homes and has recovered what their markers name: a run on these homes alone that is still
    open never began to write.  Or it wrote into homes that are elsewhere now, and others stand in their place.
    """
    real = {os.path.realpath(home) for home in homes}
    ended = []
    unlisted = _names() - index.read().keys()
    for run in map(whole, unlisted):
        if run is None:
            continue
        if run.outcome == "restored":
            drop_backups(run)
        if run.outcome == "started":
            if real.issuperset(map(os.path.realpath, run.homes.values())) and _is_as_before(run):
                run.forget()
        elif run.outcome == "committed" or not is_folder(run.backups):
            ended.append(run)
    if len(ended) > MANY:
        with contextlib.suppress(OSError, Locked), folder_lock(locations.runs(), wait=False):
            index.append([_line(run, run.has_backups) for run in ended])
    sweep(unlisted)


def sweep(unlisted: Iterable[str] | None = None) -> None:
    """Remove the folders of runs that were interrupted before they had a journal."""
    unlisted = _names() - index.read().keys() if unlisted is None else unlisted
    folders = [locations.runs() / name for name in unlisted]
    strays = [folder for folder in folders if is_folder(folder) and not is_anything(folder / JOURNAL)]
    if strays:
        # Another run may just be beginning: then the next one tidies up.
        with contextlib.suppress(OSError, Locked), folder_lock(locations.runs(), wait=False):
            for folder in strays:
                if not is_anything(folder / JOURNAL):
                    _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as that can be done."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def drop_backups(run: Run) -> None:
    """Remove the backups of a run that nobody will undo."""
    if is_folder(run.backups):
        _remove(run.backups)


# --- finding a run ----------------------------------------------------------------------------------


def find(argument: str | None) -> Run:
    """The run that `rollback` means: the one of that name, the newest of that profile, or of the only profile.

    A run that was cut off comes before all that were finished: until it is taken back, nothing older is undone.
    One that never began to write comes last: there is nothing to undo, but to tidy up.

    Raises:
        UsageError: there is no such run, or several profiles have runs.
    """
    run = whole(_found(argument, history()).run)
    if run is None:
        raise UsageError("the run was removed just now", fix="apimha-wizard history")
    return run


def _found(argument: str | None, all_runs: list[Listed]) -> Listed:
    if argument is not None:
        named = next((run for run in all_runs if run.run == argument), None)
        return named or _newest_of(argument, all_runs)
    chosen = _to_undo(all_runs, all_runs) or _unbegun(all_runs)
    by_file = {run.profile_path: run.profile for run in chosen}
    same_names = len(set(by_file.values())) < len(by_file)
    profiles = sorted(by_file if same_names else by_file.values())
    if not chosen:
        raise UsageError("there is no run to undo", fix="apimha-wizard history")
    if len(profiles) > 1:
        raise UsageError(
            f"several profiles have runs: {', '.join(profiles)}", fix=f"apimha-wizard rollback {profiles[0]}"
        )
    return chosen[0]


def of_profile(argument: str, all_runs: Iterable[Listed]) -> list[Listed]:
    """The runs of a profile, by its name or its file.

    A name is that of one of the user's own profiles; only where no such one has runs or is there, it is that of a
    file elsewhere.
    """
    all_runs = list(all_runs)
    is_path = os.sep in argument or argument.endswith(".toml")
    path = os.path.realpath(argument if is_path else locations.profile(argument))
    own = [run for run in all_runs if run.profile_path == path]
    if own or is_path or os.path.exists(path):
        return own
    return [run for run in all_runs if run.profile == argument]


def _newest_of(argument: str, all_runs: list[Listed]) -> Listed:
    own = of_profile(argument, all_runs)
    if not own:
        raise UsageError(f"{argument} is no run, and no profile that has runs", fix="apimha-wizard history")
    files = sorted({run.profile_path for run in own})
    if len(files) > 1:
        raise UsageError(
            f"several files called {argument} have runs: {', '.join(files)}",
            fix=f"apimha-wizard rollback {files[0]}",
        )
    return (_to_undo(own, all_runs) or _unbegun(own) or own)[0]


def _to_undo(chosen: list[Listed], all_runs: list[Listed]) -> list[Listed]:
    """The cut-off runs of these, then those that can be undone; each the newest first."""
    status = statuses(all_runs)
    cut_off = [run for run in chosen if status[run.run] in {"cut off", "running"}]
    return cut_off + [run for run in chosen if status[run.run] in OPEN]


def _unbegun(chosen: list[Listed]) -> list[Listed]:
    """Those of a list without cut-off ones that are open all the same: they never began to write."""
    return [run for run in chosen if run.outcome == "started"]
