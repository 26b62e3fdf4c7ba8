"""What a check or `verify` found: a value, printed by somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

from wizard.system.errors import REPORT, WizardError, describe_error

FindingStatus = Literal["ok", "warning", "error", "skipped", "waiting"]


class Remedy(NamedTuple):
    """A change of the profile that a key can do: `field` is a dotted path, like `nodes.1.port_offset`."""

    field: str
    value: Any
    label: str


class Agree(NamedTuple):
    """What a key can do where the user has not agreed to the profile: ask whether they do."""

    label: str = "agree to what this profile names"


class Finding(NamedTuple):
    """One result.  `id` is set by whoever runs the check; `waiting` and `evidence` belong to verify alone."""

    status: FindingStatus
    message: str
    node: str | None = None
    fix: str | None = None
    evidence: str | None = None
    remedy: Remedy | Agree | None = None
    id: str = ""


def ok(message: str, *, node: str | None = None, evidence: str | None = None) -> Finding:
    return Finding("ok", message, node, None, evidence)


def warning(
    message: str,
    *,
    fix: str,
    node: str | None = None,
    evidence: str | None = None,
    remedy: Remedy | None = None,
) -> Finding:
    return Finding("warning", message, node, fix, evidence, remedy)


def error(
    message: str,
    *,
    fix: str,
    node: str | None = None,
    evidence: str | None = None,
    remedy: Remedy | Agree | None = None,
) -> Finding:
    return Finding("error", message, node, fix, evidence, remedy)


def skipped(
    message: str, *, node: str | None = None, fix: str | None = None, remedy: Agree | None = None
) -> Finding:
    return Finding("skipped", message, node, fix, None, remedy)


def waiting(
    message: str, *, node: str | None = None, fix: str | None = None, evidence: str | None = None
) -> Finding:
    return Finding("waiting", message, node, fix, evidence)


def of(
    id: str, findings: Iterable[Finding], broken: Callable[..., Finding] = error, fix: str = REPORT
) -> list[Finding]:
    """The findings of a check, with its id.  What it raises becomes the last of them, made by `broken`."""
    found: list[Finding] = []
    try:
        found.extend(findings)
    except WizardError as problem:
        found.append(broken(problem.text, fix=problem.fix or fix))
    except OSError as problem:
        found.append(broken(f"cannot look: {describe_error(problem)}", fix=fix))
    except Exception as problem:
        found.append(broken(describe_error(problem), fix=REPORT))
    return [one._replace(id=id) for one in found]
