"""Stories told by logs that are written from the procedure's lines: each verdict with its node and evidence.

Healthy pairs are healthy in every form, and no mutant of one is.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support import server_logs as tell
from tests.support.known_failures import KNOWN, LINK, clock_of, printed
from tests.support.server_logs import AGENT, HA, QUERIES, QUEUE, SERVER, Form, Side, profile, sides
from wizard.system.finding import Finding
from wizard.verify.log import FileLog, Unread
from wizard.verify.pair import EventPorts, Hosts, Pair, Sight
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
    return Sight(story.facts, str(path), log.unread, **{"latest": log.latest, "sample": log.sample, **sight})


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
PAIR = ("one_machine", "hosts", "called", "opened")


@pytest.fixture
def verdict(tmp_path: Path) -> Judge:
    def of(first: Side | Sight | None, second: Side | Sight | None, **changes: Any) -> Verdict:
        pair = {key: changes.pop(key) for key in PAIR if key in changes}
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


NEVER_STARTED = Sight(Story().facts, "x.log", Unread("missing", "does not exist"))

# --- stories as a table ---------------------------------------------------------------------------

Tells = Callable[[Side, Side], object]


def lines_of(number: int, edit: Callable[[list[str]], list[str]]) -> Tells:
    """Edit the lines of a log."""

    def tells(*both: Side) -> None:
        both[number].log.lines = edit(both[number].log.lines)

    return tells


def without(number: int, words: str, most: int = 1000) -> Tells:
    def edit(lines: list[str]) -> list[str]:
        gone = [line for line in lines if words in line][:most]
        return [line for line in lines if line not in gone]

    return lines_of(number, edit)


def replaced(number: int, old: str, new: str) -> Tells:
    return lines_of(number, lambda lines: [line.replace(old, new) for line in lines])


def until(number: int, words: str) -> Tells:
    """Cut the log behind the last line with these words."""
    return lines_of(
        number, lambda lines: lines[: max(at for at, one in enumerate(lines) if words in one) + 1]
    )


def says(number: int, *arguments: str, **options: Any) -> Tells:
    return lambda *both: both[number].log.say(*arguments, **options)


def fails(number: int, source: str, message: str, *trace: str, after: float = 5) -> Tells:
    return says(number, source, message, "ERROR", after=after, trace=("java.lang.Exception: wrapped", *trace))


def goes_on(seconds: float) -> Tells:
    return lambda *both: [tell.goes_on(side, seconds, every=60 if seconds > 5000 else 10) for side in both]


def waits(number: int, seconds: float) -> Tells:
    return lambda *both: both[number].log.wait(seconds)


def no_spark(*after: float) -> Tells:
    return lambda first, second: [tell.no_spark(first, after=seconds) for seconds in after]


def alone(role: str | None = "Active", number: int = 0, **begin: Any) -> Tells:
    """A start of one node alone, complete if it has a role."""

    def tells(*both: Side) -> None:
        tell.begin(both[number], both[1 - number], **begin)
        if role is not None:
            tell.become(both[number], role)
            tell.masters(both[number], 1)
            tell.complete(both[number])

    return tells


def without_mode(first: Side, second: Side) -> None:
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
    without_mode(first, second)
    for number in (0, 1):
        replaced(number, f"{first.host}:10005", "0.0.0.0:10005")(first, second)


def garbage(lines: list[str]) -> list[str]:
    rubbish = ("[2026-01-27 10:00:00,000]", "TID: [-1] [] [", "\udcff\udcfe")
    return [one for line in lines for one in ("\x00\x01\x02 binary", line, *rubbish)]


def all_wrong_before(lines: list[str]) -> list[str]:
    old, other = sides()
    tell.begin(old, other, mode="Single node", mounts=0, scheme="multicast")
    old.log.say(QUERIES, "Access denied for user 'apim'@'10.100.0.46'", "ERROR")
    return old.log.lines + lines


def as_rotated_to_the_console(lines: list[str]) -> list[str]:
    return lines[: len(lines) // 2] + tell.local_start(form="console")[0].log.lines[len(lines) // 2 :]


def after_a_line(
    words: str, *more: tuple[str, ...], trace: tuple[str, ...] = ()
) -> Callable[[list[str]], list[str]]:
    """Insert lines (source, message, level) behind the line with these words; the trace belongs to the last one."""

    def edit(lines: list[str]) -> list[str]:
        at = next(at for at, line in enumerate(lines, 1) if words in line)
        log = tell.ServerLog(clock=clock_of(lines[at - 1]))
        for one in more:
            log.say(*one, after=0, trace=trace if one is more[-1] else ())
        return [*lines[:at], *log.lines, *lines[at:]]

    return edit


def restarts(first: Side, second: Side) -> None:
    """The second node is stopped and started again."""
    second.log.say(SERVER, "Shutdown hook triggered....")
    second.log.say(SERVER, "Gracefully shutting down WSO2 API Manager Analytics Server...")
    tell.leaves(first, second)
    address = f"{second.host}:{second.event_sync}"
    first.log.say(tell.EVENTS, f"CEP sync publisher disconnected from Member '{address}'")
    second.log.wait(30)
    tell.starts_again(second, first, "7e57ab1e-0000-4000-8000-000000000002")


def bursts(times: int, every: float, count: int, *trace: str) -> Tells:
    """Errors in both logs, again and again."""

    def tells(*both: Side) -> None:
        for side, _ in itertools.product(both, range(times)):
            tell.goes_on(side, every, every=60)
            for _ in range(count):
                side.log.say(QUEUE, "Error in putting records", "ERROR", trace=("x.Y: z", *trace))

    return tells


def stopped_context(first: Side, _: Side) -> None:
    first.log.lines += printed(KNOWN["stopped context"], first.log.clock + timedelta(seconds=1))


class Case(NamedTuple):
    """A story, the `changes` of the profile, and what is expected: the outcome, all errors, some findings.

    An error is its id and node; a finding these and its status, with the texts that it contains anywhere.
    """

    name: str
    outcome: str
    tells: tuple[Tells, ...]
    errors: tuple[str, ...] | None
    found: dict[str, tuple[str, ...] | str]
    changes: dict[str, Any]


def plain(
    name: str, outcome: str, *tells: Tells, errors: Any = None, found: Any = None, **changes: Any
) -> Case:
    """A story on two machines; that of `start` begins with a healthy start, that of `local` is on one machine."""
    return Case(name, outcome, tells, errors, found or {}, changes)


def start(name: str, outcome: str, *edits: Tells, **more: Any) -> Case:
    return plain(name, outcome, tell.first_start, *edits, **more)


def local(name: str, outcome: str, *edits: Tells, **more: Any) -> Case:
    return plain(name, outcome, tell.whole_start, *edits, **{**LOCAL, **more})


UNSYNCED, MASTER = without(1, "successfully synced"), replaced(1, "masters : 2", "masters : 1")
SOURCE, GOV_DB = {"registry": "GOV_SOURCE"}, {"db_config": "GOV_DB"}
LOOPBACK = says(0, AGENT, "localMemberHost is configured to use the loopback address. x", "WARN")
STRANGER = "Member joined [aaaa-0000]: /10.100.0.99:4000"
HEALED = "Member joined [7e57-0000]: /127.0.0.1:4001"
UNKNOWN_PORTS = {"node1": EventPorts(0, 0, 0)}
NO_SNAPSHOT = "Cannot start CEP HA Snapshot Server on port 10.100.0.47:10005"
TIMELESS = "ERROR {org.wso2.carbon.x.HAManager} -  CEP HA State syncing failed, x"
NO_SERVICE = "Waiting for required OSGi services: org.wso2.carbon.user.core.service.RealmService,"
NOT_WRITTEN = "not the configuration that the wizard wrote"

REFUSED = "Caused by: java.net.ConnectException: Connection refused (Connection refused)"
GONE = f"Caused by: {LINK}"
THRIFT = "Caused by: org.apache.thrift.transport.TTransportException"
STORE = "org.wso2.carbon.analytics.datasource.rdbms.RDBMSAnalyticsRecordStore"
TASK, TASK_FAILS = (
    "org.wso2.carbon.analytics.spark.core.AnalyticsTask",
    "Error while executing the scheduled task",
)
QUOTING = 'Caused by: java.sql.SQLException: null,  message from server: "{}"'
HOSTS = "org.wso2.carbon.event.processor.manager.core.config.HAConfiguration"
INVALID = "Hostname : 127.0.0.1 defined for {} configuration is invalid. Use another"
ADDRESSES = [(HOSTS, INVALID.format(kind), "ERROR") for kind in ("eventSync", "management")]
NO_QUERY = (QUERIES, "Error while executing query : x", "ERROR")
HARMLESS = after_a_line("Elected this", *ADDRESSES, NO_QUERY, trace=tell.NO_SPARK_TRACE)
ENDS = (
    *("Shutdown hook triggered....", "Gracefully shutting down WSO2 API Manager Analytics Server..."),
    *("Shutting down WSO2 Data Analytics Server...", "Shutdown complete", "Halting JVM"),
    *("Restarting WSO2 Data Analytics Server...", "Gracefully restarting WSO2 Data Analytics Server..."),
    "Starting a new Carbon instance. Current instance will be shutdown",
)
ADAPTER, NO_ADDRESS = "org.wso2.carbon.event.output.adapter", "Cannot assign requested address"
OUTPUT, INPUT = f"{ADAPTER}.http.HTTPEventAdapter", "org.wso2.carbon.event.input.adapter.jms.JMSTaskManager"
OTHERS = (
    ("org.example.Mail", "javax.mail.MessagingException: 550"),
    (f"{ADAPTER}.email.EmailEventAdapter", "Caused by: java.net.UnknownHostException: smtp.example"),
    (OUTPUT, "Caused by: javax.net.ssl.SSLHandshakeException: Received fatal alert: handshake_failure"),
    (OUTPUT, f"Caused by: java.net.NoRouteToHostException: {NO_ADDRESS}"),
    (OUTPUT, f"Caused by: java.net.BindException: {NO_ADDRESS}"),
    (INPUT, "Caused by: javax.jms.JMSException: Access denied"),
    ("org.example.Client", "Caused by: java.net.ConnectException: Connection refused"),
    ("org.apache.catalina.connector.Writer", "java.io.IOException: Broken pipe"),
    (tell.QUERIES, "x.ParserException: SELCT"),
)
"""Errors of other software, or about systems of others."""

CASES = (
    *(plain(f"clocks {hours} hours apart", "healthy", waits(1, hours * 3600), tell.first_start, no_spark(1))
        for hours in (-7, 9, 24 * 400)),
    start("an older start does not count", "healthy", lines_of(0, all_wrong_before)),
    start("garbage between the lines", "healthy", lines_of(0, garbage), lines_of(1, garbage)),
    plain("the lines that the documentation quotes", "healthy", as_quoted, found={"mode node1 warning": ()},
        nodes=[{}, {"host": "10.100.0.46", "hazelcast_port": 4001}]),
    *(start(f"names of hosts, resolved to {address}", result, nodes=[{"host": "one.example"}, {"host": "two.example"}],
        hosts=Hosts({"one.example": ("10.100.0.46",), "two.example": (address,)} if address else {}))
        for address, result in (("", "healthy"), ("10.100.0.47", "healthy"), ("10.100.0.99", "unhealthy"))),
    start("a member host that is a loopback address", "unhealthy", LOOPBACK, errors=("membership node1",)),
    plain("HA without persistence prints no mode", "healthy", without_mode, event_processor={"persistence": False}),
    plain("the second node is starting", "waiting", alone(), says(1, tell.CARBON, "Starting WSO2 Carbon..."), errors=(),
        found={"log node2 waiting": ("starting since 2026-01-27 10:57:11", "Starting WSO2 Carbon"),
            "registry-mount node2 waiting": (), "spark-masters node1 waiting": (), "registry-mount node1 ok": ()}),
    start("the passive node is not synced yet", "waiting", UNSYNCED, errors=(),
        found={"state-sync node2 waiting": "harmless"}),
    start("split brain by the network", "unhealthy", tell.leaves, tell.fail_over, found={
        f"active-passive {node} error": ("both nodes are active", "network", "Became CEP HA Active Member")
        for node in ("node1", "node2")}),
    plain("two clusters from the start", "unhealthy", alone(), alone(number=1), found={
        "active-passive node1 error": (), "member node1 error": "neither has seen the other join",
        "spark-masters node1 error": ()}),
    *(plain(f"mode {mode}, persistence {wanted}", "", alone(mode=mode), found={f"mode node1 {status}": ()},
        event_processor={"persistence": wanted})
        for mode, wanted, status in (
            ("Persistence enabled HA", True, "ok"),
            ("Persistence enabled HA", False, "error"),
            ("HA", False, "ok"),
            ("HA", True, "warning"),
            (None, True, "warning"),
            (None, False, "ok"),
        )),
    *(start(f"{2 - gone} mounts", "unhealthy", without(1, "Connected to mount", gone), errors=("registry-mount node2",),
        found={"registry-mount node2 error": ("WSO2 Carbon started in 51 sec", "replay")}) for gone in (1, 2)),
    start("the mount of the profile's db_config", "healthy", found={"registry-mount node1 ok": ()}, datasources=SOURCE),
    start("the mount of another db_config", "unhealthy", registry=GOV_DB, datasources=SOURCE,
        found={"registry-mount node1 error": ("GOV_DB", "GOV_SOURCE")}),
    plain("a missing mount is awaited before the start is complete", "waiting", alone(None, mounts=1), errors=(),
        found={"registry-mount node1 waiting": ()}),
    plain("another membership scheme", "unhealthy", alone(None, scheme="multicast"),
        found={"membership node1 error": "multicast"}),
    start("no member joins", "unhealthy", without(0, "Member joined"), errors=("member node1",),
        found={"member node1 error": "WSO2 Carbon started"}),
    start("one Spark master", "unhealthy", MASTER, errors=("spark-masters node1",), found={"spark-masters node1 error":
        ("1 of 2 Spark masters", f"{tell.MAP_SIZE} : 1")}),
    start("one Spark master is wanted", "healthy", MASTER, spark={"master_count": 1}),
    start("the sync never succeeds", "unhealthy", UNSYNCED, lambda _, second: tell.sync_fails(second, 5),
        errors=("state-sync node2",), found={"state-sync node2 error": ("syncing failed", "C-Apps")}),
    *(start(f"{times} sync failures {after} s after completion", "", UNSYNCED, waits(1, -10),
        lambda _, second, times=times, after=after: tell.sync_fails(second, times, after=after),
        found={f"state-sync node2 {status}": ()})
        for after, times, status in ((9, 1, "waiting"), (10, 1, "waiting"), (10.5, 1, "error"), (1, 2, "error"))),
    start("the sync fails again after a success", "unhealthy", lambda _, second: tell.sync_fails(second),
        errors=("state-sync node2",)),
    plain("no Spark before all nodes are up", "waiting", alone(), no_spark(30), found={"spark-sql node1 waiting": ()}),
    start("no Spark shortly after all nodes are up", "healthy", no_spark(20), found={"spark-sql node1 ok": ()}),
    start("no Spark long after all nodes are up", "unhealthy", no_spark(20, 300), errors=("spark-sql node1",),
        found={"spark-sql node1 error": "Spark SQL Context is not available"}),
    *(local(f"no Spark {seconds} s after the other node joined again", result, restarts, no_spark(seconds),
        found={f"spark-sql node1 {status}": ()})
        for seconds, result, status in ((80, "healthy", "ok"), (120, "unhealthy", "error"))),
    local("no Spark while the other node starts slowly", "healthy", restarts, until(1, "All task servers activated"),
        waits(1, 100), says(1, tell.FINALIZER, "WSO2 Carbon started in 148 sec"), no_spark(120)),
    start("no node is active", "unhealthy", replaced(0, "HA Active", "HA Passive"),
        found={"active-passive node1 error": (), "active-passive node2 error": ()}),
    start("a backup means a third member", "unhealthy", replaced(1, "HA Passive", "HA Backup"),
        found={"active-passive node2 error": ()}),
    start("the snapshot server cannot start", "unhealthy", without(1, "Snapshot"),
        fails(1, HA, NO_SNAPSHOT, "Caused by: java.net.BindException: in use"),
        found={"snapshot-server node2 error": "BindException"}),
    start("a line without its time, as the documentation quotes one", "unhealthy",
        lines_of(1, lambda lines: [*lines, TIMELESS]), errors=("state-sync node2",)),
    start("a third member", "unhealthy", says(0, tell.WKA, STRANGER), errors=("member node1",),
        found={"member node1 error": ("10.100.0.99:4000", "[aaaa-0000]")}),
    start("the console's ports are no evidence", "healthy", nodes=[{"port_offset": 5}, {"port_offset": 0}],
        found={"membership node1 ok": ()}),
    *(start(f"{where}: {named}", "unhealthy", found={f"{where} error": (named, NOT_WRITTEN)}, **changes)
        for changes, where, named in (
            ({"nodes": [{}, {"hazelcast_port": 4001}]}, "membership node2", "10.100.0.47:4001"),
            ({"cluster": {"domain": "other"}}, "membership node1", "wso2.carbon.domain"),
            ({"nodes": [{}, {"event_sync_port": 11225}]}, "event-sync node1", "10.100.0.47:11225"),
            ({"nodes": [{"management_port": 10009}, {}]}, "snapshot-server node1", "10.100.0.46:10009"),
            ({"nodes": [{}, {"host": "10.100.0.48"}]}, "membership node2", "10.100.0.48:4000"),
        )),
    start("a port that is unknown is not named", "unhealthy", nodes=[{"host": "10.100.0.99"}, {}], opened=UNKNOWN_PORTS,
        found={"snapshot-server node1 error": "not at 10.100.0.99: this is not"}),
    *(plain(f"newer servers without {line}", "healthy", partial(tell.whole_start, new_spark=True), without(0, line),
        without(1, line), **LOCAL) for line in ("Redundant master count", "Started SPARK MASTER")),
    local("forms mixed by a rotation", "healthy", lines_of(0, as_rotated_to_the_console)),
    local("a rolling restart", "healthy", restarts),
    local("a database that was away for a minute, twice", "healthy",
        *[bursts(1, 0, 60, GONE, REFUSED), goes_on(6 * 3600)] * 2, found={"known-error node1 warning": "this is over"}),
    local("harmless lines", "healthy", *(
        says(number, source, message, level, after=60) for number in (0, 1) for source, message, level in (
            ("org.apache.spark.Something", "Using 'local' with Carbon clustering is deprecated", "WARN"),
            ("org.example.Mail", "No mail", "WARN"),
            ("org.apache.qpid.Session", "Shutting down old sessions...", "INFO"),
        ))),
    local("harmless errors of the start", "healthy", lines_of(0, HARMLESS)),
    *(local(f"{line} of node{number + 1}", "unhealthy", says(number, SERVER, line), errors=(f"log node{number + 1}",),
        found={f"log node{number + 1} error": "stopped"}) for number in (0, 1) for line in ENDS),
    local("three masters for two nodes", "healthy", says(1, tell.SPARK, f"{tell.MAP_SIZE} : 3"),
        found={"spark-masters node2 warning": ()}),
    *(local(f"{source}: {trace}", "healthy", fails(0, source, "Cannot send", trace), goes_on(10), errors=(),
        found={"unknown-error node1 warning": "1 unknown error"}) for source, trace in OTHERS),
    local("an error of other software about the database", "unhealthy", fails(0, OUTPUT, "Cannot send", GONE)),
    *(local(f"two errors that differ in a middle cause, {result}", result, fails(0, TASK, TASK_FAILS, one, REFUSED),
        goes_on(3600), fails(0, TASK, TASK_FAILS, other, REFUSED))
        for one, other, result in ((THRIFT, GONE, "unhealthy"), (GONE, THRIFT, "healthy"))),
    local("two errors that differ in what is quoted", "unhealthy",
        *(fails(0, STORE, "Error", QUOTING.format(text)) for text in ("Query interrupted", "Too many connections")),
        errors=("known-error node1",), found={"known-error node1 error": "no more connections"}),
    *(local(f"node{number + 1} without its first line", "waiting", lines_of(number, lambda lines: lines[1:]), errors=())
        for number in (0, 1)),
    local("a byte order mark", "healthy", replaced(0, "TID: [-1] []", "\ufeffTID: [-1] []")),
    *(local(f"{quiet} s after errors every 10 minutes", result, bursts(12, 600, 5, GONE, REFUSED), goes_on(quiet))
        for quiet, result in ((60, "unhealthy"), (1200, "healthy"))),
    local("a loopback address on one machine", "healthy", LOOPBACK),
    local("a loopback address on two machines", "unhealthy", LOOPBACK, lines_of(0, HARMLESS), one_machine=False,
        found={"membership node1 warning": "loopback", "membership node1 error": "event sync or management host"}),
    *(local(f"{minutes} minutes without an OSGi service", "", until(0, "Connected to mount"),
        *[says(0, tell.FINALIZER, NO_SERVICE, "WARN", after=60)] * minutes,
        found={f"log node1 {status}": ("RealmService", text)})
        for minutes, status, text in ((1, "waiting", "waiting since"), (2, "error", "stuck"), (3, "error", "stuck"))),
    *(local(f"lines like {form}", "waiting", lines_of(0, lambda lines, form=form: [*map(form.format, lines)]),
        found={"log node1 waiting": ("the log has another format", form[:3], "INFO {class} -  message")})
        for form in ("x='{}'", "<event>{}</event>", "a=b, c=(d), message='{}'")),
    local("one cause is one finding, whatever wraps it", "unhealthy",
        *(fails(0, source, f"It failed: {text}", GONE) for source in (QUEUE, QUERIES, STORE) for text in "abc"),
        errors=("known-error node1",), found={"known-error node1 error": "9 times"}),
    local("an error of a start that is not complete", "unhealthy", until(0, "Using wka"), fails(0, QUEUE, "x", GONE),
        goes_on(100)),
    local("a stopped context after both nodes are up", "unhealthy", stopped_context),
    local("an error about a tenant", "unhealthy", fails(0, QUEUE, "Error in putting records", GONE),
        replaced(0, "] ERROR {", "] bob@x.example@wso2.example [1] [DAS]ERROR {"), errors=("known-error node1",)),
    local("the process of the start before ends during the start", "healthy",
        lines_of(0, after_a_line("Operating System", (SERVER, "Halting JVM")))),
    local("a split that healed without a start", "healthy", tell.leaves, says(0, tell.WKA, HEALED)),
    local("a split that healed and came again", "unhealthy", tell.leaves, says(0, tell.WKA, HEALED),
        says(0, tell.WKA, HEALED.replace("joined", "left")), errors=("member node1",)),
    local("a year of another calendar", "healthy", bursts(1, 0, 60, GONE, REFUSED), goes_on(3600),
        *(replaced(number, "[2026-", "[2569-") for number in (0, 1))),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_story(case: Case, verdict: Judge) -> None:
    both = tell.local_sides() if "one_machine" in case.changes else sides()
    for tells in case.tells:
        tells(*both)
    result = verdict(*both, **case.changes)
    assert case.outcome in ("", result.outcome), result.findings
    if case.errors is not None:
        assert result.errors == [f"verify.{one}" for one in case.errors]
    for finding, expected in case.found.items():
        id, node, status = finding.split()
        texts = (expected,) if isinstance(expected, str) else expected
        found = [one for one in result.all(f"verify.{id}", node) if one.status == status]
        assert any(
            all(text in f"{one.message}\n{one.evidence}\n{one.fix}" for text in texts)
            and (one.evidence or status in ("ok", "waiting"))
            for one in found
        ), (finding, result.all(f"verify.{id}", node))


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
    *(
        "Starting WSO2 Carbon",
        "WSO2 Carbon started in",
        "Connected to mount at",
        "membership management scheme",
    ),
    *(ADDED, f"{ADDED}: .*Port: 4000", f"{ADDED}: .*Port: 4001", "Cluster initialization completed"),
    *("Local member|Hazelcast initialized", "CEP HA Snapshot Server started", "Became CEP HA"),
)
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
STARTED, SYNCING = "WSO2 Carbon started", "CEP HA State syncing failed"
MODES = (
    *(
        "in Single node mode",
        "in Persistence mode",
        "in Persistence enabled Single Node mode",
        "in Distributed mode",
    ),
    "with clustering enabled, but SingleNode configuration given.",
)
FAILED = (
    *(("CEP started in Persistence", tell.MODES, f"CEP started {mode}", "INFO") for mode in MODES),
    (SNAPSHOT, HA, "Cannot start CEP HA Snapshot Server on port 127.0.0.1:10006", "ERROR"),
    (SNAPSHOT, HA, "Error in starting CEP HA Snapshot Server ", "ERROR"),
    (PASSIVE, HA, "Error while setting the member as passive member. ", "ERROR"),
    (tell.RECEIVES, tell.EVENTS, f"{tell.RECEIVES} on port 11299", "INFO"),
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
    lines = healthy[0].log.lines
    lines[2:2] = printed(KNOWN["stopped context"], clock_of(lines[1]))
    assert verdict(healthy[0], None).errors == [], "no node completes its start without the other"
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
    words = "Starting WSO2 Carbon (in unsupported JDK)", "[ERROR] CARBON is supported only on JDK 1.7 and 1.8"
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
        (Sight(facts, log, Unread("unreadable", "is a folder")), "unhealthy", "read the log: is a folder"),
        (Sight(facts, log, Unread("capped", "the last 1 MB")), "waiting", "no start found: the last 1 MB"),
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
