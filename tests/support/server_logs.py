"""Logs that tell stories, written from the lines of the procedure (chapter 9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from tests.support.pairs import merged
from wizard.profile.model import Profile

Form = Literal["file", "console", "short", "ei", "compose", "kubectl", "journal", "colour"]

CARBON = "org.wso2.carbon.core.internal.CarbonCoreActivator"
FINALIZER = "org.wso2.carbon.core.internal.StartupFinalizerServiceComponent"
REGISTRY = "org.wso2.carbon.registry.core.jdbc.EmbeddedRegistryService"
AGENT = "org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
MEMBERS = "org.wso2.carbon.core.clustering.hazelcast.util.MemberUtils"
WKA = "org.wso2.carbon.core.clustering.hazelcast.wka.WKABasedMembershipScheme"
HA = "org.wso2.carbon.event.processor.manager.core.internal.HAManager"
EVENTS = "org.wso2.carbon.event.processor.manager.core.internal.EventHandler"
MODES = "org.wso2.carbon.event.processor.manager.core.internal.util.ManagementModeConfigurationLoader"
SPARK = "org.wso2.carbon.analytics.spark.core.internal.SparkAnalyticsExecutor"
QUERIES = "org.wso2.carbon.analytics.spark.core.CarbonAnalyticsProcessorService"
THRIFT = "org.wso2.carbon.event.processor.manager.core.internal.thrift.ManagementServiceClientThriftImpl"
PUBLISHER = "org.wso2.carbon.event.processor.manager.commons.transport.client.TCPEventPublisher"
TASKS = "org.wso2.carbon.ntask.core.impl.clustered.ClusterGroupCommunicator"
QUEUE = "org.wso2.carbon.analytics.eventsink.internal.queue.AnalyticsEventQueueWorker"
NODE_IDS = "org.wso2.carbon.analytics.dataservice.core.indexing.AnalyticsDataIndexer"
SERVER = "org.wso2.carbon.core.init.CarbonServerManager"

RECEIVES = "Event Management TCPEventServer for EventReceiver started"
MAP_SIZE = "Spark Master map size after starting masters"
NO_PLANS = "CEP HA State syncing failed, No execution plans exist for tenant  -1234"
NO_PLANS_TRACE = (
    "org.wso2.carbon.event.processor.manager.core.exception.EventManagementException: "
    "No execution plans exist for tenant  -1234",
    "\tat org.wso2.carbon.event.processor.manager.core.internal.HAManager.syncState(HAManager.java:336)",
    "\tat java.lang.Thread.run(Thread.java:745)",
)
NO_SPARK_TRACE = (
    "org.wso2.carbon.analytics.spark.core.exception.AnalyticsExecutionException: Exception in executing query",
    "\tat org.quartz.core.JobRunShell.run(JobRunShell.java:213)",
    "Caused by: org.wso2.carbon.analytics.spark.core.exception.AnalyticsExecutionException: Spark SQL Context is "
    "not available. Check if the cluster has instantiated properly.",
    "\t... 11 more",
)


@dataclass
class ServerLog:
    """A log that grows: each `say` moves the node's own clock on by a second, or by `after` seconds."""

    form: Form = "file"
    clock: datetime = datetime(2026, 1, 27, 10, 56, 2, 113000)
    end: str = "\n"
    lines: list[str] = field(default_factory=list)

    def say(
        self,
        source: str,
        message: str,
        level: str = "INFO",
        *,
        after: float = 1.0,
        trace: tuple[str, ...] = (),
    ) -> str:
        """The line that was added."""
        self.clock += timedelta(seconds=after)
        line = line_of(self.form, self.clock, level, source, message)
        prefix = prefix_of(self.form, self.clock)
        self.lines += [line, *(prefix + one for one in trace)]
        return line

    def wait(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    @property
    def content(self) -> bytes:
        return "".join(line + self.end for line in self.lines).encode("utf-8", "surrogateescape")


CONSOLE = "[{time}] {level:>5} {{{source}}} -  {message}"
LAYOUTS: dict[str, str] = {
    "file": "TID: [-1] [] [{time}] {level:>5} {{{source}}} -  {message} {{{source}}}",
    "short": "[{time}] {level:>5} - {short} {message}",
    "ei": "[{time}] [EI-Analytics] {level:>5} {{{source}}} -  {message}",
    "colour": "\x1b[32m[{time}]\x1b[0m \x1b[1m{level:>5}\x1b[0m {{{source}}} -  {message}",
}
"""The forms of a line; the others are the console's, behind the prefix of the tool that collected the log."""
PREFIXES = {
    "compose": "node1_1       | ",
    "kubectl": "{0:%Y-%m-%dT%H:%M:%S.%f}123Z ",
    "journal": "{0:%b %d %H:%M:%S} host-1 wso2server.sh[4711]: ",
}


def line_of(form: Form, clock: datetime, level: str, source: str, message: str) -> str:
    time, short = f"{clock:%Y-%m-%d %H:%M:%S},{clock.microsecond // 1000:03d}", source.rpartition(".")[2]
    parts = {"time": time, "level": level, "source": source, "short": short, "message": message}
    return prefix_of(form, clock) + LAYOUTS.get(form, CONSOLE).format(**parts)


def prefix_of(form: Form, clock: datetime) -> str:
    """What the tool that collected the log has put before each line, a trace's lines too."""
    return PREFIXES.get(form, "").format(clock)


@dataclass
class Side:
    """A node's place in the story: its addresses, its id in the cluster, and its log."""

    host: str
    hazelcast: int
    event_sync: int
    management: int
    uuid: str
    log: ServerLog = field(default_factory=ServerLog)
    offset: int = 0

    def member(self) -> str:
        return f"Member joined [{self.uuid}]: /{self.host}:{self.hazelcast}"


def sides(**log: Any) -> tuple[Side, Side]:
    """The two nodes of the page, each with an empty log; the second's clock is its own."""
    ports, later = (4000, 11224, 10005), {"clock": datetime(2026, 1, 27, 10, 57, 10, 40000), **log}
    return (
        Side("10.100.0.46", *ports, "9c7619a9-8460-465d-8fd0-7eab1c464386", ServerLog(**log)),
        Side("10.100.0.47", *ports, "504bceff-4a08-46fe-83e6-b9561d3fff81", ServerLog(**later)),
    )


def local_sides(**log: Any) -> tuple[Side, Side]:
    """The nodes of the profile in cases/README.md, both on this machine, with the offsets 1 and 2."""
    first, second = sides(**log)
    for number, one in enumerate((first, second)):
        one.host, one.hazelcast, one.offset = "127.0.0.1", 4000 + number, 1 + number
        one.event_sync, one.management = 11225 + 2 * number, 10006 + 2 * number
    return first, second


def begin(
    one: Side,
    other: Side,
    *,
    mounts: int = 2,
    mode: str | None = "Persistence enabled HA",
    scheme: str = "wka",
) -> None:
    """From the first line of a start to the moment at which the node looks for its role."""
    log = one.log
    log.say(CARBON, "Starting WSO2 Carbon...")
    log.say(CARBON, "Operating System : Linux 4.13.0, amd64", after=0.01)
    log.say(REGISTRY, "Configured Registry in 107ms", after=10)
    for milliseconds in (7, 0)[:mounts]:
        log.say(REGISTRY, f"Connected to mount at govregistry in {milliseconds}ms", after=0.1)
    if mode is not None:
        log.say(MODES, f"CEP started in {mode} mode")
    log.say(AGENT, f"Using {scheme} based membership management scheme")
    for member in (one, other):
        text = f"Added member: Host:{member.host}, Remote Host:null, Port: {member.hazelcast}, HTTP:-1, HTTPS:-1, "
        log.say(MEMBERS, text + "Domain: null, Sub-domain:null, Active:true", after=0.01)
    log.say(AGENT, "Hazelcast initialized in 1379ms")
    text = f"Local member: [{one.uuid}] - Host:{one.host}, Remote Host:null, Port: {one.hazelcast}, "
    text += f"HTTP:{9763 + one.offset}, HTTPS:{9443 + one.offset}, "
    log.say(AGENT, text + "Domain: wso2.carbon.domain, Sub-domain:worker, Active:true", after=0.1)
    log.say(HA, f"CEP HA Snapshot Server started on {one.host}:{one.management}", after=0.1)


def become(one: Side, role: str) -> str:
    return one.log.say(HA, f"Became CEP HA {role} Member", after=0.01)


def complete(one: Side, seconds: int = 48) -> str:
    one.log.say(AGENT, "Cluster initialization completed", after=0.1)
    return one.log.say(FINALIZER, f"WSO2 Carbon started in {seconds} sec", after=20)


def masters(one: Side, count: int = 2) -> str:
    return one.log.say(SPARK, f"{MAP_SIZE} : {count}")


def publishes(one: Side, other: Side) -> str:
    return one.log.say(EVENTS, f"CEP sync publisher initiated to Member '{other.host}:{other.event_sync}'")


def joins(one: Side, other: Side) -> str:
    """`other` joins in the log of `one`."""
    return one.log.say(WKA, other.member(), after=30)


def leaves(one: Side, other: Side) -> str:
    """`other` leaves in the log of `one`."""
    return one.log.say(WKA, other.member().replace("joined", "left"), after=30)


def sync_fails(one: Side, times: int = 1, *, after: float = 10) -> None:
    for _ in range(times):
        one.log.say(HA, NO_PLANS, "ERROR", after=after, trace=NO_PLANS_TRACE)


def synced(one: Side) -> str:
    return one.log.say(HA, "CEP HA State successfully synced.", after=10)


def no_spark(one: Side, *, after: float = 30) -> None:
    query = "Error while executing query :         CREATE TEMPORARY TABLE isSessionAnalyticsPerMinute USING "
    query += 'CarbonAnalytics OPTIONS (tableName "org_wso2_is_analytics_stream_SessionStatPerMinute")'
    one.log.say(QUERIES, query, "ERROR", after=after, trace=NO_SPARK_TRACE)


def first_start(first: Side, second: Side) -> None:
    """A healthy first start: `first` becomes active, `second` passive."""
    begin(first, second)
    first.log.say(AGENT, f"Elected this member [{first.uuid}] as the Coordinator node")
    become(first, "Active")
    masters(first, 1)
    complete(first)
    begin(second, first)
    joins(first, second)
    publishes(first, second)
    sync_fails(second)
    become(second, "Passive")
    masters(second, 2)
    complete(second, 51)
    synced(second)


def whole_start(first: Side, second: Side, *, new_spark: bool = False) -> None:
    """A healthy first start with every line of procedure 9, each node's in its order.

    `new_spark`: as servers from carbon-analytics 1.3.10 on print of Spark.
    """
    _whole(first, second, comes_first=True, new_spark=new_spark)
    _whole(second, first, comes_first=False, new_spark=new_spark)


def local_start(*, new_spark: bool = False, **log: Any) -> tuple[Side, Side]:
    """Return both nodes on this machine after a whole start."""
    both = local_sides(**log)
    whole_start(*both, new_spark=new_spark)
    return both


def starts_again(back: Side, survivor: Side, uuid: str = "7e57ab1e-0000-4000-8000-000000000001") -> None:
    """A whole start of a node whose partner is up: a new id, and it becomes passive."""
    back.uuid = uuid
    _whole(back, survivor, comes_first=False, new_spark=False)
    joins(survivor, back)
    survivor.log.say(PUBLISHER, f"Connecting to {back.host}:{back.event_sync}")
    publishes(survivor, back)


def _whole(one: Side, other: Side, *, comes_first: bool, new_spark: bool) -> None:
    begin(one, other)
    one.log.say(EVENTS, f"EventServer starting event listener on {one.host}:{one.event_sync}", after=0.1)
    one.log.say(EVENTS, f"{RECEIVES} on port {one.event_sync}", after=0.1)
    if comes_first:
        one.log.say(AGENT, f"Elected this member [{one.uuid}] as the Coordinator node")
        become(one, "Active")
    else:
        become(one, "Passive")
        one.log.say(HA, "CEP HA State syncing started..")
        sync_fails(one)
        one.log.say(THRIFT, f"Requesting snapshot from {other.host}:{other.management}", after=10)
        one.log.say(THRIFT, "Snapshot received.", after=0.1)
        synced(one)
    one.log.say(AGENT, "Cluster initialization completed", after=0.1)
    one.log.say(TASKS, "Task service starting in CLUSTERED mode...", after=0.1)
    one.log.say(NODE_IDS, f"My Analytics Node ID: {one.uuid[::-1]}", after=0.1)
    if new_spark:
        master = f"spark://{one.host}:{7078 + one.offset} with webUI port : {8082 + one.offset}"
        one.log.say(SPARK, f"[Spark init - master] Started SPARK MASTER in {master}")
        if not comes_first:
            text = "Redundant master count reached. Starting workers in all members..."
            one.log.say(SPARK, f"[Spark init - clustered] {text}")
    else:
        masters(one, 1 if comes_first else 2)
    for kind in ("ANALYTICS_SPARK", "ANALYTICS_DATA_PURGING"):
        one.log.say(TASKS, f"Waiting for 2 [{kind}] task executor nodes...", after=0.1)
    if comes_first:
        joins(one, other)
        one.log.say(PUBLISHER, f"Connecting to {other.host}:{other.event_sync}")
        publishes(one, other)
    for kind in ("ANALYTICS_SPARK", "ANALYTICS_DATA_PURGING"):
        one.log.say(TASKS, f"All task servers activated for [{kind}].", after=0.1)
    one.log.say(FINALIZER, "WSO2 Carbon started in 48 sec")


def goes_on(one: Side, seconds: float, *, every: float = 10) -> None:
    """The log goes on with what says nothing about the pair."""
    for _ in range(int(seconds / every)):
        one.log.say(QUERIES, "Executing query: INSERT INTO TABLE x SELECT 1", after=every)


def fail_over(dead: Side, survivor: Side) -> None:
    """The active node dies without a word and the other takes over."""
    leaves(survivor, dead)
    survivor.log.say(AGENT, f"Elected this member [{survivor.uuid}] as the Coordinator node")
    become(survivor, "Active")


def profile(**changes: Any) -> Profile:
    """The profile that fits the stories' two nodes, with `changes` laid over it."""
    base = {
        "schema_version": 1,
        "mysql": {"host": "10.100.0.10", "username": "apim", "password": {"env": "APIM_DB_PASSWORD"}},
        "nodes": [
            {"name": "node1", "home": "/opt/wso2/analytics-1", "host": "10.100.0.46"},
            {"name": "node2", "home": "/opt/wso2/analytics-2", "host": "10.100.0.47"},
        ],
    }
    return Profile.model_validate(merged(base, changes), strict=False)
