"""What a node's log shows about its newest start (procedure 9)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from wizard.verify.knowledge import Failure, RowName
from wizard.verify.record import Record, between

HaRole = Literal["active", "passive", "backup"]
Success = Literal["start", "database", "spark", "receiver", "events", "member"]
"""What a later line can show to work again; `start`: the start is complete."""

MOST_MOMENTS = 500
MOST = 100
"""Members, kinds of errors and other things of one sort that are known at a time: the newest ones."""
OUTAGE = 10
"""A gap between two errors of this many times their usual distance separates two outages."""


class _Newest(dict[Any, Any]):
    """A dictionary of the `MOST` newest keys: a log can name any number of things."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self) > MOST:
            del self[next(iter(self))]


@dataclass(frozen=True, slots=True)
class Address:
    """A host as the log prints it, and a port; 0 if it is unknown."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


class LocalMember(NamedTuple):
    """The node's own entry in the cluster.

    The ports of the console in that line are those of the configuration without the offset: no evidence.
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

    `at` is the position of the last one among the node's records.
    """

    first: Record
    last: Record
    count: int
    at: int
    since: Record
    in_a_row: int
    pauses: int = 0
    pause: timedelta = timedelta()
    """The time between the last two outages, of which there were `pauses` + 1."""

    @classmethod
    def counted(cls, known: Tally | None, record: Record, at: int) -> Tally:
        """Return the tally with one record more, a new one if there is none yet.

        After a much longer gap than usual another outage begins.
        """
        if known is None:
            return cls(record, record, record.times, at, record, record.times)
        if known.in_a_row >= 3 and (gap := between(known.last, record)) is not None:
            lasted = max(known.lasted, timedelta(seconds=1))
            if gap > max(lasted, OUTAGE * lasted / known.in_a_row):
                known.since, known.in_a_row = record, 0
                known.pauses, known.pause = known.pauses + 1, gap
        known.count += record.times
        known.in_a_row += record.times
        known.last, known.at = record, at
        return known

    @property
    def lasted(self) -> timedelta:
        """How long such errors came, without a long gap."""
        return max(between(self.since, self.last) or timedelta(), timedelta())


@dataclass(slots=True)
class Trouble:
    """Errors of one cause.

    `row` is the row of the verdict that they belong to, None if no row judges their class.  `failure` is the known
    cause; without one `text` is the message.
    """

    row: RowName | None
    text: str
    failure: Failure | None
    tally: Tally
    node: Address | None = None
    """The address that an error about reaching something names."""
    blocks_start: bool = False
    """Whether no start follows after such an error, or the server itself calls it fatal."""
    tried_once: bool = False
    """Whether the server tries this once in a start: it has failed then, even if its cause passes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of the timeline: the node's own clock, what happened, and the record that shows it."""

    record: Record
    text: str
    error: bool = False


@dataclass(slots=True)
class Facts:
    """What the log shows about the newest start of one node.

    Times are the node's own clock and must not be compared with another node's.  `started` is None if the log has no
    start.  `refused` is the launcher's message that no start has followed yet.  `added` are the members of the
    configuration, `peers` those that were really seen, by uuid.  `mounts` are by the name of the dbConfig.  `masters`
    is the largest Spark master map that was printed.  `sync_failures` counts since the last success.  `successes` has
    the position of the last record that shows a success.
    """

    started: Record | None = None
    refused: Record | None = None
    complete: Record | None = None
    seconds: int | None = None
    stopped: Record | None = None
    mounts: dict[str, tuple[int, Record]] = field(default_factory=_Newest)
    scheme: tuple[str, Record] | None = None
    added: deque[tuple[Address, Record]] = field(default_factory=lambda: deque(maxlen=MOST))
    hazelcast: Record | None = None
    local: LocalMember | None = None
    clustered: Record | None = None
    snapshot: tuple[Address, Record] | None = None
    snapshot_failed: Record | None = None
    mode: tuple[str, Record] | None = None
    role: HaRole | None = None
    role_record: Record | None = None
    peers: dict[str, Peer] = field(default_factory=_Newest)
    publishers: dict[Address, Record] = field(default_factory=_Newest)
    unconnected: dict[Address, Tally] = field(default_factory=_Newest)
    listening: tuple[int, Record] | None = None
    masters: tuple[int, Record] | None = None
    redundant: Record | None = None
    own_master: Record | None = None
    node_id: tuple[str, Record] | None = None
    tasks: dict[str, tuple[int, Record]] = field(default_factory=_Newest)
    services: Tally | None = None
    client: tuple[int, Record] | None = None
    synced: Record | None = None
    sync_failures: Tally | None = None
    sync_failures_after_complete: int = 0
    sync_harmless: bool = False
    loopback: Record | None = None
    loopback_sync: Record | None = None
    spark_sql: Tally | None = None
    successes: dict[str, int] = field(default_factory=dict)
    troubles: dict[tuple[RowName | None, str], Trouble] = field(default_factory=dict)
    unknown: dict[tuple[str, str], Tally] = field(default_factory=_Newest)
    unknown_count: int = 0
    moments: deque[Moment] = field(default_factory=lambda: deque(maxlen=MOST_MOMENTS))
    last: Record | None = None

    @property
    def seen(self) -> bool:
        """Whether the log says anything about a start."""
        return self.started is not None or self.last is not None

    @property
    def failed(self) -> bool:
        """Whether the start failed: after such an error it does not continue."""
        return self.complete is None and any(one.blocks_start for one in self.troubles.values())
