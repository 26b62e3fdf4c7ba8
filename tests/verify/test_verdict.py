"""Stories told by logs that are written from the procedure's lines: each verdict with its node and evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import server_logs as tell
from tests.support.server_logs import AGENT, HA, QUERIES, SERVER, Side, profile, sides
from wizard.system.finding import Finding
from wizard.verify.hosts import Hosts
from wizard.verify.log import FileLog, Trouble
from wizard.verify.pair import Pair, Sight
from wizard.verify.record import parse
from wizard.verify.story import Story
from wizard.verify.verdict import ROWS, judge, outcome


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

    def those(self, status: str) -> list[tuple[str, str | None]]:
        return [(one.id, one.node) for one in self.findings if one.status == status]

    @property
    def errors(self) -> list[tuple[str, str | None]]:
        return self.those("error")


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
    first, second = sides()
    tell.first_start(first, second)
    return first, second


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


def late_sync_failure(after: float, times: int) -> Tells:
    def tells(first: Side, second: Side) -> None:
        second.log.wait(-10)  # back to the completion
        tell.sync_fails(second, times, after=after)

    return started(without(1, "successfully synced"), tells)


def two_clusters(first: Side, second: Side) -> None:
    """Each node its own coordinator; no member ever joined."""
    alone()(first, second)
    alone()(second, first)


def split_by_the_network(first: Side, second: Side) -> None:
    started(tell.leaves, tell.fail_over)(first, second)


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


def second_node_starting(first: Side, second: Side) -> None:
    alone()(first, second)
    second.log.say(tell.CARBON, "Starting WSO2 Carbon...")


def snapshot_in_use(first: Side, second: Side) -> None:
    trace = ("x.TTransportException: No ServerSocket", "Caused by: java.net.BindException: in use")
    message = "Cannot start CEP HA Snapshot Server on port 10.100.0.47:10005"
    second.log.say(HA, message, "ERROR", trace=trace)


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


NO_PLANS = ("verify.state-sync", "node2")
NO_PERSISTENCE = {"event_processor": {"persistence": False}}
ONE_MASTER = started(replaced(1, "masters : 2", "masters : 1"))
GOV_DB = {"registry": {"db_config": "GOV_DB"}}

CASES = (
    *(Case(f"clocks {hours} hours apart", clocks(hours), "healthy") for hours in (-7, 9, 24 * 400)),
    Case("an older start does not count", started(restarted), "healthy"),
    Case("garbage between the lines", started(garbage), "healthy"),
    Case("HA without persistence prints no mode", without_persistence, "healthy", (), (), NO_PERSISTENCE),
    Case("the second node is starting", second_node_starting, "waiting", (), (
        ("verify.log", "node2", "waiting", "starting since 2026-01-27 10:57:11", "Starting WSO2 Carbon"),
        ("verify.registry-mount", "node2", "waiting"),
        ("verify.spark-masters", "node1", "waiting"),
        ("verify.registry-mount", "node1", "ok"),
    )),
    Case("the passive node is not synced yet", started(without(1, "successfully synced")), "waiting", (), (
        ("verify.state-sync", "node2", "waiting", "harmless"),
    )),
    Case("split brain by the network", split_by_the_network, "unhealthy", None, tuple(
        ("verify.active-passive", node, "error", "both nodes are active", "network", "Became CEP HA Active Member")
        for node in ("node1", "node2")
    )),
    Case("two clusters from the start", two_clusters, "unhealthy", None, (
        ("verify.active-passive", "node1", "error"),
        ("verify.member", "node1", "error", "neither has seen the other join"),
        ("verify.spark-masters", "node1", "error"),
    )),
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
    Case("mounts of another name in the profile", started(
        *(replaced(number, "mount at govregistry", "mount at GOV_DB") for number in (0, 1))
    ), "healthy", (), (), GOV_DB),
    Case("mounts of another name", started(replaced(0, "mount at govregistry", "mount at GOV_DB")), "unhealthy",
         ("verify.registry-mount node1",)),
    Case("a missing mount is awaited before the start is complete", alone(None, mounts=1), "waiting", (), (
        ("verify.registry-mount", "node1", "waiting"),
    )),
    Case("another membership scheme", alone(None, scheme="multicast", members=()), "unhealthy", None, (
        ("verify.membership", "node1", "error", "multicast"),
    )),
    Case("no member joins", started(without(0, "Member joined")), "unhealthy", ("verify.member node1",), (
        ("verify.member", "node1", "error", "WSO2 Carbon started"),
    )),
    Case("one Spark master", ONE_MASTER, "unhealthy", ("verify.spark-masters node1",), (
        ("verify.spark-masters", "node1", "error", "1 of 2 Spark masters",
         "Spark Master map size after starting masters : 1"),
    )),
    Case("one Spark master is wanted", ONE_MASTER, "healthy", (), (), {"spark": {"master_count": 1}}),
    Case("no second Spark master", started(without(1, "masters : 2")), "unhealthy",
         ("verify.spark-masters node1",)),
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
        ("verify.spark-sql", "node1", "waiting"),
    )),
    Case("no Spark shortly after all nodes are up", started(no_spark(20)), "healthy", (), (
        ("verify.spark-sql", "node1", "ok"),
    )),
    Case("no Spark long after all nodes are up", started(no_spark(20, 300)), "unhealthy",
         ("verify.spark-sql node1",),
         (("verify.spark-sql", "node1", "error", "Spark SQL Context is not available"),)),
    Case("no node is active", started(replaced(0, "HA Active", "HA Passive")), "unhealthy", None, (
        ("verify.active-passive", "node1", "error"), ("verify.active-passive", "node2", "error"),
    )),
    Case("a backup means a third member", started(replaced(1, "HA Passive", "HA Backup")), "unhealthy", None, (
        ("verify.active-passive", "node2", "error"),
    )),
    Case("no snapshot server", started(without(1, "Snapshot")), "unhealthy", ("verify.snapshot-server node2",)),
    Case("the snapshot server cannot start", started(without(1, "Snapshot"), snapshot_in_use), "unhealthy", None, (
        ("verify.snapshot-server", "node2", "error", "BindException"),
    )),
    Case("a server that was stopped", started(says(1, SERVER, "Shutdown hook triggered....")), "unhealthy", None, (
        ("verify.log", "node2", "error", "Shutdown hook triggered"),
    )),
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
    Case("a fatal error", started(says(0, "org.example.Thing", "Something else", "FATAL")), "unhealthy",
         ("verify.log node1",), (("verify.log", "node1", "error", "fatal", "Something else"),)),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_story(case: Case, verdict: Judge) -> None:
    both = sides()
    case.tells(*both)
    result = verdict(*both, **case.changes)
    if case.outcome:
        assert result.outcome == case.outcome, result.findings
    if case.errors is not None:
        assert [f"{id} {node}" for id, node in result.errors] == list(case.errors)
    for id, node, status, *texts in case.found:
        found = [one for one in result.all(id, node) if one.status == status]
        assert any(
            all(text in f"{one.message}\n{one.evidence}\n{one.fix}" for text in texts)
            and (one.evidence or status in ("ok", "waiting"))
            for one in found
        ), (id, node, result.all(id, node))


# --- healthy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["file", "console", "short"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_healthy_first_start_in_every_form(verdict: Judge, form: str, end: str) -> None:
    first, second = sides(form=form, end=end)
    tell.first_start(first, second)
    result = verdict(first, second)
    assert result.outcome == "healthy"
    assert {one.status for one in result.findings} == {"ok"}
    assert result.of("verify.active-passive", "node1").message.startswith("active since")
    passive = result.of("verify.active-passive", "node2")
    assert passive.message.startswith("passive since")
    assert "Became CEP HA Passive Member" in (passive.evidence or "")
    assert "successfully synced" in (result.of("verify.state-sync", "node2").evidence or "")
    assert "masters : 2" in (result.of("verify.spark-masters", "node2").evidence or "")


def test_the_quoted_lines_of_the_documentation_are_healthy(verdict: Judge) -> None:
    """Both nodes on one machine, the snapshot server at 0.0.0.0, no mode line."""
    first, second = sides(form="console")
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
    result = verdict(first, second, nodes=[{}, {"host": first.host, "hazelcast_port": 4001}])
    assert (result.errors, result.outcome) == ([], "healthy")
    assert result.of("verify.mode").status == "warning"


def test_failover_and_return(verdict: Judge, healthy: tuple[Side, Side]) -> None:
    first, second = healthy
    tell.fail_over(first, second)
    down = verdict(first, second)
    assert down.outcome == "unhealthy"
    left = down.of("verify.member", "node2")
    assert (left.status, left.message[:13]) == ("error", "node1 left at")
    assert "Member left [9c7619a9" in (left.evidence or "")
    assert "start it: on 10.100.0.46: sh /opt/wso2/analytics-1/bin/wso2server.sh;" in (left.fix or "")
    assert down.of("verify.active-passive", "node2").message.startswith("active since")
    assert down.of("verify.active-passive", "node1").status == "waiting"

    ended = len(first.log.lines)
    first.log.wait(60)
    first.uuid = "7e57ab1e-0000-4000-8000-000000000000"
    tell.begin(first, second)
    again = verdict(first, second)
    assert again.outcome == "waiting"
    assert "starting again" in again.of("verify.member", "node2").message

    del first.log.lines[ended:]
    tell.come_back(first, second)
    back = verdict(first, second)
    assert (back.errors, back.outcome) == ([], "healthy")
    assert back.of("verify.active-passive", "node1").message.startswith("passive since")


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


# --- members and processes ------------------------------------------------------------------------


def test_a_third_member_is_named(verdict: Judge, healthy: tuple[Side, Side]) -> None:
    line = healthy[0].log.say(tell.WKA, "Member joined [aaaa-0000]: /10.100.0.99:4000")
    result = verdict(*healthy)
    assert result.errors == [("verify.member", "node1")]
    [found] = [one for one in result.findings if one.status == "error"]
    assert "10.100.0.99:4000" in found.message
    assert found.evidence == line


def test_a_server_whose_process_is_gone(verdict: Judge, healthy: tuple[Side, Side], tmp_path: Path) -> None:
    result = verdict(healthy[0], read(healthy[1], tmp_path, "node2", alive=False))
    assert "process is gone" in result.of("verify.log", "node2").message
    assert result.outcome == "unhealthy"


def test_names_and_addresses_are_compared_if_the_name_is_resolved(
    verdict: Judge, healthy: tuple[Side, Side]
) -> None:
    names = [{"host": "one.example"}, {"host": "two.example"}]
    assert verdict(*healthy, nodes=names).outcome == "healthy"  # not resolved
    for address, expected in (("10.100.0.47", "healthy"), ("10.100.0.99", "unhealthy")):
        hosts = Hosts({"one.example": ("10.100.0.46",), "two.example": (address,)})
        assert verdict(*healthy, nodes=names, hosts=hosts).outcome == expected


def test_a_loopback_member_host(verdict: Judge, healthy: tuple[Side, Side]) -> None:
    loopback = says(0, AGENT, "localMemberHost is configured to use the loopback address. x", "WARN")
    loopback(*healthy)
    assert ("verify.membership", "node1") in verdict(*healthy).errors

    first, second = sides()
    first.host = second.host = "127.0.0.1"
    second.hazelcast = 4001
    started(loopback)(first, second)
    nodes = [{"host": "127.0.0.1"}, {"host": "127.0.0.1", "hazelcast_port": 4001}]
    assert verdict(first, second, nodes=nodes, one_machine=True).outcome == "healthy"
    two = verdict(first, second, nodes=nodes)
    assert any(one.status == "warning" and "loopback" in one.message for one in two.findings)


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


# --- logs that cannot be read --------------------------------------------------------------------


def test_a_log_that_cannot_be_read_is_an_error(verdict: Judge, healthy: tuple[Side, Side]) -> None:
    trouble = Trouble("unreadable", "is a folder")
    result = verdict(healthy[0], Sight(Story().facts, "/x/wso2carbon.log", trouble))
    assert result.errors == [("verify.log", "node2")]
    assert result.of("verify.log", "node2").evidence == "/x/wso2carbon.log"


def test_no_start_within_the_limit(verdict: Judge, healthy: tuple[Side, Side], tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    late = b"x" * 50_000 + b"\n[2026-01-27 11:00:00,000] ERROR {x} -  y\n"
    path.write_bytes(healthy[1].log.content + late)
    story, log = Story(), FileLog(path, limit=20_000)
    story.read(log.read())
    result = verdict(healthy[0], Sight(story.facts, log.name, log.trouble))
    assert result.outcome == "waiting"
    assert "no start found" in result.of("verify.log", "node2").message


def test_the_ids_of_the_contract() -> None:
    contract = "log mode registry-mount membership member active-passive event-sync state-sync spark-masters"
    assert {row.id for row in ROWS} >= {f"verify.{name}" for name in contract.split()}


def test_a_line_without_its_time_counts() -> None:
    """The documentation quotes one so."""
    story = Story()
    line = b"ERROR {org.wso2.carbon.x.HAManager} -  CEP HA State syncing failed, No execution plans exist"
    record = parse(line)
    assert record is not None
    story.feed(record)
    assert story.facts.sync_failures is not None
    assert story.facts.sync_failures.last.time is None
