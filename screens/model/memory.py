"""What the screen remembers between two starts: the theme, and how far each profile has come.

One small JSON file in the state folder.  Nothing is lost with it: without it the look is dark and every step is
still to do.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from wizard.system import bounded, locations

MOST_PROFILES = 50
"""So many profiles are remembered, those that were opened last."""


class ProfileProgress:
    """How far a profile has come, and what was decided about it on the screen.

    `passed` are the steps that somebody went through; `wrong` those that held errors when they were last looked at.
    """

    def __init__(
        self,
        passed: list[str] | None = None,
        wrong: list[str] | None = None,
        ignore: list[str] | None = None,
        *,
        offline: bool = False,
        only_node: str | None = None,
    ) -> None:
        self.passed = passed or []
        self.wrong = wrong or []
        self.ignore = ignore or []
        self.offline = offline
        self.only_node = only_node

    @classmethod
    def from_json(cls, data: Any) -> ProfileProgress:
        """The progress that was noted; what makes no sense counts as not noted."""
        if not isinstance(data, dict):
            return cls()
        lists = {
            key: [item for item in value if isinstance(item, str)]
            for key in ("passed", "wrong", "ignore")
            if isinstance(value := data.get(key), list)
        }
        node = data.get("only_node")
        return cls(
            offline=data.get("offline") is True, only_node=node if isinstance(node, str) else None, **lists
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "wrong": self.wrong,
            "offline": self.offline,
            "only_node": self.only_node,
            "ignore": self.ignore,
        }


class Memory:
    """The file, read once and written after each change."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or locations.screen()
        self._data: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            data = bounded.read_json(self.path)
            self._data = data if isinstance(data, dict) else {}

    @property
    def theme(self) -> Literal["dark", "light"]:
        return "light" if self._data.get("theme") == "light" else "dark"

    @theme.setter
    def theme(self, value: Literal["dark", "light"]) -> None:
        self._data["theme"] = value
        self._write()

    def progress(self, profile: Path) -> ProfileProgress | None:
        """How far the profile of that file has come; None where nothing was noted yet."""
        profiles = self._data.get("profiles")
        noted = profiles.get(str(profile)) if isinstance(profiles, dict) else None
        return ProfileProgress.from_json(noted) if noted is not None else None

    def note(self, profile: Path, progress: ProfileProgress) -> None:
        """Remember how far a profile has come."""
        profiles = self._data.get("profiles")
        profiles = profiles if isinstance(profiles, dict) else {}
        profiles.pop(str(profile), None)
        profiles[str(profile)] = progress.to_json()
        self._data["profiles"] = dict(list(profiles.items())[-MOST_PROFILES:])
        self._write()

    def _write(self) -> None:
        """Whole or not at all; a folder that cannot be written costs the memory and nothing else."""
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary.write_text(json.dumps(self._data), "utf-8")
            temporary.replace(self.path)
