"""The profile and what both nodes' logs say → findings, and whether the pair is healthy (procedure 9).

Pure: nothing is read here.  Each function of `JUDGES` is one row of the table in the procedure: what is required
before `WSO2 Carbon started` and is missing is an error once that line is there, and awaited before.  The errors of
the servers are grouped by their causes; each cause is one finding under the row that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from wizard.system import finding
from wizard.system.finding import Finding
from wizard.verify.hosts import any_address
from wizard.verify.knowledge import BY_ID, recognise
from wizard.verify.pair import Pair, Sight
from wizard.verify.record import Record, printable
from wizard.verify.story import Address, Facts, Success, Tally, Trouble

if TYPE_CHECKING:
    from wizard.profile.model import Node

PairOutcome = Literal["healthy", "waiting", "unhealthy"]

RETRY = timedelta(seconds=10)
"""The passive node tries again to fetch the state after this time (`stateSyncRetryInterval` of the stock
packs).
"""
SETTLING = timedelta(seconds=60)
"""How long after all nodes are up a query may still find no Spark: its application has to be started first.
"""
MOUNTS = 2
"""Paths of the registry that are mounted."""
QUIET = timedelta(seconds=30)
"""How long nothing may be heard of an error, at least, before it counts as over: the pools validate a connection
every 30 s (`validationInterval`).
"""
LONGEST_PAUSE = timedelta(hours=1)
"""An error that came again and again, with pauses, has to be away for such a pause, or this long, to be over."""
STUCK = 2
"""So many times a minute's `Waiting for required OSGi services` mean that the start is stuck."""
QUOTED = 3
"""Kinds of unknown errors that are quoted."""
LONGEST_QUOTE = 160
"""Characters of a message that a finding repeats beside its cause."""

EXPECTED = "[2026-01-28 14:00:01,037]  INFO {class} -  message"
"""How a line of a server's log looks, behind `TID: [-1] []` or a prefix or not."""

NOT_STARTED = "no start of it is seen"
NOT_REACHED = "not reached: the start has failed or the server was stopped"
NOT_WRITTEN = "the configuration in use is not the one that was written"
REPLAY = "replay the profile, then start {node} again"


def judge(pair: Pair) -> list[Finding]:
    """What both nodes' logs say about the pair, in the procedure's order."""
    found: list[Finding] = []
    troubles = [(node, one) for node in pair.nodes for one in _grouped(pair, node)]
    for id, judges in JUDGES:
        own = [_trouble(pair, node, one) for node, one in troubles if one.id == id]
        failed = {one.node for one in own if one.status == "error"}
        judged = [
            one for one in finding.of(id, judges(pair)) if one.status != "waiting" or one.node not in failed
        ]
        found += [one._replace(id=id) for one in (*judged, *own)]
    return found


def outcome(findings: Iterable[Finding], *, unseen: bool) -> PairOutcome:
    """An error makes it unhealthy; else anything awaited, or a node that nobody sees, makes it waiting."""
    statuses = {found.status for found in findings}
    if "error" in statuses:
        return "unhealthy"
    return "waiting" if unseen or "waiting" in statuses else "healthy"


ROLLING = (
    "event_processor.persistence",
    "registry.db_config",
    "datasources.registry",
    "spark.master_count",
)
"""The fields that a verdict looks at and that may be changed node by node while the pair runs."""


def hint(pair: Pair, node: Node) -> str:
    """The command that shows the log of a node on another machine."""
    log = f"{node.home}/repository/logs/wso2carbon.log"
    shown = finding.command(
        "verify", f" --log {node.name}=-", before=f"ssh {node.host} tail -n +1 -F {log} | "
    )
    return str(shown.for_profile(pair.called) if pair.called else shown)


# --- the log itself ---------------------------------------------------------------------------------------


def _log(pair: Pair) -> Iterator[Finding]:
    for node in pair.nodes:
        sight = pair.sight(node)
        if sight.facts is None:
            yield finding.skipped(
                f"the log of {node.name} is not on this machine", node=node.name, fix=hint(pair, node)
            )
            continue
        trouble = sight.trouble
        start = pair.act("start", node)
        if trouble is not None and trouble.kind == "missing":
            yield finding.waiting(
                f"no log yet: {node.name} was never started", node=node.name, evidence=sight.log, fix=start
            )
        elif trouble is not None and trouble.kind == "unreadable":
            yield finding.error(
                f"the log cannot be read: {trouble.message}",
                node=node.name,
                evidence=sight.log,
                fix=f"let this user read {sight.log}, or name another with --log {node.name}=FILE",
            )
        elif sight.facts.refused is not None and (
            sight.facts.started is None or sight.facts.stopped is not None
        ):
            java, refused = BY_ID["java-version"], sight.facts.refused
            yield finding.error(
                f"no start: {java.cause}", node=node.name, evidence=refused.line, fix=java.fix
            )
        elif sight.facts.started is None and sight.latest is None and sight.sample:
            yield finding.waiting(
                f"no line of the log is understood: its lines look like “{sight.sample}”, not like “{EXPECTED}”",
                node=node.name,
                evidence=sight.log,
                fix=f"name the server's own log, repository/logs/wso2carbon.log, with --log {node.name}=FILE, or "
                "a capture of the console that keeps each line as it is",
            )
        elif sight.facts.started is None:
            because = trouble.message if trouble is not None else "it holds no start of the server"
            yield finding.waiting(
                f"no start seen: {because}",
                node=node.name,
                evidence=sight.log,
                fix=f"read further back with a larger --log-limit, or start the node: {start}",
            )
        else:
            yield from _started(pair, node, sight.facts, start)


