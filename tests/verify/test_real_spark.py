"""Real Spark masters, one ALIVE and one STANDBY, two workers and an application."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.install_spark import java, spark_home
from tests.support.need import missing
from tests.support.server_logs import profile
from tests.support.spark_pair import SparkPair
from tests.support.verdicts import UpPair
from wizard.system.finding import Finding
from wizard.verify.spark import Look, SparkAddress, look, two_looks
from wizard.verify.spark_verdict import SparkView, judge_spark

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkPair]:
    if java() is None or not spark_home().is_dir():
        missing("Spark's jars or Java 17 are missing: python -m tests.support.install_spark")
    with SparkPair(tmp_path_factory.mktemp("spark")) as pair:
        yield pair


def places(cluster: SparkPair) -> dict[str, SparkAddress]:
    return {
        name: SparkAddress(
            *("127.0.0.1", cluster.masters[number], cluster.workers[number]),
            *(cluster.application_ui, cluster.master_ports[number]),
        )
        for number, name in enumerate(("node1", "node2"))
    }


def judged(cluster: SparkPair, first: Look, last: Look, **view: Any) -> dict[tuple[str, str | None], Finding]:
    nodes = [{"host": "127.0.0.1"}, {"host": "127.0.0.1", "hazelcast_port": 4001}]
    pair = UpPair(profile(nodes=nodes), {}, one_machine=True)
    whole = {"exists": os.path.exists, "places": places(cluster), **view}
    return {(one.id, one.node): one for one in judge_spark(SparkView(pair, first, last, **whole))}


def test_one_master_is_alive_the_other_stands_by(cluster: SparkPair) -> None:
    seen = look(places(cluster))
    assert sorted(filter(None, map(seen.status, ("node1", "node2")))) == ["ALIVE", "STANDBY"]
    assert len(seen.listed(seen.alive[0], "workers")) == 2
    found = judged(cluster, seen, seen)
    assert found["verify.spark-ui", "node1"].status == "ok"
    assert found["verify.spark-ui", "node2"].status == "ok"
    assert found["verify.spark-workers", seen.alive[0]].message == "2 workers are alive"
    assert found["verify.spark-application", seen.alive[0]].status == "error"
    assert found["verify.spark-executors", "node1"].status == "error"


@pytest.fixture(scope="module")
def application(cluster: SparkPair, tmp_path_factory: pytest.TempPathFactory) -> SparkPair:
    jar = tmp_path_factory.mktemp("jars") / "here.jar"
    jar.touch()
    cluster.start_application(
        "carbon.spark.master=local",
        "carbon.spark.master.count=2",
        f"spark.executor.extraClassPath={jar}:/nowhere/at/all.jar",
    )
    deadline = time.monotonic() + 120  # an executor that a busy machine let end is started anew
    while not all(map(look(places(cluster)).executors, ("node1", "node2"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return cluster


def test_a_running_application_with_its_environment(application: SparkPair) -> None:
    first, last = two_looks(places(application), between=0)
    found = judged(application, first, last, exists=lambda path: None)
    assert {one.status for one in found.values()} == {"ok"}
    assert found["verify.spark-application", last.alive[0]].message == "CarbonAnalytics is running"
    assert found["verify.spark-executors", "node1"].message == "1 executor running"
    assert last.environment is not None
    assert last.environment.properties["carbon.spark.master.count"] == "2"


def test_what_differs_from_the_profile_or_does_not_exist_is_named(application: SparkPair) -> None:
    seen, other = look(places(application)), places(application)
    other["node1"] = dataclasses.replace(other["node1"], cluster=7077)
    master = f"127.0.0.1:{application.master_ports[0]} is not a node of the profile"
    for text, view in (
        ("1 class path entry does not exist here: /nowhere/at/all.jar", {}),
        (master, {"exists": lambda path: None, "places": other}),
    ):
        found = judged(application, seen, seen, **view)
        environment = [one for (id, _), one in found.items() if id == "verify.spark-environment"]
        assert [one.status for one in environment] == ["error"]
        assert text in environment[0].message


def test_the_page_of_old_versions_gives_the_same_environment(
    application: SparkPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spark before 2.2 has the environment only as a web page; here that of a newer one is read."""
    from wizard.verify import spark
    from wizard.verify.spark import PageAnswer, ask_json

    by_json = look(places(application)).environment
    monkeypatch.setattr(
        spark,
        "ask_json",
        lambda url, limit: PageAnswer(url, "strange") if "/api/" in url else ask_json(url, limit),
    )
    by_page = look(places(application)).environment
    assert by_json is not None
    assert by_page is not None
    assert by_page.url.endswith("/environment/")
    assert by_page.properties == by_json.properties
    assert by_page.class_path == by_json.class_path


def test_executors_that_keep_restarting_are_seen_by_two_looks(application: SparkPair) -> None:
    """The executor is killed between the looks, as one that fails ends by itself; the worker starts another."""
    worker = application.worker_programs[0]
    since = len(worker.lines)

    def kill_an_executor(_: float) -> None:
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(worker.process.pid)],
            capture_output=True,
            text=True,
            check=True,
        )
        for pid in children.stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        worker.wait_for("finished with state", since=since)
        worker.wait_for("Launch command", since=since)

    first, last = two_looks(places(application), between=0, wait=kill_an_executor)
    found = judged(application, first, last)
    assert found["verify.spark-executors", "node1"].status == "error"
    ended = len(last.executors("node1", "finishedexecutors"))
    assert f"keep restarting: {ended} have ended" in found["verify.spark-executors", "node1"].message
    assert found["verify.spark-executors", "node2"].status == "ok"


def test_a_master_that_was_killed_is_missed(application: SparkPair) -> None:
    dead = application.alive
    application.master_programs[dead].end()
    seen = look(places(application))
    found = judged(application, seen, seen)
    assert found["verify.spark-ui", f"node{dead + 1}"].status == "error"
    assert "refused" in found["verify.spark-ui", f"node{dead + 1}"].message
