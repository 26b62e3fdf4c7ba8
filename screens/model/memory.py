"""What is known from before: the theme and how far each profile has come, and the state of each one's newest run.

One small JSON file in the state folder.  Nothing important is lost with it: without it the theme is dark and every
step is still to do.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from wizard.command_line.run import rollback
from wizard.system import bounded, locations
from wizard.system.errors import WizardError

MOST_PROFILES = 50
"""The number of profiles that are remembered: those that were opened last."""


@dataclass
class ProfileProgress:
    """How far a profile has come, and what was decided about it on the screen.

    `passed` are the steps that the user went through; `wrong` those that held errors when they were checked last;
    `asked` the homes about which the user has said on which machine they are.
    """

    passed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    offline: bool = False
    only_node: str | None = None

    @classmethod
    def from_json(cls, data: Any) -> ProfileProgress:
        """The progress that was noted; what is not valid counts as not noted."""
        progress = cls()
        for key, value in data.items() if isinstance(data, dict) else ():
            if key == "only_node" and isinstance(value, str):
                progress.only_node = value
            elif key in vars(progress) and type(value) is type(getattr(progress, key)):
                is_list = isinstance(value, list)
                setattr(progress, key, [one for one in value if isinstance(one, str)] if is_list else value)
        return progress


class Memory:
    """The file: read once, and written after each change."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or locations.screen()
        data = None
        with suppress(OSError, ValueError):
            data = bounded.read_json(self.path)
        self._data: dict[str, Any] = data if isinstance(data, dict) else {}
        if not isinstance(self._data.get("profiles"), dict):
            self._data["profiles"] = {}

    @property
    def theme(self) -> Literal["dark", "light"]:
        return "light" if self._data.get("theme") == "light" else "dark"

    @theme.setter
    def theme(self, value: Literal["dark", "light"]) -> None:
        self._data["theme"] = value
        self._write()

    def progress(self, profile: Path) -> ProfileProgress | None:
        """How far the profile of that file has come; None where nothing was noted yet."""
        noted = self._data["profiles"].get(str(profile))
        return ProfileProgress.from_json(noted) if noted is not None else None

    def note(self, profile: Path, progress: ProfileProgress) -> None:
        profiles = self._data["profiles"]
        profiles.pop(str(profile), None)
        profiles[str(profile)] = asdict(progress)
        self._data["profiles"] = dict(list(profiles.items())[-MOST_PROFILES:])
        self._write()

    def _write(self) -> None:
        """Replace the file; a folder that cannot be written costs the memory and nothing else."""
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary.write_text(json.dumps(self._data), "utf-8")
            temporary.replace(self.path)


def newest_runs(name: str | None = None) -> dict[str, tuple[str, str]]:
    """Return the state and the day of the newest run of a profile, or of each: `("applied", "2026-11-24")`."""
    found: dict[str, tuple[str, str]] = {}
    with suppress(WizardError):  # how the last run ended is worth knowing, and no reason to stop
        for run in rollback.history(name):
            found.setdefault(run["profile"], (run["state"], run["started"][:10]))
    return found


def applied(name: str) -> str:
    """Return `applied` where the newest run of a profile was applied and is not undone, else an empty text."""
    state, _ = newest_runs(name).get(name, ("", ""))
    return state if state == "applied" else ""
