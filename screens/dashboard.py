"""The dashboard of `verify --watch`: what has happened, what is awaited and for how long, who is active, the drill."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from screens import signs
from screens.dialogs import servers
from screens.help import Help
from screens.model.background import beside
from screens.model.memory import Memory
from screens.no_colour import without_colours
from screens.terminal import never_wait
from screens.theme import THEMES
from wizard.command_line.verify import exit_code, is_over
from wizard.server.process import server_of
from wizard.system.errors import WizardError
from wizard.verify.drill import Drill
from wizard.verify.record import parse
from wizard.verify.story import Facts

if TYPE_CHECKING:
    from wizard.command_line.run.servers import Setting
    from wizard.command_line.verify import ReportWriter
    from wizard.passwords.resolver import Resolver
    from wizard.profile.files import LoadedProfile
    from wizard.profile.model import Node
    from wizard.system.finding import Finding
    from wizard.verify.view import View
    from wizard.verify.watcher import Watcher

PERIOD = 0.5
DRILL_PERIOD = 0.1
"""Seconds between two looks at the logs; during a drill its seconds are to be right to a tenth."""

LABEL = 17
"""Columns of the labels; the two nodes share the rest."""
WIDE = 110
"""Columns from which on problems and time line stand side by side."""
MOST_EVENTS = 400
LEFT = 130
"""The exit code of leaving, as after Ctrl-C."""

INKS = {
    "ok": "$success",
    "waiting": "$secondary",
    "warning": "$warning",
    "error": "$error bold",
    "skipped": "$quiet",
}
OUTCOMES = {"healthy": "$success bold", "waiting": "$secondary bold", "unhealthy": "$error bold"}
SIGN_OF_OUTCOME = {"healthy": "ok", "waiting": "waiting", "unhealthy": "error"}


# --- what stands where: pure ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """One node's place in a row; nothing is shown of an empty status."""

    status: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class FactRow:
    """A row of the board: a cell for each node, or one for the pair."""

    label: str
    cells: tuple[Cell, ...]


Telling = Callable[[Facts, "Finding"], str]


def rows(view: View, waited: Callable[[Finding], str]) -> list[FactRow]:
    """The rows of the board; `waited` says for how long a finding has been awaited."""
    table: tuple[tuple[str, str, Telling], ...] = (
        ("server started", "verify.log", _started),
        ("registry mounted", "verify.registry-mount", _nothing),
        ("mode", "verify.mode", _mode),
        ("member joined", "verify.member", _member),
        ("event processor", "verify.active-passive", _role),
        ("event sync", "verify.event-sync", _event_sync),
        ("state synced", "verify.state-sync", _synced),
        ("Spark master", "verify.spark-ui", _nothing),
        ("Spark executors", "verify.spark-executors", _executors),
    )
    made = []
    for label, id, tell in table:
        cells = tuple(_cell(view, id, node, tell, waited) for node in view.pair.nodes)
        made.append(FactRow(label, cells))
    workers = next((one for one in view.findings if one.id == "verify.spark-workers"), None)
    if workers is not None:
        text = workers.message + (f" ({waited(workers)})" if workers.status == "waiting" else "")
        made.append(FactRow("Spark workers", (Cell(workers.status, text),)))
    return made


def _cell(view: View, id: str, node: Node, tell: Telling, waited: Callable[[Finding], str]) -> Cell:
    """The worst that is found of this id about this node, in a few words."""
    found = [one for one in view.findings if one.id == id and one.node == node.name]
    worst = min(found, key=lambda one: _ORDER.index(one.status), default=None)
    facts = view.pair.facts(node)
    if worst is None:
        silent = {"verify.state-sync": "active", "verify.event-sync": "passive"}.get(id, "")
        has_role = facts is not None and facts.role == silent and view.pair.running(node)
        return Cell("skipped", f"is {silent}" if has_role else "not yet")
    if id == "verify.spark-ui" and view.spark is not None and node.name in view.places:
        status = view.spark.status(node.name)
        port = f":{view.places[node.name].master}"
        return Cell(
            worst.status,
            f"{status or 'none'}  {port}" + (f"  {waited(worst)}" if worst.status == "waiting" else ""),
        )
    if worst.status == "waiting":
        return Cell("waiting", "not started" if _has_no_log(view, node) else f"awaited  {waited(worst)}")
    if worst.status == "skipped":
        unseen = "not seen here" if view.pair.unseen(node) else "not yet"
        return Cell("skipped", "left out" if "--offline" in worst.message else unseen)
    return Cell(worst.status, tell(facts or Facts(), worst))


