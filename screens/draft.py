"""The pair that is being set up: its values as the forms show them, and the file that they are saved in.

The forms read and write plain tables, so that no key press waits for a disk.  A thread of its own carries each
change into the text of the draft, saves that whole, and says what is still wrong with it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import threading
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wizard.errors import UsageError, WizardError
from wizard.profile import drafts
from wizard.profile.files import read
from wizard.profile.names import locate

if TYPE_CHECKING:
    from wizard.profile import Profile
    from wizard.profile.drafts import Draft
    from wizard.profile.store import Mistake

Place = tuple[str | int, ...]
Tables = dict[str, Any]


# --- what the thread tells ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """The draft is on disk as it was after so many changes; `published`: so is the profile itself."""

    changes: int
    published: bool = False


@dataclass(frozen=True, slots=True)
class NotKept:
    """Saving failed; the message is for people."""

    message: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """The profile's file was changed by somebody else since the draft was begun; it was left alone."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the draft makes after so many changes: a profile, or what is wrong with it."""

    changes: int
    profile: Profile | None
    mistakes: tuple[Mistake, ...]


News = Kept | NotKept | Conflict | Judged


# --- opening --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """What there is to go on with: the draft's text, and whether the profile was edited since it was begun."""

    draft: Draft
    saved: bool
    """The text is what the profile's file holds."""
    conflict: bool


def open_profile(argument: str) -> Opened:
    """The draft of a profile where there is one, else the profile.

    Raises:
        UsageError: there is neither, it cannot be read, or it is not TOML (with the line).
    """
    name, target = locate(argument)
    draft = drafts.find(name, target=target)
    if draft is not None and _is_toml(draft.text):
        if draft.conflict():
            return Opened(draft, saved=False, conflict=True)
        return Opened(draft, saved=target.exists() and draft.text == read(target), conflict=False)
    return Opened(from_file(name, target, argument), saved=True, conflict=False)


def from_file(name: str, target: Path, shown: str | None = None) -> Draft:
    """A draft that holds what the profile's file holds now.

    Raises:
        UsageError: it cannot be read, or is not TOML.
    """
    text = read(target, shown or str(target))
    if not _is_toml(text):
        from wizard.profile.store import parse

        parse(text, target, shown=shown)  # says what is wrong, and where
    return drafts.begin(name, text, target=target)


def begin(name: str) -> Opened:
    """A new pair of that name, with nothing filled in but the defaults.

    Raises:
        UsageError: no profile can be called so, or there is one.
    """
    from wizard.profile.document import set_field
    from wizard.profile.names import check_name
    from wizard.profile.template import new_template

    check_name(name)
    _, target = locate(name)
    if target.exists() or drafts.find(name) is not None:
        raise UsageError(f"there is a profile called {name} already", fix="open it, or take another name")
    text = set_field(new_template(), "cluster.name", name)
    for number in (0, 1):
        text = set_field(text, ("nodes", number, "name"), f"node{number + 1}")
    return Opened(drafts.begin(name, text), saved=False, conflict=False)


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


# --- the values -----------------------------------------------------------------------------------


class OpenDraft:
    """The values of the pair, and the changes that were made to them.

    Used by the screen's thread alone; `keeper` is told of each change.
    """

    def __init__(self, opened: Opened, tell: Callable[[News], None]) -> None:
        self.name = opened.draft.target.name.removesuffix(".toml")
        self.target = opened.draft.target
        self.conflict = opened.conflict
        self.was_saved = opened.saved or self.target.exists()
        """Whether somebody has saved this pair before: then no step of it is untouched."""
        self.tables: Tables = tomllib.loads(opened.draft.text)
        self.changes = 0
        self.keeper = Keeper(opened.draft, tell, published=opened.saved)

    @property
    def folder(self) -> Path:
        """The folder that relative paths count from."""
        return self.target.parent

    @property
    def title(self) -> str:
        """What the pair is called."""
        name = self.value(("cluster", "name"))
        return name if isinstance(name, str) and name else self.name

    def value(self, place: Place) -> Any:
        """The value as it stands, right or wrong; None where it does not stand there."""
        here: Any = self.tables
        for key in place:
            if isinstance(here, list):
                here = dict(enumerate(here))
            if not isinstance(here, dict) or key not in here:
                return None
            here = here[key]
        return here

    def set(self, place: Place, value: Any) -> bool:
        """Give a field its value; None takes it out.  Gives whether that changed anything."""
        if self.value(place) == value and type(self.value(place)) is type(value):
            return False
        self._put(place, value)
        self.changes += 1
        self.keeper.change(place, value, self.changes)
        return True

    def _put(self, place: Place, value: Any) -> None:
        here: Any = self.tables
        for key, following in pairwise(place):
            empty: Any = [] if isinstance(following, int) else {}
            if isinstance(here, list) and isinstance(key, int):
                while len(here) <= key:
                    here.append({})
                here = here[key]
            else:
                here = here.setdefault(key, empty)
        if value is None:
            here.pop(place[-1], None)
        else:
            here[place[-1]] = value

    def node_names(self) -> tuple[str, str]:
        """What the two nodes are called; `node1` and `node2` where they have no names yet."""
        names = [self.value(("nodes", number, "name")) for number in (0, 1)]
        first, second = (
            name if isinstance(name, str) and name else f"node{number}"
            for number, name in enumerate(names, 1)
        )
        return first, second

    def place(self, field: str) -> Place | None:
        """The place that a dotted name means, also `nodes.node2.port_offset`; None where there is no such node."""
        parts = field.split(".")
        if parts[0] != "nodes":
            return tuple(parts)
        names = self.node_names()
        if parts[1] in names:
            return ("nodes", names.index(parts[1]), *parts[2:])
        return ("nodes", int(parts[1]), *parts[2:]) if parts[1].isdigit() else None


