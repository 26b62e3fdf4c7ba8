"""Hosts for Ansible: machines of `tests.support.machines` with an `sshd` each, and a control node that plays on them.

Each host has its own `/etc`, `/run`, `/opt`, `/tmp` and home directory of root, and its node a path of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from tests.support import pairs
from tests.support.cli import ROOT
from tests.support.headless import PACKS
from tests.support.machines import NETWORK, Database, Machine, machines
from tests.support.programs import must, script
from tests.support.quick import folder_in_memory
from tests.support.stand_in import SETTINGS, Place, Settings
from tests.support.stand_in_pair import LAUNCHER, make_java

COLLECTION = ROOT / "ansible"
SSHD = Path("/usr/sbin/sshd")
CONTROL = f"{NETWORK}.10"
WRITES = "execve,write,pwrite64,writev,pwritev,pwritev2"
HOMES = ("srv{}/analytics-1", "data{}/wso2/analytics-2")
"""Where the two hosts of a pair see their homes, below the folder of the fleet; no two are equal, since the hosts see
each other's processes."""


@dataclass
class Host:
    """A host of the inventory; `disk` holds its private folders and the home of its node, as seen from outside."""

    name: str
    machine: Machine
    disk: Path
    home: Path
    """The path of the home on the host."""

    @property
    def real_home(self) -> Path:
        return self.disk / "home"

    @property
    def trace(self) -> Path:
        return self.disk / "trace"

    @property
    def server(self) -> int | None:
        """The process of the stand-in that serves the home, whose path leads nowhere outside of the host."""
        words = f"-Dcarbon.home={self.home}".encode()
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if words in path.read_bytes().split(b"\0"):
                    return int(path.parent.name)
        return None

    def cut(self, *, off: bool) -> None:
        """Take the host from the network, or give it back."""
        self.machine.run("ip", "link", "set", "eth0", "down" if off else "up")

    def bytes_of_home(self) -> dict[str, bytes]:
        """Every file of the home."""
        home = self.real_home
        return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


@dataclass
class Played:
    """How a playbook ended."""

    code: int
    out: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """By host: `ok`, `changed`, `unreachable`, `failed`, `skipped`, …"""
        lines = re.findall(r"^(\S+)\s+: (ok=.*)$", self.out.rpartition("PLAY RECAP")[2], re.MULTILINE)
        counts = {host: re.findall(r"(\w+)=(\d+)", line) for host, line in lines}
        return {host: {name: int(number) for name, number in found} for host, found in counts.items()}

    def changed(self) -> dict[str, int]:
        return {host: counts["changed"] for host, counts in self.recap.items()}


