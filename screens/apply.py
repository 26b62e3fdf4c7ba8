"""Write what was reviewed, with a way back at any time; and after a run, the page to work from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from screens import keys
from screens.dialogs import questions
from screens.dialogs.questions import WRITING
from screens.dialogs.servers import Verb, as_saved, ask_for_pair
from screens.model.background import beside
from screens.model.pair import OpenPair
from screens.signs import cut, finding_content, plain, sign
from screens.widgets.bars import BarScreen
from wizard.command_line.run import replay
from wizard.command_line.run.replay import Prepared, Result
from wizard.command_line.run.servers import NodeState, ServersResult
from wizard.command_line.text import NextStep, run_ending, step_lines, steps_after
from wizard.steps.procedure import STEP_IDS
from wizard.system.errors import Cancel, WizardError

LABEL = 39
BARS = (10, 20)
"""Columns of the bar in a narrow and in a wide terminal."""
COLOURS = {"open": "$primary", "done": "$success", "failed": "$error"}

ACTIONS = {"start": "servers('start')", "verify": "app.verify", "undo": "roll_back"}
"""The next steps that are buttons, and what they do."""


class ProgressRow(Widget):
    """` node1   ████████░░░░  4/9  master-datasources.xml`."""

    def __init__(self, label: str, total: int) -> None:
        super().__init__()
        self.label = label
        self.done, self.total = 0, total
        self.text = "waiting"
        self.state = "open"

    def show(self, text: str, done: int, total: int = 0, state: str = "open") -> None:
        self.text, self.done, self.total, self.state = text, done, total or self.total, state
        self.refresh()

    def render(self) -> Content:
        part = 1.0 if self.state == "done" else self.done / self.total if self.total else 0.0
        bar = BARS[self.size.width >= 100]
        full = round(part * bar)
        count = f"{self.done}/{self.total}" if self.total else ""
        return Content.assemble(
            f" {cut(plain(self.label), LABEL):<{LABEL}} ",
            (sign("full") * full, COLOURS[self.state]),
            (sign("empty") * (bar - full), "$line"),
            f" {count:>5}  ",
            (cut(plain(self.text), max(8, self.size.width - LABEL - bar - 10)), "$quiet"),
        )


class Apply(BarScreen[None]):
    """Run the plan that was reviewed, and nothing else."""

    pair: OpenPair
    CSS_PATH = "apply.tcss"
    AUTO_FOCUS = "Button"
    KEYS = keys.APPLY

    def __init__(self, pair: OpenPair, prepared: Prepared, *, rolling: bool = False) -> None:
        super().__init__("apply", pair)
        self._rolling = rolling
        self.prepared = prepared
        self.result: Result | None = None
        self._done: Done | None = None
        self._cancel = Cancel()

    def content(self) -> ComposeResult:
        nodes, needs = self.prepared.plan.nodes, self.pair.needs
        totals = {node.node: sum(len(change.moves) for change in node.pending) for node in nodes}
        totals |= {need.database.name: 0 for need in (needs.databases if needs is not None else ())}
        self._bars = {label: ProgressRow(label, total) for label, total in totals.items()}
        with VerticalScroll(id="applying", can_focus=False):
            yield from self._bars.values()
            yield Static("Checking everything once more …", id="outcome", markup=False)
            yield Static(id="errors")
        with Horizontal(id="actions"):
            yield Button("cancel and restore", id="stop", compact=True)

    def on_mount(self) -> None:
        self.offer("back")
        self._run()

    @work(group=WRITING)
    async def _run(self) -> None:
        self.show_result(*await beside(self._write, "apply"))

    async def put_back(self) -> None:
        """Cancel; leaving waits until everything is as before."""
        self._cancel.set()

    def _write(self) -> tuple[Result, list[NextStep]]:
        """Run the plan; every way in which that can end is a result."""
        from wizard.command_line.run.rolling import keeping

        try:
            loaded, resolver = as_saved(self.pair)

            def agreed(prepared: Prepared) -> bool:
                self.call_later(self.say, "Writing …")
                return prepared.plan == self.prepared.plan and loaded.profile == self.prepared.profile

            def show(nodes: Sequence[NodeState]) -> None:
                self.call_later(self.say, "   ".join(f"{node.name}: {node.text}" for node in nodes))

            # The passwords are those that the review resolved: the user is not asked twice.
            result, prepared = replay.replay(
                loaded,
                self.pair.options()._replace(rolling=self._rolling),
                resolver,
                say=lambda text: self.app.call_later(self.app.say, text),  # type: ignore[arg-type]
                progress=lambda node, path, done, total: self.call_later(self.show_file, node, path),  # type: ignore[arg-type]
                database_progress=lambda *progress: self.call_later(self.show_database, *progress),  # type: ignore[arg-type]
                agreed=agreed,
                keeping=partial(keeping, loaded, resolver, show, self._cancel),
                cancel=self._cancel,
            )
            if result.outcome not in {"applied", "unchanged"}:
                return result, []
            return result, steps_after(prepared, result, self.pair.draft.called, loaded.path)
        except KeyboardInterrupt:
            return replay.Result("cancelled", 130), []
        except WizardError as error:
            return replay.Result(error.outcome, error.exit_code, error=str(error)), []
        except Exception as error:  # its text could quote a password: only its kind is shown
            return replay.Result("failed", 1, error=f"internal error: {type(error).__name__}"), []

    def show_file(self, node: str, path: str) -> None:
        """One more path of a node is written."""
        self._bars[node].show(Path(path).name, self._bars[node].done + 1)

    def show_database(self, database: str, done: int, total: int, text: str) -> None:
        """One more statement of a database has run."""
        if database in self._bars:
            self._bars[database].show(text, done, total)
        else:
            self.say(text)

    def show_result(self, result: Result, steps: list[NextStep]) -> None:
        """Show how the run ended: the page to work from, or what failed."""
        self.result = result
        if not self.is_attached:
            return
        if result.outcome in {"applied", "unchanged"}:
            self.pair.note(wrong=[], passed=list(STEP_IDS))
            count = sum(file["status"] in {"changed", "created"} for file in result.files)
            databases = sum(one["status"] == "created" for one in result.databases)
            summary = f"Done: {count} files written"
            summary += f", {databases} databases created" if databases else ""
            self._done = Done(self.pair, summary, steps, result.run)
            self.on_screen_resume()
            return
        for node in self.prepared.plan.nodes:
            self._bars[node.node].show("as before", 0)
        for database in result.databases:
            if (bar := self._bars.get(database["name"])) is not None:
                status = database["status"]
                failed = status in {"failed", "missing"}
                done, state = (bar.done, "failed") if failed else (bar.total, "done")
                bar.show(f"{status}, {database['tables']} tables", done, state=state)
        self.say(f"{sign('error')} {run_ending(result)}", "$error bold")
        parts = [Content(plain(line)) for line in (result.error or "").split("\n") if line]
        parts += [finding_content(one) for one in result.checks if one.status == "error"]
        self.query_one("#errors", Static).update(Content("\n").join(parts))
        button = self.query_one("#stop", Button)
        button.label = "back to the review"
        button.refresh(layout=True)
        self.offer("stop")

    def on_screen_resume(self) -> None:
        """Give way to the page to work from, but not while something else is shown above this screen."""
        if self._done is not None and self.is_active:
            self.app.switch_screen(self._done)

    def say(self, text: str, style: str = "") -> None:
        self.query_one("#outcome", Static).update(Content.assemble((plain(text), style)))

    def action_stop(self) -> None:
        """Cancel, and restore everything; once it has ended: go back."""
        if self.result is None:
            self._cancel.set()
            self.say("Cancelling: everything is restored …")
        else:
            self.action_back()

    on_button_pressed = action_stop

    def action_back(self) -> None:
        """Go back to the review, which reads everything again."""
        if self.result is not None:
            self.pair.prepared = None
            self.dismiss(None)


class Done(BarScreen[None]):
    """The next steps of a run, right after it or from *Runs*; each command on a line of its own, to be copied."""

    pair: OpenPair
    CSS_PATH = "apply.tcss"
    AUTO_FOCUS = "Button"
    KEYS = keys.DONE

    def __init__(self, pair: OpenPair, summary: str, steps: list[NextStep], run: str | None) -> None:
        super().__init__("done", pair)
        self.steps, self.run, self._summary = steps, run, summary

    def content(self) -> ComposeResult:
        with VerticalScroll(id="next", can_focus=False):
            head = (f"{sign('done')} {plain(self._summary)}", "$success bold")
            run = (f" (run {self.run})" if self.run else "", "$quiet")
            yield Static(Content.assemble(head, run), classes="lines")
            for step in self.steps:
                if step.id in ACTIONS:
                    yield Button(step.title, id=step.id, compact=True)
                else:
                    yield Static(step.title, markup=False, classes="title")
                with Vertical(classes="lines"):
                    for said, command in step.lines:
                        if said:
                            yield Static(plain(said), markup=False, classes="said")
                        if command:
                            yield Static(plain(command), markup=False, classes="command")

    def on_mount(self) -> None:
        present = {step.id for step in self.steps}
        self.offer(*(action for id, action in ACTIONS.items() if id not in present))

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        await self.run_action(ACTIONS[event.button.id or ""])

    @work
    async def action_roll_back(self) -> None:
        if self.run is not None and await questions.roll_back(self.app, self.run):
            self.action_back()

    def action_copy(self) -> None:
        self.app.copy_to_clipboard("\n".join(step_lines(self.steps)))

    def action_servers(self, verb: Verb) -> None:
        ask_for_pair(self.app, self.pair, verb, self._ended)

    def _ended(self, result: ServersResult | None) -> None:
        if result is None or not self.query("#start"):
            return
        healthy = f"  {sign('done')} healthy" if result.outcome == "healthy" else ""
        title = next(step.title for step in self.steps if step.id == "start")
        button = self.query_one("#start", Button)
        button.label = f"{title}{healthy}"
        button.refresh(layout=True)
        if healthy:
            self.query_one("#verify").focus()

    def action_back(self) -> None:
        self.pair.prepared = None
        self.dismiss(None)
