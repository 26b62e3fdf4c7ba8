"""Logs that tell stories, written from the lines of the procedure (chapter 9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from tests.support.pairs import merged
from wizard.profile.model import Profile

Form = Literal["file", "console", "short"]

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
SERVER = "org.wso2.carbon.core.init.CarbonServerManager"

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
        self.lines += [line, *trace]
        return line

    def wait(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def raw(self, line: str) -> None:
        """A line as it stands: garbage, for one."""
        self.lines.append(line)

    @property
    def text(self) -> str:
        return "".join(line + self.end for line in self.lines)

    @property
    def content(self) -> bytes:
        return self.text.encode("utf-8", "surrogateescape")


def line_of(form: Form, clock: datetime, level: str, source: str, message: str) -> str:
    time = f"{clock:%Y-%m-%d %H:%M:%S},{clock.microsecond // 1000:03d}"
    if form == "file":
        return f"TID: [-1] [] [{time}] {level:>5} {{{source}}} -  {message} {{{source}}}"
    if form == "console":
        return f"[{time}] {level:>5} {{{source}}} -  {message}"
    return f"[{time}] {level:>5} - {source.rpartition('.')[2]} {message}"


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
    return (
        Side(
            *("10.100.0.46", 4000, 11224, 10005, "9c7619a9-8460-465d-8fd0-7eab1c464386"),
            ServerLog(**log),
        ),
        Side(
            *("10.100.0.47", 4000, 11224, 10005, "504bceff-4a08-46fe-83e6-b9561d3fff81"),
            ServerLog(**{"clock": datetime(2026, 1, 27, 10, 57, 10, 40000), **log}),
        ),
    )


def begin(
    one: Side,
    other: Side,
    *,
    mounts: int = 2,
    mode: str | None = "Persistence enabled HA",
    scheme: str = "wka",
    domain: str = "wso2.carbon.domain",
    members: tuple[Side, ...] | None = None,
    snapshot: bool = True,
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
    for member in members if members is not None else (one, other):
        log.say(
            MEMBERS,
            f"Added member: Host:{member.host}, Remote Host:null, Port: {member.hazelcast}, HTTP:-1, HTTPS:-1, "
            "Domain: null, Sub-domain:null, Active:true",
            after=0.01,
        )
    log.say(AGENT, "Hazelcast initialized in 1379ms")
    log.say(
        AGENT,
        f"Local member: [{one.uuid}] - Host:{one.host}, Remote Host:null, Port: {one.hazelcast}, "
        f"HTTP:{9763 + one.offset}, HTTPS:{9443 + one.offset}, Domain: {domain}, Sub-domain:worker, Active:true",
        after=0.1,
    )
    if snapshot:
        log.say(HA, f"CEP HA Snapshot Server started on {one.host}:{one.management}", after=0.1)


def become(one: Side, role: str) -> str:
    return one.log.say(HA, f"Became CEP HA {role} Member", after=0.01)


def complete(one: Side, seconds: int = 48) -> str:
    one.log.say(AGENT, "Cluster initialization completed", after=0.1)
    return one.log.say(FINALIZER, f"WSO2 Carbon started in {seconds} sec", after=20)


def masters(one: Side, count: int = 2) -> str:
    return one.log.say(SPARK, f"Spark Master map size after starting masters : {count}")


def publishes(one: Side, other: Side) -> str:
    return one.log.say(EVENTS, f"CEP sync publisher initiated to Member '{other.host}:{other.event_sync}'")


def joins(one: Side, other: Side) -> str:
    """`other` joins in the log of `one`."""
    return one.log.say(WKA, other.member(), after=30)


def leaves(one: Side, other: Side) -> str:
    """`other` leaves in the log of `one`."""
    return one.log.say(WKA, other.member().replace("joined", "left"), after=30)


def sync_fails(one: Side, times: int = 1, *, after: float = 10, message: str = NO_PLANS) -> None:
    for _ in range(times):
        one.log.say(HA, message, "ERROR", after=after, trace=NO_PLANS_TRACE)


def synced(one: Side) -> str:
    return one.log.say(HA, "CEP HA State successfully synced.", after=10)


def no_spark(one: Side, *, after: float = 30) -> None:
    one.log.say(
        QUERIES,
        "Error while executing query :         CREATE TEMPORARY TABLE isSessionAnalyticsPerMinute USING "
        'CarbonAnalytics OPTIONS (tableName "org_wso2_is_analytics_stream_SessionStatPerMinute")',
        "ERROR",
        after=after,
        trace=NO_SPARK_TRACE,
    )


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


def fail_over(dead: Side, survivor: Side) -> None:
    """The active node dies without a word and the other takes over."""
    leaves(survivor, dead)
    survivor.log.say(AGENT, f"Elected this member [{survivor.uuid}] as the Coordinator node")
    become(survivor, "Active")


def come_back(back: Side, survivor: Side, uuid: str = "7e57ab1e-0000-4000-8000-000000000001") -> None:
    """The node that died is started again: a new id, and now it is the passive one."""
    back.uuid = uuid
    back.log.wait(120)
    begin(back, survivor)
    joins(survivor, back)
    publishes(survivor, back)
    become(back, "Passive")
    masters(back, 2)
    complete(back, 44)
    synced(back)


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
