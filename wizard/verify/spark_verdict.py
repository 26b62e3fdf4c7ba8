"""Two looks at the Spark UIs → findings (procedure 10).  Pure but for asking whether class path entries
exist here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from wizard.system import finding
from wizard.system.finding import Finding
from wizard.system.printable import quoted
from wizard.verify.pair import Pair
from wizard.verify.spark import Environment, Look, SparkAddress, port_number
from wizard.verify.story import Address
from wizard.verify.ui import PageAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wizard.profile.model import Node

SPARK_IDS = (
    "verify.spark-ui",
    "verify.spark-workers",
    "verify.spark-executors",
    "verify.spark-application",
    "verify.spark-environment",
)
QUOTED = 3
RESTART = "replay the profile, then start both nodes again"


@dataclasses.dataclass(frozen=True)
class SparkView:
    """What the judges need: the pair, both looks, where the UIs are, each master's port with its offset.

    `exists` tells of a path on this machine whether it is there; None where it cannot be told (another
    machine's).
    """

    pair: Pair
    first: Look
    last: Look
    places: Mapping[str, SparkAddress]
    master_ports: Mapping[str, int]
    exists: Callable[[str], bool | None]
    stale: frozenset[str] = frozenset()
    """The nodes that have come up since the last look: what it did not show yet is no error."""

    def running(self, node: Node) -> bool:
        return self.pair.running(node) and node.name not in self.stale

    @property
    def both_running(self) -> bool:
        return all(self.running(node) for node in self.pair.nodes)

    @property
    def alive(self) -> str | None:
        """The node whose master is ALIVE, if there is one."""
        return next(iter(self.last.alive), None)

    def url(self, node: str) -> str:
        return self.last.masters[node].url


def judge_spark(view: SparkView) -> list[Finding]:
    """The findings about Spark, each with its id."""
    judges: tuple[tuple[str, Callable[[SparkView], Iterable[Finding]]], ...] = tuple(
        zip(SPARK_IDS, (_uis, _workers, _executors, _application, _environment), strict=True)
    )
    return [found for id, judge in judges for found in finding.of(id, judge(view))]


def _list(texts: Sequence[str], between: str = ", ") -> str:
    """The first few."""
    return between.join(texts[:QUOTED]) + (f"{between}…" if len(texts) > QUOTED else "")


def _uis(view: SparkView) -> Iterator[Finding]:
    statuses = {name: view.last.status(name) for name in view.last.masters}
    known = [status for status in statuses.values() if status is not None]
    for node in view.pair.nodes:
        answer, status = view.last.masters[node.name], statuses[node.name]
        if status is None:
            yield _no_master(view, node, answer, others=len(known))
        elif status == "ALIVE" and known.count("ALIVE") > 1:
            yield finding.error(
                "both masters are ALIVE: each node has a Spark of its own",
                node=node.name,
                evidence=answer.url,
                fix="the nodes have to be in one Hazelcast cluster: see verify.member, then start both again",
            )
        elif status not in ("ALIVE", "STANDBY"):
            yield finding.waiting(f"its master is {quoted(status)}", node=node.name, evidence=answer.url)
        elif view.alive is None and len(known) == len(statuses):
            yield _nobody_alive(view, node, status, answer)
        else:
            yield finding.ok(f"its master is {status}", node=node.name, evidence=answer.url)


def _nobody_alive(view: SparkView, node: Node, status: str, answer: PageAnswer) -> Finding:
    # RECOVERING elsewhere is a master on its way; two that stand by wait for nobody.
    if all(view.last.status(name) == "STANDBY" for name in view.last.masters) and view.both_running:
        return finding.error(
            "both masters stand by, none is ALIVE", node=node.name, evidence=answer.url, fix=RESTART
        )
    return finding.waiting(
        f"its master is {status}, and none is ALIVE yet", node=node.name, evidence=answer.url
    )


def _no_master(view: SparkView, node: Node, answer: PageAnswer, *, others: int) -> Finding:
    wanted = view.pair.profile.spark.master_count
    if answer.status == "refused":
        if others >= wanted:
            return finding.ok(
                f"no master here: the profile wants {wanted}", node=node.name, evidence=answer.url
            )
        if not view.running(node):
            return finding.waiting(
                f"the Spark UI is not there yet: {answer.detail}", node=node.name, evidence=answer.url
            )
        return finding.error(
            f"the server is up, but its Spark UI is not: {answer.detail}",
            node=node.name,
            evidence=answer.url,
            fix=f"look for Spark in the log of {node.name}; is spark.master.webui.port plus the offset right, "
            "and let through by the firewall?",
        )
    if answer.status == "silent":
        fix = f"look at the load of the machine, and whether a firewall swallows the packets: curl -v {answer.url}"
    elif answer.status == "login":
        fix = "let this machine through without a log-in, or leave Spark out with --offline"
    else:
        fix = f"another program listens there: give {node.name} another port_offset, or stop that program"
    return finding.error(
        f"no Spark master at its place: {answer.detail}", node=node.name, evidence=answer.url, fix=fix
    )


def _workers(view: SparkView) -> Iterator[Finding]:
    if view.alive is None:
        yield finding.waiting("no master is ALIVE yet that could tell of workers")
        return
    wanted = len(view.pair.nodes)
    workers = view.last.listed(view.alive, "workers")
    count = sum(1 for worker in workers if worker.get("state") == "ALIVE")
    url = view.url(view.alive)
    if count == wanted:
        yield finding.ok(_alive(count), node=view.alive, evidence=url)
    elif count < wanted and not view.both_running:
        yield finding.waiting(f"{count} of {wanted} workers so far", node=view.alive, evidence=url)
    else:
        problem = "more" if count > wanted else "fewer"
        yield finding.error(
            f"{_alive(count)}, {problem} than the {wanted} nodes",
            node=view.alive,
            evidence=url,
            fix="stop what else starts Spark workers, then start both nodes again"
            if count > wanted
            else RESTART,
        )


def _alive(count: int) -> str:
    return "1 worker is alive" if count == 1 else f"{count} workers are alive"


def _executors(view: SparkView) -> Iterator[Finding]:
    for node in view.pair.nodes:
        answer = view.last.workers.get(node.name)
        if answer is None:
            continue
        if answer.status != "ok":
            report = _awaited(view, node)
            yield report(
                f"its worker's UI cannot be seen: {answer.detail}", node=node.name, evidence=answer.url
            )
            continue
        now, before = set(view.last.executors(node.name)), set(view.first.executors(node.name))
        ended = len(view.last.executors(node.name, "finishedexecutors"))
        came = ended - len(view.first.executors(node.name, "finishedexecutors"))
        seen_before = (earlier := view.first.workers.get(node.name)) is not None and earlier.status == "ok"
        if seen_before and (came > 0 or (before and now and not before & now)):
            yield finding.error(
                f"its executors keep restarting: {ended} have ended so far",
                node=node.name,
                evidence=answer.url,
                fix=f"read stderr of the newest executor at {answer.url.removesuffix('json/')}; the class path must "
                "exist on this machine (spark.symbolic_link)",
            )
        elif now:
            yield finding.ok(
                f"{len(now)} executor{'s' if len(now) > 1 else ''} running",
                node=node.name,
                evidence=answer.url,
            )
        else:
            report = _awaited(view, node)
            yield report("its worker has no running executor", node=node.name, evidence=answer.url)


def _awaited(view: SparkView, node: Node) -> Callable[..., Finding]:
    """How something that is not there yet is reported: an error once both nodes are up."""

    def as_error(message: str, *, node: str, evidence: str) -> Finding:
        return finding.error(message, node=node, evidence=evidence, fix=RESTART)

    return as_error if view.both_running else finding.waiting


def _application(view: SparkView) -> Iterator[Finding]:
    if view.alive is None:
        yield finding.waiting("no master is ALIVE yet that could run an application")
        return
    url = view.url(view.alive)
    applications = view.last.listed(view.alive, "activeapps")
    states = {quoted(str(one.get("name"))): str(one.get("state")) for one in applications}
    if "RUNNING" in states.values():
        names = _list([name for name, state in states.items() if state == "RUNNING"])
        yield finding.ok(f"{names} is running", node=view.alive, evidence=url)
    elif applications and view.both_running:
        yield finding.error(
            f"{_list(list(states))} waits for executors that never come",
            node=view.alive,
            evidence=url,
            fix="the workers have too few cores or too little memory (spark.worker.* against spark.executor.*)",
        )
    elif view.both_running:
        yield finding.error("no application is running", node=view.alive, evidence=url, fix=RESTART)
    else:
        yield finding.waiting("no application is running yet", node=view.alive, evidence=url)


def _environment(view: SparkView) -> Iterator[Finding]:
    environment = view.last.environment or view.first.environment
    if environment is None:
        if view.alive is not None and view.last.listed(view.alive, "activeapps"):
            yield finding.warning(
                "the application's own UI was not found, so its environment was not compared",
                evidence=view.url(view.alive),
                fix=f"open it from {view.url(view.alive).removesuffix('json/')}, tab Environment",
            )
        else:
            yield finding.waiting("no application is running yet whose environment could be compared")
        return
    problems = [*_parameters(view, environment), *_class_path(view, environment)]
    yield from problems
    if not problems:
        yield finding.ok(
            "the application's parameters are those of the profile",
            node=environment.node,
            evidence=environment.url,
        )


def _parameters(view: SparkView, environment: Environment) -> Iterator[Finding]:
    """Only what the procedure sets, and only where the page shows it: versions differ in what they list."""
    spark = view.pair.profile.spark
    wanted = {"carbon.spark.master": "local", "carbon.spark.master.count": str(spark.master_count)}
    if spark.symbolic_link is not None and not view.pair.one_machine:
        wanted["carbon.das.symbolic.link"] = f"{str(spark.symbolic_link).rstrip('/')}/"
    differs = [
        f"{key} is {quoted(environment.properties[key])}, not {value}"
        for key, value in wanted.items()
        if key in environment.properties and environment.properties[key].strip() != value
    ]
    masters = environment.properties.get("spark.master", "")
    nodes = [Address(view.places[name].host, port) for name, port in view.master_ports.items()]
    for text in masters.removeprefix("spark://").split(",") if masters.startswith("spark://") else ():
        host, _, port = text.strip().rpartition(":")
        seen = Address(host, number) if (number := port_number(port)) is not None else None
        if seen is None or not any(view.pair.matches(one, seen) for one in nodes):
            differs.append(f"its master {quoted(text)} is no node of the profile")
    if differs:
        yield finding.error(
            f"{_list(differs, '; ')}: the configuration in use is not the one that was written",
            node=environment.node,
            evidence=environment.url,
            fix=RESTART,
        )


def _class_path(view: SparkView, environment: Environment) -> Iterator[Finding]:
    """Entries of the executors' class path and of the driver's own that are not on this machine."""
    entries = list(environment.class_path)
    for key in ("spark.executor.extraClassPath", "spark.driver.extraClassPath"):
        entries += environment.properties.get(key, "").split(":")
    missing = []
    for entry in dict.fromkeys(entry.strip() for entry in entries):
        path = entry.removeprefix("file:")
        if PurePosixPath(path).is_absolute() and view.exists(path) is False:
            missing.append(quoted(path))
    if missing:
        yield finding.error(
            f"{len(missing)} class path entr{'ies do' if len(missing) > 1 else 'y does'} not exist here: "
            f"{_list(missing)}",
            node=environment.node,
            evidence=environment.url,
            fix="the path must lead to the home on both machines: set spark.symbolic_link, replay, start both again",
        )
