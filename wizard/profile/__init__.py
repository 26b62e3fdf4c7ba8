"""The profile: what a pair is made from, and the files that hold it.

The names below are loaded when they are asked for: names, files and drafts of profiles need none of the models.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile
    from wizard.profile.parts import SCHEMA_VERSION
    from wizard.profile.store import LoadedProfile, ProfileError, load

__all__ = ["SCHEMA_VERSION", "LoadedProfile", "Node", "Profile", "ProfileError", "load"]

_MODULES = {
    "SCHEMA_VERSION": "parts",
    "Node": "model",
    "Profile": "model",
    "LoadedProfile": "store",
    "ProfileError": "store",
    "load": "store",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
