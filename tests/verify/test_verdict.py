"""Stories, told by logs that are written from the procedure's lines: each verdict with the right node and
evidence.
"""

from __future__ import annotations

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


def read(side: Side, folder: Path, name: str) -> Sight:
    """What the side's log says, read from a file as the program does."""
    path = folder / f"{name}.log"
    path.write_bytes(side.log.content)
    story, log = Story(), FileLog(path)
    story.read([*log.read(), *log.finish()])
    log.close()
    return Sight(story.facts, str(path), log.trouble, None, log.latest, log.sample)


class Verdict:
    """The findings about a pair, easy to ask."""

    def __init__(self, pair: Pair) -> None:
        self.findings = judge(pair)
        self.outcome = outcome(self.findings, unseen=any(pair.unseen(node) for node in pair.nodes))

    def of(self, id: str, node: str | None = "node1") -> Finding:
        """The one finding of that id about that node."""
        found = [one for one in self.findings if one.id == id and one.node == node]
        assert len(found) == 1, f"{id} of {node}: {found}"
        return found[0]

    @property
    def errors(self) -> list[tuple[str, str | None]]:
        return [(one.id, one.node) for one in self.findings if one.status == "error"]

    @property
    def awaited(self) -> list[tuple[str, str | None]]:
        return [(one.id, one.node) for one in self.findings if one.status == "waiting"]


@pytest.fixture
def verdict(tmp_path: Path):  # type: ignore[no-untyped-def]
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


# --- healthy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["file", "console", "short"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_healthy_first_start_in_every_form(verdict, form: str, end: str) -> None:  # type: ignore[no-untyped-def]
    first, second = sides(form=form, end=end)
    tell.first_start(first, second)
    result = verdict(first, second)
    assert result.outcome == "healthy"
    assert {one.status for one in result.findings} == {"ok"}
    assert result.of("verify.active-passive", "node1").message.startswith("active since")
    assert result.of("verify.active-passive", "node2").message.startswith("passive since")
    assert "Became CEP HA Passive Member" in (result.of("verify.active-passive", "node2").evidence or "")
    assert "successfully synced" in (result.of("verify.state-sync", "node2").evidence or "")
    assert "masters : 2" in (result.of("verify.spark-masters", "node2").evidence or "")


def test_the_pages_own_lines_are_healthy(verdict) -> None:  # type: ignore[no-untyped-def]
    """Both nodes on one machine, the snapshot server at 0.0.0.0, no mode line: as the page quotes them."""
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
    assert result.errors == []
    assert result.outcome == "healthy"
    assert result.of("verify.mode").status == "warning"


