"""The record of each run: its journal and its backups; and the history of all runs.

A run's folder in the state folder holds `journal.json` and `backups/`.  The journal holds the state of every path
before the run and after it, so that any state that a crash can leave can be undone.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pwd
import shutil
import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from wizard.profile.files import is_path
from wizard.system import bounded, locations
from wizard.system.bounded import is_anything, is_file, is_folder
from wizard.system.durable import fsync_folder, make_folder, write_durably, write_new
from wizard.system.errors import Locked, UsageError
from wizard.transaction import index, marker
from wizard.transaction.index import Listed, Row
from wizard.transaction.marker import Marker, folder_lock, held
from wizard.transaction.move import Meta, PathState, state_of

JOURNAL = "journal.json"
BACKUPS = "backups"
FORMAT = 1

Kind = Literal["replay", "rollback"]
RunStatus = Literal[
    "running", "cut off", "failed", "applied", "rolled back in part", "rolled back", "undid", "undid in part"
]

INTERRUPTED: RunStatus = "cut off"
"""The status of an interrupted run as JSON calls it."""

OPEN: frozenset[RunStatus] = frozenset({"applied", "rolled back in part"})
"""The statuses of runs that can still be undone."""


class JournalEntry(NamedTuple):
    """One path of a run: its states before and after, and the name of the backup in the run's folder."""

    node: str
    name: str
    """The path in the plan: relative to the home, absolute for a link."""
    path: Path
    before: PathState
    after: PathState
    meta: Meta | None = None
    backup: str | None = None


class Run(NamedTuple):
    """A run as in its journal.

    `files` are the entries of the JSON's `files`; `undoes` is the run that a rollback undid, `complete` whether it
    undid all of it; `stages` are the nodes of a rolling run in the order in which they are changed, else empty.
    """

    run: str
    kind: Kind
    profile: str
    profile_path: str
    owner: str
    host: str
    started: str
    homes: dict[str, str]
    entries: tuple[JournalEntry, ...]
    files: tuple[dict[str, Any], ...] = ()
    outcome: Literal["started", "committed", "restored"] = "started"
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
        """The folder of the files before the run (0700, its files 0600)."""
        return self.folder / BACKUPS

    def backup(self, entry: JournalEntry) -> Path:
        """The backup of the file at the entry's path."""
        return self.backups / (entry.backup or "")

    @property
    def has_backups(self) -> bool:
        """Whether it can still be undone (`history --prune` removes the backups)."""
        return all(is_file(self.backup(entry)) for entry in self.entries if entry.backup)

    def temporary(self, path: Path) -> Path:
        """The temporary name of a file of this run."""
        name = os.fsencode(path.name)
        if len(name) > 180:  # a name has 255 bytes at most
            return path.parent / f".{os.fsdecode(name[:100])}-{index.digest(name, 16)}.{self.run}.tmp"
        return path.parent / f".{path.name}.{self.run}.tmp"

    def save(self) -> None:
        """Write the journal, on disk when this returns."""
        write_durably(self.journal, self._text(), mode=0o600, temporary=self._staged)

    def stage(self) -> None:
        """Write the journal beside the current one, on disk when this returns, so that `commit` needs no room."""
        write_new(self._staged, self._text(), mode=0o600)

    def commit(self) -> None:
        """Replace the journal by the staged one, on disk when this returns."""
        os.rename(self._staged, self.journal)
        fsync_folder(self.folder)

    def forget(self) -> None:
        """Remove the run's folder, as if it had never begun."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def drop_backups(self) -> None:
        """Remove the backups, as far as that is possible: the run is undone."""
        shutil.rmtree(self.backups, ignore_errors=True)

    @property
    def _staged(self) -> Path:
        return self.folder / f".{JOURNAL}.next"

    def _text(self) -> bytes:
        entries = [entry._asdict() for entry in self.entries]
        data = {"format": FORMAT, **{name: getattr(self, name) for name in PLAIN}, "entries": entries}
        plain = json.dumps(data, default=lambda one: one.hex() if isinstance(one, bytes) else str(one))
        text = plain.encode() + b"\n"
        if len(text) > bounded.LARGEST:  # no command could read it: attributes of files can have any size
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(self.journal))
        return text


def new(kind: Kind, profile: str, path: str, homes: dict[str, str], **more: Any) -> Run:
    """A run of this user; `begin` names and records it."""
    return Run("", kind, profile, path, user(), os.uname().nodename, "", homes, (), **more)


def _new_id() -> str:
    """A run's name: the time in UTC and four hexadecimal digits."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + os.urandom(2).hex()


