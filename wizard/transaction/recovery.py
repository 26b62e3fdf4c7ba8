"""Restoring what a run has written, after a failure and after a crash."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wizard.profile.files import called
from wizard.server.process import server_of
from wizard.system.bounded import is_empty
from wizard.system.errors import Locked, NotRestored, StoppedError, describe_error
from wizard.transaction import marker, runs
from wizard.transaction.marker import Marker, locked
from wizard.transaction.move import ABSENT, Folders, Move, PathState, put, refuse_drift, remove, stage
from wizard.transaction.runs import JournalEntry, Run

if TYPE_CHECKING:
    from wizard.system.errors import Cancel


class Recovered(NamedTuple):
    """An interrupted run that was restored, and the entries that had to be restored."""

    run: Run
    restored: tuple[JournalEntry, ...]

    def lines(self) -> Iterator[str]:
        """The same for people; after a rolling run also the state of the servers, and what to do."""
        count = len(self.restored)
        yield f"The run {self.run.run} was interrupted; restored {count} file{'' if count == 1 else 's'}."
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
                yield f"{node} runs with its current files (process {pid})."


class Unrestored(NamedTuple):
    """A path that could not be restored and why; `edited`: it was changed since the run."""

    path: Path
    reason: str
    edited: bool = False


def recover(homes: Sequence[Path], cancel: Cancel, *, force: bool = False) -> list[Recovered]:
    """Restore what a crash left in these homes.  The caller holds their locks.

    Raises:
        Locked: a journal is another user's or cannot be read, or a home of the run is missing or locked.
        NotRestored: a path could not be restored, also because it is neither the old nor the new file.
    """
    done: list[Recovered] = []
    for home in homes:
        found = marker.of(home)
        if found is None:
            continue
        run = runs.whole(found.run)
        if run is None:
            raise unreadable(found, home)
        its_homes = list(map(Path, run.homes.values()))
        if any(map(is_empty, its_homes)) or not _among(home, its_homes):
            raise not_here(run, str(home))
        elsewhere = [other for other in its_homes if not _among(other, homes)]
        with locked(elsewhere), cancel.shield():
            recovered = _recovered(run, force=force)
            marker.sweep(elsewhere)
        if recovered is not None:
            done.append(recovered)
    marker.sweep(homes)
    runs.tidy(homes)
    return done


def not_here(run: Run, place: str | None = None) -> Locked:
    """The error for an interrupted run of which a home is missing now."""
    there = " and ".join(run.homes.values())
    return Locked(
        f"the run {run.run} was interrupted in {there}, and these homes are not here now",
        place=place,
        fix=f"put the homes back to {there}, then: apimha-wizard rollback {run.run}   (a copy of such a home is "
        f"between two states: unpack the pack again)",
    )


def unreadable(found: Marker, home: Path) -> Locked:
    """The error for a marker whose journal is another user's, or cannot be read."""
    where = f" on {found.host}" if found.host else ""
    fix = f"let {found.owner} run: apimha-wizard rollback {found.run}"
    if found.run == marker.UNKNOWN:
        fix = f"ask {found.owner} what it is; if it is not needed: rm '{home / marker.NAME}'"
    elif found.owner == runs.user():
        fix = (
            f"its journal was {found.journal}: set XDG_STATE_HOME so that it is found; if it is lost, unpack the "
            f"pack again (or restore the home from your own backup) and remove {home / marker.NAME}"
        )
    return Locked(
        f"the run {found.run} of {found.owner}{where} was interrupted here, and its journal cannot be read",
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
    """Restore one run; None where it had ended, and only its markers were left."""
    with Folders(run.homes.values(), moved=True) as folders:
        try:
            if run.outcome != "started":
                _clear_markers(run, folders)
                return None
            changed = tuple(entry for entry in run.entries if not is_at(entry, entry.before, folders))
            left = restore(run, run.entries, folders, force=force)
            if not left:
                close(run, runs.INTERRUPTED, folders)
        except (OSError, StoppedError) as problem:
            left = [because(run.folder, problem)]
    if left:
        raise stranded(run, left)
    return Recovered(run, changed)


def is_at(entry: JournalEntry, state: PathState, folders: Folders) -> bool:
    """Whether a path can be read and is in this state now."""
    try:
        return folders.state(entry.path) == state
    except (OSError, StoppedError):
        return False


def reopen(run: Run) -> None:
    """Make sure that the journal calls the run unfinished, before anything is restored.

    It may call it committed already: the rename was done, and syncing it failed.
    """
    there = None
    with contextlib.suppress(OSError):
        there = runs.read(run.journal)
    if there is None or there.outcome != "started":
        run.save()


def restore(
    run: Run, reached: Sequence[JournalEntry], folders: Folders, *, force: bool = False
) -> list[Unrestored]:
    """Restore what the run wrote; return the paths that could not be restored, which stop no other.

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
    """A path that is neither in the state before the run nor in that after it."""
    reasons = {"absent": "it is gone", "other": "it is not a file any more; move it away"}
    return Unrestored(entry.path, reasons.get(now.kind, "edited since the run wrote it"), edited=True)


def because(path: Path, problem: BaseException) -> Unrestored:
    """A path that could not be restored because of an error."""
    if isinstance(problem, OSError) and problem.strerror and problem.filename in {None, str(path)}:
        return Unrestored(path, problem.strerror)
    return Unrestored(path, describe_error(problem))


def _remove_temporaries(run: Run, folders: Folders) -> list[Unrestored]:
    """Remove the temporary files, whose room may be needed; return those that could not be removed."""
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
    """End a run of which nothing is left in the homes: remove markers and backups, and record it as restored.

    If the disk is full it is not recorded; without markers the run then counts as never begun.
    """
    _clear_markers(run, folders)
    with contextlib.suppress(OSError):
        run._replace(outcome="restored", error=reason).save()
    run.drop_backups()


def _clear_markers(run: Run, folders: Folders) -> None:
    for home in map(Path, run.homes.values()):
        marker.clear(run, home, folders.of(home))


def stranded(run: Run, left: Sequence[Unrestored], reason: str | None = None) -> NotRestored:
    """The error for a run of which some paths cannot be restored."""
    force = " --force" if any(one.edited for one in left) else ""
    keep = "keep a copy of what was edited" if force else "correct that"
    return NotRestored(
        f"{reason or f'the run {run.run} was interrupted'}; these paths could not be restored and are left alone:"
        f"\n{listed(left)}",
        fix=f"{keep}, then: apimha-wizard rollback {run.run}{force}   "
        f"(the files before the run are in {run.backups})",
    )


def listed(left: Iterable[Unrestored]) -> str:
    """List paths that were not restored, each with its reason."""
    return "\n".join(f"  {one.path}: {one.reason}" for one in left)
