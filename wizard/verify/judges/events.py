"""Judges of the state and of the events that the nodes exchange: snapshot server, event sync, state sync."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from wizard.system.finding import Finding
from wizard.verify.facts import Address, Tally
from wizard.verify.knowledge import recognise
from wizard.verify.pair import NO_LOG, NOT_WRITTEN, About, Pair, Seen
from wizard.verify.record import between

if TYPE_CHECKING:
    from wizard.profile.model import Node
    from wizard.verify.facts import Facts

RETRY = timedelta(seconds=10)
"""The passive node retries the state sync after this time (`stateSyncRetryInterval` of the stock packs)."""

ANY_ADDRESS = ("0.0.0.0", "::", "0:0:0:0:0:0:0:0", "")
"""A server that binds to one of these listens on every address of its machine."""


def snapshot_server(seen: Seen) -> Iterator[Finding]:
    failed, port = seen.facts.snapshot_failed, seen.pair.event_ports(seen.node).management
    if failed is not None:
        failure = recognise(failed.causes, source=failed.source)
        because = f" ({failure.cause})" if failure is not None else ""
        message = "the snapshot server cannot start, so the other node cannot fetch this one's state"
        fix = f"free port {port} or set another management_port; {seen.replay}"
        if failure is not None and failure.id != "port-in-use":
            fix = failure.fix
        yield seen.error(message + because, failed.evidence, fix)
    elif seen.facts.snapshot is None:
        yield seen.missing("no snapshot server", seen.replay)
    else:
        (address, record), wanted = seen.facts.snapshot, Address(seen.node.host, port)
        bound = address.host in ANY_ADDRESS and wanted.port in (0, address.port)
        if bound or seen.pair.matches(wanted, address):
            yield seen.ok(f"the snapshot server is at {address}", record)
        else:
            message = f"the snapshot server is at {address}, not at {wanted}"
            yield seen.error(f"{message}: {NOT_WRITTEN}{_offset(seen.pair, seen.node)}", record, seen.replay)


def _offset(pair: Pair, node: Node) -> str:
    """Return a possible cause if one offset explains every port of the node in the logs, else nothing."""
    wanted, own, other = pair.event_ports(node), pair.facts(node), pair.facts(pair.partner(node))
    moved = {address.port - wanted.sync for address in other.publishers}
    moved |= {own.snapshot[0].port - wanted.management} if own.snapshot is not None else set()
    moved |= {own.listening[0] - wanted.sync} if own.listening is not None else set()
    if len(moved) != 1 or 0 in moved or wanted.offset is None or not (wanted.sync and wanted.management):
        return ""
    offset = wanted.offset + moved.pop()
    return f" (or {node.name} was started with -DportOffset={offset})" if offset > 0 else ""


def event_sync(seen: Seen) -> Iterator[Finding]:
    pair, facts, partner = seen.pair, seen.facts, seen.partner
    port = pair.event_ports(seen.node).sync
    if facts.listening is not None and port not in (0, facts.listening[0]):
        message = f"receives events on port {facts.listening[0]}, not on {port}: {NOT_WRITTEN}"
        yield seen.error(f"{message}{_offset(pair, seen.node)}", facts.listening[1], seen.replay)
    for address, tally in facts.unconnected.items():
        yield _unconnected(seen, address, tally)
    wanted = Address(partner.host, pair.event_ports(partner).sync)
    for address, record in facts.publishers.items():
        if address in facts.unconnected:
            continue
        if pair.matches(wanted, address):
            yield seen.ok(f"sends its events to {partner.name}", record)
        else:
            message = f"sends its events to {address}, not to {wanted}"
            fix = f"replay the profile, then start {partner.name} and {seen.name} again"
            yield seen.error(f"{message}: {NOT_WRITTEN}{_offset(pair, partner)}", record, fix)


def no_event_sync(pair: Pair) -> Iterator[Finding]:
    """Judge a pair in which no log shows an event sync."""
    known = [facts for facts in map(pair.facts, pair.nodes) if facts.started]
    if any(facts.publishers or facts.unconnected for facts in known):
        return
    other = pair.unseen_partner(passive=True)
    if other is not None:
        yield About(other.name).skipped(NO_LOG, pair.show_log(other))
    elif pair.can_progress:
        yield About(None).waiting("neither node has opened its event sync to the other yet")


def _unconnected(seen: Seen, address: Address, tally: Tally) -> Finding:
    """Report an event sync that failed and that no later line shows to be connected again."""
    partner, failure = seen.partner.name, recognise(tally.last.causes, source=tally.last.source)
    message = f"event sync to {partner} failed: no connection to {address} since {tally.first.time_text}"
    if failure is not None and not failure.general:
        return seen.error(f"{message}: {failure.cause}", tally.last.evidence, failure.fix)
    fix = f"open port {address.port} of {address.host} to {seen.name} (firewall; check that {partner} listens there), "
    fix += f"then start {seen.name} again: it does not connect again without events"
    return seen.error(message, tally.last.evidence, fix)


def state_sync(seen: Seen) -> Iterator[Finding]:
    if seen.pair.role(seen.node) != "passive":
        return
    facts, failures = seen.facts, seen.facts.sync_failures
    if failures is None and facts.synced is not None:
        yield seen.ok("its state is synced", facts.synced)
    elif failures is None:
        since = f", passive since {facts.role_record.time_text}" if facts.role_record is not None else ""
        yield seen.waiting(f"its state is not synced yet{since}")
    elif facts.synced is not None:
        message = f"its state was synced, and the sync fails since {failures.first.time_text}"
        fix = f"start {seen.name} again; deploy the same C-Apps to both nodes"
        yield seen.error(message, failures.last.evidence, fix)
    elif not facts.sync_harmless:
        fix = "the other node's management port must be reachable from here: run apimha-wizard check"
        message = f"its state is not synced, {failures.count} attempts failed"
        yield seen.error(message, failures.last.evidence, fix)
    elif _goes_on(facts, failures):
        fix = "deploy to this node the C-Apps of the other node (deployment-sync), and start it again"
        message = "its state cannot be synced: this node has no execution plans, though its start is complete"
        yield seen.error(message, failures.last, fix)
    else:
        message = "its state is not synced yet: no execution plans are deployed (harmless until they are)"
        yield seen.waiting(message, failures.last)


def no_state_sync(pair: Pair) -> Iterator[Finding]:
    """Judge a pair in which neither node is passive, as far as the logs show."""
    passive = any(pair.unseen(node) or pair.role(node) == "passive" for node in pair.nodes)
    if not passive and pair.can_progress:
        yield About(None).waiting("no node is passive yet")


def _goes_on(facts: Facts, failures: Tally) -> bool:
    """Whether the sync still fails for lack of plans after the node's start is complete.

    One attempt may coincide with the completion.
    """
    late = between(facts.complete, failures.last)
    return facts.sync_failures_after_complete > 1 or (late is not None and late > RETRY)
