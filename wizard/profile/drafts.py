"""The wizard's unfinished profiles: saved after every change, and never in the way of a real one."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from wizard.profile import trust
from wizard.profile.files import check_name, read, save
from wizard.system import bounded, locations
from wizard.system.bounded import is_anything
from wizard.system.errors import UsageError

if TYPE_CHECKING:
    from wizard.profile.files import LoadedProfile


class Draft(NamedTuple):
    """An unfinished profile.

    `text` may be anything; `target` is the file that it becomes; `origin` is the hash of what that file held
    when the draft was begun, None where there was none.  `trusted`: it was begun from a profile that the user has
    agreed to, so that the profile that it becomes is one too.
    """

    name: str
    text: str
    target: Path
    origin: str | None
    trusted: bool = False

    def conflict(self) -> bool:
        """Whether the profile was changed, created or removed since the draft was begun."""
        return digest_of(self.target) != self.origin


def digest_of(path: Path) -> str | None:
    """The SHA-256 of a file's bytes; None where there is no such file, or none that can be read."""
    with suppress(OSError):
        return hashlib.sha256(bounded.read(path)).hexdigest()
    return None


def draft_name(name: str, target: Path) -> str:
    """What the draft of a profile is called: by its name, and for a file elsewhere by its path too."""
    if target == locations.profile(name):
        return name
    letters = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in name).strip("-")
    return f"{letters or 'profile'}-{hashlib.sha256(os.fsencode(target)).hexdigest()[:8]}"


def begin(name: str, text: str, *, target: Path | None = None) -> Draft:
    """Return a draft that becomes the profile `name`, or the file `target`; not saved yet.

    Raises `UsageError` if no profile can be called so.
    """
    if target is None:
        check_name(name)
        target = locations.profile(name)
    return Draft(draft_name(name, target), text, target, digest_of(target), trust.is_own(target))


def of_file(target: Path, text: str) -> Draft:
    """A draft of the profile that was read as `text` from `target`; not saved yet."""
    name = target.name.removesuffix(".toml")
    return Draft(draft_name(name, target), text, target, trust.digest(text), trust.is_agreed(target, text))


def keep(draft: Draft) -> None:
    """Save the draft: first what it was begun from, then its text.  Raises `Failed`."""
    note = {"target": str(draft.target), "sha256": draft.origin, "trusted": draft.trusted}
    beside = locations.draft_origin(draft.name)
    if _note(beside) != note:
        save(json.dumps(note) + "\n", beside)
    save(draft.text, locations.draft(draft.name))


def find(name: str, *, target: Path | None = None) -> Draft | None:
    """Return the saved draft of a profile, if there is one.  Raises `UsageError` if it cannot be read.

    A draft whose note of its origin is lost counts as begun from nothing: if there is a profile of its
    name, that is a conflict, and the user is asked.
    """
    target = target or locations.profile(name)
    name = draft_name(name, target)
    path = locations.draft(name)
    if not is_anything(path):
        return None
    note = _note(locations.draft_origin(name))
    origin = note.get("sha256") if note.get("target") == str(target) else None
    origin = origin if isinstance(origin, str) else None
    # An agreement that was revoked since is over for the draft as well.
    agreed = note.get("trusted") is True and origin is not None and trust.is_digest_agreed(target, origin)
    return Draft(name, read(path), target, origin, trust.is_own(target) or agreed)


def _note(path: Path) -> dict[str, Any]:
    """What a draft was begun from; empty where that is lost."""
    with suppress(OSError, ValueError):
        if isinstance(note := bounded.read_json(path), dict):
            return note
    return {}


def discard(draft: Draft) -> None:
    """Remove the draft; the profile itself is not touched."""
    for path in (locations.draft(draft.name), locations.draft_origin(draft.name)):
        path.unlink(missing_ok=True)


def publish(draft: Draft, *, overwrite: bool = False) -> LoadedProfile:
    """Make the draft the profile, and remove it; `overwrite` also a profile that was changed since it was begun.

    Raises `ProfileError` if it is not valid yet, `UsageError` if the profile was changed, `Failed` if it cannot be
    written.
    """
    from wizard.profile.store import parse

    loaded = parse(draft.text, draft.target)
    if not overwrite and draft.conflict():
        fix = "open it again: the wizard asks which of the two to keep"
        raise UsageError("changed since this draft was begun", place=str(draft.target), fix=fix)
    save(draft.text, draft.target)
    if draft.trusted:
        trust.note_written(draft.target, draft.text)
    discard(draft)
    return loaded
