"""Passwords that are typed for this session: masked, kept in memory at most, and stored nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from screens.dialogs.ask import Entry
from screens.model.background import beside
from screens.signs import finding_content
from screens.widgets.field import Line
from wizard.command_line.run import replay
from wizard.passwords.secret import Secret
from wizard.profile.fields import key_of, keys
from wizard.steps import procedure
from wizard.system import finding

if TYPE_CHECKING:
    from screens.model.pair import OpenPair
    from wizard.profile.document import Place
    from wizard.system.finding import Finding

TESTS = {
    "mysql.password": ("mysql", "mysql", ("mysql.connect", "mysql.account")),
    "mysql.admin_password": ("mysql", "admin", ("mysql.connect", "mysql.administrator")),
    "deployment_sync.svn_password": ("deployment-sync", "svn", ("deployment-sync.repository",)),
}
"""The key of a password → its step, its name in `Passwords`, and the checks that test it."""


class Typed(Entry[str]):
    """Asks for a password; gives what was typed, or None."""

    AUTO_FOCUS = "Line"
    TEXT = "It is kept in memory until you leave, and stored nowhere but in the nodes' files."

    def __init__(self, key: str) -> None:
        super().__init__(f"Password for {key}", self.TEXT, "use it")

    def fields(self) -> Iterable[Widget]:
        yield Line("", "type the password", password=True)

    def action_use(self) -> None:
        self.dismiss(self.query_one(Line).value)


class PasswordTest(Entry[None]):
    """Tests the password that a field refers to, or another one that is typed here.

    What only the user has (*ask me*, a variable that is not set) is used for this session; the rest is forgotten.
    """

    AUTO_FOCUS = "Line"
    TEXT = "What you type is tested once and forgotten. Leave it empty to test what the field refers to."
    fields = Typed.fields

    def __init__(self, pair: OpenPair, place: Place) -> None:
        self._key = key_of(place)
        self._untyped = self._key in pair.passwords.untyped()
        self._for_session = self._untyped or self._key in pair.passwords.typed
        text = Typed.TEXT if self._for_session else self.TEXT
        super().__init__(f"Test: {keys()[self._key].title}", text, "test it now", "close")
        self.pair = pair

    def action_use(self) -> None:
        self.run_worker(self._test(self.query_one(Line).value), exclusive=True)

    async def _test(self, text: str) -> None:
        result = self.result
        if not text and self._untyped:
            result.update("Type the password first.")
            return
        result.update("Logging in …")
        if text and self._for_session:
            self.pair.passwords.type(self._key, text)
            self._untyped = False
        try:
            secret = Secret(text) if text else None
            findings = await beside(lambda: tried(self.pair, self._key, secret), "password test")
        except Exception as problem:  # its text could quote the password: only the kind is shown
            result.update(f"The test failed: {type(problem).__name__}")
            return
        result.update(Content("\n").join(map(finding_content, findings)))
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
    prepared = replay.prepare(pair.profile, options, pair.passwords.resolver(), called=pair.draft.called)
    passwords = prepared.passwords
    if secret is not None:
        problems = tuple(one for one in passwords.problems if not one.message.startswith(f"{key}:"))
        passwords = passwords._replace(problems=problems, **{name: secret})  # type: ignore[arg-type]
        prepared.passwords = passwords
    if passwords.problems:
        return list(passwords.problems)
    found = list(prepared.check(one for one in procedure.CHECKS if one.id in ids))
    return [one for one in found if one.status != "skipped"] or found
