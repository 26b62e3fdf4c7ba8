"""Undo a run: what it means, whether a later run has to be undone first, and how it ended."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from screens.model.background import beside
from screens.signs import plain, sign
from wizard.command_line.run import rollback
from wizard.command_line.run.replay import Result
from wizard.system.cancel import Cancel
from wizard.system.errors import WizardError

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.worker import Worker

QUESTION = """\
Every file that the run {run} changed is restored. A file that was edited since is left alone, and named.
Databases stay."""
LATER = """\
{later} changed some of the same files later. Undo that run first: otherwise these files stay as they are."""


class RollBack(ModalScreen["Result | None"]):
    """Ask, undo, and show the result; it returns None where nothing was undone."""

    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "Button"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", show=False),
        Binding("right,down", "app.focus_next", "next", show=False),
        Binding("left,up", "app.focus_previous", "previous", show=False),
    ]

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run
        self._later: list[str] = []
        self._result: Result | None = None
        self._cancel = Cancel()
        self._working: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = "Roll back?"
            with VerticalScroll(id="found", can_focus=False):
                yield Static(QUESTION.format(run=self._run), markup=False, classes="text")
            with Horizontal(classes="buttons"):
                yield Button("no", id="no", compact=True)
                yield Button("roll back", id="yes", compact=True)
                yield Button("undo the later one first", id="later", compact=True)
                yield Button("restore these too, losing the edits", id="force", compact=True)

    async def on_mount(self) -> None:
        self._offer("no", "yes")
        try:
            self._later = await beside(lambda: rollback.later(self._run), "history")
        except WizardError as error:
            self._show(f"{sign('error')} {plain(str(error))}", "no")
            return
        if self._later:
            self._show(
                f"{QUESTION.format(run=self._run)}\n\n{LATER.format(later=' and '.join(self._later))}",
                "no",
                "later",
                "yes",
            )

    def _show(self, text: str, *buttons: str) -> None:
        self.query_one(".text", Static).update("\n".join(map(plain, text.split("\n"))))
        self._offer(*buttons)

    def _offer(self, *ids: str) -> None:
        for button in self.query(Button):
            button.display = button.id in ids
        self.query_one(f"#{ids[0]}").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "no":
            self.action_close()
            return
        later = self._later if event.button.id == "later" else []
        self._working = self.run_worker(
            self._undo([*later, self._run], force=event.button.id == "force"), exclusive=True
        )

    async def _undo(self, names: list[str], *, force: bool) -> None:
        for button in self.query(Button):
            button.disabled = True
        restored, result = 0, Result("unchanged", 0)
        for name in names:
            self.query_one(".text", Static).update(f"Rolling back {name} …")
            result = self._result = await beside(partial(self._rolled_back, name, force=force), "roll back")
            restored += sum(file["status"] == "restored" for file in result.files)
            if result.error or result.outcome not in ("restored", "unchanged"):
                break
        for button in self.query(Button):
            button.disabled = False
        self.query_one("#no", Button).label = "close"
        if result.error:
            self._show(
                f"{sign('error')} {result.error}",
                "no",
                *(["force"] if result.outcome == "restored" and result.exit_code == 3 else []),
            )
        elif result.outcome == "restored":
            self._show(f"{sign('done')} Rolled back: {restored} files are as before. Databases stay.", "no")
        else:
            self._show("Nothing to undo.", "no")

    def _rolled_back(self, name: str, *, force: bool) -> Result:
        try:
            return rollback.rollback(name, force=force, cancel=self._cancel)
        except KeyboardInterrupt:
            return Result("cancelled", 130, error="cancelled; every file is as it was")
        except WizardError as error:
            return Result("failed", error.exit_code, error=str(error))

    async def put_back(self) -> None:
        """Cancel, and wait until nothing is half done; called by whoever leaves."""
        self._cancel.set()
        if self._working is not None:
            await self._working.wait()

    def action_close(self) -> None:
        """Close, unless it is at work."""
        if not self.query_one("#no", Button).disabled:
            self.dismiss(self._result)
