"""Every path that the program owns, in one place, and how the paths in a profile are read.

Nothing here makes a folder: whoever writes there does, with the mode that the content needs.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_config_path, user_data_path, user_state_path

APPLICATION = "apimha-wizard"


def config() -> Path:
    """What people keep: the profiles.  `XDG_CONFIG_HOME` is respected."""
    return user_config_path(APPLICATION, appauthor=False)


def state() -> Path:
    """What the program remembers: runs and drafts.  `XDG_STATE_HOME` is respected."""
    return user_state_path(APPLICATION, appauthor=False)


def profiles() -> Path:
    """The folder of the named profiles."""
    return config() / "profiles"


def profile(name: str) -> Path:
    """The file of a named profile."""
    return profiles() / f"{name}.toml"


def runs() -> Path:
    """The folder that holds one folder a run: journal and backups."""
    return state() / "runs"


def index() -> Path:
    """The file that lists the runs in short; it can be made again from their folder."""
    return state() / "runs.index"


def drafts() -> Path:
    """The folder of the wizard's unfinished profiles."""
    return state() / "drafts"


def draft(name: str) -> Path:
    """The file of a draft; what it was begun from stands beside it (`draft_origin`)."""
    return drafts() / f"{name}.toml"


def draft_origin(name: str) -> Path:
    """The file that says which profile a draft was begun from, and what that held then."""
    return drafts() / f"{name}.json"


def passwords() -> Path:
    """The folder (0700) of the passwords that were typed in the wizard, a file (0600) for each."""
    return user_data_path(APPLICATION, appauthor=False) / "passwords"


def agreements(state_folder: Path | None = None) -> Path:
    """The folder that holds one file for each profile that the user agreed to, or that this program wrote."""
    return (state_folder or state()) / "agreements"


def reports() -> Path:
    """The folder of the reports of `verify` for which the user has not named a file."""
    return state() / "reports"


def screen() -> Path:
    """The file of what the screen remembers: the theme, and how far each profile has come."""
    return state() / "screen.json"


def located(text: str, folder: Path | None) -> Path:
    """Return the path that `text` names in a profile of `folder`: relative ones count from there, `~` is the home.

    Links and `..` are left as they are: only the file system knows what they mean.  Raises `ValueError` for a text that
    is empty, holds an invisible character, or names a user who has no home.
    """
    if not text.strip():
        raise ValueError("expected a path, not an empty text")
    if not text.isprintable():
        raise ValueError("a path must not hold a line break or an invisible character")
    expanded = os.path.expanduser(text)  # Path.expanduser raises a RuntimeError
    if text.startswith("~") and expanded == text:
        raise ValueError("the home folder of `~` is unknown: write the full path")
    return Path(folder or Path.cwd(), expanded)
