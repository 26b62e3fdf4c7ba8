"""The list of the named profiles and drafts, with the state of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wizard.profile.model import Profile
from wizard.profile.names import check_name
from wizard.profile.store import ProfileError, examine, parse, read, toml_files
from wizard.system import locations
from wizard.system.errors import UsageError


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
    profiles = [_listed(path) for path in toml_files(locations.profiles())]
    known = {one.name for one in profiles}
    drafts = [_listed_draft(path) for path in toml_files(locations.drafts()) if path.stem not in known]
    return profiles + drafts


def _listed(path: Path) -> Listed:
    try:
        check_name(path.stem)
        profile = parse(read(path), path).profile
    except UsageError as failure:
        return Listed(path.stem, path, "invalid", error=str(failure))
    return Listed(path.stem, path, "ok", profile.cluster.name, tuple(node.host for node in profile.nodes))


def _listed_draft(path: Path) -> Listed:
    try:
        found = examine(read(path), path.parent)
    except UsageError as failure:
        return Listed(path.stem, path, "draft", error=str(failure))
    if isinstance(found, Profile):
        return Listed(path.stem, path, "draft", found.cluster.name, tuple(node.host for node in found.nodes))
    return Listed(path.stem, path, "draft", error=str(ProfileError(str(path), found)))
