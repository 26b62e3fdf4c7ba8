"""The newest start of one node, as its log tells it (procedure 9)."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from wizard.verify.faults import Fault, fault_of
from wizard.verify.record import STARTING, Record

HaRole = Literal["active", "passive", "backup"]

MOST_MOMENTS = 500
MOST_KINDS = 100
"""Kinds of unknown errors that are told apart; the others are only counted."""

_SPARK_SQL = b"Spark SQL Context is not available"
_NO_PLANS = re.compile(r"No execution plans exist for tenant")
_CHANGING = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\d+|'[^']*'|\"[^\"]*\"")
_HOST_PORT = r"(?P<host>[^\s']*):(?P<port>\d{1,5})\b"


@dataclass(frozen=True, slots=True)
class Address:
    """A host as the log prints it, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class LocalMember:
    """What the node calls itself in the cluster; the console's ports are -1 where it does not say."""

    uuid: str
    address: Address
    http: int
    https: int
    domain: str
    record: Record


@dataclass(slots=True)
class Peer:
    """Another member, as this node has seen it come and go; `left` is None while it is there."""

    uuid: str
    address: Address
    joined: Record | None = None
    left: Record | None = None


@dataclass(slots=True)
class Tally:
    """How often something was said, first and last."""

    first: Record
    last: Record
    count: int = 1

    def add(self, record: Record) -> None:
        self.count += 1
        self.last = record


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the time line: the node's own clock, what happened, and the record that says so."""

    record: Record
    text: str

    @property
    def time_text(self) -> str:
        return self.record.time_text


@dataclass(slots=True)
class Facts:
    """What is known of the newest start of one node.

    Times are the node's own clock and must not be compared with another node's.  `started` is None where no
    start was seen.  `added` are the members of the configuration, `peers` those that were really seen, by
    their uuid. `mounts` are by the name of the dbConfig.  `masters` is the largest Spark master map that
    was printed.  `sync_failures` counts since the last success.
    """

    started: Record | None = None
    complete: Record | None = None
    seconds: int | None = None
    stopped: Record | None = None
    mounts: dict[str, list[Record]] = field(default_factory=dict)
    scheme: tuple[str, Record] | None = None
    added: list[tuple[Address, Record]] = field(default_factory=list)
    hazelcast: Record | None = None
    local: LocalMember | None = None
    clustered: Record | None = None
    snapshot: tuple[Address, Record] | None = None
    snapshot_failed: Record | None = None
    mode: tuple[str, Record] | None = None
    role: HaRole | None = None
    role_record: Record | None = None
    peers: dict[str, Peer] = field(default_factory=dict)
    publishers: dict[Address, Record] = field(default_factory=dict)
    masters: tuple[int, Record] | None = None
    client: tuple[int, Record] | None = None
    synced: Record | None = None
    sync_failures: Tally | None = None
    sync_failures_after_complete: int = 0
    sync_harmless: bool = False
    loopback: Record | None = None
    spark_sql: Tally | None = None
    known: dict[str, tuple[Fault, Tally]] = field(default_factory=dict)
    unknown: dict[tuple[str, str], Tally] = field(default_factory=dict)
    unknown_count: int = 0
    moments: deque[Moment] = field(default_factory=lambda: deque(maxlen=MOST_MOMENTS))
    last: Record | None = None

    @property
    def seen(self) -> bool:
        """Whether the log says anything at all of a start."""
        return self.started is not None or self.last is not None

    @property
    def running(self) -> bool:
        """Whether the newest start is complete and not stopped since."""
        return self.complete is not None and self.stopped is None


