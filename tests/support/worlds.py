"""The worlds that pages of the documentation run in: an empty computer, one with two packs, one with a database server.

A page names `/opt/wso2`, `10.100.0.10` and `/home/admin`; here each is something below the test's own folder, or on
127.0.0.1, and what is printed is translated back into the page's words.
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
from functools import partial
from pathlib import Path
from typing import Any

import tomlkit

from tests.support import bundles, documentation, install_servers, pairs, server_logs, servers
from tests.support.cli import ROOT, process
from tests.support.fleet import COLLECTION, fleet
from tests.support.programs import script
from tests.support.stand_in_pair import StandInPair, make_java
from tests.support.subversion import svnserve
from wizard.demo.sandbox import _unpack
from wizard.profile.store import load

HOST = "10.100.0.10"
"""The database server of the pages."""
JAR = "/opt/mysql-connector-java-5.1.49-bin.jar"
HOMES = ("/opt/wso2/analytics-1", "/opt/wso2/analytics-2")
DATABASES = ("userdb", "regdb", "WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB")


def killed_at(rename: int) -> str:
    """Python that runs the program and kills it at that rename of a file of a home."""
    return f"""
import os, signal
from wizard.transaction import move
rename, left = os.rename, [{rename}]
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


@dataclass
class World:
    """`real` maps the words of the pages to what they are here, in the order in which they are replaced."""

    folder: Path
    cwd: Path = field(init=False)
    env: dict[str, str] = field(init=False)
    real: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    """Added to each command that has them."""
    last: str = ""
    """What the last line printed, in the page's words."""
    run_id: str | None = None
    """The last run that was printed."""
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        self.cwd = self.folder / "home/admin"
        for name in ("home/admin", "opt", "srv"):
            (self.folder / name).mkdir(parents=True)
            self.real |= {f"/{name}{end}": f"{self.folder}/{name}{end}" for end in "/\n"}
        self.script(documentation.PROGRAM, f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m wizard "$@"')
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        self.env = {
            **kept,
            "PATH": f"{self.folder}/bin{os.pathsep}{kept.get('PATH', os.defpath)}",
            "HOME": str(self.cwd),
            "NO_COLOR": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "APIM_DB_PASSWORD": pairs.PASSWORD,
        }

    def script(self, name: str, text: str) -> None:
        """Put a program into the PATH."""
        script(self.folder / "bin" / name, text)

    def here(self, text: str) -> str:
        """Replace the page's words by what they are here."""
        for word, meaning in self.real.items():
            text = text.replace(word, meaning)
        return text

    def path(self, name: str) -> Path:
        """The file that a page calls so."""
        return Path(self.cwd, self.here(name))

    def run(self, line: str, more: tuple[str, ...] = ()) -> int:
        """Run a line in bash, where the line before has left folder and variables; return its exit code.

        A run that the line names is the last one that was printed here.
        """
        line = self.here(documentation.RUN.sub(self.run_id, line) if self.run_id else line)
        for arguments in documentation.own_commands(line):
            shown = shlex.join([documentation.PROGRAM, *arguments[:1]])
            line = line.replace(shown, " ".join([shown, *self._added(arguments, more)]), 1)
        state = self.folder / "state"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"{line}\ncode=$?\n(pwd; env -0) >{state}; exit $code"],
            cwd=self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=280,
            check=False,
        )
        folder, _, variables = os.fsdecode(state.read_bytes()).partition("\n")
        self.cwd = Path(folder)
        self.env = dict(one.split("=", 1) for one in variables.split("\0") if "=" in one)
        self.last = done.stdout.decode("utf-8").replace(str(self.folder), "").replace(str(ROOT), "")
        self.run_id = (documentation.RUN.findall(self.last) or [self.run_id])[-1]
        return done.returncode

    def _added(self, arguments: list[str], more: tuple[str, ...]) -> Iterator[str]:
        """Those options of the world, and `more`, that the command has and that are not given."""
        parameters = documentation.parse(arguments).params
        known = {option for parameter in parameters for option in parameter.opts}
        for option in (*self.options, *more):
            name, _, value = option.partition("=")
            if name in known and name not in arguments:
                yield f"{name} {value}".rstrip()

    def profile(self, name: str) -> Path:
        """The path of the profile of that name, or of the file."""
        if name.endswith(".toml"):
            return self.path(name)
        return self.folder / "home/admin/.config/apimha-wizard/profiles" / f"{name}.toml"

    def change_profile(self, name: str, text: str) -> None:
        """Set the keys of this TOML in a profile."""
        path = self.profile(name)
        path.write_text(with_keys(tomlkit.parse(path.read_text("utf-8")).unwrap(), self.here(text)), "utf-8")
        load(path)

    def must(self, line: str) -> None:
        """Run a line that must succeed."""
        assert self.run(line) == 0, self.last


REFERENCES = {"env", "file", "keyring", "command", "prompt"}


def with_keys(tables: dict[str, Any], text: str) -> str:
    """A profile with the keys of this TOML; a reference to a password replaces the one before."""
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
    world.script("sudo", 'exec "$@"')
    world.script("systemctl", f'[ "$1" = daemon-reload ] || exec test -e {units}/"$2".service')


def by_hand(world: World) -> None:
    """Two configured homes, without any profile or record of a run."""
    applied(world)
    for name in (".config", ".local"):
        shutil.rmtree(world.folder / "home/admin" / name)