def test_failover_and_return(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    tell.fail_over(first, second)
    down = verdict(first, second)
    assert down.outcome == "unhealthy"
    left = down.of("verify.member", "node2")
    assert left.status == "error"
    assert "node1 left at" in left.message
    assert "Member left [9c7619a9" in (left.evidence or "")
    assert "start it: on 10.100.0.46: sh /opt/wso2/analytics-1/bin/wso2server.sh;" in (left.fix or "")
    assert down.of("verify.active-passive", "node2").message.startswith("active since")
    assert down.of("verify.active-passive", "node1").status == "waiting"

    ended = len(first.log.lines)
    first.log.wait(60)
    first.uuid = "7e57ab1e-0000-4000-8000-000000000000"
    tell.begin(first, second)
    assert verdict(first, second).outcome == "waiting"
    assert "starting again" in verdict(first, second).of("verify.member", "node2").message

    del first.log.lines[ended:]
    tell.come_back(first, second)
    back = verdict(first, second)
    assert back.errors == []
    assert back.outcome == "healthy"
    assert back.of("verify.active-passive", "node1").message.startswith("passive since")


def test_clocks_that_differ_by_hours_change_nothing(verdict) -> None:  # type: ignore[no-untyped-def]
    for hours in (-7, 9, 24 * 400):
        first, second = sides()
        second.log.clock += timedelta(hours=hours)
        tell.first_start(first, second)
        tell.no_spark(first, after=1)
        assert verdict(first, second).outcome == "healthy"


def test_an_older_start_does_not_count(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    """A restart in the middle: what was wrong before it is over."""
    first, second = sides()
    tell.begin(first, second, mode="Single node", mounts=0, scheme="multicast")
    first.log.say(QUERIES, "Access denied for user 'apim'@'10.100.0.46'", "ERROR")
    first.log.lines += healthy[0].log.lines
    assert verdict(first, healthy[1]).outcome == "healthy"


def test_garbage_lines_do_no_harm(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    for side in (first, second):
        mixed = []
        for line in side.log.lines:
            mixed += [
                "\x00\x01\x02 binary",
                line,
                "[2026-01-27 10:00:00,000]",
                "TID: [-1] [] [",
                "\udcff\udcfe",
            ]
        side.log.lines = mixed
    assert verdict(first, second).outcome == "healthy"


def test_ha_without_persistence_prints_no_mode(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    for side, other in ((first, second), (second, first)):
        tell.begin(side, other, mode=None)
        tell.become(side, "Active" if side is first else "Passive")
        tell.masters(side)
        tell.complete(side)
    tell.joins(first, second)
    tell.publishes(first, second)
    tell.synced(second)
    off = {"persistence": False}
    assert verdict(first, second, event_processor=off).outcome == "healthy"


# --- still on the way ----------------------------------------------------------------------------


def test_a_node_that_is_still_starting(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.begin(first, second)
    tell.become(first, "Active")
    tell.masters(first, 1)
    tell.complete(first)
    second.log.say(tell.CARBON, "Starting WSO2 Carbon...")
    result = verdict(first, second)
    assert result.outcome == "waiting"
    assert result.errors == []
    assert "starting since 2026-01-27 10:57:11" in result.of("verify.log", "node2").message
    assert "Starting WSO2 Carbon" in (result.of("verify.log", "node2").evidence or "")
    assert result.of("verify.registry-mount", "node2").status == "waiting"
    assert result.of("verify.spark-masters", "node1").status == "waiting"
    assert result.of("verify.registry-mount", "node1").status == "ok"


def test_a_node_that_was_never_started(verdict, healthy: tuple[Side, Side], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.begin(first, second)
    tell.become(first, "Active")
    tell.masters(first, 1)
    tell.complete(first)
    log = FileLog(tmp_path / "missing.log")
    assert list(log.read()) == []
    result = verdict(first, Sight(Story().facts, log.name, log.trouble))
    assert result.outcome == "waiting"
    assert result.errors == []
    missing = result.of("verify.log", "node2")
    assert "never started" in missing.message
    assert missing.evidence == log.name
    assert missing.fix == "on 10.100.0.47: sh /opt/wso2/analytics-2/bin/wso2server.sh"
    for one_machine, options in ((True, ""), (False, " --node node2")):
        never = Sight(Story().facts, log.name, log.trouble)
        fix = verdict(first, never, one_machine=one_machine, called="pair").of("verify.log", "node2").fix
        assert fix == f"on 10.100.0.47: apimha-wizard start pair{options}"


def test_neither_was_started(verdict) -> None:  # type: ignore[no-untyped-def]
    none = Sight(Story().facts, "x.log", Trouble("missing", "is not there"))
    result = verdict(none, none)
    assert result.outcome == "waiting"
    assert result.errors == []


def test_a_passive_node_that_is_not_synced_yet(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    second.log.lines = second.log.lines[:-1]
    result = verdict(first, second)
    assert result.awaited == [("verify.state-sync", "node2")]
    assert "harmless" in result.of("verify.state-sync", "node2").message


def test_a_side_that_nobody_sees(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    """What the other machine's log would say is skipped, with the command that shows it."""
    result = verdict(healthy[0], None)
    assert result.outcome == "waiting"
    assert result.errors == []
    skipped = [one for one in result.findings if one.status == "skipped"]
    assert {one.node for one in skipped} == {"node2"}
    assert result.of("verify.log", "node2").fix == (
        "ssh 10.100.0.47 tail -n +1 -F /opt/wso2/analytics-2/repository/logs/wso2carbon.log"
        " | apimha-wizard verify PROFILE --log node2=-"
    )
    assert result.of("verify.member", "node1").status == "ok"


def test_an_unseen_side_does_not_hide_an_error(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.begin(first, second, mode="Single node")
    assert verdict(first, None).outcome == "unhealthy"


# --- wrong ---------------------------------------------------------------------------------------


def test_split_brain(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    tell.leaves(first, second)
    line = tell.fail_over(first, second)
    result = verdict(first, second)
    assert result.outcome == "unhealthy"
    for node in ("node1", "node2"):
        found = result.of("verify.active-passive", node)
        assert found.status == "error"
        assert "both nodes are active" in found.message
        assert "network" in found.message
        assert "Became CEP HA Active Member" in (found.evidence or "")
    assert line is None


def test_split_brain_from_the_start(verdict) -> None:  # type: ignore[no-untyped-def]
    """Two clusters of one: each its own coordinator, nobody ever joined."""
    first, second = sides()
    for side, other in ((first, second), (second, first)):
        tell.begin(side, other)
        tell.become(side, "Active")
        tell.masters(side, 1)
        tell.complete(side)
    result = verdict(first, second)
    assert ("verify.active-passive", "node1") in result.errors
    assert ("verify.member", "node1") in result.errors
    assert ("verify.spark-masters", "node1") in result.errors
    assert "neither has seen the other join" in result.of("verify.member", "node1").message


@pytest.mark.parametrize("mode", ["Single node", "Persistence", "Distributed"])
def test_the_wrong_mode(verdict, healthy: tuple[Side, Side], mode: str) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.begin(second, first, mode=mode)
    tell.complete(second)
    result = verdict(healthy[0], second)
    found = result.of("verify.mode", "node2")
    assert found.status == "error"
    assert f"CEP started in {mode} mode" in (found.evidence or "")
    assert result.of("verify.mode", "node1").status == "ok"


@pytest.mark.parametrize(
    ("mode", "wanted", "status"),
    [
        ("Persistence enabled HA", True, "ok"),
        ("Persistence enabled HA", False, "error"),
        ("HA", False, "ok"),
        ("HA", True, "warning"),
        (None, True, "warning"),
        (None, False, "ok"),
    ],
)
def test_persistence_as_the_profile_says(verdict, mode: str | None, wanted: bool, status: str) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.begin(first, second, mode=mode)
    tell.become(first, "Active")
    result = verdict(first, second, event_processor={"persistence": wanted})
    assert result.of("verify.mode", "node1").status == status


@pytest.mark.parametrize("mounts", [0, 1])
def test_the_mount_is_missing_on_one_node(verdict, mounts: int) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    kept = [line for line in second.log.lines if "Connected to mount" in line][: 2 - mounts]
    second.log.lines = [line for line in second.log.lines if line not in kept]
    result = verdict(first, second)
    assert result.errors == [("verify.registry-mount", "node2")]
    found = result.of("verify.registry-mount", "node2")
    assert "WSO2 Carbon started in 51 sec" in (found.evidence or "")
    assert found.fix is not None


@pytest.mark.parametrize(("db_config", "status"), [("govregistry", "ok"), ("GOV_DB", "error")])
def test_the_mount_is_that_of_the_profiles_db_config(verdict, db_config: str, status: str) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    result = verdict(first, second, registry={"db_config": db_config}, datasources={"registry": "GOV_SOURCE"})
    found = result.of("verify.registry-mount", "node1")
    assert found.status == status
    if status == "error":
        assert "GOV_DB" in found.fix
        assert "GOV_SOURCE" in found.fix


def test_the_mounts_of_another_name_count_where_the_profile_has_it(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    for side in (first, second):
        side.log.lines = [line.replace("mount at govregistry", "mount at GOV_DB") for line in side.log.lines]
    assert verdict(first, second, registry={"db_config": "GOV_DB"}).errors == []
    assert ("verify.registry-mount", "node1") in verdict(first, second).errors


def test_before_the_start_is_complete_a_missing_mount_is_awaited(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.begin(first, second, mounts=1)
    assert verdict(first, second).of("verify.registry-mount", "node1").status == "waiting"


def test_the_wrong_membership_scheme(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.begin(first, second, scheme="multicast", members=())
    found = verdict(first, second).of("verify.membership", "node1")
    assert found.status == "error"
    assert "multicast" in found.message


def test_a_member_never_joins(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    first.log.lines = [line for line in first.log.lines if "Member joined" not in line]
    result = verdict(first, second)
    assert result.errors == [("verify.member", "node1")]
    assert "WSO2 Carbon started" in (result.of("verify.member", "node1").evidence or "")


def test_a_member_joins_and_leaves(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    line = tell.leaves(first, second)
    result = verdict(first, second)
    assert result.outcome == "unhealthy"
    found = result.of("verify.member", "node1")
    assert (found.status, found.evidence) == ("error", line)
    assert "node2 left at" in found.message
    tell.joins(first, second)
    assert verdict(first, second).outcome == "healthy"


def test_a_third_member_is_named(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    line = first.log.say(tell.WKA, "Member joined [aaaaaaaa-0000-4000-8000-000000000000]: /10.100.0.99:4000")
    result = verdict(first, second)
    strangers = [one for one in result.findings if one.id == "verify.member" and one.status == "error"]
    assert [(one.node, one.evidence) for one in strangers] == [("node1", line)]
    assert "10.100.0.99:4000" in strangers[0].message


@pytest.mark.parametrize("second_says", [1, None])
def test_one_spark_master(verdict, second_says: int | None) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    second.log.lines = [
        line.replace("masters : 2", f"masters : {second_says}")
        for line in second.log.lines
        if second_says is not None or "masters : 2" not in line
    ]
    result = verdict(first, second)
    assert result.errors == [("verify.spark-masters", "node1")]
    found = result.of("verify.spark-masters", "node1")
    assert "1 of 2 Spark masters" in found.message
    assert "Spark Master map size after starting masters : 1" in (found.evidence or "")
    assert verdict(first, second, spark={"master_count": 1}).outcome == "healthy"


def test_a_sync_that_never_succeeds(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    second.log.lines = second.log.lines[:-1]
    tell.sync_fails(second, 5)
    result = verdict(first, second)
    assert result.errors == [("verify.state-sync", "node2")]
    found = result.of("verify.state-sync", "node2")
    assert found.evidence == [line for line in second.log.lines if "syncing failed" in line][-1]
    assert "C-Apps" in (found.fix or "")


@pytest.mark.parametrize(
    ("after", "times", "status"), [(9, 1, "waiting"), (10, 1, "waiting"), (10.5, 1, "error"), (1, 2, "error")]
)
def test_one_try_may_fall_into_the_moment_of_completion(
    verdict, after: float, times: int, status: str
) -> None:  # type: ignore[no-untyped-def]
    """The servers try every ten seconds: what fails later than that, or twice, is not over by itself."""
    first, second = sides()
    tell.first_start(first, second)
    second.log.lines = second.log.lines[:-1]
    second.log.wait(-10)  # back to the moment of completion
    tell.sync_fails(second, times, after=after)
    assert verdict(first, second).of("verify.state-sync", "node2").status == status


def test_a_sync_that_fails_for_another_reason_is_not_harmless(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    second.log.lines = second.log.lines[:-1]
    tell.sync_fails(second, message="CEP HA State syncing failed, Error in getting snapshot")
    assert verdict(first, second).errors == [("verify.state-sync", "node2")]
    tell.synced(second)
    assert verdict(first, second).outcome == "healthy"


def test_a_sync_that_fails_again_after_it_had_worked(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    tell.sync_fails(second)
    assert verdict(first, second).errors == [("verify.state-sync", "node2")]


def test_queries_without_spark_are_harmless_only_until_all_nodes_are_up(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.begin(first, second)
    tell.become(first, "Active")
    tell.masters(first, 1)
    tell.complete(first)
    tell.no_spark(first)
    early = verdict(first, second)
    assert early.outcome == "waiting"
    assert early.of("verify.spark-sql", "node1").status == "waiting"

    first, second = sides()
    tell.first_start(first, second)
    tell.no_spark(first, after=20)
    assert verdict(first, second).outcome == "healthy"
    assert verdict(first, second).of("verify.spark-sql", "node1").status == "ok"
    tell.no_spark(first, after=300)
    late = verdict(first, second)
    assert late.errors == [("verify.spark-sql", "node1")]
    assert "Spark SQL Context is not available" in (late.of("verify.spark-sql", "node1").evidence or "")


def test_nobody_is_active(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    first.log.lines = [line.replace("HA Active", "HA Passive") for line in first.log.lines]
    result = verdict(first, second)
    assert ("verify.active-passive", "node1") in result.errors
    assert ("verify.active-passive", "node2") in result.errors


def test_a_backup_means_a_third_member(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    second.log.lines = [line.replace("HA Passive", "HA Backup") for line in second.log.lines]
    assert verdict(first, second).of("verify.active-passive", "node2").status == "error"


def test_the_snapshot_server_cannot_start(verdict) -> None:  # type: ignore[no-untyped-def]
    first, second = sides()
    tell.first_start(first, second)
    second.log.lines = [line for line in second.log.lines if "Snapshot" not in line]
    assert verdict(first, second).errors == [("verify.snapshot-server", "node2")]
    second.log.say(
        HA,
        "Cannot start CEP HA Snapshot Server on port 10.100.0.47:10005",
        "ERROR",
        trace=(
            "x.TTransportException: Could not create ServerSocket",
            "Caused by: java.net.BindException: in use",
        ),
    )
    found = verdict(first, second).of("verify.snapshot-server", "node2")
    assert "BindException" in (found.evidence or "")


def test_a_server_that_was_stopped(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    line = second.log.say(SERVER, "Shutdown hook triggered....")
    result = verdict(first, second)
    assert result.of("verify.log", "node2").status == "error"
    assert result.of("verify.log", "node2").evidence == line


def test_a_server_whose_process_is_gone(verdict, healthy: tuple[Side, Side], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    sight = read(healthy[1], tmp_path, "node2")
    result = verdict(healthy[0], Sight(sight.facts, sight.log, None, alive=False))
    assert "process is gone" in result.of("verify.log", "node2").message
    assert result.outcome == "unhealthy"


# --- values that contradict the profile ----------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "where", "named"),
    [
        ({"nodes": [{}, {"hazelcast_port": 4001}]}, ("verify.membership", "node2"), "10.100.0.47:4001"),
        ({"cluster": {"domain": "other.domain"}}, ("verify.membership", "node1"), "wso2.carbon.domain"),
        ({"nodes": [{}, {"event_sync_port": 11225}]}, ("verify.event-sync", "node1"), "10.100.0.47:11225"),
        (
            {"nodes": [{"management_port": 10009}, {}]},
            ("verify.snapshot-server", "node1"),
            "10.100.0.46:10009",
        ),
        ({"nodes": [{}, {"host": "10.100.0.48"}]}, ("verify.membership", "node2"), "10.100.0.48:4000"),
    ],
)
def test_values_that_contradict_the_profile_are_named(  # type: ignore[no-untyped-def]
    verdict, healthy: tuple[Side, Side], changes: dict[str, Any], where: tuple[str, str], named: str
) -> None:
    result = verdict(*healthy, **changes)
    found = [one for one in result.findings if (one.id, one.node) == where and one.status == "error"]
    assert found
    assert any(
        named in one.message and "not the configuration that the wizard wrote" in one.message for one in found
    )
    assert all(one.evidence for one in found)


def test_the_consoles_ports_in_the_log_are_no_evidence(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    """Hazelcast prints 9443 and 9763 whatever the offset is."""
    result = verdict(*healthy, nodes=[{"port_offset": 5}, {"port_offset": 0}])
    assert result.of("verify.membership", "node1").status == "ok"
    assert result.outcome == "healthy"


def test_names_and_addresses_are_compared_where_the_name_is_known(
    verdict, healthy: tuple[Side, Side]
) -> None:  # type: ignore[no-untyped-def]
    names = [{"host": "one.example"}, {"host": "two.example"}]
    assert verdict(*healthy, nodes=names).outcome == "healthy"  # nobody looked the names up
    right = Hosts({"one.example": ("10.100.0.46",), "two.example": ("10.100.0.47",)})
    assert verdict(*healthy, nodes=names, hosts=right).outcome == "healthy"
    wrong = Hosts({"one.example": ("10.100.0.46",), "two.example": ("10.100.0.99",)})
    assert verdict(*healthy, nodes=names, hosts=wrong).outcome == "unhealthy"


def test_a_loopback_member_host(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    first.log.say(AGENT, "localMemberHost is configured to use the loopback address. Hazelcast …", "WARN")
    assert ("verify.membership", "node1") in verdict(first, second).errors

    first, second = sides()
    first.host = second.host = "127.0.0.1"
    second.hazelcast = 4001
    tell.first_start(first, second)
    first.log.say(AGENT, "localMemberHost is configured to use the loopback address. Hazelcast …", "WARN")
    nodes = [{"host": "127.0.0.1"}, {"host": "127.0.0.1", "hazelcast_port": 4001}]
    assert verdict(first, second, nodes=nodes, one_machine=True).outcome == "healthy"
    two = verdict(first, second, nodes=nodes)
    assert any(one.status == "warning" and "loopback" in one.message for one in two.findings)


# --- errors --------------------------------------------------------------------------------------

KNOWN = [
    (
        "class of the MySQL driver is missing",
        "Error initializing",
        "Caused by: java.lang.ClassNotFoundException: com.mysql.jdbc.Driver",
    ),
    (
        "refuses the account",
        "x",
        "Caused by: java.sql.SQLException: Access denied for user 'apim'@'h' (using password: YES)",
    ),
    (
        "no tables",
        "x",
        "Caused by: com.mysql.jdbc.MySQLSyntaxErrorException: Table 'regdb.REG_LOG' doesn't exist",
    ),
    ("listens on a port", "x", "Caused by: java.net.BindException: Address already in use"),
    (
        "TLS version",
        "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure",
        "Caused by: javax.net.ssl.SSLHandshakeException: No appropriate protocol",
    ),
    (
        "two datasources",
        "x",
        "Caused by: javax.naming.NameAlreadyBoundException: Name jdbc is already bound in this Context",
    ),
    ("caching_sha2_password", "x", "Caused by: java.sql.SQLException: Public Key Retrieval is not allowed"),
    ("does not exist", "x", "Caused by: java.sql.SQLException: Unknown database 'regdb'"),
]


@pytest.mark.parametrize(("cause", "message", "trace"), KNOWN)
def test_known_errors_come_with_their_cause_and_fix(  # type: ignore[no-untyped-def]
    verdict, healthy: tuple[Side, Side], cause: str, message: str, trace: str
) -> None:
    first, second = healthy
    for _ in range(3):
        second.log.say(QUERIES, message, "ERROR", trace=("x.Problem", trace))
    result = verdict(first, second)
    found = result.of("verify.known-error", "node2")
    assert found.status == "error"
    assert cause in found.message
    assert "3 times" in found.message
    assert trace in (found.evidence or "")
    assert found.fix


def test_a_lost_database_is_over_when_something_later_shows_it(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    for _ in range(60):
        first.log.say(QUERIES, "Communications link failure of jdbc:mysql://h/d", "ERROR")
    assert verdict(first, second).errors == [("verify.known-error", "node1")]
    first.log.say(QUERIES, "Executing query", after=20)
    assert verdict(first, second).errors == [("verify.known-error", "node1")]
    first.log.say(QUERIES, "Executing query", after=60)
    result = verdict(first, second)
    assert result.of("verify.known-error", "node1").status == "warning"
    assert "over" in result.of("verify.known-error", "node1").message
    assert result.outcome == "healthy"


def test_unknown_errors_are_counted_and_quoted(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    for number in range(7):
        first.log.say(
            QUERIES,
            f"Session {number} failed for 'x{number}'",
            "ERROR",
            trace=("a.B: c", "Caused by: d.E: f"),
        )
    last = first.log.say("org.example.Thing", "Something else", "ERROR")
    result = verdict(first, second)
    found = result.of("verify.unknown-error", "node1")
    assert found.status == "warning"
    assert "8 unknown errors" in found.message
    assert "2 kinds" in found.message
    assert (found.evidence or "").startswith(f"1x {last}")  # the newest first
    assert "7x " in (found.evidence or "")
    assert "Session 6 failed" in (found.evidence or "")
    assert result.outcome == "healthy"


def test_what_the_server_calls_fatal_is_an_error(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    last = first.log.say("org.example.Thing", "Something else", "FATAL")
    result = verdict(first, second)
    assert result.errors == [("verify.log", "node1")]
    assert any(one.evidence == last and "fatal" in one.message for one in result.findings)


def test_a_flood_of_errors_of_many_kinds_stays_small(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    for number in range(3000):
        first.log.say(QUERIES, f"kind {'abcdefghij'[number % 10] * (number // 10)} failed", "ERROR", after=0)
    found = verdict(first, second).of("verify.unknown-error", "node1")
    assert "3000 unknown errors" in found.message
    assert len(found.evidence or "") < 5000


# --- logs that cannot be read --------------------------------------------------------------------


def test_a_log_that_cannot_be_read_is_an_error(verdict, healthy: tuple[Side, Side]) -> None:  # type: ignore[no-untyped-def]
    trouble = Trouble("unreadable", "is a folder")
    result = verdict(healthy[0], Sight(Story().facts, "/x/wso2carbon.log", trouble))
    assert result.errors == [("verify.log", "node2")]
    assert result.of("verify.log", "node2").evidence == "/x/wso2carbon.log"


def test_behind_the_cap_no_start_is_seen(verdict, healthy: tuple[Side, Side], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first, second = healthy
    path = tmp_path / "long.log"
    path.write_bytes(
        second.log.content + b"x" * 50_000 + b"\n" + b"[2026-01-27 11:00:00,000] ERROR {x} -  y\n"
    )
    story, log = Story(), FileLog(path, limit=20_000)
    story.read(log.read())
    result = verdict(first, Sight(story.facts, log.name, log.trouble))
    assert result.outcome == "waiting"
    assert "no start found" in result.of("verify.log", "node2").message


def test_every_finding_has_an_id_of_the_contract_or_a_new_one() -> None:
    assert {row.id for row in ROWS} >= {
        "verify.log",
        "verify.mode",
        "verify.registry-mount",
        "verify.membership",
        "verify.member",
        "verify.active-passive",
        "verify.event-sync",
        "verify.state-sync",
        "verify.spark-masters",
    }


def test_a_line_without_its_time_is_taken_too() -> None:
    """The page quotes one so."""
    story = Story()
    record = parse(
        b"ERROR {org.wso2.carbon.x.HAManager} -  CEP HA State syncing failed, No execution plans exist"
    )
    assert record is not None
    story.feed(record)
    assert story.facts.sync_failures is not None
    assert story.facts.sync_failures.last.time is None
