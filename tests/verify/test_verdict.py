"""Stories told by logs that are written from the procedure's lines: each verdict with its node and evidence.

Healthy pairs are healthy in every form, and no mutant of one is.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import server_logs as tell
from tests.support.known_failures import KNOWN, LINK, clock_of, printed
from tests.support.server_logs import AGENT, HA, QUERIES, QUEUE, SERVER, Form, Side, profile, sides
from wizard.system.finding import Finding
from wizard.verify.log import FileLog, Trouble
from wizard.verify.pair import Hosts, Pair, Sight
from wizard.verify.story import Story
from wizard.verify.verdict import ROWS, judge, outcome

FORMS: tuple[Form, ...] = ("file", "console", "short", "ei", "compose", "kubectl", "journal", "colour")
LOCAL = {
    "one_machine": True,
    "nodes": [
        {"host": "127.0.0.1", "event_sync_port": 11225, "management_port": 10006},
        {"host": "127.0.0.1", "hazelcast_port": 4001, "event_sync_port": 11227, "management_port": 10008},
    ],
}
"""The pair of `local_sides`, by the ports that its servers open."""


def read(side: Side, folder: Path, name: str, **sight: Any) -> Sight:
    """Return what the side's log says, read from a file as the program does."""
    path = folder / f"{name}.log"
    path.write_bytes(side.log.content)
    story, log = Story(), FileLog(path)
    story.read([*log.read(), *log.finish()])
    log.close()
    return Sight(story.facts, str(path), log.trouble, **{"latest": log.latest, "sample": log.sample, **sight})


class Verdict:
    """The findings about a pair."""

    def __init__(self, pair: Pair) -> None:
        self.findings = judge(pair)
        self.outcome = outcome(self.findings, unseen=any(pair.unseen(node) for node in pair.nodes))

    def all(self, id: str, node: str | None = "node1") -> list[Finding]:
        return [one for one in self.findings if one.id == id and one.node == node]

    def of(self, id: str, node: str | None = "node1") -> Finding:
        """Return the only finding of that id about that node."""
        found = self.all(id, node)
        assert len(found) == 1, f"{id} of {node}: {found}"
        return found[0]

    @property
    def errors(self) -> list[str]:
        """The id and the node of each error."""
        return [f"{one.id} {one.node}" for one in self.findings if one.status == "error"]


Judge = Callable[..., Verdict]


@pytest.fixture
def verdict(tmp_path: Path) -> Judge:
    def of(first: Side | Sight | None, second: Side | Sight | None, **changes: Any) -> Verdict:
        pair = {key: changes.pop(key) for key in ("one_machine", "hosts", "called") if key in changes}
        sights = {
            name: read(side, tmp_path, name) if isinstance(side, Side) else side or Sight()
            for name, side in (("node1", first), ("node2", second))
        }
        return Verdict(Pair(profile(**changes), sights, **pair))

    return of


@pytest.fixture
def healthy() -> tuple[Side, Side]:
    both = sides()
    tell.first_start(*both)
    return both


NEVER_STARTED = Sight(Story().facts, "x.log", Trouble("missing", "does not exist"))

# --- stories as a table ---------------------------------------------------------------------------

Tells = Callable[[Side, Side], object]


def started(*edits: Tells) -> Tells:
    """A healthy first start, edited afterwards."""
    return lambda *both: [edit(*both) for edit in (tell.first_start, *edits)]


def alone(role: str | None = "Active", **begin: Any) -> Tells:
    """A start of the first node alone, complete if it has a role."""

    def tells(first: Side, second: Side) -> None:
        tell.begin(first, second, **begin)
        if role is not None:
            tell.become(first, role)
            tell.masters(first, 1)
            tell.complete(first)

    return tells


def without(number: int, words: str, most: int = 1000) -> Tells:
    def tells(*both: Side) -> None:
        lines = both[number].log.lines
        gone = [line for line in lines if words in line][:most]
        both[number].log.lines = [line for line in lines if line not in gone]

    return tells


def replaced(number: int, old: str, new: str) -> Tells:
    def tells(*both: Side) -> None:
        both[number].log.lines = [line.replace(old, new) for line in both[number].log.lines]

    return tells


def says(number: int, *arguments: str, **options: Any) -> Tells:
    return lambda *both: both[number].log.say(*arguments, **options)


def fails(number: int, source: str, message: str, *trace: str, after: float = 5) -> Tells:
    return says(number, source, message, "ERROR", after=after, trace=("java.lang.Exception: wrapped", *trace))


def goes_on(seconds: float) -> Tells:
    return lambda *both: [tell.goes_on(side, seconds, every=60 if seconds > 5000 else 10) for side in both]


def until(number: int, words: str) -> Tells:
    """Cut the log behind the last line with these words."""

    def tells(*both: Side) -> None:
        lines = both[number].log.lines
        del lines[max(at for at, line in enumerate(lines) if words in line) + 1 :]

    return tells


def late_sync_failure(after: float, times: int) -> Tells:
    def tells(first: Side, second: Side) -> None:
        second.log.wait(-10)  # back to the completion
        tell.sync_fails(second, times, after=after)

    return started(without(1, "successfully synced"), tells)


