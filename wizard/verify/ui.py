"""Requests to a server that may be anything: down, silent, slow, another program, behind a log-in."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from wizard.system.peer import Allowance, reach

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
