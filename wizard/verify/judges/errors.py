"""Judges of the servers' errors: grouped by cause, each cause one finding in the row of the verdict it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from wizard.system.finding import Finding
from wizard.verify.facts import Tally, Trouble
from wizard.verify.knowledge import REACHED
from wizard.verify.pair import Pair, Seen
from wizard.verify.record import between

if TYPE_CHECKING:
    from wizard.verify.facts import Facts

QUIET = timedelta(seconds=30)
"""Minimum time without an error before it counts as over: the pools validate a connection every 30 s
(`validationInterval`)."""
LONGEST_PAUSE = timedelta(hours=1)
"""An error that came again and again is over after its usual pause without it, or after this time."""
QUOTED = 3
"""Kinds of unknown errors that are quoted."""
LONGEST_QUOTE = 160
"""Characters of a message that a finding repeats beside its cause."""

OVER = "; this is over"

_AFFECTED = {
    "log": "the start is affected",
    "mode": "the event processor failed",
    "registry-mount": "the registry's mounts failed",
    "membership": "the cluster failed",
    "event-sync": "event sync failed",
    "state-sync": "the state sync failed",
    "spark-masters": "Spark failed",
}
"""What an error of a row without a known cause means."""
_SUCCESS_OF = {"spark-masters": "spark", "membership": "member", "log": "start"}
"""What shows that an error of a row without a known cause is over."""


def causes(pair: Pair) -> Iterator[Finding]:
    """Yield one finding for each cause of each node's errors, with the id of its row."""
    for node in pair.nodes:
        together: dict[str, list[Trouble]] = {}
        for key, trouble in pair.facts(node).troubles.items():
            cause = trouble.failure.id if trouble.failure is not None else repr(key)
            together.setdefault(cause, []).append(trouble)
        groups = []
        for troubles in together.values():
            first = min(troubles, key=lambda one: (not one.blocks_start, one.row is None))
            groups.append(("log" if first.blocks_start else first.row or "known-error", first, troubles))
        # The kernel's own message about a failed start adds nothing if its cause is known.
        explained = any(row == "log" and first.failure is not None for row, first, _ in groups)
        for row, first, troubles in groups:
            if row != "log" or first.failure is not None or not explained:
                yield _cause(Seen(pair, node), first, troubles)._replace(id=f"verify.{row}")


def _cause(seen: Seen, first: Trouble, troubles: list[Trouble]) -> Finding:
    failure, tally = first.failure, max((one.tally for one in troubles), key=lambda one: one.at)
    over = all(_is_over(seen, one) for one in troubles)
    quoted = first.text[:LONGEST_QUOTE].rstrip(" :.")
    fix = f"correct the cause, and start {seen.name} again"
    if first.blocks_start:
        fatal = seen.facts.complete is not None and tally.last.level == "FATAL"
        cause = f"{failure.cause} ({quoted})" if failure is not None else quoted
        message = f"{'a fatal error' if fatal else 'the start failed'} at {tally.last.time_text}: {cause}"
    elif first.node is not None:
        partner = seen.partner.name
        message = f"cannot fetch the state: the management port {first.node} of {partner} is not reachable, and the "
        message += "server does not retry"
        fix = f"open that port to {seen.name} (firewall; check that {partner} listens there), then start {seen.name} "
        fix += "again"
    elif first.row is not None:
        affected = f"{_AFFECTED[first.row]}: {quoted}"
        message = f"{quoted}: {failure.cause}" if failure is not None else affected
    else:
        message = failure.cause if failure is not None else quoted
    count = sum(one.tally.count for one in troubles)
    times = f" ({count} times)" if count > 1 else ""
    report = seen.warning if over else seen.error
    message = f"{message}{times}{OVER if over else ''}"
    return report(message, tally.last.evidence, failure.fix if failure is not None else fix)


def _is_over(seen: Seen, trouble: Trouble) -> bool:
    """Whether something later in the log shows that an error is over (procedure 9)."""
    failure, tally, facts = trouble.failure, trouble.tally, seen.facts
    completed = succeeded(facts, "start", tally)
    if tally.last.level == "FATAL" or (trouble.blocks_start and (failure is None or not completed)):
        return False
    if trouble.row == "event-sync" and (failure is None or failure.subject in REACHED):
        return succeeded(facts, "receiver" if trouble.tried_once else "events", tally)
    if failure is None or trouble.tried_once:
        success = _SUCCESS_OF.get(trouble.row or "")
        return success is not None and succeeded(facts, success, tally)
    # Of Spark: harmless before both nodes are up, and no node completes its start without the other.
    if failure.over in ("database", "spark") and (completed or succeeded(facts, failure.over, tally)):
        return True
    return failure.over in ("database", "quiet") and facts.complete is not None and is_quiet(seen, tally)


def succeeded(facts: Facts, what: str, tally: Tally) -> bool:
    """Whether a later line shows that it works again."""
    return facts.successes.get(what, 0) > tally.at


def is_quiet(seen: Seen, tally: Tally) -> bool:
    """Whether the log goes on without such an error for as long as the errors lasted, or paused before."""
    again = min(tally.pause, LONGEST_PAUSE) if tally.pauses > 1 else timedelta()
    since = between(tally.last, seen.pair.sight(seen.node).latest or seen.facts.last)
    return since is not None and since >= max(tally.lasted, again, QUIET)


def unknown_errors(seen: Seen) -> Iterator[Finding]:
    count, kinds = seen.facts.unknown_count, sorted(seen.facts.unknown.values(), key=lambda tally: -tally.at)
    if count:
        of_kinds = f", of {len(kinds)} kinds" if len(kinds) > 1 else ""
        quoted = "\n".join(f"{tally.count}x {tally.last.evidence}" for tally in kinds[:QUOTED])
        message = f"{count} unknown error{'s' if count > 1 else ''}{of_kinds}"
        yield seen.warning(message, quoted, f"read them in {seen.pair.sight(seen.node).log}")