def without_persistence(first: Side, second: Side) -> None:
    """As DAS 3.0.1, without a line about the mode."""
    for side, other in ((first, second), (second, first)):
        tell.begin(side, other, mode=None)
        tell.become(side, "Active" if side is first else "Passive")
        tell.masters(side)
        tell.complete(side)
    tell.joins(first, second)
    tell.publishes(first, second)
    tell.synced(second)


def as_quoted(first: Side, second: Side) -> None:
    """As in the documentation: both nodes on one machine, the snapshot server at 0.0.0.0, no mode line."""
    second.host, second.hazelcast = first.host, 4001
    for one, other in ((first, second), (second, first)):
        tell.begin(one, other, mode=None, snapshot=False)
        one.log.say(HA, "CEP HA Snapshot Server started on 0.0.0.0:10005")
        tell.become(one, "Active" if one is first else "Passive")
        tell.complete(one)
    tell.joins(first, second)
    tell.publishes(first, second)
    tell.masters(second, 2)
    tell.synced(second)


def stuck(minutes: int) -> Tells:
    message = "Waiting for required OSGi services: org.wso2.carbon.user.core.service.RealmService,"

    def tells(*both: Side) -> None:
        until(0, "Connected to mount")(*both)
        for _ in range(minutes):
            both[0].log.say(tell.FINALIZER, message, "WARN", after=60)

    return tells


def in_form(form: str) -> Tells:
    """The first log in the form of another tool."""

    def tells(first: Side, _: Side) -> None:
        first.log.lines = [form.format(line) for line in first.log.lines]

    return tells


def garbage(first: Side, second: Side) -> None:
    for side in (first, second):
        rubbish = ("[2026-01-27 10:00:00,000]", "TID: [-1] [] [", "\udcff\udcfe")
        side.log.lines = [one for line in side.log.lines for one in ("\x00\x01\x02 binary", line, *rubbish)]


def restarted(first: Side, second: Side) -> None:
    """Before the newest start everything was wrong."""
    old, _ = sides()
    tell.begin(old, second, mode="Single node", mounts=0, scheme="multicast")
    old.log.say(QUERIES, "Access denied for user 'apim'@'10.100.0.46'", "ERROR")
    first.log.lines[:0] = old.log.lines


def clocks(hours: float) -> Tells:
    def tells(first: Side, second: Side) -> None:
        second.log.clock += timedelta(hours=hours)
        tell.first_start(first, second)
        tell.no_spark(first, after=1)

    return tells


def no_spark(*after: float) -> Tells:
    return lambda first, second: [tell.no_spark(first, after=seconds) for seconds in after]


def snapshot_in_use(first: Side, second: Side) -> None:
    trace = ("x.TTransportException: No ServerSocket", "Caused by: java.net.BindException: in use")
    message = "Cannot start CEP HA Snapshot Server on port 10.100.0.47:10005"
    second.log.say(HA, message, "ERROR", trace=trace)


def in_two_forms(first: Side, _: Side) -> None:
    """As after a rotation to another layout."""
    other, half = tell.local_start(form="console")[0].log.lines, len(first.log.lines) // 2
    first.log.lines[half:] = other[half:]


def rolling_restart(first: Side, second: Side) -> None:
    second.log.say(SERVER, "Shutdown hook triggered....")
    second.log.say(SERVER, "Gracefully shutting down WSO2 API Manager Analytics Server...")
    tell.leaves(first, second)
    address = f"{second.host}:{second.event_sync}"
    first.log.say(tell.EVENTS, f"CEP sync publisher disconnected from Member '{address}'")
    second.log.wait(30)
    tell.starts_again(second, first, "7e57ab1e-0000-4000-8000-000000000002")


def harmless_errors_of_the_start(_: Side, second: Side) -> None:
    """A loopback address of event sync on one machine, and no Spark yet."""
    lines, scratch = second.log.lines, tell.ServerLog(clock=second.log.clock - timedelta(seconds=70))
    at = next(number for number, line in enumerate(lines) if "Became CEP HA Passive" in line)
    for kind in ("eventSync", "management"):
        message = f"Hostname : 127.0.0.1 defined for {kind} configuration is invalid. Use another"
        scratch.say("org.wso2.carbon.event.processor.manager.core.config.HAConfiguration", message, "ERROR")
    scratch.say(QUERIES, "Error while executing query : x", "ERROR", trace=tell.NO_SPARK_TRACE)
    lines[at:at] = scratch.lines


def bursts(times: int, every: float, count: int, *trace: str) -> Tells:
    """Errors in both logs, again and again."""

    def tells(*both: Side) -> None:
        for side, _ in itertools.product(both, range(times)):
            tell.goes_on(side, every, every=60)
            for _ in range(count):
                side.log.say(QUEUE, "Error in putting records", "ERROR", trace=("x.Y: z", *trace))

    return tells


def stopped_context(first: Side, _: Side) -> None:
    """After both nodes are up."""
    first.log.lines += printed(KNOWN["stopped context"], first.log.clock + timedelta(seconds=1))


@dataclass(frozen=True)
class Case:
    """A story, the `changes` of the profile, and what is expected: the outcome, all errors, some findings.

    A finding is its id, node and status, then texts that it contains anywhere.
    """

    name: str
    tells: Tells
    outcome: str = ""
    errors: tuple[str, ...] | None = None
    found: tuple[tuple[str, ...], ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)


