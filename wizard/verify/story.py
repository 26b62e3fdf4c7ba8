"""Reads a node's log: each relevant line changes the facts about its newest start (procedure 9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from wizard.verify.facts import Address, Facts, LocalMember, Moment, Peer, Success, Tally, Trouble
from wizard.verify.knowledge import BY_ID, Failure, RowName, recognise, row_of
from wizard.verify.record import STARTING, Record, printable

MOST_KINDS = 100
"""Kinds of unknown errors that are distinguished; the others are only counted."""
LONGEST_TEXT = 300
"""Characters of a message that a finding repeats."""


class Story:
    """Reads the records of one node in order; a new start begins a new story.

    `mask` hides passwords in the texts of the timeline.
    """

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self.facts = Facts()
        self._mask = mask
        self._at = 0
        self._failures: dict[tuple[str, str, int], Failure | None] = {}

    def read(self, records: Iterable[Record]) -> None:
        for record in records:
            self.feed(record)

    def feed(self, record: Record) -> None:
        message = record.message
        self._at += 1
        if message.startswith(STARTING):
            refused = self.facts.refused  # the launcher's message precedes the start that it is about
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
        for line in _LINES.get(message.partition(" ")[0], ()):
            found = line.pattern.match(message)
            if found is not None:
                text = line.take(facts, record, found)
                if line.shows is not None:
                    facts.successes[line.shows] = self._at
                if text:
                    self._note(record, text)
                return
        if record.level in ("ERROR", "FATAL"):
            self._error(record)
        elif message.startswith(("Target path does not exist", "Unable to look-up JNDI")):
            self._trouble(record, "registry-mount", recognise(record.causes, source=record.source))
        elif message.startswith("Waiting for required OSGi services"):
            facts.services = Tally.counted(facts.services, record, self._at)

    def _note(self, record: Record, text: str, *, error: bool = False) -> None:
        self.facts.moments.append(Moment(record, self._mask(text), error))

    def _error(self, record: Record) -> None:
        facts = self.facts
        if any(_SPARK_SQL in line for line in (record.raw, *record.raw_trace)):
            facts.spark_sql = Tally.counted(facts.spark_sql, record, self._at)
            return
        if self._about_event_processor(record):
            return
        row, kind = row_of(record.source), _kind(record)
        # Everything that `recognise` uses, but without its numbers.
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
        if key[:2] not in facts.unknown and len(facts.unknown) >= MOST_KINDS:
            facts.unknown.pop(next(iter(facts.unknown)))
        facts.unknown[key[:2]] = Tally.counted(facts.unknown.get(key[:2]), record, self._at)

    def _about_event_processor(self, record: Record) -> bool:
        """Take an error of the event processor that names an address, or is harmless."""
        facts, message = self.facts, record.message
        if _LOOPBACK_SYNC.search(message):
            facts.loopback_sync = record
            return True
        if record.name == "HAManager" and _STATE_CHANGER.search("\n".join(record.causes)):
            return True  # when the active node stops
        if found := _NOT_CONNECTED.search(message):
            address = _address(found)
            known = facts.unconnected.get(address)
            if known is None:
                self._note(record, f"error: no connection to {address}", error=True)
            if known is not None or len(facts.unconnected) < MOST_KINDS:
                facts.unconnected[address] = Tally.counted(known, record, self._at)
            return True
        if record.name in ("HAManager", "ManagementServiceClientThriftImpl") and (
            found := _NO_MANAGEMENT.search("\n".join((message, *record.causes)))
        ):
            self._trouble(record, "state-sync", None).node = _address(found)
            return True
        return False

    def _trouble(
        self, record: Record, row: RowName | None, failure: Failure | None, *, blocks: bool = False
    ) -> Trouble:
        """Count an error with the others of its cause."""
        troubles = self.facts.troubles
        key = (row, failure.id if failure is not None else _kind(record))
        one = troubles.get(key)
        if one is not None:
            Tally.counted(one.tally, record, self._at)
        else:
            if len(troubles) >= MOST_KINDS:
                unknown = (key for key, one in troubles.items() if not one.failure)
                troubles.pop(next(unknown, next(iter(troubles))))
            text = printable(record.message)[:LONGEST_TEXT]
            one = troubles[key] = Trouble(row, text, failure, Tally.counted(None, record, self._at))
            self._note(record, f"error: {failure.cause if failure is not None else text}", error=True)
        one.blocks_start = one.blocks_start or blocks
        one.tried_once = one.tried_once or _TRIED_ONCE.search(record.message) is not None
        return one


def _kind(record: Record) -> str:
    """Return the message without what differs from one error of a kind to the next."""
    return _CHANGING.sub("#", record.message[:160])


# --- the lines of procedure 9 -----------------------------------------------------------------------------

_Take = Callable[[Facts, Record, re.Match[str]], str | None]
"""Changes the facts by a line; returns its text for the timeline, if it has one."""


class Line(NamedTuple):
    """A line of the log that says something, and what it shows to work."""

    pattern: re.Pattern[str]
    take: _Take
    shows: Success | None = None


def _sets(name: str, text: str = "", of: Callable[[re.Match[str]], Any] | None = None) -> _Take:
    """Return what sets a fact to the record, or to a value `of` the line and the record."""

    def take(facts: Facts, record: Record, found: re.Match[str]) -> str:
        setattr(facts, name, record if of is None else (of(found), record))
        return text.format_map(found.groupdict())

    return take


def _group(name: str) -> Callable[[re.Match[str]], str]:
    return lambda found: found[name]


def _number(name: str) -> Callable[[re.Match[str]], int]:
    return lambda found: int(found[name])


def _address(found: re.Match[str]) -> Address:
    """Return the last `host/address:port` or `host:port`: Java prints `/10.0.0.1:4000` and `name/10.0.0.1:4000`."""
    return Address(found["host"].rpartition("/")[2].strip("[]"), int(found["port"]))


def _says(text: str) -> _Take:
    return lambda facts, record, found: text


def _complete(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.complete, facts.seconds = record, int(found["seconds"])
    facts.sync_failures_after_complete = 0
    facts.tasks, facts.services = {}, None  # all task servers are active then
    return f"started in {found['seconds']} s"


def _stopped(facts: Facts, record: Record, _: re.Match[str]) -> str | None:
    if record.level != "INFO":
        return None
    first, facts.stopped = facts.stopped is None, record
    return "shutting down" if first else None


def _kernel_stopped(facts: Facts, record: Record, found: re.Match[str]) -> str | None:
    """Take a line that other parts of the server print too: only the kernel's own counts."""
    return _stopped(facts, record, found) if record.name in _KERNEL else None


