"""The dashboard of `verify --watch`: what has happened, what is awaited and for how long, who is active, the drill."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.widget import Widget
from textual.widgets import Static

from screens import keys, signs
from screens.dialogs import servers
from screens.model.background import beside
from screens.signs import content_ink, finding_content
from screens.theme import WIDE
from screens.widgets.bars import BarScreen, KeyBar
from wizard.command_line.verify import exit_code, is_over, watching
from wizard.server.process import server_of
from wizard.verify.drill import Drill
from wizard.verify.facts import Facts
from wizard.verify.record import parse

if TYPE_CHECKING:
    from screens.model.pair import OpenPair
    from wizard.command_line.run.servers import Setting
    from wizard.command_line.verify import ReportWriter
    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Node
    from wizard.system.finding import Finding
    from wizard.verify.record import Record
    from wizard.verify.verdict import View
    from wizard.verify.watcher import Watcher

PERIOD = 0.5
DRILL_PERIOD = 0.1
"""Seconds between two readings of the logs; a drill's seconds are to be right to a tenth."""

LABEL = 17
"""Columns of the labels; the two nodes share the rest."""
MOST_EVENTS = 400

STATUS = {"healthy": "ok", "waiting": "waiting", "unhealthy": "error"}
"""The status whose sign and ink an outcome has."""


# --- what is shown where: pure --------------------------------------------------------------------

Cell = tuple[str, str]
"""One node's place in a row: a status and a few words."""
Waited = Callable[["Finding"], str]
"""Says for how long a finding has been awaited."""


class BoardRow(NamedTuple):
    """What a row of the board is about: the id of its findings, and its words for a passed and a failed check.

    `silent` is the role in which a node has nothing to say here.
    """

    label: str
    id: str
    passed: Callable[[View, Node, Facts], str]
    failed: str
    silent: str = ""


def _mode(view: View, node: Node, facts: Facts) -> str:
    mode = facts.mode[0] if facts.mode is not None else "HA"
    return "HA, keeps state" if mode == "Persistence enabled HA" else mode


def _role(view: View, node: Node, facts: Facts) -> str:
    role = "ACTIVE" if facts.role == "active" else facts.role or ""
    return f"{role}  {_clock(facts.role_record)}"


def _master(view: View, node: Node, facts: Facts) -> str:
    if view.spark is None or node.name not in view.places:
        return ""
    return f"{view.spark.status(node.name) or 'none'}  :{view.places[node.name].master}"


def _executors(view: View, node: Node, facts: Facts) -> str:
    count = len(set(view.spark.executors(node.name))) if view.spark is not None else 0
    return f"{count} executor{'' if count == 1 else 's'}"


def _partner(view: View, node: Node, facts: Facts) -> str:
    return view.pair.partner(node).name


def _started(view: View, node: Node, facts: Facts) -> str:
    return f"{_clock(facts.started)}  {facts.seconds} s"


BOARD = (
    BoardRow("server started", "verify.log", _started, "not running"),
    BoardRow("registry mounted", "verify.registry-mount", lambda *_: "both paths", "not mounted"),
    BoardRow("mode", "verify.mode", _mode, "not in HA mode"),
    BoardRow("member joined", "verify.member", _partner, "not joined"),
    BoardRow("event processor", "verify.active-passive", _role, "roles in conflict"),
    BoardRow("event sync", "verify.event-sync", lambda *about: f"to {_partner(*about)}", "failed", "passive"),
    BoardRow(
        "state synced", "verify.state-sync", lambda *about: _clock(about[2].synced), "not synced", "active"
    ),
    BoardRow("Spark master", "verify.spark-ui", _master, "failed"),
    BoardRow("Spark executors", "verify.spark-executors", _executors, "keep restarting"),
)


def _cell(view: View, row: BoardRow, node: Node, waited: Waited) -> Cell:
    """The worst finding of this row about this node, in a few words; where there is none, the reason."""
    found = [one for one in view.findings if one.id == row.id and one.node == node.name]
    worst = min(found, key=lambda one: _ORDER.index(one.status), default=None)
    if worst is None or worst.status == "skipped":
        return "skipped", _reason(view, row, node)
    if worst.status == "waiting" and row.passed is _master and view.spark is not None:
        return "waiting", f"{_master(view, node, Facts())}  {waited(worst)}"
    if worst.status == "waiting":
        return "waiting", "not started" if _has_no_log(view, node) else f"awaited  {waited(worst)}"
    if worst.status == "error" and not (row.passed is _master and view.spark is not None):
        return "error", row.failed
    return worst.status, row.passed(view, node, view.pair.facts(node))


