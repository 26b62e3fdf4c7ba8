"""A node as a systemd unit: its text, and `systemctl` where it is installed for the home."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from wizard.server.launcher import LAUNCHER, owner_of
from wizard.system import program
from wizard.system.errors import Failed
from wizard.system.printable import escaped

LIMIT = 30.0
"""Seconds that `systemctl` may take: it never waits for the server."""
MOST_BYTES = 1024 * 1024

_TEMPLATE = """\
# {name}: printed by apimha-wizard, for /etc/systemd/system. Then: systemctl daemon-reload; systemctl enable {word}
# apimha-wizard start, stop and restart use this unit as long as its CARBON_HOME is the home in the profile.

[Unit]
Description=WSO2 API Manager Analytics: {node} of {profile}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=600
StartLimitBurst=3

[Service]
Type=exec
User={user}
Group={group}
Environment={carbon_home}
Environment={java_home}
ExecStart=/bin/sh {launcher}
# The launcher starts the JVM again by itself when it ends with status 121 (a restart from the console), and ends with
# status 0 after any other end of the JVM: only a launcher that fails or is killed is started again.
Restart=on-failure
RestartSec=30
# SIGTERM to the launcher and the JVM; the server saves its state before it ends, so that it is never killed.
KillMode=control-group
TimeoutStopSec=120
SendSIGKILL=no
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
"""


_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
"""A word of a list as `systemctl show` prints it: in quotes it has a backslash before `"`, `\\`, `$` and a backtick."""


class Unit(NamedTuple):
    """An installed unit: its ActiveState and SubState, and its main process (0: none)."""

    name: str
    state: str
    substate: str
    main_pid: int

    @property
    def active(self) -> bool:
        return self.state not in ("inactive", "failed")

    @property
    def has_failed(self) -> bool:
        """Whether its process has ended; systemd may start it again later."""
        return self.state == "failed" or self.substate in ("auto-restart", "auto-restart-queued")

    def runs(self, pid: int | None) -> bool:
        """Whether this unit runs that process; without one, whether it is active."""
        return self.active and (pid is None or self.main_pid in (pid, _parent(pid)))


def unit_name(profile: str, node: str) -> str:
    """Return the name of a node's unit; what systemd does not allow in a name is escaped as `systemd-escape` does."""
    escaped = re.sub(rb"[^A-Za-z0-9:_.-]", lambda found: b"\\x%02x" % found[0][0], os.fsencode(profile))
    return f"apimha-{escaped.decode()}-{node}.service"


def unit_text(profile: str, node: str, home: Path, java_home: str) -> str:
    """Return the unit of a node."""
    owner = owner_of(home)
    return _TEMPLATE.format(
        name=unit_name(profile, node),
        word=quote(unit_name(profile, node)),
        node=node,
        profile=escaped(profile).replace("%", "%%"),
        user=owner.pw_name,
        group=owner.pw_gid,
        carbon_home=_quoted(f"CARBON_HOME={os.path.abspath(home)}"),
        java_home=_quoted(f"JAVA_HOME={java_home}"),
        launcher=_quoted(os.path.abspath(home / LAUNCHER)).replace("$", "$$"),
    )


def _quoted(text: str) -> str:
    """A word of a unit file; `%` begins a specifier there (systemd.unit(5))."""
    word = escaped(text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%"))
    return f'"{word}"'


def installed(profile: str, node: str, home: Path) -> Unit | None:
    """Return the unit of a node where it is installed for this home: its `CARBON_HOME` is this home."""
    name = unit_name(profile, node)
    if shutil.which("systemctl") is None:
        return None
    properties = "--property=LoadState,ActiveState,SubState,MainPID,Environment"
    try:
        done = _systemctl("show", properties, name)
        shown = dict(line.split("=", 1) for line in os.fsdecode(done.output).splitlines() if "=" in line)
        words = _WORD.findall(shown.get("Environment", ""))
        pairs = (re.sub(r"\\(.)", r"\1", word) or plain for word, plain in words)
        variables = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        here = os.path.samefile(variables.get("CARBON_HOME", ""), home)
    except (OSError, ValueError):
        return None
    if done.code or shown.get("LoadState") != "loaded" or not here:
        return None
    main_pid = shown.get("MainPID", "")
    number = int(main_pid) if main_pid.isdigit() else 0
    return Unit(name, shown.get("ActiveState", ""), shown.get("SubState", ""), number)


def control(verb: str, unit: Unit) -> None:
    """Queue `systemctl start` or `stop` of a unit.  Raises `Failed` with the output of `systemctl`."""
    try:
        done = _systemctl(verb, "--no-block", "--no-ask-password", unit.name)
        problem = os.fsdecode(done.errors).strip() or f"exit code {done.code}" if done.code else None
    except TimeoutError:
        problem = f"no answer within {LIMIT:g} s"
    except OSError as raised:
        problem = str(raised)
    if problem is not None:
        fix = f"sudo systemctl {verb} {quote(unit.name)}"
        raise Failed(f"systemctl {verb} {unit.name}: {problem}", fix=fix)


def _systemctl(*arguments: str) -> program.Ended:
    return program.run(["systemctl", *arguments], time_limit=LIMIT, most_bytes=MOST_BYTES)


def _parent(pid: int) -> int | None:
    """The parent of a process: the launcher, where the process is a server."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