def user() -> str:
    """The name of the current user, for the marker and the history."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _started(newest: str) -> str:
    """The time in UTC, by which runs are ordered; the microsecond after the newest run where the clock was set back."""
    moment = datetime.fromtimestamp(time.time(), UTC)
    with contextlib.suppress(ValueError, OverflowError, TypeError):
        moment = max(moment, datetime.fromisoformat(newest) + timedelta(microseconds=1))
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def begin(run: Run) -> Run:
    """Create the run's folder (0700) with its journal, on disk when this returns; return the run with its folder."""
    parent = locations.runs()
    make_folder(parent, mode=0o700)
    # `sweep` removes folders without a journal, as those of interrupted runs: it waits for this lock.
    with folder_lock(parent, wait=True):
        newest = found[0].started.decode() if (found := rows()) else ""
        while is_anything(parent / (name := _new_id())):  # two runs of one second may get the same name
            pass
        run = run._replace(run=name, folder=parent / name, started=_started(newest))
        os.mkdir(run.folder, 0o700)
        try:
            os.mkdir(run.backups, 0o700)
            run.save()
            fsync_folder(parent)
        except OSError:
            run.forget()
            raise
    return run


PLAIN = tuple(name for name in Run._fields if name not in ("entries", "folder"))
"""The fields of a run that JSON can hold unchanged."""


def from_json(data: Any, folder: Path) -> Run:
    """Parse a journal; `ValueError`, `KeyError`, `TypeError` or `AttributeError` where it is not one."""
    if data["format"] != FORMAT:
        raise ValueError("another format")
    entries = tuple(map(_entry, data["entries"]))
    data = {"stages": (), **data}  # earlier editions wrote none
    plain = {name: data[name] for name in PLAIN}
    for name in ("files", "ignored", "databases", "stages"):
        plain[name] = tuple(plain[name])
    homes = dict(plain["homes"])
    texts = [plain[name] for name in ("run", "profile", "profile_path", "owner", "started")]
    if not all(isinstance(text, str) for text in (*texts, *homes, *homes.values())):
        raise ValueError("not a text")
    return Run(**{**plain, "homes": homes, "entries": entries, "folder": folder})


def _entry(data: Any) -> JournalEntry:
    before, after = (PathState.from_json(data[key]) for key in ("before", "after"))
    meta = None
    if data["meta"]:
        mode, uid, gid, mtime_ns, attributes = data["meta"]
        attributes = {name: bytes.fromhex(text) for name, text in attributes.items()}
        meta = Meta(mode, uid, gid, mtime_ns, attributes)
    return JournalEntry(data["node"], data["name"], Path(data["path"]), before, after, meta, data["backup"])


def read(journal: Path) -> Run | None:
    """Read a journal file; None where there is none, or it is not a journal.  `OSError` where it cannot be read."""
    try:
        return from_json(bounded.read_json(journal), journal.parent)
    except (FileNotFoundError, NotADirectoryError, bounded.NotAFile):
        return None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def unfinished_in(home: Path) -> Marker | None:
    """The marker of a run that is going on or was interrupted in this home; None also for a run that has ended."""
    found = marker.of(home)
    if found is None:
        return None
    run = whole(found.run)
    return found if run is None or run.outcome == "started" else None


def history() -> list[Listed]:
    """List every run of this user, the newest first.  `OSError` where a journal cannot be read."""
    return [row.listed for row in rows()]


def rows() -> list[Row]:
    """List the same as rows of the index, for callers that parse few of them."""
    known = index.read()
    names = _names()
    unlisted = filter(None, map(whole, names - known.keys()))
    found = [row for name, row in known.items() if name in names]
    return sorted(found + [_row(run, run.has_backups) for run in unlisted], reverse=True)


def whole(name: str) -> Run | None:
    """The run of that name with its entries; None where its folder in this user's state folder has no journal of it.

    A journal says what is written where: one in another place can be anybody's, and is not used.
    """
    run = read(locations.runs() / name / JOURNAL)
    return run if run is not None and run.run == name else None


def _names() -> set[str]:
    try:
        with os.scandir(locations.runs()) as entries:
            return {entry.name for entry in entries}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def _row(run: Run, has_backups: bool) -> Row:
    texts = ((str(entry.path), " ".join(entry.after)) for entry in run.entries)
    digests = "".join(index.digest(os.fsencode(text)) for pair in texts for text in pair)
    plain = {name: getattr(run, name) for name in Listed._fields if name in PLAIN} | {"files": len(run.files)}
    return Row.of(Listed(**plain, has_backups=has_backups, digests=digests))


