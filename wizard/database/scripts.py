"""The scripts of a pack that create its tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from wizard.database.script import Schema, Statement, creates, statements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wizard.database.greeting import Greeting
    from wizard.pack.home import Pack


@dataclass(frozen=True)
class Script:
    """One script: its path in the pack, and its text."""

    path: str
    text: str

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(statements(self.text, self.path))

    @cached_property
    def schema(self) -> Schema:
        return creates(self.text, self.path)


@dataclass(frozen=True)
class Scripts:
    """The script that fits a server (None: the pack has none), and every script whose tables make a whole schema."""

    fitting: Script | None
    all: tuple[Script, ...]

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """What each script creates, the fitting one first."""
        return tuple(script.schema for script in self.all)


def scripts_for(packs: Iterable[Pack], server: Greeting) -> Scripts | None:
    """Return the scripts for this server of the first pack, whichever of them is named `mysql.sql` now.

    None without a pack.  Both nodes have the same product and version.  Raises EditError for an unreadable script.
    """
    for pack in packs:
        fitting = pack.script_for(server.version, mariadb=server.mariadb)
        # The fitting one first, then those for old and new servers: these are all that exist.
        paths = dict.fromkeys([fitting, *(pack.script_for(other) for other in ((5, 6), (5, 7)))])
        found = {
            path: Script(path, pack.read(path).decode("utf-8-sig", "replace"))
            for path in paths
            if path is not None
        }
        return Scripts(None if fitting is None else found[fitting], tuple(found.values()))
    return None
