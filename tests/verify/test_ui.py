"""Pages that are not what they should be: each gets its answer, none raises, none waits longer than its limit."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from tests.support.listeners import listener, silent
from wizard.verify.spark import LARGEST, ask_json, at_once, page, tables

Answering = Callable[[socket.socket], None]


def saying(status: str, body: str, *headers: str) -> Answering:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", "Connection: close", *headers]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    return answer


def sending(content: bytes) -> Answering:
    return lambda connection: connection.sendall(content)


def flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 1_000_000)


@pytest.mark.parametrize(
    ("answering", "expected"),
    [
        (saying("200 OK", "{}"), "ok"),
        (saying("200 OK", "<!DOCTYPE html><html><body>Welcome</body></html>"), "strange"),
        (saying("200 OK", "<p>hello"), "strange"),
        (saying("200 OK", "hello"), "strange"),
        (saying("200 OK", ""), "strange"),
        (saying("200 OK", "[" * 100_000), "strange"),
        (saying("401 Unauthorized", ""), "login"),
        (saying("403 Forbidden", ""), "login"),
        (saying("302 Found", "", "Location: http://127.0.0.1:1/login"), "login"),
        (saying("404 Not Found", ""), "strange"),
        (saying("500 Internal Server Error", ""), "strange"),
        (sending(b"5.6.24\x00\x01\x02 mysql_native_password\r\n"), "strange refused"),
        (sending(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "strange refused"),
        (flood, "strange"),
    ],
)
def test_each_answer_has_its_status(
    answering: Answering, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):  # a proxy of the environment is not asked
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with listener(answering) as port:
        answer = ask_json(page("127.0.0.1", port, "/json/"), limit=10)
    assert answer.status in expected.split()
    assert (answer.detail == "") == (expected == "ok") == (answer.data == {})


def test_a_page_that_is_not_there_or_hangs() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        answer = ask_json(page("127.0.0.1", unheard.getsockname()[1], "/json/"))
    assert (answer.status, answer.detail) == ("refused", "connection refused")
    assert ask_json(page("host.invalid", 80, "/json/"), limit=5).status in ("refused", "silent")
    with listener(silent) as port:
        assert ask_json(page("127.0.0.1", port, "/json/"), limit=0.2).status == "silent"
    assert page("::1", 8081, "/json/") == "http://[::1]:8081/json/"


def test_jobs_run_at_once_and_one_that_hangs_is_left_behind() -> None:
    barrier, over = threading.Barrier(3, timeout=5), threading.Event()
    jobs = {name: lambda: barrier.wait() >= 0 for name in "abc"}
    assert at_once({**jobs, "hangs": lambda: over.wait(5)}, 1) == dict.fromkeys("abc", True)
    over.set()


def test_tables_of_an_old_page() -> None:
    text = """<h4>Spark Properties</h4><table><thead><th>Name</th><th>Value</th></thead><tbody>
        <tr><td>spark.master</td><td>spark://a:7077</td></tr><tr><td>a &amp; b</td><td></td></tr></tbody></table>
        <h4>Classpath Entries</h4><table><tr><td>/opt/x.jar</td><td>System Classpath</td></tr></table>"""
    assert tables(text) == {
        "Spark Properties": [["spark.master", "spark://a:7077"], ["a & b", ""]],
        "Classpath Entries": [["/opt/x.jar", "System Classpath"]],
    }


def test_the_tables_of_a_page_take_no_more_time_than_it_is_long() -> None:
    text = "<h4>A</h4><table><tr><td>x</td></tr></table>"
    for piece in ("<a b='", "<!--", "<a"):
        assert tables(text + piece * (LARGEST // len(piece))) == {"A": [["x"]]}
