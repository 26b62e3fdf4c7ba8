"""The profile: what a pair is made from, and the files that hold it."""

from wizard.profile.model import SCHEMA_VERSION, Node, Profile

__all__ = ["SCHEMA_VERSION", "Node", "Profile"]
