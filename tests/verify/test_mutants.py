"""Healthy pairs are healthy in every form, and no mutant of one is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support import server_logs as tell
from tests.support.headless import PACKS
from tests.support.server_logs import Form, Side
from tests.support.verdicts import Replayed

FORMS: tuple[Form, ...] = ("file", "console", "short", "ei", "compose", "kubectl", "journal", "colour")
MakePair = Callable[..., Replayed]
LINK = "Caused by: com.mysql.jdbc.exceptions.jdbc4.CommunicationsException: Communications link failure"


def started(*, new_spark: bool = False, form: Form = "file") -> tuple[Side, Side]:
    first, second = tell.local_sides(form=form)
    tell.whole_start(first, second, new_spark=new_spark)
    return first, second


# --- healthy pairs stay healthy ------------------------------------------------------------------


@pytest.mark.parametrize("new_spark", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_in_every_form(form: Form, new_spark: bool, replayed_pair: MakePair) -> None:
    printed = replayed_pair().of(*started(form=form, new_spark=new_spark), outcome="healthy")
    assert {one["status"] for one in printed.findings} <= {"ok", "skipped"}, str(printed)


@pytest.mark.parametrize("pack", PACKS)
def test_with_the_ports_of_every_pack(pack: str, replayed_pair: MakePair) -> None:
    shifted = pack != "das-3.0.1"
    first, second = tell.local_sides(shifted=shifted)
    pair = replayed_pair(pack)
    for side, node, home in zip((first, second), pair.profile.nodes, pair.homes, strict=True):
        offset = re.search(
            r"<Offset>(\d+)</Offset>", (home / "repository/conf/carbon.xml").read_text("iso-8859-1")
        )
        assert offset
        side.offset = int(offset[1])
        side.event_sync = node.event_sync_port + (side.offset if shifted else 0)
        side.management = node.management_port + (side.offset if shifted else 0)
    tell.whole_start(first, second)
    if not shifted:
        for side in (first, second):
            side.log.lines = [line.replace("Persistence enabled HA", "HA") for line in side.log.lines]
    pair.of(first, second, outcome="healthy")


def test_forms_mixed_by_rotation(replayed_pair: MakePair) -> None:
    first, second = started()
    other, _ = started(form="console")
    half = len(first.log.lines) // 2
    first.log.lines = first.log.lines[:half] + other.log.lines[half:]
    replayed_pair().of(first, second, outcome="healthy")


def test_failover_and_return(replayed_pair: MakePair) -> None:
    first, second = started()
    trace = ("java.net.ConnectException: Connection refused",)
    address = f"{first.host}:{first.event_sync}"
    second.log.say(tell.PUBLISHER, f"Connecting to {address}")
    tell.publishes(second, first)
    second.log.say(tell.PUBLISHER, f"Error on reconnection to {address}", "ERROR", trace=trace)
    changer = ("java.lang.NullPointerException", "\tat x.HAManager.stateChanger(HAManager.java:1)")
    second.log.say(tell.HA, "java.lang.NullPointerException", "ERROR", trace=changer)
    tell.leaves(second, first)
    second.log.say(tell.EVENTS, f"CEP sync publisher disconnected from Member '{address}'")
    tell.become(second, "Active")
    replayed_pair().of(first, second, outcome="unhealthy")
    first.log.wait(60)
    tell.starts_again(first, second, "7e57ab1e-0000-4000-8000-000000000001")
    replayed_pair().of(first, second, outcome="healthy")


def test_a_rolling_restart(replayed_pair: MakePair) -> None:
    first, second = started()
    second.log.say(tell.SERVER, "Shutdown hook triggered....")
    second.log.say(tell.SERVER, "Gracefully shutting down WSO2 API Manager Analytics Server...")
    tell.leaves(first, second)
    address = f"{second.host}:{second.event_sync}"
    first.log.say(tell.EVENTS, f"CEP sync publisher disconnected from Member '{address}'")
    second.log.wait(30)
    tell.starts_again(second, first, "7e57ab1e-0000-4000-8000-000000000002")
    replayed_pair().of(first, second, outcome="healthy")


def test_a_database_that_was_away_for_a_minute_twice(replayed_pair: MakePair) -> None:
    first, second = started()
    trace = ("x.Y: z", LINK, "Caused by: java.net.ConnectException: Connection refused")
    for _ in range(2):
        for _ in range(60):
            for side in (first, second):
                side.log.say(tell.QUEUE, "Error in putting records", "ERROR", trace=trace)
        for side in (first, second):
            tell.goes_on(side, 6 * 3600, every=60)
    printed = replayed_pair().of(first, second, outcome="healthy")
    assert "over" in printed.of("warning", "node1")[0]["message"]


def test_an_hour_of_harmless_lines(replayed_pair: MakePair) -> None:
    first, second = started()
    deprecated = "Using 'local' with Carbon clustering is deprecated"
    for number in range(60):
        for side in (first, second):
            side.log.say("org.apache.spark.Something", deprecated, "WARN", after=60)
            side.log.say("org.example.Mail", f"No mail for {number}", "WARN")
            side.log.say("org.apache.qpid.Session", "Shutting down old sessions...")
    replayed_pair().of(first, second, outcome="healthy")


ADAPTER = "org.wso2.carbon.event.output.adapter"
HANDSHAKE = "Caused by: javax.net.ssl.SSLHandshakeException: Received fatal alert: handshake_failure"


@pytest.mark.parametrize(
    ("source", "message", "trace"),
    [
        ("org.example.Mail", "Mail was not sent", "javax.mail.MessagingException: 550"),
        (f"{ADAPTER}.email.EmailEventAdapter", "x", "Caused by: java.net.UnknownHostException: smtp.example"),
        (f"{ADAPTER}.http.HTTPEventAdapter", "Cannot publish", HANDSHAKE),
        ("org.example.Client", "x", "Caused by: java.net.ConnectException: Connection refused"),
        ("org.apache.catalina.connector.Writer", "x", "java.io.IOException: Broken pipe"),
        (tell.QUERIES, "Error while executing query : SELCT", "x.ParserException: SELCT"),
    ],
)
def test_errors_of_other_software(source: str, message: str, trace: str, replayed_pair: MakePair) -> None:
    first, second = started()
    first.log.say(source, message, "ERROR", trace=(trace,))
    printed = replayed_pair().of(first, second, outcome="healthy")
    found = [(one["id"], one["status"]) for one in printed.findings if one["node"] == "node1"]
    assert found.count(("verify.unknown-error", "warning")) == 1


def test_the_harmless_errors_of_the_start(replayed_pair: MakePair) -> None:
    """No execution plans, no Spark yet, a loopback address of event sync on one machine."""
    first, second = started()
    lines = second.log.lines
    at = next(number for number, line in enumerate(lines) if "Became CEP HA Passive" in line)
    clock = second.log.clock
    scratch = tell.ServerLog(clock=clock - timedelta(seconds=70))
    source = "org.wso2.carbon.event.processor.manager.core.config.HAConfiguration"
    for kind in ("eventSync", "management"):
        message = f"Hostname : 127.0.0.1 defined for {kind} configuration is invalid. Use another"
        scratch.say(source, message, "ERROR")
    lines[at:at] = scratch.lines
    scratch.lines = []
    scratch.say(tell.QUERIES, "Error while executing query : x", "ERROR", after=1, trace=tell.NO_SPARK_TRACE)
    lines[at:at] = scratch.lines
    replayed_pair().of(first, second, outcome="healthy")


# --- no mutant is called healthy -----------------------------------------------------------------

FACTS = (
    "Starting WSO2 Carbon",
    "WSO2 Carbon started in",
    "Connected to mount at",
    "membership management scheme",
    "Added member",
    r"Added member: .*Port: 4000",
    r"Added member: .*Port: 4001",
    "Local member|Hazelcast initialized",
    "CEP HA Snapshot Server started",
    "Became CEP HA",
    "Cluster initialization completed",
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
def test_without_a_fact(number: int, pattern: str, new_spark: bool, replayed_pair: MakePair) -> None:
    sides = started(new_spark=new_spark)
    log = sides[number].log
    before = len(log.lines)
    log.lines = [line for line in log.lines if not re.search(pattern, line)]
    assert len(log.lines) < before
    printed = replayed_pair().of(*sides)
    assert printed.outcome != "healthy", str(printed)


SPARK_COMPONENT = "org.wso2.carbon.analytics.spark.core.internal.AnalyticsComponent"
REGISTRY_COMPONENT = "org.wso2.carbon.registry.core.internal.RegistryCoreServiceComponent"
FAILED = {
    "CEP started in Persistence enabled HA mode": [
        *(
            (tell.MODES, f"CEP started in {mode} mode", "INFO")
            for mode in ("Single node", "Persistence", "Persistence enabled Single Node", "Distributed")
        ),
        (tell.MODES, "CEP started with clustering enabled, but SingleNode configuration given.", "WARN"),
    ],
    "Connected to mount at": [(REGISTRY_COMPONENT, "Couldn't mount gov.", "ERROR")],
    "Using wka based": [(tell.AGENT, "Using multicast based membership management scheme", "INFO")],
    "CEP HA Snapshot Server started": [
        (tell.HA, "Cannot start CEP HA Snapshot Server on port 127.0.0.1:10006", "ERROR"),
        (tell.HA, "Error in starting CEP HA Snapshot Server ", "ERROR"),
    ],
    "Became CEP HA": [
        (tell.HA, "Error while setting the member as passive member. ", "ERROR"),
        (tell.HA, "Became CEP HA Backup Member", "INFO"),
    ],
    "TCPEventServer for EventReceiver started": [
        (tell.EVENTS, "Unable to start TCPEventServer for EventReceiver started on port 11225", "ERROR"),
        (tell.EVENTS, "Event Management TCPEventServer for EventReceiver started on port 11299", "INFO"),
    ],
    "Cluster initialization completed": [(tell.AGENT, "Cannot initialize cluster", "ERROR")],
    "WSO2 Carbon started": [
        (tell.SERVER, "WSO2 Carbon initialization Failed", "FATAL"),
        (tell.SERVER, "WSO2 API Manager Analytics Server startup failed.", "FATAL"),
        (tell.FINALIZER, "Cannot activate StartupFinalizerServiceComponent", "FATAL"),
    ],
    "CEP HA State successfully synced": [
        (tell.HA, "CEP HA State syncing failed, Error in getting snapshot", "ERROR"),
        (tell.HA, "java.lang.RuntimeException: Error in connecting to 127.0.0.1:10006", "ERROR"),
    ],
    "Connecting to": [(tell.PUBLISHER, "Error connection to 127.0.0.1:11227", "ERROR")],
    "Spark Master map size after starting masters : 2": [
        (tell.SPARK, "Spark Master map size after starting masters : 1", "INFO"),
        (SPARK_COMPONENT, "Error in activating analytics data service: x", "ERROR"),
    ],
    "My Analytics Node ID": [(tell.NODE_IDS, "My Analytics Node ID: one-for-both", "INFO")],
}
"""The line of a fact, and what the server prints instead if it fails."""


@pytest.mark.parametrize(
    ("pattern", "failure"), [(pattern, one) for pattern, failures in FAILED.items() for one in failures]
)
def test_with_the_failure_in_place_of_the_fact(
    pattern: str, failure: tuple[str, str, str], replayed_pair: MakePair
) -> None:
    for chosen in ((0,), (1,), (0, 1)):
        if "Node ID" in pattern and chosen != (0, 1):
            continue
        sides = started()
        changed = False
        for number in chosen:
            log = sides[number].log
            for at, line in enumerate(log.lines):
                if re.search(pattern, line):
                    clock = tell.datetime.fromisoformat(line.split("[")[3][:23].replace(",", "."))
                    source, message, level = failure
                    log.lines[at] = tell.line_of("file", clock, level, source, message)
                    changed = True
        if changed:
            printed = replayed_pair().of(*sides)
            assert printed.outcome != "healthy", f"{chosen}: {printed}"


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(
    "lines",
    [
        ("Shutdown hook triggered....",),
        ("Gracefully shutting down WSO2 API Manager Analytics Server...",),
        ("Shutting down WSO2 Data Analytics Server...", "Shutting down OSGi framework..."),
        ("Shutdown complete",),
        ("Halting JVM",),
        ("Restarting WSO2 Data Analytics Server...",),
        ("Gracefully restarting WSO2 Data Analytics Server...",),
        ("Starting a new Carbon instance. Current instance will be shutdown",),
    ],
)
def test_a_server_that_ends(lines: tuple[str, ...], number: int, replayed_pair: MakePair) -> None:
    sides = started()
    for line in lines:
        sides[number].log.say(tell.SERVER, line)
    printed = replayed_pair().of(*sides)
    assert [(one["id"], one["node"]) for one in printed.of("error")] == [("verify.log", f"node{number + 1}")]
    assert "stopped" in printed.of("error")[0]["message"]


def test_three_masters_for_two_nodes(replayed_pair: MakePair) -> None:
    first, second = started()
    second.log.say(tell.SPARK, "Spark Master map size after starting masters : 3")
    printed = replayed_pair().of(first, second)
    assert printed.outcome == "healthy"
    assert [one["id"] for one in printed.of("warning")] == ["verify.spark-masters"]


# --- waiting -------------------------------------------------------------------------------------


def until(side: Side, words: str) -> None:
    """Cut the log behind the last line with these words."""
    last = max(number for number, line in enumerate(side.log.lines) if words in line)
    del side.log.lines[last + 1 :]


@pytest.mark.parametrize("partner", ["missing", "starting", "stopped", "failed"])
def test_waiting_for_task_servers_names_the_other_node(partner: str, replayed_pair: MakePair) -> None:
    first, second = started()
    until(first, "Waiting for 2")
    logs = {"node1": first.log.content}
    if partner != "missing":
        until(second, "Using wka")
        if partner == "stopped":
            second.log.say(tell.SERVER, "Halting JVM")
        elif partner == "failed":
            second.log.say(tell.SERVER, "Cannot start User Manager Core bundle", "ERROR")
        logs["node2"] = second.log.content
    printed = replayed_pair().verify(logs)
    (found,) = [one for one in printed.findings if one["id"] == "verify.log" and one["node"] == "node1"]
    assert found["status"] == "waiting"
    assert "waiting since 2026-01-27" in found["message"]
    assert "2 task executor nodes (ANALYTICS_DATA_PURGING, ANALYTICS_SPARK): node2" in found["message"]
    state = {"missing": "was not started", "starting": "is starting", "stopped": "ended", "failed": "failed"}
    assert state[partner] in found["message"]
    assert printed.outcome == ("unhealthy" if partner in ("stopped", "failed") else "waiting")


def test_a_start_that_is_stuck(replayed_pair: MakePair) -> None:
    first, second = started()
    until(first, "Connected to mount")
    message = "Waiting for required OSGi services: org.wso2.carbon.user.core.service.RealmService,"
    first.log.say(tell.FINALIZER, message, "WARN", after=60)
    found = [one for one in replayed_pair().of(first, second).findings if one["id"] == "verify.log"]
    assert found[0]["status"] == "waiting"
    for _ in range(2):
        first.log.say(tell.FINALIZER, message, "WARN", after=60)
    printed = replayed_pair().of(first, second)
    assert any("stuck" in one["message"] and "RealmService" in one["message"] for one in printed.of("error"))


def test_after_a_failed_start_nothing_is_awaited(replayed_pair: MakePair) -> None:
    first, _ = started()
    until(first, "Starting WSO2 Carbon")
    first.log.say(tell.SERVER, "WSO2 Carbon initialization Failed", "FATAL")
    printed = replayed_pair().verify({"node1": first.log.content})
    assert printed.outcome == "unhealthy"
    assert printed.of("waiting", "node1") == [], str(printed)


# --- other formats ------------ ---------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ['{{"log":"{}\\n","stream":"stdout"}}', "<event>{}</event>", "a=b, c=(d), message='{}'"]
)
def test_another_format_is_named(line: str, replayed_pair: MakePair) -> None:
    first, second = started(form="console")
    first.log.lines = [line.format(one) for one in first.log.lines]
    printed = replayed_pair().of(first, second)
    (found,) = [one for one in printed.of("waiting", "node1") if one["id"] == "verify.log"]
    assert "the log has another format" in found["message"]
    assert line[:7].replace("{{", "{") in found["message"]
    assert "INFO {class} -  message" in found["message"]
    assert "start the node" not in (found["fix"] or "")


@pytest.mark.parametrize(("form", "place"), itertools.product(FORMS, (0, 1)))
def test_an_error_is_found_in_every_form(form: Form, place: int, replayed_pair: MakePair) -> None:
    sides = started(form=form)
    trace = (
        "x.Y: z",
        "\tat a.b(C.java:1)",
        LINK,
        "\t... 11 more",
        "Caused by: x.Y: Unknown database 'regdb'",
    )
    sides[place].log.say(tell.QUEUE, "Error in putting records", "ERROR", trace=trace)
    printed = replayed_pair().of(*sides)
    (found,) = printed.of("error")
    assert (found["id"], found["node"]) == ("verify.known-error", f"node{place + 1}")
    assert "does not exist" in found["message"]
    assert "Unknown database" in found["evidence"]
