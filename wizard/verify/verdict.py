"""The profile and both nodes' logs → findings, whether the pair is healthy (procedure 9), and the `View` of it all.

Pure: nothing is read here.  Each `Row` is one row of the table in the procedure.  What a complete start always shows
is an error if it is missing after `WSO2 Carbon started`, and awaited before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizard.system import finding
from wizard.system.finding import ANY_PROFILE, Finding, Fix
from wizard.verify.checks import UNFINISHED
from wizard.verify.judges import analytics, cluster, errors, events, starts
from wizard.verify.pair import NO_LOG, NOT_STARTED, About, Pair, Seen

if TYPE_CHECKING:
    from wizard.verify.drill import Drill
    from wizard.verify.facts import Moment
    from wizard.verify.spark import Look, SparkAddress

PairOutcome = Literal["healthy", "waiting", "unhealthy"]
EXIT_CODES: dict[PairOutcome, int] = {"healthy": 0, "unhealthy": 3, "waiting": 4}


class Row(NamedTuple):
    """A row of the verdict: its id, the judge of each node's log, and the judge of the pair, which comes after."""

    id: str
    node: Callable[[Seen], Iterable[Finding]] | None = None
    pair: Callable[[Pair], Iterable[Finding]] | None = None
    requires_start: bool = True
    """Whether a node without a log, or without a start in it, is reported as skipped."""

    def judge(self, pair: Pair) -> Iterator[Finding]:
        for node in pair.nodes if self.node is not None else ():
            if not self.requires_start or pair.facts(node).started is not None:
                yield from self.node(Seen(pair, node))  # type: ignore[misc]
            else:
                unseen = pair.unseen(node)
                fix = pair.show_log(node) if unseen else None
                yield About(node.name).skipped(NO_LOG if unseen else NOT_STARTED, fix)
        if self.pair is not None:
            yield from self.pair(pair)


ROWS = (
    Row("verify.log", pair=starts.log),
    Row("verify.mode", starts.mode),
    Row("verify.registry-mount", starts.registry_mount),
    Row("verify.membership", cluster.membership),
    Row("verify.member", cluster.member, cluster.no_member),
    Row("verify.snapshot-server", events.snapshot_server),
    Row("verify.active-passive", cluster.active_passive),
    Row("verify.event-sync", events.event_sync, events.no_event_sync),
    Row("verify.state-sync", events.state_sync, events.no_state_sync),
    Row("verify.spark-masters", pair=analytics.spark_masters),
    Row("verify.spark-sql", analytics.spark_sql, requires_start=False),
    Row("verify.node-id", pair=analytics.node_id),
    Row("verify.known-error"),
    Row("verify.unknown-error", errors.unknown_errors, requires_start=False),
)
"""The rows in the procedure's order; `causes` adds to each the errors that belong to it."""

ROLLING = ("event_processor.persistence", "registry.db_config", "datasources.registry", "spark.master_count")
"""The fields that a verdict uses and that may be changed node by node while the pair runs."""


def judge(pair: Pair) -> list[Finding]:
    """Return what both nodes' logs show about the pair, in the procedure's order."""
    found: list[Finding] = []
    causes = list(errors.causes(pair))
    for row in ROWS:
        own = [one for one in causes if one.id == row.id]
        failed = {one.node for one in own if one.status == "error"}
        judged = finding.of(row.id, row.judge(pair))
        found += [one for one in judged if one.status != "waiting" or one.node not in failed]
        found += own
    return found


def outcome(findings: Iterable[Finding], *, unseen: bool) -> PairOutcome:
    """An error makes the pair unhealthy; else anything awaited, or a node without a log, makes it waiting."""
    statuses = {found.status for found in findings}
    if "error" in statuses:
        return "unhealthy"
    return "waiting" if unseen or "waiting" in statuses else "healthy"


@dataclass(frozen=True)
class View:
    """What is known about the pair at one moment: one value for lines, JSON, report and dashboard.

    `spark` is None before the first look; `news` came since the last view.
    """

    pair: Pair
    findings: tuple[Finding, ...]
    outcome: PairOutcome
    spark: Look | None = None
    places: Mapping[str, SparkAddress] = field(default_factory=dict)
    drill: Drill | None = None
    news: tuple[tuple[str, Moment], ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of the contract; 5 if a run of the wizard was interrupted in one of the homes."""
        return 5 if any(one.id == UNFINISHED for one in self.findings) else EXIT_CODES[self.outcome]

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
        evidence = one.evidence and mask(one.evidence)
        masked.append(one._replace(message=mask(one.message), evidence=evidence, remedy=fix))
    return View(pair, tuple(masked), outcome(masked, unseen=any(map(pair.unseen, pair.nodes))), **more)