def interrupted(world: World) -> None:
    """A pair, and a run that was killed in the middle of its writes."""
    pair(world)
    home = world.folder / "home/admin"
    places = {"XDG_CONFIG_HOME": str(home / ".config"), "XDG_STATE_HOME": str(home / ".local/state")}
    done = process(
        "replay", "analytics", "--offline", env={**world.env, **places}, cwd=world.cwd, code=killed_at(5)
    )
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


def machine(world: World, here: str) -> None:
    """The machine of one node, with that address, which has one pack, in /opt/wso2/analytics."""
    _unpack(world.path("/opt/wso2/analytics"))
    pairs.driver_jar(world.path(JAR))
    world.real[here] = "127.0.0.1"
    world.options = ("--offline",)


def hosts(world: World) -> None:
    """A control node, and the hosts of two pairs on a network with a database server; the servers are stand-ins."""
    homes = tuple(str(world.path(f"/opt/wso2/analytics-{one}")) for one in (1, 2, 3, 4))
    made = world.closing.enter_context(fleet(_unpack, 2, first=46, opt=world.folder / "opt", homes=homes))
    made.stand_ins()
    pairs.driver_jar(world.path(JAR))
    (world.cwd / "ansible").symlink_to(COLLECTION)
    values = {
        "apimha_prefix": str(made.folder / "program"),
        "ansible_python_interpreter": sys.executable,
        "ansible_user": "root",
        "apimha_ignore": ["mysql.driver"],
        "apimha_pause": 1,
    }
    (made.folder / "more.json").write_text(json.dumps(values))
    for word, options in (("playbook", f'-e "@{made.folder}/more.json"'), ("galaxy", "")):
        world.script(
            f"ansible-{word}",
            f"export ANSIBLE_CONFIG={made.control.env['ANSIBLE_CONFIG']} PYTHONPATH={ROOT}\n"
            f"exec nsenter --target={made.control.holder.pid} --net -- {sys.executable} -m ansible {word} "
            f'"$@" {options}',
        )
    world.real[f'host = "{HOST}"'] = f'host = "{HOST}"\nport = {made.database.port}'
    world.real['admin_username = "root"'] = 'admin_username = "dba"'
    world.env["MYSQL_ROOT_PASSWORD"] = "dba"


def live(world: World) -> None:
    """Two packs and a database server, without the account and the databases of the pages."""
    server = servers.shared_server("mariadb")
    world.real[f"--host {HOST}"] = f"--host 127.0.0.1 --port {server.port}"
    world.real["--user root -p "] = f"--user root --password={shlex.quote(server.root_password)} "
    world.real[HOST] = "127.0.0.1"
    drop = [f"DROP DATABASE IF EXISTS `{name}`" for name in DATABASES] + ["DROP USER IF EXISTS 'apim'@'%'"]
    server.run(*drop)
    world.closing.callback(server.run, *drop)
    pair(world, mysql={"port": server.port, "driver_class": "org.mariadb.jdbc.Driver"})
    if not install_servers.mariadb_jar().is_file():
        servers._available(lambda: servers._needed(install_servers.mariadb_jar().parent))
    shutil.copyfile(install_servers.mariadb_jar(), world.path(JAR))
    world.env["MYSQL_ROOT_PASSWORD"] = server.root_password
    world.options = ("--ignore=ports.free",)  # other tests may listen there


def svn(world: World) -> None:
    """Two packs and a Subversion server with an empty repository that `analytics` may write."""
    pair(world)
    serving = svnserve(world.path("/srv/svn/analytics"), "analytics", pairs.PASSWORD, anonymous="none")
    world.real["svn.example.com"] = f"127.0.0.1:{world.closing.enter_context(serving)}"
    world.env["APIM_SVN_PASSWORD"] = pairs.PASSWORD
    world.options = ("--ignore=ports.free",)


def new_pack(world: World) -> None:
    """A configured pair, and the new pack unpacked twice beside it."""
    applied(world)
    for number in (1, 2):
        _unpack(world.path(f"/opt/wso2/analytics-new-{number}"))


def air_gapped(world: World) -> None:
    """A checkout with a bundle, no network, and Ansible, for which node1 is this machine and the only host."""
    (world.cwd / "dist").mkdir()
    shutil.copy(bundles.bundle(), world.cwd / "dist")
    (world.cwd / "ansible").symlink_to(COLLECTION)
    world.script("sudo", 'while [ "${1#-}" != "$1" ]; do [ "$1" != -u ] || shift; shift; done; exec "$@"')
    for name, path, more in (
        ("python3.11", sys._base_executable, ""),
        ("ansible-galaxy", bundles.program("ansible-galaxy"), ""),
        ("ansible-playbook", bundles.program("ansible-playbook"), "--limit node1"),
    ):
        world.script(name, f'exec {shlex.join([*bundles.without_network(), path])} "$@" {more}')
    world.env |= {
        "ANSIBLE_TRANSPORT": "local",
        "PIP_NO_COMPILE": "1",
        "ANSIBLE_NOCOLOR": "1",
        **bundles.NO_INDEX,
    }


_SITES = (
    *(empty, pair, applied, by_hand, systemd, interrupted, started, running),
    *(hosts, live, svn, new_pack, air_gapped),
)
WORLDS: dict[str, Callable[[World], None]] = {
    **{make.__name__.replace("_", " "): make for make in _SITES},
    "node1": partial(machine, here="10.100.0.46"),
    "node2": partial(machine, here="10.100.0.47"),
}


@contextlib.contextmanager
def world(name: str, folder: Path) -> Iterator[World]:
    """A new world in a folder that is not there yet."""
    made = World(folder)
    with made.closing:
        WORLDS[name](made)
        yield made
