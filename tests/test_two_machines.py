"""One profile on two machines: each does its own node, the databases are made once, each is judged with both logs.

The machines are namespaces of this one, with a database server on a third (`tests.support.machines`).
"""

from __future__ import annotations

import json
import os
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
from wizard.database.situation import LOCK

NAMES = {"database": "10.100.0.10", "node1": "10.100.0.46", "node2": "10.100.0.47"}
DATABASES = ["userdb", "regdb", "WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"]
IGNORE = ["--ignore", "mysql.driver"]  # the jar of these tests holds no driver that could log in


@dataclass
class Site:
    """Two machines with a home each, their database server, and what each of them keeps for itself."""

    folder: Path
    database: Database
    one: Machine
    two: Machine

    @property
    def homes(self) -> list[Path]:
        """The homes as they are outside of the machines."""
        return [self.folder / "disk1/home", self.folder / "disk2/home"]

    def profile(self, homes: list[Path], **tables: Any) -> Path:
        """One profile that both machines have; `homes` are the paths there."""
        path = self.folder / "pair.toml"
        node = {"hazelcast_port": 4000, "event_sync_port": 11224, "management_port": 10005}
        own = [
            {"name": name, "home": str(home), "host": NAMES[name], **node}
            for name, home in zip(("node1", "node2"), homes, strict=True)
        ]
        mysql = {
            "host": NAMES["database"],
            "port": self.database.port,
            "username": "apim",
            "password": {"env": "APIM_DB_PASSWORD"},
            "admin_username": "dba",
            "admin_password": {"env": "DBA_PASSWORD"},
            "driver_jar": str(self.folder / "driver.jar"),
            **tables.pop("mysql", {}),
        }
        path.write_text(tomlkit.dumps({"schema_version": 1, "mysql": mysql, "nodes": own, **tables}), "utf-8")
        return path


@pytest.fixture
def site(packs: Path) -> Iterator[Site]:
    with folder_in_memory() as folder:
        for disk in ("disk1", "disk2"):
            pairs.copy_pack(packs / PACKS[1], folder / disk / "home")
            (folder / disk / "opt").mkdir()
        pairs.driver_jar(folder / "driver.jar")
        env = {**os.environ, "APIM_DB_PASSWORD": pairs.PASSWORD, "DBA_PASSWORD": "dba"}
        with machines(NAMES, env) as found:
            for name in ("node1", "node2"):
                found[name].env["XDG_STATE_HOME"] = str(folder / "state" / name)
            database = Database(found["database"])
            try:
                yield Site(folder, database, found["node1"], found["node2"])
            finally:
                database.stop()


def both_at_once(site: Site, profile: Path) -> list[dict[str, Any]]:
    """Both machines replay; neither makes a database before both want to.  What each of them printed."""
    assert site.database.run(f"SELECT GET_LOCK('{LOCK}', 0)") == [[1]]
    runs = [
        machine.wizard("replay", profile, "--node", name, "--json", *IGNORE)
        for name, machine in (("node1", site.one), ("node2", site.two))
    ]
    waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT GET_LOCK%'"
    limit = time.monotonic() + 60
    while site.database.run(waiting)[0][0] < 2:
        assert time.monotonic() < limit, "the two runs did not come to the lock"
        assert [run.poll() for run in runs] == [None, None], [ended(run) for run in runs]
        site.database.run("SELECT SLEEP(0.05)")
    site.database.run(f"DO RELEASE_LOCK('{LOCK}')")
    found = []
    for run in runs:
        code, result, told = ended(run)
        assert (code, result["outcome"]) == (0, "applied"), (result, told)
        found.append(result)
    return found


def test_the_same_home_on_both_and_both_start_at_the_same_moment(site: Site) -> None:
    home = site.folder / "opt/analytics"
    site.one.mount(site.homes[0], home)
    site.two.mount(site.homes[1], home)
    profile = site.profile([home, home])

    results = both_at_once(site, profile)

    # Each database was made by one of them, and found by the other.
    for name in DATABASES:
        statuses = [one["status"] for result in results for one in result["databases"] if one["name"] == name]
        assert sorted(statuses) == ["created", "present"], (name, statuses)
    for name, tables in zip(DATABASES, (39, 39, 0, 0), strict=True):
        count = f"SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = '{name}'"
        assert site.database.run(count) == [[tables]]
    # Each machine did its own node, and nothing of the other's.
    for number, (name, result) in enumerate(zip(("node1", "node2"), results, strict=True)):
        assert {file["node"] for file in result["files"]} == {name}
        address = "//clustering[@class]/parameter[@name='localMemberHost']"
        assert text(site.homes[number], AXIS2, address) == NAMES[name]
        assert (site.homes[number] / LIB / "driver.jar").is_file()
        assert "carbon.das.symbolic.link" not in properties(site.homes[number])
    assert not list(home.iterdir()), "nothing of the mounts is seen outside"

    # Nothing is left to do, on either; what each has done it can undo, without the other.
    for name, machine in (("node1", site.one), ("node2", site.two)):
        code, result, told = ended(machine.wizard("replay", profile, "--node", name, "--json", *IGNORE))
        assert (code, result["outcome"]) == (0, "unchanged"), (result, told)
    code, result, _ = ended(site.two.wizard("rollback", "--json"))
    assert (code, result["outcome"]) == (0, "restored")
    assert text(site.homes[1], AXIS2, "//clustering[@class]/@enable") == "false"
    assert text(site.homes[0], AXIS2, "//clustering[@class]/@enable") == "true"
    assert len(list((site.folder / "state/node1/apimha-wizard/runs").iterdir())) == 1


