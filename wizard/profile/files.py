"""The files that hold profiles and drafts: which one an argument means; read as text, saved whole.

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
from wizard.system import bounded, locations
from wizard.system.durable import write_durably
from wizard.system.errors import Failed, UsageError
from wizard.system.printable import escaped

if TYPE_CHECKING:
    from wizard.profile.model import Profile

# fmt: off
RESERVED = frozenset({
    "resume", "replay", "check", "verify", "rollback", "start", "stop", "restart", "service", "history", "profile",
    "checks", "sql", "demo", "clean", "ansible", "help", "wizard",
})
# fmt: on
"""The commands: a profile that was called like one could never be opened."""


def is_path(argument: str) -> bool:
    """Whether `argument` is a path, and no name: it has a separator in it or ends in `.toml`."""
    return os.sep in argument or argument.endswith(".toml")


def check_name(name: str) -> None:
    """Raise `UsageError` for what has other characters than letters, digits, `_` and `-`, or is a command."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        fix = "use letters, digits, _ and - only; a path contains a / or ends in .toml"
        raise UsageError(f'"{escaped(name)}" cannot be the name of a profile', fix=fix)
    if name.startswith("-"):
        raise UsageError(f'"{name}" would be read as an option', fix="begin the name with a letter or digit")
    if name in RESERVED:
        message = f'a profile cannot be called "{name}", which is a command'
        raise UsageError(message, fix="give the profile another name")


def locate(argument: str | Path) -> tuple[str, Path]:
    """Return the name and the absolute path that `argument` means; a file's name is that of its profile.

    Raises `UsageError` for what is neither a path nor a possible name.
    """
    if isinstance(argument, str) and not is_path(argument):
        check_name(argument)
        return argument, locations.profile(argument)
    text = os.path.expanduser(argument)  # Path.expanduser raises if the user has no home
    if "\0" in text:
        raise UsageError("a path cannot hold a NUL", fix="correct the path")
    path = Path(os.path.abspath(text))  # not resolve(): the folder is the link's
    return path.name.removesuffix(".toml"), path


def called(name: str, path: Path) -> str:
    """What a command that is to be pasted calls a profile: its name, or its file, in quotes where it needs them."""
    from shlex import quote

    return name if path == locations.profile(name) else quote(str(path))


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
