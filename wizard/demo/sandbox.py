"""A folder with two homes, a driver jar, a password and a profile: what the tool needs, none of it real."""

from __future__ import annotations

import os
import secrets
import shutil
import struct
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from wizard.profile import trust
from wizard.system import locations
from wizard.system.errors import UsageError

PACKS = Path(__file__).with_name("packs")
"""What the sandbox is made from: the pack template and the profile."""

HOMES = ("analytics-1", "analytics-2")

EMPTY_FOLDERS = (
    "repository/components/dropins",
    "repository/components/lib",
    "repository/components/plugins",
    "repository/deployment/server/carbonapps",
    "repository/deployment/server/eventreceivers",
    "repository/logs",
)
"""Folders that a pack has and neither git nor a wheel can carry."""

DRIVER_CLASS = "com.mysql.jdbc.Driver"
DRIVER_JAR = "driver/mysql-connector-java-stand-in.jar"
PASSWORD_FILE = "secrets/apim"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Where everything of a sandbox is; `env` keeps the tool's own records inside it too."""

    folder: Path
    profile: Path
    homes: tuple[Path, Path]
    env: dict[str, str] = field(repr=False)
    """Environment variables to add when the tool runs here."""


def make_sandbox(folder: Path) -> Sandbox:
    """A new sandbox in `folder`, which is made where it is missing.

    Raises:
        UsageError: the folder holds something already, or cannot be made or written.
    """
    folder = Path(os.path.abspath(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(
                "the folder is not empty, and a sandbox is made in an empty one only",
                place=str(folder),
                fix="name a folder that does not exist yet",
            )
        for name in HOMES:
            _unpack(folder / name)
        _write_driver(folder / DRIVER_JAR)
        write_secret(folder / PASSWORD_FILE, secrets.token_urlsafe(12))
        write_profile(opened(folder), (PACKS / "demo.toml").read_text("utf-8"))
    except OSError as problem:
        raise UsageError(
            f"no sandbox can be made here: {problem.strerror}",
            place=str(problem.filename or folder),
            fix="name a folder that this user may write",
        ) from None
    return opened(folder)


def opened(folder: Path) -> Sandbox:
    """The sandbox that is in `folder` already."""
    tool = folder / ".apimha-wizard"
    return Sandbox(
        folder=folder,
        profile=folder / "demo.toml",
        homes=(folder / HOMES[0], folder / HOMES[1]),
        env={"XDG_CONFIG_HOME": str(tool / "config"), "XDG_STATE_HOME": str(tool / "state")},
    )


def write_profile(sandbox: Sandbox, text: str) -> None:
    """Write the sandbox's profile, and note in the sandbox's own state folder that it is this program's."""
    sandbox.profile.write_text(text, "utf-8")
    state = Path(sandbox.env["XDG_STATE_HOME"]) / locations.APPLICATION
    trust.note_written(sandbox.profile, text, state)


def _unpack(home: Path) -> None:
    """A home: the template's files with plain modes, whatever mode they were installed with."""
    for source in sorted((PACKS / "analytics").rglob("*")):
        target = home / source.relative_to(PACKS / "analytics")
        if source.is_dir():
            target.mkdir(parents=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o755 if source.suffix == ".sh" else 0o644)
    for name in EMPTY_FOLDERS:
        (home / name).mkdir(parents=True, exist_ok=True)


def write_secret(path: Path, password: str) -> None:
    """A file that only this user can read."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(password + "\n")


def _write_driver(path: Path) -> None:
    """A jar that holds the driver's class as the tool looks for it: an empty class, which drives nothing."""
    path.parent.mkdir()
    entry = DRIVER_CLASS.replace(".", "/")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as jar:
        jar.writestr(
            "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nImplementation-Title: stand-in\r\n\r\n"
        )
        jar.writestr(f"{entry}.class", _empty_class(entry))


def _empty_class(name: str) -> bytes:
    """The class file of a public class with nothing in it.  Source: JVM specification, chapter 4."""

    def utf8(text: str) -> bytes:
        return struct.pack(">BH", 1, len(text)) + text.encode("ascii")

    pool = [utf8(name), struct.pack(">BH", 7, 1), utf8("java/lang/Object"), struct.pack(">BH", 7, 3)]
    header = struct.pack(">IHHH", 0xCAFEBABE, 0, 50, len(pool) + 1)
    return header + b"".join(pool) + struct.pack(">HHHHHHH", 0x0021, 2, 4, 0, 0, 0, 0)
