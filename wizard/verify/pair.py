"""The hosts of the two nodes, what is known about the nodes, and the questions that every judge asks."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from wizard.system import finding, network
from wizard.system.finding import ANY_PROFILE, Finding
from wizard.verify.facts import Address, Facts, HaRole, Peer
from wizard.verify.log import Unread
from wizard.verify.record import Record

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile


@dataclass(frozen=True, slots=True)
class Hosts:
    """Compares hosts as the profile and the logs write them.

    `resolved` has the addresses of the resolved names; another name is not judged.
    """

    resolved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def same(self, one: str, other: str) -> bool | None:
        """Whether both are one host; None if unknown.  All loopback addresses are one."""
        one, other = one.strip().lower(), other.strip().lower()
        if one == other:
            return True
        first, second = (set(map(_canonical, self._addresses(host))) for host in (one, other))
        return bool(first & second) if first and second else None

    def here(self, host: str) -> bool | None:
        """Whether a host is this machine; None if unknown."""
        found = self._addresses(host.lower())
        return any(map(network.is_local, found)) if found else None

    def one_machine(self, hosts: Iterable[str]) -> bool:
        """Whether the hosts are one machine: equal, or all this one (checks.md)."""
        hosts = [host.lower() for host in hosts]
        return len(set(hosts)) == 1 or all(self.here(host) for host in hosts)

    def _addresses(self, host: str) -> tuple[str, ...]:
        return self.resolved.get(host) or network.addresses(host, resolve=False)


def _canonical(address: str) -> str:
    found = ipaddress.ip_address(address.partition("%")[0])
    return "loopback" if found.is_loopback else str(found)


def resolve(hosts: Iterable[str]) -> Hosts:
    """Return the hosts with the addresses of the names that are resolved in time."""
    names = [host.lower() for host in hosts if not network.is_literal(host)]
    network.resolve_ahead(names)
    return Hosts({name: found for name in names if (found := network.addresses(name, resolve=True))})


NO_LOG = "its log is not available here"
NOT_STARTED = "the log shows no start"
NOT_WRITTEN = "this is not the configuration that the wizard wrote"

SILENCE = 600
"""`hazelcast.max.no.heartbeat.seconds` where `hazelcast.properties` does not set it: the kernel's default."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known about one node.

    `facts` is None if no log of the node is available here.  `alive`: whether its server process runs, None if
    unknown.  `log` is the log's name.  `latest` is its last record of any kind, `sample` one of its lines if none of
    them is a record.
    """

    facts: Facts | None = None
    log: str = ""
    unread: Unread | None = None
    alive: bool | None = None
    latest: Record | None = None
    sample: str = ""


class EventPorts(NamedTuple):
    """The ports that a node's event processor opens, with the offset; 0 if unknown here.

    `offset` is None for a server that does not add it to these ports.
    """

    offset: int | None
    sync: int
    management: int


@dataclass(frozen=True)
class Pair:
    """The profile, and what is known about its two nodes by name.  The nodes' clocks are never compared."""

    profile: Profile
    sights: Mapping[str, Sight]
    one_machine: bool = False
    hosts: Hosts = field(default_factory=Hosts)
    opened: Mapping[str, EventPorts] = field(default_factory=dict)
    """The ports from the files of each node, with the offset; without an entry those of the profile."""
    silence: int = SILENCE
    """Seconds for which the silent loss of a member (power, network) can go unnoticed."""
    called: str = ""
    """The profile's name in the commands of a fix; empty if it has none."""

    @property
    def nodes(self) -> tuple[Node, Node]:
        return self.profile.nodes

    def act(self, verb: Literal["start", "stop"], node: Node) -> str:
        """Return the command that starts or stops a node's server, with its machine unless it is this one.

        If both homes are here, `start` starts both: a running node is left alone.
        """
        where = f"on {node.host}: " if self.hosts.here(node.host) is False else ""
        if not self.called:
            return f"{where}sh {node.home}/bin/wso2server.sh{'' if verb == 'start' else f' {verb}'}"
        option = "" if verb == "start" and self.one_machine else f" --node {node.name}"
        return f"{where}apimha-wizard {verb} {self.called}{option}"

    def show_log(self, node: Node) -> str:
        return show_log(node, self.called or ANY_PROFILE)

    def partner(self, node: Node) -> Node:
        return self.profile.partner(node)

    def sight(self, node: Node) -> Sight:
        return self.sights.get(node.name) or Sight()

    def facts(self, node: Node) -> Facts:
        """Return what the node's log says about its newest start: nothing, if it has none or is not here."""
        return self.sight(node).facts or Facts()

    def unseen(self, node: Node) -> bool:
        """Whether the node's log is not available: it is on another machine and no `--log` names it."""
        return self.sight(node).facts is None

    def unseen_partner(self, *, passive: bool | None = None) -> Node | None:
        """Return the only node without a log here; `passive`: only if the other node is (not) passive."""
        unseen = [node for node in self.nodes if self.unseen(node)]
        if len(unseen) != 1:
            return None
        is_passive = self.role(self.partner(unseen[0])) == "passive"
        return unseen[0] if passive in (None, is_passive) else None

    def running(self, node: Node) -> bool:
        """Whether the node's newest start is complete, and nothing shows that it has ended since."""
        return self.facts(node).complete is not None and not self.ended(node)

    def ended(self, node: Node) -> bool:
        """Whether the log, the process or the partner shows that the node's server has ended."""
        stopped = self.facts(node).stopped is not None
        return stopped or self.sight(node).alive is False or self.gone(node)

    @property
    def both_running(self) -> bool:
        return all(map(self.running, self.nodes))

    @property
    def both_complete(self) -> bool:
        """Whether both nodes' newest starts are complete, whatever came later."""
        return all(one.started and one.complete for one in map(self.facts, self.nodes))

    @property
    def can_progress(self) -> bool:
        """Whether what is missing can still happen: one of the starts has neither failed nor ended."""
        known = map(self.facts, self.nodes)
        return any(one.seen and not one.failed and one.stopped is None for one in known)

    def role(self, node: Node) -> HaRole | None:
        """Return the node's present role; a server that has ended has none."""
        return None if self.ended(node) else self.facts(node).role

    def uuid(self, node: Node) -> str | None:
        local = self.facts(node).local
        return local.uuid if local is not None else None

    def partners_peer(self, node: Node) -> Peer | None:
        """Return the partner as this node's log knows it: by the id of its newest start, else by its address.

        After a split of the cluster a node can come back with another id, without a start.
        """
        partner, peers = self.partner(node), self.facts(node).peers
        own = peers.get(self.uuid(partner) or "")
        known = [peer for peer in peers.values() if self.matches(self.hazelcast(partner), peer.address)]
        return known[-1] if known and (own is None or own.left is not None) else own

    def left(self, node: Node) -> Peer | None:
        """Return this node as its partner saw it leave; None if it did not, or is back."""
        peer = self.partners_peer(self.partner(node))
        return peer if peer is not None and peer.left is not None else None

    def back(self, node: Node, peer: Peer) -> bool:
        """Whether the log of a node that left as this peer shows another start: its id is another one, or none."""
        return self.facts(node).started is not None and self.uuid(node) != peer.uuid

    def gone(self, node: Node) -> bool:
        """Whether the partner saw this very start of the node end, and this node did not see its partner end."""
        peer = self.left(node)
        return peer is not None and not self.back(node, peer) and self.left(self.partner(node)) is None

    def hazelcast(self, node: Node) -> Address:
        return Address(node.host, node.hazelcast_port)

    def event_ports(self, node: Node) -> EventPorts:
        return self.opened.get(node.name) or EventPorts(0, node.event_sync_port, node.management_port)

    def matches(self, wanted: Address, seen: Address) -> bool:
        """Whether an address of the log can be the wanted one; an unknown port or an unresolved name can."""
        return wanted.port in (0, seen.port) and self.hosts.same(wanted.host, seen.host) is not False


