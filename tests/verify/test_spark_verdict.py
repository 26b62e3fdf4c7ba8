"""What the UIs show, judged: masters, workers, executors, application; with the keys of old and new versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.server_logs import profile
from tests.support.verdicts import UpPair
from wizard.pack.home import Pack
from wizard.system.finding import Finding
from wizard.verify.pair import Pair
from wizard.verify.spark import Environment, Look, PageAnswer, SparkAddress, places
from wizard.verify.spark_verdict import SparkView, judge_spark

WORKER = {"host": "10.100.0.46", "port": 11001, "webuiaddress": "http://10.100.0.46:11501", "state": "ALIVE"}
"""Of a version before 1.4, which lists less."""
PLACES = {
    "node1": SparkAddress("10.100.0.46", 8082, 11501, 4041, 7078),
    "node2": SparkAddress("10.100.0.47", 8082, 11501, 4041, 7078),
}


def master(status: str, **more: Any) -> PageAnswer:
    data = {"url": "spark://x:7078", "workers": [], "activeapps": [], "completedapps": [], "status": status}
    return PageAnswer("http://10.100.0.46:8082/json/", "ok", "", {**data, **more})


def worker(*executors: int, finished: int = 0) -> PageAnswer:
    made = [{"id": one, "memory": 512, "appid": "app-1", "appdesc": {}} for one in executors]
    ended = [{"id": -one, "memory": 512, "appid": "app-1"} for one in range(1, finished + 1)]
    return PageAnswer(
        "http://10.100.0.46:11501/json/", "ok", "", {"executors": made, "finishedexecutors": ended}
    )


def healthy(**changes: Any) -> Look:
    parts: dict[str, Any] = {
        "masters": {
            "node1": master(
                "ALIVE",
                workers=[WORKER, {**WORKER, "host": "10.100.0.47"}],
                activeapps=[{"id": "app-1", "name": "CarbonAnalytics", "state": "RUNNING", "cores": 2}],
            ),
            "node2": master("STANDBY"),
        },
        "workers": {"node1": worker(0), "node2": worker(1)},
        "environment": Environment("http://10.100.0.46:4041/environment/", "node1", {}, ()),
    }
    return Look(**{**parts, **changes})


def judge(
    last: Look, first: Look | None = None, *, up: bool = True, **changes: Any
) -> dict[tuple[str, str | None], Finding]:
    pair = (UpPair if up else Pair)(profile(**changes), {})
    view = SparkView(pair, first or last, last, PLACES, lambda path: Path(path).exists())
    return {(one.id, one.node): one for one in judge_spark(view)}


def of_masters(first: Any, second: Any = None, **changes: Any) -> Look:
    """A healthy look with other masters."""
    return healthy(masters={"node1": first, "node2": second or master("STANDBY")}, **changes)


def refused(status: Any = "refused") -> PageAnswer:
    return PageAnswer("http://10.100.0.47:8082/json/", status, "a detail")


def environment(**properties: str) -> dict[str, Any]:
    """A look at an application with these parameters besides those of the profile."""
    found = Environment("http://10.100.0.46:4041/environment/", "node1", {**FITS, **properties}, ())
    return {"last": healthy(environment=found), "spark": {"symbolic_link": "/opt/analytics"}}


def shapeless(data: dict[str, Any]) -> Look:
    """JSON of another shape."""
    answers = dict.fromkeys(("node1", "node2"), PageAnswer("http://x/json/", "ok", "", data))
    return Look(answers, answers)


def alive(workers: Any = (WORKER, WORKER), states: str = "RUNNING") -> PageAnswer:
    apps = [
        {"id": name, "name": name, "state": state} for name, state in zip("ab", states.split(), strict=False)
    ]
    return master("ALIVE", workers=list(workers), activeapps=apps)


def executors(first: PageAnswer, second: PageAnswer | None = None) -> Look:
    return healthy(workers={"node1": first, "node2": second or worker(1, finished=3)})


UI, WORKERS, EXECUTORS, APPLICATION = (
    f"verify.spark-{name}" for name in ("ui", "workers", "executors", "application")
)
NOT_RUNNING = "no application is running"
DEAD = {**WORKER, "state": "DEAD"}

ENVIRONMENT = "verify.spark-environment"
FITS = {
    "carbon.spark.master": "local",
    "carbon.spark.master.count": "2",
    "carbon.das.symbolic.link": "/opt/analytics/",
    "spark.master": "spark://10.100.0.46:7078,10.100.0.47:7078",
}
RUBBISH: tuple[dict[str, Any], ...] = (
    {"status": 5},
    {"status": ["A"]},
    {"workers": "x", "status": "ALIVE"},
    {},
)
ENDED = {"last": executors(worker(7, finished=7)), "first": executors(worker(5, finished=5))}
NEW = {"last": healthy(), "first": executors(worker(), worker())}

CASES: tuple[tuple[dict[str, Any], dict[tuple[str, str | None], tuple[str, str]]], ...] = (
    *(({"last": of_masters(alive(), refused(status))}, {(UI, "node2"): ("error", "a detail")})
        for status in ("refused", "silent", "login", "strange")),
    ({"last": of_masters(alive(), refused()), "spark": {"master_count": 1}},
        {(UI, "node2"): ("ok", "no master here")}),
    ({"last": of_masters(alive(), alive())}, {(UI, node): ("error", "both") for node in ("node1", "node2")}),
    ({"last": of_masters(master("STANDBY"))},
        {(UI, "node1"): ("error", "none is ALIVE"), (WORKERS, None): ("waiting", "")}),
    ({"last": of_masters(master("RECOVERING"))},
        {(UI, "node1"): ("waiting", "RECOVERING"), (UI, "node2"): ("waiting", "STANDBY")}),
    *(({"last": of_masters(alive(workers))}, {(WORKERS, "node1"): ("error" if "," in expected else "ok", expected)})
        for workers, expected in (
            ([], "0 workers are alive, fewer"),
            ([WORKER], "1 worker is alive, fewer"),
            ([WORKER, DEAD], "1 worker is alive, fewer than"),
            ([WORKER] * 3, "3 workers are alive, more"),
            ([WORKER, WORKER, DEAD], "2 workers are alive"),
        )),
    ({"last": executors(worker())},
        {(EXECUTORS, "node1"): ("error", "no running executor"), (EXECUTORS, "node2"): ("ok", "")}),
    (ENDED, {(EXECUTORS, "node1"): ("error", "7 have ended"), (EXECUTORS, "node2"): ("ok", "")}),
    (NEW, {(EXECUTORS, "node1"): ("ok", "1 executor running")}),
    *(({"last": of_masters(alive(states=states)), "up": up}, {(APPLICATION, "node1"): (status, message)})
        for states, up, status, message in (
            ("", True, "error", NOT_RUNNING),
            ("", False, "waiting", NOT_RUNNING),
            ("WAITING WAITING", True, "error", "a, b waits for executors that never come"),
            ("WAITING", False, "waiting", NOT_RUNNING),
            ("WAITING RUNNING", True, "ok", "b is running"),
            ("RUNNING RUNNING", False, "ok", "a, b is running"),
        )),
    ({"last": healthy(environment=None)}, {(ENVIRONMENT, None): ("warning", "not compared")}),
    (environment(), {(ENVIRONMENT, "node1"): ("ok", "")}),
    *((environment(**{key: value}), {(ENVIRONMENT, "node1"): ("error", named)})
        for key, value, named in (
            ("carbon.spark.master.count", "1", "carbon.spark.master.count is 1, not 2"),
            ("carbon.spark.master", "spark://x:1", "carbon.spark.master is spark://x:1, not local"),
            ("carbon.das.symbolic.link", "/elsewhere/", "carbon.das.symbolic.link is /elsewhere/"),
            ("spark.master", "spark://10.100.0.46:7078,10.100.0.99:7078", "10.100.0.99:7078 is not a node"),
        )),
    *(({"last": shapeless(data)}, {(EXECUTORS, "node1"): ("error", "no running executor")}) for data in RUBBISH),
)  # fmt: skip


@pytest.mark.parametrize(("looks", "expected"), CASES)
def test_a_look(looks: dict[str, Any], expected: dict[Any, tuple[str, str]]) -> None:
    found = judge(**looks)
    for key, (status, text) in expected.items():
        assert found[key].status == status, found[key]
        assert text in found[key].message
        assert status != "error" or (found[key].fix and found[key].evidence)


def test_a_healthy_pair_and_one_that_is_not_up_yet() -> None:
    assert [one.status for one in judge(healthy()).values()] == ["ok"] * 7
    found = judge(Look({"node1": refused(), "node2": refused()}), up=False)
    assert {one.status for one in found.values()} == {"waiting"}


def test_places_follow_the_offset_of_the_stock_pack(packs: Path) -> None:
    home = Pack(packs / "apim-analytics-2.1.0")
    found = places(profile(), {"node1": home, "node2": home})
    assert found["node1"] == SparkAddress("10.100.0.46", 8082, 11501, 4041, 7078)
    assert places(profile(), {"node1": home})["node2"] == SparkAddress("10.100.0.47", 8082, 11501, 4041, 7078)
    shifted = places(profile(nodes=[{"port_offset": 3, "spark_local_ip": "10.0.0.9"}, {}]), {"node1": home})
    assert shifted["node1"] == SparkAddress("10.0.0.9", 8084, 11503, 4043, 7080)
