"""What the first edition left on disk, and how a test gets it back.

`tests/first_edition` was recorded with the first edition itself (commit 5157377) and is frozen; the recorder is in the
history of this file.

Each state is a tree of files with `manifest.json` beside it.  The absolute path of the folder is stored as `@FOLDER@`.
The journals and the drafts hold it; the configuration files and the backups do not, so their hashes are those of the
first edition.  A file of a home that equals the file of its miniature pack (`pack`) is not stored again.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "first_edition"
PACK = DATA / "pack"
"""The miniature pack of the first edition."""

FOLDER = "@FOLDER@"
TARGET = "@TARGET@"
"""In the name of a draft: the digest of the path of its profile."""

HOMES = ("analytics-1", "analytics-2")
TOOL = ".apimha-wizard"
STATE = f"{TOOL}/state/apimha-wizard"

Files = dict[str, tuple[str, int]]
"""SHA-256 and mode of each file in the homes, by its path."""


def homes_of(folder: Path) -> Files:
    """Return every file in both homes."""
    found: Files = {}
    for home in HOMES:
        for path in sorted((folder / home).rglob("*")):
            if path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[str(path.relative_to(folder))] = digest, stat.S_IMODE(path.stat().st_mode)
    return found


def snapshot(state: str, name: str) -> Files:
    """Return the files of both homes as the first edition left them at one moment of a state."""
    recorded = json.loads((DATA / state / "manifest.json").read_text("utf-8"))["snapshots"][name]
    return {path: (digest, mode) for path, (digest, mode) in recorded.items()}


def output(state: str, name: str, folder: Path) -> str:
    """Return what a command of the first edition printed, as it would be for this folder."""
    text = (DATA / state / "output" / name).read_text("utf-8")
    return text.replace(TARGET, _digest(folder / "demo.toml")).replace(FOLDER, str(folder))


def place(state: str, folder: Path) -> None:
    """Restore a state in an empty folder: bytes and modes, with the path of the folder put in."""
    manifest = json.loads((DATA / state / "manifest.json").read_text("utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    for name in manifest["folders"]:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, mode in manifest["files"].items():
        stored = DATA / state / "tree" / name
        source = stored if stored.exists() else PACK / Path(*Path(name).parts[1:])
        content = source.read_bytes().replace(FOLDER.encode(), str(folder).encode())
        if Path(name).name.endswith(("journal.json", "journal.json.next")) and os.geteuid() != 0:
            content = _owned_by_this_user(content)
        path = folder / name.replace(TARGET, _digest(folder / "demo.toml"))
        path.write_bytes(content)
        path.chmod(mode)
    for name, mode in manifest["folders"].items():
        (folder / name).chmod(mode)


def _owned_by_this_user(journal: bytes) -> bytes:
    # The first edition was run by root.  Another user cannot give a restored file to root.
    data = json.loads(journal)
    for entry in data["entries"]:
        if entry["meta"]:
            entry["meta"][1:3] = [os.geteuid(), os.getegid()]
    return json.dumps(data).encode() + b"\n"


def _digest(target: Path) -> str:
    return hashlib.sha256(str(target).encode()).hexdigest()[:8]
