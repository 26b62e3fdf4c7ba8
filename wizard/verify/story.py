"""Reads a node's log: each relevant line changes the facts about its newest start (procedure 9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from wizard.verify.facts import MOST, Address, Facts, LocalMember, Moment, Peer, Success, Tally, Trouble
from wizard.verify.knowledge import BY_ID, REACHED, Failure, RowName, recognise, row_of
from wizard.verify.record import STARTING, Record, printable

LONGEST_TEXT = 300
"""Characters of a message that a finding repeats."""

_SPARK_SQL = b"Spark SQL Context is not available"
_CHANGING = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\d+|'[^']*'|\"[^\"]*\"")
_HOST_PORT = r"(?P<host>[^\s']*):(?P<port>\d{1,5})\b"
_MEMBER = r"Host:(?P<host>[^,\s]*),.*?\bPort:\s*(?P<port>\d{1,5})\b"
_UUID = r"\[(?P<uuid>[^\]]*)\]"
_RECEIVES = r"Event Management TCPEventServer for EventReceiver started on port (?P<port>\d{1,5})"
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
_NO_MANAGEMENT = re.compile(
    r"(?:Error in connecting to |(?:Internal server error occurred at|Thrift error occurred when communicating to)"
    r" CEP member\s*:\s*)(?P<host>[^\s':]+):(?P<port>\d{1,5})\b"
)

_Take = Callable[["Story", Record, re.Match[str]], str | None]
"""Changes the facts by a line; returns its text for the timeline, if it has one."""


class Line(NamedTuple):
    """A line of the log that says something, what it shows to work, and whether it is an error in the timeline."""

    pattern: re.Pattern[str]
    take: _Take
    shows: Success | None
    error: bool


_LINES: dict[str, list[Line]] = {}
"""By their first word."""


def _line(*patterns: str, shows: Success | None = None, error: bool = False) -> Callable[[_Take], _Take]:
    """Add lines, each by the pattern at its beginning, to those that are taken."""

    def add(take: _Take) -> _Take:
        for pattern in patterns:
            word = pattern.partition(" ")[0].replace("\\", "")
            _LINES.setdefault(word, []).append(Line(re.compile(pattern), take, shows, error))
        return take

    return add


def _address(found: re.Match[str]) -> Address:
    """Return the last `host/address:port` or `host:port`: Java prints `/10.0.0.1:4000` and `name/10.0.0.1:4000`."""
    return Address(found["host"].rpartition("/")[2].strip("[]"), int(found["port"]))


def _kind(record: Record) -> str:
    """Return the message without what differs from one error of a kind to the next."""
    return _CHANGING.sub("#", record.message[:160])


class Story:
    """Reads the records of one node in order; a new start begins a new story.

    `mask` hides passwords in the texts of the timeline.
    """

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self.facts = Facts()
        self._mask = mask
        self._at = 0

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
        self.facts.last = record
        for line in _LINES.get(message.partition(" ")[0], ()):
            if found := line.pattern.match(message):
                text = line.take(self, record, found)
                if line.shows is not None:
                    self.facts.successes[line.shows] = self._at
                if text:
                    self._note(record, text, error=line.error)
                return
        if record.level in ("ERROR", "FATAL"):
            self._error(record)
        elif message.startswith(("Target path does not exist", "Unable to look-up JNDI")):
            self._trouble(record, "registry-mount", recognise(record.causes, source=record.source))

    def _note(self, record: Record, text: str, *, error: bool = False) -> None:
        self.facts.moments.append(Moment(record, self._mask(text), error))

    def _error(self, record: Record) -> None:
        facts = self.facts
        if any(_SPARK_SQL in line for line in (record.raw, *record.raw_trace)):
            facts.spark_sql = Tally.counted(facts.spark_sql, record, self._at)
            return
        if record.name in ("HAManager", "ManagementServiceClientThriftImpl"):
            whole = "\n".join(record.causes)
            if _STATE_CHANGER.search(whole):
                return  # harmless when the active node stops
            if found := _NO_MANAGEMENT.search(whole):
                self._trouble(record, "state-sync", None).node = _address(found)
                return
        row, failure = row_of(record.source), recognise(record.causes, source=record.source)
        blocks = record.level == "FATAL" or _NO_START.search(record.message) is not None
        if failure is not None or row is not None or blocks:
            self._trouble(record, row, failure, blocks=blocks)
            return
        facts.unknown_count += record.times
        key = (record.source, _kind(record))
        facts.unknown[key] = Tally.counted(facts.unknown.get(key), record, self._at)

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
            if len(troubles) >= MOST:
                unknown = (key for key, one in troubles.items() if not one.failure)
                troubles.pop(next(unknown, next(iter(troubles))))
            text = printable(record.message)[:LONGEST_TEXT]
            one = troubles[key] = Trouble(row, text, failure, Tally.counted(None, record, self._at))
            self._note(record, f"error: {failure.cause if failure is not None else text}", error=True)
        one.blocks_start = one.blocks_start or blocks
        one.tried_once = one.tried_once or _TRIED_ONCE.search(record.message) is not None
        return one

    # --- the lines of procedure 9 ---

    @_line(r"WSO2 Carbon started in (?P<seconds>\d{1,9}) sec", shows="start")
    def _complete(self, record: Record, found: re.Match[str]) -> str:
        facts = self.facts
        facts.complete, facts.seconds = record, int(found["seconds"])
        facts.stopped = None  # it was the start before that ended meanwhile
        facts.sync_failures_after_complete = 0
        facts.tasks.clear()  # all task servers are active then
        facts.services = None
        return f"started in {found['seconds']} s"

    @_line(r"Shutdown (?:hook triggered|complete)", r"Halting JVM", r"Starting a new Carbon instance")
    @_line(r"Gracefully (?:shutting down|restarting) ", r"Shutting down .*\.\.\.", r"Restarting .*\.\.\.")
    def _stopped(self, record: Record, found: re.Match[str]) -> str | None:
        """Take the end of the server; other parts of it print some of these lines too."""
        own = record.name in _KERNEL or found[0] in ("Shutdown hook triggered", "Halting JVM")
        if record.level != "INFO" or not own:
            return None
        first, self.facts.stopped = self.facts.stopped is None, record
        return "shutting down" if first else None

    @_line(r"Connected to mount at (?P<mount>\S+) in", shows="database")
    def _mounted(self, record: Record, found: re.Match[str]) -> str | None:
        name, mounts = found["mount"], self.facts.mounts
        mounts[name] = (mounts.get(name, (0,))[0] + 1, record)
        return "registry mounted" if mounts[name][0] == 2 else None

    @_line(r"Added member: " + _MEMBER)
    def _added(self, record: Record, found: re.Match[str]) -> None:
        self.facts.added.append((_address(found), record))

    @_line(
        rf"Local member: {_UUID} - {_MEMBER}(?:,\s*HTTP:-?\d+)?(?:,\s*HTTPS:-?\d+)?"
        r"(?:,\s*Domain:\s*(?P<domain>[^,]*))?"
    )
    def _local(self, record: Record, found: re.Match[str]) -> None:
        self.facts.local = LocalMember(found["uuid"], _address(found), found["domain"] or "", record)

    @_line(r"CEP HA Snapshot Server started on " + _HOST_PORT)
    def _snapshot(self, record: Record, found: re.Match[str]) -> str:
        self.facts.snapshot, self.facts.snapshot_failed = (_address(found), record), None
        return f"snapshot server at {found['host']}:{found['port']}"

    @_line(_RECEIVES, shows="receiver")
    def _listening(self, record: Record, found: re.Match[str]) -> str | None:
        first, self.facts.listening = self.facts.listening is None, (int(found["port"]), record)
        return "receives events" if first else None

    @_line(r"CEP sync publisher initiated to Member '" + _HOST_PORT)
    def _publisher(self, record: Record, found: re.Match[str]) -> str:
        self.facts.publishers[_address(found)] = record
        return f"sends events to {found['host']}:{found['port']}"

    @_line(r"Connecting to " + _HOST_PORT, shows="events")
    def _connected(self, record: Record, found: re.Match[str]) -> None:
        """Take a line that is printed only after the connection was opened."""
        self.facts.unconnected.pop(_address(found), None)
        self._publisher(record, found)

    @_line(r"Error connection to " + _HOST_PORT, r"Error on reconnection to " + _HOST_PORT, error=True)
    def _not_connected(self, record: Record, found: re.Match[str]) -> str | None:
        address, unconnected = _address(found), self.facts.unconnected
        known = unconnected.get(address)
        unconnected[address] = Tally.counted(known, record, self._at)
        return None if known else f"error: no connection to {address}"

    @_line(r"CEP sync publisher disconnected from Member '" + _HOST_PORT)
    def _no_publisher(self, record: Record, found: re.Match[str]) -> str:
        self.facts.publishers.pop(_address(found), None)
        self.facts.unconnected.pop(_address(found), None)
        return f"stops sending events to {found['host']}:{found['port']}"

    @_line(r"Became CEP HA (?P<role>Active|Passive|Backup) Member")
    def _role(self, record: Record, found: re.Match[str]) -> str:
        facts, failed = self.facts, self.facts.snapshot_failed
        facts.role, facts.role_record = found["role"].lower(), record  # type: ignore[assignment]
        if facts.role == "passive" and failed and failed.message.startswith("Error while setting"):
            facts.snapshot_failed = None
        if facts.role == "active":
            facts.troubles = {key: one for key, one in facts.troubles.items() if one.node is None}
            facts.synced = facts.sync_failures = None  # needed again only if the node becomes passive
        return f"became {facts.role}"

    @_line(rf"Member (?P<now>joined|left) {_UUID}:\s*{_HOST_PORT}")
    def _member(self, record: Record, found: re.Match[str]) -> str:
        peers = self.facts.peers
        peer = peers[found["uuid"]] = peers.get(found["uuid"]) or Peer(found["uuid"], _address(found))
        if found["now"] == "joined":
            peer.joined, peer.left = record, None
            self.facts.successes["member"] = self._at
        else:
            peer.left = record
        return f"member {found['now']}: {peer.address}"

    @_line(r"Waiting for (?P<count>\d{1,4}) \[(?P<type>[^\]]*)\] task executor nodes")
    def _awaits_tasks(self, record: Record, found: re.Match[str]) -> str | None:
        fresh = found["type"] not in self.facts.tasks
        self.facts.tasks[found["type"]] = (int(found["count"]), record)
        return f"waits for {found['count']} task servers of {found['type']}" if fresh else None

    @_line(r"All task servers activated for \[(?P<type>[^\]]*)\]")
    def _has_tasks(self, record: Record, found: re.Match[str]) -> None:
        self.facts.tasks.pop(found["type"], None)

    @_line(r"CEP HA State successfully synced")
    def _synced(self, record: Record, _: re.Match[str]) -> str:
        facts = self.facts
        facts.synced, facts.sync_failures, facts.sync_failures_after_complete = record, None, 0
        for key, one in list(facts.troubles.items()):
            if one.row == "state-sync" and (not one.failure or one.failure.subject in REACHED):
                del facts.troubles[key]
        return "state synced"

    @_line(r"CEP HA State syncing failed")
    def _sync_failed(self, record: Record, _: re.Match[str]) -> str | None:
        facts = self.facts
        facts.sync_harmless = "No execution plans exist for tenant" in record.message
        facts.sync_failures_after_complete += facts.complete is not None
        known = facts.sync_failures
        facts.sync_failures = Tally.counted(known, record, 0)
        if known is not None:
            return None
        return "state not synced yet" if facts.sync_harmless else "state sync failed"

    @_line(r"Waiting for required OSGi services")
    def _awaits_services(self, record: Record, _: re.Match[str]) -> None:
        self.facts.services = Tally.counted(self.facts.services, record, self._at)

    @_line(
        r"CEP started in (?P<mode>.+?) mode",
        r"CEP started with clustering enabled, but (?P<mode>Single)Node configuration given",
    )
    def _mode(self, record: Record, found: re.Match[str]) -> str:
        mode = "Single node" if found["mode"] == "Single" else found["mode"]
        self.facts.mode = (mode, record)
        return f"event processor in {mode} mode"


def _sets(fact: str, text: str, *patterns: str, shows: Success | None = None) -> None:
    """Add lines that set a fact to their record, or to the value of their only group and the record."""

    @_line(*patterns, shows=shows)
    def take(story: Story, record: Record, found: re.Match[str]) -> str:
        value: Any = record
        if len(groups := found.groupdict()) == 1:
            ((name, value),) = groups.items()
            value = (int(value) if name in ("count", "port") else value, record)
        setattr(story.facts, fact, value)
        return text.format_map(groups)


_sets("scheme", "membership scheme {scheme}", r"Using (?P<scheme>\S+) based membership management scheme")
_sets("hazelcast", "Hazelcast initialized", r"Hazelcast initialized in")
_sets("clustered", "cluster initialized", r"Cluster initialization completed")
_NO_SERVER = r"Error (?:in starting CEP HA Snapshot Server|while setting the member as passive member)"
_sets(
    "snapshot_failed", "the snapshot server cannot start", r"Cannot start CEP HA Snapshot Server", _NO_SERVER
)
_MAP_SIZE = r"Spark Master map size after starting masters\s*:\s*(?P<count>\d{1,4})"
_sets("masters", "Spark masters: {count}", _MAP_SIZE)
_sets("redundant", "all Spark masters are started", r"\[Spark init - [^\]]*\] Redundant master count reached")
_OWN_MASTER = r"\[Spark init - master\] Started SPARK MASTER in spark://" + _HOST_PORT
_sets("own_master", "Spark master at {host}:{port}", _OWN_MASTER)
_CLIENT = r"Started Spark CLIENT in the cluster.*\bUI port : (?P<port>\d{1,5})"
_sets("client", "Spark application started, its UI at port {port}", _CLIENT, shows="spark")
_sets("node_id", "", r"My Analytics Node ID\s*:\s*(?P<id>\S+)")
_sets("loopback", "", r"localMemberHost is configured to use the loopback address")
_sets("loopback_sync", "", r"Hostname : \S+ defined for \w+ configuration is invalid")
_line(r"Configured Registry in ", shows="database")(lambda *_: None)
_line(r"Elected this member \[[^\]]*\] as the Coordinator")(lambda *_: "coordinator of the cluster")
