"""The eight steps of the procedure, in its order, and every check.

The sidebar, the form, `--only`, `checks`, the JSON schema and the tables of the documentation come from this list.
"""

from __future__ import annotations

from wizard.preflight.checks import Check
from wizard.preflight.pair import PAIR_CHECKS
from wizard.steps import (
    datasources,
    deployment_sync,
    event_processor,
    hazelcast,
    mysql,
    prerequisites,
    registry,
    spark,
)
from wizard.steps.step import Step

STEPS: tuple[Step, ...] = (
    prerequisites.STEP,
    mysql.STEP,
    datasources.STEP,
    registry.STEP,
    hazelcast.STEP,
    event_processor.STEP,
    spark.STEP,
    deployment_sync.STEP,
)

STEP_IDS: tuple[str, ...] = tuple(step.id for step in STEPS)

CHECKS: tuple[Check, ...] = (*(one for step in STEPS for one in step.checks), *PAIR_CHECKS)
"""Every check, in the order of the procedure."""


def chosen(only: tuple[str, ...] = (), skip: tuple[str, ...] = ()) -> tuple[Step, ...]:
    """The steps that `--only` and `--skip` leave."""
    return tuple(step for step in STEPS if (not only or step.id in only) and step.id not in skip)


def checks_of(steps: tuple[Step, ...]) -> tuple[Check, ...]:
    """The checks of these steps, and those that always run (checks.md)."""
    ids = {step.id for step in steps} | {"ports", "apply"}
    return tuple(one for one in CHECKS if one.always or one.step in ids)