def _started(pair: Pair, node: Node, facts: Facts, start: str) -> Iterator[Finding]:
    assert facts.started is not None
    if facts.stopped is not None:
        yield finding.error(
            f"the server was stopped at {facts.stopped.time_text} and not started since",
            node=node.name,
            evidence=facts.stopped.line,
            fix=f"start it: {start}",
        )
    elif pair.sight(node).alive is False:
        yield finding.error(
            "the server's process is gone, without a word in the log",
            node=node.name,
            evidence=(facts.last or facts.started).line,
            fix=f"start it: {start}; if it ends again, read the end of its log",
        )
    elif facts.complete is not None:
        yield finding.ok(
            f"started at {facts.started.time_text}, complete after {facts.seconds} s",
            node=node.name,
            evidence=facts.complete.line,
        )
    elif not has_failed(facts):
        yield _starting(pair, node, facts)


def has_failed(facts: Facts) -> bool:
    """Whether the start has failed: after such an error it goes no further."""
    return facts.complete is None and any(one.blocks_start for one in facts.troubles.values())


def _goes_further(pair: Pair) -> bool:
    """Whether anything that is awaited can still happen: one of the starts has neither failed nor ended."""
    known = (pair.facts(node) for node in pair.nodes)
    return any(facts is not None and not has_failed(facts) and facts.stopped is None for facts in known)


def _starting(pair: Pair, node: Node, facts: Facts) -> Finding:
    """What a start that is not complete waits for, since when, and whether that can still happen."""
    assert facts.started is not None
    if facts.tasks:
        count, record = max(facts.tasks.values(), key=lambda one: one[1].offset)
        partner = pair.partner(node)
        text, fix = _absence(pair, partner)
        return finding.waiting(
            f"waits since {record.time_text} for {count} task executor nodes ({', '.join(sorted(facts.tasks))}): "
            f"{partner.name} {text}",
            node=node.name,
            evidence=record.line,
            fix=fix,
        )
    if facts.services is not None:
        named = facts.services.last.message.partition(":")[2].strip(" ,") or "an OSGi service"
        message = f"waits since {facts.services.first.time_text} for required OSGi services: {named}"
        if facts.services.count >= STUCK:
            return finding.error(
                f"its start is stuck: it {message}",
                node=node.name,
                evidence=facts.services.last.line,
                fix="correct the first error of this start, and start the node again",
            )
        return finding.waiting(message, node=node.name, evidence=facts.services.last.line)
    return finding.waiting(
        f"starting since {facts.started.time_text}", node=node.name, evidence=facts.started.line
    )


def _unseen_partner(pair: Pair, *, passive: bool | None = None) -> Node | None:
    """The one node whose log is not seen here, where the other one is (not) passive and so can say no more."""
    unseen = [node for node in pair.nodes if pair.unseen(node)]
    if len(unseen) != 1:
        return None
    role = _role(pair, pair.partner(unseen[0]))
    return unseen[0] if passive is None or (role == "passive") is passive else None


def _absence(pair: Pair, node: Node) -> tuple[str, str | None]:
    """Why a node has not registered yet, and what helps."""
    facts, start = pair.facts(node), f"start {node.name}: {pair.act('start', node)}"
    if pair.unseen(node):
        return "has not registered yet", f"{start}, or show its log: {hint(pair, node)}"
    if facts is None or facts.started is None:
        return "was not started", start
    if facts.stopped is not None or pair.sight(node).alive is False:
        return "has ended, so that this cannot happen before it is started", start
    if has_failed(facts):
        return "has failed to start, so that this cannot happen before it is corrected", start
    if facts.complete is not None:
        return (
            "is up, but not in one cluster with this node",
            "compare the members and the domain of both (verify.member), and start both again",
        )
    return f"is starting since {facts.started.time_text}", None


def _seen(pair: Pair) -> Iterator[tuple[Node, Facts | None, Finding | None]]:
    """Each node with its facts, or with the finding that says why there are none."""
    for node in pair.nodes:
        facts = pair.facts(node)
        if facts is not None and facts.started is not None:
            yield node, facts, None
        elif pair.unseen(node):
            yield (
                node,
                None,
                finding.skipped("its log is not seen here", node=node.name, fix=hint(pair, node)),
            )
        else:
            yield node, None, finding.skipped(NOT_STARTED, node=node.name)


def _absent(facts: Facts, node: Node, what: str, fix: str) -> Finding:
    """Something that has to stand before the start is complete, and does not stand there."""
    if facts.complete is not None:
        return finding.error(f"{what} is missing", node=node.name, evidence=facts.complete.line, fix=fix)
    if has_failed(facts):
        return finding.skipped(f"{what}: not reached, the start has failed", node=node.name)
    if facts.stopped is not None:
        return finding.skipped(f"{what}: not reached, the server was stopped", node=node.name)
    since = f" since {facts.started.time_text}" if facts.started is not None else ""
    return finding.waiting(f"{what} is awaited{since}", node=node.name)


def _replay(node: Node) -> str:
    return REPLAY.format(node=node.name)


