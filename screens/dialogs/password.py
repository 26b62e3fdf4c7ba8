"""Passwords that are typed for this session: masked, kept in memory at most, and stored nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from screens.model.background import beside
from screens.signs import of_finding, plain
from screens.widgets.secret_field import Masked
from wizard.command_line.run import replay
from wizard.passwords.secret import Secret
from wizard.preflight import checks
from wizard.profile.fields import key_of, keys
from wizard.steps import procedure
from wizard.system import finding

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from screens.model.pair import OpenPair
    from wizard.profile.document import Place
    from wizard.system.finding import Finding

TESTS = {
    "mysql.password": ("mysql", "mysql", ("mysql.connect", "mysql.account")),
    "mysql.admin_password": ("mysql", "admin", ("mysql.connect", "mysql.administrator")),
    "deployment_sync.svn_password": ("deployment-sync", "svn", ("deployment-sync.repository",)),
}
"""The key of a password → its step, its name in `Passwords`, and the checks that test it."""


class Typed(ModalScreen["str | None"]):
    """Asks for a password; gives what was typed, or None."""

    CSS_PATH = "ask.tcss"
    AUTO_FOCUS = "Masked"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", show=False)]

    TEXT = "It is kept in memory until you leave, and stored nowhere but in the nodes' files."
    BUTTONS = ("cancel", "use it")

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    @property
    def _title(self) -> str:
        return f"Password for {self._key}"

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = self._title
            yield Static(self.TEXT, markup=False, classes="text")
            yield Masked("", "type the password")
            yield Static("", markup=False, classes="result")
            with Horizontal(classes="buttons"):
                for id, label in zip(("cancel", "take"), self.BUTTONS, strict=True):
                    yield Button(label, id=id, compact=True)

    def on_input_submitted(self) -> None:
        self.typed(self.query_one(Masked).value)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "take":
            self.typed(self.query_one(Masked).value)
        else:
            self.action_close()

    def typed(self, text: str) -> None:
        self.dismiss(text)

    def action_close(self) -> None:
        self.dismiss(None)


class PasswordTest(Typed):
    """Tests the password that a field refers to, or another one that is typed here.

    What only the user has (*ask me*, a variable that is not set) is used for this session; the rest is forgotten.
    """

    TEXT = "What you type is tested once and forgotten. Leave it empty to test what the field refers to."
    BUTTONS = ("close", "test it now")

    def __init__(self, pair: OpenPair, place: Place) -> None:
        super().__init__(key_of(place))
        self.pair = pair
        self._untyped = self._key in pair.untyped()
        self._for_session = self._untyped or self._key in pair.typed
        if self._for_session:
            self.TEXT = Typed.TEXT

    @property
    def _title(self) -> str:
        return f"Test: {keys()[self._key].title}"

    def typed(self, text: str) -> None:
        self.run_worker(self._test(text), exclusive=True)

    async def _test(self, text: str) -> None:
        result = self.query_one(".result", Static)
        if not text and self._untyped:
            result.update("Type the password first.")
            return
        result.update("Logging in …")
        if text and self._for_session:
            self.pair.type_password(self._key, text)
            self._untyped = False
        try:
            secret = Secret(text) if text else None
            findings = await beside(lambda: tried(self.pair, self._key, secret), "password test")
        except Exception as problem:  # its text could quote the password: only the kind is shown
            result.update(f"The test failed: {type(problem).__name__}")
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
        if self._for_session:
            self.pair.password_changed()


def tried(pair: OpenPair, key: str, secret: Secret | None) -> list[Finding]:
    """The findings of a login with this password (None: with what the profile refers to).

    Called in a thread.  If the profile is incomplete, the fields to fill in are named instead.
    """
    if pair.profile is None:
        fields = ", ".join(pair.label(place) for place in pair.mistakes)
        return [finding.error("the profile is incomplete", fix=f"fill in or correct: {fields}")]
    step, name, ids = TESTS[key]
    options = replay.Options(only=(step,), only_node=pair.progress.only_node)
    prepared = replay.prepare(pair.profile, options, pair.resolver(), called=pair.draft.called)
    passwords = prepared.passwords
    if secret is not None:
        problems = tuple(one for one in passwords.problems if not one.message.startswith(f"{key}:"))
        passwords = passwords._replace(problems=problems, **{name: secret})  # type: ignore[arg-type]
        prepared.context.passwords = passwords
    if passwords.problems:
        return list(passwords.problems)
    found = list(checks.run([one for one in procedure.CHECKS if one.id in ids], prepared.context))
    return [one for one in found if one.status != "skipped"] or found
