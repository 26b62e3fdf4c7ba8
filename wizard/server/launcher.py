"""The launcher of a home, in the foreground form: as the owner of the home, in a session of its own."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from wizard.system.errors import ChecksFailed, Failed

LAUNCHER = "bin/wso2server.sh"
CONSOLE = "repository/logs/wso2server-console.log"
"""What the launcher and the server print, since the newest start."""

_SCRIPT = 'mkdir -p "${1%/*}" && rm -f "$1" && exec >>"$1" 2>&1 && shift && exec sh "$@"'
"""Run as the owner, so that nothing is created with more rights than the owner has."""


class Owner(NamedTuple):
    """The user to whom a home belongs."""

    name: str
    uid: int
    gid: int
    folder: str
    groups: tuple[int, ...]


def owner_of(home: Path) -> Owner:
    """Return the owner of a home, with the groups of that user."""
    status = os.stat(home)
    try:
        user = pwd.getpwuid(status.st_uid)
    except KeyError:  # a user of a container or of a directory that is not reachable
        return Owner(str(status.st_uid), status.st_uid, status.st_gid, "/", (status.st_gid,))
    groups = tuple(os.getgrouplist(user.pw_name, user.pw_gid))
    return Owner(user.pw_name, user.pw_uid, user.pw_gid, user.pw_dir, groups)


def refuse_other_user(home: Path, command: str) -> None:
    """Refuse a user who is neither the owner of the home nor root.  Raises `ChecksFailed`."""
    owner = owner_of(home)
    if os.geteuid() not in (0, owner.uid):
        raise ChecksFailed(
            f"the home belongs to {owner.name}: only that user and root start and stop its server",
            place=str(home),
            fix=f"sudo -u {quote(owner.name)} {command}",
        )


def java_home_of(java_home: Path | None) -> str | None:
    """Return the `JAVA_HOME` for the launcher: of the profile, else of the environment; None without either."""
    return str(java_home) if java_home is not None else os.environ.get("JAVA_HOME") or None


def environment(home: Path, java_home: str, owner: Owner) -> dict[str, str]:
    """Return all that the launcher gets: no variable of a password, and no `CARBON_HOME` of another home."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "HOME": owner.folder,
        "CARBON_HOME": os.path.abspath(home),
        "JAVA_HOME": java_home,
    }


def launch(home: Path, java_home: str, *options: str) -> subprocess.Popen[bytes]:
    """Run the launcher; its output goes to `CONSOLE`.

    Raises:
        Failed: it cannot be run, or its output cannot be written.
    """
    owner, other = owner_of(home), {}
    if os.geteuid() != owner.uid:
        other = {"user": owner.uid, "group": owner.gid, "extra_groups": owner.groups}
    paths = [os.path.abspath(home / name) for name in (CONSOLE, LAUNCHER)]
    kwargs: dict[str, Any] = {"env": environment(home, java_home, owner), "cwd": "/", **other}
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "sh", *paths, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **kwargs,
        )
    except OSError as problem:
        raise Failed(f"the launcher cannot be run: {problem.strerror}", place=paths[1]) from None
    assert process.stderr is not None
    with process.stderr as said:  # ends when the output goes to the file
        problem_text = said.read().decode("utf-8", "replace").strip()
    if problem_text:
        process.wait()
        raise Failed(
            f"the output of the launcher cannot be written: {problem_text}",
            place=paths[0],
            fix=f"let {owner.name} write into the folder",
        )
    return process