# --- rows of the procedure --------------------------------------------------------------------------------


def _mode(pair: Pair) -> Iterator[Finding]:
    persistence = pair.profile.event_processor.persistence
    for node, facts, skipped in _seen(pair):
        if facts is None:
            yield from [skipped] if skipped else []
        elif facts.mode is not None:
            yield _named_mode(node, facts.mode[0], facts.mode[1], persistence=persistence)
        elif facts.role_record is not None:
            line = facts.role_record.line
            if persistence:
                yield finding.warning(
                    "HA mode, but the log does not say that state is kept (persistence)",
                    node=node.name,
                    evidence=line,
                    fix=f"{_replay(node)}; DAS 3.0.1 keeps no state in HA mode",
                )
            else:
                yield finding.ok("HA mode without persistence", node=node.name, evidence=line)
        else:
            yield _absent(facts, node, "the event processor's mode", _replay(node))


def _named_mode(node: Node, mode: str, record: Record, *, persistence: bool) -> Finding:
    if mode == "Persistence enabled HA":
        if persistence:
            return finding.ok("HA mode with persistence", node=node.name, evidence=record.line)
        return finding.error(
            f"HA mode with persistence, and the profile has it off: {NOT_WRITTEN}",
            node=node.name,
            evidence=record.line,
            fix=_replay(node),
        )
    if mode == "HA":
        if not persistence:
            return finding.ok("HA mode without persistence", node=node.name, evidence=record.line)
        return finding.warning(
            "HA mode, but without persistence: this pack keeps no state",
            node=node.name,
            evidence=record.line,
            fix="set event_processor.persistence = false, or take a pack that keeps state in HA mode",
        )
    return finding.error(
        f"the event processor runs in {mode} mode, not in HA mode",
        node=node.name,
        evidence=record.line,
        fix=f"{_replay(node)}: HA has to be the first enabled mode of event-processor.xml",
    )


def _registry_mount(pair: Pair) -> Iterator[Finding]:
    name, source = pair.profile.registry.db_config, pair.profile.datasources.registry
    for node, facts, skipped in _seen(pair):
        if facts is None:
            yield from [skipped] if skipped else []
            continue
        count, record = facts.mounts.get(name, (0, None))
        if record is not None and count >= MOUNTS:
            yield finding.ok("both paths of the registry are mounted", node=node.name, evidence=record.line)
        else:
            what = f"the registry's mount ({'one path of two' if count else 'no path'} is mounted)"
            fix = f"{_replay(node)}; check the dbConfig {name} in registry.xml, and {source}"
            yield _absent(facts, node, what, fix)


def _membership(pair: Pair) -> Iterator[Finding]:
    for node, facts, skipped in _seen(pair):
        if facts is None:
            yield from [skipped] if skipped else []
            continue
        problems = [*_scheme(node, facts), *_members(pair, node, facts), *_local_member(pair, node, facts)]
        errors = [problem for problem in problems if problem.status == "error"]
        yield from errors or problems
        if not problems and facts.scheme is not None:
            yield finding.ok(
                "scheme wka, the members are those of the profile",
                node=node.name,
                evidence=facts.scheme[1].line,
            )
        if facts.loopback is not None:
            yield from _loopback(pair, node, facts.loopback)
        if facts.loopback_sync is not None and not pair.one_machine:
            yield finding.error(
                "its event sync or management host is a loopback address: the other machine cannot reach it there",
                node=node.name,
                evidence=facts.loopback_sync.line,
                fix=f"set the host of {node.name} to an address of its machine; {_replay(node)}",
            )


def _scheme(node: Node, facts: Facts) -> Iterator[Finding]:
    if facts.scheme is None:
        yield _absent(
            facts, node, "the membership scheme", f"{_replay(node)}: clustering may be off in axis2.xml"
        )
    elif facts.scheme[0].lower() != "wka":
        yield finding.error(
            f"the membership scheme is {facts.scheme[0]}, not wka: {NOT_WRITTEN}",
            node=node.name,
            evidence=facts.scheme[1].line,
            fix=_replay(node),
        )


def _members(pair: Pair, node: Node, facts: Facts) -> Iterator[Finding]:
    """The configured members: each node lists both."""
    if facts.scheme is None or facts.scheme[0].lower() != "wka":
        return
    wanted = {one.name: pair.hazelcast(one) for one in pair.nodes}
    for address, record in facts.added:
        if not any(pair.matches(one, address) for one in wanted.values()):
            yield finding.error(
                f"{address} is a member here and not in the profile: {NOT_WRITTEN}",
                node=node.name,
                evidence=record.line,
                fix=_replay(node),
            )
    for name, address in wanted.items():
        if any(pair.matches(address, seen) for seen, _ in facts.added):
            continue
        if facts.hazelcast is None and facts.complete is None:
            yield _absent(facts, node, f"the member {address}", _replay(node))
        elif name != node.name:
            yield finding.error(
                f"the partner {address} is not a member here",
                node=node.name,
                evidence=facts.scheme[1].line,
                fix=_replay(node),
            )
        elif facts.complete is not None:
            yield finding.error(
                f"the node itself ({address}) is not a member here",
                node=node.name,
                evidence=facts.scheme[1].line,
                fix=_replay(node),
            )


