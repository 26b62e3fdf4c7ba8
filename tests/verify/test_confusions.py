"""Logs with ambiguous lines, through the real command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support import server_logs as tell
from tests.support.known_failures import KNOWN, clock_of, printed
from tests.support.server_logs import QUERIES, Side
from tests.support.verdicts import Printed, Replayed

STORE = "org.wso2.carbon.analytics.datasource.rdbms.RDBMSAnalyticsRecordStore"
TASK = "org.wso2.carbon.analytics.spark.core.AnalyticsTask"
REFUSED = "Caused by: java.net.ConnectException: Connection refused (Connection refused)"
LINK = "Caused by: com.mysql.jdbc.exceptions.jdbc4.CommunicationsException: Communications link failure"
THRIFT = "Caused by: org.apache.thrift.transport.TTransportException"


@pytest.fixture
def sides() -> tuple[Side, Side]:
    first, second = tell.local_sides()
    tell.whole_start(first, second)
    return first, second


@pytest.fixture
def judged(replayed_pair: Callable[..., Replayed], sides: tuple[Side, Side]) -> Callable[..., Printed]:
    return lambda outcome=None: replayed_pair().of(*sides, outcome=outcome)


def fail(one: Side, source: str, message: str, *trace: str, after: float = 5) -> None:
    one.log.say(source, message, "ERROR", after=after, trace=("java.lang.Exception: wrapped", *trace))


@pytest.mark.parametrize("between", [THRIFT, LINK])
def test_two_errors_that_differ_only_in_a_middle_cause(
    between: str, sides: tuple[Side, Side], judged: Callable[..., Printed]
) -> None:
    """The one that comes first does not decide what the other one is."""
    other = LINK if between is THRIFT else THRIFT
    fail(sides[0], TASK, "Error while executing the scheduled task", between, REFUSED)
    tell.goes_on(sides[0], 3600)
    fail(sides[0], TASK, "Error while executing the scheduled task", other, REFUSED)
    judged("unhealthy" if other is LINK else "healthy")


def test_two_errors_that_differ_only_in_what_is_quoted(
    sides: tuple[Side, Side], judged: Callable[..., Printed]
) -> None:
    for text in ("Query interrupted", "Too many connections"):
        fail(
            sides[0],
            STORE,
            "Error",
            f'Caused by: java.sql.SQLException: null,  message from server: "{text}"',
        )
    (error,) = judged().of("error")
    assert "no more connections" in error["message"]


@pytest.mark.parametrize("number", [0, 1])
def test_a_log_without_its_first_line_is_no_failure(
    number: int, sides: tuple[Side, Side], judged: Callable[..., Printed]
) -> None:
    del sides[number].log.lines[0]
    assert judged("waiting").of("error") == []


def test_a_byte_order_mark(sides: tuple[Side, Side], judged: Callable[..., Printed]) -> None:
    sides[0].log.lines[0] = "\ufeff" + sides[0].log.lines[0]
    judged("healthy")


UNSUPPORTED = (
    "Starting WSO2 Carbon (in unsupported JDK)",
    "[ERROR] CARBON is supported only on JDK 1.7 and 1.8",
)


@pytest.mark.parametrize("prefix", ["", "node1_1       |  ", "[pod/apim-0/analytics] "])
def test_a_java_that_the_launcher_refuses(
    prefix: str, sides: tuple[Side, Side], judged: Callable[..., Printed]
) -> None:
    """Before a start, behind a stop, and where no start followed at all."""
    whole = sides[0].log.lines
    refused = [prefix + line for line in UNSUPPORTED]
    sides[0].log.lines = [*refused, *whole]
    before = judged()
    sides[0].log.lines = [f"{prefix}JAVA_HOME environment variable is set to /usr/lib/jvm/java-11", *refused]
    alone = judged()
    sides[0].log.lines = whole
    sides[0].log.say(tell.SERVER, "Shutdown complete")
    sides[0].log.lines += refused
    for one in (before, alone, judged()):
        assert one.outcome == "unhealthy", str(one)
        assert any("JAVA_HOME" in (error["fix"] or "") for error in one.of("error", "node1")), str(one)


@pytest.mark.parametrize("quiet", [60, 1200])
def test_bursts_that_come_again_and_again(
    quiet: int, sides: tuple[Side, Side], judged: Callable[..., Printed]
) -> None:
    """A scheduled script that fails every ten minutes works again when it has not failed for as long."""
    for _ in range(12):
        tell.goes_on(sides[0], 600)
        for _ in range(5):
            fail(sides[0], STORE, "Error in put", LINK, REFUSED, after=0.2)
    tell.goes_on(sides[0], quiet)
    judged("unhealthy" if quiet < 600 else "healthy")


def test_a_stopped_context_counts_when_both_nodes_are_up(
    sides: tuple[Side, Side], judged: Callable[..., Printed]
) -> None:
    whole, stopped = list(sides[0].log.lines), KNOWN["stopped context"]
    sides[0].log.lines[6:6] = printed(stopped, clock_of(whole[5]))
    judged("healthy")
    sides[0].log.lines = [*whole, *printed(stopped, sides[0].log.clock + timedelta(seconds=1))]
    judged("unhealthy")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("org.wso2.carbon.event.input.adapter.jms.internal.util.JMSTaskManager",
         "javax.jms.JMSException: Access denied"),
        ("org.wso2.carbon.event.output.adapter.http.HTTPEventAdapter",
         "java.net.NoRouteToHostException: Cannot assign requested address"),
        ("org.wso2.carbon.event.output.adapter.http.HTTPEventAdapter",
         "java.net.BindException: Cannot assign requested address"),
    ],
)  # fmt: skip
def test_what_other_peoples_systems_refuse(
    source: str, cause: str, sides: tuple[Side, Side], judged: Callable[..., Printed]
) -> None:
    fail(sides[0], source, "Cannot send", f"Caused by: {cause}")
    tell.goes_on(sides[0], 10)
    judged("healthy")
    sides[0].log.say(QUERIES, "Executing query: SELECT 1")
    fail(sides[0], source, "Cannot send", LINK)
    judged("unhealthy")
