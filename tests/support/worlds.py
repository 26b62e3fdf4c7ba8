"""The worlds that pages of the documentation run in: an empty computer, one with two packs, one with a database server.

A page speaks of `/opt/wso2`, of `10.100.0.10` and of `/home/admin`; here each stands for something below the test's own
folder, or on 127.0.0.1, and what is printed is told in the page's words again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit

from tests.support import bundles, documentation, install_servers, pairs, server_logs, servers
from tests.support.cli import ROOT, process, run
from tests.support.fleet import COLLECTION, fleet
from tests.support.need import need
from tests.support.stand_in_pair import StandInPair, make_java
from wizard.demo.sandbox import _unpack
from wizard.profile.store import load

HOST = "10.100.0.10"
"""The database server of the pages."""
JAR = "/opt/mysql-connector-java-5.1.49-bin.jar"
HOMES = ("/opt/wso2/analytics-1", "/opt/wso2/analytics-2")
DATABASES = ("userdb", "regdb", "WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB")
CUT_OFF_AT = 5
"""Which rename of a file is the last thing that the run that is cut off does."""
CUT_OFF = f"""
import os, signal
from wizard.transaction import staging
rename, left = os.rename, [{CUT_OFF_AT}]
def last(source, target, **folders):
    if folders:  # below a home
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
    rename(source, target, **folders)
os.rename = last
from wizard.command_line.cli import main
main()
"""
"""The program, killed there."""


@dataclass
class World:
    """`real` are the words of the pages and what they stand for here, in the order in which they are replaced."""

    folder: Path
    cwd: Path = field(init=False)
    env: dict[str, str] = field(init=False)
    real: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    """Added to each command that takes them."""
    printed: str = ""
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        home = self.folder / "home/admin"
        programs = self.folder / "bin"
        for folder in (home, programs, self.folder / "opt", self.folder / "srv"):
            folder.mkdir(parents=True)
        program = programs / documentation.PROGRAM
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m wizard "$@"\n')
        program.chmod(0o755)
        self.cwd = home
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        self.env = {
            **kept,
            "PATH": f"{programs}{os.pathsep}{kept.get('PATH', os.defpath)}",
            "HOME": str(home),
            "NO_COLOR": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "APIM_DB_PASSWORD": pairs.PASSWORD,
        }
        for name in ("home/admin", "opt", "srv"):
            self.real[f"/{name}/"] = f"{self.folder}/{name}/"
            self.real[f"/{name}\n"] = f"{self.folder}/{name}\n"

    def here(self, text: str) -> str:
        """The page's words as what they stand for."""
        for word, meaning in self.real.items():
            text = text.replace(word, meaning)
        return text

    def told(self, text: str) -> str:
        """What was printed, in the page's words."""
        return text.replace(str(self.folder), "").replace(str(ROOT), "")

    def path(self, name: str) -> Path:
        """The file that a page calls so."""
        return Path(self.cwd, self.here(name))

    def run(self, line: str, more: tuple[str, ...] = ()) -> int:
        """The exit code of a line; `printed` is what it printed."""
        line = self.here(documentation.with_run(line, documentation.newest_run(self.printed)))
        code, printed = self._run(line, (*self.options, *more))
        if documentation.newest_run(printed) or not documentation.newest_run(self.printed):
            self.printed = printed
        self.last = self.told(printed)
        return code

    def _run(self, line: str, more: tuple[str, ...]) -> tuple[int, str]:
        calls = list(documentation.own_commands(line))
        simple = (
            len(calls) == 1
            and not set("|&;<>$()`\\\n") & set(line)
            and line.startswith(documentation.PROGRAM)
        )
        if simple:
            with self._inside():
                done = run(*self._extended(calls[0], more))
            return done.code, done.out + done.err
        for arguments in calls:
            longer = " ".join(self._extended(arguments, more)[len(arguments) :])
            shown = f"{documentation.PROGRAM} {arguments[0]}"
            line = line.replace(shown, f"{shown} {longer}".rstrip(), 1)
        code, printed, self.cwd, self.env = documentation.shell(line, self.cwd, self.env)
        return code, printed

    @staticmethod
    def _extended(arguments: list[str], more: tuple[str, ...]) -> list[str]:
        """The arguments with those options that the command takes and does not have."""
        command = documentation.parse(arguments).command
        known = {option for parameter in command.params for option in parameter.opts}
        added: list[str] = []
        for option in more:
            name, _, value = option.partition("=")
            if name in known and name not in arguments:
                added += [name, value] if value else [name]
        return [*arguments, *added]

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        """This process in that world."""
        before, folder = dict(os.environ), Path.cwd()
        os.environ.clear()
        os.environ.update(self.env)
        os.chdir(self.cwd)
        try:
            yield
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(before)

    def profile(self, name: str) -> Path:
        """Where the profile of that name, or the file, is."""
        if name.endswith(".toml"):
            return self.path(name)
        return self.folder / "home/admin/.config/apimha-wizard/profiles" / f"{name}.toml"

    def lay_over(self, name: str, text: str) -> None:
        """Change a profile as a person does who was told to set these keys."""
        path = self.profile(name)
        tables = tomlkit.parse(path.read_text("utf-8")).unwrap()
        path.write_text(laid_over(tables, self.here(text)), "utf-8")
        load(path)

    def must(self, line: str, code: int = 0) -> None:
        """Run a line that is part of how this world was made."""
        assert self.run(line) == code, self.last