def _local_member(pair: Pair, node: Node, facts: Facts) -> Iterator[Finding]:
    if facts.local is None:
        if facts.scheme is not None:
            yield _absent(
                facts, node, "Hazelcast's start", f"{_replay(node)}; is {node.hazelcast_port} free?"
            )
        return
    local, wanted = facts.local, pair.hazelcast(node)
    differs = []
    if not pair.matches(wanted, local.address):
        differs.append(f"it is {local.address} in the cluster, not {wanted}")
    if local.domain and local.domain != pair.profile.cluster.domain:
        differs.append(f"its domain is {printable(local.domain)}, not {pair.profile.cluster.domain}")
    if differs:
        yield finding.error(
            f"{'; '.join(differs)}: {NOT_WRITTEN}",
            node=node.name,
            evidence=local.record.line,
            fix=_replay(node),
        )
    if facts.clustered is None:
        yield _absent(facts, node, "the end of the cluster's initialization", _replay(node))


def _loopback(pair: Pair, node: Node, record: Record) -> Iterator[Finding]:
    if pair.hosts.same(node.host, "127.0.0.1") is False:
        yield finding.error(
            f"its member host is a loopback address, not {node.host}: {NOT_WRITTEN}",
            node=node.name,
            evidence=record.line,
            fix=_replay(node),
        )
    elif not pair.one_machine:
        yield finding.warning(
            "its member host is a loopback address: the other machine cannot reach it there",
            node=node.name,
            evidence=record.line,
            fix=f"set the host of {node.name} to an address of its machine; {_replay(node)}",
        )


def _member(pair: Pair) -> Iterator[Finding]:
    for node in pair.nodes:
        for stranger in pair.strangers(node):
            assert stranger.joined is not None
            yield finding.error(
                f"{stranger.address} has joined the cluster and is not a node of this profile",
                node=node.name,
                evidence=stranger.joined.line,
                fix="stop that server, or give this pair a cluster.domain of its own and replay",
            )
    told = False
    for node, facts, skipped in _seen(pair):
        if facts is None:
            yield from [skipped] if skipped else []
            continue
        partner, peer = pair.partner(node), pair.partners_peer(node)
        if peer is None or pair.gone(node):
            continue  # what a server that has ended said last is no news
        if peer.left is not None:
            told = True
            yield _has_left(pair, node, partner, peer.left)
        elif peer.joined is not None:
            told = True
            yield finding.ok(f"{partner.name} has joined", node=node.name, evidence=peer.joined.line)
            yield from _joined_itself(pair, partner)
    if not told:
        yield from _alone(pair)


def _joined_itself(pair: Pair, node: Node) -> Iterator[Finding]:
    """The node that came second logs nothing of the one that was there: that one's word counts for both."""
    facts = pair.facts(node)
    if facts is not None and facts.clustered is not None and pair.partners_peer(node) is None:
        partner = pair.partner(node).name
        yield finding.ok(f"is in one cluster with {partner}", node=node.name, evidence=facts.clustered.line)


def _has_left(pair: Pair, node: Node, partner: Node, record: Record) -> Finding:
    facts = pair.facts(partner)
    if pair.back(partner) and facts is not None and facts.complete is None and facts.stopped is None:
        return finding.waiting(
            f"{partner.name} has left and is starting again", node=node.name, evidence=record.line
        )
    return finding.error(
        f"{partner.name} has left at {record.time_text} and is not back",
        node=node.name,
        evidence=record.line,
        fix=f"start it: {pair.act('start', partner)}; if it runs, the network is cut",
    )


def _alone(pair: Pair) -> Iterator[Finding]:
    """Nobody says that a member joined: the node that came first would."""
    seen = [node for node in pair.nodes if pair.facts(node) is not None]
    if len(seen) == 2 and pair.both_complete:
        facts = pair.facts(pair.nodes[0])
        assert facts is not None and facts.complete is not None
        yield finding.error(
            "both nodes are up, and neither has seen the other join",
            node=pair.nodes[0].name,
            evidence=facts.complete.line,
            fix="the Hazelcast ports must be reachable both ways, domain and members the same: "
            "apimha-wizard check, then replay",
        )
        return
    for node in seen:
        facts = pair.facts(node)
        if facts is not None and facts.role == "passive":
            assert facts.role_record is not None
            partner = pair.partner(node).name
            yield finding.ok(
                f"is in one cluster with {partner}", node=node.name, evidence=facts.role_record.line
            )
        elif facts is not None and (has_failed(facts) or facts.stopped is not None):
            yield finding.skipped("the other node: not reached, this one is not running", node=node.name)
        else:
            yield finding.waiting(f"{pair.partner(node).name} has not joined yet", node=node.name)


