"""One profile on two machines: each does its own node, the databases are made once, each is judged with both logs.

The machines are namespaces of this one, with a database server on a third (`tests.support.machines`).
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from tests.support import pairs
from tests.support.headless import AXIS2, LIB, PACKS, properties, text
from tests.support.machines import Database, Machine, ended, machines
from tests.support.quick import folder_in_memory
from tests.support.server_logs import first_start, sides
from wizard.database.situation import LOCK

NAMES = {"database": "10.100.0.10", "node1": "10.100.0.46", "node2": "10.100.0.47"}
NODES = ("node1", "node2")
DATABASES = ["userdb", "regdb", "WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"]
IGNORE = ["--ignore", "mysql.driver"]  # the jar of these tests holds no driver that could log in


@dataclass
class Site:
    """Two machines with a home each, their database server, and what each of them keeps for itself."""

    folder: Path
    database: Database
    machines: list[Machine]
    homes: list[Path]
    """As they are outside of the machines."""

    def mount(self, *inside: Path) -> None:
        """Let each machine see its own home at one of these paths."""
        for machine, home, target in zip(self.machines, self.homes, inside, strict=False):
            machine.mount(home, target)

    def profile(self, *homes: Path, **tables: Any) -> Path:
        """Write one profile that both machines have; `homes` are the paths there."""
        named = zip(NODES, homes, strict=True)
        nodes = [{"name": name, "home": str(home), "host": NAMES[name]} for name, home in named]
        mysql = self.database.table(NAMES["database"], str(self.folder / "driver.jar"))
        path, table = (
            self.folder / "pair.toml",
            {"schema_version": 1, "mysql": mysql, "nodes": nodes, **tables},
        )
        path.write_text(tomlkit.dumps(table), "utf-8")
        return path

    def run(self, number: int, *arguments: str | Path, code: int = 0, outcome: str = "") -> dict[str, Any]:
        """What a command prints on a machine with `--json`; it must end so."""
        return judged(self.machines[number].wizard(*arguments, "--json"), code, outcome)


def judged(
    run: subprocess.Popen[bytes], code: int = 0, outcome: str = "", stdin: bytes | None = None
) -> dict[str, Any]:
    ended_with, result, errors = ended(run, stdin)
    assert ended_with == code, (result, errors)
    assert outcome in ("", result["outcome"]), (result, errors)
    return result


@pytest.fixture
def site(packs: Path) -> Iterator[Site]:
    with folder_in_memory() as folder:
        homes = [pairs.copy_pack(packs / PACKS[1], folder / disk / "home") for disk in ("disk1", "disk2")]
        for home in homes:
            (home.parent / "opt").mkdir()
        pairs.driver_jar(folder / "driver.jar")
        env = {**os.environ, "APIM_DB_PASSWORD": pairs.PASSWORD, "DBA_PASSWORD": "dba"}
        with machines(NAMES, env) as found:
            for name in NODES:
                found[name].env["XDG_STATE_HOME"] = str(folder / "state" / name)
            database = Database(found["database"])
            try:
                yield Site(folder, database, [found[name] for name in NODES], homes)
            finally:
                database.stop()


def both_at_once(site: Site, profile: Path) -> list[dict[str, Any]]:
    """Replay on both machines; neither creates a database before both want to.  Return what each of them printed."""
    assert site.database.run(f"SELECT GET_LOCK('{LOCK}', 0)") == [[1]]
    runs = [
        machine.wizard("replay", profile, "--node", name, "--json", *IGNORE)
        for name, machine in zip(NODES, site.machines, strict=True)
    ]
    waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT GET_LOCK%'"
    limit = time.monotonic() + 60
    while site.database.run(waiting)[0][0] < 2:
        assert time.monotonic() < limit, "the two runs did not come to the lock"
        assert [run.poll() for run in runs] == [None, None], [ended(run) for run in runs]
        site.database.run("SELECT SLEEP(0.05)")
    site.database.run(f"DO RELEASE_LOCK('{LOCK}')")
    return [judged(run, outcome="applied") for run in runs]


def test_the_same_home_on_both_and_both_start_at_the_same_moment(site: Site) -> None:
    home = site.folder / "opt/analytics"
    site.mount(home, home)
    profile = site.profile(home, home)

    results = both_at_once(site, profile)

    # Each database was created by one of them, and found by the other.
    for name, tables in zip(DATABASES, (39, 39, 0, 0), strict=True):
        statuses = [one["status"] for result in results for one in result["databases"] if one["name"] == name]
        assert sorted(statuses) == ["created", "present"], (name, statuses)
        count = f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{name}'"
        assert site.database.run(count) == [[tables]]
    # Each machine did its own node, and nothing of the other's.
    for name, result, own in zip(NODES, results, site.homes, strict=True):
        assert {file["node"] for file in result["files"]} == {name}
        address = "//clustering[@class]/parameter[@name='localMemberHost']"
        assert text(own, AXIS2, address) == NAMES[name]
        assert (own / LIB / "driver.jar").is_file()
        assert "carbon.das.symbolic.link" not in properties(own)
    assert not list(home.iterdir()), "nothing of the mounts is seen outside"

    # Nothing is left to do, on either; what each has done it can undo, without the other.
    for number, name in enumerate(NODES):
        site.run(number, "replay", profile, "--node", name, *IGNORE, outcome="unchanged")
    site.run(1, "rollback", outcome="restored")
    enabled = [text(one, AXIS2, "//clustering[@class]/@enable") for one in site.homes]
    assert enabled == ["true", "false"]
    assert len(list((site.folder / "state/node1/apimha-wizard/runs").iterdir())) == 1


def test_different_homes_get_one_common_path(site: Site) -> None:
    """Here each machine sees its own home alone, and has an own folder for the link."""
    inside = [site.folder / "srv/analytics-1", site.folder / "data/analytics-2"]
    opt, link = site.folder / "opt", site.folder / "opt/analytics"
    site.mount(*inside)
    for machine, home in zip(site.machines, site.homes, strict=True):
        machine.mount(home.parent / "opt", opt)
    result = site.run(0, "replay", site.profile(*inside), "--node", "node1", *IGNORE, code=3)
    assert [one["id"] for one in result["checks"] if one["status"] == "error"] == ["spark.link"]

    profile = site.profile(*inside, spark={"symbolic_link": str(link)})
    both_at_once(site, profile)

    for machine, home, seen in zip(site.machines, site.homes, inside, strict=True):
        own = home.parent / "opt/analytics"
        assert own.is_symlink()
        assert os.readlink(own) == str(seen)
        assert machine.run("readlink", link).strip() == str(seen)
        assert "carbon.xml" in machine.run("ls", f"{link}/repository/conf")
        assert properties(home)["carbon.das.symbolic.link"] == f"{link}/"
    assert not link.exists()
    site.run(1, "check", profile, "--node", "node2", *IGNORE)


def test_a_node_on_the_wrong_machine_and_both_on_one_are_refused(site: Site) -> None:
    inside = [site.folder / "srv/analytics-1", site.folder / "data/analytics-2"]
    site.mount(inside[0])
    profile = site.profile(*inside, spark={"symbolic_link": str(site.folder / "disk1/opt/analytics")})
    for arguments, check in ((["--node", "node2"], "prerequisites.this-machine"), ([], "prerequisites.home")):
        result = site.run(0, "replay", profile, *arguments, *IGNORE, code=3)
        found = [one for one in result["checks"] if one["id"] == check and one["status"] == "error"]
        assert {one["node"] for one in found} == {"node2"}
    assert "--node node2" in found[0]["fix"]
    assert site.database.run("SHOW DATABASES LIKE 'userdb'") == []


def test_each_machine_judges_the_pair_with_the_log_of_the_other(site: Site) -> None:
    home = site.folder / "opt/analytics"
    site.mount(home, home)
    profile = site.profile(home, home)
    stories = sides()
    for side in stories:
        side.event_sync, side.management = 11225, 10006  # with the pack's own offset
    first_start(*stories)
    for number, name in enumerate(NODES):
        log = site.homes[number] / "repository/logs/wso2carbon.log"
        log.parent.mkdir(exist_ok=True)
        log.write_bytes(stories[number].log.content)
        site.run(number, "replay", profile, "--node", name, "--offline", outcome="applied")

    for machine, other, story in zip(site.machines, NODES[::-1], stories[::-1], strict=True):
        run = machine.wizard("verify", profile, "--offline", "--json", "--log", f"{other}=-", stdin=-1)
        result = judged(run, outcome="healthy", stdin=story.log.content)
        assert {one["node"] for one in result["findings"] if one["status"] == "ok"} >= set(NODES)

        # A node whose log is not here is waited for.
        result = judged(machine.wizard("verify", profile, "--offline", "--json"), 4)
        skipped = [one for one in result["findings"] if one["status"] == "skipped" and one["node"] == other]
        assert any(f"--log {other}=-" in (one["fix"] or "") for one in skipped)
