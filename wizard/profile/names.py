"""What an argument means: the name of a profile, or the path of one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from wizard.system import locations
from wizard.system.errors import UsageError
from wizard.system.printable import escaped

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
