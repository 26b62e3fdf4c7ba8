"""The dashboard: its states as pictures, its keys, and the real thing in a terminal."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.widgets import Static

from screens.app import WizardApp
from screens.dashboard import Dashboard
from screens.theme import THEMES
from tests.support import server_logs as tell
from tests.support.screens import seen, text_of, until
from tests.support.server_logs import Side, profile, sides
from tests.support.tmux import run_line, terminal
from tests.verify.test_spark_verdict import PLACES, WORKER, master, worker
from wizard.command_line.run import servers
from wizard.command_line.verify import ReportWriter
from wizard.pack.home import Pack
from wizard.system import locations
from wizard.system.finding import Finding, Fix
from wizard.verify.drill import Drill
from wizard.verify.facts import Facts
from wizard.verify.log import Unread
from wizard.verify.pair import Pair, Sight
from wizard.verify.scan import Scanner
from wizard.verify.spark import Look, PageAnswer
from wizard.verify.spark_verdict import SparkView, judge_spark
from wizard.verify.story import Story
from wizard.verify.verdict import View, judge, view_of

ROOT = Path(__file__).resolve().parents[2]
NOON = 1_769_515_101.0  # 2026-01-27 11:58:21 UTC


REFUSED = PageAnswer("http://10.100.0.46:8082/json/", "refused", "connection refused")


def spark(active: str = "node1", *, up: tuple[str, ...] = ("node1", "node2")) -> Look:
    """What the UIs of those nodes show."""
    workers = [{**WORKER, "host": PLACES[node].host} for node in up]
    alive = master("ALIVE", workers=workers, activeapps=[{"id": "app-1", "state": "RUNNING"}])
    shown = {node: alive if node == active else master("STANDBY") for node in up}
    masters = {node: shown.get(node, REFUSED) for node in PLACES}
    return Look(masters, {node: worker(0) if node in up else REFUSED for node in PLACES})


class Reader:
    """Reads a side's log as it grows."""

    def __init__(self, side: Side) -> None:
        self._log, self._story, self._scanner, self._at = side.log, Story(), Scanner(), 0

    def read(self) -> Facts:
        content = self._log.content
        self._story.read([*self._scanner.feed(content[self._at :]), *self._scanner.settle()])
        self._at = len(content)
        return self._story.facts


def as_seen(readers: dict[str, Reader], look: Look, *, drill: Drill | None = None, now: float = 0.0) -> View:
    """The view of the stories as the logs of these nodes tell them by now."""
    facts = {name: reader.read() for name, reader in readers.items()}
    pair = Pair(profile(), {name: Sight(one, f"{name}.log") for name, one in facts.items()})
    findings = [*judge(pair), *judge_spark(SparkView(pair, look, look, PLACES, lambda path: None))]
    findings = [one for one in findings if one.id != "verify.spark-environment"]
    if drill is not None:
        drill.observe(pair, now)
        findings.append(drill.finding(pair))
    news = tuple((name, moment) for name, one in facts.items() for moment in one.moments)
    return view_of(pair, findings, spark=look, places=PLACES, drill=drill, news=news)


class Shown:
    """A watcher that shows a view that was made before."""

    def __init__(self, view: View) -> None:
        self._view, self.drill = view, view.drill

    def close(self) -> None:
        pass

    def poll(self) -> View:
        view, self._view = self._view, dataclasses.replace(self._view, news=())  # news is told once
        return view


def app_of(
    view: View, theme: str = "dark", writer: ReportWriter | None = None, loaded: Any = None
) -> WizardApp:
    dashboard = Dashboard(
        Shown(view),  # type: ignore[arg-type]
        name="analytics",
        writer=writer or ReportWriter("analytics", {}),
        clock=lambda: NOON,
        loaded=loaded,
        resolver=loaded,
        alone=True,
    )
    app = WizardApp(None, dashboard)
    app.theme = THEMES[theme].name
    return app


@asynccontextmanager
async def running(app: WizardApp, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Any]:
    """The application, once a view is painted; gives who drives it."""
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: pilot.app.screen.view)
        await pilot.pause()
        yield pilot


def starting() -> View:
    def begins(first: Side, second: Side) -> None:
        tell.begin(first, second)
        tell.become(first, "Active")
        tell.masters(first, 1)
        tell.complete(first)
        second.log.say(tell.CARBON, "Starting WSO2 Carbon...")

    return story(begins, look=spark(up=("node1",)))


def story(*tells: Callable[[Side, Side], Any], look: Look, unseen: bool = False) -> View:
    first, second = sides()
    for each in tells:
        each(first, second)
    return as_seen({"node1": Reader(first)} | ({} if unseen else {"node2": Reader(second)}), look)