class Story:
    """Reads the records of one node in their order; a new start begins a new story."""

    def __init__(self) -> None:
        self.facts = Facts()
        self._faults: dict[tuple[str, str, str], Fault | None] = {}

    def read(self, records: Iterable[Record]) -> bool:
        """Take the records in; whether there were any."""
        heard = False
        for record in records:
            heard = True
            self.feed(record)
        return heard

    def feed(self, record: Record) -> None:
        """Take one record in."""
        message = record.message
        if message.startswith(STARTING):
            self.facts = Facts(started=record, last=record)
            self._note(record, "starting")
            return
        self.facts.last = record
        for pattern, tell in _TELLERS.get(message.partition(" ")[0], ()):
            found = pattern.match(message)
            if found is not None:
                text = tell(self.facts, record, found)
                if text is not None:
                    self._note(record, text)
                return
        if record.level in ("ERROR", "FATAL"):
            self._error(record)

    def _note(self, record: Record, text: str) -> None:
        self.facts.moments.append(Moment(record, text))

    def _error(self, record: Record) -> None:
        facts = self.facts
        if _SPARK_SQL in record.raw or any(_SPARK_SQL in line for line in record.raw_trace):
            if facts.spark_sql is None:
                facts.spark_sql = Tally(record, record)
            else:
                facts.spark_sql.add(record)
            return
        kind = _CHANGING.sub("#", record.message[:160])
        cause = record.raw_trace[-1][:160].decode("utf-8", "replace") if record.raw_trace else ""
        key = (record.source, kind, _CHANGING.sub("#", cause))
        if key not in self._faults:
            if len(self._faults) > 10 * MOST_KINDS:
                self._faults.clear()
            self._faults[key] = fault_of("\n".join((record.message, *record.trace)))
        fault = self._faults[key]
        if fault is not None:
            if fault.name in facts.known:
                facts.known[fault.name][1].add(record)
            else:
                facts.known[fault.name] = (fault, Tally(record, record))
                self._note(record, f"error: {fault.cause}")
            return
        facts.unknown_count += 1
        known_kind = facts.unknown.get(key[:2])
        if known_kind is not None:
            known_kind.add(record)
        elif len(facts.unknown) < MOST_KINDS:
            facts.unknown[key[:2]] = Tally(record, record)