def local_case(
    name: str,
    outcome: str,
    *edits: Tells,
    errors: tuple[str, ...] | None = None,
    found: Any = (),
    **changes: Any,
) -> Case:
    """A whole start of the pair on this machine, edited afterwards."""

    def tells(*both: Side) -> None:
        tell.whole_start(*both)
        for edit in edits:
            edit(*both)

    return Case(name, tells, outcome, errors, found, {**LOCAL, **changes})


NO_PLANS = ("verify.state-sync", "node2")
NO_PERSISTENCE = {"event_processor": {"persistence": False}}
ONE_MASTER = started(replaced(1, "masters : 2", "masters : 1"))
GOV_DB = {"registry": {"db_config": "GOV_DB"}}

LOOPBACK = says(0, AGENT, "localMemberHost is configured to use the loopback address. x", "WARN")

REFUSED = "Caused by: java.net.ConnectException: Connection refused (Connection refused)"
GONE = f"Caused by: {LINK}"
THRIFT = "Caused by: org.apache.thrift.transport.TTransportException"
HANDSHAKE = "Caused by: javax.net.ssl.SSLHandshakeException: Received fatal alert: handshake_failure"
HEALED = "Member joined [7e57-0000]: /127.0.0.1:4001"
STORE = "org.wso2.carbon.analytics.datasource.rdbms.RDBMSAnalyticsRecordStore"
TASK = "org.wso2.carbon.analytics.spark.core.AnalyticsTask"
ADAPTER = "org.wso2.carbon.event.output.adapter"
QUOTING = 'Caused by: java.sql.SQLException: null,  message from server: "{}"'
ENDS = (
    "Shutdown hook triggered....",
    "Gracefully shutting down WSO2 API Manager Analytics Server...",
    "Shutting down WSO2 Data Analytics Server...",
    "Shutdown complete",
    "Halting JVM",
    "Restarting WSO2 Data Analytics Server...",
    "Gracefully restarting WSO2 Data Analytics Server...",
    "Starting a new Carbon instance. Current instance will be shutdown",
)
OUTPUT, NO_ADDRESS = f"{ADAPTER}.http.HTTPEventAdapter", "Cannot assign requested address"
OTHERS = (
    ("org.example.Mail", "javax.mail.MessagingException: 550"),
    (f"{ADAPTER}.email.EmailEventAdapter", "Caused by: java.net.UnknownHostException: smtp.example"),
    (OUTPUT, HANDSHAKE),
    (OUTPUT, f"Caused by: java.net.NoRouteToHostException: {NO_ADDRESS}"),
    (OUTPUT, f"Caused by: java.net.BindException: {NO_ADDRESS}"),
    (
        "org.wso2.carbon.event.input.adapter.jms.JMSTaskManager",
        "Caused by: javax.jms.JMSException: Access denied",
    ),
    ("org.example.Client", "Caused by: java.net.ConnectException: Connection refused"),
    ("org.apache.catalina.connector.Writer", "java.io.IOException: Broken pipe"),
    (tell.QUERIES, "x.ParserException: SELCT"),
)
"""Errors of other software, or about systems of others."""

