"""Profiles on disk: reading one with every error in its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Never

from pydantic import ValidationError

from wizard.profile.files import MOST_BYTES, LoadedProfile, deep_key, read, save, toml_files
from wizard.profile.model import SCHEMA_VERSION, Profile
from wizard.profile.names import is_path, locate
from wizard.system import locations
from wizard.system.errors import UsageError
from wizard.system.presence import is_anything

if TYPE_CHECKING:
    from wizard.profile.lines import Layout
    from wizard.profile.problems import KeyProblem

__all__ = [
    "MOST_BYTES",
    "LoadedProfile",
    "Mistake",
    "ProfileError",
    "examine",
    "load",
    "parse",
    "read",
    "save",
    "toml_files",
]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with a file: `line` counts from 1, `field` is dotted and may be empty."""

    line: int
    field: str
    kind: Literal["syntax", "missing", "unknown", "invalid"]
    message: str
    fix: str


MOST_MISTAKES = 50


class ProfileError(UsageError):
    """A profile that is not valid: all that is wrong, one line each with its fix below it.

    `mistakes` are all of them; the text has the first `MOST_MISTAKES`.
    """

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
        more = len(parts) - MOST_MISTAKES
        lines = [str(part) for part in parts[:MOST_MISTAKES]] + ([f"… and {more} more"] if more > 0 else [])
        super().__init__("\n".join(lines))


# --- reading --------------------------------------------------------------------------------------


def load(argument: str | Path) -> LoadedProfile:
    """The profile of that name or path.

    Raises:
        UsageError: there is none, it cannot be read, or it is only a draft (with the keys that are missing).
        ProfileError: it is not valid.
    """
    name, path = locate(argument)
    named = isinstance(argument, str) and not is_path(argument)
    with suppress(OSError):  # an unreadable file is reported when it is read
        if named and not is_anything(path):
            _refuse_missing(name)
    shown = str(path) if named else str(argument)
    return parse(read(path, shown), path, shown=shown)


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
    if (line := deep_key(text)) is not None:
        return [_too_deep(line)]
    try:
        tables = tomllib.loads(text)
    except RecursionError:
        return [_too_deep(1)]
    except ValueError as failure:  # TOMLDecodeError is one, and so is what int() says to a number without end
        return [_syntax(str(failure), text)]
    version = tables.get("schema_version")
    if type(version) is int and version == SCHEMA_VERSION:  # neither true nor 1.0
        with suppress(ValidationError):
            return Profile.model_validate(tables, context={"folder": folder})
    # Only what is wrong or old needs the rest: its modules are not loaded for a good profile.
    from wizard.profile.lines import scan
    from wizard.profile.problems import find

    profile, wrong = find(tables, folder)
    if profile is not None:
        return profile

    layout = scan(text)
    mistakes = [Mistake(_line(layout, one), one.field, one.kind, one.message, one.fix) for one in wrong]
    return sorted(mistakes, key=lambda one: one.line)


def _too_deep(line: int) -> Mistake:
    return Mistake(line, "", "syntax", "nested too deeply", "a profile has at most two levels of tables")


def _line(layout: Layout, problem: KeyProblem) -> int:
    return (
        1
        if problem.place == ("schema_version",) and problem.kind == "missing"
        else layout.line(problem.place)
    )


def _syntax(message: str, text: str) -> Mistake:
    """What the parser says, in words, with a fix.  It names keys and single characters, never a value."""
    position = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    last = text.rstrip().count("\n") + 1
    line = int(position[1]) if position and position[1] else last
    reason = message[: position.start()] if position else "a number has too many digits"
    if twice := re.fullmatch(r"Cannot declare \((.*?),?\) twice", reason):
        table = ".".join(re.findall(r"'((?:[^'\\]|\\.)*)'", twice[1]))
        reason, fix = (
            f"the table [{table}] is defined twice",
            "put its keys below one of them, and remove the other",
        )
    elif reason.startswith("Cannot overwrite"):
        reason, fix = "this key or table is defined twice", "remove one of the two"
    elif reason in ("Invalid value", "Expected newline or end of document after a statement"):
        reason, fix = "not a TOML value", 'put text in quotes: name = "value"'
    else:
        reason, fix = (
            reason[:1].lower() + reason[1:],
            'a line is key = "text", key = 1, key = true, or [table]',
        )
    column = f", column {position[2]}" if position and position[1] else ""
    return Mistake(line, "", "syntax", f"this is not TOML: {reason}{column}", fix)


def _refuse_missing(name: str) -> Never:
    """Says what there is instead of a profile called `name`: a draft, a file, or one of nearly that name."""
    path = locations.draft(name)
    if path.exists():
        found = examine(read(path), path.parent)
        missing = [one.field for one in found if one.kind == "missing"] if isinstance(found, list) else []
        wrong = (
            [one.field or "the TOML syntax" for one in found if one.kind != "missing"]
            if isinstance(found, list)
            else []
        )
        parts = [
            f"missing: {', '.join(missing)}" if missing else "",
            f"wrong: {', '.join(wrong)}" if wrong else "",
        ]
        state = "; ".join(part for part in parts if part) or "complete, but not saved as a profile"
        raise UsageError(f"{name} is only a draft; {state}", fix=f"apimha-wizard resume {name}")
    if Path(f"{name}.toml").exists():
        raise UsageError(
            f"no profile called {name}, but a file {name}.toml in this folder",
            fix=f"name the file: ./{name}.toml",
        )
    from difflib import get_close_matches

    near = get_close_matches(name, [other.stem for other in toml_files(locations.profiles())], n=1)
    raise UsageError(
        f"no profile called {name}",
        fix=f"did you mean {near[0]}?"
        if near
        else "apimha-wizard profile list shows the profiles; a path contains a /",
    )
