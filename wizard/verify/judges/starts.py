"""Judges of one node's start: the log itself, the event processor's mode, the mounts of the registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wizard.system.finding import Finding
from wizard.verify.knowledge import BY_ID
from wizard.verify.pair import NOT_WRITTEN, About, Pair, Seen

if TYPE_CHECKING:
    from wizard.profile.model import Node

MOUNTS = 2
"""Mounted paths of the registry."""
STUCK = 2
"""A start is stuck after this many `Waiting for required OSGi services`, one a minute."""

EXPECTED = "[2026-01-28 14:00:01,037]  INFO {class} -  message"
"""The form of a line of a server's log, with or without `TID: [-1] []` or a prefix before it."""


def log(pair: Pair) -> Iterator[Finding]:
    return filter(None, (_log_of(pair, node) for node in pair.nodes))


def _log_of(pair: Pair, node: Node) -> Finding | None:
    """Return the finding about a node's log; None if the start failed, which its cause reports."""
    sight, about, start = pair.sight(node), About(node.name), pair.act("start", node)
    facts, unread = sight.facts, sight.unread
    if facts is None:
        return about.skipped(f"the log of {node.name} is not on this machine", pair.show_log(node))
    if unread is not None and unread.kind == "missing":
        return about.waiting(f"no log yet: {node.name} was never started", sight.log, start)
    if unread is not None and unread.kind == "unreadable":
        fix = f"let this user read {sight.log}, or name another with --log {node.name}=FILE"
        return about.error(f"cannot read the log: {unread.message}", sight.log, fix)
    if facts.refused is not None and (facts.started is None or facts.stopped is not None):
        java = BY_ID["java-version"]
        return about.error(f"no start: {java.cause}", facts.refused, java.fix)
    if facts.started is not None:
        return _started(Seen(pair, node), start)
    if sight.latest is None and sight.sample:
        message = f"the log has another format: its lines look like “{sight.sample}”, not like “{EXPECTED}”"
        fix = f"name the server's own log, repository/logs/wso2carbon.log, with --log {node.name}=FILE, or "
        fix += "a capture of the console that keeps each line unchanged"
        return about.waiting(message, sight.log, fix)
    because = unread.message if unread is not None else "the log has no start of the server"
    fix = f"read further back with a larger --log-limit, or start the node: {start}"
    return about.waiting(f"no start found: {because}", sight.log, fix)


def _started(seen: Seen, start: str) -> Finding | None:
    """Return the finding about a start: what an incomplete one waits for, and whether that can still happen."""
    facts = seen.facts
    assert facts.started is not None
    if facts.stopped is not None:
        message = f"the server was stopped at {facts.stopped.time_text} and not started since"
        return seen.error(message, facts.stopped, f"start it: {start}")
    if seen.pair.sight(seen.node).alive is False:
        fix = f"start it: {start}; if it ends again, read the end of its log"
        message = "the server's process is gone, and the log does not say why"
        return seen.error(message, facts.last or facts.started, fix)
    if facts.complete is not None:
        message = f"started at {facts.started.time_text}, complete after {facts.seconds} s"
        return seen.ok(message, facts.complete)
    if facts.failed:
        return None
    if facts.tasks:
        count, record = max(facts.tasks.values(), key=lambda one: one[1].time_text)
        text, remedy = _partner_state(seen.pair, seen.partner)
        kinds = ", ".join(sorted(facts.tasks))
        message = f"waiting since {record.time_text} for {count} task executor nodes ({kinds}): {seen.partner.name} "
        return seen.waiting(message + text, record, remedy)
    if facts.services is None:
        return seen.waiting(f"starting since {facts.started.time_text}", facts.started)
    named = facts.services.last.message.partition(":")[2].strip(" ,") or "an OSGi service"
    message = f"waiting since {facts.services.first.time_text} for required OSGi services: {named}"
    if facts.services.count < STUCK:
        return seen.waiting(message, facts.services.last)
    fix = "correct the first error of this start, and start the node again"
    return seen.error(f"the start is stuck: {message}", facts.services.last, fix)


def _partner_state(pair: Pair, node: Node) -> tuple[str, str | None]:
    """Return why a node has not registered yet, and the fix."""
    facts, start = pair.facts(node), f"start {node.name}: {pair.act('start', node)}"
    if pair.unseen(node):
        return "has not registered yet", f"{start}, or show its log: {pair.show_log(node)}"
    if facts.started is None:
        return "was not started", start
    if facts.stopped is not None or pair.sight(node).alive is False:
        return "has ended and must be started first", start
    if facts.failed:
        return "failed to start, which must be corrected first", start
    if facts.complete is None:
        return f"is starting since {facts.started.time_text}", None
    fix = "compare the members and the domain of both (verify.member), and start both again"
    return "is up, but not in one cluster with this node", fix


def mode(seen: Seen) -> Iterator[Finding]:
    persistence = seen.pair.profile.event_processor.persistence
    name, record = seen.facts.mode or (None, seen.facts.role_record)
    if record is None:
        yield seen.missing("no mode of the event processor", seen.replay)
    elif (name, persistence) == ("Persistence enabled HA", True):
        yield seen.ok("HA mode with persistence", record)
    elif name in ("HA", None) and not persistence:
        yield seen.ok("HA mode without persistence", record)
    elif name == "Persistence enabled HA":
        message = f"HA mode with persistence, but the profile disables persistence: {NOT_WRITTEN}"
        yield seen.error(message, record, seen.replay)
    elif name == "HA":
        fix = "set event_processor.persistence = false, or use a pack that keeps state in HA mode"
        yield seen.warning("HA mode without persistence: this pack keeps no state", record, fix)
    elif name is None:
        fix = f"{seen.replay}; DAS 3.0.1 keeps no state in HA mode"
        yield seen.warning("HA mode, but the log does not show persistence", record, fix)
    else:
        fix = f"{seen.replay}: HA must be the first enabled mode of event-processor.xml"
        yield seen.error(f"the event processor runs in {name} mode, not in HA mode", record, fix)


def registry_mount(seen: Seen) -> Iterator[Finding]:
    name, source = seen.pair.profile.registry.db_config, seen.pair.profile.datasources.registry
    count, record = seen.facts.mounts.get(name, (0, None))
    if count >= MOUNTS:
        yield seen.ok("both paths of the registry are mounted", record)
    else:
        fix = f"{seen.replay}; check the dbConfig {name} in registry.xml, and {source}"
        yield seen.missing(f"{count} of {MOUNTS} mounts of the registry", fix)