def key_of(place: Place) -> str:
    """The dotted key of a place, without which node: `("nodes", 1, "host")` is `nodes.host`."""
    return ".".join(part for part in place if isinstance(part, str))


# --- saving ---------------------------------------------------------------------------------------


class Keeper:
    """The thread that saves: changes go in, news comes out by `tell` (called in that thread)."""

    def __init__(self, draft: Draft, tell: Callable[[News], None], *, published: bool) -> None:
        self.draft = draft
        self._tell = tell
        self._published = published
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changes = 0
        self._unsaved = False
        self._idle = threading.Event()
        self._idle.set()
        self._open = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def change(self, place: Place, value: Any, changes: int) -> None:
        """Carry a change into the draft and save it."""

        def edit() -> None:
            from wizard.profile.document import set_field, unset_field

            text = self.draft.text
            text = unset_field(text, place) if value is None else set_field(text, place, value)
            self.draft = self.draft.with_text(text)
            self._changes = changes
            self._published = False
            self._unsaved = True

        self._do(edit)

    def judge(self) -> None:
        """Tell what the draft makes now."""
        self._do(self._judge)

    def publish(self, *, overwrite: bool = False) -> None:
        """Make the draft the profile, if it is valid; what stands in the file is never lost without `overwrite`."""

        def make() -> None:
            from wizard.profile.store import ProfileError

            if self._published:
                return
            self._save()
            if self.draft.conflict() and not overwrite:
                self._tell(Conflict())
                return
            try:
                drafts.publish(self.draft, overwrite=overwrite)
            except ProfileError:
                return  # it stays a draft, which is on disk already
            self._rebase()
            self._published = True
            self._tell(Kept(self._changes, published=True))

        self._do(make)

    def rebase(self) -> None:
        """Take the profile's file as what the draft was begun from: somebody was asked, and wants the draft."""

        def take() -> None:
            self._rebase()
            self._unsaved = True

        self._do(take)

    def _rebase(self) -> None:
        self.draft = dataclasses.replace(self.draft, origin=drafts.digest_of(self.draft.target))

    def replace(self, draft: Draft) -> None:
        """Go on with another text, such as the profile's file; the old draft is taken away."""

        def take() -> None:
            drafts.discard(self.draft)
            self.draft = draft
            self._published = True
            self._unsaved = False
            self._judge()

        self._do(take)

    def settled(self, timeout: float | None = None) -> bool:
        """Wait until everything is saved; gives whether it is."""
        return self._idle.wait(timeout)

    def _judge(self) -> None:
        from importlib import import_module

        from wizard.profile.store import examine

        # What the checks need is loaded here, once, so that the screen's own thread never does it.
        for module in ("wizard.replay", "wizard.steps", "wizard.profile.problems"):
            import_module(module)
        found = examine(self.draft.text, self.draft.target.parent)
        wrong = tuple(found) if isinstance(found, list) else ()
        self._tell(Judged(self._changes, None if isinstance(found, list) else found, wrong))

    def _save(self) -> None:
        if self._unsaved:
            drafts.keep(self.draft)
            self._unsaved = False
            self._tell(Kept(self._changes))

    def _do(self, job: Callable[[], None]) -> None:
        with self._lock:
            self._open += 1
            self._idle.clear()
            if self._thread is None:
                # A daemon: leaving does not wait for a disk that hangs longer than `settled` does.
                self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
                self._thread.start()
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
                if self._unsaved and self._jobs.empty():  # what was typed meanwhile is saved with it
                    self._save()
                    self._judge()
            except WizardError as problem:
                self._tell(NotKept(str(problem)))
            except OSError as problem:
                self._tell(NotKept(f"it cannot be saved: {problem.strerror or type(problem).__name__}"))
            finally:
                with self._lock:
                    self._open -= 1
                    if not self._open:
                        self._idle.set()


def saved_text(draft: Draft) -> str | None:
    """What the profile's file holds; None where it cannot be read."""
    with contextlib.suppress(UsageError):
        return read(draft.target)
    return None
