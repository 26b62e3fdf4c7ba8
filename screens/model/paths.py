"""Paths in a form: what lies there, and how one that was begun can go on."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from wizard.pack.driver import inspect
from wizard.pack.home import Pack, is_pack
from wizard.system import locations
from wizard.system.errors import WizardError

ENDINGS = {"mysql.driver_jar": ".jar", "profile": ".toml"}
"""The files that a field asks for; other fields ask for folders."""

MOST_ENTRIES = 500
"""The number of entries of a folder that are read."""


@dataclass(frozen=True, slots=True)
class PathEntry:
    """Something in a folder: its name, whether it is a folder, and what is known of it (a pack, a driver)."""

    name: str
    is_folder: bool
    about: str = ""
    wanted: bool = False
    """It is what the field asks for."""


def about(key: str, text: str, folder: Path) -> str:
    """What is known of the path that a field holds: the pack of a home, the driver of a jar; else empty.

    Args:
        key: the field, such as `nodes.home`.
        text: as it was typed.
        folder: where relative paths count from.
    """
    with suppress(WizardError, OSError, ValueError):
        path = locations.located(text, folder)
        if key == "nodes.home" and is_pack(path):
            pack = Pack(path)
            return f"{pack.title}, offset {pack.offset}".removeprefix("WSO2 ").replace(" Server ", " ")
        if key == "mysql.driver_jar" and path.is_file():
            jar = inspect(path)
            return jar.name if jar.classes else ""
    return ""


def completion(key: str, text: str, folder: Path) -> str | None:
    """How the path that was begun could go on; None where nothing fits."""
    head, tail, names = _candidates(key, text, folder)
    common = _common(names)
    return os.path.join(head, common if len(common) > len(tail) else names[0]) if names else None


def certain_completion(key: str, text: str, folder: Path) -> str | None:
    """How the path has to go on; None where there are several ways, or what the field asks for is there already."""
    if about(key, text, folder):
        return None
    head, _, names = _candidates(key, text, folder)
    return os.path.join(head, _common(names)) if names else None


def _candidates(key: str, text: str, folder: Path) -> tuple[str, str, list[str]]:
    """The folder that a path was begun in, the beginning of a name, and the names there that fit it."""
    head, tail = os.path.split(text)
    names: list[str] = []
    if text and (head or tail):
        with suppress(OSError, ValueError):
            found = _scanned(key, locations.located(head or ".", folder), tail)
            names = [entry.name + "/" * is_folder for entry, is_folder in found]
    return head, tail, sorted(names)


def _common(names: list[str]) -> str:
    return os.path.commonprefix(names)  # noqa: RUF071  (of names, letter by letter)


def _scanned(key: str, folder: Path, start: str = "") -> list[tuple[os.DirEntry[str], bool]]:
    """What a folder holds that leads to what the field asks for, and whether each is a folder."""
    with os.scandir(folder) as entries:
        return [
            (entry, entry.is_dir())
            for entry in islice(entries, MOST_ENTRIES)
            if entry.name.startswith(start)
            and (start or not entry.name.startswith("."))
            and (entry.is_dir() or entry.name.endswith(ENDINGS.get(key, "/")))
        ]


def entries(key: str, folder: Path) -> list[PathEntry]:
    """What a folder holds that leads to what the field asks for: folders, and jars where a jar is wanted.

    Packs and drivers come first.  `OSError` where the folder cannot be read.
    """
    found = []
    for entry, is_folder in _scanned(key, folder):
        known = about(key, entry.path, folder)
        found.append(PathEntry(entry.name, is_folder, known, bool(known)))
    return sorted(found, key=lambda entry: (not entry.wanted, not entry.is_folder, entry.name))