def _reason(view: View, row: BoardRow, node: Node) -> str:
    """Why a cell has nothing to say."""
    facts = view.pair.facts(node)
    if any(one.id == row.id and one.status == "skipped" and one.node is None for one in view.findings):
        return "left out: offline"
    if view.pair.unseen(node):
        return "log not seen here"
    if _has_no_log(view, node):
        return "not started"
    if facts.stopped is not None or view.pair.gone(node):
        return "server stopped"
    if facts.role == row.silent and view.pair.running(node):
        return f"is {row.silent}"
    return "not yet"


def _has_no_log(view: View, node: Node) -> bool:
    unread = view.pair.sight(node).unread
    return unread is not None and unread.kind == "missing"


_ORDER = ["error", "waiting", "warning", "ok", "skipped"]


def _clock(record: Record | None) -> str:
    """The time of day of a record of a log, to the second."""
    return record.time_text[11:19] if record is not None else ""


def padded(content: Content, width: int) -> Content:
    return content.truncate(width, ellipsis=True, pad=True)


def board(view: View, width: int, waited: Waited) -> Content:
    """The rows as lines of that width: a label, and a cell for each node, or one for the pair."""
    rows = [(row.label, [_cell(view, row, node, waited) for node in view.pair.nodes]) for row in BOARD]
    workers = [one for one in view.findings if one.id == "verify.spark-workers"]
    rows += [("Spark workers", [(one.status, _with_time(one, waited))]) for one in workers]
    lines = []
    for label, cells in rows:
        line = [padded(Content.styled(label, "$quiet"), LABEL)]
        for status, text in cells:
            ink = "" if status == "ok" else content_ink(status)
            cell = Content.assemble(
                (f"{signs.of_finding(status)} ", content_ink(status)), (signs.plain(text), ink)
            )
            line.append(padded(cell, (width - LABEL) // len(cells)))
        lines.append(Content("").join(line))
    return Content("\n").join(lines)


def never_started(view: View) -> bool:
    """Whether no node whose log can be read here was ever started."""
    seen = [node for node in view.pair.nodes if not view.pair.unseen(node)]
    return bool(seen) and all(_has_no_log(view, node) for node in seen)


def advice(view: View, start: str) -> str:
    """What to do now; `start` names what the key `s` starts, empty where it starts nothing."""
    if never_started(view):
        command = view.pair.act("start", view.pair.nodes[0])
        return f"Press s: {start}. In a shell: {command}" if start else f"Run: {command}"
    wrong = sum(one.status == "error" for one in view.findings)
    if view.outcome == "unhealthy":
        return "1 problem; its fix is below." if wrong == 1 else f"{wrong} problems; their fixes are below."
    if view.outcome == "healthy":
        return "Nothing to do. d begins the failover drill."
    fix = next((one.fix for one in view.findings if one.status == "waiting" and one.fix), None)
    if fix is not None:
        return fix
    awaited = sum(one.status == "waiting" for one in view.findings)
    if awaited:
        return f"{awaited} awaited. Nothing to do: a start takes one to three minutes."
    return "Not everything can be seen from here; see below."


def header(view: View, since: str, width: int, start: str = "") -> Content:
    """The verdict and since when, what to do now, and the nodes above their columns."""
    share = (width - LABEL) // 2
    status, verdict, since = STATUS[view.outcome], view.outcome.upper(), f" since {since}"
    ink = f"{content_ink(status)} bold"
    if never_started(view):
        status, verdict, since = "skipped", "NOT STARTED", ""
    nodes = [
        padded(Content.assemble((node.name, "bold"), (f"  {signs.plain(node.host)}", "$quiet")), share)
        for node in view.pair.nodes
    ]
    return Content("\n").join(
        [
            Content.assemble((f"{signs.of_finding(status)} {verdict}", ink), (since, "$quiet")),
            Content.styled(signs.plain(advice(view, start)), "$primary"),
            Content("").join([padded(Content(""), LABEL), *nodes]),
        ]
    )


def problems(view: View, waited: Waited) -> Content:
    """The errors with their fixes, then the warnings, what is awaited, and the logs that are not seen here."""
    lines: list[Content] = []
    for status in ("error", "warning", "waiting", "skipped"):
        for one in view.findings:
            unseen = one.id == "verify.log" and bool(one.fix)
            if one.status != status or one.id == "verify.drill" or (status == "skipped" and not unseen):
                continue
            id, evidence = one.id.removeprefix("verify."), brief(one.evidence or "")
            shown = one._replace(id=id, message=_with_time(one, waited), evidence=evidence)
            lines.append(finding_content(shown))
    return Content("\n").join(lines or [Content.styled("no problems, and nothing is awaited", "$quiet")])


def _with_time(finding: Finding, waited: Waited) -> str:
    """The message, and for how long the finding has been awaited."""
    return finding.message + (f" ({waited(finding)})" if finding.status == "waiting" else "")


def brief(evidence: str) -> str:
    """The first line of the evidence; of a log line the time of day and the message."""
    first = evidence.partition("\n")[0]
    record = parse(first.encode())
    return first if record is None else f"{_clock(record)} {record.message}".strip()


def event(node: str, time_text: str, text: str, *, error: bool = False) -> Content:
    """A line of the time line: by the node's own clock."""
    ink = "$error" if error else ""
    return Content.assemble(
        (f"{time_text[11:19]:<8} ", "$quiet"), (f"{node:<8} ", "bold"), (signs.plain(text), ink)
    )


class Painted(Widget):
    """Show what its painter makes of the newest view for the available width."""

    def __init__(self, painter: Callable[[int], Content], id: str) -> None:
        super().__init__(id=id)
        self._painter = painter

    def render(self) -> Content:
        return self._painter(self.content_size.width or self.app.size.width - 2)


# --- the screen -----------------------------------------------------------------------------------


async def of_pair(pair: OpenPair) -> Dashboard:
    """Return the dashboard of the profile that is open, as it is saved.

    Raises:
        WizardError: the profile cannot be read, or one of its passwords needs the user's agreement.
    """

    def look() -> Dashboard:
        loaded, resolver = servers.as_saved(pair)
        watcher, writer = watching(loaded.profile, pair.draft.called, resolver=resolver)
        return Dashboard(watcher, name=pair.draft.title, writer=writer, loaded=loaded, resolver=resolver)

    return await beside(look, "logs")


class Dashboard(BarScreen[None]):
    """Show one view after the other until the user leaves."""

    CSS_PATH = "dashboard.tcss"
    KEYS = keys.DASHBOARD
    BINDINGS: ClassVar[list[BindingType]] = [("ctrl+c", "back", "leave")]

    def __init__(
        self,
        watcher: Watcher,
        *,
        name: str,
        writer: ReportWriter,
        until_healthy: bool = False,
        clock: Callable[[], float] = time.time,
        loaded: LoadedProfile | None = None,
        resolver: Resolver | None = None,
        alone: bool = False,
    ) -> None:
        """Show what the watcher sees.

        With the profile as it was loaded and its resolver, the servers can be started and stopped. `alone` is the
        dashboard of the command line: leaving it ends the application.
        """
        super().__init__(f"{name} {signs.sign('to')} verify")
        self._make_setting: Callable[[str | None], Setting] | None = None
        if loaded is not None and resolver is not None:
            self._make_setting = partial(servers.setting_of, loaded, resolver)
        self._up: set[str] = set()
        self.watcher = watcher
        self.writer = writer
        self.until_healthy = until_healthy
        self.clock = clock
        self.alone = alone
        self.view: View | None = None
        self._since = 0.0
        self._awaited: dict[tuple[str, str | None], float] = {}
        self._events: list[Content] = []
        self._chosen = False
        self.add_class("-timeline")

    def content(self) -> ComposeResult:
        with Container(id="top"):
            yield Painted(self._header, id="header")
            yield Painted(self._board, id="board")
        yield Static(id="drill")
        with Container(id="bottom"):
            with VerticalScroll(id="problems"):
                yield Static(id="problem-list")
            with VerticalScroll(id="timeline"):
                yield Static("no event yet", id="event-list")

    def on_mount(self) -> None:
        self.query_one("#problems").border_title = "Problems, and what is awaited"
        timeline = self.query_one("#timeline")
        timeline.border_title = "Time line, newest first"
        timeline.focus()
        self.show_keys()
        self.run_worker(self._keep_watching(), exclusive=True)

    def on_unmount(self) -> None:
        self.watcher.close()

    async def _keep_watching(self) -> None:
        while True:
            view = await beside(self._look, "logs")
            with suppress(NoMatches):  # the user left meanwhile
                self.show(view)
            if self.alone and is_over(view, until_healthy=self.until_healthy):
                await self.app.end(exit_code(view))
                return
            await asyncio.sleep(DRILL_PERIOD if view.drill is not None else PERIOD)

    def _look(self) -> View:
        self._up = {name for name, pack in self.writer.packs.items() if server_of(pack.home) is not None}
        return self.watcher.poll()

    # --- showing --------------------------------------------------------------------------------

    def show(self, view: View) -> None:
        """Show that view, and remember since when it is so."""
        now = self.clock()
        if self.view is None or self.view.outcome != view.outcome:
            self._since = now
        self.view = view
        waiting = {(one.id, one.node) for one in view.findings if one.status == "waiting"}
        self._awaited = {key: self._awaited.get(key, now) for key in waiting}
        self._events += [
            event(node, moment.record.time_text, moment.text, error=moment.error)
            for node, moment in view.news
        ]
        del self._events[:-MOST_EVENTS]
        if not self._chosen:
            # Until the user chooses: a problem with a fix is more urgent than what has happened.
            urgent = any(
                one.status in ("error", "warning")
                or (one.fix and (one.status == "waiting" or one.id == "verify.log"))
                for one in view.findings
            )
            self.set_class(bool(self._events) and not urgent, "-timeline")
        for painted in self.query(Painted):
            painted.refresh(layout=True)
        self.query_one("#problem-list", Static).update(problems(view, self._waited))
        drill = self.query_one("#drill", Static)
        drill.display = view.drill is not None
        if view.drill is not None:
            text = Content.assemble(("drill  ", "bold"), signs.plain(view.drill.instruction(view.pair)))
            if view.drill.phase == "stop":
                text += Content.styled(f"\nhint   {signs.plain(view.drill.hint(view.pair))}", "$quiet")
            drill.update(text)
        if view.news:
            # The newest first: what has just happened is in sight.
            self.query_one("#event-list", Static).update(Content("\n").join(reversed(self._events)))
        self.show_keys()

    def _header(self, width: int) -> Content:
        if self.view is None:
            return Content(signs.plain("reading the logs …"))
        since = time.strftime("%H:%M:%S", time.localtime(self._since))
        return header(self.view, since, width, self._offered().get("start", ""))

    def _board(self, width: int) -> Content:
        return board(self.view, width, self._waited) if self.view else Content("")

    def _waited(self, one: Finding) -> str:
        seconds = int(self.clock() - self._awaited.get((one.id, one.node), self.clock()))
        return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"

    def show_keys(self) -> None:
        offered = self._offered()
        labels = {
            "drill": "end the drill" if self.watcher.drill is not None else "failover drill",
            "pane": "problems" if self.has_class("-timeline") else "time line",
            "back": "leave" if self.alone else "back",
            **{f"servers('{verb}')": verb for verb in offered},
        }
        hidden = [f"servers('{verb}')" for verb in servers.VERBS if verb not in offered]
        hidden += ["pane"] if self.app.size.width >= WIDE else []
        hidden += ["app.leave"] if self.alone else []
        named = tuple(key._replace(label=labels.get(key.action, key.label)) for key in self.KEYS)
        self.query_one(KeyBar).without(named, *hidden)

    @property
    def _here(self) -> list[str]:
        """The nodes whose servers can be started and stopped here."""
        packs = self.writer.packs if self._make_setting is not None else {}
        return [node.name for node in self.view.pair.nodes if node.name in packs] if self.view else []

    def _offered(self) -> dict[str, str]:
        """What can be done to the servers now, each with its title; a drill itself says what to stop and start."""
        here, view = self._here, self.view
        if not here or view is None or view.drill is not None:
            return {}
        can = {
            "start": any(name not in self._up for name in here),
            "stop": any(name in self._up for name in here),
            "restart": self._up.issuperset(here) and (len(here) == 1 or view.outcome == "healthy"),
        }
        return {verb: servers.title(verb, here) for verb in servers.VERBS if can[verb]}

    # --- what a key does ------------------------------------------------------------------------

    def action_servers(self, verb: servers.Verb) -> None:
        if self._make_setting is not None and verb in self._offered():
            only_node = self._here[0] if len(self._here) == 1 else None
            servers.ask(self.app, verb, self._here, partial(self._make_setting, only_node))

    def action_drill(self) -> None:
        self.watcher.drill = None if self.watcher.drill is not None else Drill()
        self.show_keys()

    def action_pane(self) -> None:
        """Switch between problems and time line, where only one fits."""
        self._chosen = True
        self.toggle_class("-timeline")
        self.query_one("#timeline" if self.has_class("-timeline") else "#problems").focus()
        self.show_keys()

    async def action_report(self) -> None:
        await self._write(self.writer.now)

    async def action_back(self) -> None:
        """Leave: back to the wizard, or to the shell."""
        if self.alone:
            await self.app.run_action("leave")
        else:
            await self.put_back()
            self.dismiss()

    async def put_back(self) -> None:
        """Write what is to be written at the end."""
        await self._write(self.writer.at_end)

    async def _write(self, keep: Callable[[View], list[Path]]) -> None:
        if self.view is not None:
            with self.app.errors_said():
                for path in await beside(partial(keep, self.view), "report"):
                    self.app.say(f"report: {path}")
