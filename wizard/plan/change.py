"""What a run changes, as data: the same list for the diff, the JSON, the screen and `apply`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from wizard.edit.edits import Line
from wizard.transaction.move import Move

ChangeKind = Literal["edit", "copy", "symlink", "rename"]


class Change(NamedTuple):
    """A file that the plan looks at, changed or not.

    `path` is relative to the home (absolute for a link); `steps` are those that look at it, `step` the one that it
    is listed under; `lines` are what changes, in the order of the edits; without `moves` it stays as it is.
    `before` and `after` are the bytes of an edited file, for the diff.
    """

    node: str
    path: str
    kind: ChangeKind
    steps: tuple[str, ...]
    lines: tuple[Line, ...] = ()
    moves: tuple[Move, ...] = ()
    before: bytes | None = None
    after: bytes | None = None

    def __repr__(self) -> str:
        return f"Change({self.node!r}, {self.path!r}, {self.kind!r}, {self.what!r}, {self.moves!r})"

    @property
    def what(self) -> tuple[str, ...]:
        """What changes, for people."""
        return tuple(line.text for line in self.lines)

    @property
    def rolls(self) -> bool | None:
        """Whether it can be made node by node while the pair runs; None where nothing changes."""
        return all(line.rolls for line in self.lines) if self.moves else None

    @property
    def step(self) -> str:
        return self.steps[0]

    @property
    def status(self) -> Literal["changed", "created", "unchanged"]:
        """What the change does to the path of its name."""
        if not self.moves:
            return "unchanged"
        return "created" if self.moves[0].before.kind == "absent" else "changed"

    @property
    def targets(self) -> tuple[Path, ...]:
        """Every real path that is written."""
        return tuple(move.path for move in self.moves)
