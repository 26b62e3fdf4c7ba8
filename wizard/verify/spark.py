"""Reads the Spark UIs of both nodes: masters, workers, the application, its environment (procedure 10).

Each may be anything: down, silent, slow, another program, behind a log-in.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote

from wizard.pack import ports
from wizard.system import bounded
from wizard.system.peer import Allowance, reach

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.profile.model import Node, Profile

LIMIT = 5.0
"""Seconds that one page may take, from the first packet to the last."""
LARGEST = 2 * 1024 * 1024

PageStatus = Literal["ok", "refused", "silent", "login", "strange"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """The answer of a page.

    `status`: `ok` (`data` is the parsed JSON, or the text if text was requested), `refused` (no listener, or no
    route), `silent` (no complete answer within the limit), `login`, `strange` (anything else).  `detail` explains it.
    """

    url: str
    status: PageStatus
    detail: str = ""
    data: Any = None


def page(host: str, port: int, path: str) -> str:
    """Return the URL of a page; an IPv6 address gets brackets."""
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"


def ask_json(url: str, limit: float = LIMIT) -> PageAnswer:
    """Return the JSON at a URL.  Never raises, whatever the other end sends."""
    answer = ask(url, limit)
    if answer.status != "ok":
        return answer
    try:
        return PageAnswer(url, "ok", "", json.loads(answer.data))
    except (ValueError, RecursionError):
        page = "<html" in answer.data[:2000].lower() or answer.data.lstrip()[:1] == "<"
        detail = "it answers with a web page, not with Spark's JSON" if page else "its answer is not JSON"
        return PageAnswer(url, "strange", detail)


def ask(url: str, limit: float = LIMIT) -> PageAnswer:
    """Return the complete text at a URL within `limit` seconds; no proxy, redirect, cookie or password."""
    import http.client
    from urllib.parse import urlsplit

    allowance = Allowance(limit, LARGEST)
    place = urlsplit(url)

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = reach(self.host, self.port, allowance, limit=limit)

    try:
        with closing(Connection(place.hostname or "", place.port)) as connection:
            connection.request("GET", place.path)
            response = connection.getresponse()
            if not 200 <= response.status < 300:
                return _refusal(url, response.status)
            content = b""
            while block := response.read1(65536):
                content += block
            return PageAnswer(url, "ok", "", content.decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException, ValueError, OverflowError) as problem:
        if allowance.spent == "size":
            return PageAnswer(url, "strange", "it sends more than a page of Spark needs")
        if isinstance(problem, TimeoutError):
            return PageAnswer(url, "silent", f"no answer within {limit:g} s")
        # Not BadStatusLine of a server that sends nothing, which is a ConnectionError too.
        if isinstance(problem, OSError) and not isinstance(problem, http.client.HTTPException):
            reason = problem.strerror or str(problem) or "no connection"
            unknown = isinstance(problem, socket.gaierror)
            return PageAnswer(url, "refused", "the host is not known" if unknown else reason.lower())
        return PageAnswer(url, "strange", f"it does not speak HTTP ({type(problem).__name__})")


def _refusal(url: str, code: int) -> PageAnswer:
    if code in (401, 403, 407) or 300 <= code < 400:
        return PageAnswer(url, "login", f"it asks for a log-in (HTTP {code})")
    detail = "the page does not exist (HTTP 404)" if code == 404 else f"it answers HTTP {code}"
    return PageAnswer(url, "strange", detail)


def at_once(jobs: Mapping[str, Callable[[], T]], limit: float) -> dict[str, T]:
    """Return the result of each job, run in parallel, except those that take more than `limit` seconds.

    In daemon threads: a job that hangs, in spite of its own limit, delays neither the others nor the exit.
    """
    results: dict[str, T] = {}

    def run(name: str, job: Callable[[], T]) -> None:
        with suppress(Exception):  # an answer that breaks the job counts as no answer
            results[name] = job()

    threads = [threading.Thread(target=run, args=one, daemon=True) for one in jobs.items()]
    deadline = time.monotonic() + limit
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(results)


def tables(text: str) -> dict[str, list[list[str]]]:
    """Return the tables of a web page by the heading (`h4`) above them, as rows of cells.

    By lxml, in linear time for any page: `html.parser` may need quadratic time.
    """
    from lxml import etree

    found: dict[str, list[list[str]]] = {}
    heading = ""
    root = etree.fromstring(text.encode("utf-8", "replace"), etree.HTMLParser(encoding="utf-8"))
    for element in root.iter("h4", "tr") if root is not None else ():
        if element.tag == "h4":
            heading = "".join(map(str, element.itertext())).strip()
        elif cells := ["".join(map(str, cell.itertext())).strip() for cell in element.iterchildren("td")]:
            found.setdefault(heading, []).append(cells)
    return found


BETWEEN = 4.0
"""Seconds between the two looks: a failed executor is restarted at once."""


@dataclass(frozen=True, slots=True)
class SparkAddress:
    """Where a node's UIs are: the host, and the ports with the offset; `cluster` is the port of the master itself."""

    host: str
    master: int
    worker: int
    application: int
    cluster: int