CASES = (
    *(Case(f"clocks {hours} hours apart", clocks(hours), "healthy") for hours in (-7, 9, 24 * 400)),
    Case("an older start does not count", started(restarted), "healthy"),
    Case("garbage between the lines", started(garbage), "healthy"),
    Case("the lines that the documentation quotes", as_quoted, "healthy", (), (("verify.mode", "node1", "warning"),),
         {"nodes": [{}, {"host": "10.100.0.46", "hazelcast_port": 4001}]}),
    *(Case(f"names of hosts, resolved to {address}", started(), result, None, (), {
        "nodes": [{"host": "one.example"}, {"host": "two.example"}],
        "hosts": Hosts({"one.example": ("10.100.0.46",), "two.example": (address,)} if address else {}),
    }) for address, result in (("", "healthy"), ("10.100.0.47", "healthy"), ("10.100.0.99", "unhealthy"))),
    Case("a member host that is a loopback address", started(LOOPBACK), "unhealthy", ("verify.membership node1",)),
    Case("HA without persistence prints no mode", without_persistence, "healthy", (), (), NO_PERSISTENCE),
    Case("the second node is starting", lambda *both: (
        alone()(*both), both[1].log.say(tell.CARBON, "Starting WSO2 Carbon...")
    ), "waiting", (), (
        ("verify.log", "node2", "waiting", "starting since 2026-01-27 10:57:11", "Starting WSO2 Carbon"),
        ("verify.registry-mount", "node2", "waiting"),
        ("verify.spark-masters", "node1", "waiting"),
        ("verify.registry-mount", "node1", "ok"),)),
    Case("the passive node is not synced yet", started(without(1, "successfully synced")), "waiting", (), (
        ("verify.state-sync", "node2", "waiting", "harmless"),)),
    Case("split brain by the network", started(tell.leaves, tell.fail_over), "unhealthy", None, tuple(
        ("verify.active-passive", node, "error", "both nodes are active", "network", "Became CEP HA Active Member")
        for node in ("node1", "node2")
    )),
    Case("two clusters from the start", lambda *both: (alone()(*both), alone()(*both[::-1])), "unhealthy", None, (
        ("verify.active-passive", "node1", "error"),
        ("verify.member", "node1", "error", "neither has seen the other join"),
        ("verify.spark-masters", "node1", "error"),)),
    *(
        Case(f"mode {mode}, persistence {wanted}", alone(mode=mode), "", None, (
            ("verify.mode", "node1", status),
        ), {"event_processor": {"persistence": wanted}})
        for mode, wanted, status in (
            ("Persistence enabled HA", True, "ok"),
            ("Persistence enabled HA", False, "error"),
            ("HA", False, "ok"),
            ("HA", True, "warning"),
            (None, True, "warning"),
            (None, False, "ok"),
        )
    ),
    *(
        Case(f"{2 - gone} mounts", started(without(1, "Connected to mount", gone)), "unhealthy",
             ("verify.registry-mount node2",),
             (("verify.registry-mount", "node2", "error", "WSO2 Carbon started in 51 sec", "replay"),))
        for gone in (1, 2)
    ),
    Case("the mount of the profile's db_config", started(), "healthy", (), (
        ("verify.registry-mount", "node1", "ok"),
    ), {"registry": {"db_config": "govregistry"}, "datasources": {"registry": "GOV_SOURCE"}}),
    Case("the mount of another db_config", started(), "unhealthy", None, (
        ("verify.registry-mount", "node1", "error", "GOV_DB", "GOV_SOURCE"),
    ), {**GOV_DB, "datasources": {"registry": "GOV_SOURCE"}}),
    Case("a missing mount is awaited before the start is complete", alone(None, mounts=1), "waiting", (), (
        ("verify.registry-mount", "node1", "waiting"),)),
    Case("another membership scheme", alone(None, scheme="multicast", members=()), "unhealthy", None, (
        ("verify.membership", "node1", "error", "multicast"),)),
    Case("no member joins", started(without(0, "Member joined")), "unhealthy", ("verify.member node1",), (
        ("verify.member", "node1", "error", "WSO2 Carbon started"),)),
    Case("one Spark master", ONE_MASTER, "unhealthy", ("verify.spark-masters node1",), (
        ("verify.spark-masters", "node1", "error", "1 of 2 Spark masters",
         "Spark Master map size after starting masters : 1"),)),
    Case("one Spark master is wanted", ONE_MASTER, "healthy", (), (), {"spark": {"master_count": 1}}),
    Case("the sync never succeeds", started(
        without(1, "successfully synced"), lambda first, second: tell.sync_fails(second, 5)
    ), "unhealthy", ("verify.state-sync node2",), ((*NO_PLANS, "error", "syncing failed", "C-Apps"),)),
    *(
        Case(f"{times} sync failures {after} s after completion", late_sync_failure(after, times), "", None, (
            (*NO_PLANS, status),
        ))
        for after, times, status in
        ((9, 1, "waiting"), (10, 1, "waiting"), (10.5, 1, "error"), (1, 2, "error"))
    ),
    Case("the sync fails again after a success", started(lambda first, second: tell.sync_fails(second)),
         "unhealthy", ("verify.state-sync node2",)),
    Case("no Spark before all nodes are up", lambda *both: (alone()(*both), tell.no_spark(both[0])), "waiting", None, (
        ("verify.spark-sql", "node1", "waiting"),)),
    Case("no Spark shortly after all nodes are up", started(no_spark(20)), "healthy", (), (
        ("verify.spark-sql", "node1", "ok"),)),
    Case("no Spark long after all nodes are up", started(no_spark(20, 300)), "unhealthy",
         ("verify.spark-sql node1",),
         (("verify.spark-sql", "node1", "error", "Spark SQL Context is not available"),)),
    Case("no node is active", started(replaced(0, "HA Active", "HA Passive")), "unhealthy", None, (
        ("verify.active-passive", "node1", "error"), ("verify.active-passive", "node2", "error"),)),
    Case("a backup means a third member", started(replaced(1, "HA Passive", "HA Backup")), "unhealthy", None, (
        ("verify.active-passive", "node2", "error"),)),
    Case("the snapshot server cannot start", started(without(1, "Snapshot"), snapshot_in_use), "unhealthy", None, (
        ("verify.snapshot-server", "node2", "error", "BindException"),)),
    Case("a line without its time, as the documentation quotes one", started(lambda first, second:
        second.log.lines.append("ERROR {org.wso2.carbon.x.HAManager} -  CEP HA State syncing failed, x")
    ), "unhealthy", ("verify.state-sync node2",)),
    Case("a third member", started(says(0, tell.WKA, "Member joined [aaaa-0000]: /10.100.0.99:4000")), "unhealthy",
        ("verify.member node1",), (("verify.member", "node1", "error", "10.100.0.99:4000", "[aaaa-0000]"),)),
    Case("the console's ports are no evidence", started(), "healthy", (), (
        ("verify.membership", "node1", "ok"),
    ), {"nodes": [{"port_offset": 5}, {"port_offset": 0}]}),
    *(
        Case(f"{where[0]}: {named}", started(), "unhealthy", None, (
            (*where, "error", named, "not the configuration that the wizard wrote"),
        ), changes)
        for changes, where, named in (
            ({"nodes": [{}, {"hazelcast_port": 4001}]}, ("verify.membership", "node2"), "10.100.0.47:4001"),
            ({"cluster": {"domain": "other"}}, ("verify.membership", "node1"), "wso2.carbon.domain"),
            ({"nodes": [{}, {"event_sync_port": 11225}]}, ("verify.event-sync", "node1"), "10.100.0.47:11225"),
            ({"nodes": [{"management_port": 10009}, {}]}, ("verify.snapshot-server", "node1"), "10.100.0.46:10009"),
            ({"nodes": [{}, {"host": "10.100.0.48"}]}, ("verify.membership", "node2"), "10.100.0.48:4000"),
        )
    ),
    local_case("forms mixed by a rotation", "healthy", in_two_forms),
    local_case("a rolling restart", "healthy", rolling_restart),
    local_case("a database that was away for a minute, twice", "healthy",
        *[bursts(1, 0, 60, GONE, REFUSED), goes_on(6 * 3600)] * 2,
        found=(("verify.known-error", "node1", "warning", "this is over"),)),
    local_case("harmless lines", "healthy", *(
        says(number, source, message, level, after=60) for number in (0, 1) for source, message, level in (
            ("org.apache.spark.Something", "Using 'local' with Carbon clustering is deprecated", "WARN"),
            ("org.example.Mail", "No mail", "WARN"),
            ("org.apache.qpid.Session", "Shutting down old sessions...", "INFO"),
        ))),
    local_case("harmless errors of the start", "healthy", harmless_errors_of_the_start),
    *(local_case(f"{line} of node{number + 1}", "unhealthy", says(number, SERVER, line),
        errors=(f"verify.log node{number + 1}",),
        found=(("verify.log", f"node{number + 1}", "error", "stopped"),))
        for number in (0, 1) for line in ENDS),
    local_case("three masters for two nodes", "healthy",
        says(1, tell.SPARK, "Spark Master map size after starting masters : 3"),
        found=(("verify.spark-masters", "node2", "warning"),)),
    *(local_case(f"{source}: {trace}", "healthy", fails(0, source, "Cannot send", trace), goes_on(10),
        errors=(), found=(("verify.unknown-error", "node1", "warning", "1 unknown error"),))
        for source, trace in OTHERS),
    local_case("an error of other software about the database", "unhealthy",
        fails(0, OUTPUT, "Cannot send", GONE)),
    *(local_case(f"two errors that differ in a middle cause, {result}", result,
        fails(0, TASK, "Error while executing the scheduled task", one, REFUSED), goes_on(3600),
        fails(0, TASK, "Error while executing the scheduled task", other, REFUSED))
        for one, other, result in ((THRIFT, GONE, "unhealthy"), (GONE, THRIFT, "healthy"))),
    local_case("two errors that differ in what is quoted", "unhealthy",
        *(fails(0, STORE, "Error", QUOTING.format(text)) for text in ("Query interrupted", "Too many connections")),
        errors=("verify.known-error node1",),
        found=(("verify.known-error", "node1", "error", "no more connections"),)),
    *(local_case(f"node{number + 1} without its first line", "waiting",
        lambda *both, number=number: both[number].log.lines.pop(0), errors=()) for number in (0, 1)),
    local_case("a byte order mark", "healthy", replaced(0, "TID: [-1] []", "\ufeffTID: [-1] []")),
    *(local_case(f"{quiet} s after errors every 10 minutes", result, bursts(12, 600, 5, GONE, REFUSED), goes_on(quiet))
        for quiet, result in ((60, "unhealthy"), (1200, "healthy"))),
    local_case("a loopback address on one machine", "healthy", LOOPBACK),
    local_case("a loopback address on two machines", "healthy", LOOPBACK, one_machine=False,
        found=(("verify.membership", "node1", "warning", "loopback"),)),
    *(local_case(f"{minutes} minutes without an OSGi service", "", stuck(minutes),
        found=(("verify.log", "node1", status, "RealmService", text),))
        for minutes, status, text in ((1, "waiting", "waiting since"), (2, "error", "stuck"), (3, "error", "stuck"))),
    *(local_case(f"lines like {form}", "waiting", in_form(form), found=(
        ("verify.log", "node1", "waiting", "the log has another format", form[:3], "INFO {class} -  message"),))
        for form in ("x='{}'", "<event>{}</event>", "a=b, c=(d), message='{}'")),
    local_case("a stopped context after both nodes are up", "unhealthy", stopped_context),
    local_case("an error about a tenant", "unhealthy", fails(0, QUEUE, "Error in putting records", GONE),
        replaced(0, "] ERROR {", "] bob@x.example@wso2.example [1] [DAS]ERROR {"),
        errors=("verify.known-error node1",)),
    local_case("the process of the start before ends during the start", "healthy", lambda first, _:
        first.log.lines.insert(3, tell.line_of("file", clock_of(first.log.lines[2]), "INFO", SERVER, "Halting JVM"))),
    local_case("a split that healed without a start", "healthy", tell.leaves, says(0, tell.WKA, HEALED)),
    local_case("a split that healed and came again", "unhealthy", tell.leaves, says(0, tell.WKA, HEALED),
        says(0, tell.WKA, HEALED.replace("joined", "left")), errors=("verify.member node1",)),
    local_case("a year of another calendar", "healthy", bursts(1, 0, 60, GONE, REFUSED), goes_on(3600),
        *(replaced(number, "[2026-", "[2569-") for number in (0, 1))),
    *(local_case(f"no Spark {seconds} s after the other node joined again", result, rolling_restart, no_spark(seconds),
        found=(("verify.spark-sql", "node1", status),))
        for seconds, result, status in ((80, "healthy", "ok"), (120, "unhealthy", "error"))),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_story(case: Case, verdict: Judge) -> None:
    both = tell.local_sides() if "one_machine" in case.changes else sides()
    case.tells(*both)
    result = verdict(*both, **case.changes)
    if case.outcome:
        assert result.outcome == case.outcome, result.findings
    if case.errors is not None:
        assert result.errors == list(case.errors)
    for id, node, status, *texts in case.found:
        found = [one for one in result.all(id, node) if one.status == status]
        assert any(
            all(text in f"{one.message}\n{one.evidence}\n{one.fix}" for text in texts)
            and (one.evidence or status in ("ok", "waiting"))
            for one in found
        ), (id, node, result.all(id, node))


# --- healthy -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("new_spark", "end"), [(False, "\n"), (True, "\r\n")])
@pytest.mark.parametrize("form", FORMS)
def test_a_healthy_pair_and_an_error_in_every_form(
    verdict: Judge, form: Form, new_spark: bool, end: str
) -> None:
    both = tell.local_start(form=form, end=end, new_spark=new_spark)
    result = verdict(*both, **LOCAL)
    assert result.outcome == "healthy"
    assert {one.status for one in result.findings} == {"ok"}
    assert result.of("verify.active-passive", "node1").message.startswith("active since")
    passive = result.of("verify.active-passive", "node2")
    assert passive.message.startswith("passive since")
    assert "Became CEP HA Passive Member" in (passive.evidence or "")
    assert "successfully synced" in (result.of("verify.state-sync", "node2").evidence or "")
    trace = (
        "x.Y: z",
        "\tat a.b(C.java:1)",
        GONE,
        "\t... 11 more",
        "Caused by: x.Y: Unknown database 'regdb'",
    )
    for number, side in enumerate(both, 1):
        side.log.say(QUEUE, "Error in putting records", "ERROR", trace=trace)
        found = verdict(*both, **LOCAL).of("verify.known-error", f"node{number}")
        assert (found.status, "does not exist" in found.message) == ("error", True)
        assert "Unknown database" in (found.evidence or "")


def test_failover_and_return(verdict: Judge) -> None:
    first, second = tell.local_start()
    address = f"{first.host}:{first.event_sync}"
    second.log.say(tell.PUBLISHER, f"Connecting to {address}")
    tell.publishes(second, first)
    refused = ("java.net.ConnectException: Connection refused",)
    second.log.say(tell.PUBLISHER, f"Error on reconnection to {address}", "ERROR", trace=refused)
    changer = ("java.lang.NullPointerException", "\tat x.HAManager.stateChanger(HAManager.java:1)")
    second.log.say(HA, "java.lang.NullPointerException", "ERROR", trace=changer)
    tell.leaves(second, first)
    second.log.say(tell.EVENTS, f"CEP sync publisher disconnected from Member '{address}'")
    tell.become(second, "Active")
    down = verdict(first, second, **LOCAL)
    assert down.outcome == "unhealthy"
    left = down.of("verify.member", "node2")
    assert (left.status, left.message[:13]) == ("error", "node1 left at")
    assert "Member left [9c7619a9" in (left.evidence or "")
    assert "start it: sh /opt/wso2/analytics-1/bin/wso2server.sh;" in (left.fix or "")
    assert down.of("verify.active-passive", "node2").message.startswith("active since")
    assert down.of("verify.active-passive", "node1").status == "waiting"

    ended = len(first.log.lines)
    first.log.wait(60)
    first.uuid = "7e57ab1e-0000-4000-8000-000000000000"
    tell.begin(first, second)
    again = verdict(first, second, **LOCAL)
    assert again.outcome == "waiting"
    assert "starting again" in again.of("verify.member", "node2").message

    del first.log.lines[ended:]
    tell.starts_again(first, second, "7e57ab1e-0000-4000-8000-000000000001")
    back = verdict(first, second, **LOCAL)
    assert (back.errors, back.outcome) == ([], "healthy")
    assert back.of("verify.active-passive", "node1").message.startswith("passive since")


# --- no mutant is healthy ------------------------------------------------------------------------

ADDED = "Added member"
FACTS = (
    "Starting WSO2 Carbon",
    "WSO2 Carbon started in",
    "Connected to mount at",
    "membership management scheme",
)
FACTS += (ADDED, f"{ADDED}: .*Port: 4000", f"{ADDED}: .*Port: 4001", "Cluster initialization completed")
FACTS += ("Local member|Hazelcast initialized", "CEP HA Snapshot Server started", "Became CEP HA")
"""The lines that each node must show."""
OF_ONE = (
    (0, "Member joined"),
    (0, "Connecting to|sync publisher initiated"),
    (1, "successfully synced"),
    (1, "Spark Master map size|Redundant master count|Started SPARK MASTER"),
)
"""The lines that one node shows about the pair."""


@pytest.mark.parametrize("new_spark", [False, True])
@pytest.mark.parametrize(("number", "pattern"), [*itertools.product((0, 1), FACTS), *OF_ONE])
def test_without_a_fact(verdict: Judge, number: int, pattern: str, new_spark: bool) -> None:
    both = tell.local_start(new_spark=new_spark)
    log, before = both[number].log, len(both[number].log.lines)
    log.lines = [line for line in log.lines if not re.search(pattern, line)]
    assert len(log.lines) < before
    result = verdict(*both, **LOCAL)
    assert result.outcome != "healthy", result.findings


SNAPSHOT, PASSIVE = "CEP HA Snapshot Server started", "Became CEP HA Passive"
RECEIVES = "Event Management TCPEventServer for EventReceiver started"
STARTED, SYNCING = "WSO2 Carbon started", "CEP HA State syncing failed"
MODES = (
    "in Single node mode",
    "in Persistence mode",
    "in Persistence enabled Single Node mode",
    "in Distributed mode",
)
MODES += ("with clustering enabled, but SingleNode configuration given.",)
FAILED = (
    *(("CEP started in Persistence", tell.MODES, f"CEP started {mode}", "INFO") for mode in MODES),
    (SNAPSHOT, HA, "Cannot start CEP HA Snapshot Server on port 127.0.0.1:10006", "ERROR"),
    (SNAPSHOT, HA, "Error in starting CEP HA Snapshot Server ", "ERROR"),
    (PASSIVE, HA, "Error while setting the member as passive member. ", "ERROR"),
    (RECEIVES, tell.EVENTS, f"{RECEIVES} on port 11299", "INFO"),
    (STARTED, SERVER, "WSO2 API Manager Analytics Server startup failed.", "FATAL"),
    (STARTED, tell.FINALIZER, "Cannot activate StartupFinalizerServiceComponent", "FATAL"),
    ("CEP HA State successfully synced", HA, f"{SYNCING}, Error in getting snapshot", "ERROR"),
    ("My Analytics Node ID", tell.NODE_IDS, "My Analytics Node ID: one-for-both", "INFO"),
)
"""The line of a fact, and what the server prints instead if it fails."""


@pytest.mark.parametrize(("fact", "source", "message", "level"), FAILED)
def test_with_the_failure_in_place_of_the_fact(
    verdict: Judge, fact: str, source: str, message: str, level: str
) -> None:
    for chosen in ((0,), (1,), (0, 1)) if "Node ID" not in fact else ((0, 1),):
        both, changed = tell.local_start(), False
        for log in (both[number].log for number in chosen):
            for at, line in enumerate(log.lines):
                if fact in line:
                    log.lines[at] = tell.line_of("file", clock_of(line), level, source, message)
                    changed = True
        result = verdict(*both, **LOCAL)
        assert (result.outcome != "healthy") == changed, f"{chosen}: {result.findings}"


# --- not complete ---------------------------------------------------------------------------------


def test_a_node_that_was_never_started(verdict: Judge) -> None:
    first, second = sides()
    alone()(first, second)
    result = verdict(first, NEVER_STARTED)
    assert (result.outcome, result.errors) == ("waiting", [])
    missing = result.of("verify.log", "node2")
    assert "never started" in missing.message
    assert missing.evidence == "x.log"
    assert missing.fix == "on 10.100.0.47: sh /opt/wso2/analytics-2/bin/wso2server.sh"
    for one_machine, options in ((True, ""), (False, " --node node2")):
        result = verdict(first, NEVER_STARTED, one_machine=one_machine, called="pair")
        fix = result.of("verify.log", "node2").fix
        assert fix == f"on 10.100.0.47: apimha-wizard start pair{options}"
    neither = verdict(NEVER_STARTED, NEVER_STARTED)
    assert (neither.outcome, neither.errors) == ("waiting", [])


def test_a_node_without_a_log_here(verdict: Judge, healthy: tuple[Side, Side]) -> None:
    """What the other machine's log would say is skipped, with the command that shows it."""
    result = verdict(healthy[0], None)
    assert (result.outcome, result.errors) == ("waiting", [])
    assert {one.node for one in result.findings if one.status == "skipped"} == {"node2"}
    assert result.of("verify.log", "node2").fix == (
        "ssh 10.100.0.47 tail -n +1 -F /opt/wso2/analytics-2/repository/logs/wso2carbon.log"
        " | apimha-wizard verify PROFILE --log node2=-"
    )
    assert result.of("verify.member", "node1").status == "ok"
    nodes = [{}, {"home": "/opt/PROFILE/analytics"}]
    fix = verdict(healthy[0], None, called="pair", nodes=nodes).of("verify.log", "node2").fix or ""
    assert "/opt/PROFILE/analytics/repository/logs/wso2carbon.log | apimha-wizard verify pair --log" in fix
    first, second = sides()
    tell.begin(first, second, mode="Single node")
    assert verdict(first, None).outcome == "unhealthy", "it does not hide an error"
    for seconds, status in ((20, "ok"), (300, "error")):
        tell.no_spark(healthy[0], after=seconds)
        assert verdict(healthy[0], None).of("verify.spark-sql").status == status


@pytest.mark.parametrize(
    ("partner", "state", "outcome"),
    [
        (None, "was not started", "waiting"),
        ("Starting WSO2 Carbon...", "is starting", "waiting"),
        ("Halting JVM", "has ended", "unhealthy"),
        ("Cannot start User Manager Core bundle", "failed", "unhealthy"),
    ],
)
def test_waiting_for_task_servers_names_the_other_node(
    verdict: Judge, partner: str | None, state: str, outcome: str
) -> None:
    both = tell.local_start()
    until(0, "Waiting for 2")(*both)
    until(1, "Using wka")(*both)
    if partner is not None:
        both[1].log.say(SERVER, partner, "ERROR" if state == "failed" else "INFO")
    result = verdict(both[0], NEVER_STARTED if partner is None else both[1], **LOCAL)
    found = result.of("verify.log")
    assert (found.status, result.outcome) == ("waiting", outcome)
    message = "waiting since 2026-01-27 .* for 2 task executor nodes .ANALYTICS_DATA_PURGING, ANALYTICS_SPARK.: node2 "
    assert re.match(f"{message}{state}", found.message)


def test_after_a_failed_start_nothing_is_awaited(verdict: Judge) -> None:
    first, _ = both = tell.local_start()
    until(0, "Starting WSO2 Carbon")(*both)
    first.log.say(SERVER, "WSO2 Carbon initialization Failed", "FATAL")
    result = verdict(first, NEVER_STARTED, **LOCAL)
    assert result.outcome == "unhealthy"
    assert [one for one in result.findings if (one.status, one.node) == ("waiting", "node1")] == []


@pytest.mark.parametrize("prefix", ["", "node1_1       |  ", "[pod/apim-0/analytics] "])
def test_a_java_that_the_launcher_refuses(verdict: Judge, prefix: str) -> None:
    """Before a start, behind a stop, and where no start followed at all."""
    first, second = tell.local_start()
    words = (
        "Starting WSO2 Carbon (in unsupported JDK)",
        "[ERROR] CARBON is supported only on JDK 1.7 and 1.8",
    )
    refused, whole = [prefix + line for line in words], list(first.log.lines)
    first.log.say(SERVER, "Shutdown complete")
    variable = f"{prefix}JAVA_HOME environment variable is set to /usr/lib/jvm/java-11"
    for lines in ([*refused, *whole], [variable, *refused], [*first.log.lines, *refused]):
        first.log.lines = lines
        result = verdict(first, second, **LOCAL)
        assert result.outcome == "unhealthy", result.findings
        errors = [one for one in result.findings if (one.status, one.node) == ("error", "node1")]
        assert any("JAVA_HOME" in (one.fix or "") for one in errors), errors


# --- members and processes ------------------------------------------------------------------------


def test_what_is_known_beside_the_records(verdict: Judge, healthy: tuple[Side, Side], tmp_path: Path) -> None:
    """A process that is gone, a log that cannot be read, no start within the limit."""
    facts, log = Story().facts, "/x/wso2carbon.log"
    for sight, expected, text in (
        (read(healthy[1], tmp_path, "node2", alive=False), "unhealthy", "process is gone"),
        (
            Sight(facts, log, Trouble("unreadable", "is a folder")),
            "unhealthy",
            "cannot read the log: is a folder",
        ),
        (Sight(facts, log, Trouble("capped", "the last 1 MB")), "waiting", "no start found: the last 1 MB"),
    ):
        result = verdict(healthy[0], sight)
        found = result.of("verify.log", "node2")
        assert (result.outcome, text in found.message) == (expected, True), found
        assert found.evidence == log or sight.alive is False


# --- errors --------------------------------------------------------------------------------------


def test_unknown_errors_are_counted_and_quoted(verdict: Judge, healthy: tuple[Side, Side]) -> None:
    first, second = healthy
    for number in range(7):
        message = f"Session {number} failed for 'x{number}'"
        first.log.say(QUERIES, message, "ERROR", trace=("a.B: c", "Caused by: d.E: f"))
    last = first.log.say("org.example.Thing", "Something else", "ERROR")
    result = verdict(first, second)
    found = result.of("verify.unknown-error", "node1")
    assert (found.status, result.outcome) == ("warning", "healthy")
    assert found.message == "8 unknown errors, of 2 kinds"
    assert (found.evidence or "").startswith(f"1x {last}")  # the newest first
    assert "7x " in (found.evidence or "")
    assert "Session 6 failed" in (found.evidence or "")
    for number in range(3000):
        first.log.say(QUERIES, f"kind {'abcdefghij'[number % 10] * (number // 10)} failed", "ERROR", after=0)
    found = verdict(first, second).of("verify.unknown-error", "node1")
    assert "3008 unknown errors" in found.message
    assert len(found.evidence or "") < 5000


def test_the_ids_of_the_contract() -> None:
    contract = "log mode registry-mount membership member active-passive event-sync state-sync spark-masters"
    assert {row.id for row in ROWS} >= {f"verify.{name}" for name in contract.split()}