REFERENCES = {"env", "file", "keyring", "command", "prompt"}


def laid_over(tables: dict[str, Any], text: str) -> str:
    """A profile with what a page says that is to be set; a reference to a password takes the place of another."""
    changes = tomlkit.parse(text).unwrap()
    for name, table in changes.items():
        for key, value in table.items() if isinstance(table, dict) else ():
            if isinstance(value, dict) and set(value) <= REFERENCES:
                tables.get(name, {}).pop(key, None)
    return tomlkit.dumps(pairs.merged(tables, changes))


def empty(world: World) -> None:
    """A computer with nothing but the program."""


def pair(world: World, **changes: Any) -> None:
    """Two packs in /opt/wso2, and the profile `analytics` for both on this machine; no network."""
    for home in HOMES:
        _unpack(world.path(home))
    pairs.driver_jar(world.path(JAR))
    homes = [world.path(home) for home in HOMES]
    tables = pairs.merged(pairs.plain(homes[0], homes, world.path(JAR)), changes)
    path = world.profile("analytics")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomlkit.dumps(tables), "utf-8")
    world.options = ("--offline",)


def applied(world: World) -> None:
    """The same, configured."""
    pair(world)
    world.must("apimha-wizard replay analytics")


def systemd(world: World) -> None:
    """The same, with a `systemctl` that knows the units which were copied to its folder."""
    applied(world)
    units = world.folder / "etc/systemd/system"
    units.mkdir(parents=True)
    world.real["/etc/systemd/system/"] = f"{units}/"
    known = f'[ "$1" = daemon-reload ] || exec test -e {units}/"$2".service'
    for name, script in (("sudo", 'exec "$@"'), ("systemctl", known)):
        program = world.folder / "bin" / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)


def by_hand(world: World) -> None:
    """Two homes that are configured, and nobody who remembers how."""
    applied(world)
    shutil.rmtree(world.folder / "home/admin/.config")
    shutil.rmtree(world.folder / "home/admin/.local")


def cut_off(world: World) -> None:
    """A pair, and a run that was killed in the middle of its writes."""
    pair(world)
    home = world.folder / "home/admin"
    places = {"XDG_CONFIG_HOME": str(home / ".config"), "XDG_STATE_HOME": str(home / ".local/state")}
    arguments = ("replay", "analytics", "--offline")
    done = process(*arguments, env={**world.env, **places}, cwd=world.cwd, code=CUT_OFF)
    assert done.code == -9, done


