"""A folder with two miniature homes, a driver jar, a password and a profile."""

from __future__ import annotations

import os
import secrets
import shutil
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from wizard.pack.home import C_APPS, DROPINS, EVENT_RECEIVERS, LIB, PLUGINS
from wizard.profile import trust
from wizard.system import locations
from wizard.system.durable import write_new
from wizard.system.errors import UsageError

PACKS = Path(__file__).with_name("packs")
"""The templates of the packs and the profile."""

HOMES = ("analytics-1", "analytics-2")

EMPTY_FOLDERS = (DROPINS, LIB, PLUGINS, C_APPS, EVENT_RECEIVERS, "repository/logs")
"""Empty folders of a pack, which neither git nor a wheel can hold."""

DRIVER_CLASS = "com.mysql.jdbc.Driver"
DRIVER_JAR = "driver/mysql-connector-java-stand-in.jar"
PASSWORD_FILE = "secrets/apim"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The paths of a sandbox; with `env` the program keeps its own records in it too."""

    folder: Path
    profile: Path
    homes: tuple[Path, Path]
    env: dict[str, str] = field(repr=False)
    """Environment variables to add when the program runs here."""


def make_sandbox(folder: Path) -> Sandbox:
    """Create a sandbox in `folder`.  Raises `UsageError` if that is not empty, or cannot be created or written."""
    folder = Path(os.path.abspath(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            message = "the folder is not empty; a sandbox needs an empty one"
            raise UsageError(message, place=str(folder), fix="name a folder that does not exist yet")
        for name in HOMES:
            _unpack(folder / name)
        _write_driver(folder / DRIVER_JAR)
        write_secret(folder / PASSWORD_FILE, secrets.token_urlsafe(12))
        write_profile(opened(folder), (PACKS / "demo.toml").read_text("utf-8"))
    except OSError as problem:
        message, place = f"the sandbox cannot be created: {problem.strerror}", str(problem.filename or folder)
        raise UsageError(message, place=place, fix="name a folder that this user may write") from None
    return opened(folder)


def opened(folder: Path) -> Sandbox:
    """The sandbox that exists in `folder`."""
    tool = folder / ".apimha-wizard"
    return Sandbox(
        folder=folder,
        profile=folder / "demo.toml",
        homes=(folder / HOMES[0], folder / HOMES[1]),
        env={"XDG_CONFIG_HOME": str(tool / "config"), "XDG_STATE_HOME": str(tool / "state")},
    )


def write_profile(sandbox: Sandbox, text: str) -> None:
    """Write the sandbox's profile, and record in the sandbox's state folder that this program wrote it."""
    sandbox.profile.write_text(text, "utf-8")
    state = Path(sandbox.env["XDG_STATE_HOME"]) / locations.APPLICATION
    trust.note_written(sandbox.profile, text, state)


def _unpack(home: Path) -> None:
    """Create a home from the template, with fixed modes, whatever the modes of the installed files."""
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
    """Write a file that only this user can read."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_new(path, f"{password}\n".encode(), mode=0o600)


def _write_driver(path: Path) -> None:
    """Write a jar with the head of the driver's class: the checks only need the class to exist."""
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as jar:
        manifest = "Manifest-Version: 1.0\r\nImplementation-Title: stand-in\r\n\r\n"
        jar.writestr("META-INF/MANIFEST.MF", manifest)
        jar.writestr(f"{DRIVER_CLASS.replace('.', '/')}.class", b"\xca\xfe\xba\xbe\0\0\0\x32")
