"""`rollback` and `history`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Any

from wizard.command_line.run.replay import Result
from wizard.edit.edits import Line
from wizard.pack.home import is_pack
from wizard.plan.change import Change
from wizard.preflight import drift
from wizard.profile.files import called, locate
from wizard.profile.store import load
from wizard.server.process import server_of, stranger_in_pid_file
from wizard.system import bounded
from wizard.system.bounded import is_anything, is_empty
from wizard.system.errors import Cancel, ChecksFailed, Failed, UsageError, WizardError, os_errors_as_failures
from wizard.transaction import apply as applying
from wizard.transaction import recovery, runs
from wizard.transaction.index import Listed
from wizard.transaction.marker import locked
from wizard.transaction.move import Move, state_of
from wizard.transaction.recovery import Unrestored
from wizard.transaction.runs import JournalEntry, Run


def rollback(
    argument: str | None, *, force: bool, say: Callable[[str], None] = lambda text: None, cancel: Cancel
) -> Result:
    """Undo a run: restore each of its paths, except those that were edited since.

    An interrupted run is restored, and nothing older with it.  Outcome `restored` (3 where edited files were kept),
    `unchanged` or `failed`.
    """
    with os_errors_as_failures():
        runs.sweep()
        run, homes = None, _homes_without_runs(argument) if argument is not None else None
        if homes is None:
            run = runs.find(argument)
            homes = [home for home in map(Path, run.homes.values()) if not is_empty(home)]
    try:
        with os_errors_as_failures(), locked(homes):
            recovered = recovery.recover(homes, cancel, force=force)
            if recovered:
                for line in (line for one in recovered for line in one.lines()):
                    say(line)
                files = [{**file, "status": "restored"} for one in recovered for file in one.run.files]
                return Result("restored", 0, files=files)
            status = runs.statuses(runs.history()).get(run.run) if run is not None else None
            if run is not None and status == runs.INTERRUPTED:  # and no home that is here has its marker
                raise recovery.not_here(run)
            if run is None or status not in runs.OPEN:
                return Result("unchanged", 0)
            return _undo(run, force=force, cancel=cancel)
    except WizardError as problem:
        return Result(problem.outcome, problem.exit_code, error=str(problem))


def _homes_without_runs(argument: str) -> list[Path] | None:
    """The homes here of a profile without runs: another user's run may have been interrupted there.

    None: it has runs, or is not a profile.
    """
    all_runs, homes = runs.history(), None
    if not any(run.run == argument for run in all_runs) and not runs.of_profile(argument, all_runs):
        with suppress(UsageError):  # it is not a profile, or not a valid one
            if is_anything(locate(argument)[1]):
                homes = []
                homes = [Path(node.home) for node in load(argument).profile.nodes if is_pack(Path(node.home))]
    return homes


def _undo(run: Run, *, force: bool, cancel: Cancel) -> Result:
    """Undo a finished run.  The caller holds its homes.

    Raises:
        ChecksFailed: a server runs, a home is missing, or the backups were pruned.
        Failed, Cancelled, NotRestored: as `apply`.
    """
    _refuse(run)
    moves: list[tuple[str, str, Move]] = []
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
            moves.append((entry.node, entry.name, recovery.way_back(run, entry, now)))
        else:
            (failed if force else kept).append(recovery.edited(entry, now))
    if not moves and (kept or failed):
        return _result(run, None, set(), kept, failed)
    # Without moves it is only recorded that nothing of the run is left, so that the next rollback undoes an older one.
    names = {(node, name) for node, name, _ in moves}
    undoing = runs.new(
        "rollback",
        run.profile,
        run.profile_path,
        run.homes,
        files=tuple({**file, "status": "restored"} for file in run.files if _key(file) in names),
        undoes=run.run,
        complete=not kept and not failed,
    )
    try:
        done = applying.apply(moves, undoing, cancel=cancel, left=failed)
    except Failed:
        if {move.path for *_, move in moves} - {one.path for one in failed}:
            raise
        return _result(run, None, set(), kept, failed)
    runs.enlist(done)
    unrestored = {one.path for one in failed}
    names = {(node, name) for node, name, move in moves if move.path not in unrestored}
    return _result(run, done.run if moves else None, names, kept, failed)


def _result(
    run: Run,
    undoing: str | None,
    restored: set[tuple[str, str]],
    kept: list[Unrestored],
    failed: list[Unrestored],
) -> Result:
    """The result of undoing `run` by the run `undoing` (None: there was nothing to write)."""
    files = [{**file, "status": "restored" if _key(file) in restored else "unchanged"} for file in run.files]
    result = Result("restored" if undoing else "unchanged", 0, run=undoing, files=files)
    again = f"apimha-wizard rollback {run.run}"
    if failed:
        fix = f"correct the problem, then: {again}   (restores the rest)"
        left = recovery.listed([*failed, *kept])
        result.error = f"these paths could not be restored:\n{left}\n  fix: {fix}"
        result.outcome, result.exit_code = "failed", 5
    elif kept:
        newer = "".join(f"apimha-wizard rollback {name}, " for name in later(run.run))
        fix = f"undo the later runs first: {newer}then {again}"
        fix = fix if newer else f"to discard those edits: {again} --force"
        result.error = f"edited since the run, and kept:\n{recovery.listed(kept)}\n  fix: {fix}"
        result.outcome, result.exit_code = "restored", 3
    return result


def _key(file: dict[str, Any]) -> tuple[str, str]:
    return file["node"], file["path"]


def _refuse(run: Run) -> None:
    for node, home in run.homes.items():
        if is_empty(Path(home)):
            raise ChecksFailed(f"the home of {node} is missing", place=home, fix="put it back where it was")
    running = {node: pid for node, home in run.homes.items() if (pid := server_of(Path(home))) is not None}
    if running:
        text = f"running servers: {', '.join(f'{node} (process {pid})' for node, pid in running.items())}"
        only = f" --node {next(iter(running))}" if len(running) == 1 else ""
        fix = f"apimha-wizard stop {called(run.profile, Path(run.profile_path))}{only}"
        raise ChecksFailed(text, place=", ".join(run.homes[node] for node in running), fix=fix)
    for node, home in run.homes.items():
        if (pid := stranger_in_pid_file(Path(home))) is not None:
            text = f"wso2carbon.pid of {node} names process {pid}, which is not known as its server"
            fix = f"look at it: ps -fp {pid}; if it is another program: rm {quote(f'{home}/wso2carbon.pid')}"
            raise ChecksFailed(text, place=home, fix=fix)
    if not run.has_backups:
        text = f"the backups of the run {run.run} were removed (history --prune)"
        raise ChecksFailed(text, fix="restore the homes from your own backup")


def history(argument: str | None = None) -> list[dict[str, Any]]:
    """List the runs, the newest first, as data: run, kind, profile, nodes, started, owner, files, state.

    Raises:
        Failed: a journal cannot be read.
    """
    with os_errors_as_failures():
        all_runs = runs.history()
        status = runs.statuses(all_runs)
        chosen = all_runs if argument is None else runs.of_profile(argument, all_runs)
        return [_describe(run, status[run.run]) for run in chosen]


def _describe(run: Listed, status: runs.RunStatus) -> dict[str, Any]:
    states = {
        "undid": f"undid {run.undoes}",
        "undid in part": f"undid part of {run.undoes}",
        "failed": "failed, restored",
    }
    return {
        **{key: getattr(run, key) for key in ("run", "kind", "profile", "profile_path")},
        "nodes": list(run.homes),
        **{key: getattr(run, key) for key in ("started", "owner", "files", "ignored")},
        "state": states.get(status, status),
        "can_be_undone": status in runs.OPEN and run.has_backups,
    }


def later(name: str) -> list[str]:
    """List the newer runs that changed some of the same files and were not undone, the newest first."""
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
    """Return the changes of a run, file by file, with the bytes before and after as far as they were kept.

    Raises:
        UsageError: there is no such run.
        Failed: a journal or a backup cannot be read.
    """
    with os_errors_as_failures():
        run = runs.whole(name)
        if run is None:
            raise UsageError(f"no run is called {name}", fix="apimha-wizard history")
        newer = itertools.takewhile(lambda one: one.run != name, runs.history())
        by_age = list(newer)[::-1]
        listed = {(file["node"], file["path"]): file["changes"] for file in run.files}
        found = []
        for entry in run.entries:
            changes = listed.get((entry.node, entry.name))
            if changes is not None:
                before, after = _texts(run, entry, by_age)
                lines = tuple(map(Line, changes))
                found.append(Change(entry.node, entry.name, "edit", ("",), lines, (), before, after))
        return found


def _texts(run: Run, entry: JournalEntry, newer: list[Listed]) -> tuple[bytes | None, bytes | None]:
    """Return the bytes of an edited file before and after a run; None where they were not kept or are not text.

    `newer` are the later runs, the oldest first.
    """
    if entry.before.kind != "file" or entry.after.kind != "file":
        return None, None
    try:
        before = bounded.read(run.backup(entry)) if entry.backup else None
    except FileNotFoundError:  # history --prune
        before = None
    key = drift.key_of(entry.path)
    after = drift.bytes_of(run, entry, next((one for one in newer if key in one.left), None))
    if after is None and state_of(entry.path) == entry.after:
        after = bounded.read(entry.path)
    return (None, None) if before is None or after is None or b"\0" in before + after else (before, after)
