"""Executing a plan, all of it or nothing.

Before the first move journal and backups are on disk, so at any moment each path is in the state that the journal calls
`before` or `after`, and a later command that finds the run's marker can restore it.  All that needs room on a disk is
written before the first move.  A rollback is a run like any other, with reversed moves.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wizard.system.durable import fsync_folder
from wizard.system.errors import AS_BEFORE, RETRY, Cancelled, Failed, StoppedError, describe_error
from wizard.transaction import marker, recovery, runs
from wizard.transaction.move import Folders, Meta, Move, back_up, put, refuse_drift, remove, stage
from wizard.transaction.recovery import Unrestored
from wizard.transaction.runs import JournalEntry, Run

if TYPE_CHECKING:
    from wizard.system.errors import Cancel, WizardError

WriteProgress = Callable[[str, str, int, int], None]
"""Called with node, path, number done and number of all, after each path that is written."""

Named = tuple[str, str, Move]
"""Node, path in the plan, and move."""


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


def apply(
    moves: Sequence[Named],
    run: Run,
    *,
    cancel: Cancel,
    progress: WriteProgress = lambda node, path, done, total: None,
    left: list[Unrestored] | None = None,
    keeper: Keeper | None = None,
) -> Run:
    """Execute all of these moves or none; return the run as recorded.  The caller holds the locks of the homes.

    With `left`, for a rollback, a path that cannot be written is added there and does not stop the others; `Failed`
    only where no path can be written.  With `keeper` it is done in the stages of the run, one node at a time, whose
    server is stopped meanwhile.

    Raises:
        Failed: it failed, or a file was edited since it was planned; the homes are as before.
        Cancelled: `cancel` was set; the homes are as before.
        NotRestored: it failed and could not be undone; the marker stays, the message names the paths.
    """
    with cancel.shield(), Folders(run.homes.values(), moved=run.kind == "rollback") as folders:
        execution = _Execution(run, list(moves), folders, cancel, progress, left, keeper)
        execution.prepare()
        return execution.write()


@dataclass
class _Execution:
    """One run while it is executed; `moves` are those that have not failed (with `left`, others may have)."""

    run: Run
    moves: list[Named]
    folders: Folders
    cancel: Cancel
    progress: WriteProgress
    left: list[Unrestored] | None
    keeper: Keeper | None
    is_writing: bool = False
    """Whether it can be cancelled: journal and backups are there."""
    total: int = 0
    """How many paths are written, of which `progress` is told."""
    reached: list[Path] = field(default_factory=list)
    """The paths that may have been written."""
    marked: set[str] = field(default_factory=set)
    """The nodes whose homes have the run's marker."""
    stopped: list[str] = field(default_factory=list)
    """The nodes whose servers the keeper was told to stop, in that order."""

    def _each(self, act: Callable[[str, str, Move], object], only_node: str = "") -> None:
        """Call `act` for each move that is left, of this node or of all; drop those for which it failed."""
        failed = []
        for named in self.moves:
            if only_node and named[0] != only_node:
                continue
            self._stop_if_cancelled()
            try:
                act(*named)
            except (OSError, StoppedError) as problem:
                if self.left is None:
                    raise
                self.left.append(recovery.because(named[2].path, problem))
                failed.append(named)
        if failed and len(failed) == len(self.moves):
            raise StoppedError("no path could be restored")
        self.moves = [named for named in self.moves if named not in failed]

    def prepare(self) -> None:
        """Write journal and backups, on disk when this returns; nothing in the homes is touched."""
        entries: dict[Path, JournalEntry] = {}

        def enter(node: str, name: str, move: Move) -> None:
            refuse_drift(move, self.folders)
            backup = f"{len(entries) + 1:04}" if move.before.kind == "file" else None
            meta = Meta.of(move.path, with_time=True) if backup else None
            entries[move.path] = JournalEntry(node, name, move.path, move.before, move.after, meta, backup)

        def keep(node: str, name: str, move: Move) -> None:
            entry = entries[move.path]
            if entry.backup:
                back_up(entry.path, self.run.backup(entry), self.folders, expected=entry.before.value)

        begun = None
        try:
            self._each(enter)
            self.run = begun = runs.begin(self.run._replace(entries=tuple(entries.values())))
            self._each(keep)
            fsync_folder(self.run.backups)
        except (OSError, StoppedError) as problem:
            if begun is not None:
                begun.forget()
            if isinstance(problem, StoppedError):
                raise Failed(f"{problem}; nothing was written", fix="run it again") from None
            reason = f"journal and backups cannot be written: {describe_error(problem)}"
            raise Failed(f"{reason}; nothing in the homes was touched", fix=RETRY) from None

    def write(self) -> Run:
        """Write markers and files, and commit the run; return it as recorded."""
        self.is_writing = True
        try:
            self._each(self._mark)
            self._each(self._stage)
            self.total = len(self.moves)
            self._committed().stage()
            for node in self.run.stages or ("",):
                self._stop_if_cancelled()
                if self.keeper is not None:
                    self.stopped.append(node)
                    self.keeper.stop(node)
                self._each(self._place, node)
                if self.keeper is not None:
                    self.keeper.start(node)
            done = self._committed()
            if len(self.moves) < self.total:
                done.stage()
            self._stop_if_cancelled()
            done.commit()
        except BaseException as problem:
            # Also after a fault of this program the homes are not left between two states.
            cause = None if isinstance(problem, (OSError, StoppedError)) else problem
            raise self._undone(problem) from cause
        self.cancel.seal()
        for home in map(Path, self.run.homes.values()):
            # The run is committed: a marker that cannot be removed now is removed by the next run.
            with contextlib.suppress(OSError, StoppedError):
                marker.clear(self.run, home, self.folders.of(home))
        return done

    def _mark(self, node: str, name: str, move: Move) -> None:
        """Leave the marker in the home of a node that is written."""
        if node not in self.marked:
            home = Path(self.run.homes[node])
            marker.put(self.run, home, self.folders.of(home))
            self.marked.add(node)

    def _stage(self, node: str, name: str, move: Move) -> None:
        stage(move, self.run.temporary(move.path), self.folders)

    def _place(self, node: str, name: str, move: Move) -> None:
        refuse_drift(move, self.folders)
        self.reached.append(move.path)
        put(move, self.run.temporary(move.path), self.folders)
        self.progress(node, name, len(self.reached), self.total)

    def _stop_if_cancelled(self) -> None:
        if self.is_writing and self.cancel.is_set():
            raise StoppedError("cancelled")

    def _committed(self) -> Run:
        """The run as committed: without the paths that could not be written."""
        run = self.run._replace(outcome="committed")
        if not self.left:
            return run
        failed = {one.path for one in self.left}
        # A file that is in its place, and only failed to sync, is recorded nevertheless.
        undone = [e for e in run.entries if e.path in failed and not recovery.is_at(e, e.after, self.folders)]
        for entry in undone:
            with contextlib.suppress(OSError, StoppedError):
                remove(run.temporary(entry.path), self.folders)
            if entry.backup and recovery.is_at(entry, entry.before, self.folders):
                with contextlib.suppress(OSError):
                    os.unlink(run.backup(entry))
        entries = [entry for entry in run.entries if entry not in undone]
        names = {(one.node, one.name) for one in entries if one.path not in failed}
        files = [file for file in run.files if (file["node"], file["path"]) in names]
        return run._replace(entries=tuple(entries), files=tuple(files), complete=False)

    def _undone(self, problem: BaseException) -> WizardError:
        """Restore everything, node by node where servers were stopped; return the error to raise."""
        run, keeper = self.run, self.keeper if self.stopped else None
        reason, servers = describe_error(problem), ""
        reached = [one for one in run.entries if one.path in self.reached]
        unrestored: list[Unrestored] = []
        try:
            recovery.reopen(run)
            if keeper is not None:
                keeper.turn_back()
            for node in reversed(self.stopped or [""]):
                if keeper is not None:
                    keeper.stop(node)
                entries = [one for one in reached if node in ("", one.node)]
                left = recovery.restore(run, entries, self.folders)
                unrestored += left
                if keeper is not None and not left:
                    keeper.start(node)
            servers = keeper.state() if keeper is not None else ""
            if not unrestored:
                recovery.close(run, reason, self.folders)
        except Exception as second:
            unrestored = [recovery.because(run.folder, second)]
        if unrestored:
            self.cancel.seal()
            return recovery.stranded(run, unrestored, f"{reason}{servers}")
        if self.cancel.is_set() or isinstance(problem, KeyboardInterrupt):
            return Cancelled(f"cancelled; {AS_BEFORE}{servers}")
        return Failed(f"{reason}; {AS_BEFORE}{servers}", fix=RETRY)