def _has_no_log(view: View, node: Node) -> bool:
    trouble = view.pair.sight(node).trouble
    return trouble is not None and trouble.kind == "missing"


_ORDER = ["error", "waiting", "warning", "ok", "skipped"]


def _nothing(_: Facts, found: Finding) -> str:
    return "" if found.status == "ok" else _short(found)


def _started(facts: Facts, found: Finding) -> str:
    if found.status != "ok" or facts.started is None:
        return _short(found)
    return f"{_clock(facts.started.time_text)}  {facts.seconds} s"


def _mode(facts: Facts, found: Finding) -> str:
    if facts.mode is not None:
        return {"Persistence enabled HA": "HA, state is kept"}.get(facts.mode[0], facts.mode[0])
    return "HA" if found.status in ("ok", "warning") else _short(found)


def _member(facts: Facts, found: Finding) -> str:
    if found.status != "ok":
        return _short(found)
    return found.message.removesuffix(" has joined").removeprefix("is in one cluster with ")


def _role(facts: Facts, found: Finding) -> str:
    if found.status != "ok":
        return _short(found)
    role = {"active": "ACTIVE", "passive": "passive"}.get(facts.role or "", facts.role or "")
    return f"{role}  {_clock(facts.role_record.time_text)}" if facts.role_record is not None else role


def _event_sync(_: Facts, found: Finding) -> str:
    return found.message.removeprefix("sends its events ") if found.status == "ok" else _short(found)


def _synced(facts: Facts, found: Finding) -> str:
    if found.status == "ok" and facts.synced is not None:
        return _clock(facts.synced.time_text)
    return _short(found)


def _executors(_: Facts, found: Finding) -> str:
    return found.message.removesuffix(" running") if found.status == "ok" else _short(found)


def _short(found: Finding) -> str:
    """A finding's message as far as it says what, without why and since when: the list below has it whole."""
    if found.message.endswith("is missing"):
        return "missing"
    return re.split(r": |, |; | at \d| \(| since ", found.message)[0]


def _clock(text: str) -> str:
    """The time of day of a log's time stamp, to the second."""
    return text[11:19]


def padded(content: Content, width: int) -> Content:
    """The content in exactly so many columns."""
    return content.truncate(width, ellipsis=True, pad=True)


def board(view: View, width: int, waited: Callable[[Finding], str]) -> Content:
    """The rows as lines of that width."""
    share = (width - LABEL) // 2
    lines = []
    for row in rows(view, waited):
        label = padded(Content.styled(signs.plain(row.label), "$quiet"), LABEL)
        of_one = width - LABEL if len(row.cells) == 1 else share
        lines.append(Content("").join([label, *(padded(_shown(cell), of_one) for cell in row.cells)]))
    return Content("\n").join(lines)


def _shown(cell: Cell) -> Content:
    if not cell.status:
        return Content("")
    ink = INKS[cell.status]
    text = signs.plain(cell.text)
    return Content.assemble(
        (f"{signs.of_finding(cell.status)} ", ink), (text, "" if cell.status == "ok" else ink)
    )


