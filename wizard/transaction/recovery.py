"""Going back: what a run has written gets the state before, after a failure and after a crash alike."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wizard.system.durable import fsync_folder
from wizard.system.errors import Locked, StoppedError, describe_error
from wizard.system.presence import is_folder
from wizard.transaction import marker, runs
from wizard.transaction.home_lock import locked
from wizard.transaction.move import ABSENT, Move, PathState, state_of
from wizard.transaction.runs import JournalEntry, Run
from wizard.transaction.staging import put, refuse_drift, stage

if TYPE_CHECKING:
    from wizard.system.cancel import Cancel
    from wizard.transaction.marker import Marker


class Recovered(NamedTuple):
    """A cut-off run that was taken back, and how many paths that took."""

    run: Run
    restored: int

    def line(self) -> str:
        """The same for people."""
        files = "1 file was" if self.restored == 1 else f"{self.restored} files were"
        return f"The run {self.run.run} had been cut off: {files} restored."


def recover(homes: Iterable[Path], cancel: Cancel, *, force: bool = False) -> list[Recovered]:
    """Take back what a crash left in these homes.  The caller holds their locks.

    Raises:
        Locked: a journal is not this user's or cannot be read, a home of the run is not here or busy, or a file is
            neither the old nor the new one (exit 5).
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
        raise _unreadable(found, home)
    missing = [other for other in run.homes.values() if not is_folder(Path(other))]
    if missing or not _among(home, map(Path, run.homes.values())):
        there = " and ".join(run.homes.values())
        raise Locked(
            f"the run {run.run} was cut off in {there}, and that is not what is here now",
            place=str(home),
            fix=f"put the homes back to {there}, then: apimha-wizard rollback {run.run}   (a copy of a home that was "
            f"cut off is between two states: unpack it again)",
        )
    return run


def _unreadable(found: Marker, home: Path) -> Locked:
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
    try:
        if run.outcome != "started":
            _clear_markers(run)
            return None
        changed = sum(state_of(entry.path) == entry.after != entry.before for entry in run.entries)
        foreign = restore(run, run.entries, force=force)
        if not foreign:
            close(run, "cut off")
    except (OSError, StoppedError) as problem:
        raise Locked(
            f"the run {run.run} was cut off, and going back failed: {describe_error(problem)}",
            place=str(run.folder),
            fix=f"mend that, then: apimha-wizard rollback {run.run}   (the backups are in {run.backups})",
        ) from None
    if foreign:
        raise stranded(run, foreign)
    return Recovered(run, changed)


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


def restore(run: Run, reached: Sequence[JournalEntry], *, force: bool = False) -> list[JournalEntry]:
    """Give what the run wrote the state before; gives the paths that somebody edited since, which are left alone.

    `reached` are the entries that it may have written: after a crash, all of them.  `force` restores also what was
    edited.
    """
    _remove_temporaries(run)
    foreign = []
    for entry in reversed(reached):
        now = state_of(entry.path)
        if now == entry.before:
            continue
        if now != entry.after and not (force and now.kind != "other"):
            foreign.append(entry)
            continue
        move = way_back(run, entry, now)
        temporary = run.temporary(entry.path)
        stage(move, temporary)
        refuse_drift(move)
        put(move, temporary)
    return foreign[::-1]


def _remove_temporaries(run: Run) -> None:
    """Before anything is restored, which may need the room."""
    folders = set()
    for entry in run.entries:
        temporary = run.temporary(entry.path)
        # A read-only file system refuses to remove also what is not there.
        if state_of(temporary) != ABSENT:
            os.unlink(temporary)
            folders.add(entry.path.parent)
    for folder in sorted(folders):
        fsync_folder(folder)


def way_back(run: Run, entry: JournalEntry, now: PathState) -> Move:
    """The move that gives an entry's path the state before."""
    source = run.backup(entry) if entry.backup else None
    return Move(entry.path, now, entry.before, source=source, meta=entry.meta)


def close(run: Run, reason: str) -> None:
    """Nothing of the run is left in the homes: take the markers away, then note it, and drop the backups.

    A full disk may keep the note from being written; without marker and note the run counts as never begun.
    """
    _clear_markers(run)
    with contextlib.suppress(OSError):
        run._replace(outcome="restored", error=reason).save()
    runs.drop_backups(run)


def _clear_markers(run: Run) -> None:
    for home in map(Path, run.homes.values()):
        marker.clear(run, home)


def stranded(run: Run, foreign: Sequence[JournalEntry], reason: str | None = None) -> Locked:
    """The error for a run that cannot be taken back whole."""
    names = ", ".join(str(entry.path) for entry in foreign)
    why = reason or f"the run {run.run} was cut off"
    return Locked(
        f"{why}, and these files were edited since the run wrote them, and are left alone: {names}",
        fix=f"keep a copy of those edits, then: apimha-wizard rollback {run.run} --force   "
        f"(what stood there before the run is in {run.backups})",
    )
