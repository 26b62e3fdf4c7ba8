"""Hazelcast as the servers read it: what replaces the clustering, what keeps the nodes apart, who starts alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.headless import AXIS2, PACKS, applied, checked, of, replayed, statuses
from tests.support.pairs import Pair
from wizard.command_line.text import start_step
from wizard.pack.home import HAZELCAST, TASKS_CONFIG, Pack
from wizard.profile.store import load

MakePair = Callable[..., Pair]


def with_parameter(home: Path, name: str, value: str) -> None:
    """A parameter of the clustering, as a person adds one behind `domain`."""
    path = home / AXIS2
    text = path.read_bytes()
    line = f'<parameter name="{name}">{value}</parameter>'.encode()
    changed, count = re.subn(rb'(<parameter name="domain">[^<]*</parameter>)', rb"\\1" + line, text)
    assert count == 1
    path.write_bytes(changed)


class TestOverride:
    @pytest.mark.parametrize(
        ("pack", "status"),
        [
            ("das-3.0.1", "ok"),  # kernel 4.4.3 does not read it
            ("apim-analytics-2.0.0", "error"),
            ("das-3.1.0", "error"),
            ("is-analytics-5.3.0", "error"),
        ],
    )
    def test_hazelcast_xml_replaces_the_clustering(self, pack: str, status: str, make_pair: MakePair) -> None:
        pair = make_pair(pack)
        assert statuses(checked(pair), "hazelcast.override") == ["ok", "ok"]
        (pair.homes[1] / HAZELCAST).write_text("<hazelcast/>")
        first, second = of(checked(pair), "hazelcast.override")
        assert (first.status, second.status, second.node) == ("ok", status, "node2")
        if status == "error":
            assert (second.fix or "").startswith(f"mv {pair.homes[1] / HAZELCAST} ")
            assert replayed(pair)[0].exit_code == 3


class TestGroupPassword:
    @pytest.mark.parametrize(
        ("passwords", "status"),
        [
            (("a", "a"), "ok"),
            (("a", "b"), "error"),
            (("a", None), "error"),
            ((None, None), "ok"),
            ((" a ", "a"), "ok"),
        ],
    )
    def test_different_ones_keep_the_nodes_apart(
        self, passwords: tuple[str | None, str | None], status: str, make_pair: MakePair
    ) -> None:
        pair = make_pair("das-3.1.0")
        for home, password in zip(pair.homes, passwords, strict=True):
            if password is not None:
                with_parameter(home, "groupPassword", password)
        assert statuses(checked(pair), "hazelcast.group-password") == [status]

    def test_they_are_not_printed(self, make_pair: MakePair) -> None:
        pair = make_pair()
        with_parameter(pair.homes[0], "groupPassword", "hidden-one")
        assert not any("hidden-one" in f"{one.message}{one.fix}" for one in checked(pair))


class TestBindPort:
    @pytest.mark.parametrize(("port", "status"), [("4000", "ok"), ("4001", "warning"), ("", "ok")])
    def test_another_port_than_the_nodes_is_named(self, port: str, status: str, make_pair: MakePair) -> None:
        pair = make_pair()
        with_parameter(pair.homes[0], "localMemberBindPort", port)
        found = of(checked(pair), "hazelcast.bind-port")
        assert [one.status for one in found] == [status, "ok"]
        assert status == "ok" or "localMemberBindPort is 4001" in found[0].message


class TestTaskServerCount:
    @pytest.mark.parametrize("pack", PACKS)
    @pytest.mark.parametrize("count", [None, 1, 2])
    def test_it_is_written_where_the_profile_says_so(
        self, count: int | None, pack: str, packs: Path, make_pair: MakePair
    ) -> None:
        pair = make_pair(pack, cluster={"task_server_count": count})
        result = applied(pair)
        named = [file["path"] for file in result.files if file["node"] == "node1"]
        assert (TASKS_CONFIG in named) is (count is not None)
        for home in pair.homes:
            before, after = (packs / pack / TASKS_CONFIG).read_bytes(), (home / TASKS_CONFIG).read_bytes()
            if count == 1:
                before = before.replace(b"<taskServerCount>2<", b"<taskServerCount>1<")
            assert after == before

    @pytest.mark.parametrize(("count", "alone"), [(None, False), (2, False), (1, True)])
    def test_the_end_of_a_run_tells_how_to_start(
        self, count: int | None, alone: bool, make_pair: MakePair
    ) -> None:
        pair = make_pair(cluster={"task_server_count": count})
        profile = load(str(pair.profile)).profile
        step = start_step(profile, map(Pack, pair.homes), "pair", [])
        assert step.lines[0] == ("", "apimha-wizard start pair")
        assert ("neither node completes its start alone" in str(step.lines[1:])) is not alone
        step = start_step(profile, map(Pack, pair.homes), "pair", profile.nodes[1:])
        assert step.title == "Start both nodes, each on its machine"
        assert step.lines[:2] == [
            ("node1:", "apimha-wizard start pair --node node1"),
            ("at once node2 on 127.0.0.1:", "apimha-wizard start pair --node node2"),
        ]

    def test_a_pack_that_somebody_set_to_one_starts_alone_too(self, make_pair: MakePair) -> None:
        pair = make_pair()
        for home in pair.homes:
            text = (home / TASKS_CONFIG).read_text()
            (home / TASKS_CONFIG).write_text(text.replace("<taskServerCount>2<", "<taskServerCount> 1 <"))
        profile = load(str(pair.profile)).profile
        assert len(start_step(profile, map(Pack, pair.homes), "pair", []).lines) == 1

    def test_with_dsetup_the_second_node_waits_for_the_tables(self, make_pair: MakePair) -> None:
        pair = make_pair(mysql={"provisioning": "server"})
        profile = load(str(pair.profile)).profile
        step = start_step(profile, map(Pack, pair.homes), "pair", [])
        assert step.lines[1] == ("node1 makes the tables of userdb and regdb (-Dsetup)", "")
        step = start_step(profile, map(Pack, pair.homes), "pair", profile.nodes[1:])
        assert step.lines[1][0].startswith('once its log says "Cluster initialization completed", node2')