def enlist(run: Run) -> None:
    """Add a committed run to the index, unless the index is locked or the disk is full."""
    with contextlib.suppress(OSError, Locked), folder_lock(run.folder.parent, wait=False):
        index.append([_row(run, is_folder(run.backups))])


def statuses(all_runs: Collection[Listed]) -> dict[str, RunStatus]:
    """The status of each run, by its name."""
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
        return "running" if any(held(home) for home in marked) else INTERRUPTED
    if run.kind == "rollback":
        return "undid" if run.complete else "undid in part"
    if undone is None:
        return "applied"
    return "rolled back" if undone else "rolled back in part"


def prune(keep: int) -> int:
    """Remove the backups of all but the newest runs; return of how many.  Interrupted runs keep theirs."""
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
            index.remove()
            for run in pruned:
                shutil.rmtree(run.folder / BACKUPS)
                known[run.run] = Row.of(run._replace(has_backups=False))
            index.append(known.values())
    return len(pruned)


def tidy(homes: Iterable[Path]) -> None:
    """Remove runs that never began to write, and backups of those that were restored.

    The caller holds the homes and has recovered what their markers name: a run on only these homes that is still
    open never began to write.  Or it wrote into homes that were moved, and other homes are in their place.
    """
    real = {os.path.realpath(home) for home in homes}
    ended = []
    for run in filter(None, map(whole, _names() - index.read().keys())):
        if run.outcome == "restored":
            run.drop_backups()
        if run.outcome == "started":
            is_here = real.issuperset(map(os.path.realpath, run.homes.values()))
            with contextlib.suppress(OSError):
                if is_here and all(state_of(entry.path) == entry.before for entry in run.entries):
                    run.forget()
        elif run.outcome == "committed" or not is_folder(run.backups):
            ended.append(run)
    if len(ended) > 16:  # a few cost less to read than to add
        with contextlib.suppress(OSError, Locked), folder_lock(locations.runs(), wait=False):
            index.append([_row(run, run.has_backups) for run in ended])
    sweep()


def sweep() -> None:
    """Remove the folders of runs that were interrupted before they had a journal; not while another run begins."""
    with contextlib.suppress(OSError, Locked), folder_lock(locations.runs(), wait=False):
        for folder in (locations.runs() / name for name in _names() - index.read().keys()):
            if is_folder(folder) and not is_anything(folder / JOURNAL):
                shutil.rmtree(folder, ignore_errors=True)


def find(argument: str | None) -> Run:
    """Find the run to undo: the one of that name, the newest of that profile, or of the only profile.

    An interrupted run comes before all that ended: until it is restored, nothing older is undone.  One that never
    began to write comes last: it leaves nothing to undo, only files to remove.

    Raises:
        UsageError: there is no such run, or several profiles have runs.
    """
    all_runs = history()
    named = [run for run in all_runs if run.run == argument]
    own = all_runs if argument is None else named or of_profile(argument, all_runs)
    status = statuses(all_runs)
    chosen = [run for run in own if status[run.run] in {INTERRUPTED, "running"}]
    chosen += [run for run in own if status[run.run] in OPEN]
    chosen = chosen or [run for run in own if run.outcome == "started"] or (own if argument else [])
    if not chosen:
        what = f"{argument} is neither a run nor a profile with runs" if argument else "no run to undo"
        raise UsageError(what, fix="apimha-wizard history")
    by_file = {run.profile_path: run.profile for run in (chosen if argument is None else own)}
    if len(by_file) > 1:
        same_names = len(set(by_file.values())) < len(by_file)
        several = sorted(by_file if same_names else by_file.values())
        fix = f"apimha-wizard rollback {several[0]}"
        raise UsageError(f"several profiles have runs: {', '.join(several)}", fix=fix)
    run = whole(chosen[0].run)
    if run is None:
        raise UsageError("the run was removed just now", fix="apimha-wizard history")
    return run


def of_profile(argument: str, all_runs: Collection[Listed]) -> list[Listed]:
    """The runs of a profile, by its name or its file.

    A name means one of the user's own profiles; only where that has no runs and does not exist, a file elsewhere.
    """
    path = os.path.realpath(argument if is_path(argument) else locations.profile(argument))
    own = [run for run in all_runs if run.profile_path == path]
    if own or is_path(argument) or os.path.exists(path):
        return own
    return [run for run in all_runs if run.profile == argument]