def test_different_homes_get_one_common_path(site: Site) -> None:
    """Here each machine sees its own home alone, and has an own folder for the link."""
    inside = [site.folder / "srv/analytics-1", site.folder / "data/analytics-2"]
    opt, link = site.folder / "opt", site.folder / "opt/analytics"
    for number, machine in enumerate((site.one, site.two)):
        machine.mount(site.homes[number], inside[number])
        machine.mount(site.homes[number].parent / "opt", opt)
    without = site.profile(inside)
    code, result, _ = ended(site.one.wizard("replay", without, "--node", "node1", "--json", *IGNORE))
    assert code == 3
    assert [one["id"] for one in result["checks"] if one["status"] == "error"] == ["spark.link"]

    profile = site.profile(inside, spark={"symbolic_link": str(link)})
    both_at_once(site, profile)

    for number, machine in enumerate((site.one, site.two)):
        own = site.homes[number].parent / "opt/analytics"
        assert own.is_symlink()
        assert os.readlink(own) == str(inside[number])
        assert machine.run("readlink", link).strip() == str(inside[number])
        assert "carbon.xml" in machine.run("ls", f"{link}/repository/conf")
        assert properties(site.homes[number])["carbon.das.symbolic.link"] == f"{link}/"
    assert not link.exists()
    code, result, told = ended(site.two.wizard("check", profile, "--node", "node2", "--json", *IGNORE))
    assert code == 0, told


def test_a_node_on_the_wrong_machine_and_both_on_one_are_refused(site: Site) -> None:
    inside = [site.folder / "srv/analytics-1", site.folder / "data/analytics-2"]
    site.one.mount(site.homes[0], inside[0])
    profile = site.profile(inside, spark={"symbolic_link": str(site.folder / "disk1/opt/analytics")})
    for arguments, check in (
        (["--node", "node2"], "prerequisites.this-machine"),
        ([], "prerequisites.home"),
    ):
        code, result, _ = ended(site.one.wizard("replay", profile, *arguments, "--json", *IGNORE))
        assert code == 3
        told = [one for one in result["checks"] if one["id"] == check and one["status"] == "error"]
        assert {one["node"] for one in told} == {"node2"}
    assert "--node node2" in told[0]["fix"]
    assert site.database.run("SHOW DATABASES LIKE 'userdb'") == []


def test_each_machine_judges_the_pair_with_the_log_of_the_other(site: Site) -> None:
    from tests.support.server_logs import first_start, sides

    home = site.folder / "opt/analytics"
    stories = sides()
    for side in stories:
        side.event_sync, side.management = 11225, 10006  # with the pack's own offset
    first_start(*stories)
    for machine, disk, story in zip((site.one, site.two), site.homes, stories, strict=True):
        machine.mount(disk, home)
        (disk / "repository/logs").mkdir(exist_ok=True)
        (disk / "repository/logs/wso2carbon.log").write_bytes(story.log.content)
    profile = site.profile([home, home])
    for name, machine in (("node1", site.one), ("node2", site.two)):
        code, result, told = ended(machine.wizard("replay", profile, "--node", name, "--offline", "--json"))
        assert (code, result["outcome"]) == (0, "applied"), told

    for machine, other, story in ((site.one, "node2", stories[1]), (site.two, "node1", stories[0])):
        run = machine.wizard("verify", profile, "--offline", "--json", "--log", f"{other}=-", stdin=-1)
        code, result, told = ended(run, story.log.content)
        assert (code, result["outcome"]) == (0, "healthy"), (json.dumps(result, indent=1), told)
        assert {one["node"] for one in result["findings"] if one["status"] == "ok"} >= {"node1", "node2"}

        code, result, _ = ended(machine.wizard("verify", profile, "--offline", "--json"))
        skipped = [one for one in result["findings"] if one["status"] == "skipped" and one["node"] == other]
        assert code == 4, "a node that nobody sees is waited for"
        assert any(f"--log {other}=-" in (one["fix"] or "") for one in skipped)
