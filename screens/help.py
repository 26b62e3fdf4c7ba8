"""F1: what a screen is for, its keys, its fields and its checks; made from what is shown, not written twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from screens.keys import APPLY_KEYS, FORM_KEYS, REVIEW_KEYS, VERIFY_KEYS, WELCOME_KEYS, Keys
from screens.model import lookup
from screens.page import Page, PageEntry
from screens.signs import WORDS, StepState, plain, sign

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.screen import Screen

    from wizard.steps.step import Step


class Help(ModalScreen[None]):
    """A page of help over the screen that it is about."""

    CSS_PATH = ["dialogs/ask.tcss", "help.tcss"]  # noqa: RUF012  (as Textual declares it)
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q,enter,space", "close", "close", show=False)]

    def __init__(self, title: str, body: list[PageEntry]) -> None:
        super().__init__()
        self._title, self._body = title, body

    @classmethod
    def of(cls, screen: Screen[Any]) -> Help:
        """The help of a screen."""
        name = type(screen).__name__
        if name == "StepScreen":
            step: Step = screen.step  # type: ignore[attr-defined]
            return cls(step.title, _step(step))
        if name == "Review":
            return cls("Review", _page(REVIEW, REVIEW_KEYS))
        if name == "Apply":
            return cls("Apply", _page(APPLY, APPLY_KEYS))
        if name == "Dashboard":
            return cls("Verify", _page(VERIFY, VERIFY_KEYS))
        return cls("apimha-wizard", _page(WELCOME, WELCOME_KEYS))

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="box") as box:
            box.border_title = f"{plain(self._title)}: help"
            box.border_subtitle = "Esc closes"
            yield Page(self._body)

    def action_close(self) -> None:
        self.dismiss(None)


WELCOME = """\
The wizard turns two unpacked WSO2 API Manager Analytics packs into a working pair: eight steps, then a review of \
every change, then one run that writes all of it or nothing. Nothing is written before you say so, and a run can be \
rolled back."""
REVIEW = """\
Everything that a run would do, before it does anything. Warnings have to be accepted, errors to be mended. \
Passwords are masked. What is shown is what is written, to the byte: if a file changes meanwhile, the run stops."""
APPLY = """\
All files of both nodes are written, or none: backups are made first, and after a failure or a cancel everything is \
put back. Databases are made before the files, and what was made stays."""
VERIFY = """\
Both logs and the Spark UIs, followed from the newest start of each node on: what has happened, what is awaited and \
for how long, what is wrong and how it is mended. Nothing is written; the servers are started and stopped where you \
ask for it. The failover drill tells which node to stop and when to start it again, and says after how many seconds \
the other one took over."""


def _keys(keys: Keys) -> list[PageEntry]:
    return [PageEntry(f"  {key}", "$primary bold", told, indent=19) for key, told in keys]


def _title(text: str) -> list[PageEntry]:
    return [PageEntry(), PageEntry(text, "$secondary bold")]


def _page(about: str, keys: Keys) -> list[PageEntry]:
    return [PageEntry(text=about), *_title("Keys"), *_keys(keys)]


def _step(step: Step) -> list[PageEntry]:
    entries = [PageEntry(text=step.help), *_title("Keys"), *_keys(FORM_KEYS), *_title("Fields")]
    for field in lookup.keys_of(step):
        default = "" if field.default in (None, {}) else f" Default: {field.default}."
        entries += [
            PageEntry(f"  {field.title}", "bold", f"{field.help}.{default}", indent=4),
            PageEntry(text=field.key, text_ink="$quiet", indent=4),
        ]
    entries += _title("Checks") if step.checks else []
    for check in step.checks:
        kind = f"{check.severity}, live" if check.live else check.severity
        entries += [
            PageEntry(f"  {check.id}  ({kind})", "bold", check.why, indent=4),
            PageEntry(text=f"fix: {check.fix}", text_ink="$secondary", indent=4),
        ]
    entries += _title("States of a step")
    entries += [
        PageEntry(f"  {sign(state)} {WORDS[state]}", "", told, indent=12) for state, told in STATES.items()
    ]
    return entries


STATES: dict[StepState, str] = {
    "untouched": "nobody has been there",
    "incomplete": "something that is needed is missing",
    "checking": "its checks run",
    "warning": "it works, and something should be known",
    "error": "something is wrong",
    "done": "everything is in order",
}
