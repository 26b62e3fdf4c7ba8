"""The profile: what a pair is made from, and the files that hold it."""

from wizard.profile.model import SCHEMA_VERSION, Node, Profile
from wizard.profile.store import LoadedProfile, ProfileError, load

__all__ = ["SCHEMA_VERSION", "LoadedProfile", "Node", "Profile", "ProfileError", "load"]
