"""F1: what a screen is for, its keys, its fields and its checks; made from what is shown, not written twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from screens.page import Entry, Page
from screens.signs import WORDS, State, plain, sign

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.screen import Screen

    from screens.outline import StepOutline

FORM_KEYS = (
    ("Tab, Shift+Tab", "the next field, the one before (Enter too goes on)"),
    ("^N, ^B", "the next step, the one before"),
    ("^T", "the other node, where one shows at a time"),
    ("F2", "review: what would be written"),
    ("F3", "in a path: choose it from the disk; Right at its end takes the completion"),
    ("F4", "do what mends the finding: a change of the profile, nothing else"),
    ("F5", "check again, and look every password up anew"),
    ("F6", "copy the fix of the finding"),
    ("F7", "in a password: test it now"),
    ("F8", "with or without the network"),
    ("^P", "commands: everything that can be done"),
    ("^Q", "leave; everything is saved"),
)
REVIEW_KEYS = (
    ("Up, Down", "through the tree; the diff follows"),
    ("Tab", "from the tree to the diff, and on to Apply"),
    ("Space, Enter", "accept a warning, or take that back; take an error for a warning"),
    ("a", "accept every warning"),
    ("F3", "go to the field that causes what is shown"),
    ("s", "before and after side by side, or one below the other"),
    ("F5", "look at everything again"),
    ("F6", "copy the fix"),
    ("F8", "with or without the network"),
    ("F9", "apply"),
    ("^B, Esc", "back to the steps"),
    ("^Q", "leave"),
)
APPLY_KEYS = (
    ("Esc", "while it writes: cancel; everything in the homes is put back"),
    ("r", "roll the run back"),
    ("c", "copy the next steps"),
    ("v", "verify: watch the two servers start"),
    ("^B", "back to the review"),
    ("^Q", "leave"),
)
WELCOME_KEYS = (
    ("Up, Down", "choose a profile"),
    ("Enter", "open it at its first unfinished step"),
    ("n", "a new pair"),
    ("o", "open a file"),
    ("^Q", "leave"),
)


class Help(ModalScreen[None]):
    """A page of help over the screen that it is about."""

    CSS_PATH = ["ask.tcss", "help.tcss"]  # noqa: RUF012  (as Textual declares it)
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q,enter,space", "close", "close", show=False)]

    def __init__(self, title: str, body: list[Entry]) -> None:
        super().__init__()
        self._title, self._body = title, body

    @classmethod
    def of(cls, screen: Screen[Any]) -> Help:
        """The help of a screen."""
        name = type(screen).__name__
        if name == "StepScreen":
            step: StepOutline = screen.step  # type: ignore[attr-defined]
            return cls(step.title, _step(step))
        if name == "Review":
            return cls("Review", _page(REVIEW, REVIEW_KEYS))
        if name == "Apply":
            return cls("Apply", _page(APPLY, APPLY_KEYS))
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


def _keys(keys: tuple[tuple[str, str], ...]) -> list[Entry]:
    return [Entry(f"  {key}", "$primary bold", told, indent=19) for key, told in keys]


def _title(text: str) -> list[Entry]:
    return [Entry(), Entry(text, "$secondary bold")]


def _page(about: str, keys: tuple[tuple[str, str], ...]) -> list[Entry]:
    return [Entry(text=about), *_title("Keys"), *_keys(keys)]


def _step(step: StepOutline) -> list[Entry]:
    entries = [Entry(text=step.help), *_title("Keys"), *_keys(FORM_KEYS), *_title("Fields")]
    for field in step.fields:
        default = "" if field.default in (None, {}) else f" Default: {field.default}."
        entries += [
            Entry(f"  {field.title}", "bold", f"{field.help}.{default}", indent=4),
            Entry(text=field.key, text_ink="$quiet", indent=4),
        ]
    entries += _title("Checks") if step.checks else []
    for check in step.checks:
        kind = f"{check.severity}, live" if check.live else check.severity
        entries += [
            Entry(f"  {check.id}  ({kind})", "bold", check.why, indent=4),
            Entry(text=f"fix: {check.fix}", text_ink="$secondary", indent=4),
        ]
    entries += _title("States of a step")
    entries += [
        Entry(f"  {sign(state)} {WORDS[state]}", "", told, indent=12) for state, told in STATES.items()
    ]
    return entries


STATES: dict[State, str] = {
    "untouched": "nobody has been there",
    "incomplete": "something that is needed is missing",
    "checking": "its checks run",
    "warning": "it works, and something should be known",
    "error": "something is wrong",
    "done": "everything is in order",
}