def _active_passive(pair: Pair) -> Iterator[Finding]:
    seen = [node for node in pair.nodes if pair.facts(node) is not None]
    roles = {node.name: _role(pair, node) for node in seen}
    if len(seen) == 2 and set(roles.values()) == {"active"}:
        yield from _split_brain(pair)
        return
    for node, facts, skipped in _seen(pair):
        if facts is None:
            yield from [skipped] if skipped else []
            continue
        role, partner = roles[node.name], pair.partner(node)
        if role is None and facts.role is not None:
            yield finding.waiting(
                f"it was {facts.role} until it ended", node=node.name, fix=f"start {node.name} again"
            )
        elif role is None:
            yield _absent(facts, node, "whether it is active or passive", _replay(node))
        elif role == "backup":
            assert facts.role_record is not None
            yield finding.error(
                "it is neither active nor passive but a backup: a third member holds its place",
                node=node.name,
                evidence=facts.role_record.line,
                fix="stop the third server, or give this pair a cluster.domain of its own and replay",
            )
        elif role == "passive" and roles.get(partner.name) == "passive" and pair.both_running:
            assert facts.role_record is not None
            yield finding.error(
                f"it is passive, and so is {partner.name}: neither is active",
                node=node.name,
                evidence=facts.role_record.line,
                fix="stop both nodes, then start both: neither completes its start alone",
            )
        else:
            assert facts.role_record is not None
            yield finding.ok(
                f"{role} since {facts.role_record.time_text}", node=node.name, evidence=facts.role_record.line
            )


def _role(pair: Pair, node: Node) -> str | None:
    """What the node is now: a server that has ended is nothing any more."""
    facts = pair.facts(node)
    if facts is None or facts.stopped is not None or pair.gone(node) or pair.sight(node).alive is False:
        return None
    return facts.role


def _split_brain(pair: Pair) -> Iterator[Finding]:
    cut = all(pair.left(node) is not None for node in pair.nodes)
    because = (
        "each node believes the other is down: the network between them is or was interrupted"
        if cut
        else "a split brain"
    )
    for node in pair.nodes:
        facts = pair.facts(node)
        assert facts is not None and facts.role_record is not None
        yield finding.error(
            f"both nodes are active: {because}",
            node=node.name,
            evidence=facts.role_record.line,
            fix="restore the network between the nodes (Hazelcast ports), then start one of them again",
        )


def _snapshot_server(pair: Pair) -> Iterator[Finding]:
    for node, facts, skipped in _seen(pair):
        if facts is None:
            yield from [skipped] if skipped else []
        elif facts.snapshot_failed is not None:
            failed = facts.snapshot_failed
            failure = recognise(failed.causes, source=failed.source)
            because = f" ({failure.cause})" if failure is not None else ""
            free = f"free port {pair.event_ports(node).management} or set another management_port; {_replay(node)}"
            yield finding.error(
                f"the snapshot server cannot start: the other node cannot fetch this one's state{because}",
                node=node.name,
                evidence=failed.evidence,
                fix=free if failure is None or failure.id == "port-in-use" else failure.fix,
            )
        elif facts.snapshot is None:
            yield _absent(facts, node, "the snapshot server", _replay(node))
        else:
            wanted = Address(node.host, pair.event_ports(node).management)
            yield _place(pair, node, facts.snapshot, wanted, "the snapshot server")


def _place(pair: Pair, node: Node, seen: tuple[Address, Record], wanted: Address, what: str) -> Finding:
    address, record = seen
    bound = any_address(address.host) and wanted.port in (0, address.port)
    if bound or pair.matches(wanted, address):
        return finding.ok(f"{what} is at {address}", node=node.name, evidence=record.line)
    return finding.error(
        f"{what} is at {address}, not at {_told(wanted)}: {NOT_WRITTEN}{_by_option(pair, node)}",
        node=node.name,
        evidence=record.line,
        fix=_replay(node),
    )


def _told(address: Address) -> str:
    """An address for people; a port that is not known is left out."""
    return str(address) if address.port else address.host


def _by_option(pair: Pair, node: Node) -> str:
    """A possible cause where one offset explains every port of the node that the logs show."""
    wanted, own, other = pair.event_ports(node), pair.facts(node), pair.facts(pair.partner(node))
    moved = set()
    if own is not None and own.snapshot is not None:
        moved.add(own.snapshot[0].port - wanted.management)
    if own is not None and own.listening is not None:
        moved.add(own.listening[0] - wanted.sync)
    if other is not None:
        moved |= {address.port - wanted.sync for address in other.publishers}
    if len(moved) != 1 or 0 in moved or wanted.offset is None or not (wanted.sync and wanted.management):
        return ""
    offset = wanted.offset + moved.pop()
    return f" (or {node.name} was started with -DportOffset={offset})" if offset > 0 else ""


def _event_sync(pair: Pair) -> Iterator[Finding]:
    said = False
    for node, facts, skipped in _seen(pair):
        if facts is None:
            yield from [skipped] if skipped else []
            continue
        partner = pair.partner(node)
        wanted = Address(partner.host, pair.event_ports(partner).sync)
        yield from _receiver(pair, node, facts)
        for address, tally in facts.unconnected.items():
            said = True
            yield _unconnected(pair, node, address, tally)
        for address, record in facts.publishers.items():
            said = True
            if address in facts.unconnected:
                continue
            if pair.matches(wanted, address):
                yield finding.ok(f"sends its events to {partner.name}", node=node.name, evidence=record.line)
            else:
                yield finding.error(
                    f"sends its events to {address}, not to {_told(wanted)}: {NOT_WRITTEN}{_by_option(pair, partner)}",
                    node=node.name,
                    evidence=record.line,
                    fix=f"replay the profile, then start {partner.name} and {node.name} again",
                )
    other = _unseen_partner(pair, passive=True)
    if not said and other is not None:
        yield finding.skipped("its log is not seen here", node=other.name, fix=hint(pair, other))
    elif not said and _goes_further(pair):
        yield finding.waiting("neither node has opened its event sync to the other yet")


