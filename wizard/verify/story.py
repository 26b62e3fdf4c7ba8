"""The newest start of one node, as its log tells it (procedure 9)."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from wizard.verify.classes import Row, row_of
from wizard.verify.knowledge import BY_ID, Failure, recognise
from wizard.verify.record import STARTING, Record, printable

HaRole = Literal["active", "passive", "backup"]
Success = Literal["database", "spark", "receiver", "events", "member"]
"""What a later line can show to work again."""

MOST_MOMENTS = 500
MOST_KINDS = 100
"""Kinds of unknown errors that are told apart; the others are only counted."""
OUTAGE = 10
"""A gap between two errors that is so many times the usual one parts two outages."""
LONGEST_TEXT = 300
"""Characters of a message that a finding repeats."""

_SPARK_SQL = b"Spark SQL Context is not available"
_NO_PLANS = re.compile(r"No execution plans exist for tenant")
_CHANGING = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\d+|'[^']*'|\"[^\"]*\"")
_NUMBER = re.compile(r"\d+")
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
    """What the node calls itself in the cluster.

    The ports of the console that stand there are those of the configuration without the offset: no evidence.
    """

    uuid: str
    address: Address
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
    """How often something was said, first and last, and since when without a long gap.

    `at` is the place of the last one among the node's records: what comes later has a higher one.
    """

    first: Record
    last: Record
    count: int = 1
    at: int = 0
    since: Record | None = None
    in_a_row: int = 1
    pauses: int = 0
    pause: timedelta = timedelta()
    """The time between the last two outages, of which there were `pauses` + 1."""

    @classmethod
    def of(cls, record: Record, at: int) -> Tally:
        return cls(record, record, record.times, at, record, record.times)

    def add(self, record: Record, at: int) -> None:
        self._notice_gap(record)
        self.count += record.times
        self.in_a_row += record.times
        self.last, self.at = record, at

    def _notice_gap(self, record: Record) -> None:
        """Begin another outage where nothing was heard for much longer than usual."""
        if self.in_a_row < 3 or self.since is None:
            return
        begun, last, now = self.since.time, self.last.time, record.time
        if begun is None or last is None or now is None:
            return
        lasted = max(last - begun, timedelta(seconds=1))
        if now - last > max(lasted, OUTAGE * lasted / self.in_a_row):
            self.since, self.in_a_row = record, 0
            self.pauses, self.pause = self.pauses + 1, now - last

    @property
    def lasted(self) -> timedelta:
        """How long such errors came, without a long gap."""
        begun, last = (self.since or self.first).time, self.last.time
        return max(last - begun, timedelta()) if begun is not None and last is not None else timedelta()


@dataclass(slots=True)
class Trouble:
    """Errors of one cause.

    `row` is the row of the verdict that they belong to, None where no row judges their class.  `failure` is the known
    cause; without one `text` is the message.  `after_start` counts those that came when the start was complete.
    """

    row: Row | None
    text: str
    failure: Failure | None
    tally: Tally
    node: Address | None = None
    """The address that an error about reaching something names."""
    blocks_start: bool = False
    """Whether no start follows after such an error, or the server itself calls it fatal."""
    tried_once: bool = False
    """Whether the server tries this once in a start: then it has failed even if its cause has passed."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the time line: the node's own clock, what happened, and the record that says so."""

    record: Record
    text: str
    error: bool = False

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
    refused: Record | None = None  # what the launcher said and no start has followed
    complete: Record | None = None
    complete_at: int = 0
    seconds: int | None = None
    stopped: Record | None = None
    mounts: dict[str, tuple[int, Record]] = field(default_factory=dict)
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
    unconnected: dict[Address, Tally] = field(default_factory=dict)
    listening: tuple[int, Record] | None = None
    masters: tuple[int, Record] | None = None
    redundant: Record | None = None
    own_master: Record | None = None
    node_id: tuple[str, Record] | None = None
    tasks: dict[str, tuple[int, Record]] = field(default_factory=dict)
    services: Tally | None = None
    client: tuple[int, Record] | None = None
    synced: Record | None = None
    sync_failures: Tally | None = None
    sync_failures_after_complete: int = 0
    sync_harmless: bool = False
    loopback: Record | None = None
    loopback_sync: Record | None = None
    spark_sql: Tally | None = None
    successes: dict[Success, int] = field(default_factory=dict)
    troubles: dict[tuple[Row | None, str], Trouble] = field(default_factory=dict)
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
    """Reads the records of one node in their order; a new start begins a new story.

    `mask` hides passwords in what the time line quotes.
    """

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self.facts = Facts()
        self._mask = mask
        self._at = 0
        self._failures: dict[tuple[str, str, int], Failure | None] = {}

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
        self._at += 1
        if message.startswith(STARTING):
            refused = self.facts.refused  # what the launcher says comes before the start that it is about
            self.facts = Facts(started=record, last=record)
            self._note(record, "starting")
            if refused is not None:
                self._trouble(refused, None, BY_ID["java-version"])
            return
        if record.source == "wso2server.sh":
            self.facts.refused = record
            return
        facts = self.facts
        facts.last = record
        for pattern, tell in _TELLERS.get(message.partition(" ")[0], ()):
            found = pattern.match(message)
            if found is not None:
                text = tell(facts, record, found)
                if success := _SUCCESS.get(tell):
                    facts.successes[success] = self._at
                if tell is _complete:
                    facts.complete_at = self._at
                if text is not None:
                    self._note(record, text)
                return
        if record.level in ("ERROR", "FATAL"):
            self._error(record)
        elif record.level == "WARN":
            self._warning(record)

    def _note(self, record: Record, text: str, *, error: bool = False) -> None:
        self.facts.moments.append(Moment(record, self._mask(text), error))

    def _warning(self, record: Record) -> None:
        """The few warnings that decide something."""
        facts, message = self.facts, record.message
        if message.startswith(("Target path does not exist", "Unable to look-up JNDI")):
            self._trouble(record, "registry-mount", recognise(record.causes, source=record.source))
        elif message.startswith("Waiting for required OSGi services"):
            if facts.services is None:
                facts.services = Tally.of(record, self._at)
            else:
                facts.services.add(record, self._at)

    def _error(self, record: Record) -> None:
        facts = self.facts
        if self._about_spark_sql(record) or self._about_event_processor(record):
            return
        row = row_of(record.source)
        kind = _CHANGING.sub("#", record.message[:160])
        # All that `recognise` looks at, but for the numbers.
        key = (record.source, kind, hash(_NUMBER.sub("#", "\n".join(record.causes))))
        if key not in self._failures:
            if len(self._failures) > 10 * MOST_KINDS:
                self._failures.clear()
            self._failures[key] = recognise(record.causes, source=record.source)
        failure = self._failures[key]
        blocks = record.level == "FATAL" or _NO_START.search(record.message) is not None
        if failure is not None or row is not None or blocks:
            self._trouble(record, row, failure, blocks=blocks)
            return
        facts.unknown_count += record.times
        known_kind = facts.unknown.get(key[:2])
        if known_kind is not None:
            known_kind.add(record, self._at)
        else:
            if len(facts.unknown) >= MOST_KINDS:
                facts.unknown.pop(next(iter(facts.unknown)))
            facts.unknown[key[:2]] = Tally.of(record, self._at)

    def _about_spark_sql(self, record: Record) -> bool:
        if _SPARK_SQL not in record.raw and not any(_SPARK_SQL in line for line in record.raw_trace):
            return False
        facts = self.facts
        if facts.spark_sql is None:
            facts.spark_sql = Tally.of(record, self._at)
        else:
            facts.spark_sql.add(record, self._at)
        return True

    def _about_event_processor(self, record: Record) -> bool:
        """The errors of the event processor that name an address, or are harmless."""
        facts, message = self.facts, record.message
        if _LOOPBACK_SYNC.search(message):
            facts.loopback_sync = record
            return True
        if record.name == "HAManager" and _STATE_CHANGER.search("\n".join(record.causes)):
            return True  # when the active node stops
        if found := _NOT_CONNECTED.search(message):
            address = _address(found)
            known = facts.unconnected.get(address)
            if known is not None:
                known.add(record, self._at)
            elif len(facts.unconnected) < MOST_KINDS:
                facts.unconnected[address] = Tally.of(record, self._at)
                self._note(record, f"error: no connection to {address}", error=True)
            return True
        if record.name not in ("HAManager", "ManagementServiceClientThriftImpl"):
            return False
        if found := _NO_MANAGEMENT.search("\n".join((message, *record.causes))):
            trouble = self._trouble(record, "state-sync", None)
            trouble.node = _address(found)
            return True
        return False

    def _trouble(
        self, record: Record, row: Row | None, failure: Failure | None, *, blocks: bool = False
    ) -> Trouble:
        """Count an error with the others of its cause."""
        troubles = self.facts.troubles
        once = _TRIED_ONCE.search(record.message) is not None
        key = (row, failure.id if failure is not None else _CHANGING.sub("#", record.message[:160]))
        known = troubles.get(key)
        if known is not None:
            known.tally.add(record, self._at)
            known.blocks_start = known.blocks_start or blocks
            known.tried_once = known.tried_once or once
            return known
        if len(troubles) >= MOST_KINDS:
            troubles.pop(
                next((key for key, one in troubles.items() if not one.failure), next(iter(troubles)))
            )
        text = printable(record.message)[:LONGEST_TEXT]
        troubles[key] = Trouble(row, text, failure, Tally.of(record, self._at), None, blocks, once)
        self._note(record, f"error: {failure.cause if failure is not None else text}", error=True)
        return troubles[key]


