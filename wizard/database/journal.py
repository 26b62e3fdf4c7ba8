"""What a run began in a database and has not finished: on disk before the first statement.

So that a run that was killed can be taken back by the next one, and nothing else ever is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from wizard.database.failure import Endpoint
from wizard.system import bounded
from wizard.system.durable import fsync_folder, write_durably
from wizard.system.errors import Failed
from wizard.system.locations import state


class Journal(Protocol):
    """Remembers which databases are being filled."""

    def begin(self, database: str, *, created: bool) -> None:
        """Before anything is made in it; `created`: the database itself is made by this run."""

    def done(self, database: str) -> None:
        """It is whole, or everything that was begun has been taken back."""

    def begun(self) -> Mapping[str, bool]:
        """The databases that were begun and are not done → whether the run made them itself."""


class FileJournal:
    """One small file for each server and database, on disk when `begin` returns."""

    def __init__(self, endpoint: Endpoint, folder: Path | None = None) -> None:
        self.server = str(endpoint)
        self.folder = folder or state() / "databases"

    def begin(self, database: str, *, created: bool) -> None:
        """Raises Failed where it cannot be written down: then nothing may be made."""
        entry = {"server": self.server, "database": database, "created": created}
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                fsync_folder(self.folder.parent)
            write_durably(self._path(database), json.dumps(entry).encode(), mode=0o600)
        except OSError as problem:
            raise Failed(
                f"what is begun cannot be written down: {problem.strerror}",
                place=str(self.folder),
                fix="make room there, or let this user write there",
            ) from None

    def done(self, database: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(database))
            fsync_folder(self.folder)

    def begun(self) -> dict[str, bool]:
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