def _receiver(pair: Pair, node: Node, facts: Facts) -> Iterator[Finding]:
    """The port on which the node receives the other's events, as its own server says."""
    wanted = pair.event_ports(node).sync
    if facts.listening is not None and wanted not in (0, facts.listening[0]):
        port, record = facts.listening
        yield finding.error(
            f"receives events on port {port}, not on {wanted}: {NOT_WRITTEN}{_by_option(pair, node)}",
            node=node.name,
            evidence=record.line,
            fix=_replay(node),
        )


def _unconnected(pair: Pair, node: Node, address: Address, tally: Tally) -> Finding:
    """The connection of event sync has failed, and no later line says that it stood again."""
    partner = pair.partner(node).name
    failure = recognise(tally.last.causes, source=tally.last.source)
    special = failure is not None and not failure.general
    because = f": {failure.cause}" if failure is not None and special else ""
    return finding.error(
        f"event sync to {partner} has failed: no connection to {address} since {tally.first.time_text}{because}",
        node=node.name,
        evidence=tally.last.evidence,
        fix=failure.fix
        if failure is not None and special
        else f"let {node.name} through to port {address.port} of {address.host} (firewall; does {partner} listen "
        f"there?), then start {node.name} again: without events nothing connects again",
    )


def _state_sync(pair: Pair) -> Iterator[Finding]:
    passive = False
    for node, facts, skipped in _seen(pair):
        if facts is None:
            yield from [skipped] if skipped else []
            passive = passive or pair.unseen(node)
        elif _role(pair, node) == "passive":
            passive = True
            yield _synced(node, facts)
    if not passive and _goes_further(pair):
        yield finding.waiting("no node is passive yet")


def _synced(node: Node, facts: Facts) -> Finding:
    failures = facts.sync_failures
    if failures is None:
        if facts.synced is not None:
            return finding.ok("its state is synced", node=node.name, evidence=facts.synced.line)
        since = f" since {facts.role_record.time_text}" if facts.role_record is not None else ""
        return finding.waiting(f"its state is awaited{since}: it is not synced yet", node=node.name)
    last = failures.last
    if facts.synced is not None:
        return finding.error(
            f"its state was synced, and fails again since {failures.first.time_text}",
            node=node.name,
            evidence=last.evidence,
            fix=f"start {node.name} again; deploy the same C-Apps to both nodes",
        )
    if not facts.sync_harmless:
        return finding.error(
            f"its state is not synced, {failures.count} tries have failed",
            node=node.name,
            evidence=last.evidence,
            fix="the other node's management port must be reachable from here: apimha-wizard check",
        )
    if _goes_on(facts):
        return finding.error(
            "its state is never synced: there are no execution plans here, though the start is complete",
            node=node.name,
            evidence=last.line,
            fix="deploy to this node the C-Apps that the other one has (deployment-sync), and start it again",
        )
    return finding.waiting(
        "its state is not synced yet: no execution plans are deployed so far (harmless until they are)",
        node=node.name,
        evidence=last.line,
    )


def _goes_on(facts: Facts) -> bool:
    """Whether the sync fails for lack of plans when it should not any more: after the node's start is
    complete.

    One try may fall into the moment of completion.
    """
    if facts.complete is None or facts.sync_failures is None:
        return False
    if facts.sync_failures_after_complete > 1:
        return True
    return _later(facts.sync_failures.last, facts.complete, by=RETRY)


def _later(one: Record, other: Record, *, by: timedelta) -> bool:
    """Whether a record is so much later than another of the same node."""
    first, second = one.time, other.time
    return first is not None and second is not None and first - second > by


def _spark_masters(pair: Pair) -> Iterator[Finding]:
    wanted = pair.profile.spark.master_count
    count, node, record = _masters(pair, wanted)
    if count > len(pair.nodes):
        yield finding.warning(
            f"{count} Spark masters for {len(pair.nodes)} nodes",
            node=node.name if node else None,
            evidence=record.line if record else None,
            fix="stop the server that does not belong to this pair, or give the pair a cluster.domain of its own",
        )
    elif count >= wanted:
        yield finding.ok(
            f"{count} of {wanted} Spark masters",
            node=node.name if node else None,
            evidence=record.line if record else None,
        )
    elif pair.both_complete:
        last = pair.facts(pair.nodes[1])
        assert last is not None and last.complete is not None
        yield finding.error(
            f"{count} of {wanted} Spark masters, though both nodes are up",
            node=(node or pair.nodes[1]).name,
            evidence=(record or last.complete).line,
            fix="both nodes need carbon.spark.master.count as in the profile and one Hazelcast cluster: "
            "replay, then start both again",
        )
    elif count and (other := _unseen_partner(pair, passive=False)) is not None:
        yield finding.skipped("its log is not seen here", node=other.name, fix=hint(pair, other))
    elif _goes_further(pair):
        yield finding.waiting(
            f"{count} of {wanted} Spark masters so far",
            node=node.name if node else None,
            evidence=record.line if record else None,
        )
    else:
        yield finding.skipped(NOT_STARTED if not any(map(pair.facts, pair.nodes)) else NOT_REACHED)