def header(view: View, since: str, width: int, start: str = "") -> Content:
    """The verdict and since when, what `start` says where no node was started, and the nodes above their columns."""
    share = (width - LABEL) // 2
    seen = [node for node in view.pair.nodes if not view.pair.unseen(node)]
    never = bool(seen) and all(_has_no_log(view, node) for node in seen)
    verdict = Content.assemble(
        (
            f"{signs.of_finding(SIGN_OF_OUTCOME[view.outcome])} "
            f"{'NOT STARTED' if never else view.outcome.upper()}",
            OUTCOMES[view.outcome],
        ),
        (f" since {since}", "$quiet"),
        (f"   s: {start}" if never and start else "", "$primary bold"),
    )
    nodes = [
        padded(Content.assemble((node.name, "bold"), (f"  {signs.plain(node.host)}", "$quiet")), share)
        for node in view.pair.nodes
    ]
    return Content("\n").join([verdict, Content("").join([padded(Content(""), LABEL), *nodes])])


def problems(view: View, waited: Callable[[Finding], str]) -> Content:
    """What is wrong with its fix, then warnings, then what is awaited."""
    lines: list[Content] = []
    for status in ("error", "warning", "waiting"):
        for one in view.findings:
            if one.status != status or one.id == "verify.drill":
                continue
            node = f" {one.node}" if one.node else ""
            told = f"{one.message} ({waited(one)})" if status == "waiting" else one.message
            lines.append(
                Content.assemble(
                    (f"{signs.of_finding(status)} {one.id.removeprefix('verify.')}{node}", INKS[status]),
                    f"  {signs.plain(told)}",
                )
            )
            if status != "waiting" and one.evidence:
                lines.append(Content.styled(f"    {signs.plain(brief(one.evidence))}", "$quiet"))
            if one.fix:
                lines.append(Content.assemble(("    fix: ", "$quiet"), signs.plain(one.fix)))
    for one in view.findings:
        if one.id == "verify.log" and one.status == "skipped" and one.fix:
            lines.append(
                Content.styled(f"{signs.of_finding('skipped')} {signs.plain(one.message)}", "$quiet")
            )
            lines.append(Content.assemble(("    to see it: ", "$quiet"), signs.plain(one.fix)))
    return Content("\n").join(lines or [Content.styled("nothing is wrong, and nothing is awaited", "$quiet")])


def brief(evidence: str) -> str:
    """The first line of the evidence; of a log line the time of day and the message."""
    first = evidence.splitlines()[0]
    record = parse(re.sub(r"^\d+x ", "", first).encode())
    return first if record is None else f"{_clock(record.time_text)} {record.message}".strip()


def event(node: str, time_text: str, text: str, *, error: bool = False) -> Content:
    """A line of the time line: by the node's own clock."""
    ink = "$error" if error else ""
    return Content.assemble(
        (f"{_clock(time_text):<8} ", "$quiet"), (f"{node:<8} ", "bold"), (signs.plain(text), ink)
    )


class Painted(Widget):
    """Shows what its painter makes of the newest view for the width that there is."""

    def __init__(self, painter: Callable[[int], Content], id: str) -> None:
        super().__init__(id=id)
        self._painter = painter

    def render(self) -> Content:
        return self._painter(self.content_size.width or self.app.size.width - 2)


# --- the screen -----------------------------------------------------------------------------------


