"""A plan → done or undone.

Everything is one list of moves, each a path's way from one state to the next.  Before the first of them the journal
and the backups are on disk; so at any moment each path holds what the journal calls `before` or `after`, and
whoever finds the run's marker can go back (`recovery`).  All that needs room on a disk is written before the first
move: after it a full disk stops nothing.  A rollback is a run like any other, with the moves turned around.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wizard.system.durable import fsync_folder
from wizard.system.errors import (
    AS_BEFORE,
    Cancelled,
    Failed,
    Locked,
    StoppedError,
    WizardError,
    describe_error,
)
from wizard.transaction import marker, recovery, runs
from wizard.transaction.move import Meta, Move
from wizard.transaction.runs import JournalEntry, Run
from wizard.transaction.staging import back_up, put, refuse_drift, stage

if TYPE_CHECKING:
    from wizard.plan.planner import Plan
    from wizard.system.cancel import Cancel

WriteProgress = Callable[[str, str, int, int], None]
"""Called with node, path, number done and number of all, after each path that is written."""

Named = tuple[str, str, Move]
"""A move with its node and the name that the plan gives its path."""


def nobody_watches(node: str, path: str, done: int, total: int) -> None:
    """The progress that nobody is told of."""


def apply(plan: Plan, run: Run, *, cancel: Cancel, progress: WriteProgress = nobody_watches) -> Run:
    """Do all of a plan or nothing.  The caller holds the locks of the homes.

    Raises:
        Failed: it went wrong, or a file was edited since it was planned; the homes are as before.
        Cancelled: `cancel` was set; the homes are as before.
        Locked: it went wrong and could not be undone; the marker stays, the message names what is where.
    """
    moves = [(change.node, change.path, move) for change in plan.pending for move in change.moves]
    return execute(run, moves, cancel, progress)


def execute(
    run: Run, moves: Sequence[Named], cancel: Cancel, progress: WriteProgress = nobody_watches
) -> Run:
    """Do all of these moves or none; as `apply`.  Gives the run as it is recorded."""
    with cancel.shield():
        run = _prepared(run, moves)
        return _written(run, moves, cancel, progress)


def _prepared(run: Run, moves: Sequence[Named]) -> Run:
    """The run with journal and backups, on disk when this returns; nothing in the homes is touched."""
    try:
        for _, _, move in moves:
            refuse_drift(move)
        run = runs.begin(run._replace(entries=_entries(moves)))
    except (OSError, StoppedError) as problem:
        raise _unbegun(problem) from None
    try:
        for entry in run.entries:
            if entry.backup:
                back_up(entry.path, run.backup(entry), expected=entry.before.value)
        fsync_folder(run.backups)
    except (OSError, StoppedError) as problem:
        run.forget()
        raise _unbegun(problem) from None
    return run


def _entries(moves: Sequence[Named]) -> tuple[JournalEntry, ...]:
    entries = []
    for number, (node, name, move) in enumerate(moves, 1):
        backup = f"{number:04}" if move.before.kind == "file" else None
        meta = Meta.of(move.path, with_time=True) if backup else None
        entries.append(JournalEntry(node, name, move.path, move.before, move.after, meta, backup))
    return tuple(entries)


def _unbegun(problem: OSError | StoppedError) -> Failed:
    if isinstance(problem, StoppedError):
        return Failed(f"{problem}; nothing was written", fix="run it again")
    return Failed(
        f"journal and backups cannot be written: {describe_error(problem)}; nothing in the homes was touched",
        fix="mend that and run it again",
    )


def _written(run: Run, moves: Sequence[Named], cancel: Cancel, progress: WriteProgress) -> Run:
    homes = [Path(home) for home in run.homes.values()]
    done = run._replace(outcome="committed")
    reached = 0
    try:
        for home in homes:
            marker.put(run, home)
        for _, _, move in moves:
            _stop_if(cancel)
            stage(move, run.temporary(move.path))
        done.stage()
        for number, (node, name, move) in enumerate(moves, 1):
            _stop_if(cancel)
            refuse_drift(move)
            reached = number
            put(move, run.temporary(move.path))
            progress(node, name, number, len(moves))
        _stop_if(cancel)
        done.commit()
    except BaseException as problem:
        # Whatever it is, also a fault of this program: the homes are not left between two states.
        error = _undone(run, run.entries[:reached], problem, cancel)
        raise error from (None if isinstance(problem, (OSError, StoppedError)) else problem)
    cancel.seal()
    for home in homes:
        # The run is committed: a marker that cannot be taken away now is taken away by the next one.
        with contextlib.suppress(OSError):
            marker.clear(run, home)
    return done


def _stop_if(cancel: Cancel) -> None:
    if cancel.is_set():
        raise StoppedError("cancelled")


def _undone(run: Run, reached: Sequence[JournalEntry], problem: BaseException, cancel: Cancel) -> WizardError:
    """Restore everything; gives the error to raise."""
    reason = describe_error(problem)
    try:
        recovery.reopen(run)
        foreign = recovery.restore(run, reached)
        if not foreign:
            recovery.close(run, reason)
    except Exception as second:
        cancel.seal()
        return Locked(
            f"{reason}; and going back failed: {describe_error(second)}",
            place=str(run.folder),
            fix=f"mend that, then: apimha-wizard rollback {run.run}   (the backups are in {run.backups})",
        )
    if foreign:
        cancel.seal()
        return recovery.stranded(run, foreign, reason)
    if cancel.is_set() or isinstance(problem, KeyboardInterrupt):
        return Cancelled(f"cancelled; {AS_BEFORE}")
    return Failed(f"{reason}; {AS_BEFORE}", fix="mend that and run it again")


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
