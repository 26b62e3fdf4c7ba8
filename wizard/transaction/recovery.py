"""Going back: what a run has written gets the state before, after a failure and after a crash alike."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wizard.profile.names import called
from wizard.server.process import server_of
from wizard.system.errors import Locked, NotRestored, StoppedError, describe_error
from wizard.system.presence import is_empty
from wizard.transaction import marker, runs
from wizard.transaction.folders import Folders
from wizard.transaction.home_lock import locked
from wizard.transaction.move import ABSENT, Move, PathState
from wizard.transaction.runs import JournalEntry, Run
from wizard.transaction.staging import put, refuse_drift, remove, stage

if TYPE_CHECKING:
    from wizard.system.cancel import Cancel
    from wizard.transaction.marker import Marker


class Recovered(NamedTuple):
    """A cut-off run that was taken back, and the entries for which something had to be done."""

    run: Run
    restored: tuple[JournalEntry, ...]

    def lines(self) -> Iterator[str]:
        """The same for people; after a run node by node also how the servers are, and what to do."""
        count = len(self.restored)
        files = "1 file was" if count == 1 else f"{count} files were"
        yield f"The run {self.run.run} had been cut off: {files} restored."
        name = called(self.run.profile, Path(self.run.profile_path))
        changed = {entry.node for entry in self.restored}
        for node in self.run.stages:
            pid = server_of(Path(self.run.homes[node]))
            if pid is None:
                yield f"{node} is stopped: apimha-wizard start {name}"
            elif node in changed:
                again = f"apimha-wizard restart {name} --node {node}"
                yield f"{node} runs with the files of that run (process {pid}): {again}"
            else:
                yield f"{node} runs with its files as they are (process {pid})."


class Unrestored(NamedTuple):
    """A path that could not be restored and why; `edited`: somebody changed it since the run."""

    path: Path
    reason: str
    edited: bool = False


def recover(homes: Iterable[Path], cancel: Cancel, *, force: bool = False) -> list[Recovered]:
    """Take back what a crash left in these homes.  The caller holds their locks.

    Raises:
        Locked: a journal is not this user's or cannot be read, or a home of the run is not here or busy.
        NotRestored: a path could not be restored, among them a file that is neither the old nor the new one.
    """
    homes = list(homes)
    done: list[Recovered] = []
    for home in homes:
        found = marker.of(home)
        if found is None:
            continue
        run = _run_of(found, home)
        elsewhere = [other for other in map(Path, run.homes.values()) if not _among(other, homes)]
        with locked(elsewhere), cancel.shield():
            recovered = _recovered(run, force=force)
            marker.sweep(elsewhere)
        if recovered is not None:
            done.append(recovered)
    marker.sweep(homes)
    runs.tidy(homes)
    return done


def _run_of(found: Marker, home: Path) -> Run:
    run = runs.of_marker(found)
    if run is None:
        raise unreadable(found, home)
    homes = [Path(other) for other in run.homes.values()]
    if any(map(is_empty, homes)) or not _among(home, homes):
        raise not_here(run, str(home))
    return run


def not_here(run: Run, place: str | None = None) -> Locked:
    """The error for a run that was cut off in homes of which one is not here now."""
    there = " and ".join(run.homes.values())
    return Locked(
        f"the run {run.run} was cut off in {there}, and that is not what is here now",
        place=place,
        fix=f"put the homes back to {there}, then: apimha-wizard rollback {run.run}   (a copy of a home that was "
        f"cut off is between two states: unpack it again)",
    )


def unreadable(found: Marker, home: Path) -> Locked:
    """The error for a marker whose journal is not this user's, or cannot be read."""
    where = f" on {found.host}" if found.host else ""
    fix = f"let {found.owner} run: apimha-wizard rollback {found.run}"
    if found.run == marker.UNKNOWN:
        fix = f"ask {found.owner} what it is; without it: rm '{home / marker.NAME}'"
    elif found.owner == runs.user():
        fix = (
            f"its journal was {found.journal}: set XDG_STATE_HOME so that it is found again; if it is lost, unpack the "
            f"home again (or restore it from your own backup) and remove {home / marker.NAME}"
        )
    return Locked(
        f"the run {found.run} of {found.owner}{where} was cut off here, and its journal cannot be read",
        place=str(home),
        fix=fix,
    )


def _among(home: Path, homes: Iterable[Path]) -> bool:
    for other in homes:
        with contextlib.suppress(OSError):
            if os.path.samefile(home, other):
                return True
    return False


