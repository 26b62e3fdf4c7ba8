"""The launcher of a home, in the foreground form: as the owner of the home, in a session of its own."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from wizard.system.errors import ChecksFailed, Failed

if TYPE_CHECKING:
    from wizard.profile.model import Node

LAUNCHER = "bin/wso2server.sh"
CONSOLE = "repository/logs/wso2server-console.log"
"""The output of the launcher and the server since the last start."""

_SCRIPT = 'mkdir -p "${1%/*}" && rm -f "$1" && exec >>"$1" 2>&1 && shift && exec sh "$@"'
"""Run as the owner, so that nothing is created with other rights."""


def owner_of(home: Path) -> pwd.struct_passwd:
    """Return the owner of a home."""
    status = os.stat(home)
    try:
        return pwd.getpwuid(status.st_uid)
    except KeyError:  # a user of a container, or of a directory service that is not reachable
        return pwd.struct_passwd((str(status.st_uid), "", status.st_uid, status.st_gid, "", "/", ""))


def refuse_other_user(home: Path, command: str) -> None:
    """Raise `ChecksFailed` unless the user is the owner of the home or root."""
    owner = owner_of(home)
    name = f"#{owner.pw_uid}" if owner.pw_name == str(owner.pw_uid) else owner.pw_name
    if os.geteuid() not in (0, owner.pw_uid):
        text = f"the home belongs to {owner.pw_name}: only that user and root can start and stop its server"
        raise ChecksFailed(text, place=str(home), fix=f"sudo -u {quote(name)} {command}")


def java_home_of(node: Node) -> str:
    """Return the `JAVA_HOME` for the launcher: of the profile, else of the environment.  Raises `ChecksFailed`."""
    found = str(node.java_home or os.environ.get("JAVA_HOME") or "")
    if not found:
        text = (
            f"neither java_home of {node.name} nor JAVA_HOME is set: the launcher refuses to start the server"
        )
        raise ChecksFailed(text, fix="set one of them to a JDK 1.7 or 1.8")
    return found


def launch(home: Path, java_home: str, *options: str) -> subprocess.Popen[bytes]:
    """Run the launcher; its output goes to `CONSOLE`.  It gets no password, and not the caller's `CARBON_HOME`.

    Raises `Failed` if it cannot be run, or its output cannot be written.
    """
    owner = owner_of(home)
    paths = [os.path.abspath(home / name) for name in (CONSOLE, LAUNCHER)]
    kept = {"PATH": os.environ.get("PATH", os.defpath), "LANG": os.environ.get("LANG", "C.UTF-8")}
    own = {"HOME": owner.pw_dir, "CARBON_HOME": os.path.abspath(home), "JAVA_HOME": java_home}
    as_owner: dict[str, Any] = {}
    if os.geteuid() != owner.pw_uid:
        groups = os.getgrouplist(owner.pw_name, owner.pw_gid)
        as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": groups}
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "sh", *paths, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env={**kept, **own},
            start_new_session=True,
            **as_owner,
        )
    except OSError as problem:
        raise Failed(f"the launcher cannot be run: {problem.strerror}", place=paths[1]) from None
    assert process.stderr is not None
    with process.stderr as stream:  # ends once the output goes to the file
        problem_text = stream.read().decode("utf-8", "replace").strip()
    if problem_text:
        process.wait()
        text = f"the output of the launcher cannot be written: {problem_text}"
        raise Failed(text, place=paths[0], fix=f"let {owner.pw_name} write into the folder")
    return process
