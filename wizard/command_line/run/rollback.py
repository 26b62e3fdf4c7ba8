"""`rollback` and `history`: going back, and what there is to go back from."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from wizard.command_line.run.replay import Result
from wizard.pack.home import Pack
from wizard.plan.change import Change, Line
from wizard.preflight import drift
from wizard.system import bounded
from wizard.system.cancel import Cancel
from wizard.system.errors import ChecksFailed, Failed, UsageError, WizardError, os_errors_as_failures
from wizard.system.presence import is_anything, is_empty
from wizard.transaction import apply as applying
from wizard.transaction import recovery, runs
from wizard.transaction.home_lock import locked
from wizard.transaction.index import Listed
from wizard.transaction.move import state_of
from wizard.transaction.recovery import Unrestored
from wizard.transaction.runs import JournalEntry, Run


def rollback(
    argument: str | None,
    *,
    force: bool,
    say: Callable[[str], None] = lambda text: None,
    cancel: Cancel,
) -> Result:
    """Undo a run: each of its paths gets the state before, unless somebody edited it since.

    A run that was cut off is taken back, and nothing older with it.  Outcome `restored` (3 where files that were
    edited since were kept), `unchanged` or `failed`.
    """
    with os_errors_as_failures():
        runs.sweep()
        if argument is not None and not _has_runs(argument) and _is_profile(argument):
            return Result("unchanged", 0)
        run = runs.find(argument)
        homes = [home for home in map(Path, run.homes.values()) if not is_empty(home)]
    try:
        with os_errors_as_failures(), locked(homes):
            recovered = recovery.recover(homes, cancel, force=force)
            if recovered:
                for one in recovered:
                    for line in one.lines():
                        say(line)
                return _taken_back(recovered)
            status = runs.statuses(runs.history()).get(run.run)
            if status == "cut off":  # and there was no marker of it in a home that is here
                raise recovery.not_here(run)
            if status not in runs.OPEN:
                return Result("unchanged", 0)
            undone = _undo(run, force=force, cancel=cancel)
    except WizardError as problem:
        return Result(problem.outcome, problem.exit_code, error=str(problem))
    return _ended(undone, later(run.run) if undone.kept else [])


def _has_runs(argument: str) -> bool:
    all_runs = runs.history()
    return any(run.run == argument for run in all_runs) or bool(runs.of_profile(argument, all_runs))


def _is_profile(argument: str) -> bool:
    from wizard.profile.names import locate

    try:
        return is_anything(locate(argument)[1])
    except UsageError:
        return False


class Undone(NamedTuple):
    """What a rollback did: the run that it undid, the run that did it (None: there was nothing to write), what it
    restored, and what it left alone: edited since, or impossible to restore."""

    undone: Run
    run: Run | None
    restored: tuple[JournalEntry, ...]
    kept: list[Unrestored]
    failed: list[Unrestored]


def _undo(run: Run, *, force: bool, cancel: Cancel) -> Undone:
    """Undo a finished run.  The caller holds its homes.

    Raises:
        ChecksFailed: a server runs, a home is gone, or the backups were pruned.
        Failed, Cancelled, NotRestored: as `apply`.
    """
    _refuse(run)
    restored, moves = [], []
    kept: list[Unrestored] = []
    failed: list[Unrestored] = []
    for entry in reversed(run.entries):
        try:
            now = state_of(entry.path)
        except OSError as problem:
            failed.append(recovery.because(entry.path, problem))
            continue
        if now == entry.before:
            continue
        if now == entry.after or (force and now.kind != "other"):
            restored.append(entry)
            moves.append((entry.node, entry.name, recovery.way_back(run, entry, now)))
        else:
            (failed if force else kept).append(recovery.edited(entry, now))
    if not moves and (kept or failed):
        return Undone(run, None, (), kept, failed)
    # Without moves it is only noted that nothing of the run is left, so that the next rollback goes further back.
    undoing = _undoing(run, restored, complete=not kept and not failed)
    try:
        done = applying.execute(undoing, moves, cancel, left=failed)
    except Failed:
        if {entry.path for entry in restored} - {one.path for one in failed}:
            raise
        return Undone(run, None, (), kept, failed)
    runs.enlist(done)
    names = {one.path for one in failed}
    restored = [entry for entry in restored if entry.path not in names]
    return Undone(run, done if moves else None, tuple(restored), kept, failed)


def _undoing(run: Run, restored: list[JournalEntry], *, complete: bool) -> Run:
    """The run that a rollback is."""
    names = {(entry.node, entry.name) for entry in restored}
    return Run(
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
            {**file, "status": "restored"} for file in run.files if (file["node"], file["path"]) in names
        ),
        undoes=run.run,
        complete=complete,
    )


def _refuse(run: Run) -> None:
    for node, home in run.homes.items():
        if is_empty(Path(home)):
            raise ChecksFailed(
                f"the home of {node} is not here any more", place=home, fix="put it back where it was"
            )
        pid = Pack(Path(home)).running
        if pid is not None:
            raise ChecksFailed(
                f"the server of {node} runs (process {pid})",
                place=home,
                fix=f"sh {quote(f'{home}/bin/wso2server.sh')} stop",
            )
    if not run.has_backups:
        raise ChecksFailed(
            f"the backups of the run {run.run} are gone (history --prune)",
            fix="restore the homes from your own backup",
        )


def _taken_back(recovered: list[recovery.Recovered]) -> Result:
    files = [file for one in recovered for file in one.run.files]
    return Result("restored", 0, files=[{**file, "status": "restored"} for file in files])


def _ended(undone: Undone, later_runs: list[str]) -> Result:
    names = {(entry.node, entry.name) for entry in undone.restored}
    files = [
        {**file, "status": "restored" if (file["node"], file["path"]) in names else "unchanged"}
        for file in undone.undone.files
    ]
    run = undone.run.run if undone.run else None
    again = f"apimha-wizard rollback {undone.undone.run}"
    if undone.failed:
        error = (
            f"these paths could not be restored:\n{recovery.listed([*undone.failed, *undone.kept])}\n"
            f"  fix: correct that, then: {again}   (restores the rest)"
        )
        return Result("failed", 5, run=run, files=files, error=error)
    if undone.kept:
        first = "".join(f"apimha-wizard rollback {later_run}, " for later_run in later_runs)
        fix = (
            f"undo the later runs first: {first}then {again}"
            if first
            else f"to lose those edits: {again} --force"
        )
        error = f"edited since the run, and kept:\n{recovery.listed(undone.kept)}\n  fix: {fix}"
        return Result("restored", 3, run=run, files=files, error=error)
    return Result("restored" if run else "unchanged", 0, run=run, files=files)


def history(argument: str | None = None) -> list[dict[str, Any]]:
    """The runs, the newest first, as data: run, kind, profile, nodes, started, owner, files, state.

    Raises:
        Failed: a journal cannot be read.
    """
    with os_errors_as_failures():
        all_runs = runs.history()
        status = runs.statuses(all_runs)
        chosen = all_runs if argument is None else runs.of_profile(argument, all_runs)
        return [_describe(run, status[run.run]) for run in chosen]


def _describe(run: Listed, status: runs.RunStatus) -> dict[str, Any]:
    return {
        "run": run.run,
        "kind": run.kind,
        "profile": run.profile,
        "profile_path": run.profile_path,
        "nodes": list(run.homes),
        "started": run.started,
        "owner": run.owner,
        "files": run.files,
        "ignored": run.ignored,
        "state": _state(run, status),
        "can_be_undone": status in runs.OPEN and run.has_backups,
    }


def _state(run: Listed, status: runs.RunStatus) -> str:
    if status == "undid":
        return f"undid {run.undoes}"
    if status == "undid in part":
        return f"undid part of {run.undoes}"
    return "failed, restored" if status == "failed" else status


def later(name: str) -> list[str]:
    """The newer runs that changed some of the same files and were not undone, the newest first.

    Raises:
        Failed: a journal cannot be read.
    """
    with os_errors_as_failures():
        all_runs = runs.history()
        status = runs.statuses(all_runs)
    number = next((n for n, run in enumerate(all_runs) if run.run == name), 0)
    paths = all_runs[number].left.keys() if all_runs else set()
    return [
        run.run
        for run in all_runs[:number]
        if run.kind == "replay" and status[run.run] in runs.OPEN and paths & run.left.keys()
    ]


def changes(name: str) -> list[Change]:
    """What a run changed, file by file, with the bytes before and after as far as they were kept.

    Raises:
        UsageError: there is no such run.
        Failed: a journal or a backup cannot be read.
    """
    with os_errors_as_failures():
        run = runs.whole(name)
        if run is None:
            raise UsageError(f"there is no run {name}", fix="apimha-wizard history")
        newer = list(itertools.takewhile(lambda one: one.run != name, runs.history()))
        entries = {(entry.node, entry.name): entry for entry in run.entries}
        found = []
        for file in run.files:
            entry = entries.get((file["node"], file["path"]))
            before = after = None
            if entry is not None and entry.after.kind == "file" and entry.before.kind == "file":
                before, after = _texts(run, entry, newer)
            lines = tuple(Line(text) for text in file["changes"])
            if entry is not None:
                found.append(Change(entry.node, entry.name, "edit", ("",), lines, (), before, after))
        return found


def _texts(run: Run, entry: JournalEntry, newer: list[Listed]) -> tuple[bytes | None, bytes | None]:
    """The bytes of an edited file before and after a run; None where they were not kept, or are no text."""
    try:
        before = bounded.read(run.backup(entry)) if entry.backup else None
    except FileNotFoundError:  # history --prune
        before = None
    key = drift.key_of(entry.path)
    next_one = next((one for one in reversed(newer) if key in one.left), None)
    after = drift.bytes_of(run, entry, next_one)
    if after is None and state_of(entry.path) == entry.after:
        after = bounded.read(entry.path)
    return (None, None) if before is None or after is None or b"\0" in before + after else (before, after)


def prune(keep: int) -> int:
    """How many runs lost their backups."""
    with os_errors_as_failures():
        return runs.prune(keep)