@dataclass
class Fleet:
    """`pairs` pairs of two hosts each, `NAME` and `NAME-1`, …; `site` is the folder on the control node."""

    folder: Path
    control: Machine
    hosts: list[Host]
    database: Database

    @property
    def site(self) -> Path:
        return self.folder / "site"

    def profile(self, pair: int = 0, **tables: Any) -> Path:
        """Write the profile of a pair; `tables` are merged into it."""
        name, hosts = f"pair{pair}", self.hosts[2 * pair : 2 * pair + 2]
        databases = {
            "user": "user",
            "registry": "reg",
            "event_store": "events",
            "processed_data_store": "done",
        }
        mysql = {
            **self.database.table(CONTROL, "/opt/driver.jar"),
            "username": f"apim{pair}",
            "databases": {role: f"{short}{pair}" for role, short in databases.items()},
        }
        nodes = [
            {"name": f"node{number}", "home": str(host.home), "host": address, "spark_local_ip": address}
            for number, host in enumerate(hosts, 1)
            for address in [host.machine.address]
        ]
        own = {
            "schema_version": 1,
            "cluster": {"name": name},
            "mysql": mysql,
            "spark": {"symbolic_link": str(self.folder / "opt/analytics")},
            "nodes": nodes,
        }
        path = self.site / f"{name}.toml"
        path.write_text(tomlkit.dumps(pairs.merged(own, tables)), "utf-8")
        return path

    def inventory(self, pair: int = 0, **variables: Any) -> None:
        """Write inventory, variables and playbook of a pair, as `apimha-wizard ansible` does, with more `variables`."""
        profile, folder = self.site / f"pair{pair}.toml", self.site / f"inventory/group_vars/pair{pair}"
        must(sys.executable, "-m", "wizard", "ansible", profile, self.site, "--force", cwd=ROOT)
        own = {
            "ansible_user": "root",
            "ansible_python_interpreter": sys.executable,
            "apimha_prefix": str(self.folder / "program"),
            "apimha_driver_jar": str(self.folder / "driver.jar"),
            "apimha_ignore": ["mysql.driver"],  # the jar of these tests holds no driver that could log in
            "apimha_pause": 1,
            **variables,
        }
        folder.mkdir(exist_ok=True)
        folder.with_suffix(".yml").rename(folder / "main.yml")
        (folder / "more.yml").write_text(json.dumps(own))

    def stand_ins(self, pair: int = 0, **settings: Any) -> None:
        """Give the homes of a pair a launcher of stand-ins."""
        both = self.hosts[2 * pair : 2 * pair + 2]
        for host, other in (both, both[::-1]):
            own, partner = (Place(4000, 11225, 10006, 1, one.machine.address) for one in (host, other))
            known = Settings(own, partner, lock=str(self.site), **settings)
            (host.real_home / SETTINGS).write_text(known.to_json())
            (host.real_home / "bin/wso2server.sh").write_text(LAUNCHER)

    def set(self, host: Host, **variables: Any) -> None:
        """Give a host variables of its own in the inventory; without any, take them away."""
        path = self.site / f"inventory/host_vars/{host.name}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(variables))

    def play(self, playbook: str, *arguments: str, timeout: float = 280, **env: str) -> Played:
        """Run a playbook of the collection on the control node, or one of the site (a name with `.yml`)."""
        command = [sys.executable, "-m", "ansible", "playbook", "-i", self.site / "inventory", playbook]
        machine = Machine("control", CONTROL, self.control.holder, {**self.control.env, **env})
        process = machine.start(*command, *arguments, stderr=subprocess.STDOUT)
        out, _ = process.communicate(timeout=timeout)
        return Played(process.returncode, out.decode("utf-8", "replace"))


def need_ansible() -> None:
    """Fail where ansible-core or sshd is missing: `make test` installs both."""
    if not SSHD.exists():
        pytest.fail("sshd: not installed; make test installs it")
    try:
        import ansible  # noqa: F401
    except ImportError:
        pytest.fail("ansible-core: not installed; make test installs it")


def install_collection(folder: Path) -> Path:
    """Build the collection and install it from the built file below `folder`; the path of the built file."""
    places = {"ANSIBLE_HOME": str(folder / "ansible"), "ANSIBLE_LOCAL_TEMP": str(folder / "ansible/tmp")}
    galaxy = (sys.executable, "-m", "ansible", "galaxy", "collection")
    must(*galaxy, "build", COLLECTION, "--output-path", folder, cwd=folder, env={**os.environ, **places})
    [built] = folder.glob("apimha-wizard-*.tar.gz")
    must(
        *galaxy,
        "install",
        built,
        "--offline",
        "-p",
        folder / "collections",
        cwd=folder,
        env={**os.environ, **places},
    )
    return built


def stock(packs: Path) -> Callable[[Path], object]:
    """What makes a home of the stock pack."""
    return partial(pairs.copy_pack, packs / PACKS[1])


