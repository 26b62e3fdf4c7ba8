"""Real MySQL 5.6.24, MySQL 9 and MariaDB 10.11 for tests, each on a free port of 127.0.0.1.

`mysql56`, `mysql9` and `mariadb` are started when a test first asks for one, and shared by the session;
`server` is each of the three in turn.  Tests make databases and accounts of their own there and drop them.
`fresh(kind, …)` gives a server of the test's own.  One that is not on this machine is a skip with the
reason, and a failure where `CI` is set.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pymysql
import pytest

from tests.support import install_servers
from tests.support.need import missing

Kind = Literal["mysql56", "mysql9", "mariadb"]
KINDS: tuple[Kind, ...] = ("mysql56", "mysql9", "mariadb")

ROOT_PASSWORD = "Wurzel 'ö\"\\ %;"
"""The administrator's: whoever gets a password wrong somewhere sees it in every test."""

_COMMON = (
    "--bind-address=127.0.0.1",
    "--innodb-buffer-pool-size=32M",
    # The data does not outlive the test: no time for the disk.
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-innodb-doublewrite",
    "--innodb-flush-method=nosync",
)
_AS_ROOT = ["--user=root"] if os.geteuid() == 0 else []

_libc = ctypes.CDLL(None)


@dataclass
class Server:
    """A running server.  `root` may do everything; there are no anonymous accounts."""

    kind: Kind
    port: int
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)
    host: str = "127.0.0.1"
    root: str = "root"
    root_password: str = field(default="", repr=False)

    def connect(self, user: str | None = None, password: str = "", **more: Any) -> pymysql.Connection[Any]:
        """A connection, root's unless `user` says otherwise; the password is sent as UTF-8, as Java does."""
        if user is None:
            user, password = self.root, self.root_password
        login = {"host": self.host, "port": self.port, "user": user, "password": password.encode()}
        return pymysql.connect(**login, autocommit=True, ssl_disabled=True, **more)

    def run(self, *statements: str, database: str | None = None, values: Any = None) -> list[tuple[Any, ...]]:
        """Run statements as root; the rows of the last one.  `values` are for each `%s`."""
        with contextlib.closing(self.connect(database=database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, values)
            return list(cursor.fetchall()) if statements else []

    def one(self, statement: str, database: str | None = None) -> Any:
        """The first column of the first row."""
        return self.run(statement, database=database)[0][0]

    @contextlib.contextmanager
    def setting(self, name: str, value: str) -> Iterator[None]:
        """Set a global variable for a while."""
        before = self.one(f"SELECT @@GLOBAL.{name}")
        self.run(f"SET GLOBAL {name} = {value}")
        try:
            yield
        finally:
            self.run(f"SET GLOBAL {name} = {before if isinstance(before, int) else repr(before)}")

    @contextlib.contextmanager
    def user(self, name: str, *statements: str) -> Iterator[None]:
        """Create a user with the password `x` for a while; then run the statements."""
        self.run(f"CREATE USER '{name}'@'%' IDENTIFIED BY 'x'", *statements)
        try:
            yield
        finally:
            self.drop_user(name)

    def tables(self, database: str) -> list[str]:
        return [row[0] for row in self.run(f"SHOW TABLES FROM {quoted(database)}")]

    def databases(self) -> set[str]:
        return {row[0] for row in self.run("SHOW DATABASES")}

    def charset_of(self, database: str) -> str:
        """The default character set of a database; MySQL 9 calls utf8 utf8mb3."""
        query = "SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME"
        return str(self.one(f"{query} = '{database}'")).replace("utf8mb3", "utf8")

    def accounts(self, name: str) -> set[str]:
        """The hosts of the accounts of that name."""
        return {row[0] for row in self.run("SELECT Host FROM mysql.user WHERE User = %s", values=(name,))}

    def drop(self, *databases: str) -> None:
        self.run(*(f"DROP DATABASE IF EXISTS {quoted(name)}" for name in databases))

    def drop_user(self, name: str) -> None:
        """Drop every account of that name, from whatever host."""
        for host in self.accounts(name):
            self.run("DROP USER %s@%s", values=(name, host))

    def client(self, sql: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Feed `sql` to a real `mysql` client, as root: MySQL's own for 9, MariaDB's for the others."""
        program = ["mariadb", "--no-defaults", "--skip-ssl"]
        if self.kind == "mysql9":
            program = [*install_servers.of_sid(install_servers.mysql_9(), "usr/bin/mysql"), "--no-defaults"]
        place = ["--protocol=TCP", f"-h{self.host}", f"-P{self.port}", f"-u{self.root}"]
        environment = {**os.environ, "MYSQL_PWD": self.root_password, "LC_ALL": "C"}
        text: dict[str, Any] = {"encoding": "utf-8", "errors": "replace", "capture_output": True}
        command = [*program, *place, *arguments]
        return subprocess.run(command, input=sql, env=environment, timeout=120, check=False, **text)

    def kill(self) -> None:
        """End it as a power cut does, and wait for its end."""
        self.process.kill()
        self.process.wait()


def quoted(name: str) -> str:
    """An identifier for SQL."""
    return "`" + name.replace("`", "``") + "`"


# --- starting and stopping ----------------------------------------------------------------------------------


def start(kind: Kind, *options: str) -> Server:
    """Start a server with a data folder of its own; whoever starts it calls `stop`.

    UnavailableError where the server is not on this machine.
    """
    place = _fast_folder()
    for owner in Path(place or tempfile.gettempdir()).glob("apimha-*-*/owner"):
        # What killed test runs have left: their servers died with them, their folders did not.
        with contextlib.suppress(OSError, ValueError):
            if not Path(f"/proc/{int(owner.read_text())}").exists():
                shutil.rmtree(owner.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"apimha-{kind}-", dir=place))
    (folder / "owner").write_text(str(os.getpid()))
    try:
        command, environment = _prepared(kind, folder)
    except install_servers.UnavailableError:
        shutil.rmtree(folder)
        raise
    server = _running(kind, folder, [*command, *_COMMON, *options], environment)
    _tidy_accounts(server)
    return server


def stop(server: Server) -> None:
    """End it and remove its folder."""
    server.kill()
    shutil.rmtree(server.folder, ignore_errors=True)


@contextlib.contextmanager
def fresh(kind: Kind, *options: str) -> Iterator[Server]:
    """A server of the test's own; a skip (in CI a failure) where it is not on this machine."""
    server = _available(kind, *options)
    try:
        yield server
    finally:
        stop(server)


def _fast_folder() -> str | None:
    """A memory file system where there is one with room."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 1024**3:
        return str(memory)
    return None


def _prepared(kind: Kind, folder: Path) -> tuple[list[str], dict[str, str]]:
    """The command line without the common options, with a new data folder laid in `folder`."""
    data = folder / "data"
    environment = dict(os.environ)
    if kind == "mysql56":
        base = _needed(install_servers.mysql_56())
        shutil.copytree(base / "data", data)
        environment["LD_LIBRARY_PATH"] = str(base)
        command = [str(base / "mysqld"), "--no-defaults", f"--basedir={base}"]
        command += [f"--lc-messages-dir={base / 'share'}", "--skip-sync-frm"]
    elif kind == "mysql9":
        base = _needed(install_servers.mysql_9())
        shutil.copytree(base / "data", data)
        command = [*install_servers.of_sid(base, "usr/sbin/mysqld"), "--no-defaults", "--mysqlx=OFF"]
        command += ["--secure-file-priv=NULL", f"--plugin-dir={base / 'usr/lib/mysql/plugin'}"]
        command += [f"--lc-messages-dir={base / 'usr/share/mysql'}", "--skip-log-bin"]
        command += ["--innodb-redo-log-capacity=8M", "--performance-schema=OFF"]
    else:
        program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        installer = shutil.which("mariadb-install-db")
        if program is None or installer is None:
            raise install_servers.UnavailableError("MariaDB is not installed")
        root = "--auth-root-authentication-method=normal"  # a password, no Unix socket
        install = [installer, "--no-defaults", f"--datadir={data}", root, *_AS_ROOT]
        # Not the /tmp of all: a server that starts removes the temporary tables of others there.
        subprocess.run(
            install, check=True, capture_output=True, env={**environment, "TMPDIR": str(data.parent)}
        )
        command = [program, "--no-defaults", "--skip-log-bin"]
    return [*command, f"--datadir={data}", *_AS_ROOT], environment


def _needed(folder: Path) -> Path:
    if folder.is_dir():
        return folder
    raise install_servers.UnavailableError(f"{folder} is missing: python -m tests.support.install_servers")


def _running(kind: Kind, folder: Path, command: list[str], environment: dict[str, str]) -> Server:
    for _ in range(3):  # another program may take the port before the start
        port = free_port()
        files = [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", f"--tmpdir={folder}"]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*command, *files, f"--port={port}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the tests
                preexec_fn=_ends_with_parent,  # noqa: PLW1509  (one system call, no locks)
            )
        server = Server(kind, port, folder, process)
        limit = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < limit:
            with contextlib.suppress(pymysql.err.OperationalError):
                server.connect(connect_timeout=2).close()
                return server
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.03)
        server.kill()
    words = (folder / "log").read_text("utf-8", "replace").splitlines()[-5:]
    raise RuntimeError(f"{kind} does not start: {' | '.join(words)}")


def _ends_with_parent() -> None:
    """Also a test run that is killed leaves no server behind (Linux: PR_SET_PDEATHSIG)."""
    _libc.prctl(1, signal.SIGKILL)


def _tidy_accounts(server: Server) -> None:
    """What an administrator does first: no anonymous accounts, one root, with a password."""
    for account in server.run("SELECT User, Host FROM mysql.user WHERE User IN ('', 'root')"):
        if account != ("root", "localhost"):
            server.run("DROP USER %s@%s", values=account)
    set_password = "ALTER USER 'root'@'localhost' IDENTIFIED BY %s"
    if server.kind == "mysql56":
        set_password = "SET PASSWORD FOR 'root'@'localhost' = PASSWORD(%s)"
    server.run(set_password, values=(ROOT_PASSWORD,))
    server.root_password = ROOT_PASSWORD


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- one of each a session ----------------------------------------------------------------------------------

_shared: dict[Kind, Server] = {}


def shared_server(kind: Kind) -> Server:
    """The session's server of that kind, started when first asked for, stopped when Python ends."""
    if kind not in _shared:
        _shared[kind] = _available(kind)
        atexit.register(stop, _shared[kind])
    return _shared[kind]


def _available(kind: Kind, *options: str) -> Server:
    try:
        return start(kind, *options)
    except install_servers.UnavailableError as problem:
        missing(str(problem))


def _fixture(kind: Kind) -> Any:
    return pytest.fixture(name=kind)(lambda: shared_server(kind))


mysql56, mysql9, mariadb = map(_fixture, KINDS)


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the three servers in turn."""
    return shared_server(request.param)