def _mounted(facts: Facts, record: Record, found: re.Match[str]) -> str | None:
    name = found["mount"]
    if name not in facts.mounts and len(facts.mounts) >= MOST_KINDS:
        return None
    count = facts.mounts.get(name, (0, None))[0] + 1
    facts.mounts[name] = (count, record)
    return "registry mounted" if count == 2 else None


def _added(facts: Facts, record: Record, found: re.Match[str]) -> None:
    if len(facts.added) < MOST_KINDS:
        facts.added.append((_address(found), record))


def _local(facts: Facts, record: Record, found: re.Match[str]) -> None:
    facts.local = LocalMember(found["uuid"], _address(found), found["domain"] or "", record)


def _snapshot(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.snapshot, facts.snapshot_failed = (_address(found), record), None
    return f"snapshot server at {found['host']}:{found['port']}"


def _listening(facts: Facts, record: Record, found: re.Match[str]) -> str | None:
    first, facts.listening = facts.listening is None, (int(found["port"]), record)
    return "receives events" if first else None


def _connected(facts: Facts, record: Record, found: re.Match[str]) -> None:
    """Take a line that is printed only after the connection was opened."""
    facts.unconnected.pop(_address(found), None)
    _publisher(facts, record, found)


def _publisher(facts: Facts, record: Record, found: re.Match[str]) -> str:
    address = _address(found)
    if address in facts.publishers or len(facts.publishers) < MOST_KINDS:
        facts.publishers[address] = record
    return f"sends events to {found['host']}:{found['port']}"


def _no_publisher(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.publishers.pop(_address(found), None)
    facts.unconnected.pop(_address(found), None)
    return f"stops sending events to {found['host']}:{found['port']}"


def _role(facts: Facts, record: Record, found: re.Match[str]) -> str:
    facts.role, facts.role_record = found["role"].lower(), record  # type: ignore[assignment]
    failed = facts.snapshot_failed
    if failed is not None and facts.role == "passive" and failed.message.startswith("Error while setting"):
        facts.snapshot_failed = None
    if facts.role == "active":
        facts.troubles = {key: one for key, one in facts.troubles.items() if one.node is None}
        facts.synced = facts.sync_failures = None  # needed again only if the node becomes passive
    return f"became {facts.role}"


def _peer(facts: Facts, found: re.Match[str]) -> Peer:
    return facts.peers.setdefault(found["uuid"], Peer(found["uuid"], _address(found)))


def _joined(facts: Facts, record: Record, found: re.Match[str]) -> str:
    peer = _peer(facts, found)
    peer.joined, peer.left = record, None
    if len(facts.peers) > MOST_KINDS:  # over years a partner comes and goes often
        facts.peers.pop(next(iter(facts.peers)))
    return f"member joined: {peer.address}"


def _left(facts: Facts, record: Record, found: re.Match[str]) -> str:
    peer = _peer(facts, found)
    peer.left = record
    return f"member left: {peer.address}"


def _awaits_tasks(facts: Facts, record: Record, found: re.Match[str]) -> str | None:
    fresh = found["type"] not in facts.tasks
    if fresh and len(facts.tasks) >= MOST_KINDS:
        return None
    facts.tasks[found["type"]] = (int(found["count"]), record)
    return f"waits for {found['count']} task servers of {found['type']}" if fresh else None


def _has_tasks(facts: Facts, record: Record, found: re.Match[str]) -> None:
    facts.tasks.pop(found["type"], None)


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
    facts.sync_harmless = "No execution plans exist for tenant" in record.message
    facts.sync_failures_after_complete += facts.complete is not None
    first, facts.sync_failures = (facts.sync_failures is None, Tally.counted(facts.sync_failures, record, 0))
    if not first:
        return None
    return "state not synced yet" if facts.sync_harmless else "state sync failed"


_SPARK_SQL = b"Spark SQL Context is not available"
_CHANGING = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\d+|'[^']*'|\"[^\"]*\"")
_NUMBER = re.compile(r"\d+")
_HOST_PORT = r"(?P<host>[^\s']*):(?P<port>\d{1,5})\b"
_MEMBER = r"Host:(?P<host>[^,\s]*),.*?\bPort:\s*(?P<port>\d{1,5})\b"
_UUID = r"\[(?P<uuid>[^\]]*)\]"
_KERNEL = ("CarbonServerManager", "ServerAdmin", "ServerManagement", "RestartUtils", "")
"""The classes that log the end of the server."""
_NO_START = re.compile(
    r"WSO2 Carbon initialization Failed|startup failed\.?$|Cannot activate StartupFinalizerServiceComponent"
    r"|Cannot start transports|Cannot initialize cluster|Cannot start User Manager Core bundle"
    r"|Failed to activate Registry Core bundle",
    re.IGNORECASE,
)
"""No start follows after these."""
_TRIED_ONCE = re.compile(
    r"Unable to create fixed remote mounts|Couldn't mount |Unable to create remote mount|Target path does not exist"
    r"|Error initializing analytics executor|Error in activating analytics data service"
    r"|Could not create EventProcessorManagementService|Unable to start TCPEventServer"
    r"|Can ?not create and start Agent Server",
    re.IGNORECASE,
)
"""What the server tries once per start."""
_STATE_CHANGER = re.compile(
    r"(?s)NullPointerException.*stateChanger|stateChanger.*NullPointerException", re.IGNORECASE
)
_LOOPBACK_SYNC = re.compile(r"Hostname : \S+ defined for \w+ configuration is invalid")
_NOT_CONNECTED = re.compile(r"Error (?:connection|on reconnection) to " + _HOST_PORT, re.IGNORECASE)
_NO_MANAGEMENT = re.compile(
    r"(?:Error in connecting to |(?:Internal server error occurred at|Thrift error occurred when communicating to)"
    r" CEP member\s*:\s*)(?P<host>[^\s':]+):(?P<port>\d{1,5})\b"
)

_NO_SNAPSHOT = _sets("snapshot_failed", "the snapshot server cannot start")
_LINES: dict[str, list[Line]] = {}
"""By their first word."""
for _pattern, *_rest in (
    (r"WSO2 Carbon started in (?P<seconds>\d{1,9}) sec", _complete, "start"),
    (r"Shutdown hook triggered", _stopped),
    (r"Gracefully (?:shutting down|restarting) ", _kernel_stopped),
    (r"Shutting down .*\.\.\.", _kernel_stopped),
    (r"Shutdown complete", _kernel_stopped),
    (r"Restarting .*\.\.\.", _kernel_stopped),
    (r"Starting a new Carbon instance", _kernel_stopped),
    (r"Halting JVM", _stopped),
    (r"Configured Registry in ", _says(""), "database"),
    (r"Connected to mount at (?P<mount>\S+) in", _mounted, "database"),
    (
        r"Using (?P<scheme>\S+) based membership management scheme",
        _sets("scheme", "membership scheme {scheme}", _group("scheme")),
    ),
    (r"Added member: " + _MEMBER, _added),
    (r"Hazelcast initialized in", _sets("hazelcast", "Hazelcast initialized")),
    (
        rf"Local member: {_UUID} - {_MEMBER}(?:,\s*HTTP:-?\d+)?(?:,\s*HTTPS:-?\d+)?"
        r"(?:,\s*Domain:\s*(?P<domain>[^,]*))?",
        _local,
    ),
    (r"Elected this member \[[^\]]*\] as the Coordinator", _says("coordinator of the cluster")),
    (r"Cluster initialization completed", _sets("clustered", "cluster initialized")),
    (r"CEP HA Snapshot Server started on " + _HOST_PORT, _snapshot),
    (r"Cannot start CEP HA Snapshot Server", _NO_SNAPSHOT),
    (r"Error in starting CEP HA Snapshot Server", _NO_SNAPSHOT),
    (r"Error while setting the member as passive member", _NO_SNAPSHOT),
    (r"CEP started in (?P<mode>.+?) mode", _sets("mode", "event processor in {mode} mode", _group("mode"))),
    (
        r"CEP started with clustering enabled, but SingleNode configuration given",
        _sets("mode", "event processor in Single node mode", lambda found: "Single node"),
    ),
    (
        r"Event Management TCPEventServer for EventReceiver started on port (?P<port>\d{1,5})",
        _listening,
        "receiver",
    ),
    (r"Connecting to " + _HOST_PORT, _connected, "events"),
    (r"Became CEP HA (?P<role>Active|Passive|Backup) Member", _role),
    (rf"Member joined {_UUID}:\s*{_HOST_PORT}", _joined, "member"),
    (rf"Member left {_UUID}:\s*{_HOST_PORT}", _left),
    (r"CEP sync publisher initiated to Member '" + _HOST_PORT, _publisher),
    (r"CEP sync publisher disconnected from Member '" + _HOST_PORT, _no_publisher),
    (
        r"Spark Master map size after starting masters\s*:\s*(?P<count>\d{1,4})",
        _sets("masters", "Spark masters: {count}", _number("count")),
    ),
    (
        r"\[Spark init - [^\]]*\] Redundant master count reached",
        _sets("redundant", "all Spark masters are started"),
    ),
    (
        r"\[Spark init - master\] Started SPARK MASTER in spark://" + _HOST_PORT,
        _sets("own_master", "Spark master at {host}:{port}"),
    ),
    (r"My Analytics Node ID\s*:\s*(?P<id>\S+)", _sets("node_id", of=_group("id"))),
    (r"Waiting for (?P<count>\d{1,4}) \[(?P<type>[^\]]*)\] task executor nodes", _awaits_tasks),
    (r"All task servers activated for \[(?P<type>[^\]]*)\]", _has_tasks),
    (
        r"Started Spark CLIENT in the cluster.*\bUI port : (?P<port>\d{1,5})",
        _sets("client", "Spark application started, its UI at port {port}", _number("port")),
        "spark",
    ),
    (r"CEP HA State successfully synced", _synced),
    (r"CEP HA State syncing failed", _sync_failed),
    (r"localMemberHost is configured to use the loopback address", _sets("loopback")),
):
    _LINES.setdefault(_pattern.partition(" ")[0].replace("\\", ""), []).append(
        Line(re.compile(_pattern), *_rest)
    )
