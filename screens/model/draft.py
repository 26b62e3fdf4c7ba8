"""The pair that is being set up: its values as the forms show them, and the thread that saves them.

The forms read and write plain tables, so that no key press waits for a disk.
"""

from __future__ import annotations

import queue
import threading
import tomllib
from collections.abc import Callable
from functools import partial, wraps
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec

from screens.model.background import in_thread
from wizard.profile import drafts, trust
from wizard.profile.document import set_field, unset_field
from wizard.profile.drafts import Draft
from wizard.profile.files import called, check_name, locate, read, save
from wizard.profile.store import ProfileError, examine, parse
from wizard.profile.template import new_template
from wizard.system.errors import UsageError, WizardError

if TYPE_CHECKING:
    from screens.model.pair import OpenPair
    from wizard.profile.document import Place

Tables = dict[str, Any]
P = ParamSpec("P")


class OpenedProfile(NamedTuple):
    """What there is to go on with; `saved`: its text is what the profile's file holds."""

    draft: Draft
    saved: bool


def open_profile(argument: str) -> OpenedProfile:
    """The draft of a profile where there is one, else the profile.

    Raises:
        UsageError: there is neither, it cannot be read, or it is not TOML (with the line).
    """
    name, target = locate(argument)
    draft = drafts.find(name, target=target)
    if draft is not None and _is_toml(draft.text):
        is_saved = not draft.conflict() and target.exists() and draft.text == read(target)
        return OpenedProfile(draft, is_saved)
    return from_file(target, argument)


def from_file(target: Path, shown: str | None = None) -> OpenedProfile:
    """What the profile's file holds now.

    Raises:
        UsageError: it cannot be read, or is not TOML.
    """
    text = read(target, shown or str(target))
    if not _is_toml(text):
        parse(text, target, shown=shown)  # says what is wrong, and where
    return OpenedProfile(drafts.of_file(target, text), saved=True)


def begin(name: str) -> OpenedProfile:
    """A new pair of that name, with nothing filled in but the defaults.

    Raises:
        UsageError: no profile can be called so, or there is one.
    """
    check_name(name)
    _, target = locate(name)
    if target.exists() or drafts.find(name) is not None:
        raise UsageError(f"there is a profile called {name} already", fix="open it, or take another name")
    text = set_field(new_template(), "cluster.name", name)
    for number in (0, 1):
        text = set_field(text, ("nodes", number, "name"), f"node{number + 1}")
    return OpenedProfile(drafts.begin(name, text), saved=False)


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class OpenDraft:
    """The values of the pair, and the changes that were made to them.

    Used by the screen's thread alone; each change goes to `keeper`.
    """

    def __init__(self, opened: OpenedProfile, pair: OpenPair) -> None:
        draft = opened.draft
        self.target = draft.target
        self.name = self.target.name.removesuffix(".toml")
        self.conflict = not opened.saved and draft.conflict()
        self.was_saved = opened.saved or self.target.exists()
        """Whether this pair was saved before: then no step of it is untouched."""
        self.tables: Tables = tomllib.loads(draft.text)
        self.changes = 0
        self.keeper = DraftSaver(draft, pair, published=opened.saved)

    @property
    def folder(self) -> Path:
        return self.target.parent

    @property
    def title(self) -> str:
        name = self.value(("cluster", "name"))
        return name if isinstance(name, str) and name else self.name

    @property
    def called(self) -> str:
        """What a command that is to be pasted calls the profile."""
        return called(self.name, self.target)

    def value(self, place: Place) -> Any:
        """The value in the draft, valid or not; None where there is none."""
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
        put(self.tables, place, value)
        self.changes += 1
        self.keeper.change(place, value, self.changes)
        return True

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


def put(tables: Tables, place: Place, value: Any) -> None:
    """Set the value at a place of tables, whatever is in the way; None removes it."""
    here: Any = tables
    for key, following in pairwise(place):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(here, list) and isinstance(key, int):
            here.extend({} for _ in range(len(here), key + 1))
        elif isinstance(here, dict) and not isinstance(here.get(key), type(empty)):
            here[key] = empty
        here = here[key]
    if value is not None:
        here[place[-1]] = value
    elif isinstance(here, dict):
        here.pop(place[-1], None)


