"""The profile and both nodes' logs → findings, and whether the pair is healthy (procedure 9).

Pure: nothing is read here.  Each `Row` is one row of the table in the procedure.  What a complete start always shows
is an error if it is missing after `WSO2 Carbon started`, and awaited before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from wizard.system import finding
from wizard.system.finding import Finding
from wizard.verify.judges import analytics, cluster, errors, events, starts
from wizard.verify.pair import NO_LOG, NOT_STARTED, About, Pair, Seen

PairOutcome = Literal["healthy", "waiting", "unhealthy"]


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