def show_log(node: Node, profile: str, *options: str) -> str:
    """Return the command that passes the log of a node on another machine to `verify`."""
    log = f"{node.home}/repository/logs/wso2carbon.log"
    verify = " ".join(("apimha-wizard verify", profile, *options))
    return f"ssh {node.host} tail -n +1 -F {log} | {verify} --log {node.name}=-"


Evidence = Record | str | None


class About:
    """Makes the findings about one node, or about the pair if `name` is None."""

    def __init__(self, name: str | None) -> None:
        self.name = name

    def ok(self, message: str, evidence: Evidence = None) -> Finding:
        return finding.ok(message, node=self.name, evidence=_text(evidence))

    def error(self, message: str, evidence: Evidence, fix: str) -> Finding:
        return finding.error(message, node=self.name, evidence=_text(evidence), fix=fix)

    def warning(self, message: str, evidence: Evidence, fix: str) -> Finding:
        return self.error(message, evidence, fix)._replace(status="warning")

    def waiting(self, message: str, evidence: Evidence = None, fix: str | None = None) -> Finding:
        return finding.waiting(message, node=self.name, evidence=_text(evidence), fix=fix)

    def skipped(self, message: str, fix: str | None = None) -> Finding:
        return finding.skipped(message, node=self.name, fix=fix)


def _text(evidence: Evidence) -> str | None:
    return evidence.line if isinstance(evidence, Record) else evidence


class Seen(About):
    """A node whose newest start is in its log."""

    def __init__(self, pair: Pair, node: Node) -> None:
        super().__init__(node.name)
        self.pair = pair
        self.node = node
        self.facts = pair.facts(node)
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
