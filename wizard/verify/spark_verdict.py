"""Two looks at the Spark UIs → findings (procedure 10).  Pure, except for whether class path entries exist here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from wizard.system import finding
from wizard.system.finding import Finding
from wizard.system.printable import quoted
from wizard.verify.facts import Address
from wizard.verify.pair import NOT_WRITTEN, About, Pair
from wizard.verify.spark import Environment, Look, PageAnswer, SparkAddress, port_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wizard.profile.model import Node

QUOTED = 3
RESTART = "replay the profile, then start both nodes again"


@dataclasses.dataclass(frozen=True)
class SparkView:
    """What the judges need: the pair, both looks, where the UIs are.

    `exists`: whether a path exists on this machine; None if unknown (another machine's).
    """

    pair: Pair
    first: Look
    last: Look
    places: Mapping[str, SparkAddress]
    exists: Callable[[str], bool | None]
    stale: frozenset[str] = frozenset()
    """The nodes that came up after the last look: what it did not show yet is no error."""

    def running(self, node: Node) -> bool:
        return self.pair.running(node) and node.name not in self.stale

    @property
    def both_running(self) -> bool:
        return all(map(self.running, self.pair.nodes))

    @property
    def alive(self) -> str | None:
        """The node whose master is ALIVE, if there is one."""
        return next(iter(self.last.alive), None)

    def url(self, node: str) -> str:
        return self.last.masters[node].url

    def missing(self, about: About, message: str, url: str, fix: str = RESTART) -> Finding:
        """Return the finding about what is not there: an error once both nodes are up, awaited before."""
        return about.error(message, url, fix) if self.both_running else about.waiting(message, url)


def judge_spark(view: SparkView) -> list[Finding]:
    """Return the findings about Spark, each with its id."""
    return [found for id, judge in _JUDGES.items() for found in finding.of(id, judge(view))]


def _list(texts: Sequence[str], between: str = ", ") -> str:
    """Return the first few texts."""
    return between.join(texts[:QUOTED]) + (f"{between}…" if len(texts) > QUOTED else "")


def _uis(view: SparkView) -> Iterator[Finding]:
    statuses = {name: view.last.status(name) for name in view.last.masters}
    known = [status for status in statuses.values() if status is not None]
    for node in view.pair.nodes:
        answer, status, about = view.last.masters[node.name], statuses[node.name], About(node.name)
        if status is None:
            yield _no_master(view, node, answer, others=len(known))
        elif status == "ALIVE" and known.count("ALIVE") > 1:
            fix = "both nodes must be in one Hazelcast cluster: see verify.member, then start both again"
            yield about.error("both masters are ALIVE: each node has its own Spark", answer.url, fix)
        elif status not in ("ALIVE", "STANDBY"):
            yield about.waiting(f"its master is {quoted(status)}", answer.url)
        elif view.alive is not None or len(known) < len(statuses):
            yield about.ok(f"its master is {status}", answer.url)
        elif known.count("STANDBY") == len(known) and view.both_running:
            yield about.error("both masters are STANDBY, none is ALIVE", answer.url, RESTART)
        else:  # the other master may be RECOVERING
            yield about.waiting(f"its master is {status}, and none is ALIVE yet", answer.url)


def _no_master(view: SparkView, node: Node, answer: PageAnswer, *, others: int) -> Finding:
    wanted, about, url = view.pair.profile.spark.master_count, About(node.name), answer.url
    if answer.status == "refused":
        if others >= wanted:
            return about.ok(f"no master here: the profile wants {wanted}", url)
        if not view.running(node):
            return about.waiting(f"the Spark UI is not available yet: {answer.detail}", url)
        fix = f"search the log of {node.name} for Spark; check spark.master.webui.port plus the offset and the firewall"
        return about.error(f"the server is up, but its Spark UI is not: {answer.detail}", url, fix)
    fixes = {
        "silent": f"check the load of the machine, and whether a firewall drops the packets: curl -v {url}",
        "login": "let this machine through without a log-in, or leave Spark out with --offline",
    }
    other = f"another program listens there: give {node.name} another port_offset, or stop that program"
    return about.error(f"no Spark master answers: {answer.detail}", url, fixes.get(answer.status, other))


def _workers(view: SparkView) -> Iterator[Finding]:
    if view.alive is None:
        yield About(None).waiting("no master is ALIVE yet that lists workers")
        return
    wanted, about, url = len(view.pair.nodes), About(view.alive), view.url(view.alive)
    count = sum(worker.get("state") == "ALIVE" for worker in view.last.listed(view.alive, "workers"))
    alive = "1 worker is alive" if count == 1 else f"{count} workers are alive"
    if count == wanted:
        yield about.ok(alive, url)
    elif count > wanted:
        fix = "stop the other programs that start Spark workers, then start both nodes again"
        yield about.error(f"{alive}, more than the {wanted} nodes", url, fix)
    else:
        yield view.missing(about, f"{alive}, fewer than the {wanted} nodes", url)


def _executors(view: SparkView) -> Iterator[Finding]:
    for node in view.pair.nodes:
        answer, about = view.last.workers.get(node.name), About(node.name)
        if answer is None:
            continue
        if answer.status != "ok":
            yield view.missing(about, f"its worker's UI does not answer: {answer.detail}", answer.url)
            continue
        now, before = set(view.last.executors(node.name)), set(view.first.executors(node.name))
        ended = len(view.last.executors(node.name, "finishedexecutors"))
        came = ended - len(view.first.executors(node.name, "finishedexecutors"))
        earlier = view.first.workers.get(node.name)
        seen_before = earlier is not None and earlier.status == "ok"
        if seen_before and (came > 0 or (before and now and not before & now)):
            fix = f"read stderr of the newest executor at {answer.url.removesuffix('json/')}; the class path must "
            fix += "exist on this machine (spark.symbolic_link)"
            yield about.error(f"its executors keep restarting: {ended} have ended so far", answer.url, fix)
        elif now:
            yield about.ok(f"{len(now)} executor{'s' if len(now) > 1 else ''} running", answer.url)
        else:
            yield view.missing(about, "its worker has no running executor", answer.url)


def _application(view: SparkView) -> Iterator[Finding]:
    if view.alive is None:
        yield About(None).waiting("no master is ALIVE yet that runs an application")
        return
    about, url = About(view.alive), view.url(view.alive)
    applications = view.last.listed(view.alive, "activeapps")
    states = {quoted(str(one.get("name"))): str(one.get("state")) for one in applications}
    running = [name for name, state in states.items() if state == "RUNNING"]
    if running:
        yield about.ok(f"{_list(running)} is running", url)
    elif applications and view.both_running:
        fix = "the workers have too few cores or too little memory (spark.worker.* against spark.executor.*)"
        yield about.error(f"{_list(list(states))} waits for executors that never come", url, fix)
    else:
        yield view.missing(about, "no application is running", url)


def _environment(view: SparkView) -> Iterator[Finding]:
    environment = view.last.environment or view.first.environment
    if environment is not None:
        problems = [*_parameters(view, environment), *_class_path(view, environment)]
        fits = "the application's parameters are those of the profile"
        yield from problems or [About(environment.node).ok(fits, environment.url)]
    elif view.alive is not None and view.last.listed(view.alive, "activeapps"):
        url = view.url(view.alive)
        message = "the application's own UI was not found, so its environment was not compared"
        yield About(None).warning(message, url, f"open it from {url.removesuffix('json/')}, tab Environment")
    else:
        yield About(None).waiting("no application is running yet whose environment could be compared")


def _parameters(view: SparkView, environment: Environment) -> Iterator[Finding]:
    """Compare what the procedure sets, as far as the page shows it: versions differ in what they list."""
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
    nodes = [Address(one.host, one.cluster) for one in view.places.values()]
    for text in masters.removeprefix("spark://").split(",") if masters.startswith("spark://") else ():
        host, _, port = text.strip().rpartition(":")
        seen = Address(host, number) if (number := port_number(port)) is not None else None
        if seen is None or not any(view.pair.matches(one, seen) for one in nodes):
            differs.append(f"its master {quoted(text)} is not a node of the profile")
    if differs:
        message = f"{_list(differs, '; ')}: {NOT_WRITTEN}"
        yield About(environment.node).error(message, environment.url, RESTART)


def _class_path(view: SparkView, environment: Environment) -> Iterator[Finding]:
    """Report the entries of the executors' and the driver's class path that are missing on this machine."""
    entries = list(environment.class_path)
    for key in ("spark.executor.extraClassPath", "spark.driver.extraClassPath"):
        entries += environment.properties.get(key, "").split(":")
    paths = (entry.removeprefix("file:") for entry in dict.fromkeys(map(str.strip, entries)))
    missing = [quoted(path) for path in paths if path.startswith("/") and view.exists(path) is False]
    if missing:
        many = f"{len(missing)} class path entr{'ies do' if len(missing) > 1 else 'y does'} not exist here"
        fix = "set spark.symbolic_link to a path that points to the home on both machines, replay, start both again"
        yield About(environment.node).error(f"{many}: {_list(missing)}", environment.url, fix)


_JUDGES: dict[str, Callable[[SparkView], Iterator[Finding]]] = {
    "verify.spark-ui": _uis,
    "verify.spark-workers": _workers,
    "verify.spark-executors": _executors,
    "verify.spark-application": _application,
    "verify.spark-environment": _environment,
}
SPARK_IDS = tuple(_JUDGES)
