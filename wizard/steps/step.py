"""What a step is: one object that serves the screen, the headless run and the documentation alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from wizard.plan.workbench import Workbench
    from wizard.preflight.checks import Check
    from wizard.steps.reading import Reading
    from wizard.steps.rows import Table


class Step(NamedTuple):
    """A step of the procedure.

    `asks` are the profile's fields that it asks for: table → names with blanks between them (`nodes`: both nodes');
    `edits` plan its changes, one function a file, so that each broken file is reported by itself; `checks` look.
    """

    id: str
    title: str
    help: str
    asks: dict[str, str]
    edits: tuple[Callable[[Workbench], None], ...]
    checks: tuple[Check, ...]
    tables: tuple[Table, ...] = ()
    """The rows that the edits write, for the reference page."""
    reads: tuple[Callable[[Reading], None], ...] = ()
    """The way back: what a home that was configured by hand says of the fields (`profile from-homes`)."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The dotted names of the fields that it asks for."""
        return tuple(f"{table}.{name}" for table, names in self.asks.items() for name in names.split())
