"""What all judges share: a node whose start is in its log, and the findings about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from wizard.system import finding
from wizard.system.finding import Finding
from wizard.verify.pair import Pair
from wizard.verify.record import Record

if TYPE_CHECKING:
    from wizard.profile.model import Node
    from wizard.verify.facts import Facts

Evidence = Record | str | None

NO_LOG = "its log is not available here"
NOT_STARTED = "the log shows no start"
NOT_WRITTEN = "this is not the configuration that the wizard wrote"


class About:
    """Makes the findings about one node, or about the pair if `name` is None."""

    def __init__(self, name: str | None) -> None:
        self.name = name

    def ok(self, message: str, evidence: Evidence = None) -> Finding:
        return finding.ok(message, node=self.name, evidence=_text(evidence))

    def error(self, message: str, evidence: Evidence, fix: str) -> Finding:
        return finding.error(message, node=self.name, evidence=_text(evidence), fix=fix)

    def warning(self, message: str, evidence: Evidence, fix: str) -> Finding:
        return finding.warning(message, node=self.name, evidence=_text(evidence), fix=fix)

    def waiting(self, message: str, evidence: Evidence = None, fix: str | None = None) -> Finding:
        return finding.waiting(message, node=self.name, evidence=_text(evidence), fix=fix)

    def skipped(self, message: str, fix: str | None = None) -> Finding:
        return finding.skipped(message, node=self.name, fix=fix)


def _text(evidence: Evidence) -> str | None:
    return evidence.line if isinstance(evidence, Record) else evidence


class Seen(About):
    """A node whose newest start is in its log."""

    def __init__(self, pair: Pair, node: Node, facts: Facts) -> None:
        super().__init__(node.name)
        self.pair = pair
        self.node = node
        self.facts = facts
        self.partner = pair.partner(node)
        self.replay = f"replay the profile, then start {node.name} again"

    def missing(self, what: str, fix: str) -> Finding:
        """Return the finding about what every complete start shows, such as `no snapshot server`.

        An error once the start is complete, awaited before, skipped if the start will not be completed.
        """
        facts = self.facts
        if facts.complete is not None:
            return self.error(f"the log shows {what}", facts.complete, fix)
        if facts.failed:
            return self.skipped(f"{what}: the start failed")
        if facts.stopped is not None:
            return self.skipped(f"{what}: the server was stopped")
        since = f", starting since {facts.started.time_text}" if facts.started is not None else ""
        return self.waiting(f"{what} so far{since}")


class Row(NamedTuple):
    """A row of the verdict: its id, the judge of each node's log, and the judge of the pair, which comes after."""

    id: str
    node: Callable[[Seen], Iterable[Finding]] | None = None
    pair: Callable[[Pair], Iterable[Finding]] | None = None
    requires_start: bool = True
    """Whether a node without a log, or without a start in it, is reported as skipped."""

    def judge(self, pair: Pair) -> Iterator[Finding]:
        for node in pair.nodes if self.node is not None else ():
            facts = pair.facts(node)
            if facts is not None and (facts.started is not None or not self.requires_start):
                yield from self.node(Seen(pair, node, facts))  # type: ignore[misc]
            elif self.requires_start:
                unseen = pair.unseen(node)
                fix = pair.show_log(node) if unseen else None
                yield About(node.name).skipped(NO_LOG if unseen else NOT_STARTED, fix)
        if self.pair is not None:
            yield from self.pair(pair)