def started(world: World) -> None:
    """A configured pair, and the logs of its first start."""
    applied(world)
    first, second = server_logs.local_sides()
    server_logs.first_start(first, second)
    for side, home in zip((first, second), HOMES, strict=True):
        (world.path(home) / "repository/logs/wso2carbon.log").write_bytes(side.log.content)


def running(world: World) -> None:
    """A configured pair that runs, node1 as the active one: stand-ins, which need no database."""

    def make(**changes: Any) -> pairs.Pair:
        pair(world, **changes)
        return pairs.Pair(world.profile("analytics"), [world.path(home) for home in HOMES], world.env)

    two = StandInPair(make, takeover=0.1)
    world.env["JAVA_HOME"] = str(make_java(world.folder / "java"))
    world.must("apimha-wizard replay analytics --skip datasources")
    for number in range(2):
        two.install(number, starting=0.7 * number)
    world.closing.callback(two.end)
    world.must("apimha-wizard start analytics")
    world.options = ("--only=event-processor",)


def _machine(here: str, name: str) -> Callable[[World], None]:
    def make(world: World) -> None:
        _unpack(world.path("/opt/wso2/analytics"))
        pairs.driver_jar(world.path(JAR))
        world.real[here] = "127.0.0.1"
        world.options = ("--offline",)

    make.__doc__ = f"The machine of {name}, which has one pack, in /opt/wso2/analytics."
    return make


def hosts(world: World) -> None:
    """A control node, and the hosts of two pairs on a network with a database server; the servers are stand-ins."""
    where = world.folder / "opt"
    homes = tuple(str(world.path(f"/opt/wso2/analytics-{one}")) for one in (1, 2, 3, 4))
    made = world.closing.enter_context(fleet(_unpack, 2, first=46, opt=where, homes=homes))
    made.stand_ins()
    pairs.driver_jar(world.path(JAR))
    (world.cwd / "ansible").symlink_to(COLLECTION)
    values = {"apimha_prefix": str(made.folder / "program"), "ansible_python_interpreter": sys.executable}
    more = {"ansible_user": "root", "apimha_ignore": ["mysql.driver"], "apimha_pause": 1}
    (made.folder / "more.json").write_text(json.dumps({**values, **more}))
    kept = made.control.env["ANSIBLE_CONFIG"]
    for word, options in (("playbook", f'-e "@{made.folder}/more.json"'), ("galaxy", "")):
        program = world.folder / f"bin/ansible-{word}"
        program.write_text(
            f"#!/bin/sh\nexport ANSIBLE_CONFIG={kept} PYTHONPATH={ROOT}\n"
            f"exec nsenter --target={made.control.holder.pid} --net -- {sys.executable} -m ansible {word} "
            f'"$@" {options}\n'
        )
        program.chmod(0o755)
    world.real[f'host = "{HOST}"'] = f'host = "{HOST}"\nport = {made.database.port}'
    world.real['admin_username = "root"'] = 'admin_username = "dba"'
    world.env["MYSQL_ROOT_PASSWORD"] = "dba"


def live(world: World) -> None:
    """Two packs and a database server, where the account and the databases of the pages are not there yet."""
    server = servers.shared_server("mariadb")
    world.real[f"--host {HOST}"] = f"--host 127.0.0.1 --port {server.port}"
    world.real["--user root -p "] = f"--user root --password={shlex.quote(server.root_password)} "
    world.real[HOST] = "127.0.0.1"

    def drop() -> None:
        server.run(
            *(f"DROP DATABASE IF EXISTS `{name}`" for name in DATABASES), "DROP USER IF EXISTS 'apim'@'%'"
        )

    drop()
    world.closing.callback(drop)
    pair(world, mysql={"port": server.port, "driver_class": "org.mariadb.jdbc.Driver"})
    if not install_servers.mariadb_jar().is_file():
        servers._available(lambda: servers._needed(install_servers.mariadb_jar().parent))
    shutil.copyfile(install_servers.mariadb_jar(), world.path(JAR))
    world.env["MYSQL_ROOT_PASSWORD"] = server.root_password
    world.options = ("--ignore=ports.free",)  # other tests may listen there