ON_SECOND = spark("node2", up=("node2",))
healthy = partial(story, tell.first_start, look=spark())
failed_over = partial(story, tell.first_start, tell.fail_over, look=ON_SECOND)


def drilled(phase: str) -> View:
    """The drill at its first instruction (`stop`), when the other node has taken over (`start`), or `passed`."""
    first, second = sides()
    tell.first_start(first, second)
    drill, readers = Drill(), {"node1": Reader(first), "node2": Reader(second)}
    view = as_seen(readers, spark(), drill=drill)
    if phase == "stop":
        return view
    tell.leaves(second, first)
    as_seen(readers, ON_SECOND, drill=drill, now=100.0)
    second.log.wait(11)
    tell.become(second, "Active")
    view = as_seen(readers, ON_SECOND, drill=drill, now=112.4)
    if phase == "start":
        return view
    tell.starts_again(first, second)
    return as_seen(readers, spark("node2"), drill=drill, now=200.0)


def never_started() -> View:
    none = Sight(Story().facts, "wso2carbon.log", Unread("missing", "is not there"))
    here = profile(nodes=[{"host": "127.0.0.1"}, {"host": "127.0.0.1", "port_offset": 2}])
    pair = Pair(here, {"node1": none, "node2": none}, one_machine=True, called="analytics")
    return view_of(pair, judge(pair), spark=None, places={}, drill=None, news=())


PICTURES: dict[str, tuple[Callable[[], View], tuple[int, int], str]] = {
    "starting": (starting, (80, 24), "dark"),
    "healthy": (healthy, (80, 24), "dark"),
    "failed_over": (failed_over, (80, 24), "dark"),
    "split_brain": (
        partial(story, tell.first_start, tell.leaves, tell.fail_over, look=spark()),
        (80, 24),
        "dark",
    ),
    "one_unseen": (partial(story, tell.first_start, look=spark(), unseen=True), (80, 24), "dark"),
    "healthy-light": (healthy, (80, 24), "light"),
    "failed_over-light": (failed_over, (80, 24), "light"),
    "starting-wide": (starting, (120, 40), "dark"),
    "failed_over-wide": (failed_over, (120, 40), "dark"),
    "drill-stop": (partial(drilled, "stop"), (80, 24), "dark"),
    "drill-start": (partial(drilled, "start"), (80, 24), "dark"),
    "failed_over-ascii": (failed_over, (80, 24), "dark"),
}


@pytest.mark.parametrize("name", PICTURES)
async def test_picture(picture: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    make, size, theme = PICTURES[name]
    monkeypatch.setattr("screens.signs.ASCII", name.endswith("ascii"))
    app = app_of(make(), theme=theme)
    async with running(app, size):
        picture(app)


NODES = [
    servers.NodeState("node1", "/opt/wso2/analytics-1", 4711, "waiting", None, "waiting for node2"),
    servers.NodeState("node2", "/opt/wso2/analytics-2", 4712, "starting", None, "starting"),
]
WRONG = Finding(
    "error",
    "the server has ended 12 s after its launch: the server does not reach the database",
    "node2",
    Fix("start the database, or correct mysql.host and mysql.port (apimha-wizard check)"),
    "java.net.ConnectException: Connection refused",
    "server.start",
)
FAILED = servers.ServersResult(
    "failed", 1, None, [NODES[0], NODES[1]._replace(pid=None, state="failed", text="ended")], [WRONG]
)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
@pytest.mark.parametrize("name", ["never-started", "keys", "stop", "start", "failed"])
async def test_servers_picture(
    picture: Any, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], name: str
) -> None:
    """Where the servers can be started and stopped: before, while it goes on, and how it ended."""
    runs = name in {"keys", "stop"}
    over = threading.Event()

    def run(verb: str, setting: Any, *, progress: Any, cancel: Any) -> servers.ServersResult:
        progress(NODES)
        if name != "failed":
            over.wait()
        return FAILED

    monkeypatch.setattr("wizard.command_line.run.servers.run", run)
    monkeypatch.setattr("screens.dashboard.server_of", lambda home: 4711 if runs else None)
    monkeypatch.setattr("screens.dialogs.servers.monotonic", lambda: 0.0)
    monkeypatch.setattr("screens.dialogs.servers.setting_of", lambda *given: SimpleNamespace(only_node=None))
    packs = {name: Pack(Path("/opt", name)) for name in ("node1", "node2")}
    view = healthy() if runs else never_started()
    app = app_of(view, writer=ReportWriter("analytics", packs), loaded=object())
    async with running(app, size) as pilot:
        if key := {"stop": "x", "start": "s", "failed": "s"}.get(name):
            await pilot.press(key)
        if wanted := {"start": "waiting for node2", "failed": "close"}.get(name):
            await seen(pilot, wanted)
        await pilot.pause()
        picture(app)
        over.set()