class Dashboard(Screen[int]):
    """Shows one view after the other, as long as somebody looks."""

    CSS_PATH = "dashboard.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "drill", "failover drill"),
        Binding("s", "servers('start')", "start"),
        Binding("x", "servers('stop')", "stop"),
        Binding("e", "servers('restart')", "restart"),
        Binding("r", "report", "report"),
        Binding("t", "pane", "time line"),
        Binding("l", "app.theme", "light or dark", show=False),
        Binding("f1", "help", "help"),
        Binding("q", "leave", "leave"),
        Binding("ctrl+q,ctrl+c", "leave", "leave", show=False, priority=True),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 (as Textual declares it)

    def __init__(
        self,
        watcher: Watcher,
        *,
        name: str,
        writer: ReportWriter,
        until_healthy: bool = False,
        clock: Callable[[], float] = time.time,
        setting: Callable[[str | None], Setting] | None = None,
    ) -> None:
        """Show what the watcher sees; `setting` is for the servers of one node or both, None: they are left alone."""
        super().__init__()
        self._setting = setting
        self._up: set[str] = set()
        self.watcher = watcher
        self.profile_name = name
        self.writer = writer
        self.until_healthy = until_healthy
        self.clock = clock
        self.view: View | None = None
        self._since = 0.0
        self._awaited: dict[tuple[str, str | None], float] = {}
        self._events: list[Content] = []
        self._chosen = False
        self.add_class("-timeline")

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        with Container(id="top"):
            yield Painted(self._header, id="header")
            yield Painted(self._board, id="board")
        yield Static(id="drill")
        with Container(id="bottom"):
            with VerticalScroll(id="problems"):
                yield Static(id="problem-list")
            with VerticalScroll(id="timeline"):
                yield Static("no event yet", id="event-list")
        yield Painted(self._keys, id="keys")

    def on_mount(self) -> None:
        self.query_one("#problems").border_title = "What is wrong or awaited"
        self.query_one("#timeline").border_title = "Time line, the newest first"
        self.query_one("#title", Static).update(
            Content.assemble(
                (" apimha-wizard", "$primary bold"),
                (f" {signs.sign('dot')} verify {signs.sign('dot')} {signs.plain(self.profile_name)}", ""),
            )
        )
        self.show_keys()
        self.query_one("#timeline").focus()
        self.run_worker(self._keep_watching(), exclusive=True)

    async def _keep_watching(self) -> None:
        while True:
            view = await beside(self._look, "logs")
            with suppress(NoMatches):  # the person has left meanwhile
                self.show(view)
            if is_over(view, until_healthy=self.until_healthy):
                await self._end(exit_code(view))
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
            event(node, moment.time_text, moment.text, error=moment.error) for node, moment in view.news
        ]
        del self._events[:-MOST_EVENTS]
        if not self._chosen:
            # Until somebody chooses: what is wrong is more urgent than what has happened.
            wrong = any(one.status == "error" for one in view.findings)
            self.set_class(bool(self._events) and not wrong, "-timeline")
        self.paint(new_events=bool(view.news))

    def paint(self, *, new_events: bool = False) -> None:
        """Show the newest view."""
        view = self.view
        if view is None:
            return
        for painted in self.query(Painted):
            painted.refresh(layout=True)
        self.query_one("#problem-list", Static).update(problems(view, self._waited))
        drill = self.query_one("#drill", Static)
        drill.display = view.drill is not None
        if view.drill is not None:
            told = Content.assemble(("drill  ", "bold"), signs.plain(view.drill.instruction(view.pair)))
            if view.drill.phase == "stop":
                told += Content.styled(f"\nhint   {signs.plain(view.drill.hint(view.pair))}", "$quiet")
            drill.update(told)
        if new_events:
            # The newest first: nobody has to scroll to see what has just happened.
            self.query_one("#event-list", Static).update(Content("\n").join(reversed(self._events)))
        self.show_keys()

    def _header(self, width: int) -> Content:
        since = time.strftime("%H:%M:%S", time.localtime(self._since))
        return (
            header(self.view, since, width, self._offered().get("start", ""))
            if self.view is not None
            else Content(signs.plain("reading the logs …"))
        )

    def _board(self, width: int) -> Content:
        return board(self.view, width, self._waited) if self.view is not None else Content("")

    def _waited(self, one: Finding) -> str:
        seconds = int(self.clock() - self._awaited.get((one.id, one.node), self.clock()))
        return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"

    def show_keys(self) -> None:
        self.query_one("#keys").refresh()

    def _keys(self, width: int) -> Content:
        drill = "end the drill" if self.watcher.drill is not None else "failover drill"
        other = "problems" if self.has_class("-timeline") else "time line"
        both = width >= WIDE
        offered = self._offered()
        keys = [
            *((key, verb) for key, verb in zip("sxe", servers.VERBS, strict=True) if verb in offered),
            ("d", drill),
            ("r", "report"),
            *([] if both else [("t", other)]),
            ("F1", "help"),
            ("q", "leave"),
        ]
        parts: list[tuple[str, str] | str] = [" "]
        for key, what in keys:
            parts += [(key, "$primary bold"), f" {what}  "]
        return Content.assemble(*parts)

    def _here(self) -> list[str]:
        nodes = self.view.pair.nodes if self.view is not None and self._setting is not None else ()
        return [node.name for node in nodes if node.name in self.writer.packs]

    def _offered(self) -> dict[str, str]:
        """What can be done to the servers now, each with its title; a drill says itself what to stop and start."""
        here, view = self._here(), self.view
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
        """Start, stop or restart the nodes that are here."""
        if self._setting is not None and verb in self._offered():
            here = self._here()
            only_node = here[0] if len(here) == 1 else None
            servers.ask(self.app, verb, here, partial(self._setting, only_node))

    def action_drill(self) -> None:
        """Begin the drill, or end it."""
        self.watcher.drill = None if self.watcher.drill is not None else Drill()
        self.show_keys()

    def action_pane(self) -> None:
        """Change between problems and time line, where there is no room for both."""
        self._chosen = True
        self.toggle_class("-timeline")
        self.query_one("#timeline" if self.has_class("-timeline") else "#problems").focus()
        self.show_keys()

    def action_help(self) -> None:
        self.app.push_screen(Help.of(self))

    async def action_report(self) -> None:
        """Write the report now."""
        if self.view is not None:
            await self._write(self.writer.now)

    async def action_leave(self) -> None:
        await self._end(LEFT)

    async def _end(self, code: int) -> None:
        if isinstance(running := self.app.screen, servers.ServersRun):
            await beside(running.put_back, "put back")
        if self.view is not None:
            await self._write(self.writer.at_end)
        self.app.exit(code, return_code=code)

    async def _write(self, keep: Callable[[View], list[Path]]) -> None:
        view = self.view
        if view is None:
            return
        try:
            paths = await beside(lambda: keep(view), "report")
        except WizardError as problem:
            self.notify(signs.plain(str(problem)), severity="error", markup=False)
            return
        for path in paths:
            self.notify(signs.plain(f"written: {path}"), markup=False)


