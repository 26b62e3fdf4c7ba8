"""The thread that saves: each change goes into the text of the draft, which is kept whole and judged."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wizard.profile import drafts, trust
from wizard.profile.cross_field import Mistake
from wizard.profile.document import set_field, unset_field
from wizard.profile.files import read, save
from wizard.profile.store import ProfileError, examine
from wizard.system.errors import WizardError

if TYPE_CHECKING:
    from wizard.profile.document import Place
    from wizard.profile.drafts import Draft
    from wizard.profile.model import Profile

# --- what it tells --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Saved:
    """The draft is on disk as it was after so many changes; `published`: so is the profile itself."""

    changes: int
    published: bool = False


@dataclass(frozen=True, slots=True)
class SaveFailed:
    """Saving failed; the message is for people."""

    message: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """The profile's file was changed outside since the draft was begun; it was not written."""


@dataclass(frozen=True, slots=True)
class Validated:
    """What the draft makes after so many changes: a profile, or what is wrong with it."""

    changes: int
    profile: Profile | None
    mistakes: tuple[Mistake, ...]


News = Saved | SaveFailed | Conflict | Validated


# --- the thread -----------------------------------------------------------------------------------


class DraftSaver:
    """The thread that saves: changes go in, news comes out by `tell` (called in that thread)."""

    def __init__(self, draft: Draft, tell: Callable[[News], None], *, published: bool) -> None:
        self.draft = draft
        self._tell = tell
        self._published = published
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changes = self._judged = 0
        self._unsaved = False
        self._idle = threading.Event()
        self._idle.set()
        self._open = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def change(self, place: Place, value: Any, changes: int) -> None:
        """Carry a change into the draft and save it."""

        def edit() -> None:
            text = self.draft.text
            text = unset_field(text, place) if value is None else set_field(text, place, value)
            self.draft = self.draft._replace(text=text)
            self._changes = changes
            self._published = False
            self._unsaved = True

        self._do(edit)

    def judge(self) -> None:
        """Tell what the draft makes now."""
        self._do(self._judge)

    def publish(self, *, overwrite: bool = False) -> None:
        """Make the draft the profile, if it is valid; the content of the file is never lost without `overwrite`."""

        def make() -> None:
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
            self._tell(Saved(self._changes, published=True))

        self._do(make)

    def agree(self) -> None:
        """The user has agreed to what the draft names now; what it becomes from here on is their own."""

        def take() -> None:
            self.draft = self.draft._replace(trusted=True)
            self._unsaved = not self._published
            trust.allow(self.draft.target, self.draft.text)

        self._do(take)

    def rebase(self) -> None:
        """Go on with the draft although the profile's file was changed, after the user has agreed.

        What the file holds now is kept beside it, with a `~` behind its name.
        """

        def take() -> None:
            target = self.draft.target
            if target.exists():
                save(read(target), target.with_name(f"{target.name}~"))
            self._rebase()
            self._unsaved = True

        self._do(take)

    def _rebase(self) -> None:
        self.draft = self.draft._replace(origin=drafts.digest_of(self.draft.target))

    def give_up(self) -> None:
        """Take the draft away: the profile's file is what counts."""

        def take() -> None:
            drafts.discard(self.draft)
            self._unsaved = False

        self._do(take)

    def settled(self, timeout: float | None = None) -> bool:
        """Wait until everything is saved; gives whether it is."""
        return self._idle.wait(timeout)

    def _judge(self) -> None:
        self._judged = self._changes
        found = examine(self.draft.text, self.draft.target.parent)
        wrong = tuple(found) if isinstance(found, list) else ()
        self._tell(Validated(self._changes, None if isinstance(found, list) else found, wrong))

    def _save(self) -> None:
        if self._unsaved:
            drafts.keep(self.draft)
            self._unsaved = False
            self._tell(Saved(self._changes))

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
                # What was typed meanwhile is saved with it; publishing saves, too, and judges nothing.
                if self._jobs.empty() and (self._unsaved or self._judged != self._changes):
                    self._save()
                    self._judge()
            except WizardError as problem:
                self._tell(SaveFailed(str(problem)))
            except OSError as problem:
                self._tell(SaveFailed(f"it cannot be saved: {problem.strerror or type(problem).__name__}"))
            finally:
                with self._lock:
                    self._open -= 1
                    if not self._open:
                        self._idle.set()
