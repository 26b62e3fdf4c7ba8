"""Writing it: progress of each node and each database, a way back at any time, and afterwards what to do now."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Static

from screens import verify
from screens.dialogs.ask import Ask
from screens.signs import of_finding, plain, sign
from screens.widgets.key_bar import KeyBar, KeyHint
from screens.widgets.progress import ProgressRow
from screens.widgets.title_bar import TitleBar
from wizard.command_line.run import replay, rollback
from wizard.command_line.text import next_steps
from wizard.profile.store import load
from wizard.steps.procedure import STEP_IDS
from wizard.system.cancel import Cancel
from wizard.system.errors import WizardError

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from screens.model.pair import OpenPair
    from wizard.command_line.run.replay import Prepared, Result
    from wizard.system.finding import Finding

WORKING = (
    KeyHint("Esc", "cancel and restore", "screen.stop", 0),
    KeyHint("F1", "help", "app.help", 1),
)
DONE = (
    KeyHint("r", "roll back", "screen.roll_back", 1),
    KeyHint("c", "copy the next steps", "screen.copy", 2),
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
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "stop", "cancel and restore", show=False),
        Binding("r", "roll_back", "roll back", show=False),
        Binding("c", "copy", "copy", show=False),
        Binding("v", "verify", "verify", show=False),
        Binding("ctrl+b", "back", "back", show=False),
    ]

    def __init__(self, pair: OpenPair, prepared: Prepared) -> None:
        super().__init__()
        self.pair = pair
        self.prepared = prepared
        self.result: Result | None = None
        self.working = True
        self._cancel = Cancel()
        self._ended = threading.Event()
        self._next: list[str] = []
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
            yield Static("", id="next")
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
        tell = self._tell_from_thread
        self.pair.draft.keeper.settled(5.0)
        loaded = load(self.pair.draft.target)

        def agreed(prepared: Prepared) -> bool:
            tell("writing")
            return prepared.plan == self.prepared.plan and loaded.profile == self.prepared.profile

        # The passwords are those that were looked at: nobody is asked twice.
        resolver = self.pair.resolver()
        resolver.trusted = loaded.is_agreed  # the file may have been replaced since it was shown
        result, prepared = replay.replay(
            loaded,
            self.pair.options(),
            resolver,
            tell=lambda finding: None,
            say=lambda text: tell("said", text),
            progress=lambda node, path, done, total: tell("written", node, path),
            database_progress=lambda *progress: tell("made", *progress),
            agreed=agreed,
            cancel=self._cancel,
        )
        called = self.pair.draft.called
        lines = list(next_steps(prepared, result, called)) if result.outcome == "applied" else []
        tell("ended", result, lines)

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

    def _on_ended(self, result: Result, lines: list[str]) -> None:
        self.working = False
        self.result = result
        self._next = lines
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
        self.query_one("#next", Static).update(what_now(self._next))
        self._offer(
            ("verify", "verify"), ("leave", "leave"), *((("undo", "roll back"),) if result.run else ())
        )

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
        parts += [_finding(one) for one in errors]
        self.query_one("#next", Static).update(Content("\n").join(parts))
        self._offer(("back", "back to the review"), ("leave", "leave"))

    def _on_undone(self, result: Result) -> None:
        self.working = False
        count = sum(file["status"] == "restored" for file in result.files)
        if result.outcome == "restored" and not result.error:
            self._tell(
                f"{sign('done')} Rolled back: {count} files are as before. Databases stay.", "$success bold"
            )
            self.query_one("#next", Static).update("")
            for bar in self.query(ProgressRow):
                if bar.label not in self._databases:
                    bar.undo()
            self.result = None
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

    def _offer(self, *buttons: tuple[str, str]) -> None:
        self.query_one(KeyBar).offer(*DONE)
        actions = self.query_one("#actions", Horizontal)

        async def renew() -> None:
            await actions.remove_children()
            if actions.is_attached:  # somebody may have left meanwhile
                await actions.mount(*(Button(label, id=id, compact=True) for id, label in buttons))
                self.set_focus(next(iter(actions.children), None))

        self.call_later(renew)

    # --- actions ----------------------------------------------------------------------------------

    def on_button_pressed(self, event: Button.Pressed) -> None:
        action = {
            "stop": self.action_stop,
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
            self.app.copy_to_clipboard("\n".join(self._next))
            self.notify("The next steps are in the clipboard.", markup=False)

    def action_verify(self) -> None:
        if not self.working:
            verify.wish(self.app, self.pair)  # type: ignore[arg-type]

    def action_back(self) -> None:
        if not self.working:
            self.pair.prepared = None
            self.dismiss(None)


COMMAND = re.compile(r"(?:apimha-wizard|sh) [^,]+")
"""What has to be typed, in a line of the next steps."""


def what_now(lines: list[str]) -> Content:
    """The next steps with their commands set off."""
    parts = []
    for line in map(plain, lines):
        command = COMMAND.search(line)
        start, end = command.span() if command is not None else (len(line), len(line))
        parts.append(Content.assemble(line[:start], (line[start:end], "$primary bold"), line[end:]))
    return Content("\n").join(parts)


def _finding(finding: Finding) -> Content:
    node = f"{finding.node}: " if finding.node else ""
    return Content.assemble(
        (f"{of_finding(finding.status)} ", "$error bold"),
        plain(f"{finding.id}  {node}{finding.message}"),
        f"\n    fix: {plain(finding.fix)}" if finding.fix else "",
    )
