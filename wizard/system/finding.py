"""What a check or `verify` found: a value, which the command line or the screen prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Literal, NamedTuple

from wizard.system.errors import REPORT, WizardError, describe_error

FindingStatus = Literal["ok", "warning", "error", "skipped", "waiting"]


class SetField(NamedTuple):
    """Set a field of the profile to a value, with a key: `field` is a dotted path, like `nodes.1.port_offset`."""

    field: str
    value: Any
    label: str


class Agree(NamedTuple):
    """Ask, with a key, whether the user agrees to the profile."""

    label: str = "agree to what this profile names"


class Fix(NamedTuple):
    """How to fix a finding: the text that a person reads, and the action that a key can take.

    With a `rest`, the text is a command of this program for the profile: the profile's name belongs between `text`
    and `rest`, and `for_profile` fills it in.  `str()` of a fix is its whole text.
    """

    text: str
    action: SetField | Agree | None = None
    rest: str | None = None

    def for_profile(self, name: str) -> Fix:
        """Return the fix with the profile's name, as a command calls it, filled in."""
        return self if self.rest is None else Fix(f"{self.text}{name}{self.rest}", self.action)

    def __str__(self) -> str:
        return self.for_profile(ANY_PROFILE).text


ANY_PROFILE = "PROFILE"
"""The name of a profile in a fix that is for no profile in particular, as in the documentation."""


def command(name: str, rest: str = "", *, before: str = "") -> Fix:
    """Return the fix that runs a command of this program: `before`, the command, the profile, then `rest`."""
    return Fix(f"{before}apimha-wizard {name} ", None, rest)


AGREE = Fix("Run: apimha-wizard profile allow ", Agree(), "   (or add --allow-commands, for this run only)")
"""The fix where the user has not agreed to the profile."""


class Finding(NamedTuple):
    """One result.  `id` is set by whoever runs the check; `waiting` and `evidence` belong to verify alone."""

    status: FindingStatus
    message: str
    node: str | None = None
    remedy: Fix | None = None
    evidence: str | None = None
    id: str = ""

    @property
    def fix(self) -> str | None:
        """The text of the remedy, as `--json` prints it."""
        return None if self.remedy is None else str(self.remedy)

    def for_profile(self, name: str) -> Finding:
        """Return the finding with the profile's name, as a command calls it, in its fix."""
        return self if self.remedy is None else self._replace(remedy=self.remedy.for_profile(name))

    @property
    def action(self) -> SetField | Agree | None:
        """What a key can do about it."""
        return None if self.remedy is None else self.remedy.action


def _fix(fix: Fix | str | None) -> Fix | None:
    return Fix(fix) if isinstance(fix, str) else fix


def _finding(
    status: FindingStatus,
    message: str,
    *,
    fix: Fix | str | None = None,
    node: str | None = None,
    evidence: str | None = None,
) -> Finding:
    return Finding(status, message, node, _fix(fix), evidence)


ok = partial(_finding, "ok")
warning = partial(_finding, "warning")
error = partial(_finding, "error")
skipped = partial(_finding, "skipped")
waiting = partial(_finding, "waiting")


def of(
    id: str, findings: Iterable[Finding], broken: Callable[..., Finding] = error, fix: Fix | str = REPORT
) -> list[Finding]:
    """The findings of a check, with its id; a problem without a fix gets the check's `fix`.

    What the check raises becomes the last of them, made by `broken`.
    """
    found: list[Finding] = []
    try:
        found.extend(findings)
    except WizardError as problem:
        found.append(broken(problem.text, fix=problem.fix or fix))
    except OSError as problem:
        found.append(broken(f"cannot look: {describe_error(problem)}", fix=fix))
    except Exception as problem:
        found.append(broken(describe_error(problem), fix=REPORT))
    return [
        one._replace(id=id, remedy=one.remedy or (_fix(fix) if one.status in ("error", "warning") else None))
        for one in found
    ]


def finding_lines(one: Finding, sign: str) -> Iterator[str]:
    """Yield the lines of a finding: its message, and unless it passed, its evidence and fix."""
    node = f" {one.node}:" if one.node else ""
    yield f"{sign} {one.id}{node} {one.message}"
    if one.evidence and one.status not in ("ok", "skipped"):
        yield from (f"    > {line}" for line in one.evidence.split("\n"))
    if one.fix:
        yield f"    fix: {one.fix}"
