"""After a run: a page to work from. Start both nodes, verify, tell API Manager; and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Static

from screens import keys
from screens.dialogs import questions
from screens.dialogs.servers import Verb, ask_for_pair
from screens.signs import plain, sign
from screens.widgets.key_bar import KeyBar
from screens.widgets.title_bar import TitleBar
from wizard.command_line.text import NextStep, numbered, step_lines

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from screens.model.pair import OpenPair
    from wizard.command_line.run.servers import ServersResult

ACTIONS = {"start": "servers('start')", "verify": "verify", "undo": "roll_back"}
"""The steps that are buttons, and what they do."""


class Done(Screen[None]):
    """The next steps of a run, right after it or from *Runs*; each command on a line of its own, to be copied."""

    CSS_PATH = "apply.tcss"
    AUTO_FOCUS = "Button"
    KEYS = keys.DONE
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.DONE)

    def __init__(self, pair: OpenPair, summary: str, steps: list[NextStep], run: str | None) -> None:
        super().__init__()
        self.pair, self.steps, self.run = pair, steps, run
        self._summary = summary

    def compose(self) -> ComposeResult:
        yield TitleBar(f"{self.pair.draft.title} {sign('to')} done")
        with VerticalScroll(id="next", can_focus=False):
            run = f" (run {self.run})" if self.run else ""
            yield Static(
                Content.assemble(
                    (f"{sign('done')} {plain(self._summary)}", "$success bold"), (run, "$quiet")
                ),
                classes="lines",
            )
            for title, step in numbered(self.steps):
                if step.id in ACTIONS:
                    yield Button(title, id=step.id, compact=True)
                else:
                    yield Static(title, markup=False, classes="title")
                yield Vertical(
                    *(
                        Static(plain(text), markup=False, classes="command" if command else "said")
                        for line in step.lines
                        for command, text in enumerate(line)
                        if text
                    ),
                    classes="lines",
                )
        yield KeyBar(())

    def on_mount(self) -> None:
        self.query_one(TitleBar).saved = self.pair.saved
        present = {step.id for step in self.steps}
        missing = [action for id, action in ACTIONS.items() if id not in present]
        self.query_one(KeyBar).without(self.KEYS, *missing)

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        await self.run_action(ACTIONS[event.button.id or ""])

    @work
    async def action_roll_back(self) -> None:
        """Undo the run, after a question."""
        if self.run is not None and await questions.roll_back(self.app, self.run):
            self.action_back()

    def action_copy(self) -> None:
        """Copy the next steps."""
        self.app.copy_to_clipboard("\n".join(step_lines(self.steps)))

    def action_servers(self, verb: Verb) -> None:
        """Start, stop or restart the servers of what was written."""
        ask_for_pair(self.app, self.pair, verb, self._ended)

    def _ended(self, result: ServersResult | None) -> None:
        if result is None or not self.query("#start"):
            return
        healthy = f"  {sign('done')} healthy" if result.outcome == "healthy" else ""
        title = next(title for title, step in numbered(self.steps) if step.id == "start")
        button = self.query_one("#start", Button)
        button.label = f"{title}{healthy}"
        button.refresh(layout=True)
        if healthy:
            self.query_one("#verify").focus()

    async def action_verify(self) -> None:
        """Watch the servers start."""
        await self.app.run_action("verify")

    def action_back(self) -> None:
        """Go back to where the user came from."""
        self.pair.prepared = None
        self.dismiss(None)
