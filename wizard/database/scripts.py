"""The scripts of a pack that make its tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from wizard.database.script import Schema, Statement, creates, statements

if TYPE_CHECKING:
    from wizard.pack.home import Pack


@dataclass(frozen=True)
class Script:
    """One script: where it lies in the pack, and its text."""

    path: str
    text: str

    @property
    def statements(self) -> tuple[Statement, ...]:
        return _statements(self.text, self.path)

    @property
    def schema(self) -> Schema:
        return _schema(self.text, self.path)


# A run looks at the same scripts several times.
@lru_cache(maxsize=8)
def _statements(text: str, path: str) -> tuple[Statement, ...]:
    return tuple(statements(text, path))


@lru_cache(maxsize=8)
def _schema(text: str, path: str) -> Schema:
    return creates(text, path)


@dataclass(frozen=True)
class Scripts:
    """The script that fits a server (None: the pack has none), and every script whose tables count as whole."""

    fitting: Script | None
    all: tuple[Script, ...]

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """What each creates, the fitting one's first."""
        return tuple(script.schema for script in self.all)


def scripts_for(pack: Pack, version: tuple[int, ...], *, mariadb: bool) -> Scripts:
    """The pack's scripts for this server, whichever of them carries the name `mysql.sql` now.

    Raises EditError for a script that cannot be read.
    """
    # What one server needs and what the other does are all the scripts that there are.
    paths = [pack.script_for(version, mariadb=mariadb)]
    fitting = paths[0]
    paths += [pack.script_for(other) for other in ((5, 6), (5, 7))]
    found = {path: Script(path, _text(pack.read(path))) for path in paths if path is not None}
    return Scripts(None if fitting is None else found[fitting], tuple(found.values()))


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace")
