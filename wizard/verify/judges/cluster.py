"""Judges of the Hazelcast cluster and of the roles in it: who is a member, who is active, who is passive."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.system.finding import Finding
from wizard.verify.facts import Peer
from wizard.verify.pair import NOT_WRITTEN, About, Pair, Seen
from wizard.verify.record import Record, printable

UNREACHABLE = "a loopback address, which the other machine cannot reach"
OWN_DOMAIN = "give this pair a cluster.domain of its own and replay"


def membership(seen: Seen) -> Iterator[Finding]:
    facts = seen.facts
    problems = [*_members(seen), *_local_member(seen)]
    yield from [one for one in problems if one.status == "error"] or problems
    if not problems and facts.scheme is not None:
        yield seen.ok("scheme wka, the members are those of the profile", facts.scheme[1])
    host = f"set the host of {seen.name} to an address of its machine; {seen.replay}"
    if facts.loopback is not None:
        if seen.pair.hosts.same(seen.node.host, "127.0.0.1") is False:
            message = f"its member host is a loopback address, not {seen.node.host}: {NOT_WRITTEN}"
            yield seen.error(message, facts.loopback, seen.replay)
        elif not seen.pair.one_machine:
            yield seen.warning(f"its member host is {UNREACHABLE}", facts.loopback, host)
    if facts.loopback_sync is not None and not seen.pair.one_machine:
        yield seen.error(f"its event sync or management host is {UNREACHABLE}", facts.loopback_sync, host)


def _members(seen: Seen) -> Iterator[Finding]:
    """Compare the scheme and the configured members: each node lists both."""
    facts, pair = seen.facts, seen.pair
    if facts.scheme is None:
        yield seen.missing("no membership scheme", f"{seen.replay}: clustering may be disabled in axis2.xml")
        return
    if facts.scheme[0].lower() != "wka":
        message = f"the membership scheme is {facts.scheme[0]}, not wka: {NOT_WRITTEN}"
        yield seen.error(message, facts.scheme[1], seen.replay)
        return
    wanted = {one.name: pair.hazelcast(one) for one in pair.nodes}
    for address, record in facts.added:
        if not any(pair.matches(one, address) for one in wanted.values()):
            message = f"{address} is a member here, but not in the profile: {NOT_WRITTEN}"
            yield seen.error(message, record, seen.replay)
    for name, address in wanted.items():
        if any(pair.matches(address, added) for added, _ in facts.added):
            continue
        if facts.hazelcast is None and facts.complete is None:
            yield seen.missing(f"no member {address}", seen.replay)
        elif name != seen.name or facts.complete is not None:
            who = "the partner" if name != seen.name else "the node itself"
            yield seen.error(f"{who} ({address}) is not a member here", facts.scheme[1], seen.replay)


def _local_member(seen: Seen) -> Iterator[Finding]:
    local, wanted = seen.facts.local, seen.pair.hazelcast(seen.node)
    domain = seen.pair.profile.cluster.domain
    if local is None:
        if seen.facts.scheme is not None:
            fix = f"{seen.replay}; check that port {seen.node.hazelcast_port} is free"
            yield seen.missing("no start of Hazelcast", fix)
        return
    differs = []
    if not seen.pair.matches(wanted, local.address):
        differs.append(f"it is {local.address} in the cluster, not {wanted}")
    if local.domain and local.domain != domain:
        differs.append(f"its domain is {printable(local.domain)}, not {domain}")
    if differs:
        yield seen.error(f"{'; '.join(differs)}: {NOT_WRITTEN}", local.record, seen.replay)
    if seen.facts.clustered is None:
        yield seen.missing("no end of the cluster initialization", seen.replay)


def strangers(pair: Pair) -> Iterator[Finding]:
    """Report the members of the cluster that are not nodes of the profile."""
    own, wanted = set(map(pair.uuid, pair.nodes)), list(map(pair.hazelcast, pair.nodes))
    for node in pair.nodes:
        for peer in pair.facts(node).peers.values():
            known = peer.uuid in own or any(pair.matches(one, peer.address) for one in wanted)
            if peer.left is None and not known:
                message = f"{peer.address} has joined the cluster and is not a node of this profile"
                yield About(node.name).error(message, peer.joined, f"stop that server, or {OWN_DOMAIN}")


def member(seen: Seen) -> Iterator[Finding]:
    pair, partner, peer = seen.pair, seen.partner, seen.pair.partners_peer(seen.node)
    if peer is None or pair.gone(seen.node):
        return  # the last lines of a server that has ended say nothing about now
    if peer.left is not None:
        yield _has_left(seen, peer, peer.left)
    elif peer.joined is not None:
        yield seen.ok(f"{partner.name} has joined", peer.joined)
        # The second node logs nothing about the first: the first one's log counts for both.
        clustered = pair.facts(partner).clustered
        if clustered is not None and pair.partners_peer(partner) is None:
            yield About(partner.name).ok(f"is in one cluster with {seen.name}", clustered)


def _has_left(seen: Seen, peer: Peer, record: Record) -> Finding:
    partner, facts = seen.partner, seen.pair.facts(seen.partner)
    if seen.pair.back(partner, peer) and facts.complete is None and facts.stopped is None:
        return seen.waiting(f"{partner.name} has left and is starting again", record)
    fix = f"start it: {seen.pair.act('start', partner)}; if it runs, check the network between the nodes"
    return seen.error(f"{partner.name} left at {record.time_text} and is not back", record, fix)


def no_member(pair: Pair) -> Iterator[Finding]:
    """Judge a pair in which no log shows that a member joined, as the first node's would."""
    yield from strangers(pair)
    for node in pair.nodes:
        if pair.facts(node).started is not None and pair.partners_peer(node) and not pair.gone(node):
            return
    seen = [Seen(pair, node) for node in pair.nodes if pair.facts(node).seen]
    if len(seen) == 2 and pair.both_complete:
        message = "both nodes are up, and neither has seen the other join"
        fix = "the Hazelcast ports must be reachable in both directions, with the same domain and members: "
        fix += "run apimha-wizard check, then replay"
        yield seen[0].error(message, seen[0].facts.complete, fix)
        return
    for one in seen:
        if one.facts.role == "passive":
            yield one.ok(f"is in one cluster with {one.partner.name}", one.facts.role_record)
        elif one.facts.failed or one.facts.stopped is not None:
            yield one.skipped(f"no member {one.partner.name}: this node is not running")
        else:
            yield one.waiting(f"{one.partner.name} has not joined yet")


def active_passive(seen: Seen) -> Iterator[Finding]:
    pair, partner, record = seen.pair, seen.partner, seen.facts.role_record
    role, other = pair.role(seen.node), pair.role(seen.partner)
    if role is None and seen.facts.role is not None:
        yield seen.waiting(f"was {seen.facts.role} until it ended", fix=f"start {seen.name} again")
    elif role is None:
        yield seen.missing("no active or passive role", seen.replay)
    elif role == "active" and other == "active":
        split = all(pair.left(node) is not None for node in pair.nodes)
        because = "each node believes the other is down, since the network between them is or was interrupted"
        fix = "restore the network between the nodes (Hazelcast ports), then start one of them again"
        yield seen.error(f"both nodes are active: {because if split else 'a split brain'}", record, fix)
    elif role == "backup":
        message = "the node is a backup, neither active nor passive: a third member has its role"
        yield seen.error(message, record, f"stop the third server, or {OWN_DOMAIN}")
    elif role == "passive" and other == "passive" and pair.both_running:
        fix = "stop both nodes, then start both: neither completes its start alone"
        yield seen.error(f"both this node and {partner.name} are passive: neither is active", record, fix)
    elif record is not None:
        yield seen.ok(f"{role} since {record.time_text}", record)
