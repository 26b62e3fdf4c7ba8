"""Which profiles the user has agreed to: only for those does anything run that a profile names.

Agreed are every profile in the user's own profile folder; what this program wrote elsewhere, at that place and while
it is not changed; and any content that the user agreed to, wherever it is.  A content is identified by the SHA-256 of
the text that was loaded: no file is read a second time.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from wizard.system import bounded, locations
from wizard.system.durable import make_folder, write_durably

MOST_BYTES = 64 * 1024
"""More than any record has: a path is at most 4 kB."""


class Agreement(NamedTuple):
    """A record: `allowed` by the user counts for the content at any path, `written` by this program only at `path`."""

    sha256: str
    path: str
    how: Literal["allowed", "written"]
    since: str

    @property
    def file_name(self) -> str:
        """One file for each record, so that two writers never meet in one."""
        return f"{self.sha256 if self.how == 'allowed' else digest(self.path)}.{self.how}"


def digest(text: str) -> str:
    """The SHA-256 of a profile's text, which is that of its file."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def is_agreed(path: Path, content: str) -> bool:
    """Whether what a profile names may run: `content` is the text that was loaded from `path`."""
    return is_digest_agreed(path, digest(content))


def is_digest_agreed(path: Path, sha256: str) -> bool:
    """The same for the SHA-256 of a profile's text."""
    names = (f"{sha256}.allowed", f"{digest(_place(path))}.written")
    found = (_read(locations.agreements() / name) for name in names)
    return is_own(path) or any(one is not None and one.sha256 == sha256 for one in found)


def is_own(path: Path) -> bool:
    """Whether `path` is directly in the user's own profile folder, which may be a link itself.

    A link in it that leads elsewhere is not, nor is a file that another user owns or everyone can write.
    """
    try:
        folder = locations.profiles().resolve()
        if path.parent.resolve() != folder or path.resolve().parent != folder:
            return False
        status = path.stat()
    except FileNotFoundError:
        return True  # not saved yet
    except (OSError, RuntimeError):  # a circle of links
        return False
    return status.st_uid in (os.geteuid(), 0) and not status.st_mode & stat.S_IWOTH


def allow(path: Path, content: str) -> None:
    """Record that the user agreed to this content, read from `path`; an `OSError` if that is not possible."""
    _write(path, content, "allowed", locations.agreements())


def note_written(path: Path, content: str, state: Path | None = None) -> None:
    """Record that this program wrote this content to `path`; it replaces what was recorded for the path before.

    `state` is the state folder, where it is another than the user's own.  If it cannot be recorded, the user is asked.
    """
    with suppress(OSError):
        if not is_own(path):
            _write(path, content, "written", locations.agreements(state))


def revoke(path: Path, content: str | None) -> list[Agreement]:
    """Remove every record of this path or of this content, and return them; an `OSError` if that is not possible."""
    sha256 = digest(content) if content is not None else None
    found = [one for one in agreements() if one.path == _place(path) or one.sha256 == sha256]
    for one in found:
        (locations.agreements() / one.file_name).unlink(missing_ok=True)
    return found


def agreements() -> list[Agreement]:
    """What is recorded, oldest first."""
    with suppress(OSError):
        found = map(_read, locations.agreements().iterdir())
        return sorted((one for one in found if one is not None), key=lambda one: one.since)
    return []


# --- the records ----------------------------------------------------------------------------------


def _place(path: Path) -> str:
    """Where a profile lies: its folder without links, from which its relative paths count, and its own name."""
    return os.path.join(os.path.realpath(path.parent), path.name)


def _write(path: Path, content: str, how: Literal["allowed", "written"], folder: Path) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    record = Agreement(digest(content), _place(path), how, since)
    make_folder(folder, mode=0o700)
    write_durably(folder / record.file_name, json.dumps(record._asdict()).encode() + b"\n", mode=0o600)


def _read(file: Path) -> Agreement | None:
    """The record in a file; None unless it is whole, under its own name, and no other user can have written it."""
    try:
        with open(bounded.open_regular(file, follow=False), "rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
            values = json.loads(stream.read(MOST_BYTES))
        record = Agreement(**values)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    whole = all(isinstance(value, str) for value in record) and record.how in ("allowed", "written")
    return record if whole and record.file_name == file.name else None
