"""How much room a run needs, and where."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.system import locations

if TYPE_CHECKING:
    from wizard.plan.planner import Plan

BLOCK = 4096
JOURNAL = 64 * 1024
"""Bytes for the journal, twice."""


def room_needed(plan: Plan) -> dict[Path, int]:
    """Folder → bytes needed on its file system: the new files, and backups and journal in the state folder."""
    needed: dict[int, tuple[Path, int]] = {}

    def add(place: Path, count: int) -> None:
        while not place.exists():
            place = place.parent
        device = os.stat(place).st_dev
        first, already = needed.get(device, (place, 0))
        needed[device] = (first, already + count)

    for change in plan.pending:
        for move in change.moves:
            size = len(move.content) if move.content is not None else 0
            if move.source is not None:
                size = os.stat(move.source).st_size
            add(move.path.parent, _blocks(size))
            if move.before.kind == "file":
                add(locations.runs(), _blocks(os.stat(move.path).st_size))
    if plan.pending:
        add(locations.runs(), JOURNAL)
    return dict(needed.values())


def _blocks(size: int) -> int:
    return (size // BLOCK + 1) * BLOCK
