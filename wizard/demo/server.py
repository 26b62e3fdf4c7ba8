"""A private MySQL or MariaDB server for the demo: in its own folder, on a free port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wizard.pack.releases import version_tuple
from wizard.system.durable import write_new
from wizard.system.errors import Failed

PROGRAMS = ("mariadbd", "mysqld")
BEYOND_PATH = ("/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/opt/homebrew/bin")
"""Folders of servers that a user's PATH often lacks."""

START_LIMIT = 60.0
"""Seconds that a server may take until it answers."""

STOP_LIMIT = 30.0
"""Seconds that a server may take to stop until it is killed."""

ADMINISTRATOR = "root"


@dataclass(frozen=True, slots=True)
class PrivateServer:
    """A running server with its administrator."""

    version: str
    """Such as `10.11.19-MariaDB`."""
    host: str
    port: int
    pid: int
    password: str = field(repr=False)
    """The administrator's, for `ADMINISTRATOR` from 127.0.0.1."""


def find_server() -> Path | None:
    """Find the program of a MariaDB or MySQL (5.7 or later) server on this machine."""
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *BEYOND_PATH])
    for name in PROGRAMS:
        found = shutil.which(name, path=search)
        if found and _initialiser(Path(found)):
            return Path(found)
    return None


@contextlib.contextmanager
def private_server(folder: Path, program: Path) -> Iterator[PrivateServer]:
    """Start an empty server with all its files in `folder`; stop it at the end.

    Raises `Failed` if it cannot be initialised or does not answer, with the last lines of its log.
    """
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    data, log = folder / "data", folder / "server.log"
    password = secrets.token_urlsafe(12)
    accounts, version = folder / "accounts.sql", version_of(program)
    with log.open("ab") as output:
        how: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
        # A server that starts removes the temporary tables of its folder: those of another one, if they shared it.
        how["env"] = {**os.environ, "TMPDIR": str(folder)}
        command = [*(_initialiser(program) or ()), f"--datadir={data}"]
        if subprocess.run(command, check=False, **how).returncode != 0:
            text = "the database server cannot be initialised"
            raise Failed(text, place=str(program), fix=_last_words(log))
        write_new(accounts, _accounts(password, mariadb="MariaDB" in version).encode(), mode=0o600)
        process, port = _start(program, data, log, accounts, how)
    try:
        accounts.unlink()
        yield PrivateServer(version, "127.0.0.1", port, process.pid, password)
    finally:
        _stop(process)


def version_of(program: Path) -> str:
    """Return the version, such as `10.11.19-MariaDB` or `8.4.3`; empty where the program does not print it."""
    command = [str(program), "--no-defaults", "--version"]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"Ver (\d[\w.]*(?:-MariaDB)?)", printed)
    return found[1] if found else ""


def _initialiser(program: Path) -> list[str] | None:
    """Return the command that creates a data folder.

    None without MariaDB's script, and for MySQL before 5.7, which needs a script that is rarely installed.
    """
    version = version_of(program)  # the program's name does not tell
    if "MariaDB" not in version:
        command = [str(program), "--no-defaults", "--initialize-insecure", *_as_root()]
        return command if version_tuple(version) >= (5, 7) else None
    beside = [program.parent, program.parent.parent / "bin", program.parent.parent / "scripts"]
    search = os.pathsep.join([*map(str, beside), os.environ.get("PATH", os.defpath)])
    names = ("mariadb-install-db", "mysql_install_db")
    script = next(filter(None, (shutil.which(name, path=search) for name in names)), None)
    # Without --user: with it the script changes owners, which fails where a path has a space.
    options = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]
    return [script, *options] if script else None


def _as_root() -> list[str]:
    """Servers refuse to run as root without this option."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _accounts(password: str, *, mariadb: bool) -> str:
    """Return what the server runs before it accepts connections, so that no account is ever without a password."""
    administrators = [f"'{ADMINISTRATOR}'@'{host}'" for host in ("localhost", "127.0.0.1")]
    lines = []
    if mariadb:  # anonymous accounts, which take precedence, and administrators of other hosts
        kept = "Host IN ('localhost', '127.0.0.1', '%')"
        lines += [f"DELETE FROM mysql.global_priv WHERE User = '' OR NOT {kept};", "FLUSH PRIVILEGES;"]
    for account in administrators:
        lines += [
            f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{password}';",
            f"ALTER USER {account} IDENTIFIED BY '{password}';",
            f"GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION;",
        ]
    return "".join(f"{line}\n" for line in lines)


def _start(
    program: Path, data: Path, log: Path, accounts: Path, how: dict[str, Any]
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server, with these streams and environment; return its process and its port."""
    pid_file = data / "server.pid"
    for _ in range(3):  # another process may take the port between the check and the start
        port = _free_port()
        command = [
            str(program),
            "--no-defaults",
            f"--datadir={data}",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            "--socket=server.sock",  # in the data folder; an absolute path may be too long
            f"--pid-file={pid_file}",
            f"--init-file={accounts}",
            f"--secure-file-priv={data}",  # the built-in folder may not exist
            "--skip-name-resolve",
            "--skip-log-bin",
            "--innodb-buffer-pool-size=32M",
            "--loose-mysqlx=OFF",
            *_as_root(),
        ]
        # A session of its own: Ctrl-C only reaches the demo, which stops the server.
        process = subprocess.Popen(command, start_new_session=True, **how)
        with contextlib.ExitStack() as stack:
            stack.callback(_stop, process)
            if _answers(process, port, pid_file):
                stack.pop_all()
                return process, port
    raise Failed("the database server does not answer", place=str(program), fix=_last_words(log))


def _answers(process: subprocess.Popen[bytes], port: int, pid_file: Path) -> bool:
    """Whether this server, and not another one on that port, greets before it ends or the time is up.

    A server writes its pid file once it has the port.
    """
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit and process.poll() is None:
        with contextlib.suppress(OSError):
            if pid_file.read_text("ascii", "replace").strip() == str(process.pid):
                with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                    if connection.recv(5)[4:] == b"\n":  # protocol version 10
                        return True
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_words(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return f"see {log}; it ends with: {' | '.join(lines[-3:])}"
