"""What is seen of the two nodes, and the questions that every verdict asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from wizard.verify.hosts import Hosts
from wizard.verify.log import Trouble
from wizard.verify.story import Address, Facts, Peer

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile
    from wizard.verify.record import Record


SILENCE = 600
"""`hazelcast.max.no.heartbeat.seconds` where `hazelcast.properties` does not set it: the kernel's default."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of one node.

    `facts` is None for a node whose log nobody here sees.  `alive` tells whether the process of
    `wso2carbon.pid` lives; None where that is not known.  `log` is what people call the log.  `latest` is its last
    record of any kind, `sample` one of its lines where none is a record.
    """

    facts: Facts | None = None
    log: str = ""
    trouble: Trouble | None = None
    alive: bool | None = None
    latest: Record | None = None
    sample: str = ""


class EventPorts(NamedTuple):
    """The ports that a node's event processor opens, with the offset; 0 where that is not known here.

    `offset` is None for a server that does not add it to these ports.
    """

    offset: int | None
    sync: int
    management: int


@dataclass(frozen=True)
class Pair:
    """The profile and what is seen of its two nodes, by their names.  Nothing here compares their clocks."""

    profile: Profile
    sights: Mapping[str, Sight]
    one_machine: bool = False
    hosts: Hosts = field(default_factory=Hosts)
    opened: Mapping[str, EventPorts] = field(default_factory=dict)
    """The ports that the files of each node give, with the offset; without an entry those of the profile."""
    silence: int = SILENCE
    """Seconds for which the loss of a member that says nothing more (power, network) can go unnoticed."""
    called: str = ""
    """What the commands in a fix call the profile; empty where they cannot name one."""

    @property
    def nodes(self) -> tuple[Node, Node]:
        return self.profile.nodes

    def act(self, verb: Literal["start", "stop"], node: Node) -> str:
        """The command that starts or stops a node's server, and where it is to be run unless here.

        Where both homes are here, `start` starts both: a node that runs is left alone.
        """
        where = f"on {node.host}: " if self.hosts.here(node.host) is False else ""
        if not self.called:
            return f"{where}sh {node.home}/bin/wso2server.sh{'' if verb == 'start' else f' {verb}'}"
        option = "" if verb == "start" and self.one_machine else f" --node {node.name}"
        return f"{where}apimha-wizard {verb} {self.called}{option}"

    def partner(self, node: Node) -> Node:
        return self.profile.partner(node)

    def sight(self, node: Node) -> Sight:
        return self.sights.get(node.name) or Sight()

    def facts(self, node: Node) -> Facts | None:
        """The facts of a node with a start in sight, else None."""
        facts = self.sight(node).facts
        return facts if facts is not None and facts.seen else None

    def unseen(self, node: Node) -> bool:
        """Whether nobody here sees the node's log: it is on another machine and no `--log` names it."""
        return self.sight(node).facts is None

    def running(self, node: Node) -> bool:
        """Whether the node's newest start is complete, and nothing says that it has ended since."""
        facts = self.facts(node)
        return (
            facts is not None
            and facts.running
            and self.sight(node).alive is not False
            and not self.gone(node)
        )

    @property
    def both_running(self) -> bool:
        return all(self.running(node) for node in self.nodes)

    @property
    def both_complete(self) -> bool:
        """Whether both nodes' newest starts are complete, whatever came later."""
        return all(
            (facts := self.facts(node)) is not None
            and facts.started is not None
            and facts.complete is not None
            for node in self.nodes
        )

    def uuid(self, node: Node) -> str | None:
        facts = self.facts(node)
        return facts.local.uuid if facts is not None and facts.local is not None else None

    def partners_peer(self, node: Node) -> Peer | None:
        """The partner, as this node's log knows it: by the id of its newest start, else by its address."""
        facts = self.facts(node)
        if facts is None:
            return None
        uuid = self.uuid(self.partner(node))
        if uuid is not None and uuid in facts.peers:
            return facts.peers[uuid]
        wanted = self.hazelcast(self.partner(node))
        known = [peer for peer in facts.peers.values() if self.matches(wanted, peer.address)]
        return known[-1] if known else None

    def strangers(self, node: Node) -> list[Peer]:
        """The members that joined this node's cluster and are no node of the profile."""
        facts = self.facts(node)
        if facts is None:
            return []
        own = {self.uuid(one) for one in self.nodes}
        return [
            peer
            for peer in facts.peers.values()
            if peer.left is None
            and peer.uuid not in own
            and not any(self.matches(self.hazelcast(one), peer.address) for one in self.nodes)
        ]

    def left(self, node: Node) -> Peer | None:
        """This node, as its partner saw it leave; None if it did not, or is back."""
        peer = self.partners_peer(self.partner(node))
        return peer if peer is not None and peer.left is not None else None

    def back(self, node: Node) -> bool:
        """Whether a node that was seen leaving has begun another start since: its id is another one, or
        none yet.
        """
        peer, facts, uuid = self.left(node), self.facts(node), self.uuid(node)
        if peer is None or facts is None or facts.started is None:
            return False
        return uuid != peer.uuid if uuid is not None else facts.complete is None

    def gone(self, node: Node) -> bool:
        """Whether this very start of the node has ended in its partner's eyes, and not also the reverse."""
        return self.left(node) is not None and not self.back(node) and self.left(self.partner(node)) is None

    def hazelcast(self, node: Node) -> Address:
        return Address(node.host, node.hazelcast_port)

    def event_ports(self, node: Node) -> EventPorts:
        return self.opened.get(node.name) or EventPorts(0, node.event_sync_port, node.management_port)

    def matches(self, wanted: Address, seen: Address) -> bool:
        """Whether an address of the log can be the wanted one; a port that is not known and a name that was not
        looked up can.
        """
        return wanted.port in (0, seen.port) and self.hosts.same(wanted.host, seen.host) is not False