def _masters(pair: Pair, wanted: int) -> tuple[int, Node | None, Record | None]:
    """How many Spark masters there are, and who says so: the map that older servers print, or that all are started
    and the nodes' own masters, as newer ones do.
    """
    counts: list[tuple[int, Node, Record]] = []
    own: list[tuple[Node, Record]] = []
    for node in pair.nodes:
        facts = pair.facts(node)
        if facts is None:
            continue
        if facts.masters is not None:
            counts.append((facts.masters[0], node, facts.masters[1]))
        if facts.redundant is not None:
            counts.append((wanted, node, facts.redundant))
        if facts.own_master is not None:
            own.append((node, facts.own_master))
    if own:
        counts.append((len(own), *own[-1]))
    return max(counts, key=lambda one: one[0], default=(0, None, None))


def _node_id(pair: Pair) -> Iterator[Finding]:
    """The nodes' own ids: with one id two nodes fight over the index."""
    known = {node: facts.node_id for node in pair.nodes if (facts := pair.facts(node)) and facts.node_id}
    if len(known) == len(pair.nodes) and len({id for id, _ in known.values()}) == 1:
        for node, (id, record) in known.items():
            yield finding.error(
                f"both nodes have the Analytics node id {id}: one home was copied from a started one",
                node=node.name,
                evidence=record.line,
                fix=f"stop {pair.nodes[1].name}, remove my-node-id.dat in its home (repository/conf/analytics or "
                "repository/data), and start it again",
            )
        return
    for node, (id, record) in known.items():
        yield finding.ok(f"its Analytics node id is {id}", node=node.name, evidence=record.line)


def _spark_sql(pair: Pair) -> Iterator[Finding]:
    """The errors of queries that find no Spark: harmless until all nodes are up."""
    for node in pair.nodes:
        facts = pair.facts(node)
        if facts is None or facts.spark_sql is None:
            continue
        if _after_all_were_up(pair, node, facts):
            over = _succeeded(facts, "spark", facts.spark_sql) or _quiet(pair.sight(node), facts.spark_sql)
            report = finding.warning if over else finding.error
            yield report(
                f"queries {'found' if over else 'find'} no Spark, though both nodes are up "
                f"({facts.spark_sql.count} times){OVER if over else ''}",
                node=node.name,
                evidence=facts.spark_sql.last.evidence,
                fix="see the Spark masters' UIs; replay, if carbon.spark.master.count differs",
            )
        elif pair.both_complete or (_unseen_partner(pair) and facts.complete is not None):
            yield finding.ok(
                f"queries found no Spark before all nodes were up ({facts.spark_sql.count} times): harmless",
                node=node.name,
                evidence=facts.spark_sql.last.line,
            )
        else:
            yield finding.waiting(
                "queries find no Spark yet: harmless until all nodes are up",
                node=node.name,
                evidence=facts.spark_sql.last.line,
            )


def _after_all_were_up(pair: Pair, node: Node, facts: Facts) -> bool:
    """Whether the last such error came when this node already knew both nodes to be up.

    By this node's clock alone: the other one's start takes as long after joining as its own log says, and
    durations do not depend on whose clock is right.
    """
    if not pair.both_complete or facts.spark_sql is None or facts.complete is None:
        return False
    last, up = facts.spark_sql.last.time, facts.complete.time
    peer, other = pair.partners_peer(node), pair.facts(pair.partner(node))
    if peer is not None and peer.joined is not None and other is not None:
        joined, begun = peer.joined.time, other.local.record.time if other.local else None
        completed = other.complete.time if other.complete else None
        if joined and begun and completed and up:
            up = max(up, joined + max(completed - begun, timedelta()))
    return last is not None and up is not None and last - up > SETTLING


# --- errors by their causes -------------------------------------------------------------------------------

OVER = "; this is over"


class _Group:
    """Errors of one node that have one cause, in whatever class and wrapping."""

    def __init__(self, id: str, troubles: list[Trouble]) -> None:
        self.id = id
        self.troubles = troubles
        self.newest = max(troubles, key=lambda one: one.tally.at)
        self.first = next((one for one in troubles if one.blocks_start), None) or next(
            (one for one in troubles if one.row is not None), troubles[0]
        )

    @property
    def count(self) -> int:
        return sum(one.tally.count for one in self.troubles)


def _grouped(pair: Pair, node: Node) -> list[_Group]:
    """The causes of a node's errors, each with the id of the finding that tells of it."""
    facts = pair.facts(node)
    together: dict[str, list[Trouble]] = {}
    for key, trouble in facts.troubles.items() if facts is not None else ():
        cause = trouble.failure.id if trouble.failure is not None else repr(key)
        together.setdefault(cause, []).append(trouble)
    groups = []
    for troubles in together.values():
        group = _Group("verify.known-error", troubles)
        if group.first.blocks_start:
            group.id = "verify.log"
        elif group.first.row is not None:
            group.id = f"verify.{group.first.row}"
        groups.append(group)
    if any(one.id == "verify.log" and one.first.failure is not None for one in groups):
        # The kernel's own word for a failed start says nothing beside its cause.
        groups = [one for one in groups if one.id != "verify.log" or one.first.failure is not None]
    return groups


