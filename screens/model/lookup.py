"""Lookups that the screens need: steps by id, the keys of a step, the steps of a key, the title of a table."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from wizard.command_line.run import rollback
from wizard.profile.fields import Key, keys
from wizard.steps.procedure import STEP_IDS, STEPS
from wizard.steps.step import Step
from wizard.system.errors import WizardError

if TYPE_CHECKING:
    from wizard.profile.document import Place

PASSWORDS = tuple(key.key for key in keys().values() if key.kind == "reference")
"""The keys of the passwords."""


def step_of(id: str) -> Step:
    """Return the step of that id.  `ValueError` if there is none."""
    return STEPS[STEP_IDS.index(id)]


def keys_of(step: Step) -> list[Key]:
    """Return the keys that a step asks for, in its order."""
    return [keys()[name] for name in step.fields]


def steps_of(key: str) -> list[str]:
    """Return the ids of the steps that ask for a key."""
    return [step.id for step in STEPS if key in step.fields]


def newest_runs(name: str | None = None) -> dict[str, tuple[str, str]]:
    """Return the state and the day of the newest run of a profile, or of each: `("applied", "2026-11-24")`."""
    found: dict[str, tuple[str, str]] = {}
    with suppress(WizardError):  # how the last run ended is worth knowing, and no reason to stop
        for run in rollback.history(name):
            found.setdefault(run["profile"], (run["state"], run["started"][:10]))
    return found


def applied(name: str) -> str:
    """Return `applied` where the newest run of a profile was applied and is not undone, else an empty text."""
    state, _ = newest_runs(name).get(name, ("", ""))
    return state if state == "applied" else ""


def places(key: str) -> list[Place]:
    """Return the places of a key: one, or one for each node."""
    table, _, name = key.partition(".")
    return [("nodes", 0, name), ("nodes", 1, name)] if table == "nodes" else [tuple(key.split("."))]
