"""Which node starts alone, and how the end of a run says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hands import do
from tests.support.headless import PACKS, applied
from tests.support.pairs import Pair
from wizard.command_line.text import start_step
from wizard.pack.home import TASKS_CONFIG, Pack
from wizard.profile.store import load

MakePair = Callable[..., Pair]


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

    def test_a_pack_that_was_set_to_one_starts_alone_too(self, make_pair: MakePair) -> None:
        pair = do(make_pair(), (TASKS_CONFIG, "<taskServerCount>2<", "<taskServerCount> 1 <"))
        profile = load(str(pair.profile)).profile
        assert len(start_step(profile, map(Pack, pair.homes), "pair", []).lines) == 1

    def test_with_dsetup_the_second_node_waits_for_the_tables(self, make_pair: MakePair) -> None:
        pair = make_pair(mysql={"provisioning": "server"})
        profile = load(str(pair.profile)).profile
        step = start_step(profile, map(Pack, pair.homes), "pair", [])
        assert step.lines[1] == ("node1 makes the tables of userdb and regdb (-Dsetup)", "")
        step = start_step(profile, map(Pack, pair.homes), "pair", profile.nodes[1:])
        assert step.lines[1][0].startswith('once its log says "Cluster initialization completed", node2')
