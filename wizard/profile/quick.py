"""A profile that is valid, without loading the models: pydantic's core alone judges it, by what was compiled.

What it gives has the keys and the methods of the models and nothing else of them.  Of a profile that is not valid
it says nothing but that: the models tell why.
"""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from wizard.errors import UsageError
from wizard.profile.agreement import disagreements
from wizard.profile.core import core
from wizard.profile.files import LoadedProfile, deep_key, read
from wizard.profile.names import locate
from wizard.profile.parts import SCHEMA_VERSION

if TYPE_CHECKING:
    from wizard.profile.model import Profile


def load(argument: str | Path) -> LoadedProfile:
    """The profile of that name or path, as `store.load` gives it, errors included."""
    path = locate(argument)[1]
    with suppress(UsageError):
        text = read(path)
        profile = valid(text, path.parent)
        if profile is not None:
            return LoadedProfile(profile, path, path.name.removesuffix(".toml"), text)
    from wizard.profile import store

    return store.load(argument)


def valid(text: str, folder: Path) -> Profile | None:
    """The profile that `text` makes in `folder`, if it is a valid one of this edition; None says nothing of why."""
    from wizard.profile.compiled import PROFILE

    if deep_key(text) is not None:
        return None
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError):
        return None
    version = tables.get("schema_version")
    if type(version) is not int or version != SCHEMA_VERSION:  # neither true nor 1.0
        return None
    pydantic = core()
    try:
        profile = pydantic.SchemaValidator(PROFILE).validate_python(tables, context={"folder": folder})
    except pydantic.ValidationError:
        return None
    return None if any(True for _ in disagreements(tables)) else cast("Profile", profile)
