"""A pair to try the tool on, made from miniature packs that the project brings along."""

from wizard.demo.sandbox import Sandbox, make_sandbox
from wizard.demo.story import main, show, tell

__all__ = ["Sandbox", "main", "make_sandbox", "show", "tell"]
