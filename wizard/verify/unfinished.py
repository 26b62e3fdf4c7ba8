"""Homes between two states, for `check`, `verify` and the server commands: a run is at work or was interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from wizard.system import finding
from wizard.system.finding import Finding, Fix

UNFINISHED = "apply.unfinished"
"""The id of the check (checks.md)."""


def unfinished_runs(homes: Mapping[str, Path], *, locked: bool = False) -> Iterator[Finding]:
    """Yield an error for each home, by node, in which a run is at work or was interrupted.

    A warning where the marker cannot be read: a run tries again with the home locked, and stops there.  `locked`: this
    process holds the locks of the homes, so that no other run is at work in them.
    """
    from wizard.transaction import home_lock, recovery, runs

    for node, home in homes.items():
        try:
            there = runs.unfinished_in(home)
        except OSError as problem:
            message = f"cannot read whether a run was interrupted in {home}: {problem.strerror}"
            yield finding.warning(message, node=node, fix="let this user read the home and the state folder")
            continue
        if there is None:
            continue
        run = f"the run {there.run} of {there.owner}"
        fix: Fix | str
        if not locked and home_lock.held(home):
            fix = "wait until it has ended, then try again"
            yield finding.error(f"{run} is at work in {home}", node=node, fix=fix)
            continue
        fix = finding.command("rollback", "   (restores what it had changed)")
        if runs.whole(there.run) is None:
            fix = recovery.unreadable(there, home).fix or fix
        yield finding.error(f"{run} was interrupted in {home}", node=node, fix=fix)
