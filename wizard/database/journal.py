"""What a run began in a database and has not finished: on disk before the first statement.

The next run can then undo what an interrupted run left, and undoes nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from wizard.database.failure import Endpoint
from wizard.system import bounded
from wizard.system.durable import fsync_folder, make_folder, write_durably
from wizard.system.errors import Failed
from wizard.system.locations import state


class FileJournal:
    """One small file for each server and database, on disk when `begin` returns."""

    def __init__(self, endpoint: Endpoint, folder: Path | None = None) -> None:
        self.server = str(endpoint)
        self.folder = folder or state() / "databases"

    def begin(self, database: str, *, created: bool) -> None:
        """Record that a run begins to fill a database; `created`: the run creates the database itself.

        Raises:
            Failed: the entry cannot be written; the run may not create anything then.
        """
        entry = {"server": self.server, "database": database, "created": created}
        try:
            make_folder(self.folder, mode=0o700)
            write_durably(self._path(database), json.dumps(entry).encode(), mode=0o600)
        except OSError as problem:
            raise Failed(
                f"the database journal cannot be written: {problem.strerror}",
                place=str(self.folder),
                fix="free space there, or let this user write there",
            ) from None

    def done(self, database: str) -> None:
        """Record that the database is complete, or that everything begun in it was removed."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(database))
            fsync_folder(self.folder)

    def begun(self) -> dict[str, bool]:
        """Return the databases that were begun and are not done → whether the run created the database itself."""
        found = {}
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                entry = bounded.read_json(path)
                if entry["server"] == self.server:
                    found[str(entry["database"])] = bool(entry["created"])
        return found

    def _path(self, database: str) -> Path:
        name = hashlib.sha256(f"{self.server}\n{database}".encode()).hexdigest()[:32]
        return self.folder / f"{name}.json"
