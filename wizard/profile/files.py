"""The files that hold profiles and drafts: read as text, saved whole.

Apart from `store`, since what only looks for a file or saves one needs none of the models: the screen shows a profile
before they are loaded.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wizard.profile import trust
from wizard.system import bounded
from wizard.system.durable import write_durably
from wizard.system.errors import Failed, UsageError

if TYPE_CHECKING:
    from wizard.profile.model import Profile

MOST_BYTES = 256_000
"""No profile is anywhere near as large (one with every key and its help has 8 kB); it is some other file."""


class LoadedProfile(NamedTuple):
    """A profile, and where it came from.  `text` is the file's own, for a hash or an edit."""

    profile: Profile
    path: Path
    name: str
    text: str

    @property
    def is_agreed(self) -> bool:
        """Whether the user has agreed to this very text: then what the profile names may run."""
        return trust.is_agreed(self.path, self.text)


def deep_key(text: str) -> int | None:
    """The line of a dotted key that is nested deeper than any of a profile; None where there is none.

    The parser needs time with the square of a dotted key's parts, and a profile has no key of more than four.
    """
    part = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
    found = re.search(rf"(?:^|[{{,\[])[ \t]*(?:{part}[ \t]*\.[ \t]*){{16}}", text, re.MULTILINE)
    return None if found is None else text.count("\n", 0, found.end()) + 1


def read(path: Path, shown: str | None = None) -> str:
    """Return the text of a profile, which an error calls `shown`, else by its path.

    Raises `UsageError` if it is missing, no file, unreadable, too large, or not UTF-8.
    """
    place = shown or str(path)
    try:
        return _decoded(bounded.read(path, MOST_BYTES), place)
    except bounded.NotAFile as failure:
        raise UsageError(failure.strerror, place=place, fix="name the profile's .toml file") from None
    except FileNotFoundError:
        fix = "check the path, or use a name from: apimha-wizard profile list"
        raise UsageError("no such file", place=place, fix=fix) from None
    except OSError as failure:
        message = f"cannot be read: {failure.strerror}"
        raise UsageError(message, place=place, fix="check its path and its mode") from None


def _decoded(content: bytes, place: str) -> str:
    if content.startswith(codecs.BOM_UTF8):
        message = "begins with a byte order mark, which TOML does not allow"
        raise UsageError(message, place=f"{place}:1", fix="save it as UTF-8 without byte order mark")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        raise UsageError("not UTF-8", place=f"{place}:{line}", fix="save it as UTF-8") from None


def toml_files(folder: Path) -> list[Path]:
    """The `.toml` files of a folder by name; none where there is no such folder."""
    with suppress(OSError):
        return sorted(one for one in folder.iterdir() if one.suffix == ".toml" and one.name[0] != ".")
    return []


def save(text: str, path: Path) -> None:
    """Write `text` as the content of `path`, durably, or raise `Failed` and leave what was there as before.

    A link stays one and its target is written; mode and owner stay; a new file is 0600.
    """
    target = path.resolve()
    try:
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(13, os.strerror(13))
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        like = target.stat() if target.exists() else None
        mode = 0o600 if like is None else stat.S_IMODE(like.st_mode)
        write_durably(target, text.encode("utf-8"), mode=mode, owner_of=like)
    except OSError as failure:
        fix = "check the free space and the mode of its folder"
        raise Failed(f"cannot be saved: {failure.strerror}", place=str(path), fix=fix) from failure
