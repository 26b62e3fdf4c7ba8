"""The pair that is being set up: its values as the forms show them, and the file that they are saved in.

The forms read and write plain tables, so that no key press waits for a disk; `draft_saver` saves each change.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from screens.model.draft_saver import DraftSaver, News
from wizard.profile import drafts
from wizard.profile.document import set_field
from wizard.profile.drafts import Draft
from wizard.profile.files import read
from wizard.profile.names import called, check_name, locate
from wizard.profile.store import parse
from wizard.profile.template import new_template
from wizard.system.errors import UsageError

if TYPE_CHECKING:
    from wizard.profile.document import Place

Tables = dict[str, Any]


# --- opening --------------------------------------------------------------------------------------


class OpenedProfile(NamedTuple):
    """What there is to go on with.

    `saved`: the text is what the profile's file holds; `conflict`: that file was changed since `draft` was begun.
    """

    target: Path
    text: str
    saved: bool
    conflict: bool = False
    draft: Draft | None = None
    """The draft that was found; None where the text comes from the file."""


def open_profile(argument: str) -> OpenedProfile:
    """The draft of a profile where there is one, else the profile.

    Raises:
        UsageError: there is neither, it cannot be read, or it is not TOML (with the line).
    """
    name, target = locate(argument)
    draft = drafts.find(name, target=target)
    if draft is not None and _is_toml(draft.text):
        conflict = draft.conflict()
        saved = not conflict and target.exists() and draft.text == read(target)
        return OpenedProfile(target, draft.text, saved, conflict, draft)
    return from_file(target, argument)


def from_file(target: Path, shown: str | None = None) -> OpenedProfile:
    """What the profile's file holds now.

    Raises:
        UsageError: it cannot be read, or is not TOML.
    """
    text = read(target, shown or str(target))
    if not _is_toml(text):
        parse(text, target, shown=shown)  # says what is wrong, and where
    return OpenedProfile(target, text, saved=True)


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
    return OpenedProfile(target, text, saved=False, draft=drafts.begin(name, text))


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


# --- the values -----------------------------------------------------------------------------------


class OpenDraft:
    """The values of the pair, and the changes that were made to them.

    Used by the screen's thread alone; each change goes to `keeper`.
    """

    def __init__(self, opened: OpenedProfile, tell: Callable[[News], None]) -> None:
        self.name = opened.target.name.removesuffix(".toml")
        self.target = opened.target
        self.conflict = opened.conflict
        self.was_saved = opened.saved or self.target.exists()
        """Whether this pair was saved before: then no step of it is untouched."""
        self.tables: Tables = tomllib.loads(opened.text)
        self.changes = 0
        draft = opened.draft or drafts.of_file(opened.target, opened.text)
        self.keeper = DraftSaver(draft, tell, published=opened.saved)
        """The thread that saves."""

    @property
    def folder(self) -> Path:
        """The folder that relative paths count from."""
        return self.target.parent

    @property
    def title(self) -> str:
        """What the pair is called."""
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
