"""Executing a plan, all of it or nothing.

Everything is one list of moves, each of a path from one state to the next.  Before the first of them the journal and
the backups are on disk, so at any moment each path is in the state that the journal calls `before` or `after`, and
any later command that finds the run's marker can restore it (`recovery`).  All that needs room on a disk is written
before the first move.  A rollback is a run like any other, with reversed moves.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from wizard.system.durable import fsync_folder
from wizard.system.errors import (
    AS_BEFORE,
    RETRY,
    Cancelled,
    Failed,
    StoppedError,
    WizardError,
    describe_error,
)
from wizard.transaction import marker, recovery, runs
from wizard.transaction.folders import Folders
from wizard.transaction.move import Meta, Move
from wizard.transaction.recovery import Unrestored
from wizard.transaction.runs import JournalEntry, Run
from wizard.transaction.staging import back_up, put, refuse_drift, remove, stage

if TYPE_CHECKING:
    from wizard.plan.planner import Plan
    from wizard.system.cancel import Cancel

WriteProgress = Callable[[str, str, int, int], None]
"""Called with node, path, number done and number of all, after each path that is written."""

Named = tuple[str, str, Move]
"""Node, path in the plan, and move."""

NOT_ONE = "no path could be restored"


class Keeper(Protocol):
    """Stops the server of a node before its files are written, and starts it again (`replay --rolling`).

    Both raise `StoppedError` where that fails, and `KeyboardInterrupt` where it was cancelled.
    """

    def stop(self, node: str) -> None: ...

    def start(self, node: str) -> None: ...

    def turn_back(self) -> None:
        """Prepare for restoring: from now on nothing is raised, and nothing can be cancelled."""

    def state(self) -> str:
        """The servers after restoring, as the end of a sentence; then what has failed, line by line."""


def no_progress(node: str, path: str, done: int, total: int) -> None:
    """The progress where nothing shows it."""


def apply(
    plan: Plan,
    run: Run,
    *,
    cancel: Cancel,
    progress: WriteProgress = no_progress,
    keeper: Keeper | None = None,
) -> Run:
    """Execute all of a plan or nothing.  The caller holds the locks of the homes.

    With `keeper` it is done in the stages of the run, one node at a time, whose server is stopped meanwhile.

    Raises:
        Failed: it failed, or a file was edited since it was planned; the homes are as before.
        Cancelled: `cancel` was set; the homes are as before.
        NotRestored: it failed and could not be undone; the marker stays, the message names the paths.
    """
    moves = [(change.node, change.path, move) for change in plan.pending for move in change.moves]
    return execute(run, moves, cancel, progress, keeper=keeper)


def execute(
    run: Run,
    moves: Sequence[Named],
    cancel: Cancel,
    progress: WriteProgress = no_progress,
    *,
    left: list[Unrestored] | None = None,
    keeper: Keeper | None = None,
) -> Run:
    """Execute all of these moves or none, as `apply`; return the run as recorded.

    With `left`, for a rollback, a path that cannot be written is added there and does not stop the others; `Failed`
    only where no path can be written.
    """
    with cancel.shield(), Folders(run.homes.values(), moved=run.kind == "rollback") as folders:
        run, moves = _prepared(run, moves, folders, left)
        return _written(run, moves, folders, cancel, progress, left, keeper)


def _each(
    moves: Sequence[Named],
    act: Callable[[Named], object],
    left: list[Unrestored] | None,
    cancel: Cancel | None = None,
) -> list[Named]:
    """Call `act` for each move; return those for which it succeeded (without `left`: all of them)."""
    done = []
    for named in moves:
        _stop_if(cancel)
        try:
            act(named)
        except (OSError, StoppedError) as problem:
            if left is None:
                raise
            left.append(recovery.because(named[2].path, problem))
        else:
            done.append(named)
    if moves and not done:
        raise StoppedError(NOT_ONE)
    return done


def _prepared(
    run: Run, moves: Sequence[Named], folders: Folders, left: list[Unrestored] | None
) -> tuple[Run, list[Named]]:
    """Write journal and backups, on disk when this returns; nothing in the homes is touched."""
    entries: dict[Path, JournalEntry] = {}

    def enter(named: Named) -> None:
        node, name, move = named
        refuse_drift(move, folders)
        backup = f"{len(entries) + 1:04}" if move.before.kind == "file" else None
        meta = Meta.of(move.path, with_time=True) if backup else None
        entries[move.path] = JournalEntry(node, name, move.path, move.before, move.after, meta, backup)

    def keep(named: Named) -> None:
        entry = entries[named[2].path]
        if entry.backup:
            back_up(entry.path, run.backup(entry), folders, expected=entry.before.value)

    try:
        moves = _each(moves, enter, left)
        run = runs.begin(run._replace(entries=tuple(entries.values())))
    except (OSError, StoppedError) as problem:
        raise _unbegun(problem) from None
    try:
        moves = _each(moves, keep, left)
        fsync_folder(run.backups)
    except (OSError, StoppedError) as problem:
        run.forget()
        raise _unbegun(problem) from None
    return run, moves


def _unbegun(problem: OSError | StoppedError) -> Failed:
    if isinstance(problem, StoppedError):
        return Failed(f"{problem}; nothing was written", fix="run it again")
    return Failed(
        f"journal and backups cannot be written: {describe_error(problem)}; nothing in the homes was touched",
        fix=RETRY,
    )


def _written(
    run: Run,
    moves: Sequence[Named],
    folders: Folders,
    cancel: Cancel,
    progress: WriteProgress,
    left: list[Unrestored] | None,
    keeper: Keeper | None,
) -> Run:
    reached: list[Path] = []
    stopped: list[str] = []

    def place(named: Named) -> None:
        node, name, move = named
        refuse_drift(move, folders)
        reached.append(move.path)
        put(move, run.temporary(move.path), folders)
        progress(node, name, len(reached), len(moves))

    try:
        moves = _marked(run, moves, folders, left)
        moves = _each(
            moves, lambda named: stage(named[2], run.temporary(named[2].path), folders), left, cancel
        )
        done = _committed(run, folders, left)
        done.stage()
        if keeper is not None:
            for node in run.stages:
                _stop_if(cancel)
                stopped.append(node)
                keeper.stop(node)
                _each([named for named in moves if named[0] == node], place, None, cancel)
                keeper.start(node)
        elif len(_each(moves, place, left, cancel)) < len(moves):
            done = _committed(run, folders, left)
            done.stage()
        _stop_if(cancel)
        done.commit()
    except BaseException as problem:
        # Also after a fault of this program the homes are not left between two states.
        entries = [one for one in run.entries if one.path in reached]
        error = _undone(run, entries, problem, folders, cancel, keeper, stopped)
        raise error from (None if isinstance(problem, (OSError, StoppedError)) else problem)
    cancel.seal()
    for home in map(Path, run.homes.values()):
        # The run is committed: a marker that cannot be removed now is removed by the next run.
        with contextlib.suppress(OSError, StoppedError):
            marker.clear(run, home, folders.of(home))
    return done


def _marked(
    run: Run, moves: Sequence[Named], folders: Folders, left: list[Unrestored] | None
) -> Sequence[Named]:
    """Leave the markers; return the moves of the nodes whose home can be written."""
    every = moves
    for node, home in run.homes.items():
        try:
            marker.put(run, Path(home), folders.of(Path(home)))
        except OSError as problem:
            if left is None:
                raise
            left += [recovery.because(named[2].path, problem) for named in moves if named[0] == node]
            moves = [named for named in moves if named[0] != node]
    if every and not moves:
        raise StoppedError(NOT_ONE)
    return moves


def _committed(run: Run, folders: Folders, left: list[Unrestored] | None) -> Run:
    """The run as committed: without the paths that could not be written."""
    run = run._replace(outcome="committed")
    if not left:
        return run
    failed = {one.path for one in left}
    # A file that is in its place, and only failed to sync, is recorded nevertheless.
    undone = [e for e in run.entries if e.path in failed and not recovery.is_at(e, e.after, folders)]
    for entry in undone:
        with contextlib.suppress(OSError, StoppedError):
            remove(run.temporary(entry.path), folders)
        if entry.backup and recovery.is_at(entry, entry.before, folders):
            with contextlib.suppress(OSError):
                os.unlink(run.backup(entry))
    entries = [entry for entry in run.entries if entry not in undone]
    names = {(one.node, one.name) for one in entries if one.path not in failed}
    files = [file for file in run.files if (file["node"], file["path"]) in names]
    return run._replace(entries=tuple(entries), files=tuple(files), complete=False)


def _stop_if(cancel: Cancel | None) -> None:
    if cancel is not None and cancel.is_set():
        raise StoppedError("cancelled")


def _undone(
    run: Run,
    reached: Sequence[JournalEntry],
    problem: BaseException,
    folders: Folders,
    cancel: Cancel,
    keeper: Keeper | None,
    stopped: Sequence[str],
) -> WizardError:
    """Restore everything, node by node where the servers were `stopped`; return the error to raise."""
    reason, servers = describe_error(problem), ""
    unrestored: list[Unrestored] = []
    try:
        recovery.reopen(run)
        if keeper is None or not stopped:
            unrestored = recovery.restore(run, reached, folders)
        else:
            keeper.turn_back()
            for node in reversed(stopped):
                keeper.stop(node)
                left = recovery.restore(run, [one for one in reached if one.node == node], folders)
                unrestored += left
                if not left:
                    keeper.start(node)
            servers = keeper.state()
        if not unrestored:
            recovery.close(run, reason, folders)
    except Exception as second:
        unrestored = [recovery.because(run.folder, second)]
    if unrestored:
        cancel.seal()
        return recovery.stranded(run, unrestored, f"{reason}{servers}")
    if cancel.is_set() or isinstance(problem, KeyboardInterrupt):
        return Cancelled(f"cancelled; {AS_BEFORE}{servers}")
    return Failed(f"{reason}; {AS_BEFORE}{servers}", fix=RETRY)


def files_json(plan: Plan, *, status: str | None = None) -> list[dict[str, Any]]:
    """The `files` of the JSON: every file of the plan; `status` replaces that of those that change."""
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
