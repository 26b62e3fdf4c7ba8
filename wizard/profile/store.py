"""Profiles on disk: reading one with every error in its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Never

from pydantic import ValidationError

from wizard.profile.cross_field import Mistake
from wizard.profile.files import LoadedProfile, check_name, deep_key, is_path, locate, read, toml_files
from wizard.profile.model import SCHEMA_VERSION, Profile
from wizard.system import locations
from wizard.system.bounded import is_anything
from wizard.system.errors import UsageError

MOST_MISTAKES = 50


class ProfileError(UsageError):
    """A profile that is not valid: all that is wrong, one line each with its fix below it.

    `mistakes` are all of them; the text has the first `MOST_MISTAKES`.
    """

    def __init__(self, path: str, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        lines = []
        for one in self.mistakes[:MOST_MISTAKES]:
            message = f"{one.field}: {one.message}" if one.place else one.message
            lines.append(str(UsageError(message, place=f"{path}:{one.line}", fix=one.fix)))
        more = len(self.mistakes) - MOST_MISTAKES
        super().__init__("\n".join([*lines, f"… and {more} more"] if more > 0 else lines))


def load(argument: str | Path) -> LoadedProfile:
    """Return the profile of that name or path.

    Raises `UsageError` if there is none, it cannot be read, or it is only a draft; `ProfileError` if it is not valid.
    """
    name, path = locate(argument)
    named = isinstance(argument, str) and not is_path(argument)
    with suppress(OSError):  # an unreadable file is reported when it is read
        if named and not is_anything(path):
            _refuse_missing(name)
    shown = str(path) if named else str(argument)
    return parse(read(path, shown), path, shown=shown)


def parse(text: str, path: Path, *, shown: str | None = None) -> LoadedProfile:
    """Return the profile that `text` makes as the content of `path`.  Raises `ProfileError` if it is not valid."""
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
    from wizard.profile.document import Layout
    from wizard.profile.problems import find

    profile, wrong = find(tables, folder)
    if profile is not None:
        return profile
    layout = Layout(text)
    found = []
    for one in wrong:
        at_the_top = one.place == ("schema_version",) and one.kind == "missing"
        found.append(one._replace(line=1 if at_the_top else layout.line(one.place)))
    return sorted(found, key=lambda one: one.line)


def _too_deep(line: int) -> Mistake:
    return Mistake((), "nested too deeply", "a profile has at most two levels of tables", "syntax", line)


def _syntax(message: str, text: str) -> Mistake:
    """What the parser says, in words, with a fix.  It names keys and single characters, never a value."""
    position = re.search(r" \(at (?:line (\d+)(, column \d+)|end of document)\)$", message)
    line, column = position.groups() if position else (None, None)
    reason = message[: position.start()] if position else "a number has too many digits"
    if twice := re.fullmatch(r"Cannot declare \((.*?),?\) twice", reason):
        table = ".".join(re.findall(r"'((?:[^'\\]|\\.)*)'", twice[1]))
        reason = f"the table [{table}] is defined twice"
        fix = "put its keys below one of them, and remove the other"
    elif reason.startswith("Cannot overwrite"):
        reason, fix = "this key or table is defined twice", "remove one of the two"
    elif reason in ("Invalid value", "Expected newline or end of document after a statement"):
        reason, fix = "not a TOML value", 'put text in quotes: name = "value"'
    else:
        reason = reason[:1].lower() + reason[1:]
        fix = 'a line is key = "text", key = 1, key = true, or [table]'
    number = int(line) if line else text.rstrip().count("\n") + 1
    return Mistake((), f"this is not TOML: {reason}{column or ''}", fix, "syntax", number)


def _refuse_missing(name: str) -> Never:
    """Says what there is instead of a profile called `name`: a draft, a file, or one of nearly that name."""
    path = locations.draft(name)
    if path.exists():
        found = examine(read(path), path.parent)
        mistakes = found if isinstance(found, list) else []
        fields: dict[str, list[str]] = {"missing": [], "wrong": []}
        for one in mistakes:
            fields["missing" if one.kind == "missing" else "wrong"].append(one.field or "the TOML syntax")
        parts = [f"{state}: {', '.join(names)}" for state, names in fields.items() if names]
        state = "; ".join(parts) or "complete, but not saved as a profile"
        raise UsageError(f"{name} is only a draft; {state}", fix=f"apimha-wizard resume {name}")
    if Path(f"{name}.toml").exists():
        message = f"no profile called {name}, but a file {name}.toml in this folder"
        raise UsageError(message, fix=f"name the file: ./{name}.toml")
    from difflib import get_close_matches

    fix = "apimha-wizard profile list shows the profiles; a path contains a /"
    for near in get_close_matches(name, [other.stem for other in toml_files(locations.profiles())], n=1):
        fix = f"did you mean {near}?"
    raise UsageError(f"no profile called {name}", fix=fix)


# --- the list of all -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of `profile list`.  `cluster` and `hosts` are None and empty where the profile is not valid."""

    name: str
    path: Path
    state: Literal["ok", "invalid", "draft"]
    cluster: str | None = None
    hosts: tuple[str, ...] = ()
    error: str | None = None


def listing() -> list[Listed]:
    """Return all named profiles, then the drafts that are not profiles yet, each by name."""
    profiles = [_listed(path, is_draft=False) for path in toml_files(locations.profiles())]
    known = {one.name for one in profiles}
    drafts = [path for path in toml_files(locations.drafts()) if path.stem not in known]
    return profiles + [_listed(path, is_draft=True) for path in drafts]


def _listed(path: Path, *, is_draft: bool) -> Listed:
    try:
        if not is_draft:
            check_name(path.stem)
        profile = parse(read(path), path).profile
    except UsageError as failure:
        return Listed(path.stem, path, "draft" if is_draft else "invalid", error=str(failure))
    hosts = tuple(node.host for node in profile.nodes)
    return Listed(path.stem, path, "draft" if is_draft else "ok", profile.cluster.name, hosts)
