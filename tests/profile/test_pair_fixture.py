"""The pair that other tests start from is a good one."""

from __future__ import annotations

import tomllib

import pytest

from tests.support.headless import PACKS
from wizard.profile.model import Profile


@pytest.mark.parametrize("pack", PACKS)
def test_the_pair_has_two_writable_homes_and_a_valid_profile(make_pair, pack):
    pair = make_pair(pack, mysql={"charset": "latin1"}, nodes=[{}, {"hazelcast_port": 4002}])
    profile = Profile.model_validate(
        tomllib.loads(pair.profile.read_text()), context={"folder": pair.profile.parent}
    )
    assert [node.home for node in profile.nodes] == pair.homes
    assert profile.mysql.charset == "latin1"
    assert profile.nodes[1].hazelcast_port == 4002
    for home in pair.homes:
        (home / "repository/conf/carbon.xml").open("r+b").close()
    assert pair.env["APIM_DB_PASSWORD"]


def test_none_removes_a_key_from_the_pair(make_pair):
    pair = make_pair(mysql={"driver_jar": None}, nodes=[{}, {"port_offset": None}])
    raw = tomllib.loads(pair.profile.read_text())
    assert "driver_jar" not in raw["mysql"]
    assert "port_offset" not in raw["nodes"][1]
    assert raw["nodes"][1]["name"] == "node2"
