"""`rollback` and `history`: going back, and what there is to go back from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from wizard import apply as applying
from wizard import runs
from wizard.cancel import Cancel
from wizard.errors import WizardError
from wizard.home_lock import locked
from wizard.replay import Outcome, Result
from wizard.runs import Run


def rollback(
    argument: str | None,
    *,
    force: bool,
    say: Callable[[str], None] = lambda text: None,
    cancel: Cancel,
) -> Result:
    """Undo a run.

    A run that was cut off is taken back, and nothing older with it.  Outcome `restored` (3 where files that were
    edited since were kept), `unchanged` or `failed`.
    """
    run = runs.find(argument)
    homes = [Path(home) for home in run.homes.values()]
    try:
        with ExitStack() as stack:
            stack.enter_context(locked(home for home in homes if home.is_dir()))
            recovered = applying.recover([home for home in homes if home.is_dir()], cancel, force=force)
            if recovered:
                for one in recovered:
                    say(f"The run {one.run.run} had been cut off: {one.restored} files were restored.")
                return _taken_back(recovered)
            if runs.status(run, runs.history()) not in {"applied", "rolled back in part"}:
                return Result("unchanged", 0)
            undone = applying.rollback(run, force=force, cancel=cancel)
    except WizardError as problem:
        outcome: Outcome = {1: "failed", 130: "cancelled"}.get(problem.exit_code, "refused")  # type: ignore[assignment]
        return Result(outcome, problem.exit_code, error=str(problem))
    return _ended(undone)


def _taken_back(recovered: list[applying.Recovered]) -> Result:
    files = [file for one in recovered for file in one.run.files]
    return Result("restored", 0, files=[{**file, "status": "restored"} for file in files])


def _ended(undone: applying.Undone) -> Result:
    kept = {(entry.node, entry.name) for entry in undone.kept}
    restored = {(entry.node, entry.name) for entry in undone.restored}
    files = [
        {**file, "status": "restored" if (file["node"], file["path"]) in restored else "unchanged"}
        for file in undone.undone.files
    ]
    if kept:
        names = ", ".join(str(entry.path) for entry in undone.kept)
        return Result(
            "restored",
            3,
            run=undone.run.run if undone.run else None,
            files=files,
            error=f"edited since the run, and kept: {names}\n"
            f"  fix: to lose those edits: apimha-wizard rollback {undone.undone.run} --force",
        )
    if undone.run is None:
        return Result("unchanged", 0, files=files)
    return Result("restored", 0, run=undone.run.run, files=files)


def history(argument: str | None = None) -> list[dict[str, Any]]:
    """The runs, the newest first, as data: run, kind, profile, nodes, started, owner, files, state."""
    all_runs = runs.history()
    chosen = all_runs if argument is None else runs.of_profile(argument, all_runs)
    return [_told(run, all_runs) for run in chosen]


def _told(run: Run, all_runs: list[Run]) -> dict[str, Any]:
    return {
        "run": run.run,
        "kind": run.kind,
        "profile": run.profile,
        "profile_path": run.profile_path,
        "nodes": list(run.homes),
        "started": run.started,
        "owner": run.owner,
        "files": len(run.files),
        "ignored": list(run.ignored),
        "state": runs.status(run, all_runs),
        "can_be_undone": run in runs.open_runs(all_runs) and run.has_backups,
    }


def prune(keep: int) -> int:
    """How many runs lost their backups."""
    return len(runs.prune(keep))