def _in_turn(job: Callable[Concatenate[DraftSaver, P], None]) -> Callable[Concatenate[DraftSaver, P], None]:
    """Have a method of a `DraftSaver` run by its thread, after those that were called before."""

    @wraps(job)
    def put_off(saver: DraftSaver, /, *given: P.args, **named: P.kwargs) -> None:
        with saver.idle:
            saver.open += 1
        saver.jobs.put(partial(job, saver, *given, **named))

    return put_off


class DraftSaver:
    """The thread that saves: changes go into the text of the draft, which is kept whole and validated.

    It tells `pair` what is saved (`saved_as`, `not_saved`), what the draft makes (`validated`), and that the profile's
    file was changed outside, so that it was not written (`conflicts`).
    """

    def __init__(self, draft: Draft, pair: OpenPair, *, published: bool) -> None:
        self.draft = draft
        self._pair = pair
        self._published = published
        self.jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changes = self._validated = self.open = 0
        self._unsaved = self._closed = False
        self.idle = threading.Condition()
        in_thread(self._work, "keeper")

    @_in_turn
    def change(self, place: Place, value: Any, changes: int) -> None:
        """Carry a change into the draft and save it."""
        text = self.draft.text
        text = unset_field(text, place) if value is None else set_field(text, place, value)
        self.draft = self.draft._replace(text=text)
        self._changes, self._published, self._unsaved = changes, False, True

    @_in_turn
    def validate(self) -> None:
        self._validate()

    @_in_turn
    def publish(self, *, overwrite: bool = False) -> None:
        """Make the draft the profile, if it is valid; the content of the file is never lost without `overwrite`."""
        if self._published:
            return
        self._save()
        if self.draft.conflict() and not overwrite:
            self._pair.tell(self._pair.conflicts)
            return
        try:
            drafts.publish(self.draft, overwrite=overwrite)
        except ProfileError:
            return  # it stays a draft, which is on disk already
        self._rebase()
        self._published = True
        self._pair.tell(self._pair.saved_as, "profile")

    @_in_turn
    def agree(self) -> None:
        """The user has agreed to what the draft names now; what it becomes from here on is their own."""
        self.draft = self.draft._replace(trusted=True)
        self._unsaved = not self._published
        trust.allow(self.draft.target, self.draft.text)

    @_in_turn
    def rebase(self) -> None:
        """Go on with the draft although the profile's file was changed, after the user has agreed.

        What the file holds now is kept beside it, with a `~` behind its name.
        """
        target = self.draft.target
        if target.exists():
            save(read(target), target.with_name(f"{target.name}~"))
        self._rebase()
        self._unsaved = True

    @_in_turn
    def give_up(self) -> None:
        """Delete the draft: the profile's file is what counts."""
        drafts.discard(self.draft)
        self._unsaved = False

    @_in_turn
    def close(self) -> None:
        """End the thread; what is to be saved is published before, or given up."""
        self._closed = True

    def settled(self, timeout: float | None = None) -> bool:
        """Wait until everything is saved; return whether it is."""
        with self.idle:
            return self.idle.wait_for(lambda: not self.open, timeout)

    def _rebase(self) -> None:
        self.draft = self.draft._replace(origin=drafts.digest_of(self.draft.target))

    def _validate(self) -> None:
        self._validated = self._changes
        found = examine(self.draft.text, self.draft.target.parent)
        self._pair.tell(self._pair.validated, self._changes, found)

    def _save(self) -> None:
        if self._unsaved:
            drafts.keep(self.draft)
            self._unsaved = False
            self._pair.tell(self._pair.saved_as, "draft")

    def _work(self) -> None:
        while not self._closed:
            job = self.jobs.get()
            try:
                job()
                # What was typed meanwhile is saved with it; publishing saves, too, and validates nothing.
                if self.jobs.empty() and (self._unsaved or self._validated != self._changes):
                    self._save()
                    self._validate()
            except (WizardError, OSError) as problem:
                said = str(problem)
                if isinstance(problem, OSError):
                    said = f"it cannot be saved: {problem.strerror or type(problem).__name__}"
                self._pair.not_saved(said)
            finally:
                with self.idle:
                    self.open -= 1
                    self.idle.notify_all()
