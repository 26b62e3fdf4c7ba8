"""What is known about the pair at one moment: one value for lines, JSON, report and dashboard."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wizard.system.finding import ANY_PROFILE, Finding, Fix
from wizard.verify.drill import Drill
from wizard.verify.facts import Moment
from wizard.verify.pair import Pair
from wizard.verify.spark import Look, SparkAddress
from wizard.verify.unfinished import UNFINISHED
from wizard.verify.verdict import PairOutcome, outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

EXIT_CODES: dict[PairOutcome, int] = {"healthy": 0, "unhealthy": 3, "waiting": 4}


@dataclass(frozen=True)
class View:
    """The verdict and its basis.  `spark` is None before the first look; `news` came since the last view."""

    pair: Pair
    findings: tuple[Finding, ...]
    outcome: PairOutcome
    spark: Look | None = None
    places: Mapping[str, SparkAddress] = dataclasses.field(default_factory=dict)
    drill: Drill | None = None
    news: tuple[tuple[str, Moment], ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of the contract; 5 if a run of the wizard was interrupted in one of the homes."""
        if any(one.id == UNFINISHED for one in self.findings):
            return 5
        return EXIT_CODES[self.outcome]

    def to_json(self) -> dict[str, Any]:
        """Return the object of the contract: outcome and findings, nothing else."""
        return {"outcome": self.outcome, "findings": [finding_json(one) for one in self.findings]}


def finding_json(one: Finding) -> dict[str, Any]:
    """Return a finding as in the contract."""
    return {key: getattr(one, key) for key in ("id", "node", "status", "message", "evidence", "fix")}


def view_of(pair: Pair, findings: list[Finding], *, mask: Callable[[str], str] = str, **more: Any) -> View:
    """Return the view with these findings, and `more` of its fields; `mask` hides passwords in all that is shown."""
    masked = []
    for one in findings:
        fix = one.remedy and one.remedy.for_profile(pair.called or ANY_PROFILE)
        fix = fix and Fix(mask(fix.text), fix.action)
        masked.append(
            one._replace(message=mask(one.message), evidence=one.evidence and mask(one.evidence), remedy=fix)
        )
    return View(pair, tuple(masked), outcome(masked, unseen=any(map(pair.unseen, pair.nodes))), **more)
