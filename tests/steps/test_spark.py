"""`SPARK_LOCAL_IP` as Spark of each version takes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.headless import SPARK_BAT, SPARK_SH, applied, checked, of
from tests.support.pairs import Pair
from wizard.pack.home import Pack
from wizard.profile.store import load
from wizard.verify.spark import places


@pytest.mark.parametrize(
    ("pack", "follows"),
    [("das-3.0.1", False), ("apim-analytics-2.0.0", True), ("das-3.1.0", True), ("is-analytics-5.3.0", True)],
)
def test_it_is_the_address_of_master_and_worker_from_carbon_analytics_1_1_0_on(
    pack: str, follows: bool, make_pair: Callable[..., Pair]
) -> None:
    pair = make_pair(pack, nodes=[{"spark_local_ip": "127.0.0.9"}, {}])
    (found,) = of(checked(pair), "spark.local-ip")
    assert (found.status, found.node) == ("ok" if follows else "warning", "node1")
    assert follows or "reaches only Spark's driver" in found.message
    applied(pair)
    assert b"SPARK_LOCAL_IP=127.0.0.9" in (pair.homes[0] / SPARK_SH).read_bytes(), "written in any case"
    assert b"SPARK_LOCAL_IP=127.0.0.9" in (pair.homes[0] / SPARK_BAT).read_bytes()
    # `verify` looks for the pages where they are.
    profile = load(str(pair.profile)).profile
    homes = {node.name: Pack(home) for node, home in zip(profile.nodes, pair.homes, strict=True)}
    assert places(profile, homes)["node1"].host == ("127.0.0.9" if follows else "127.0.0.1")