def _trouble(pair: Pair, node: Node, group: _Group) -> Finding:
    """The one finding about a cause."""
    facts = pair.facts(node)
    assert facts is not None
    trouble, failure, tally = group.first, group.first.failure, group.newest.tally
    over = all(_over(pair, node, facts, one) for one in group.troubles)
    times = f" ({group.count} times)" if group.count > 1 else ""
    quoted = trouble.text[:LONGEST_QUOTE].rstrip(" :.")
    if trouble.blocks_start:
        fatal = facts.complete is not None and tally.last.level == "FATAL"
        what = "a fatal error" if fatal else "its start has failed"
        cause = f"{failure.cause} ({quoted})" if failure is not None else quoted
        message, fix = f"{what} at {tally.last.time_text}: {cause}", f"start {node.name} again"
    elif trouble.node is not None:
        partner = pair.partner(node).name
        message = f"the state cannot be fetched: the management port {trouble.node} of {partner} cannot be reached, "
        message += "and it is not tried again"
        fix = f"let {node.name} through to that port (firewall; does {partner} listen there?), then start "
        fix += f"{node.name} again"
    elif trouble.row is not None:
        message = (
            f"{quoted}: {failure.cause}" if failure is not None else f"{_AFFECTED[trouble.row]}: {quoted}"
        )
        fix = f"correct what the log says here, and start {node.name} again"
    else:
        message = failure.cause if failure is not None else quoted
        fix = f"start {node.name} again"
    report = finding.warning if over else finding.error
    return report(
        f"{message}{times}{OVER if over else ''}",
        node=node.name,
        evidence=tally.last.evidence,
        fix=failure.fix if failure is not None else fix,
    )


_AFFECTED = {
    "log": "the start is affected",
    "mode": "the event processor has failed",
    "registry-mount": "the registry's mounts have failed",
    "membership": "the cluster has failed",
    "event-sync": "event sync has failed",
    "state-sync": "the state sync has failed",
    "spark-masters": "Spark has failed",
}
"""What an error of a row means that has no known cause."""


def _over(pair: Pair, node: Node, facts: Facts, trouble: Trouble) -> bool:
    """Whether something later in the log shows that an error is over (procedure 9)."""
    failure, tally = trouble.failure, trouble.tally
    if tally.last.level == "FATAL":
        return False
    if trouble.blocks_start and (failure is None or facts.complete_at < tally.at):
        return False
    if trouble.row == "event-sync" and (
        failure is None or failure.subject in ("port", "network", "database")
    ):
        return _succeeded(facts, "receiver" if trouble.tried_once else "events", tally)
    if failure is None or trouble.tried_once:
        success: Success | None = _SUCCESS_OF.get(trouble.row or "log")
        if success is not None:
            return _succeeded(facts, success, tally)
        return trouble.row == "log" and facts.complete_at > tally.at
    if failure.over == "spark":
        # Before both nodes are up such errors mean nothing; no node completes its start without the other one.
        early = pair.both_complete and facts.complete_at > tally.at
        return early or _succeeded(facts, "spark", tally)
    if failure.over == "database" and (_succeeded(facts, "database", tally) or facts.complete_at > tally.at):
        return True
    return failure.passes and facts.complete is not None and _quiet(pair.sight(node), tally)


_SUCCESS_OF: dict[str, Success] = {"spark-masters": "spark", "membership": "member"}
"""What shows that an error of a row without a known cause is over."""


def _succeeded(facts: Facts, what: Success, tally: Tally) -> bool:
    """Whether a later line shows that it works again."""
    return facts.successes.get(what, 0) > tally.at


def _quiet(sight: Sight, tally: Tally) -> bool:
    """Whether the log has gone on without such an error for as long as they came, or came again."""
    again = min(tally.pause, LONGEST_PAUSE) if tally.pauses > 1 else timedelta()
    latest = sight.latest or (sight.facts.last if sight.facts is not None else None)
    now, last = latest.time if latest is not None else None, tally.last.time
    return now is not None and last is not None and now - last >= max(tally.lasted, again, QUIET)


def _groups_alone(pair: Pair) -> Iterator[Finding]:
    """Return nothing: under this id there is nothing but the causes that `judge` adds to every row."""
    yield from ()


def _unknown_errors(pair: Pair) -> Iterator[Finding]:
    for node in pair.nodes:
        facts = pair.facts(node)
        if facts is None or not facts.unknown_count:
            continue
        newest = sorted(facts.unknown.values(), key=lambda tally: -tally.at)
        count = facts.unknown_count
        yield finding.warning(
            f"{count} error{'s' if count > 1 else ''} that this wizard does not know"
            + (f", of {len(newest)} kinds" if len(newest) > 1 else ""),
            node=node.name,
            evidence="\n".join(f"{tally.count}x {tally.last.evidence}" for tally in newest[:QUOTED]),
            fix=f"read them in {pair.sight(node).log}",
        )


JUDGES: tuple[tuple[str, Callable[[Pair], Iterator[Finding]]], ...] = (
    ("verify.log", _log),
    ("verify.mode", _mode),
    ("verify.registry-mount", _registry_mount),
    ("verify.membership", _membership),
    ("verify.member", _member),
    ("verify.snapshot-server", _snapshot_server),
    ("verify.active-passive", _active_passive),
    ("verify.event-sync", _event_sync),
    ("verify.state-sync", _state_sync),
    ("verify.spark-masters", _spark_masters),
    ("verify.spark-sql", _spark_sql),
    ("verify.node-id", _node_id),
    ("verify.known-error", _groups_alone),
    ("verify.unknown-error", _unknown_errors),
)
"""The ids and who judges them, in the procedure's order."""
