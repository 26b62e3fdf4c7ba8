"""The checks: each row of the table that needs no network, passed and failed; and how they run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from shlex import quote
from types import SimpleNamespace
from typing import Any

import pytest
from lxml import etree

from tests.support import pairs
from tests.support.cli import run
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    AXIS2,
    CARBON,
    EVENT_PROCESSOR,
    LIB,
    REGISTRY,
    SPARK,
    STORES,
    USER_MGT,
    applied,
    checked,
    of,
    quick_disk,
    replayed,
    statuses,
    untouched,
)
from tests.support.pairs import Pair
from wizard.pack.home import DROPINS
from wizard.preflight import checks
from wizard.preflight.checks import Check, CheckContext
from wizard.steps.procedure import CHECKS, STEP_IDS
from wizard.system import finding
from wizard.system.errors import EditError
from wizard.system.finding import Finding

OLD = "com.mysql.jdbc.Driver"
BY_ID = {one.id: one for one in CHECKS}
ALWAYS = {
    "prerequisites.secret",
    "prerequisites.home",
    "prerequisites.this-machine",
    "prerequisites.same-home",
    "prerequisites.files",
    "prerequisites.running",
    "prerequisites.writable",
    "prerequisites.space",
    "registry.local-database",
    "datasources.placeholder",
}


def rows(shared: Path) -> dict[str, tuple[str, str]]:
    """Id → severity and the column "offline" of both tables."""
    text = (shared / "checks.md").read_text("utf-8")
    row = r"^\| `?([a-z-]+\.[a-z-]+)`? \| (error|warning)[^|]* \| ([^|]+) \|"
    found = re.findall(row, text, re.MULTILINE)
    assert len(found) >= 52
    return {id: (severity, offline.strip()) for id, severity, offline in found}


class TestTheTable:
    def test_every_row_is_there_with_its_severity(self, shared: Path) -> None:
        for id, (severity, offline) in rows(shared).items():
            assert id in BY_ID, f"{id} is missing"
            assert BY_ID[id].severity == severity, id
            if offline == "live":
                assert BY_ID[id].live, id
            else:
                assert not BY_ID[id].live and BY_ID[id].offline, id

    def test_what_always_runs(self, shared: Path) -> None:
        marked = {id for id, (_, offline) in rows(shared).items() if "always" in offline}
        assert marked == ALWAYS
        others = {one.id for one in CHECKS if one.step in {"ports", "apply"}}
        assert {one.id for one in CHECKS if one.always} == marked | others

    def test_what_cannot_be_ignored(self, shared: Path, make_pair: Callable[..., Pair]) -> None:
        named = re.search(
            r"`--ignore ID` makes it a warning, but for (.*?)\(naming",
            (shared / "checks.md").read_text(),
            re.S,
        )
        assert named is not None
        assert set(re.findall(r"`([a-z-]+\.[a-z-]+)`", named[1])) == checks.UNIGNORABLE
        pair = make_pair()
        for id in checks.UNIGNORABLE:
            ran = run("replay", str(pair.profile), "--offline", "--ignore", id)
            assert ran.code == 2
            assert id in ran.err

    def test_each_check_has_a_reason_and_a_fix(self) -> None:
        for one in CHECKS:
            assert len(one.why) > 20
            assert len(str(one.fix)) > 10
            assert one.step in {*STEP_IDS, "ports", "apply"}
        assert len(BY_ID) == len(CHECKS)

    def test_the_command_lists_them(self) -> None:
        ran = run("checks")
        assert ran.code == 0
        for one in CHECKS:
            assert one.id in ran.out
            assert one.why in ran.out
            assert str(one.fix) in ran.out
        listed = run("checks", "--json").json
        assert [one["id"] for one in listed["checks"]] == [one.id for one in CHECKS]


class TestWhichOnesRun:
    def test_a_stock_pair_passes(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        found = checked(pair)
        assert {one.status for one in found if one.id != "prerequisites.java"} <= {"ok", "skipped"}
        assert {one.id for one in found} >= {one.id for one in CHECKS if not one.live} - {
            "prerequisites.this-machine"
        }

    def test_offline_leaves_the_live_ones_out(self, make_pair: Callable[..., Pair]) -> None:
        ran = {one.id for one in checked(make_pair())}
        assert not ran & {one.id for one in CHECKS if not one.offline}

    @pytest.mark.parametrize("step", STEP_IDS)
    def test_only_a_step_and_what_always_runs(self, step: str, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        ran = {one.id for one in checked(pair, only=(step,), only_node="node1")}
        wanted = {one.id for one in CHECKS if not one.live and (one.always or one.step == step)}
        assert {id for id in ran if not BY_ID[id].live} == wanted
        assert {id.split(".")[0] for id in ran - ALWAYS} <= {step, "ports", "apply"}

    @pytest.mark.parametrize("step", STEP_IDS)
    def test_all_but_a_step(self, step: str, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        ran = {one.id for one in checked(pair, skip=(step,))}
        assert not {id for id in ran - ALWAYS if id.split(".")[0] == step}
        assert ran >= ALWAYS - {"prerequisites.this-machine"}
        assert {"ports.clash", "apply.unfinished"} <= ran

    def test_what_always_runs_still_refuses(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(nodes=[{}, {"hazelcast_port": 4000}])
        assert replayed(pair, only=("spark",))[0].exit_code == 3, "ports.clash"
        pair.profile.write_text(pair.profile.read_text().replace("APIM_DB_PASSWORD", "APIM_NOT_SET"))
        result, _ = replayed(pair, only=("datasources",), ignore=("ports.clash",))
        assert statuses(result.checks, "prerequisites.secret") == ["error"]
        # A step that needs no password needs none.
        result, _ = replayed(pair, only=("spark",), ignore=("ports.clash",))
        assert result.outcome == "applied"


# --- prerequisites ------------------------------------------------------------------------------------------


class TestPrerequisites:
    def test_this_machine(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(nodes=[{"host": "127.0.0.1"}, {"host": "203.0.113.9"}])
        assert statuses(checked(pair, only_node="node1"), "prerequisites.this-machine") == ["ok"]
        (found,) = of(checked(pair, only_node="node2"), "prerequisites.this-machine")
        assert (found.status, found.node) == ("error", "node2")
        assert "203.0.113.9" in found.message
        assert "node2" in (found.fix or "")
        assert of(checked(pair), "prerequisites.this-machine") == [], (
            "without --node it is unknown which machine this is"
        )
        ignored, _ = replayed(
            pair, only_node="node2", ignore=("prerequisites.this-machine", "spark.link"), dry_run=True
        )
        assert ignored.outcome == "pending"

    def test_this_machine_by_a_name_that_is_not_resolved_offline(
        self, make_pair: Callable[..., Pair]
    ) -> None:
        pair = make_pair(nodes=[{"host": "localhost"}, {"host": "node2.example.com"}])
        assert statuses(checked(pair, only_node="node1"), "prerequisites.this-machine") == ["ok"]
        assert statuses(checked(pair, only_node="node2"), "prerequisites.this-machine") == ["skipped"]

    def test_home_of_the_nodes_asked_for(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(nodes=[{}, {"host": "203.0.113.9"}])
        shutil.rmtree(pair.homes[1])
        assert statuses(checked(pair, only_node="node1"), "prerequisites.home") == ["ok"]
        found = {one.node: one for one in of(checked(pair), "prerequisites.home")}
        assert (found["node1"].status, found["node2"].status) == ("ok", "error")
        # A fix can be pasted.
        assert f"apimha-wizard replay {pair.profile} --node node2" in (found["node2"].fix or "")

    @pytest.mark.parametrize("folder", ["PROFILE", "NODE", "apimha-wizard PROFILE"])
    def test_fix_keeps_a_path_that_looks_like_a_placeholder(
        self, folder: str, make_pair: Callable[..., Pair], tmp_path: Path
    ) -> None:
        """Only the profile's name is filled in: whatever a path of the user holds stays as it is."""
        pair = make_pair()
        there = tmp_path / folder
        (there / "inner").mkdir(parents=True)
        first, second = (home.rename(there / "inner" / home.name) for home in pair.homes)
        text = (
            pair.profile.read_text()
            .replace(str(pair.homes[0]), str(first))
            .replace(str(pair.homes[1]), str(second))
        )
        profile = there / "pair.toml"
        profile.write_text(text)
        moved = Pair(profile, [first, second], pair.env)
        (first / "bin/version.txt").unlink()
        (second / "wso2carbon.pid").write_text(str(os.getpid()))
        found = {(one.id, one.node): one.fix for one in checked(moved)}
        assert found["prerequisites.known-pack", "node1"] == (
            f"read the diff with care: apimha-wizard replay {quote(str(profile))} --dry-run"
        )
        assert found["prerequisites.running", "node2"] == f"sh {quote(f'{second}/bin/wso2server.sh')} stop"
        profile.write_text(text.replace(str(second), str(second.parent)))
        found = {(one.id, one.node): one.fix for one in checked(moved)}
        assert found["prerequisites.home", "node2"] == f'set home = "{first}"'

    def test_same_home_on_two_machines_says_node(self, make_pair: Callable[..., Pair]) -> None:
        """On two machines one path is the usual case: what is missing is `--node`."""
        pair = make_pair(nodes=[{"host": "127.0.0.1"}, {"host": "203.0.113.9"}])
        pair.profile.write_text(pair.profile.read_text().replace(str(pair.homes[1]), str(pair.homes[0])))
        before = untouched(*pair.homes)
        result, _ = replayed(pair)
        assert result.exit_code == 3
        (found,) = [one for one in result.checks if one.status == "error"]
        assert found.id in {"prerequisites.same-home", "prerequisites.home"}
        assert "--node" in (found.fix or "")
        assert untouched(*pair.homes) == before

    def test_same_home_in_another_spelling(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        first, second = pair.homes
        for spelling in (f"{first}/", f"{first.parent}/x/../{first.name}", f"{first}/."):
            text = pair.profile.read_text()
            (first.parent / "x").mkdir(exist_ok=True)
            pair.profile.write_text(text.replace(f'"{second}"', f'"{spelling}"'))
            assert statuses(checked(pair), "prerequisites.same-home") == ["error"], spelling
            pair.profile.write_text(text)
        assert statuses(checked(pair), "prerequisites.same-home") == ["ok"]

    def test_versions(self, make_pair: Callable[..., Pair], packs: Path) -> None:
        pair = make_pair()
        assert statuses(checked(pair), "prerequisites.version") == ["ok"]
        (pair.homes[1] / "bin/version.txt").write_text("WSO2 Data Analytics Server v2.0.0\n")
        assert statuses(checked(pair), "prerequisites.version") == ["error"], (
            "another product of that version"
        )
        assert statuses(checked(pair, only_node="node1"), "prerequisites.version") == ["error"], (
            "both are here"
        )
        shutil.copy(pair.homes[0] / "bin/version.txt", pair.homes[1] / "bin/version.txt")
        assert statuses(checked(pair), "prerequisites.version") == ["ok"]
        (pair.homes[1] / "bin/wso2carbon-version.txt").write_text("WSO2 Carbon Framework v4.4.26\n")
        (found,) = of(checked(pair), "prerequisites.version")
        assert found.status == "error" and "kernel 4.4.26" in found.message, (
            "several releases print one version"
        )
        shutil.rmtree(pair.homes[1])
        assert statuses(checked(pair, only_node="node1"), "prerequisites.version") == ["skipped"]

    @pytest.mark.parametrize(
        ("text", "status"),
        [
            ("WSO2 API Manager Analytics Server v2.0.0\n", "ok"),
            ("WSO2 API Manager Analytics Server v2.1.0", "ok"),
            ("WSO2 Data Analytics Server v3.0.1\r\n", "ok"),
            ("WSO2 API Manager Analytics Server v2.2.0\n", "ok"),
            ("WSO2 API Manager Analytics Server v2.1.1.SNAPSHOT\n", "ok"),
            ("WSO2 Identity Server Analytics v5.3.0-SNAPSHOT\n", "ok"),
            ("WSO2 Identity Server Analytics v${pom.version}\n", "warning"),
            ("WSO2 API Manager Analytics Server v2.6.0\n", "warning"),
            ("WSO2 Data Analytics Server v2.0.0\n", "warning"),
            ("something else\n", "warning"),
            ("", "warning"),
            (None, "warning"),
        ],
    )
    def test_known_packs(self, text: str | None, status: str, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        for home in pair.homes:
            (home / "bin/version.txt").unlink()
            if text is not None:
                (home / "bin/version.txt").write_text(text)
        assert statuses(checked(pair), "prerequisites.known-pack") == [status] * 2

    def test_running(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        pid = pair.homes[1] / "wso2carbon.pid"
        for content, status in ((f"{os.getpid()}", "error"), ("999999999", "ok"), ("", "ok"), ("x", "ok")):
            pid.write_text(content)
            found = {one.node: one.status for one in of(checked(pair), "prerequisites.running")}
            assert found == {"node1": "ok", "node2": status}, content
        pid.write_text(f"{os.getpid()}")
        (fix,) = [one.fix for one in of(checked(pair), "prerequisites.running") if one.status == "error"]
        assert fix == f"sh {pair.homes[1]}/bin/wso2server.sh stop", (
            "start and stop ignore it: another process"
        )
        server = [sys.executable, "-c", "input()", f"-Dcarbon.home={pair.homes[1]}"]
        with subprocess.Popen(server, stdin=subprocess.PIPE) as process:
            pid.write_text(f"{process.pid}")
            (fix,) = [one.fix for one in of(checked(pair), "prerequisites.running") if one.status == "error"]
            assert fix == f"apimha-wizard stop {pair.profile} --node node2"
            process.communicate(b"\n")
        with subprocess.Popen(["true"]) as ended:
            os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
            pid.write_text(str(ended.pid))
            assert statuses(checked(pair), "prerequisites.running") == ["ok", "ok"], "a zombie does not run"
        pid.unlink()
        applied(pair)
        pid.write_text(f"{os.getpid()}\n")
        assert statuses(checked(pair), "prerequisites.running") == ["ok", "ok"], "nothing has to be written"

    def test_running_with_changes_elsewhere_only(self, make_pair: Callable[..., Pair]) -> None:
        """Only the node that has changes has to be stopped."""
        pair = make_pair()
        applied(pair)
        axis2 = pair.homes[0] / AXIS2
        axis2.write_bytes(axis2.read_bytes().replace(b">wka<", b">multicast<"))
        (pair.homes[1] / "wso2carbon.pid").write_text(f"{os.getpid()}")
        assert applied(pair).exit_code == 0

    def test_space(self, make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch) -> None:
        pair = make_pair()
        assert statuses(checked(pair), "prerequisites.space") == ["ok"]
        usage = shutil.disk_usage(pair.homes[0])
        monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=10_000))
        found = of(checked(pair), "prerequisites.space")
        assert {one.status for one in found} == {"error"}
        assert all("free" in one.message and one.fix for one in found)
        before = untouched(*pair.homes)
        assert replayed(pair)[0].exit_code == 3
        assert untouched(*pair.homes) == before

    @pytest.mark.parametrize("named", [True, False])
    @pytest.mark.parametrize(
        ("release", "fits"),
        [
            ('JAVA_VERSION="1.8.0_292"\nOS_NAME="Linux"\n', True),
            ('IMPLEMENTOR="x"\nJAVA_VERSION="1.7.0_80"\n', True),
            *(
                (f'JAVA_VERSION="{version}"\n', version == "1.8")
                for version in ["1.8", "1.6.0_45", "17", "8.0", "1.80"]
            ),
            *((text, False) for text in ("nothing\n", "", None)),
        ],
    )
    def test_java(
        self, release: str | None, fits: bool, named: bool, make_pair: Callable[..., Pair], tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """That of the profile, else that of JAVA_HOME, which the launcher takes."""
        if release is not None:
            (tmp_path / "release").write_text(release)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path) if not named else "/nowhere")
        pair = make_pair(nodes=[{"java_home": str(tmp_path)}] * 2 if named else [])
        found = of(checked(pair), "prerequisites.java")
        assert [one.status for one in found] == ["ok" if fits else "error" if named else "warning"] * 2
        assert named or all("JAVA_HOME" in one.message for one in found)
        assert fits or all("set java_home of node" in (one.fix or "") for one in found)

    def test_no_java_at_all(self, make_pair: Callable[..., Pair]) -> None:
        (found, _) = of(checked(make_pair()), "prerequisites.java")
        assert (found.status, "neither java_home nor JAVA_HOME is set" in found.message) == ("warning", True)

    @pytest.mark.parametrize("pack", ["apim-analytics-2.1.0", "das-3.0.1"])
    def test_a_missing_offset_is_added_as_the_first_one_of_its_element(
        self, pack: str, make_pair: Callable[..., Pair]
    ) -> None:
        pair = make_pair(pack, nodes=[{"port_offset": 20}])
        path = pair.homes[0] / CARBON
        path.write_text(re.sub(r"\s*<Offset>\d+</Offset>", "", path.read_text("iso-8859-1")), "iso-8859-1")
        applied(pair)
        (ports,) = etree.parse(path).getroot().iter("{*}Ports")
        (first, *_) = (child for child in ports if isinstance(child.tag, str))
        assert (etree.QName(first).localname, first.text) == ("Offset", "20")

    def test_the_driver_may_be_there_already(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(mysql={"driver_jar": None})
        assert statuses(checked(pair), "prerequisites.driver-jar") == ["error", "error"]
        for home in pair.homes:
            pairs.driver_jar(home / LIB / "mine.jar")
        assert statuses(checked(pair), "prerequisites.driver-jar") == ["ok", "ok"]
        result = applied(pair)
        assert not [file for file in result.files if file["path"].endswith(".jar")]

    def test_the_driver_is_called_a_jar(self, make_pair: Callable[..., Pair], tmp_path: Path) -> None:
        pair = make_pair(mysql={"driver_jar": str(pairs.driver_jar(tmp_path / "driver.zip"))})
        (found,) = of(checked(pair), "prerequisites.driver-jar")
        assert found.status == "error"
        assert (found.fix or "").startswith(f"mv {tmp_path}/driver.zip {tmp_path}/driver.jar ")

    def test_the_driver_may_be_that_of_one_of_the_homes(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        first, second = (home / LIB / "mine.jar" for home in pair.homes)
        pairs.driver_jar(first)
        jar = pair.profile.parent / "mysql-connector-java-5.1.49-bin.jar"
        pair.profile.write_text(pair.profile.read_text().replace(str(jar), str(first)))
        result = applied(pair)
        found = {file["node"]: file["status"] for file in result.files if file["path"].endswith("mine.jar")}
        assert found == {"node1": "unchanged", "node2": "created"}
        assert second.read_bytes() == first.read_bytes()

    def test_the_driver_of_another_class_is_none(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(mysql={"driver_class": "com.mysql.cj.jdbc.Driver"})
        (found,) = of(checked(pair), "prerequisites.driver-jar")
        assert found.status == "error"
        assert "com.mysql.cj.jdbc.Driver" in found.message

    @pytest.mark.parametrize(
        ("folder", "name", "driver_class", "status"),
        [
            (LIB, "mysql-connector-java-5.1.36-bin.jar", OLD, "warning"),
            (LIB, "mysql-connector-j-8.0.33.jar", "com.mysql.cj.jdbc.Driver", "warning"),
            (LIB, "mysql-connector-java-5.1.49-bin.jar", OLD, "ok"),
            (LIB, "postgresql.jar", "org.postgresql.Driver", "ok"),
            (DROPINS, "mysql_connector_java_5.1.36_bin_1.0.0.jar", OLD, "warning"),
            # What the server itself makes of our jar when it starts.
            (DROPINS, "mysql_connector_java_5.1.49_bin_1.0.0.jar", OLD, "ok"),
            (DROPINS, "org.example_1.0.0.jar", "org.example.Thing", "ok"),
        ],
    )
    def test_a_second_driver(
        self, folder: str, name: str, driver_class: str, status: str, make_pair: Callable[..., Pair]
    ) -> None:
        pair = make_pair()
        pairs.driver_jar(pair.homes[0] / folder / name, driver_class)
        found = {one.node: one for one in of(checked(pair), "prerequisites.second-driver")}
        assert (found["node1"].status, found["node2"].status) == (status, "ok")
        if status == "warning":
            assert name in found["node1"].message
            assert "rm " in (found["node1"].fix or "")
        assert replayed(pair)[0].outcome == "applied", "a warning stops nothing"

    @pytest.mark.parametrize(
        ("pack", "one", "other"),
        [
            ("apim-analytics-2.0.0", "conf/analytics/my-node-id.dat", "conf/analytics/my-node-id.dat"),
            ("apim-analytics-2.1.0", "data/my-node-id.dat", "data/my-node-id.dat"),
            ("das-3.1.0", "datamy-node-id.dat", "conf/analytics/my-node-id.dat"),
        ],
    )
    def test_a_copied_node_id(self, pack: str, one: str, other: str, make_pair: Callable[..., Pair]) -> None:
        """From carbon-analytics 1.3.19 on the id is elsewhere, in 2.2.0 by a missing separator."""
        pair, id = make_pair(pack), "prerequisites.copied-node-id"
        assert statuses(checked(pair), id) == ["ok"]
        paths = [home / "repository" / path for home, path in zip(pair.homes, (one, other), strict=True)]
        for path, text in zip(paths, ("4b6a", "4b6b"), strict=True):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            assert statuses(checked(pair), id) == ["ok"]
        paths[1].write_text("4b6a\n")
        (found,) = of(checked(pair), id)
        assert found.status == "error" and other in found.message
        assert found.fix == f"rm {paths[1]}"
        shutil.rmtree(pair.homes[1])
        assert statuses(checked(pair, only_node="node1"), id) == ["skipped"]

    def test_a_link_out_of_the_home(self, make_pair: Callable[..., Pair], tmp_path: Path) -> None:
        pair = make_pair()
        assert statuses(checked(pair), "prerequisites.link") == ["ok", "ok"]
        outside = tmp_path / "outside.xml"
        (pair.homes[0] / AXIS2).rename(outside)
        (pair.homes[0] / AXIS2).symlink_to(outside)
        found = of(checked(pair), "prerequisites.link", "node1")
        assert [one.status for one in found] == ["warning"]
        assert str(outside) in found[0].message
        applied(pair)
        assert statuses(checked(pair), "prerequisites.link") == ["ok", "ok"], "nothing will be written"


class TestFixesCanBePasted:
    def test_whatever_the_path(self, packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A fix that is a command is run here by a shell, on a home with an apostrophe in its path."""
        monkeypatch.setenv("APIM_DB_PASSWORD", "x")
        pair = pairs.make_pair(packs / "das-3.0.1", tmp_path / "it's here & there")
        node_id = "repository/conf/analytics/my-node-id.dat"
        for home in pair.homes:
            (home / node_id).write_text("one")
        pairs.driver_jar(pair.homes[0] / LIB / "mysql-old.jar")
        for id in ("prerequisites.copied-node-id", "prerequisites.second-driver"):
            (found,) = [one for one in of(checked(pair), id) if one.status != "ok"]
            subprocess.run(["sh", "-c", found.fix or "false"], check=True)
            assert {one.status for one in of(checked(pair), id)} == {"ok"}
        assert not (pair.homes[1] / node_id).exists()
        assert not (pair.homes[0] / LIB / "mysql-old.jar").exists()


# --- the other steps ----------------------------------------------------------------------------------------


class TestMySQLOffline:
    @pytest.mark.parametrize(
        ("pack", "version", "status"),
        [
            ("apim-analytics-2.0.0", "5.6", "ok"),
            ("apim-analytics-2.0.0", "5.7", "ok"),
            ("apim-analytics-2.0.0", "9.0", "ok"),
            ("das-3.0.1", "5.6", "ok"),
            ("das-3.0.1", "5.7", "error"),
            ("das-3.0.1", "8.0.36", "error"),
            ("das-3.0.1", "10.11-MariaDB", "ok"),
        ],
    )
    def test_the_script_for_the_version_that_the_profile_names(
        self, pack: str, version: str, status: str, make_pair: Callable[..., Pair]
    ) -> None:
        pair = make_pair(pack, mysql={"server_version": version})
        assert set(statuses(checked(pair), "mysql.script")) == {status}

    def test_the_script_stays_found_when_it_has_changed_its_name(
        self, make_pair: Callable[..., Pair]
    ) -> None:
        pair = make_pair(mysql={"server_version": "8.0", "provisioning": "server"})
        applied(pair)
        assert set(statuses(checked(pair), "mysql.script")) == {"ok"}


class TestDatasources:
    def test_statistics_in_a_file(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        assert statuses(checked(pair), "datasources.stats") == ["ok", "ok"], "one machine"
        text = pair.profile.read_text()
        pair.profile.write_text(
            text.replace(
                'host = "127.0.0.1"\nhazelcast_port = 4001', 'host = "203.0.113.9"\nhazelcast_port = 4001'
            )
        )
        found = of(checked(pair), "datasources.stats")
        assert [one.status for one in found] == ["warning"] * 2
        assert all("mysql.databases.stats" in (one.fix or "") for one in found)
        pair.profile.write_text(pair.profile.read_text() + '\n[mysql.databases]\nstats = "S"\n')
        assert statuses(checked(pair), "datasources.stats") == ["ok", "ok"]

    def test_a_pack_without_statistics(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair("das-3.0.1", nodes=[{}, {"host": "203.0.113.9"}])
        assert statuses(checked(pair), "datasources.stats") == ["ok", "ok"]

    @pytest.mark.parametrize(
        ("value", "status"), [("1", "ok"), ("2", "ok"), ("0", "warning"), (" 0 ", "warning")]
    )
    def test_replication(self, value: str, status: str, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        for home in pair.homes:
            data = (home / STORES).read_text()
            (home / STORES).write_text(data.replace("Factor>1<", f"Factor>{value}<"))
        found = of(checked(pair), "datasources.replication")
        assert [one.status for one in found] == [status] * 2


def receiver(value: str | None) -> str:
    marked = f'<property name="events.duplicated.in.cluster">{value}</property>' if value else ""
    return (
        '<eventReceiver name="r" xmlns="http://wso2.org/carbon/eventreceiver">'
        f'<from eventAdapterType="wso2event">{marked}</from></eventReceiver>'
    )


class TestEventProcessor:
    def test_persistence(self, make_pair: Callable[..., Pair]) -> None:
        assert statuses(checked(make_pair()), "event-processor.persistence") == ["ok", "ok"]
        das = make_pair("das-3.0.1")
        found = of(checked(das), "event-processor.persistence")
        assert [one.status for one in found] == ["warning"] * 2
        assert all("persistence = false" in (one.fix or "") for one in found)
        das.profile.write_text(das.profile.read_text() + "\n[event_processor]\npersistence = false\n")
        assert statuses(checked(das), "event-processor.persistence") == ["ok", "ok"]

    @pytest.mark.parametrize(
        ("value", "both", "status"),
        [
            ("true", False, "warning"),
            ("true", True, "ok"),
            ("false", False, "ok"),
            ("false", True, "warning"),
        ],
    )
    @pytest.mark.parametrize("inside", [False, True])
    def test_duplicated_events(
        self, value: str, both: bool, status: str, inside: bool, make_pair: Callable[..., Pair]
    ) -> None:
        pair = make_pair(event_processor={"duplicated_events": both})
        for home in pair.homes:
            if inside:
                folder = home / "repository/deployment/server/carbonapps"
                with zipfile.ZipFile(folder / "app.car", "w") as car:
                    car.writestr("r_1.0.0/r.xml", receiver(value))
                    car.writestr(
                        "r_1.0.0/artifact.xml",
                        '<artifact name="r" type="event/receiver"><file>r.xml</file></artifact>',
                    )
            else:
                folder = home / "repository/deployment/server/eventreceivers"
                folder.mkdir()
                (folder / "r.xml").write_text(receiver(value))
        found = of(checked(pair), "event-processor.duplicated")
        assert [one.status for one in found] == [status] * 2, [one.message for one in found]


class TestSpark:
    def two_machines(self, make_pair: Callable[..., Pair]) -> tuple[Pair, Path]:
        pair = make_pair(nodes=[{"host": "127.0.0.1"}, {"host": "203.0.113.9"}])
        return pair, pair.profile.parent / "common"

    def test_homes_that_differ_need_a_link(self, make_pair: Callable[..., Pair]) -> None:
        assert statuses(checked(make_pair("das-3.0.1")), "spark.link") == ["ok"], "one machine"
        pair, link = self.two_machines(make_pair)
        (found,) = of(checked(pair, only_node="node1"), "spark.link")
        assert found.status == "error"
        assert "symbolic_link" in (found.fix or "")
        pair.profile.write_text(pair.profile.read_text() + f'\n[spark]\nsymbolic_link = "{link}"\n')
        assert statuses(checked(pair, only_node="node1"), "spark.link") == ["ok"]
        assert {one.node: one.status for one in of(checked(pair), "spark.link")} == {
            "node1": "ok",
            "node2": "skipped",
        }

    def test_one_path_on_both_needs_none(self, make_pair: Callable[..., Pair]) -> None:
        pair, _ = self.two_machines(make_pair)
        first, second = pair.homes
        text = pair.profile.read_text()
        for spelling in (str(first), f"{first}/", f"{first.parent}//{first.name}"):
            pair.profile.write_text(text.replace(f'"{second}"', f'"{spelling}"'))
            assert statuses(checked(pair, only_node="node1"), "spark.link") == ["ok"], spelling

    @pytest.mark.parametrize(
        ("make", "word"),
        [
            (lambda link, home: link.mkdir(), "not a symbolic link"),
            (lambda link, home: link.write_text("x"), "not a symbolic link"),
            (lambda link, home: link.symlink_to(home.parent), "points to"),
            (lambda link, home: link.symlink_to(home.parent / "nowhere"), "points to"),
            (lambda link, home: link.symlink_to(link), "points to"),
        ],
        ids=["folder", "file", "another home", "nowhere", "itself"],
    )
    def test_what_is_in_the_way(
        self, make: Callable[[Path, Path], object], word: str, make_pair: Callable[..., Pair]
    ) -> None:
        pair, link = self.two_machines(make_pair)
        pair.profile.write_text(pair.profile.read_text() + f'\n[spark]\nsymbolic_link = "{link}"\n')
        make(link, pair.homes[0])
        before = untouched(pair.homes[0])
        result, _ = replayed(pair, only_node="node1")
        assert result.exit_code == 3
        (found,) = [one for one in result.checks if one.status == "error"]
        assert (found.id, found.node) == ("spark.link", "node1")
        assert word in found.message
        assert str(link) in found.message
        assert untouched(pair.homes[0]) == before

    def test_a_link_that_is_right_already(self, make_pair: Callable[..., Pair]) -> None:
        pair, link = self.two_machines(make_pair)
        pair.profile.write_text(pair.profile.read_text() + f'\n[spark]\nsymbolic_link = "{link}"\n')
        link.symlink_to(os.path.relpath(pair.homes[0], link.parent))
        result = applied(pair, only_node="node1")
        (entry,) = [file for file in result.files if file["path"] == str(link)]
        assert entry["status"] == "unchanged"
        assert not os.path.isabs(os.readlink(link)), "it was not touched"

    def test_a_common_path_that_is_the_home_of_one_of_them(self, make_pair: Callable[..., Pair]) -> None:
        pair, _ = self.two_machines(make_pair)
        home = pair.homes[0]
        pair.profile.write_text(pair.profile.read_text() + f'\n[spark]\nsymbolic_link = "{home}"\n')
        assert statuses(checked(pair, only_node="node1"), "spark.link") == ["ok"]
        result = applied(pair, only_node="node1")
        assert str(home) not in {file["path"] for file in result.files}
        assert home.is_dir() and not home.is_symlink()
        assert f"carbon.das.symbolic.link {home}/\n" in (home / SPARK).read_text()

    def test_a_link_in_a_folder_that_is_missing(self, make_pair: Callable[..., Pair]) -> None:
        pair, link = self.two_machines(make_pair)
        pair.profile.write_text(pair.profile.read_text() + f'\n[spark]\nsymbolic_link = "{link}/deeper"\n')
        (found,) = of(checked(pair, only_node="node1"), "spark.link")
        assert found.status == "error"
        assert "mkdir" in (found.fix or "")


class TestDeploymentSync:
    @pytest.fixture
    def svn(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        monkeypatch.setenv("SVN", "secret")
        return {
            "method": "svn",
            "svn_url": "https://svn.example.com/r",
            "svn_username": "u",
            "svn_password": {"env": "SVN"},
        }

    def test_jars(self, svn: dict[str, Any], make_pair: Callable[..., Pair]) -> None:
        assert set(statuses(checked(make_pair("das-3.0.1")), "deployment-sync.jars")) == {"ok"}
        pair = make_pair(deployment_sync=svn)
        found = of(checked(pair), "deployment-sync.jars")
        assert [one.status for one in found] == ["warning"] * 2
        assert all("svnkit" in one.message and "trilead" in one.message for one in found)
        for home in pair.homes:
            (home / "repository/components/dropins/svnkit-all-1.8.7.wso2v1.jar").write_bytes(b"")
        assert all("svnkit" not in one.message for one in of(checked(pair), "deployment-sync.jars"))
        for home in pair.homes:
            (home / LIB / "trilead-ssh2-1.0.0-build215.jar").write_bytes(b"")
        assert statuses(checked(pair), "deployment-sync.jars") == ["ok", "ok"]

    def test_ssh(self, svn: dict[str, Any], make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(deployment_sync={**svn, "svn_url": "svn+ssh://svn.example.com/r"})
        (found,) = of(checked(pair), "deployment-sync.repository")
        assert found.status == "error"
        assert "error" not in statuses(
            checked(make_pair("das-3.0.1", deployment_sync=svn)), "deployment-sync.repository"
        )

    def test_c_apps(self, svn: dict[str, Any], make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        assert statuses(checked(pair), "deployment-sync.c-apps") == ["ok"]
        folders = [home / "repository/deployment/server/carbonapps" for home in pair.homes]
        (folders[0] / "a.car").write_bytes(b"one")
        (found,) = of(checked(pair), "deployment-sync.c-apps")
        assert found.status == "warning"
        assert "a.car" in found.message
        (folders[1] / "a.car").write_bytes(b"two")
        assert statuses(checked(pair), "deployment-sync.c-apps") == ["warning"]
        (folders[1] / "a.car").write_bytes(b"one")
        (folders[1] / "notes.txt").write_bytes(b"")
        assert statuses(checked(pair), "deployment-sync.c-apps") == ["ok"]
        shutil.rmtree(pair.homes[1])
        assert statuses(checked(pair, only_node="node1"), "deployment-sync.c-apps") == ["skipped"]


class TestUnfinished:
    def marked(self, pair: Pair) -> Path:
        """What an interrupted run whose journal is gone leaves in the second home."""
        marker = pair.homes[1] / ".apimha-wizard-run"
        told = {"run": "20200101T000000Z-0000", "journal": "/nowhere/journal.json", "owner": "a-user"}
        marker.write_text(json.dumps({**told, "host": "elsewhere", "started": "2020-01-01T00:00:00Z"}))
        return marker

    @pytest.mark.parametrize(
        "arguments",
        [["check", "--offline"], ["replay", "--offline", "--dry-run"], ["replay", "--offline"]],
        ids=" ".join,
    )
    def test_it_is_exit_5_with_the_owner(self, arguments: list[str], make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        assert statuses(checked(pair), "apply.unfinished") == ["ok"]
        self.marked(pair)
        before = untouched(*pair.homes)
        ran = run(*arguments, "--json", pair.profile)
        assert ran.code == 5
        assert ran.json["outcome"] == "refused"
        assert "a-user" in ran.out
        assert "20200101T000000Z-0000" in ran.out
        assert untouched(*pair.homes) == before
        # The node of --node has nothing to do with it.
        assert run("check", "--offline", "--node", "node1", pair.profile).code == 0


# --- broken files -------------------------------------------------------------------------------------------


class TestBrokenFiles:
    @pytest.mark.parametrize("relative", [CARBON, AXIS2, EVENT_PROCESSOR, REGISTRY, USER_MGT, STORES])
    def test_each_is_told_once(self, relative: str, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        (pair.homes[0] / relative).write_text("<broken>")
        found = [one for one in checked(pair) if one.status == "error"]
        assert [(one.id, one.node) for one in found] == [("prerequisites.files", "node1")]
        assert not [
            one for one in checked(pair) if one.status == "warning" and one.id != "prerequisites.java"
        ]

    def test_a_file_of_a_step_that_is_left_out_does_not_matter(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        (pair.homes[0] / REGISTRY).write_text("<broken>")
        (pair.homes[0] / SPARK).unlink()
        assert replayed(pair, skip=("registry", "spark"))[0].outcome == "applied"


@pytest.mark.parametrize(
    ("severity", "reported", "status"),
    [("error", False, "error"), ("warning", False, "warning"), ("error", True, "skipped")],
)
def test_a_check_that_cannot_read_its_file_says_so_unless_the_plan_does(
    severity: str, reported: bool, status: str
) -> None:
    def raises(context: CheckContext) -> Iterator[Finding]:
        yield finding.ok("first")
        raise EditError("broken", place="/a/b.xml:3:4", fix="correct it")

    problem = finding.error("/a/b.xml:3:4: broken", fix="correct it", node="node1")
    context: Any = CheckContext(None, (), {}, SimpleNamespace(problems=(problem,) * reported), None)
    made: Any = Check("x.a", "because it is so", "do it", severity)(raises)
    first, second = checks.run([made], context)
    assert (first.status, second.status, second.id) == ("ok", status, "x.a")
    assert reported or (second.message, second.fix) == ("/a/b.xml:3:4: broken", "correct it")