def svn(world: World) -> None:
    """Two packs and a Subversion server with an empty repository that `analytics` may write."""
    need("svnadmin", "svnserve")
    pair(world)
    repository = world.path("/srv/svn/analytics")
    repository.parent.mkdir(parents=True)
    subprocess.run(["svnadmin", "create", repository], check=True)
    (repository / "conf/svnserve.conf").write_text(
        "[general]\nanon-access = none\nauth-access = write\npassword-db = passwd\nrealm = analytics\n"
    )
    (repository / "conf/passwd").write_text(f"[users]\nanalytics = {pairs.PASSWORD}\n")
    port = servers.free_port()
    command = [
        "svnserve",
        "--daemon",
        "--foreground",
        "--listen-host",
        "127.0.0.1",
        "--listen-port",
        str(port),
    ]
    server = subprocess.Popen([*command, "--root", repository.parent])
    world.closing.callback(server.wait)
    world.closing.callback(server.terminate)
    _wait_for(port, server)
    world.real["svn.example.com"] = f"127.0.0.1:{port}"
    world.env["APIM_SVN_PASSWORD"] = pairs.PASSWORD
    world.options = ("--ignore=ports.free",)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    import socket

    while server.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
    raise AssertionError("svnserve does not start")


def new_pack(world: World) -> None:
    """A configured pair, and the new pack unpacked twice beside it."""
    applied(world)
    for number in (1, 2):
        _unpack(world.path(f"/opt/wso2/analytics-new-{number}"))


def air_gapped(world: World) -> None:
    """A checkout with a bundle, no network, and Ansible, for which node1 is this machine and the only host."""
    folder = world.cwd / "dist"
    folder.mkdir()
    shutil.copy(bundles.bundle(), folder)
    (world.cwd / "ansible").symlink_to(ROOT / "ansible")
    scripts = {"sudo": 'while [ "${1#-}" != "$1" ]; do [ "$1" != -u ] || shift; shift; done; exec "$@"'}
    for name, path, more in (
        ("python3.11", sys._base_executable, ""),
        ("ansible-galaxy", bundles.program("ansible-galaxy"), ""),
        ("ansible-playbook", bundles.program("ansible-playbook"), "--limit node1"),
    ):
        scripts[name] = f'exec {shlex.join([*bundles.without_network(), path])} "$@" {more}'
    for name, script in scripts.items():
        made = world.folder / "bin" / name
        made.write_text(f"#!/bin/sh\n{script}\n")
        made.chmod(0o755)
    world.env |= {
        **bundles.NO_INDEX,
        "ANSIBLE_TRANSPORT": "local",
        "PIP_NO_COMPILE": "1",
        "ANSIBLE_NOCOLOR": "1",
    }


WORLDS: dict[str, Callable[[World], None]] = {
    "empty": empty,
    "pair": pair,
    "applied": applied,
    "by hand": by_hand,
    "systemd": systemd,
    "interrupted": cut_off,
    "started": started,
    "running": running,
    "node1": _machine("10.100.0.46", "node1"),
    "node2": _machine("10.100.0.47", "node2"),
    "hosts": hosts,
    "live": live,
    "svn": svn,
    "new pack": new_pack,
    "air gapped": air_gapped,
}


@contextlib.contextmanager
def world(name: str, folder: Path) -> Iterator[World]:
    """A new world in a folder that is not there yet."""
    made = World(folder)
    with made.closing:
        WORLDS[name](made)
        yield made
