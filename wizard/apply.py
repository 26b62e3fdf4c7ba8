"""A plan → done or undone: the only module that writes into a home.

Everything is one list of moves, each a path's way from one state to the next.  Before the first of them the journal
and the backups are on disk; so at any moment each path holds what the journal calls `before` or `after`, and
whoever finds the run's marker can go back.  A rollback is a run like any other, with the moves turned around.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wizard import runs
from wizard.cancel import Cancel
from wizard.change import Meta, Move, State, state_of
from wizard.durable import fsync_folder, write_new
from wizard.errors import Cancelled, ChecksFailed, Failed, Locked
from wizard.home_lock import locked
from wizard.pack import Pack
from wizard.runs import Entry, Run

if TYPE_CHECKING:
    from wizard.plan import Plan

Progress = Callable[[str, str, int, int], None]
"""Called with node, path, number done and number of all, after each path that is written."""

BLOCK = 1024 * 1024


class StoppedError(Exception):
    """Why a run stops before its end; the message is for people."""


def nobody_watches(node: str, path: str, done: int, total: int) -> None:
    """The progress that nobody is told of."""


def apply(
    plan: Plan,
    run: Run,
    *,
    cancel: Cancel | None = None,
    progress: Progress = nobody_watches,
) -> Run:
    """Do all of a plan or nothing.  The caller holds the locks of the homes.

    Raises:
        Failed: it went wrong, or a file was edited since it was planned; the homes are as before.
        Cancelled: `cancel` was set; the homes are as before.
        Locked: it went wrong and could not be undone; the marker stays, the message names what is where.
    """
    moves = [(change.node, change.path, move) for change in plan.pending for move in change.moves]
    cancel = cancel or Cancel()
    with cancel.shield():
        return _execute(run, moves, cancel, progress)


def _execute(run: Run, moves: Sequence[tuple[str, str, Move]], cancel: Cancel, progress: Progress) -> Run:
    for _, name, move in moves:
        if state_of(move.path) != move.before:
            raise Failed(f"{name} was edited since it was planned", place=str(move.path), fix="run it again")
    try:
        run = _prepare(run, moves)
    except (OSError, StoppedError) as problem:
        raise Failed(
            f"journal and backups cannot be written: {_told(problem)}",
            place=str(runs.locations.runs()),
            fix="make room or let this user write there; nothing in the homes was touched",
        ) from None
    homes = [Path(home) for home in run.homes.values()]
    try:
        for home in homes:
            runs.set_marker(run, home)
        for _, _, move in moves:
            _stop_if(cancel)
            _stage(move, run.temporary(move.path))
        for number, (node, name, move) in enumerate(moves, 1):
            _stop_if(cancel)
            _replace(move, run.temporary(move.path))
            progress(node, name, number, len(moves))
        _stop_if(cancel)
        run = run.ended("committed")
    except (OSError, StoppedError) as problem:
        raise _undone(run, homes, problem, cancel) from None
    for home in homes:
        # The run is committed: a marker that cannot be taken away now is taken away by the next one.
        with contextlib.suppress(OSError):
            runs.clear_marker(run, home)
    return run


def _stop_if(cancel: Cancel) -> None:
    if cancel.is_set():
        raise StoppedError("cancelled")


def _prepare(run: Run, moves: Sequence[tuple[str, str, Move]]) -> Run:
    """Journal and backups, on disk when this returns."""
    entries = []
    for number, (node, name, move) in enumerate(moves, 1):
        backup = f"{number:04}" if move.before.kind == "file" else None
        meta = Meta.of(move.path, with_time=True) if backup else None
        entries.append(Entry(node, name, move.path, move.before, move.after, meta, backup))
    run = runs.begin(dataclasses.replace(run, entries=tuple(entries)))
    for entry in entries:
        if entry.backup:
            _back_up(entry, run.backup(entry))
    fsync_folder(run.folder / "backups")
    return run


def _back_up(entry: Entry, backup: Path) -> None:
    _copy(entry.path, backup, mode=0o600, expected=entry.before.value)


def _stage(move: Move, temporary: Path) -> None:
    """The new file beside the one that it will replace, on disk, with the mode and the owner it has to have."""
    if move.after.kind == "link":
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        os.symlink(move.after.value, temporary)
    elif move.after.kind == "file":
        meta = move.meta or _plain(move.path.parent)
        if move.content is not None:
            write_new(temporary, move.content, mode=0o600)
        elif move.source is not None:
            _copy(move.source, temporary, mode=0o600, expected=move.after.value)
        _dress(temporary, meta, like=move.path)


def _plain(folder: Path) -> Meta:
    status = os.stat(folder)
    return Meta(0o644, status.st_uid, status.st_gid)


def _copy(source: Path, target: Path, *, mode: int, expected: str) -> None:
    """A copy, on disk when this returns, of the bytes that were planned and no others."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(target)
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as out, source.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            out.write(block)
        out.flush()
        os.fsync(descriptor)
    if digest.hexdigest() != expected:
        os.unlink(target)
        raise StoppedError(f"{source} was edited since it was planned")