def _complete(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.complete, facts.seconds = record, int(found["seconds"])
    facts.sync_failures_after_complete = 0
    return f"started in {found['seconds']} s"


def _stopped(facts: Facts, record: Record, _: re.Match[str]) -> str | None:
    first = facts.stopped is None
    facts.stopped = record
    return "shutting down" if first else None


def _mounted(facts: Facts, record: Record, found: re.Match[str]) -> str | None:
    name = found["mount"]
    if name not in facts.mounts and len(facts.mounts) >= MOST_KINDS:
        return None
    records = facts.mounts.setdefault(name, [])
    records.append(record)
    return "registry mounted" if len(records) == 2 else None


def _scheme(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.scheme = (found["scheme"], record)
    return f"membership scheme {found['scheme']}"


def _added(facts: Facts, record: Record, found: re.Match[str]) -> None:
    if len(facts.added) < MOST_KINDS:
        facts.added.append((_address(found), record))


def _hazelcast(facts: Facts, record: Record, _: re.Match[str]) -> str:
    facts.hazelcast = record
    return "Hazelcast initialized"


def _local(facts: Facts, record: Record, found: re.Match[str]) -> None:
    facts.local = LocalMember(
        found["uuid"],
        _address(found),
        int(found["http"] or -1),
        int(found["https"] or -1),
        found["domain"] or "",
        record,
    )


def _coordinator(facts: Facts, record: Record, _: re.Match[str]) -> str:
    return "coordinator of the cluster"


def _clustered(facts: Facts, record: Record, _: re.Match[str]) -> str:
    facts.clustered = record
    return "cluster initialized"


def _snapshot(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.snapshot, facts.snapshot_failed = (_address(found), record), None
    return f"snapshot server at {found['host']}:{found['port']}"


def _snapshot_failed(facts: Facts, record: Record, _: re.Match[str]) -> str:
    facts.snapshot_failed = record
    return "the snapshot server cannot start"


def _mode(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.mode = (found["mode"], record)
    return f"event processor in {found['mode']} mode"


def _role(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.role, facts.role_record = found["role"].lower(), record  # type: ignore[assignment]
    if facts.role == "active":
        facts.synced = facts.sync_failures = None  # what it will need if it ever becomes passive again
    return f"became {facts.role}"


def _joined(facts: Facts, record: Record, found: re.Match[str]) -> str:
    peer = facts.peers.setdefault(found["uuid"], Peer(found["uuid"], _address(found)))
    peer.joined, peer.left = record, None
    _forget_old_peers(facts)
    return f"member joined: {peer.address}"


def _left(facts: Facts, record: Record, found: re.Match[str]) -> str:
    peer = facts.peers.setdefault(found["uuid"], Peer(found["uuid"], _address(found)))
    peer.left = record
    return f"member left: {peer.address}"


def _forget_old_peers(facts: Facts) -> None:
    """A node that runs for years sees its partner come and go more often than anybody wants to know."""
    while len(facts.peers) > MOST_KINDS:
        facts.peers.pop(next(iter(facts.peers)))


def _publisher(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.publishers[_address(found)] = record
    return f"sends events to {found['host']}:{found['port']}"


def _no_publisher(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.publishers.pop(_address(found), None)
    return f"sends no more events to {found['host']}:{found['port']}"


def _masters(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.masters = (int(found["count"]), record)
    return f"Spark masters: {found['count']}"


def _client(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.client = (int(found["port"]), record)
    return f"Spark application started, its UI at port {found['port']}"


def _synced(facts: Facts, record: Record, _: re.Match[str]) -> str:
    facts.synced, facts.sync_failures, facts.sync_failures_after_complete = record, None, 0
    return "state synced"


def _sync_failed(facts: Facts, record: Record, _: re.Match[str]) -> str | None:
    facts.sync_harmless = _NO_PLANS.search(record.message) is not None
    facts.sync_failures_after_complete += facts.complete is not None
    if facts.sync_failures is not None:
        facts.sync_failures.add(record)
        return None
    facts.sync_failures = Tally(record, record)
    return "state not synced yet" if facts.sync_harmless else "state syncing failed"


def _loopback(facts: Facts, record: Record, _: re.Match[str]) -> None:
    facts.loopback = record


def _address(found: re.Match[str]) -> Address:
    """The last `host/address:port` or `host:port`: Java prints `/10.0.0.1:4000` and `name/10.0.0.1:4000`."""
    return Address(found["host"].rpartition("/")[2].strip("[]"), int(found["port"]))


_Teller = Callable[[Facts, Record, re.Match[str]], str | None]
_MEMBER = r"Host:(?P<host>[^,\s]*),.*?\bPort:\s*(?P<port>\d{1,5})\b"

_TELLERS: dict[str, list[tuple[re.Pattern[str], _Teller]]] = {}


def _tell(first_word: str, pattern: str, teller: _Teller) -> None:
    _TELLERS.setdefault(first_word, []).append((re.compile(pattern), teller))


_tell("WSO2", r"WSO2 Carbon started in (?P<seconds>\d{1,9}) sec", _complete)
_tell("Shutdown", r"Shutdown hook triggered", _stopped)
_tell("Gracefully", r"Gracefully shutting down", _stopped)
_tell("Shutting", r"Shutting down (?:WSO2 )?Carbon", _stopped)
_tell("Connected", r"Connected to mount at (?P<mount>\S+) in", _mounted)
_tell("Using", r"Using (?P<scheme>\S+) based membership management scheme", _scheme)
_tell("Added", r"Added member: " + _MEMBER, _added)
_tell("Hazelcast", r"Hazelcast initialized in", _hazelcast)
_tell(
    "Local",
    r"Local member: \[(?P<uuid>[^\]]*)\] - "
    + _MEMBER
    + r"(?:,\s*HTTP:(?P<http>-?\d+))?(?:,\s*HTTPS:(?P<https>-?\d+))?"
    r"(?:,\s*Domain:\s*(?P<domain>[^,]*))?",
    _local,
)
_tell("Elected", r"Elected this member \[[^\]]*\] as the Coordinator", _coordinator)
_tell("Cluster", r"Cluster initialization completed", _clustered)
_tell("CEP", r"CEP HA Snapshot Server started on " + _HOST_PORT, _snapshot)
_tell("Cannot", r"Cannot start CEP HA Snapshot Server", _snapshot_failed)
_tell("Error", r"Error in starting CEP HA Snapshot Server", _snapshot_failed)
_tell("CEP", r"CEP started in (?P<mode>.+?) mode", _mode)
_tell("Became", r"Became CEP HA (?P<role>Active|Passive|Backup) Member", _role)
_tell("Member", r"Member joined \[(?P<uuid>[^\]]*)\]:\s*" + _HOST_PORT, _joined)
_tell("Member", r"Member left \[(?P<uuid>[^\]]*)\]:\s*" + _HOST_PORT, _left)
_tell("CEP", r"CEP sync publisher initiated to Member '" + _HOST_PORT, _publisher)
_tell("CEP", r"CEP sync publisher disconnected from Member '" + _HOST_PORT, _no_publisher)
_tell("Spark", r"Spark Master map size after starting masters\s*:\s*(?P<count>\d+)", _masters)
_tell("Started", r"Started Spark CLIENT in the cluster.*\bUI port : (?P<port>\d{1,5})", _client)
_tell("CEP", r"CEP HA State successfully synced", _synced)
_tell("CEP", r"CEP HA State syncing failed", _sync_failed)
_tell("localMemberHost", r"localMemberHost is configured to use the loopback address", _loopback)