def _complete(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.complete, facts.seconds = record, int(found["seconds"])
    facts.sync_failures_after_complete = 0
    facts.tasks, facts.services = {}, None  # it implies that all task servers were activated
    return f"started in {found['seconds']} s"


def _stopped(facts: Facts, record: Record, _: re.Match[str]) -> str | None:
    if record.level != "INFO":
        return None
    first = facts.stopped is None
    facts.stopped = record
    return "shutting down" if first else None


def _kernel_stopped(facts: Facts, record: Record, found: re.Match[str]) -> str | None:
    """As `_stopped`, for words that parts of the server also print of themselves: the kernel's alone count."""
    return _stopped(facts, record, found) if record.name in _KERNEL else None


def _mounted(facts: Facts, record: Record, found: re.Match[str]) -> str | None:
    name = found["mount"]
    if name not in facts.mounts and len(facts.mounts) >= MOST_KINDS:
        return None
    count = facts.mounts[name][0] + 1 if name in facts.mounts else 1
    facts.mounts[name] = (count, record)
    return "registry mounted" if count == 2 else None


def _registry(facts: Facts, record: Record, _: re.Match[str]) -> None:
    """The local registry is there."""


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


def _listening(facts: Facts, record: Record, found: re.Match[str]) -> str | None:
    first = facts.listening is None
    facts.listening = (int(found["port"]), record)
    return "receives events" if first else None


def _connected(facts: Facts, record: Record, found: re.Match[str]) -> None:
    """The connection stood: this is printed only then."""
    address = _address(found)
    facts.unconnected.pop(address, None)
    _publishes(facts, address, record)


def _publishes(facts: Facts, address: Address, record: Record) -> None:
    if address in facts.publishers or len(facts.publishers) < MOST_KINDS:
        facts.publishers[address] = record


def _mode(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.mode = (found["mode"], record)
    return f"event processor in {found['mode']} mode"


def _role(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.role, facts.role_record = found["role"].lower(), record  # type: ignore[assignment]
    failed = facts.snapshot_failed
    if failed is not None and facts.role == "passive" and failed.message.startswith("Error while setting"):
        facts.snapshot_failed = None
    if facts.role == "active":
        facts.troubles = {key: one for key, one in facts.troubles.items() if one.node is None}
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
    _publishes(facts, _address(found), record)
    return f"sends events to {found['host']}:{found['port']}"


def _no_publisher(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.publishers.pop(_address(found), None)
    facts.unconnected.pop(_address(found), None)
    return f"sends no more events to {found['host']}:{found['port']}"


def _masters(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.masters = (int(found["count"]), record)
    return f"Spark masters: {found['count']}"


def _redundant(facts: Facts, record: Record, _: re.Match[str]) -> str:
    facts.redundant = record
    return "all Spark masters are started"


def _own_master(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.own_master = record
    return f"Spark master at {found['host']}:{found['port']}"


def _node_id(facts: Facts, record: Record, found: re.Match[str]) -> None:
    facts.node_id = (found["id"], record)


def _single_node(facts: Facts, record: Record, _: re.Match[str]) -> str:
    facts.mode = ("Single node", record)
    return "event processor in Single node mode"


def _awaits_tasks(facts: Facts, record: Record, found: re.Match[str]) -> str | None:
    fresh = found["type"] not in facts.tasks
    if fresh and len(facts.tasks) >= MOST_KINDS:
        return None
    facts.tasks[found["type"]] = (int(found["count"]), record)
    return f"waits for {found['count']} task servers of {found['type']}" if fresh else None


def _has_tasks(facts: Facts, record: Record, found: re.Match[str]) -> None:
    facts.tasks.pop(found["type"], None)


def _client(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.client = (int(found["port"]), record)
    return f"Spark application started, its UI at port {found['port']}"


def _synced(facts: Facts, record: Record, _: re.Match[str]) -> str:
    facts.synced, facts.sync_failures, facts.sync_failures_after_complete = record, None, 0
    facts.troubles = {key: one for key, one in facts.troubles.items() if not _ended_by_sync(one)}
    return "state synced"


def _ended_by_sync(trouble: Trouble) -> bool:
    """Whether a success of the state sync shows that such errors are over."""
    failure = trouble.failure
    return trouble.row == "state-sync" and (
        failure is None or failure.subject in ("database", "network", "port")
    )


def _sync_failed(facts: Facts, record: Record, _: re.Match[str]) -> str | None:
    facts.sync_harmless = _NO_PLANS.search(record.message) is not None
    facts.sync_failures_after_complete += facts.complete is not None
    if facts.sync_failures is not None:
        facts.sync_failures.add(record, 0)
        return None
    facts.sync_failures = Tally.of(record, 0)
    return "state not synced yet" if facts.sync_harmless else "state syncing failed"


def _loopback(facts: Facts, record: Record, _: re.Match[str]) -> None:
    facts.loopback = record


def _address(found: re.Match[str]) -> Address:
    """The last `host/address:port` or `host:port`: Java prints `/10.0.0.1:4000` and `name/10.0.0.1:4000`."""
    return Address(found["host"].rpartition("/")[2].strip("[]"), int(found["port"]))


_Teller = Callable[[Facts, Record, re.Match[str]], str | None]
_KERNEL = ("CarbonServerManager", "ServerAdmin", "ServerManagement", "RestartUtils", "")
"""The classes that log the end of the server."""
_NO_START = re.compile(
    r"WSO2 Carbon initialization Failed|startup failed\.?$|Cannot activate StartupFinalizerServiceComponent"
    r"|Cannot start transports|Cannot initialize cluster|Cannot start User Manager Core bundle"
    r"|Failed to activate Registry Core bundle",
    re.IGNORECASE,
)
"""After these no start follows."""
_TRIED_ONCE = re.compile(
    r"Unable to create fixed remote mounts|Couldn't mount |Unable to create remote mount|Target path does not exist"
    r"|Error initializing analytics executor|Error in activating analytics data service"
    r"|Could not create EventProcessorManagementService|Unable to start TCPEventServer"
    r"|Can ?not create and start Agent Server",
    re.IGNORECASE,
)
"""What the server tries once in a start."""
_STATE_CHANGER = re.compile(
    r"(?s)NullPointerException.*stateChanger|stateChanger.*NullPointerException", re.IGNORECASE
)
_LOOPBACK_SYNC = re.compile(r"Hostname : \S+ defined for \w+ configuration is invalid")
_NOT_CONNECTED = re.compile(r"Error (?:connection|on reconnection) to " + _HOST_PORT, re.IGNORECASE)
_NO_MANAGEMENT = re.compile(
    r"(?:Error in connecting to |(?:Internal server error occurred at|Thrift error occurred when communicating to)"
    r" CEP member\s*:\s*)(?P<host>[^\s':]+):(?P<port>\d{1,5})\b"
)
_MEMBER = r"Host:(?P<host>[^,\s]*),.*?\bPort:\s*(?P<port>\d{1,5})\b"

_TELLERS: dict[str, list[tuple[re.Pattern[str], _Teller]]] = {}


def _tell(first_word: str, pattern: str, teller: _Teller) -> None:
    _TELLERS.setdefault(first_word, []).append((re.compile(pattern), teller))


_tell("WSO2", r"WSO2 Carbon started in (?P<seconds>\d{1,9}) sec", _complete)
_tell("Shutdown", r"Shutdown hook triggered", _stopped)
_tell("Gracefully", r"Gracefully (?:shutting down|restarting) ", _kernel_stopped)
_tell("Shutting", r"Shutting down .*\.\.\.", _kernel_stopped)
_tell("Shutdown", r"Shutdown complete", _kernel_stopped)
_tell("Restarting", r"Restarting .*\.\.\.", _kernel_stopped)
_tell("Starting", r"Starting a new Carbon instance", _kernel_stopped)
_tell("Halting", r"Halting JVM", _stopped)
_tell("Configured", r"Configured Registry in ", _registry)
_tell("Connected", r"Connected to mount at (?P<mount>\S+) in", _mounted)
_tell("Using", r"Using (?P<scheme>\S+) based membership management scheme", _scheme)
_tell("Added", r"Added member: " + _MEMBER, _added)
_tell("Hazelcast", r"Hazelcast initialized in", _hazelcast)
_tell(
    "Local",
    r"Local member: \[(?P<uuid>[^\]]*)\] - " + _MEMBER + r"(?:,\s*HTTP:-?\d+)?(?:,\s*HTTPS:-?\d+)?"
    r"(?:,\s*Domain:\s*(?P<domain>[^,]*))?",
    _local,
)
_tell("Elected", r"Elected this member \[[^\]]*\] as the Coordinator", _coordinator)
_tell("Cluster", r"Cluster initialization completed", _clustered)
_tell("CEP", r"CEP HA Snapshot Server started on " + _HOST_PORT, _snapshot)
_tell("Cannot", r"Cannot start CEP HA Snapshot Server", _snapshot_failed)
_tell("Error", r"Error in starting CEP HA Snapshot Server", _snapshot_failed)
_tell("Error", r"Error while setting the member as passive member", _snapshot_failed)
_tell("CEP", r"CEP started in (?P<mode>.+?) mode", _mode)
_tell("CEP", r"CEP started with clustering enabled, but SingleNode configuration given", _single_node)
_tell(
    "Event",
    r"Event Management TCPEventServer for EventReceiver started on port (?P<port>\d{1,5})",
    _listening,
)
_tell("Connecting", r"Connecting to " + _HOST_PORT, _connected)
_tell("Became", r"Became CEP HA (?P<role>Active|Passive|Backup) Member", _role)
_tell("Member", r"Member joined \[(?P<uuid>[^\]]*)\]:\s*" + _HOST_PORT, _joined)
_tell("Member", r"Member left \[(?P<uuid>[^\]]*)\]:\s*" + _HOST_PORT, _left)
_tell("CEP", r"CEP sync publisher initiated to Member '" + _HOST_PORT, _publisher)
_tell("CEP", r"CEP sync publisher disconnected from Member '" + _HOST_PORT, _no_publisher)
_tell("Spark", r"Spark Master map size after starting masters\s*:\s*(?P<count>\d{1,4})", _masters)
_tell("[Spark", r"\[Spark init - [^\]]*\] Redundant master count reached", _redundant)
_tell("[Spark", r"\[Spark init - master\] Started SPARK MASTER in spark://" + _HOST_PORT, _own_master)
_tell("My", r"My Analytics Node ID\s*:\s*(?P<id>\S+)", _node_id)
_tell("Waiting", r"Waiting for (?P<count>\d{1,4}) \[(?P<type>[^\]]*)\] task executor nodes", _awaits_tasks)
_tell("All", r"All task servers activated for \[(?P<type>[^\]]*)\]", _has_tasks)
_tell("Started", r"Started Spark CLIENT in the cluster.*\bUI port : (?P<port>\d{1,5})", _client)
_tell("CEP", r"CEP HA State successfully synced", _synced)
_tell("CEP", r"CEP HA State syncing failed", _sync_failed)
_tell("localMemberHost", r"localMemberHost is configured to use the loopback address", _loopback)

_SUCCESS: dict[_Teller, Success] = {
    _registry: "database",
    _mounted: "database",
    _client: "spark",
    _listening: "receiver",
    _connected: "events",
    _joined: "member",
}
"""What a line shows to work."""