def _dress(path: Path, meta: Meta, *, like: Path) -> None:
    """Give a file its owner, its mode, its extended attributes (access lists) and, where told, its time."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if (status.st_uid, status.st_gid) != (meta.uid, meta.gid):
            os.fchown(descriptor, meta.uid if os.geteuid() == 0 else -1, meta.gid)
        os.fchmod(descriptor, meta.mode)
        _copy_attributes(like, descriptor)
        if meta.mtime_ns is not None:
            os.utime(descriptor, ns=(meta.mtime_ns, meta.mtime_ns))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_attributes(source: Path, descriptor: int) -> None:
    if not hasattr(os, "listxattr"):
        return
    with contextlib.suppress(OSError):
        for name in os.listxattr(source, follow_symlinks=False):
            os.setxattr(descriptor, name, os.getxattr(source, name, follow_symlinks=False))


def _replace(move: Move, temporary: Path) -> None:
    """Put the staged file in its place, unless somebody was there meanwhile."""
    if state_of(move.path) != move.before:
        raise StoppedError(f"{move.path} was edited since it was planned")
    if move.after.kind == "absent":
        os.unlink(move.path)
    else:
        os.rename(temporary, move.path)
    fsync_folder(move.path.parent)


# --- going back -------------------------------------------------------------------------------------


def _undone(run: Run, homes: Iterable[Path], problem: Exception, cancel: Cancel) -> Exception:
    """Restore everything; gives the error to raise."""
    reason = str(problem) if isinstance(problem, StoppedError) else _told(problem)
    try:
        foreign = restore(run)
        if not foreign:
            _close(run, homes, reason)
    except (OSError, StoppedError) as second:
        return Locked(
            f"{reason}; and going back failed: {_told(second)}",
            place=str(run.folder),
            fix=f"mend that, then: apimha-wizard rollback {run.run}   (the backups are in {run.folder})",
        )
    if foreign:
        return _stranded(run, foreign, reason)
    if cancel.is_set():
        return Cancelled("cancelled; everything in the homes is as before")
    return Failed(f"{reason}; everything in the homes is as before", fix="mend that and run it again")


def _told(problem: Exception) -> str:
    if isinstance(problem, OSError):
        text = problem.strerror or type(problem).__name__
        return f"{problem.filename}: {text}" if problem.filename else text
    return str(problem)


def restore(run: Run, *, force: bool = False) -> list[Entry]:
    """Take a cut-off run back: what carries the state that it wrote gets the one before.

    Gives the paths that are neither: somebody edited them, and they are left alone unless `force`.
    """
    foreign = []
    for entry in reversed(run.entries):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(run.temporary(entry.path))
        now = state_of(entry.path)
        if now == entry.before:
            continue
        if now != entry.after and not (force and now.kind != "other"):
            foreign.append(entry)
            continue
        move = _back(run, entry, now)
        _stage(move, run.temporary(entry.path))
        _replace(move, run.temporary(entry.path))
    return foreign[::-1]


def _back(run: Run, entry: Entry, now: State) -> Move:
    source = run.backup(entry) if entry.backup else None
    return Move(entry.path, now, entry.before, source=source, meta=entry.meta)


def _close(run: Run, homes: Iterable[Path], reason: str | None) -> None:
    """Nothing of the run is left in the homes: note it, take the markers away, then the backups, which nobody needs."""
    run = run.ended("restored", error=reason)
    for home in homes:
        runs.clear_marker(run, home)
    shutil.rmtree(run.folder / "backups", ignore_errors=True)


def _stranded(run: Run, foreign: list[Entry], reason: str | None = None) -> Locked:
    names = ", ".join(str(entry.path) for entry in foreign)
    told = f"{reason}; " if reason else ""
    return Locked(
        f"{told}the run {run.run} was cut off, and these files were edited since and are left alone: {names}",
        fix=f"to lose those edits: apimha-wizard rollback {run.run} --force   (what stood there before the run is in "
        f"{run.folder / 'backups'})",
    )


@dataclass(frozen=True, slots=True)
class Recovered:
    """A cut-off run that was taken back."""

    run: Run
    restored: int


def recover(homes: Iterable[Path], cancel: Cancel, *, force: bool = False) -> list[Recovered]:
    """Take back what a crash left in these homes.  The caller holds their locks.

    Raises:
        Locked: a journal cannot be read, or a file is neither the old nor the new one (exit 5).
    """
    homes = list(homes)
    done: list[Recovered] = []
    for home in homes:
        for stray in runs.stray_markers(home):
            with contextlib.suppress(OSError):
                stray.unlink()
        marker = runs.marker_of(home)
        if marker is None:
            continue
        run = runs.read(marker.journal)
        if run is None or run.run != marker.run:
            raise runs.locked_by(marker, home)
        others = [Path(other) for other in run.homes.values() if not _among(Path(other), homes)]
        with locked(others), cancel.shield():
            recovered = _recover_run(run, force=force)
        if recovered is not None:
            done.append(recovered)
    runs.forget_unbegun(homes)
    return done


def _among(home: Path, homes: Iterable[Path]) -> bool:
    return os.path.realpath(home) in {os.path.realpath(other) for other in homes}


def _recover_run(run: Run, *, force: bool) -> Recovered | None:
    homes = [Path(home) for home in run.homes.values()]
    if run.outcome != "started":
        # It had ended, and only its markers were left.
        for home in homes:
            runs.clear_marker(run, home)
        if run.outcome == "restored":
            shutil.rmtree(run.folder / "backups", ignore_errors=True)
        return None
    changed = sum(state_of(entry.path) == entry.after != entry.before for entry in run.entries)
    try:
        foreign = restore(run, force=force)
        if not foreign:
            _close(run, homes, "cut off")
    except (OSError, StoppedError) as problem:
        raise Locked(
            f"the run {run.run} was cut off, and going back failed: {_told(problem)}",
            fix=f"mend that, then: apimha-wizard rollback {run.run}",
        ) from None
    if foreign:
        raise _stranded(run, foreign)
    return Recovered(run, changed)


# --- undoing a finished run --------------------------------------------------------------------------


@dataclass(frozen=True)
class Undone:
    """What a rollback did: the run that did it (None: there was nothing to undo), and what it left alone."""

    undone: Run
    run: Run | None
    restored: tuple[Entry, ...]
    kept: tuple[Entry, ...]


def rollback(run: Run, *, force: bool = False, cancel: Cancel | None = None) -> Undone:
    """Undo a finished run: each of its paths gets the state before, unless somebody edited it since.

    Raises:
        ChecksFailed: a server runs, a home is gone, or the backups were pruned.
        Failed, Cancelled, Locked: as `apply`.
    """
    _refuse_running(run)
    if not run.has_backups:
        raise ChecksFailed(
            f"the backups of the run {run.run} are gone (history --prune)",
            fix="restore the homes from your own backup",
        )
    moves, kept = [], []
    for entry in reversed(run.entries):
        now = state_of(entry.path)
        if now == entry.before:
            continue
        if now == entry.after or (force and now.kind != "other"):
            moves.append((entry.node, entry.name, _back(run, entry, now)))
        else:
            kept.append(entry)
    restored = {(node, name) for node, name, _ in moves}
    own = [entry for entry in run.entries if (entry.node, entry.name) in restored]
    if not moves and kept:
        return Undone(run, None, (), tuple(kept))
    undoing = Run(
        run=runs.new_id(),
        kind="rollback",
        profile=run.profile,
        profile_path=run.profile_path,
        owner=runs.user(),
        host=runs.hostname(),
        started=runs.now(),
        homes=run.homes,
        entries=(),
        files=tuple(
            {**file, "status": "restored"} for file in run.files if (file["node"], file["path"]) in restored
        ),
        undoes=run.run,
        complete=not kept,
    )
    cancel = cancel or Cancel()
    with cancel.shield():
        done = _execute(undoing, moves, cancel, nobody_watches)
    return Undone(run, done, tuple(own), tuple(kept))


def _refuse_running(run: Run) -> None:
    for node, home in run.homes.items():
        if not Path(home).is_dir():
            raise ChecksFailed(
                f"the home of {node} is not here any more", place=home, fix="put it back where it was"
            )
        pid = Pack(Path(home)).running
        if pid is not None:
            raise ChecksFailed(
                f"the server of {node} runs (process {pid})",
                place=home,
                fix=f"sh '{home}/bin/wso2server.sh' stop",
            )


def files_json(plan: Plan, *, status: str | None = None) -> list[dict[str, Any]]:
    """The `files` of the JSON: every file that the plan looks at; `status` replaces that of those that change."""
    return [
        {
            "node": change.node,
            "path": change.path,
            "step": change.step,
            "status": (status or change.status) if change.moves else "unchanged",
            "changes": list(change.what),
        }
        for change in plan.changes
    ]
