"""Passwords that are typed: masked, kept in memory for this session at most, and written nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from screens.model.background import beside
from screens.signs import of_finding, plain
from wizard.command_line.run import replay
from wizard.passwords.secret import Secret
from wizard.preflight import checks
from wizard.steps import procedure
from wizard.system import finding

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from screens.model.pair import OpenPair
    from wizard.profile.lines import Place
    from wizard.system.finding import Finding

TESTS = {
    "mysql.password": ("mysql.connect", "mysql.account"),
    "mysql.admin_password": ("mysql.connect", "mysql.administrator"),
    "deployment_sync.svn_password": ("deployment-sync.repository",),
}
"""The key of a password → the checks that try it."""


class Masked(Input):
    """A line that shows dots, and tells nobody what it holds: neither a message nor a log has it."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, password=True, select_on_focus=False)
        self.cursor_blink = False

    def _watch_value(self, value: str) -> None:
        with self.prevent(Input.Changed):
            super()._watch_value(value)

    async def action_submit(self) -> None:
        self.screen.typed()  # type: ignore[attr-defined]

    def action_copy(self) -> None:
        """What is masked does not go to the clipboard."""

    def action_cut(self) -> None:
        """Neither does it when it is cut."""
        self.delete_selection()

    def _on_blur(self, event: object) -> None:
        """Without the message of `Input`, which carries the value."""


class Typed(ModalScreen["str | None"]):
    """Asks for a password; gives what was typed, or None."""

    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "Masked"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "give up", show=False)]

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = f"Password for {self._key}"
            yield Static(
                "It is kept in memory until you leave, and stored nowhere but in the nodes' files.",
                markup=False,
                classes="text",
            )
            yield Masked("type it here")
            with Horizontal(classes="buttons"):
                yield Button("cancel", id="cancel", compact=True)
                yield Button("take it", id="take", compact=True)

    def typed(self) -> None:
        self.dismiss(self.query_one(Masked).value)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "take":
            self.typed()
        else:
            self.action_give_up()

    def action_give_up(self) -> None:
        self.dismiss(None)


class PasswordTest(ModalScreen[None]):
    """Tries the password that a field refers to, or another one that is typed here and forgotten."""

    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "Masked"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", show=False)]

    def __init__(self, pair: OpenPair, place: Place) -> None:
        super().__init__()
        self.pair = pair
        self._key = ".".join(str(part) for part in place)
        self._place = place

    @property
    def _asked_for(self) -> bool:
        value = self.pair.draft.value(self._place)
        return isinstance(value, dict) and "prompt" in value

    def compose(self) -> ComposeResult:
        kept = (
            "It is asked for at each run: what you type is kept in memory until you leave, and stored nowhere."
            if self._asked_for
            else "What you type is tried once and forgotten. Leave it empty to try what the field refers to."
        )
        with Vertical(classes="box") as box:
            box.border_title = f"Test {self._key}"
            yield Static(kept, markup=False, classes="text")
            yield Masked("the password" if self._asked_for else "empty: what the field refers to")
            yield Static("", markup=False, classes="result")
            with Horizontal(classes="buttons"):
                yield Button("close", id="close", compact=True)
                yield Button("test it now", id="test", compact=True)

    def typed(self) -> None:
        self.run_worker(self._test(), exclusive=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "test":
            self.typed()
        else:
            self.action_close()

    def action_close(self) -> None:
        self.dismiss(None)

    async def _test(self) -> None:
        result = self.query_one(".result", Static)
        typed = self.query_one(Masked).value
        if not typed and self._asked_for and self._key not in self.pair.typed:
            result.update("Type it first.")
            return
        result.update("Logging in …")
        secret = Secret(typed) if typed else None
        if secret is not None and self._asked_for:
            self.pair.typed[self._key] = secret
        try:
            findings = await beside(lambda: tried(self.pair, self._key, secret), "password test")
        except Exception as problem:  # its words could quote the password: only the kind is told
            result.update(f"It could not be tried: {type(problem).__name__}")
            return
        lines = [
            Content.assemble(
                (of_finding(one.status), f"bold ${'success' if one.status == 'ok' else 'error'}"),
                f" {plain(one.message)}",
                f"\n    fix: {plain(one.fix)}" if one.fix and one.status != "ok" else "",
            )
            for one in findings
        ]
        result.update(Content("\n").join(lines))
        if self._asked_for:
            self.pair.check_again()


def tried(pair: OpenPair, key: str, secret: Secret | None) -> list[Finding]:
    """What the checks say of a log-in with this password (None: with what the profile refers to).

    Called in a thread.  Fields that are missing are named instead.
    """
    if pair.profile is None:
        missing = [".".join(map(str, place)) for place in pair.mistakes]
        return [
            finding.error("the profile is not whole yet", fix=f"fill in or correct: {', '.join(missing)}")
        ]
    step = "deployment-sync" if key.startswith("deployment_sync") else "mysql"
    options = replay.Options(only=(step,), only_node=pair.progress.only_node)
    prepared = replay.prepare(pair.profile, options, pair.asking_resolver(), called=pair.draft.called)
    passwords = prepared.passwords
    if secret is not None:
        field = {
            "mysql.password": "mysql",
            "mysql.admin_password": "admin",
            "deployment_sync.svn_password": "svn",
        }
        problems = tuple(one for one in passwords.problems if not one.message.startswith(f"{key}:"))
        passwords = passwords._replace(problems=problems, **{field[key]: secret})  # type: ignore[arg-type]
        prepared.context.passwords = passwords
    if passwords.problems:
        return list(passwords.problems)
    wanted = [one for one in procedure.CHECKS if one.id in TESTS.get(key, ())]
    found = list(checks.run(wanted, prepared.context))
    return [one for one in found if one.status != "skipped"] or found