@dataclass(frozen=True, slots=True)
class Environment:
    """The Environment page of the running application: `node` is where its UI was found."""

    url: str
    node: str
    properties: Mapping[str, str]
    class_path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the UIs, by the nodes' names."""

    masters: Mapping[str, PageAnswer] = field(default_factory=dict)
    workers: Mapping[str, PageAnswer] = field(default_factory=dict)
    environment: Environment | None = None

    def status(self, node: str) -> str | None:
        """Return `ALIVE`, `STANDBY`, `RECOVERING`, …; None if no master answers."""
        answer = self.masters.get(node)
        return _text(answer.data.get("status")) if answer is not None and answer.status == "ok" else None

    @property
    def alive(self) -> list[str]:
        """The nodes whose master is ALIVE."""
        return [name for name in self.masters if self.status(name) == "ALIVE"]

    def listed(self, node: str, key: str) -> list[dict[str, Any]]:
        """Return a list of a master's JSON, such as `workers` or `activeapps`."""
        return _dicts(self.masters[node].data.get(key)) if self.status(node) is not None else []

    def executors(self, node: str, key: str = "executors") -> list[tuple[str, str]]:
        """Return the executors of a node's worker: the application and the executor's id."""
        answer = self.workers.get(node)
        if answer is None or answer.status != "ok":
            return []
        return [(_text(one.get("appid")), _text(one.get("id"))) for one in _dicts(answer.data.get(key))]


def places(profile: Profile, packs: Mapping[str, Pack]) -> dict[str, SparkAddress]:
    """Return where the UIs of both nodes are by the configuration.

    A node whose home is not here is assumed to have its partner's pack.
    """
    found = {}
    for node in profile.nodes:
        pack = packs.get(node.name) or packs.get(profile.partner(node).name)
        follows = pack is None or pack.components.binds_spark_to_local_ip
        found[node.name] = SparkAddress(
            (node.spark_local_ip if follows else None) or node.host,
            ports.spark_ui(node, pack),
            ports.spark_worker_ui(node, pack),
            _port(node, pack, "spark.ui.port", 4040),
            _port(node, pack, "spark.master.port", 7077),
        )
    return found


def _port(node: Node, pack: Pack | None, name: str, stock: int) -> int:
    listed = (port.number for port in ports.of(node, pack) if port.name == name)
    return next(listed, stock + ports.offset_of(node, pack))


