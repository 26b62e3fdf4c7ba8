"""Lookups that the screens need: steps by id, the keys of a step, the steps of a key, the title of a table."""

from __future__ import annotations

from wizard.profile.fields import Key, keys, tables
from wizard.steps.procedure import STEP_IDS, STEPS
from wizard.steps.step import Step


def step_of(id: str) -> Step:
    """Return the step of that id.  `ValueError` if there is none."""
    return STEPS[STEP_IDS.index(id)]


def keys_of(step: Step) -> list[Key]:
    """Return the keys that a step asks for, in its order."""
    return [keys()[name] for name in step.fields]


def steps_of(key: str) -> list[str]:
    """Return the ids of the steps that ask for a key."""
    return [step.id for step in STEPS if key in step.fields]


def table_title(table: str) -> str:
    """Return the title of a table: that of the field which holds it."""
    around, _, name = table.rpartition(".")
    return tables()[around].model_fields[name].title or name
