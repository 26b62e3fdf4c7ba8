"""The engine of the checks: concurrent, limited, cancellable, and nothing that hangs holds up the rest."""

from __future__ import annotations

import itertools
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace

import pytest

from tests.support.cli import started
from wizard.preflight import checks
from wizard.preflight.checks import Check
from wizard.system import finding
from wizard.system.errors import Cancel
from wizard.system.finding import Finding

NEVER = threading.Event()


def context(*, offline: bool = False) -> checks.CheckContext:
    return checks.CheckContext(
        SimpleNamespace(),
        (),
        {},
        SimpleNamespace(),
        SimpleNamespace(),
        offline=offline,  # type: ignore[arg-type]
    )


def says(id: str, *results: Finding, **settings: object) -> Check:
    return Check(id, "why", "fix", **settings)(lambda _: iter(results))  # type: ignore[arg-type]


def hole(id: str, limit: float = 0.05) -> Check:
    """A check that never comes back."""
    return Check(id, "why", "fix it", live=True, limit=limit)(lambda _: iter([finding.ok(str(NEVER.wait()))]))


def test_forty_black_holes_end_together_each_with_its_fix() -> None:
    found = list(checks.run([hole(f"hole.{n}") for n in range(40)], context()))
    assert len(found) == 40
    assert {(one.status, one.message, one.fix) for one in found} == {
        ("error", "no answer within 0.05 s", "fix it")
    }


def test_results_come_as_soon_as_they_are_there() -> None:
    stream = checks.run([hole("hole.1", limit=60), says("quick.1", finding.ok("here"), live=True)], context())
    assert next(iter(stream)).message == "here"


def test_a_check_behind_one_that_failed_is_skipped_without_waiting() -> None:
    behind = says("b.behind", finding.ok("never"), live=True, needs=("a.first",))
    far = says("c.far", finding.ok("never"), live=True, needs=("b.behind",))
    found = {one.id: one for one in checks.run([far, behind, hole("a.first")], context())}
    assert found["b.behind"].status == found["c.far"].status == "skipped"
    assert "a.first" in found["b.behind"].message


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("severity", ["error", "warning"])
def test_whatever_a_check_raises_is_its_finding_and_the_others_go_on(live: bool, severity: str) -> None:
    def broken(_: object) -> Iterator[Finding]:
        yield finding.ok("so far")
        raise RecursionError("a text that must not be shown")

    checked = [
        Check("a.broken", "why", "fix it", severity, live=live)(broken),  # type: ignore[arg-type]
        says("b.other", finding.ok("run")),
    ]
    found = list(checks.run(checked, context()))
    assert {(one.id, one.status) for one in found} == {
        ("a.broken", "ok"),
        ("a.broken", severity),
        ("b.other", "ok"),
    }
    (shown,) = [one for one in found if one.status == severity]
    assert shown.message.startswith("internal error (RecursionError")
    assert "report" in (shown.fix or "")


@pytest.mark.parametrize(
    ("first", "statuses"),
    [
        ([], ["ok"]),
        ([says("a.first", finding.warning("careful", fix="x"), live=True)], ["warning", "ok"]),
    ],
    ids=["a need that is not among the checks", "a need that warned"],
)
def test_a_need_that_counts_as_met(first: list[Check], statuses: list[str]) -> None:
    second = says("b.second", finding.ok("run"), live=True, needs=("a.first",))
    assert [one.status for one in checks.run([second, *first], context())] == statuses


def test_offline_leaves_live_checks_out_but_for_what_they_can_say() -> None:
    half = says(
        "a.half", finding.ok("live"), live=True, offline_probe=lambda _: iter([finding.ok("offline")])
    )
    found = list(checks.run([half, says("b.live", finding.ok("no"), live=True)], context(offline=True)))
    assert [one.message for one in found] == ["offline"]


def test_ignored_errors_are_warnings_that_say_so_with_the_checks_own_fix() -> None:
    bad = says("a.bad", finding.error("broken"))
    (found,) = checks.run([bad], context(), ignore=frozenset({"a.bad"}))
    assert (found.status, found.message, found.fix) == ("warning", "broken (ignored)", "fix")


def test_cancelling_ends_the_stream_at_once() -> None:
    looked_at = context()
    looked_at.cancel = Cancel()
    stream = iter(
        checks.run([hole("a.hole", limit=600), says("b.one", finding.ok("x"), live=True)], looked_at)
    )
    assert next(stream).id == "b.one"
    looked_at.cancel.set()
    assert list(stream) == []


def test_what_several_checks_look_at_is_looked_at_once() -> None:
    shared, count = context(), itertools.count()
    assert [shared.once("x", lambda: next(count)) for _ in range(3)] == [0, 0, 0]
    with pytest.raises(ZeroDivisionError):
        shared.once("broken", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shared.once("broken", lambda: 2)
    shared.forget()
    assert shared.once("broken", lambda: 2) == 2


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """A server that accepts and never speaks."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as server:
        server.settimeout(60)
        yield server


@pytest.fixture
def silent(silent_server: socket.socket) -> int:
    return silent_server.getsockname()[1]


def check_process(pair, silent: int, *, json: bool = True) -> subprocess.Popen[str]:
    options = ["--json"] if json else []
    return started("check", pair.profile, *options, env={**pair.env, "SVN_PASSWORD": "x"})


@pytest.fixture
def black_hole_pair(make_pair, silent: int):
    """Every service of the profile is a port that never speaks."""
    return make_pair(
        "apim-analytics-2.0.0",
        mysql={"port": silent, "admin_username": "root", "admin_password": {"env": "APIM_DB_PASSWORD"}},
        deployment_sync={
            "method": "svn",
            "svn_url": f"svn://127.0.0.1:{silent}/x",
            "svn_username": "wso2",
            "svn_password": {"env": "SVN_PASSWORD"},
        },
    )


def test_a_check_of_silent_services_ends_and_names_them(black_hole_pair, silent: int) -> None:
    import json

    process = check_process(black_hole_pair, silent)
    out, _ = process.communicate(timeout=60)
    found = {one["id"]: one for one in json.loads(out)["checks"]}
    assert process.returncode == 3
    assert found["mysql.connect"]["status"] == found["deployment-sync.repository"]["status"] == "error"
    assert found["mysql.account"]["status"] == found["mysql.driver"]["status"] == "skipped"


def test_ctrl_c_ends_a_check_that_hangs(black_hole_pair, silent_server: socket.socket, silent: int) -> None:
    process = check_process(black_hole_pair, silent, json=False)
    with closing(silent_server.accept()[0]):  # a check waits for it now
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert "Traceback" not in (process.stderr.read() if process.stderr else "")


def test_a_name_server_that_is_a_black_hole_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from wizard.system import network

    monkeypatch.setattr(network, "RESOLVE_LIMIT", 0.05)
    monkeypatch.setattr(network, "_lookups", {})
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: NEVER.wait())
    assert network.addresses("db.example", resolve=True) == ()
    assert network.on_one_machine(["a.example", "b.example"], resolve=True) is False
