"""Writing it: progress of each node and each database, a way back at any time, and afterwards what to do now."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Static

from screens import verify
from screens.dialogs.ask import Ask
from screens.dialogs.servers import Verb, ask_for_pair, finding_content
from screens.signs import plain, sign
from screens.widgets.key_bar import KeyBar, KeyHint
from screens.widgets.progress import ProgressRow
from screens.widgets.title_bar import TitleBar
from wizard.command_line.run import replay, rollback
from wizard.command_line.text import NextStep, next_steps, numbered, step_lines
from wizard.profile.store import load
from wizard.steps.procedure import STEP_IDS
from wizard.system.cancel import Cancel
from wizard.system.errors import WizardError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.widget import Widget

    from screens.model.pair import OpenPair
    from wizard.command_line.run.replay import Prepared, Result
    from wizard.command_line.run.servers import NodeState, ServersResult

WORKING = (
    KeyHint("Esc", "cancel and restore", "screen.stop", 0),
    KeyHint("F1", "help", "app.help", 1),
)
DONE = (
    KeyHint("s", "start", "screen.servers('start')", 1),
    KeyHint("r", "roll back", "screen.roll_back", 1),
    KeyHint("c", "copy", "screen.copy", 2),
    KeyHint("v", "verify", "screen.verify", 1),
    KeyHint("^B", "back", "screen.back", 2),
    KeyHint("F1", "help", "app.help", 3),
    KeyHint("^Q", "leave", "app.leave", 0),
)


class Happened(Message, bubble=False, verbose=True):
    """Something happened in the thread that writes."""

    def __init__(self, what: str, *details: Any) -> None:
        super().__init__()
        self.what = what
        self.details = details


class Apply(Screen[None]):
    """Runs the plan that was reviewed, and nothing else."""

    CSS_PATH = "apply.tcss"
    AUTO_FOCUS = "Button"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-high")]  # noqa: RUF012 (as Textual declares it)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "stop", "cancel and restore", show=False),
        Binding("r", "roll_back", "roll back", show=False),
        Binding("s", "servers('start')", "start", show=False),
        Binding("x", "servers('stop')", "stop", show=False),
        Binding("e", "servers('restart')", "restart", show=False),
        Binding("c", "copy", "copy", show=False),
        Binding("v", "verify", "verify", show=False),
        Binding("ctrl+b", "back", "back", show=False),
    ]

    def __init__(self, pair: OpenPair, prepared: Prepared, *, rolling: bool = False) -> None:
        super().__init__()
        self._rolling = rolling
        self.pair = pair
        self.prepared = prepared
        self.result: Result | None = None
        self.working = True
        self._cancel = Cancel()
        self._ended = threading.Event()
        self._next: list[NextStep] = []
        self._databases = (
            [need.database.name for need in pair.needs.databases] if pair.needs is not None else []
        )

    def compose(self) -> ComposeResult:
        bar = TitleBar(f"{self.pair.draft.title} {sign('to')} apply")
        yield bar
        with VerticalScroll(id="applying", can_focus=False):
            for node in self.prepared.plan.nodes:
                yield ProgressRow(node.node, sum(len(change.moves) for change in node.pending))
            for name in self._databases:
                yield ProgressRow(name, 0)
            yield Static("Checking everything once more …", id="outcome", markup=False)
            yield Vertical(id="next")
        with Horizontal(id="actions"):
            yield Button("cancel and restore", id="stop", compact=True)
        yield KeyBar(*WORKING)

    def on_mount(self) -> None:
        self.query_one(TitleBar).saved = self.pair.saved
        self._start(self._write)

    def _start(self, work: Any) -> None:
        """Work in a thread; leaving waits for it, since it must not be cut off in the middle of a write."""
        self.working = True
        self._ended.clear()

        def run() -> None:
            try:
                work()
            except BaseException as problem:
                self._tell_from_thread("broke", problem)
            finally:
                self._ended.set()

        threading.Thread(target=run, name="apply", daemon=True).start()

    def put_back(self) -> None:
        """Cancel what is going on, and wait until everything is as before."""
        if self.working:
            self._cancel.set()
            self._ended.wait()

    def _tell_from_thread(self, what: str, *details: Any) -> None:
        self.post_message(Happened(what, *details))

    # --- the thread that writes -------------------------------------------------------------------

    def _write(self) -> None:
        from wizard.command_line.run.rolling import keeping

        tell = self._tell_from_thread
        self.pair.draft.keeper.settled(5.0)
        loaded = load(self.pair.draft.target)

        def agreed(prepared: Prepared) -> bool:
            tell("writing")
            return prepared.plan == self.prepared.plan and loaded.profile == self.prepared.profile

        # The passwords are those that were looked at: nobody is asked twice.
        resolver = self.pair.resolver()
        resolver.trusted = loaded.is_agreed  # the file may have been replaced since it was shown
        options = self.pair.options()._replace(rolling=self._rolling)

        def shown(nodes: Sequence[NodeState]) -> None:
            tell("stands", "   ".join(f"{node.name}: {node.text}" for node in nodes))

        result, prepared = replay.replay(
            loaded,
            options,
            resolver,
            tell=lambda finding: None,
            say=lambda text: tell("said", text),
            progress=lambda node, path, done, total: tell("written", node, path),
            database_progress=lambda *progress: tell("made", *progress),
            agreed=agreed,
            keeping=partial(keeping, loaded, resolver, shown, self._cancel),
            cancel=self._cancel,
        )
        called = self.pair.draft.called
        done = result.outcome in {"applied", "unchanged"}
        tell("ended", result, list(next_steps(prepared, result, called)) if done else [])

    def _undo(self) -> None:
        result = self.result
        if result is None or result.run is None:
            return
        undone = rollback.rollback(
            result.run,
            force=False,
            say=lambda text: self._tell_from_thread("said", text),
            cancel=self._cancel,
        )
        self._tell_from_thread("undone", undone)

    # --- what it tells ----------------------------------------------------------------------------

    def on_happened(self, message: Happened) -> None:
        if self.is_attached:
            getattr(self, f"_on_{message.what}")(*message.details)

    def _bar(self, label: str) -> ProgressRow | None:
        return next((bar for bar in self.query(ProgressRow) if bar.label == label), None)

    def _on_writing(self) -> None:
        self._tell("Writing …")

    def _on_stands(self, text: str) -> None:
        self._tell(plain(text))

    def _on_said(self, text: str) -> None:
        self.notify(plain(text), markup=False)

    def _on_written(self, node: str, path: str) -> None:
        bar = self._bar(node)
        if bar is not None:
            bar.show(bar.done + 1, bar.total, Path(path).name)

    def _on_made(self, database: str, done: int, total: int, text: str) -> None:
        bar = self._bar(database)
        if bar is not None:
            bar.show(done, total, text)
        else:
            self._tell(text)

    def _on_ended(self, result: Result, steps: list[NextStep]) -> None:
        self.working = False
        self.result = result
        self._next = steps
        done = result.outcome in {"applied", "unchanged"}
        for node in self.prepared.plan.nodes:
            bar = self._bar(node.node)
            if bar is not None:
                if done:
                    bar.finish(f"{len(node.pending)} files written")
                else:
                    bar.undo()
        for database in result.databases:
            bar = self._bar(database["name"])
            if bar is not None:
                failed = database["status"] in {"failed", "missing"}
                bar.finish(f"{database['status']}, {database['tables']} tables", failed=failed)
        if done:
            self._tell_done(result)
        else:
            self._tell_failed(result)

    def _tell_done(self, result: Result) -> None:
        self.pair.note(wrong=[], passed=list(STEP_IDS))
        count = sum(file["status"] in {"changed", "created"} for file in result.files)
        run = f" Run {result.run}." if result.run else ""
        self._tell(f"{sign('done')} Done: {count} files written.{run}", "$success bold")
        page: list[Widget] = []
        for title, step in numbered(self._next):
            acts = step.id in ("start", "verify", "undo")
            page.append(Button(title, id=step.id, compact=True) if acts else Static(title, markup=False))
            page.append(Static(_lines(step), classes="lines"))
        self._offer(("leave", "leave"), page=page)
        # What is to be done now, not how it went, is what a small screen has to show.
        self.call_after_refresh(self.query_one("#outcome").scroll_visible, animate=False, top=True)

    def _tell_failed(self, result: Result) -> None:
        words = {
            "refused": "Refused: nothing was written.",
            "failed": "It failed. Everything in the homes is as before.",
            "cancelled": "Cancelled. Everything in the homes is as before.",
        }
        if result.outcome == "failed" and result.exit_code == 5:
            words["failed"] = "It failed. Some paths could not be restored."
        self._tell(f"{sign('error')} {words.get(result.outcome, result.outcome)}", "$error bold")
        errors = [one for one in result.checks if one.status == "error"]
        parts = [Content(plain(line)) for line in (result.error or "").split("\n") if line]
        parts += [finding_content(one) for one in errors]
        self._offer(
            ("back", "back to the review"), ("leave", "leave"), page=[Static(Content("\n").join(parts))]
        )

    def _on_undone(self, result: Result) -> None:
        self.working = False
        count = sum(file["status"] == "restored" for file in result.files)
        if result.outcome == "restored" and not result.error:
            self._tell(
                f"{sign('done')} Rolled back: {count} files are as before. Databases stay.", "$success bold"
            )
            for bar in self.query(ProgressRow):
                if bar.label not in self._databases:
                    bar.undo()
            self.result = None
            self._next = []
            self.pair.prepared = None
        else:
            self._tell(f"{sign('error')} {plain(result.error or 'Nothing to undo.')}", "$error bold")
        self._offer(("back", "back to the review"), ("leave", "leave"))

    def _on_broke(self, problem: BaseException) -> None:
        self.working = False
        told = (
            plain(str(problem))
            if isinstance(problem, WizardError)
            else f"It stopped: {type(problem).__name__}"
        )
        cancelled = isinstance(problem, KeyboardInterrupt)
        self._tell(
            f"{sign('error')} {'Cancelled. Everything in the homes is as before.' if cancelled else told}",
            "$error bold",
        )
        for bar in self.query(ProgressRow):
            bar.undo()
        self._offer(("back", "back to the review"), ("leave", "leave"))

    def _tell(self, text: str, style: str = "") -> None:
        self.query_one("#outcome", Static).update(Content.assemble((text, style)))

    def _offer(self, *buttons: tuple[str, str], page: Sequence[Widget] = ()) -> None:
        self.query_one(KeyBar).offer(*(hint for hint in DONE if self._next or hint.key not in "src"))
        actions = self.query_one("#actions", Horizontal)

        async def renew() -> None:
            await actions.remove_children()
            below = self.query_one("#next", Vertical)
            await below.remove_children()
            if actions.is_attached:  # somebody may have left meanwhile
                await below.mount(*page)
                await actions.mount(*(Button(label, id=id, compact=True) for id, label in buttons))
                self.set_focus(self.query(Button).first())

        self.call_later(renew)

    # --- actions ----------------------------------------------------------------------------------

    def on_button_pressed(self, event: Button.Pressed) -> None:
        action = {
            "stop": self.action_stop,
            "start": lambda: self.action_servers("start"),
            "verify": self.action_verify,
            "undo": self.action_roll_back,
            "back": self.action_back,
        }.get(event.button.id or "")
        if action is not None:
            action()
        else:
            self.app.call_later(self.app.run_action, "leave")

    def action_stop(self) -> None:
        """Cancel, and put everything back."""
        if self.working:
            self._cancel.set()
            self._tell("Cancelling: everything is put back …")
        else:
            self.action_back()

    def action_roll_back(self) -> None:
        if self.working or self.result is None or self.result.run is None:
            return

        def answered(choice: str | None) -> None:
            if choice == "yes":
                self._cancel = Cancel()
                self._tell("Rolling back …")
                self._start(self._undo)

        self.app.push_screen(
            Ask(
                "Roll back?",
                f"Every file of the run {self.result.run} gets back what stood in it before.\nDatabases stay.",
                [("no", "no"), ("yes", "roll back")],
            ),
            answered,
        )

    def action_copy(self) -> None:
        """The next steps into the clipboard."""
        if self._next:
            self.app.copy_to_clipboard("\n".join(step_lines(self._next)))
            self.notify("The next steps are in the clipboard.", markup=False)

    def action_servers(self, verb: Verb) -> None:
        """Start, stop or restart the servers of what was written."""
        if not self.working and self._next:
            ask_for_pair(self.app, self.pair, verb, self._started)  # type: ignore[arg-type]

    def _started(self, result: ServersResult | None) -> None:
        if result is not None and result.outcome == "healthy" and self.query("#start"):
            button = self.query_one("#start", Button)
            button.label = f"{str(button.label).partition('  ')[0]}  {sign('done')} healthy"
            button.refresh(layout=True)
            self.query_one("#verify").focus()

    def action_verify(self) -> None:
        if not self.working:
            verify.wish(self.app, self.pair)  # type: ignore[arg-type]

    def action_back(self) -> None:
        if not self.working:
            self.pair.prepared = None
            self.dismiss(None)


def _lines(step: NextStep) -> Content:
    """What is said, and each command on a line of its own."""
    parts = [
        (f"  {plain(text)}", "$primary bold" if n else "")
        for line in step.lines
        for n, text in enumerate(line)
    ]
    return Content("\n").join(Content.styled(text, style) for text, style in parts if text.strip())
