"""The collection in earnest, `make fleet`: what `ansible-lint` says, and two pairs on four hosts by the playbooks.

Real ansible-core, a real `sshd` on each host, one MariaDB that all reach; the servers are stand-ins.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import pairs, strace
from tests.support.fleet import COLLECTION, Fleet, Host, Played, fleet, install_collection, stock
from tests.support.headless import AXIS2, EVENT_PROCESSOR, text
from tests.support.programs import must, script
from tests.support.stand_in import SETTINGS
from tests.support.worlds import killed_at

CONFIGURE = "apimha.wizard.configure"
INTERVAL = "//*[local-name()='persistenceIntervalInMinutes']"


@dataclass
class Site:
    """Both pairs; `changes` counts the changes of their profiles."""

    fleet: Fleet
    changes: int = 20

    def write(self, **tables: Any) -> None:
        """Write both profiles, with a change that neither pair has yet."""
        self.changes += 1
        for pair in (0, 1):
            self.fleet.profile(pair, event_processor={"persistence_interval_minutes": self.changes}, **tables)

    def play(self, *words: str, code: int | None = 0, **env: str) -> Played:
        """Run a playbook, which must end with that exit code (None: any)."""
        done = self.fleet.play(*words, **env)
        assert pairs.PASSWORD not in done.out
        assert code in (None, done.code), done.out
        return done

    def configured(self) -> None:
        """Configure both pairs with a new change."""
        self.write()
        self.play(CONFIGURE)

    def has(self, host: Host) -> bool:
        """Whether the home has the newest change."""
        return text(host.real_home, EVENT_PROCESSOR, INTERVAL) == str(self.changes)

    def bytes_of_homes(self) -> list[dict[str, bytes]]:
        return [host.bytes_of_home() for host in self.fleet.hosts]


@pytest.fixture(scope="module")
def site(packs: Path) -> Iterator[Site]:
    with fleet(stock(packs), 2, traced=True) as made:
        found = Site(made)
        found.write()
        for pair in (0, 1):
            made.inventory(pair, apimha_timeout=60)
            made.stand_ins(pair)
        try:
            yield found
        finally:
            for host in made.hosts:
                kill(host)


def kill(host: Host) -> None:
    """End the server of a host, as a power cut does."""
    while (pid := host.server) is not None:
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def test_configure_again_and_what_it_would_do(site: Site) -> None:
    hosts = site.fleet.hosts

    def written() -> tuple[Any, ...]:
        both = ("etc/apimha-wizard/pair0.toml", "opt/driver.jar")
        places = [host.disk / place for host in hosts for place in both]
        return site.bytes_of_homes(), [place.exists() for place in places]

    before = written()
    site.play(CONFIGURE, "--check")  # also where the driver jar is not on the host yet
    assert written() == before
    assert not any(before[1])
    assert all(site.play(CONFIGURE, "-vvv").changed().values())
    for host in hosts:
        assert text(host.real_home, AXIS2, "//clustering[@class]/@enable") == "true"
        assert site.has(host)
    assert set(site.play(CONFIGURE).changed().values()) == {0}

    site.write(pool={"max_active": 77})
    before = written()
    shown = site.play(CONFIGURE, "--check", "--diff")
    assert "+                    <maxActive>77</maxActive>" in shown.out
    assert "<password>" in shown.out, "the password is near the change, and masked"
    assert written() == before
    site.play(CONFIGURE)


ON_THE_HOST = {
    "read-only": ("mount -o remount,bind,ro {home}", "mount -o remount,bind,rw {home}"),
    "full": (
        "mount -t tmpfs -o size=64m none {home} && cp -a {real_home}/. {home} && "
        "dd if=/dev/zero of={home}/filler bs=64k || true",
        "umount {home}",
    ),
    "running": ("{program} start /etc/apimha-wizard/pair0.toml --node {node} --no-wait", "true"),
    "unreachable": ("ip link set eth0 down", "ip link set eth0 up"),
    "lost": ("true", "ip link set eth0 up"),
}
"""The commands that make a trouble of a host, and those that end it."""

REPLAYS = {"killed": "exec {python} {killed}", "lost": '{program} "$@"; ip link set eth0 down; sleep 60;'}
"""What its program does instead of a replay: it is killed after some writes; or the host leaves the network."""


@contextmanager
def trouble(site: Site, host: Host, name: str) -> Iterator[None]:
    """A trouble of a host while it lasts."""
    code = site.fleet.folder / "killed.py"
    code.write_text(killed_at(3))  # the change may be one of a single file
    program = site.fleet.folder / "program/bin/apimha-wizard"
    words = {"home": host.home, "real_home": host.real_home, "node": host.name.partition("-")[2]}
    words |= {"program": program, "python": sys.executable, "killed": code}
    begin, end = (line.format(**words) for line in ON_THE_HOST.get(name, ("true", "true")))
    if name in REPLAYS:
        replay = (
            f'case "$1" in replay) {REPLAYS[name].format(**words)} "$@" ;; *) exec {program} "$@" ;; esac'
        )
        script(host.disk / "program/bin/apimha-wizard", replay)
        site.fleet.set(host, apimha_prefix=str(host.disk / "program"))
    host.machine.run("sh", "-c", begin)
    try:
        yield
    finally:
        host.machine.run("sh", "-c", end)
        kill(host)
        site.fleet.set(host)


# Of the first node only what can differ from the second one.
TROUBLES = [(0, "killed"), (0, "unreachable"), *((1, name) for name in (*ON_THE_HOST, "killed"))]


@pytest.mark.parametrize(("of", "name"), TROUBLES)
def test_a_node_fails_and_its_pair_is_as_before(site: Site, of: int, name: str) -> None:
    """`of` is the node that fails."""
    hosts = site.fleet.hosts
    bad, good = hosts[of], hosts[1 - of]
    site.write()
    before, of_bad = good.bytes_of_home(), bad.bytes_of_home()
    with trouble(site, bad, name):
        # Settings of a user with which the hosts would not be kept in step, or none would be left to undo.
        done = site.play(CONFIGURE, code=None, ANSIBLE_STRATEGY="free", ANSIBLE_ANY_ERRORS_FATAL="1")
    assert done.code in (2, 4, 6), done.out
    if name == "killed":
        assert "was killed by signal 9" in done.out
        assert done.recap[bad.name]["rescued"] == 1
    assert done.recap[bad.name]["failed"] + done.recap[bad.name]["unreachable"] == 1, done.out
    assert done.recap[good.name]["failed"] == 1
    assert good.bytes_of_home() == before
    if name == "lost":
        assert site.has(bad), "what it was written as is there when it is back"
    elif name != "running":
        assert bad.bytes_of_home() == of_bad
    for host in hosts[2:]:
        assert done.recap[host.name]["failed"] == 0
        assert site.has(host)
    site.play(CONFIGURE)
    assert all(map(site.has, hosts))


def test_start_verify_change_and_stop(site: Site) -> None:
    hosts = site.fleet.hosts
    site.configured()
    # One host at a time: were a node waited for before the other one is launched, this would not end.
    done = site.play("apimha.wizard.start", "--forks", "1")
    assert done.changed() == {host.name: 1 for host in hosts}
    healthy = site.play("apimha.wizard.verify")
    assert "pair0 is healthy" in healthy.out and "pair1 is healthy" in healthy.out

    processes = [host.server for host in hosts]
    site.write()
    site.play("apimha.wizard.rolling")
    assert all(map(site.has, hosts))
    assert not set(processes) & {host.server for host in hosts}
    assert set(site.play("apimha.wizard.rolling").changed().values()) == {0}

    # Node1 of pair0 does not start with the next change: both nodes get their files back; pair1 is changed.
    site.write()
    refusing = hosts[0].real_home / SETTINGS
    settings = refusing.read_text()
    refused = f"<persistenceIntervalInMinutes>{site.changes}<"
    refusing.write_text(settings.replace('"refuses": ""', f'"refuses": "{refused}"'))
    site.play("apimha.wizard.rolling", code=2)
    assert [site.has(host) for host in hosts] == [False, False, True, True]
    refusing.write_text(settings)
    site.play("apimha.wizard.verify")

    # A change that both nodes need at once.
    site.write(cluster={"domain": "another.domain"})
    done = site.play("apimha.wizard.rolling", code=2)
    assert "This change cannot be made node by node" in done.out
    assert processes and all(host.server for host in hosts)

    # Verdicts: node2 of pair0 was killed; node1 of pair1 cannot be reached.
    kill(hosts[1])
    hosts[2].cut(off=True)
    done = site.play("apimha.wizard.verify", code=None)
    hosts[2].cut(off=False)
    assert done.code != 0
    assert re.search(r"pair0 is unhealthy", done.out), done.out
    assert re.search(r"pair1 is \w+, and pair1-node1 cannot be reached", done.out), done.out
    assert done.recap[hosts[2].name]["unreachable"] == 1

    site.play("apimha.wizard.stop")
    assert [host.server for host in hosts] == [None] * 4
    assert set(site.play("apimha.wizard.stop").changed().values()) == {0}


def test_rollback_undoes_the_newest_change_of_each_pair(site: Site) -> None:
    site.configured()
    before = site.bytes_of_homes()
    site.configured()
    site.play(CONFIGURE)  # nothing to do, and nothing to undo later
    site.play("apimha.wizard.rollback")
    assert site.bytes_of_homes() == before
    assert set(site.play("apimha.wizard.rollback").changed().values()) == {0}


@pytest.mark.parametrize("serial", [False, True])
def test_only_one_node_of_a_pair_is_refused(site: Site, serial: bool) -> None:
    """By `--limit`; or because `serial` lets the other one come later."""
    playbook, limit = CONFIGURE, site.fleet.hosts[0].name
    if serial:
        [play] = yaml.safe_load((COLLECTION / "playbooks/configure.yml").read_text())
        playbook, limit = str(site.fleet.site / "serial.yml"), "pair0"
        Path(playbook).write_text(yaml.safe_dump([play | {"serial": 1}]))
    site.write()
    before = site.fleet.hosts[0].bytes_of_home()
    done = site.play(playbook, "--limit", limit, code=2)
    assert "is not part of this play (--limit, serial). Nothing was written." in done.out
    assert site.fleet.hosts[0].bytes_of_home() == before


def test_the_servers_create_the_tables(site: Site) -> None:
    """Node1 is launched with -Dsetup, and node2 when node1 has created the tables."""
    for name in ("user0", "reg0"):
        site.fleet.database.run(f"DROP DATABASE {name}")
    site.write(mysql={"provisioning": "server"})
    site.play(CONFIGURE)
    assert site.fleet.database.run("SHOW TABLES FROM user0") == []
    site.play("apimha.wizard.start", "--limit", "pair0")
    assert site.fleet.database.run("SHOW TABLES FROM user0") != []
    site.play("apimha.wizard.stop", "--limit", "pair0")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "It needs Python 3.11 or later"),
        ({"apimha_bundle": "b.tar.gz"}, "python3 3.9). Fix: install one, on Debian and Ubuntu python3.11"),
    ],
)
def test_a_host_without_the_program_fails_early(site: Site, variables: dict[str, str], words: str) -> None:
    """Without it and without a bundle; and with a bundle, where the only Python is 3.9."""
    good, bad = site.fleet.hosts[:2]
    script(bad.disk / "opt/python3", "echo 3.9; exit 1")
    site.write()
    before = site.bytes_of_homes()
    site.fleet.set(bad, apimha_prefix="/nowhere", apimha_python="/opt/python3", **variables)
    done = site.play(CONFIGURE, code=2)
    site.fleet.set(bad)
    assert words in done.out
    assert [done.recap[host.name]["failed"] for host in (good, bad)] == [1, 1]
    assert site.bytes_of_homes()[:2] == before[:2]


def test_an_unset_variable_of_the_control_node_is_no_empty_password(site: Site) -> None:
    secret, host = site.fleet.control.env.pop("APIM_DB_PASSWORD"), site.fleet.hosts[1]
    done = site.play(CONFIGURE, code=2)
    site.fleet.control.env["APIM_DB_PASSWORD"] = secret
    assert "not set on the control node" in done.out
    site.fleet.set(host, apimha_secrets={"DBA_PASSWORD": "dba", "TYPO": "another"})
    done = site.play(CONFIGURE, code=None)
    site.fleet.set(host)
    assert done.recap[host.name]["failed"] == 1
    assert "apimha_secrets of the pair (given: DBA_PASSWORD, TYPO)" in done.out


def test_a_user_of_its_own_runs_the_program(site: Site) -> None:
    """The user who owns the homes, reached by (a stand-in for) sudo; root logs in."""
    fleet, both = site.fleet, site.fleet.hosts[2:]
    sudo = script(
        fleet.folder / "sudo",
        'while [ "$1" != -u ]; do shift; done\nuser=$2; shift 2\n'
        'exec runuser -u "$user" -- env HOME="$(getent passwd "$user" | cut -d: -f6)" "$@"',
    )
    fleet.folder.chmod(0o711)
    for host in both:
        with (host.disk / "etc/passwd").open("a") as passwd:
            passwd.write(f"owner:x:4711:4711::{host.disk}/owner:/bin/sh\n")
        (host.disk / "owner").mkdir()
        for path in (host.disk / "owner", host.disk / "opt", host.real_home, *host.real_home.rglob("*")):
            os.chown(path, 4711, 4711, follow_symlinks=False)
        fleet.set(host, apimha_home_owner="owner", ansible_become_exe=str(sudo))
    site.write()
    try:
        for playbook in (CONFIGURE, "apimha.wizard.start", "apimha.wizard.verify", "apimha.wizard.stop"):
            site.play(playbook, "--limit", "pair1")
        for host in both:
            assert site.has(host)
            assert {path.lstat().st_uid for path in host.real_home.rglob("*")} == {4711}
            assert (host.disk / "owner/.local/state/apimha-wizard/runs").is_dir()
        site.play("apimha.wizard.rollback", "--limit", "pair1")
        assert not any(map(site.has, both))
    finally:
        for host in both:
            fleet.set(host)


def leaks(host: Host) -> set[str]:
    """Where a password was written that a host keeps: files, and arguments of commands; and every file of a module."""
    found = set()
    for call in strace.read(host.trace):
        if call.name == "execve":
            found |= {"execve"} if pairs.PASSWORD in call.arguments else set()
        elif call.paths and (pairs.PASSWORD in call.arguments or "AnsiballZ" in call.path):
            found.add(call.path)
    return found


def test_no_password_is_written_but_where_the_product_needs_it(site: Site) -> None:
    """In all that the other tests did: homes and backups alone."""
    for host in site.fleet.hosts:
        state = ".local/state/apimha-wizard/runs"
        kept = tuple(map(str, (host.home, host.disk / "root" / state, host.disk / "owner" / state)))
        found = leaks(host)
        assert found, "the home has it"
        assert {one for one in found if not one.startswith(kept)} == set()
    # Without pipelining, which the playbooks refuse, this would have been seen.
    host = site.fleet.hosts[0]
    module = ("-m", "apimha.wizard.check", "-a", "profile=/etc/apimha-wizard/pair0.toml")
    ansible = (sys.executable, "-m", "ansible", "adhoc", "-i", site.fleet.site / "inventory")
    command = (*ansible, host.name, *module, "-e", "ansible_pipelining=false")
    site.fleet.control.start(*command).communicate(timeout=120)
    assert any("AnsiballZ" in one for one in leaks(host))


def test_ansible_lint(tmp_path: Path) -> None:
    """Of the installed collection."""
    install_collection(tmp_path)
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    options = ("--offline", "--nocolor", "-c", COLLECTION / ".ansible-lint")
    installed = tmp_path / "collections/ansible_collections/apimha/wizard"
    must(sys.executable, "-m", "ansiblelint", *options, cwd=installed, env=env)
