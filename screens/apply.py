"""Write what was reviewed: the progress of each node and each database, and a way back at any time."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Static

from screens import keys
from screens.dialogs.questions import WRITING
from screens.dialogs.servers import as_saved, finding_content
from screens.done import Done
from screens.model.background import beside
from screens.signs import plain, sign
from screens.widgets.key_bar import KeyBar
from screens.widgets.progress import ProgressRow
from screens.widgets.title_bar import TitleBar
from wizard.command_line.run import replay
from wizard.command_line.text import NextStep, next_steps
from wizard.steps.procedure import STEP_IDS
from wizard.system.cancel import Cancel
from wizard.system.errors import WizardError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from screens.model.pair import OpenPair
    from wizard.command_line.run.replay import Prepared, Result
    from wizard.command_line.run.servers import NodeState

ENDINGS = {
    "refused": "Refused: no file was written.",
    "failed": "Failed. Everything in the homes is as before.",
    "cancelled": "Cancelled. Everything in the homes is as before.",
}


class Apply(Screen[None]):
    """Run the plan that was reviewed, and nothing else."""

    CSS_PATH = "apply.tcss"
    AUTO_FOCUS = "Button"
    KEYS = keys.APPLY
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.APPLY)

    def __init__(self, pair: OpenPair, prepared: Prepared, *, rolling: bool = False) -> None:
        super().__init__()
        self._rolling = rolling
        self.pair = pair
        self.prepared = prepared
        self.result: Result | None = None
        self._cancel = Cancel()
        self._databases = (
            [need.database.name for need in pair.needs.databases] if pair.needs is not None else []
        )

    @property
    def working(self) -> bool:
        """Whether the run has not ended yet."""
        return self.result is None

    def compose(self) -> ComposeResult:
        yield TitleBar(f"{self.pair.draft.title} {sign('to')} apply")
        with VerticalScroll(id="applying", can_focus=False):
            for node in self.prepared.plan.nodes:
                yield ProgressRow(node.node, sum(len(change.moves) for change in node.pending))
            for name in self._databases:
                yield ProgressRow(name, 0)
            yield Static("Checking everything once more …", id="outcome", markup=False)
            yield Static(id="errors")
        with Horizontal(id="actions"):
            yield Button("cancel and restore", id="stop", compact=True)
        yield KeyBar(())

    def on_mount(self) -> None:
        self.query_one(TitleBar).saved = self.pair.saved
        self.query_one(KeyBar).without(self.KEYS, "back")
        self.run_worker(self._run(), group=WRITING)

    async def _run(self) -> None:
        result, steps = await beside(self._write, "apply")
        self.show_result(result, steps)

    async def put_back(self) -> None:
        """Cancel; leaving waits until everything is as before."""
        self._cancel.set()

    # --- the thread that writes -------------------------------------------------------------------

    def _write(self) -> tuple[Result, list[NextStep]]:
        """Run the plan; every way in which that can end is a result."""
        from wizard.command_line.run.start_stop import keeping

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
                say=lambda text: self.app.call_later(self.notify, plain(text), markup=False),  # type: ignore[arg-type]
                progress=lambda node, path, done, total: self.call_later(self.show_file, node, path),  # type: ignore[arg-type]
                database_progress=lambda *progress: self.call_later(self.show_database, *progress),  # type: ignore[arg-type]
                agreed=agreed,
                keeping=partial(keeping, loaded, resolver, show, self._cancel),
                cancel=self._cancel,
            )
            done = result.outcome in {"applied", "unchanged"}
            steps = next_steps(prepared, result, self.pair.draft.called, loaded.path) if done else ()
            return result, list(steps)
        except KeyboardInterrupt:
            return replay.Result("cancelled", 130), []
        except WizardError as error:
            return replay.Result(error.outcome, error.exit_code, error=str(error)), []
        except Exception as error:  # its text could quote a password: only its kind is shown
            return replay.Result("failed", 1, error=f"internal error: {type(error).__name__}"), []

    # --- what it shows ----------------------------------------------------------------------------

    def _bar(self, label: str) -> ProgressRow | None:
        return next((bar for bar in self.query(ProgressRow) if bar.label == label), None)

    def show_file(self, node: str, path: str) -> None:
        """One more path of a node is written."""
        if (bar := self._bar(node)) is not None:
            bar.show(bar.done + 1, bar.total, Path(path).name)

    def show_database(self, database: str, done: int, total: int, text: str) -> None:
        """One more statement of a database has run."""
        if (bar := self._bar(database)) is not None:
            bar.show(done, total, text)
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
            summary = f"Done: {count} files written" + (
                f", {databases} databases created" if databases else ""
            )
            self.app.switch_screen(Done(self.pair, summary, steps, result.run))
            return
        for node in self.prepared.plan.nodes:
            if (bar := self._bar(node.node)) is not None:
                bar.undo()
        for database in result.databases:
            if (bar := self._bar(database["name"])) is not None:
                failed = database["status"] in {"failed", "missing"}
                bar.finish(f"{database['status']}, {database['tables']} tables", failed=failed)
        text = ENDINGS.get(result.outcome, result.outcome)
        if result.outcome == "failed" and result.exit_code == 5:
            text = "Failed. Some paths could not be restored."
        self.say(f"{sign('error')} {text}", "$error bold")
        parts = [Content(plain(line)) for line in (result.error or "").split("\n") if line]
        parts += [finding_content(one) for one in result.checks if one.status == "error"]
        self.query_one("#errors", Static).update(Content("\n").join(parts))
        button = self.query_one("#stop", Button)
        button.label = "back to the review"
        button.refresh(layout=True)
        self.query_one(KeyBar).without(self.KEYS, "stop")

    def say(self, text: str, style: str = "") -> None:
        """Show what happens now."""
        self.query_one("#outcome", Static).update(Content.assemble((plain(text), style)))

    # --- actions ----------------------------------------------------------------------------------

    def on_button_pressed(self) -> None:
        self.action_stop()

    def action_stop(self) -> None:
        """Cancel, and restore everything; once it has ended: go back."""
        if self.working:
            self._cancel.set()
            self.say("Cancelling: everything is restored …")
        else:
            self.action_back()

    def action_back(self) -> None:
        """Go back to the review, which reads everything again."""
        if not self.working:
            self.pair.prepared = None
            self.dismiss(None)
