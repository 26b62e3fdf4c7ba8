"""Profiles on disk: reading one with every error in its line, writing one whole, and the list of them."""

from __future__ import annotations

import codecs
import os
import re
import stat
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from wizard import locations
from wizard.errors import Failed, UsageError
from wizard.profile.model import Profile
from wizard.profile.names import check_name, locate

MOST_BYTES = 1_000_000
"""No profile is anywhere near as large; what is larger is some other file."""

_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class LoadedProfile:
    """A profile, and where it came from.  `text` is the file's own, for a hash or an edit."""

    profile: Profile
    path: Path
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with a file: `line` counts from 1, `field` is dotted and may be empty."""

    line: int
    field: str
    kind: Literal["syntax", "missing", "unknown", "invalid"]
    message: str
    fix: str


class ProfileError(UsageError):
    """A profile that is not valid: all that is wrong, one line each with its fix below it."""

    def __init__(self, path: str, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        parts = [
            UsageError(
                f"{one.field}: {one.message}" if one.field else one.message,
                place=f"{path}:{one.line}",
                fix=one.fix,
            )
            for one in self.mistakes
        ]
        super().__init__("\n".join(map(str, parts)))


# --- reading -------------------------------------------------------------------------------------------------


def load(argument: str | Path) -> LoadedProfile:
    """The profile of that name or path.

    Raises:
        UsageError: there is none, it cannot be read, or it is only a draft (with the keys that are missing).
        ProfileError: it is not valid.
    """
    name, path = locate(argument)
    named = isinstance(argument, str) and path == locations.profile(name)
    if named and not path.exists():
        _refuse_missing(name)
    shown = str(path) if named else str(argument)
    return parse(read(path, shown), path, shown=shown)


def read(path: Path, shown: str | None = None) -> str:
    """The text of a profile.

    Args:
        path: the file.
        shown: how an error calls it; None: by its path.

    Raises:
        UsageError: it is missing, no file, unreadable, too large, or not UTF-8.
    """
    place = shown or str(path)
    try:
        # Non-blocking: a named pipe must not hold up the program.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UsageError("it is no file", place=place, fix="name the profile's .toml file")
            content = file.read(MOST_BYTES + 1)
    except IsADirectoryError:
        raise UsageError("it is a folder", place=place, fix="name the profile's .toml file in it") from None
    except FileNotFoundError:
        raise UsageError("there is no such file", place=place, fix="apimha-wizard profile list") from None
    except OSError as failure:
        raise UsageError(
            f"it cannot be read: {failure.strerror}", place=place, fix="check its path and its mode"
        ) from None
    if len(content) > MOST_BYTES:
        raise UsageError(
            f"it is larger than {MOST_BYTES // 1_000_000} MB", place=place, fix="that is no profile: name another file"
        )
    return _decoded(content, place)


def _decoded(content: bytes, place: str) -> str:
    for mark, name in ((codecs.BOM_UTF8, "UTF-8"), (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16")):
        if content.startswith(mark):
            raise UsageError(
                f"it begins with the byte order mark of {name}, which TOML does not have",
                place=f"{place}:1",
                fix="save it as UTF-8 without byte order mark",
            )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        raise UsageError(
            "it is not UTF-8", place=f"{place}:{line}", fix="save it as UTF-8, as TOML wants it"
        ) from None


def parse(text: str, path: Path, *, shown: str | None = None) -> LoadedProfile:
    """The profile that `text` makes as the content of `path`.

    Raises:
        ProfileError: it is not valid.
    """
    found = examine(text, path.parent)
    if isinstance(found, Profile):
        return LoadedProfile(found, path, path.name.removesuffix(".toml"), text)
    raise ProfileError(shown or str(path), found)


def examine(text: str, folder: Path) -> Profile | list[Mistake]:
    """The profile that `text` makes in `folder`, or all that is wrong with it, from top to bottom."""
    try:
        tables = tomllib.loads(text)
    except RecursionError:
        return [Mistake(1, "", "syntax", "it is nested too deeply", "a profile has tables in tables, no deeper")]
    except ValueError as failure:  # TOMLDecodeError is one, and so is what int() says to a number without end
        return [_syntax(str(failure), text)]
    from wizard.profile import problems

    profile, wrong = problems.examine(tables, folder)
    if profile is not None:
        return profile
    from wizard.profile.lines import scan

    layout = scan(text)
    mistakes = [Mistake(_line(layout, one), one.field, one.kind, one.message, one.fix) for one in wrong]
    return sorted(mistakes, key=lambda one: one.line)