def look(places: Mapping[str, SparkAddress], limit: float = LIMIT) -> Look:
    """Look at all UIs once, the masters first, then what the ALIVE one lists.

    `limit` is for one page, in seconds; the whole takes at most a few times as long, whatever the other end does.
    """
    masters = _ask_all({name: (place.host, place.master) for name, place in places.items()}, limit)
    first = Look(masters)
    if all(answer.status != "ok" for answer in masters.values()):
        return first
    running = [_text(one.get("id")) for alive in first.alive for one in first.listed(alive, "activeapps")]
    workers = {name: (place.host, _worker_port(first, place)) for name, place in places.items()}
    jobs: dict[str, Callable[[], Any]] = {"": partial(_ask_all, workers, limit)}
    for name, place in places.items() if running else ():
        jobs[name] = partial(_environment, name, place, running[0], limit)
    done = at_once(jobs, 4 * limit)
    answers = done.pop("", {})
    return Look(masters, answers, next((one for one in done.values() if one is not None), None))


def _ask_all(addresses: Mapping[str, tuple[str, int]], limit: float) -> dict[str, PageAnswer]:
    """Return the JSON of all, requested in parallel; one that is too slow is silent."""
    urls = {name: page(*address, "/json/") for name, address in addresses.items()}
    answers = at_once({name: partial(ask_json, url, limit) for name, url in urls.items()}, 2 * limit)
    for name, url in urls.items():
        answer = answers.setdefault(name, PageAnswer(url, "silent", f"no answer within {2 * limit:g} s"))
        if answer.status == "ok" and not isinstance(answer.data, dict):
            answers[name] = PageAnswer(url, "strange", "its answer is not Spark's")
    return {name: answers[name] for name in urls}


def two_looks(
    places: Mapping[str, SparkAddress],
    *,
    between: float = BETWEEN,
    limit: float = LIMIT,
    wait: Callable[[float], object] = time.sleep,
) -> tuple[Look, Look]:
    """Look twice, some seconds apart; only once if no worker answers."""
    first = look(places, limit)
    if not first.workers:
        return first, first
    wait(between)
    return first, look(places, limit)


def _worker_port(first: Look, place: SparkAddress) -> int:
    """Return the port of a worker's UI: the one that a master lists for this host (Spark evades used ports).

    Only the port is taken from the answer: only hosts of the profile are asked.
    """
    known = set()
    for worker in (one for name in first.masters for one in first.listed(name, "workers")):
        address = _text(worker.get("webuiaddress")).rpartition("//")[2]
        host, _, port = address.partition("/")[0].rpartition(":")
        if _text(worker.get("state")) == "ALIVE" and place.host in (host.strip("[]"), worker.get("host")):
            known.add(port_number(port) or place.worker)
    return place.worker if place.worker in known or len(known) != 1 else known.pop()


def _environment(name: str, place: SparkAddress, application: str, limit: float) -> Environment | None:
    """Return the application's environment if its UI is on this node: as JSON, else from the page of old versions."""
    path = f"/api/v1/applications/{quote(application, safe='')}/environment"
    answer = ask_json(page(place.host, place.application, path), limit)
    found, keys = answer.data, ("sparkProperties", "classpathEntries")
    if answer.status in ("refused", "silent"):
        return None
    if not isinstance(found, dict) or keys[0] not in found:
        answer = ask(page(place.host, place.application, "/environment/"), limit)
        found = tables(answer.data) if answer.status == "ok" else {}
        keys = ("Spark Properties", "Classpath Entries")
    properties, entries = (_rows(found.get(key)) for key in keys)
    if not properties or dict(properties).get("spark.app.id", application) != application:
        return None
    return Environment(answer.url, name, dict(properties), tuple(one for one, _ in entries))


def port_number(text: str) -> int | None:
    """Return a TCP port that a page names; None if it is not one."""
    number = bounded.number(text)
    return number if number is not None and 0 < number < 65536 else None


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _rows(value: Any) -> list[tuple[str, str]]:
    rows = value if isinstance(value, list) else []
    return [(_text(row[0]), _text(row[1])) for row in rows if isinstance(row, list) and len(row) >= 2]


def _text(value: Any) -> str:
    """Return the value as text that can be encoded: JSON may contain halves of characters."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return text.encode("utf-8", "replace").decode("utf-8")