def _recovered(run: Run, *, force: bool) -> Recovered | None:
    """Take one run back; None where it had ended, and only its markers were left."""
    with Folders(run.homes.values(), moved=True) as folders:
        try:
            if run.outcome != "started":
                _clear_markers(run, folders)
                return None
            changed = tuple(entry for entry in run.entries if is_at(entry, entry.after, folders))
            left = restore(run, run.entries, folders, force=force)
            if not left:
                close(run, "cut off", folders)
        except (OSError, StoppedError) as problem:
            left = [because(run.folder, problem)]
    if left:
        raise stranded(run, left)
    return Recovered(run, changed)


def is_at(entry: JournalEntry, state: PathState, folders: Folders) -> bool:
    """Whether a path is seen to be in this state now."""
    try:
        return folders.state(entry.path) == state
    except (OSError, StoppedError):
        return False


def reopen(run: Run) -> None:
    """Make sure that the journal calls the run unfinished, before the first step back.

    It may call it committed already: the rename was done, and what failed was to bring it to the disk.
    """
    try:
        there = runs.read(run.journal)
    except OSError:
        there = None
    if there is None or there.outcome != "started":
        run.save()


def restore(
    run: Run, reached: Sequence[JournalEntry], folders: Folders, *, force: bool = False
) -> list[Unrestored]:
    """Give what the run wrote the state before; return what could not be restored, which stops nothing else.

    `reached` are the entries that the run may have written: after a crash, all of them.  A file that was edited since
    is left alone; `force` restores it too.
    """
    left = _remove_temporaries(run, folders)
    for entry in reversed(reached):
        try:
            now = folders.state(entry.path)
            if now == entry.before:
                continue
            if now == entry.after or (force and now.kind != "other"):
                move = way_back(run, entry, now)
                temporary = run.temporary(entry.path)
                stage(move, temporary, folders)
                refuse_drift(move, folders)
                put(move, temporary, folders)
            else:
                left.append(edited(entry, now))
        except (OSError, StoppedError) as problem:
            left.append(because(entry.path, problem))
    return left


def edited(entry: JournalEntry, now: PathState) -> Unrestored:
    """A path that is neither as before nor as the run left it."""
    reasons = {"absent": "it is gone", "other": "it is no file any more; move it away"}
    return Unrestored(entry.path, reasons.get(now.kind, "edited since the run wrote it"), edited=True)


def because(path: Path, problem: BaseException) -> Unrestored:
    """A path that could not be restored because of an error."""
    if isinstance(problem, OSError) and problem.strerror and problem.filename in {None, str(path)}:
        return Unrestored(path, problem.strerror)
    return Unrestored(path, describe_error(problem))


def _remove_temporaries(run: Run, folders: Folders) -> list[Unrestored]:
    """Before anything is restored, which may need the room; return those that could not be removed."""
    left, changed = [], set()
    for entry in run.entries:
        temporary = run.temporary(entry.path)
        try:
            # A read-only file system refuses to remove also what is not there.
            if folders.state(temporary) != ABSENT:
                remove(temporary, folders)
                changed.add(temporary.parent)
        except (OSError, StoppedError) as problem:
            left.append(because(temporary, problem))
    for folder in sorted(changed):
        try:
            os.fsync(folders.of(folder))
        except OSError as problem:
            left.append(because(folder, problem))
    return left


def way_back(run: Run, entry: JournalEntry, now: PathState) -> Move:
    """The move that gives an entry's path the state before."""
    source = run.backup(entry) if entry.backup else None
    return Move(entry.path, now, entry.before, source=source, meta=entry.meta)


def close(run: Run, reason: str, folders: Folders) -> None:
    """Nothing of the run is left in the homes: take the markers away, then note it, and drop the backups.

    A full disk may keep the note from being written; without marker and note the run counts as never begun.
    """
    _clear_markers(run, folders)
    with contextlib.suppress(OSError):
        run._replace(outcome="restored", error=reason).save()
    runs.drop_backups(run)


def _clear_markers(run: Run, folders: Folders) -> None:
    for home in map(Path, run.homes.values()):
        marker.clear(run, home, folders.of(home))


def stranded(run: Run, left: Sequence[Unrestored], reason: str | None = None) -> NotRestored:
    """The error for a run that cannot be taken back whole."""
    force = " --force" if any(one.edited for one in left) else ""
    keep = "keep a copy of what was edited" if force else "correct that"
    return NotRestored(
        f"{reason or f'the run {run.run} was cut off'}, and these paths could not be restored and are left alone:"
        f"\n{listed(left)}",
        fix=f"{keep}, then: apimha-wizard rollback {run.run}{force}   "
        f"(what stood there before the run is in {run.backups})",
    )


def listed(left: Iterable[Unrestored]) -> str:
    """Paths that were not restored, one a line with its reason."""
    return "\n".join(f"  {one.path}: {one.reason}" for one in left)