async def test_a_finding_with_markup_in_it_is_shown_as_it_is() -> None:
    view = healthy()
    evil = "[red]no[/red] [/] [$x]"
    nasty = Finding("error", evil, "node1", Fix("fix [b]it[/b]"), "evidence [link=x]", "verify.x")
    app = app_of(view_of(view.pair, [*view.findings, nasty]))
    async with running(app):
        assert evil in str(app.screen.query_one("#problem-list", Static).render())


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_leaving_ends_with_130(key: str) -> None:
    app = app_of(healthy())
    async with running(app) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: app.return_code is not None)
    assert app.return_code == 130


async def test_a_drill_that_has_passed_ends_with_the_pairs_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    view = drilled("passed")
    assert view.drill is not None
    assert view.drill.summary() == (
        "node2 took over 12.4 s after node1 was lost by its partner (11.0 s after losing it, by its own log); "
        "node1 came back, synced its state, 44.7 s after its start and is passive."
    )
    app = app_of(view)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.return_code is not None)
    assert app.return_code == 0
    assert not list(tmp_path.iterdir()), "nothing lands unasked in the current folder"
    assert sorted(path.suffix for path in locations.reports().glob("drill-analytics-*")) == [".json", ".md"]


@pytest.mark.parametrize(("name", "said"), [("report.md", "report: "), ("missing/report.md", "cannot write")])
async def test_a_key_writes_the_report_or_says_that_it_cannot(tmp_path: Path, name: str, said: str) -> None:
    app = app_of(healthy(), writer=ReportWriter("analytics", {}, tmp_path / name))
    async with running(app) as pilot:
        await pilot.press("w")
        await until(pilot, lambda: app._notifications)
        assert said in next(iter(app._notifications)).message
    assert (tmp_path / name).exists() == (name == "report.md")
    assert name != "report.md" or "# Verify: analytics" in (tmp_path / name).read_text()


async def test_a_key_begins_and_ends_the_drill() -> None:
    app = app_of(healthy())
    async with running(app) as pilot:
        watcher = app.watched.watcher
        await pilot.press("d")
        assert isinstance(watcher.drill, Drill)
        await pilot.press("d")
        assert watcher.drill is None


async def test_what_is_wrong_comes_to_the_front_until_somebody_chooses() -> None:
    app = app_of(failed_over())
    async with running(app) as pilot:
        assert app.screen.query_one("#problems").display
        assert not app.screen.query_one("#timeline").display
        await pilot.press("t")
        assert app.screen.query_one("#timeline").display


async def test_any_size_can_be_painted() -> None:
    app = app_of(failed_over())
    async with running(app) as pilot:
        for size in ((200, 60), (40, 10), (110, 24), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert app.broken is None


PROGRAM = """
import sys
from screens.app import watch
from wizard.profile.store import load
from wizard.command_line.verify import run_verify
sys.exit(run_verify(load(sys.argv[1]).profile, "pair", offline=True, watch=True, dashboard=watch)[0])
"""


def logs(pair: Any, story: Callable[[Side, Side], None], *numbers: int) -> None:
    """Write the logs of these nodes of a pair on this machine, as a story tells them."""
    first, second = both = sides()
    for number, side in enumerate(both):
        side.host, side.event_sync, side.management = "127.0.0.1", 11225 + number, 10006 + number
    second.hazelcast = 4001
    story(first, second)
    for number in numbers:
        log = pair.homes[number] / "repository/logs/wso2carbon.log"
        log.write_bytes(both[number].log.content)


def test_in_a_real_terminal(
    tmp_path: Path, make_pair: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(nodes=[{}, {"port_offset": None}])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("LANG", "C.UTF-8")
    logs(pair, tell.begin, 0)
    with terminal(tmp_path) as screen:
        before = screen.state()
        screen.type(run_line([sys.executable, "-c", PROGRAM.replace("\n", "; ").strip("; "), pair.profile]))
        screen.press("Enter")
        awaited = ("WAITING since", "node1", "registry mounted", "awaited", "failover drill")
        screen.wait(lambda text: all(one in text for one in awaited))
        logs(pair, tell.first_start, 0, 1)
        formed = ("HEALTHY since", "ACTIVE", "passive", "state synced")
        screen.wait(lambda text: all(one in text for one in formed))
        screen.press("q")
        screen.wait("ended with 130")
        assert screen.state() == before and "HEALTHY" not in screen.text


async def test_help_says_what_each_key_does() -> None:
    app = app_of(healthy())
    async with running(app) as pilot:
        await pilot.press("f1")
        await pilot.pause()
        text = text_of(app)
        assert "failover drill" in text and "write the report" in text
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.watched