class DashboardApp(App[int]):
    """The dashboard alone, as the command line opens it."""

    TITLE = "apimha-wizard"
    CSS_PATH = "dashboard.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, dashboard: Dashboard, *, theme: str = "dark") -> None:
        super().__init__()
        self.dashboard = dashboard
        self.broken: Exception | None = None
        for one in THEMES.values():
            self.register_theme(one)
        self.theme = THEMES[theme].name
        if self.no_color:
            without_colours(self)

    def get_default_screen(self) -> Screen[int]:
        return self.dashboard

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, self.exit, 128 + number, 128 + number)

    async def action_quit(self) -> None:
        await self.dashboard.action_leave()

    def action_theme(self) -> None:
        """Change between dark and light; it is remembered."""
        memory = Memory()
        memory.theme = "light" if self.current_theme.dark else "dark"
        self.theme = THEMES[memory.theme].name

    def _handle_exception(self, error: Exception) -> None:
        """Textual would print the local variables of the traceback; the caller tells it in its own way."""
        if self.broken is None:
            self.broken = error
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._return_code = 1
        self._close_messages_no_wait()


def run(
    watcher: Watcher,
    *,
    name: str,
    until_healthy: bool,
    writer: ReportWriter,
    loaded: LoadedProfile | None = None,
    resolver: Resolver | None = None,
) -> int:
    """Watch on the screen until the person leaves (130), or until there is nothing left to watch for.

    With the profile as it was loaded and its resolver the servers can be started and stopped.

    Raises:
        Exception: what went wrong inside; the terminal is as it was.
    """
    never_wait()
    setting = partial(servers.setting_of, loaded, resolver) if loaded and resolver else None
    dashboard = Dashboard(watcher, name=name, writer=writer, until_healthy=until_healthy, setting=setting)
    app = DashboardApp(dashboard, theme=Memory().theme)
    app.run()
    if app.broken is not None:
        raise app.broken
    return app.return_code or 0
