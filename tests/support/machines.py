"""Machines on this machine: mount and network namespaces, joined by a network of their own that leads nowhere else.

They end with the processes that hold them.  Needs root, and a kernel that permits it: where it does not, a skip with
the reason, also where `CI` is set.
"""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.need import missing, need

ROOT = Path(__file__).resolve().parents[2]
NETWORK = "10.100.0"
_libc = ctypes.CDLL(None)


@dataclass
class Machine:
    """`address` is the machine's own; `env` is what its user has in the environment."""

    name: str
    address: str
    holder: subprocess.Popen[bytes]
    env: dict[str, str]

    def start(self, *command: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        """A process on that machine."""
        enter = ["nsenter", f"--target={self.holder.pid}", "--net", "--mount", f"--wd={ROOT}", "--"]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen([*enter, *map(str, command)], env=self.env, **pipes)

    def run(self, *command: str | Path, stdin: bytes = b"") -> str:
        """What a command prints that has to work."""
        process = self.start(*command, stdin=subprocess.PIPE)
        out, err = process.communicate(stdin, timeout=60)
        assert process.returncode == 0, (command, out.decode(), err.decode())
        return out.decode()

    def wizard(self, *arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        """The program, started there."""
        return self.start(sys.executable, "-m", "wizard", *arguments, **options)

    def mount(self, source: Path, target: Path) -> None:
        """`source` is seen at `target`, on this machine alone."""
        target.mkdir(parents=True, exist_ok=True)
        self.run("mount", "--bind", source, target)


def ended(process: subprocess.Popen[bytes], stdin: bytes | None = None) -> tuple[int, dict[str, Any], str]:
    """Exit code, the object that `--json` printed, and what stands on standard error."""
    out, err = process.communicate(stdin, timeout=120)
    text = out.decode()
    return process.returncode, json.loads(text) if text.strip() else {}, err.decode()


def _ends_with_parent() -> None:
    _libc.prctl(1, signal.SIGKILL)


def _held() -> subprocess.Popen[bytes]:
    """A process in new namespaces, once it is in them."""
    holder = subprocess.Popen(
        ["unshare", "--net", "--mount", "sh", "-c", "echo in; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_ends_with_parent,  # noqa: PLW1509  (one system call, no locks)
    )
    assert holder.stdout is not None
    if holder.stdout.readline() != b"in\n":
        _, errors = holder.communicate()
        raise OSError(f"no namespaces here: {errors.decode().strip()}")
    return holder


@contextmanager
def machines(names: Mapping[str, str], env: Mapping[str, str]) -> Iterator[dict[str, Machine]]:
    """Machines by name, each at its address of 10.100.0.0/24; the first holds the switch between them."""
    need("ip", "unshare", "nsenter")
    found: dict[str, Machine] = {}
    try:
        try:
            for name, address in names.items():
                found[name] = Machine(name, address, _held(), dict(env))
            _join(list(found.values()))
        except (OSError, AssertionError) as problem:
            pytest.skip(f"the kernel refuses network namespaces: {problem}")
        yield found
    finally:
        for machine in found.values():
            machine.holder.kill()
            machine.holder.communicate()


def _join(all_of_them: list[Machine]) -> None:
    first, *others = all_of_them
    up = "ip link set lo up; ip link set $1 up; ip address add $2/24 dev $1"
    first.run("ip", "link", "add", "switch", "type", "bridge")
    first.run("sh", "-ec", up, "sh", "switch", first.address)
    for number, machine in enumerate(others):
        peer = f"type veth peer name eth0 netns {machine.holder.pid}"
        first.run("sh", "-ec", f"ip link add port{number} {peer}; ip link set port{number} master switch up")
        machine.run("sh", "-ec", up, "sh", "eth0", machine.address)


class Database:
    """A MariaDB on a machine, and a connection of its administrator; `dba` may come from the network."""

    def __init__(self, machine: Machine) -> None:
        command = (sys.executable, "-m", "tests.support.machines")
        self._process = machine.start(*command, stdin=subprocess.PIPE, stderr=None)
        started = self._answer()
        if "unavailable" in started:
            missing(started["unavailable"])
        self.port = int(started["port"])

    def run(self, statement: str) -> list[list[Any]]:
        """The rows of a statement."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(statement).encode() + b"\n")
        self._process.stdin.flush()
        rows: list[list[Any]] = self._answer()
        return rows

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def table(self, host: str, driver_jar: str) -> dict[str, Any]:
        """The table `mysql` of a profile for this server, which has that address."""
        return {
            "host": host,
            "port": self.port,
            "username": "apim",
            "password": {"env": "APIM_DB_PASSWORD"},
            "admin_username": "dba",
            "admin_password": {"env": "DBA_PASSWORD"},
            "driver_jar": driver_jar,
        }

    def stop(self) -> None:
        self._process.communicate()


def _serve() -> None:
    """What `Database` starts: a server that listens on all addresses of its machine, until the input ends."""
    from tests.support import install_servers, servers

    try:
        server = servers.start("mariadb", "--bind-address=0.0.0.0")
    except install_servers.UnavailableError as problem:
        print(json.dumps({"unavailable": str(problem)}), flush=True)
        return
    try:
        server.run("CREATE USER 'dba'@'%' IDENTIFIED BY 'dba'")
        server.run("GRANT ALL ON *.* TO 'dba'@'%' WITH GRANT OPTION")
        print(json.dumps({"port": server.port}), flush=True)
        with server.connect() as connection, connection.cursor() as cursor:
            for line in sys.stdin:
                cursor.execute(json.loads(line))
                print(json.dumps(cursor.fetchall(), default=str), flush=True)
    finally:
        servers.stop(server)


if __name__ == "__main__":
    _serve()