@contextmanager
def fleet(
    unpack: Callable[[Path], object],
    number: int = 1,
    *,
    traced: bool = False,
    first: int = 20,
    opt: Path | None = None,
    homes: tuple[str, ...] = HOMES,
) -> Iterator[Fleet]:
    """A control node with a database server, and two hosts for each of `number` pairs.

    `unpack` makes a home; `first` is the last number of the first host's address; `opt` is a folder that each host has
    for itself, and `homes` are the paths of the homes on the hosts.
    With `traced` everything that `sshd` and its children write on a host, and every command, is in `Host.trace`.
    """
    need_ansible()
    with folder_in_memory() as folder:
        java = make_java(folder / "java")
        script(
            folder / "program/bin/apimha-wizard",
            f'export JAVA_HOME="{java}" PYTHONPATH="{ROOT}"\nexec "{sys.executable}" -P -m wizard "$@"',
        )
        for name in ("site", "opt", "control"):
            (folder / name).mkdir()
        pairs.driver_jar(folder / "driver.jar")
        install_collection(folder)
        must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key")
        (folder / "ansible.cfg").write_text(
            f"[defaults]\nhost_key_checking = false\nprivate_key_file = {folder / 'key'}\nretry_files_enabled = false\n"
            f"collections_path = {folder / 'collections'}\nhome = {folder / 'control'}\ntimeout = 5\n"
            f"[ssh_connection]\ncontrol_path_dir = {folder / 'cp'}\nssh_args = -F none "
            "-o UserKnownHostsFile=/dev/null -o ControlMaster=auto -o ControlPersist=15 "
            "-o ServerAliveInterval=2 -o ServerAliveCountMax=3\n"
        )
        env = {
            **os.environ,
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "HOME": str(folder / "control"),
            "APIM_DB_PASSWORD": pairs.PASSWORD,
            "DBA_PASSWORD": "dba",
            "PYTHONPATH": str(ROOT),
        }
        names = {"control": CONTROL} | {f"host{one}": f"{NETWORK}.{first + one}" for one in range(2 * number)}
        with machines(names, env) as found:
            hosts = []
            for one in range(2 * number):
                name, home = f"pair{one // 2}-node{one % 2 + 1}", homes[one % len(homes)].format(one)
                hosts.append(Host(name, found[f"host{one}"], folder / f"disk{one}", folder / home))
                _host(unpack, hosts[-1], opt or folder / "opt")
            database = Database(found["control"])
            daemons = [_daemon(host, folder, traced=traced) for host in hosts]
            try:
                yield Fleet(folder, found["control"], hosts, database)
            finally:
                for daemon in daemons:
                    os.killpg(daemon.pid, signal.SIGKILL)
                    daemon.wait()
                database.stop()


def _host(unpack: Callable[[Path], object], host: Host, opt: Path) -> None:
    """Give a host its private folders, and the pack of its node."""
    disk, machine = host.disk, host.machine
    for one in ("tmp", "root", "opt"):
        (disk / one).mkdir(parents=True)
    (disk / "tmp").chmod(0o1777)
    unpack(host.real_home)
    shutil.copytree("/etc", disk / "etc", symlinks=True)
    passwd = disk / "etc/passwd"
    text = passwd.read_text()
    passwd.write_text(re.sub(r"(?m)^(root:.*:)[^:]*:([^:]*)$", rf"\g<1>{disk / 'root'}:\g<2>", text))
    machine.env["HOME"] = str(disk / "root")
    machine.run("mount", "--bind", disk / "etc", "/etc")
    machine.run("sh", "-c", "mount -t tmpfs none /run && mkdir -m 755 /run/sshd")
    for private in map(Path, ("/tmp", "/opt", "/root")):
        for needed in map(Path, {str(ROOT), sys.prefix, sys.base_prefix}):
            if private in needed.parents:  # stays visible there
                shared = disk / private.name / needed.relative_to(private)
                shared.mkdir(parents=True, exist_ok=True)
                machine.run("mount", "--bind", needed, shared)
        machine.run("mount", "--rbind", disk / private.name, private)
    for source, target in ((disk / "opt", opt), (host.real_home, host.home)):
        machine.run("mkdir", "-p", target)  # there: its /tmp is its own
        machine.run("mount", "--bind", source, target)


def _daemon(host: Host, folder: Path, *, traced: bool) -> subprocess.Popen[bytes]:
    """The `sshd` of a host, which lets in who has the key of the fleet."""
    config = host.disk / "etc/sshd.conf"
    config.write_text(
        f"HostKey {folder / 'key'}\nAuthorizedKeysFile {folder / 'key.pub'}\nListenAddress {host.machine.address}\n"
        "Port 22\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nMaxStartups 100\nMaxSessions 100\n"
        "Subsystem sftp internal-sftp\n"
    )
    options = ["-f", "-q", "--seccomp-bpf", "-y", "-s", "4000000", "-e", f"trace={WRITES}"]
    watch = ["strace", *options, "-o", host.trace]
    command = [*(watch if traced else ()), SSHD, "-D", "-e", "-f", config]
    process = host.machine.start(*command, start_new_session=True)
    assert process.stderr is not None
    said = process.stderr.readline().decode()
    assert "listening" in said, said
    return process
