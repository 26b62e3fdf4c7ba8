"""The checks: each row of the table that needs no network, passed and failed; and how they run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from shlex import quote
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from lxml import etree

from tests.support import pairs
from tests.support.cli import run
from tests.support.hands import SVN, Hand, do, judged, on, profiled, put, refused, rewrite
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    AXIS2,
    CARBON,
    EVENT_PROCESSOR,
    LIB,
    PACKS,
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
from wizard.pack.home import C_APPS, DROPINS, HAZELCAST
from wizard.preflight import checks
from wizard.preflight.checks import Check, CheckContext
from wizard.steps.event_processor import REQUIRED
from wizard.steps.procedure import CHECKS, STEP_IDS
from wizard.system import finding
from wizard.system.errors import EditError
from wizard.system.finding import Finding

MakePair = Callable[..., Pair]

OLD = "com.mysql.jdbc.Driver"
BY_ID = {one.id: one for one in CHECKS}
HOMES = ("secret", "home", "this-machine", "same-home", "files", "running", "writable", "space")
ALWAYS = {*(f"prerequisites.{name}" for name in HOMES), "registry.local-database", "datasources.placeholder"}


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

    def test_what_cannot_be_ignored(self, shared: Path, make_pair: MakePair) -> None:
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
    def test_a_stock_pair_passes_offline_without_the_live_ones(self, make_pair: MakePair) -> None:
        found = checked(make_pair())
        assert {one.status for one in found if one.id != "prerequisites.java"} <= {"ok", "skipped"}
        ran, offline = {one.id for one in found}, {one.id for one in CHECKS if one.offline}
        assert {one.id for one in CHECKS if not one.live} - {"prerequisites.this-machine"} <= ran <= offline

    @pytest.mark.parametrize("step", STEP_IDS)
    def test_a_step_or_all_but_it_and_what_always_runs(self, step: str, make_pair: MakePair) -> None:
        pair = make_pair()
        ran = {one.id for one in checked(pair, only=(step,), only_node="node1")}
        wanted = {one.id for one in CHECKS if not one.live and (one.always or one.step == step)}
        assert {id for id in ran if not BY_ID[id].live} == wanted
        assert {id.split(".")[0] for id in ran - ALWAYS} <= {step, "ports", "apply"}
        ran = {one.id for one in checked(pair, skip=(step,))}
        assert not {id for id in ran - ALWAYS if id.split(".")[0] == step}
        assert ran >= ALWAYS - {"prerequisites.this-machine"}
        assert {"ports.clash", "apply.unfinished"} <= ran

    def test_what_always_runs_still_refuses(self, make_pair: MakePair) -> None:
        pair = make_pair(nodes=[{}, {"hazelcast_port": 4000}])
        assert replayed(pair, only=("spark",))[0].exit_code == 3, "ports.clash"
        pair.profile.write_text(pair.profile.read_text().replace("APIM_DB_PASSWORD", "APIM_NOT_SET"))
        result, _ = replayed(pair, only=("datasources",), ignore=("ports.clash",))
        assert statuses(result.checks, "prerequisites.secret") == ["error"]
        # A step that needs no password needs none.
        result, _ = replayed(pair, only=("spark",), ignore=("ports.clash",))
        assert result.outcome == "applied"


# --- what each check says -------------------------------------------------------------------------------------

API_MANAGER, API_MANAGER_21, DAS, DAS_31, IS = PACKS
TWO_MACHINES = profiled(nodes=[{}, {"host": "203.0.113.9"}])
NODE_ID = "repository/conf/analytics/my-node-id.dat"


class Case(NamedTuple):
    """What a check says of a pair once hands have worked on it: a status for each finding, and parts of the texts."""

    check: str
    statuses: str
    hands: Sequence[Hand] = ()
    parts: Sequence[str] = ()
    pack: str = API_MANAGER
    node: str | None = None


def driver(relative: str, driver_class: str = OLD) -> Hand:
    """A driver's jar in each home."""

    def hand(pair: Pair) -> None:
        for home in pair.homes:
            pairs.driver_jar(home / relative, driver_class)

    return hand


def common_path(name: str) -> Hand:
    """The profile names a common path beside it."""
    return lambda pair: profiled(spark={"symbolic_link": str(pair.profile.parent / name)})(pair)


def gone(pair: Pair) -> None:
    for home in pair.homes:
        shutil.rmtree(home)


def parameter(name: str, value: str) -> Hand:
    """A parameter of the clustering, as a person adds one behind `domain`."""
    before = '<parameter name="membershipScheme">'
    return (AXIS2, before, f'<parameter name="{name}">{value}</parameter>{before}')


def receiver(value: str) -> str:
    return (
        '<eventReceiver name="r" xmlns="http://wso2.org/carbon/eventreceiver"><from eventAdapterType="wso2event">'
        f'<property name="events.duplicated.in.cluster">{value}</property></from></eventReceiver>'
    )


def c_app(value: str) -> bytes:
    """A C-App with that receiver."""
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as car:
        car.writestr("r_1.0.0/r.xml", receiver(value))
        artifact = '<artifact name="r" type="event/receiver"><file>r.xml</file></artifact>'
        car.writestr("r_1.0.0/artifact.xml", artifact)
    return data.getvalue()


def release(product: str | None) -> Hand:
    """What `bin/version.txt` holds; None: it is missing."""
    if product is not None:
        return put("bin/version.txt", product)
    return lambda pair: [(home / "bin/version.txt").unlink() for home in pair.homes]


def node_ids(one: str, other: str, folders: tuple[str, str]) -> list[Hand]:
    return [
        on(number, put(f"repository/{folder}my-node-id.dat", id))
        for number, id, folder in zip((1, 2), (one, other), folders, strict=True)
    ]


KNOWN, THIS_MACHINE = "prerequisites.known-pack", "prerequisites.this-machine"
COPIED, SECOND, VERSION = (f"prerequisites.{name}" for name in ("copied-node-id", "second-driver", "version"))
CONNECTOR = "mysql-connector-java-5.1"
CASES = [
    # --- prerequisites
    *(Case(THIS_MACHINE, status, [TWO_MACHINES], parts, node=node) for node, status, parts in [
        ("node1", "ok", ()),
        ("node2", "error", ("node2: ", "203.0.113.9", "Run it on the machine of that node")),
        (None, "", ()),  # without --node it is unknown which machine this is
    ]),
    *(Case(THIS_MACHINE, status, [profiled(nodes=[{"host": host}])], node="node1") for host, status in [
        ("localhost", "ok"),
        ("node1.example.com", "skipped"),  # a name, which is not resolved offline
    ]),
    Case("prerequisites.home", "ok", [TWO_MACHINES, on(2, gone)], node="node1"),
    Case(VERSION, "ok"),
    # Several releases print one version.
    Case(VERSION, "error", [on(2, put("bin/wso2carbon-version.txt", "WSO2 Carbon Framework v4.4.26\n"))],
         ["kernel 4.4.26"]),
    Case(VERSION, "skipped", [on(2, gone)], node="node1"),
    *(Case(KNOWN, f"{status} {status}", [release(product)]) for product, status in [
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
    ]),
    Case("prerequisites.java", "warning warning", parts=["neither java_home nor JAVA_HOME is set"]),
    Case("prerequisites.driver-jar", "ok ok", [profiled(mysql={"driver_jar": None}), driver(f"{LIB}/mine.jar")]),
    Case("prerequisites.driver-jar", "error", [profiled(mysql={"driver_class": "com.mysql.cj.jdbc.Driver"})],
         ["com.mysql.cj.jdbc.Driver"]),
    *(Case(SECOND, f"{status} ok", [on(1, driver(f"{folder}/{name}", driver_class))],
           ["node1", "rm ", name] * (status == "warning"))
      for folder, name, driver_class, status in [
        (LIB, f"{CONNECTOR}.36-bin.jar", OLD, "warning"),
        (LIB, "mysql-connector-j-8.0.33.jar", "com.mysql.cj.jdbc.Driver", "warning"),
        (LIB, f"{CONNECTOR}.49-bin.jar", OLD, "ok"),
        (LIB, "postgresql.jar", "org.postgresql.Driver", "ok"),
        (DROPINS, "mysql_connector_java_5.1.36_bin_1.0.0.jar", OLD, "warning"),
        # What the server itself makes of our jar when it starts.
        (DROPINS, "mysql_connector_java_5.1.49_bin_1.0.0.jar", OLD, "ok"),
        (DROPINS, "org.example_1.0.0.jar", "org.example.Thing", "ok"),
    ]),
    Case(COPIED, "ok"),
    # From carbon-analytics 1.3.19 on the id is elsewhere, in 2.2.0 by a missing separator.
    *(Case(COPIED, status, node_ids(one, other, folders),
           [f"{folders[1]}my-node-id.dat", "rm /"] * (status == "error"), pack)
      for pack, folders in [
        (API_MANAGER, ("conf/analytics/", "conf/analytics/")),
        (API_MANAGER_21, ("data/", "data/")),
        (DAS_31, ("data", "conf/analytics/")),
      ]
      for one, other, status in [("4b6a", "4b6b", "ok"), ("4b6a", "4b6a\n", "error")]),
    Case(COPIED, "skipped", [on(2, gone)], node="node1"),
    # --- mysql, as far as the version in the profile tells
    *(Case("mysql.script", f"{status} {status}", [profiled(mysql={"server_version": version})], pack=pack)
      for pack, version, status in [
        (API_MANAGER, "5.6", "ok"),
        (API_MANAGER, "5.7", "ok"),
        (API_MANAGER, "9.0", "ok"),
        (DAS, "5.6", "ok"),
        (DAS, "5.7", "error"),
        (DAS, "8.0.36", "error"),
        (DAS, "10.11-MariaDB", "ok"),
    ]),
    # The script stays found when it has changed its name.
    Case("mysql.script", "ok ok", [profiled(mysql={"server_version": "8.0", "provisioning": "server"}), applied]),
    # --- datasources
    Case("datasources.stats", "ok ok"),
    Case("datasources.stats", "warning warning", [TWO_MACHINES], ["mysql.databases.stats"]),
    Case("datasources.stats", "ok ok", [TWO_MACHINES, profiled(mysql={"databases": {"stats": "S"}})]),
    Case("datasources.stats", "ok ok", [TWO_MACHINES], pack=DAS),
    *(Case("datasources.replication", f"{status} {status}", [(STORES, "Factor>1<", f"Factor>{value}<")])
      for value, status in [("1", "ok"), ("2", "ok"), ("0", "warning"), (" 0 ", "warning")]),
    # --- hazelcast
    Case("hazelcast.override", "ok ok"),
    *(Case("hazelcast.override", f"ok {status}", [on(2, put(HAZELCAST, "<hazelcast/>"))],
           ["mv ", f"{HAZELCAST} "] * (status == "error"), pack)
      for pack, status in [(DAS, "ok"), (API_MANAGER, "error"), (DAS_31, "error"), (IS, "error")]),
    *(Case("hazelcast.group-password", status, [
        on(number, parameter("groupPassword", password))
        for number, password in enumerate(passwords, 1) if password is not None
      ])
      for passwords, status in [
        (("a", "a"), "ok"),
        (("a", "b"), "error"),
        (("a", None), "error"),
        ((None, None), "ok"),
        ((" a ", "a"), "ok"),
    ]),
    *(Case("hazelcast.bind-port", f"{status} ok", [on(1, parameter("localMemberBindPort", port))],
           ["localMemberBindPort is 4001"] * (status == "warning"))
      for port, status in [("4000", "ok"), ("4001", "warning"), ("", "ok")]),
    # --- event-processor
    Case("event-processor.persistence", "ok ok"),
    Case("event-processor.persistence", "warning warning", parts=["persistence = false"], pack=DAS),
    Case("event-processor.persistence", "ok ok", [profiled(event_processor={"persistence": False})], pack=DAS),
    Case("event-processor.member-interval", "ok ok"),
    *(Case("event-processor.duplicated", f"{status} {status}", [
        profiled(event_processor={"duplicated_events": both}), put(path, content),
      ])
      for value, both, status in [
        ("true", False, "warning"), ("true", True, "ok"), ("false", False, "ok"), ("false", True, "warning"),
      ]
      for path, content in [
        ("repository/deployment/server/eventreceivers/r.xml", receiver(value)), (f"{C_APPS}/app.car", c_app(value)),
    ]),
    *(Case("event-processor.member-interval", "error error", [
        rewrite(EVENT_PROCESSOR, f"<{name}>[^<]*</{name}>", f"<{name}> </{name}>" if "Queue" in name else ""),
        rewrite(EVENT_PROCESSOR, "<receiverQueueSize>.*?</receiverQueueSize>", "<receiverQueueSize/>"),
      ], [path, "eventSync/receiverQueueSize"], pack)
      for path in REQUIRED for name in [path.rpartition("/")[2]] for pack in (API_MANAGER, DAS, IS)),
    # --- spark
    Case("spark.link", "ok", pack=DAS),
    Case("spark.link", "error", [TWO_MACHINES], ["symbolic_link"], node="node1"),
    Case("spark.link", "ok", [TWO_MACHINES, common_path("common")], node="node1"),
    Case("spark.link", "ok skipped", [TWO_MACHINES, common_path("common")], ["node2"]),
    Case("spark.link", "error", [TWO_MACHINES, common_path("missing/common")], ["mkdir"], node="node1"),
    Case("spark.link", "error", [TWO_MACHINES, common_path("analytics-2")], ["not a symbolic link"], node="node1"),
    # --- deployment-sync
    Case("deployment-sync.jars", "ok", pack=DAS),
    Case("deployment-sync.jars", "warning warning", [profiled(**SVN)], ["svnkit", "trilead"]),
    Case("deployment-sync.jars", "warning warning", [profiled(**SVN), put(f"{DROPINS}/svnkit-all-1.8.7.jar")],
         ["missing: trilead"]),
    Case("deployment-sync.jars", "ok ok", [
        profiled(**SVN), put(f"{DROPINS}/svnkit-all-1.8.7.jar"), put(f"{LIB}/trilead-ssh2-1.0.0-build215.jar"),
    ]),
    Case("deployment-sync.repository", "", [profiled(**SVN)]),
    Case("deployment-sync.repository", "error",
         [profiled(**SVN), profiled(deployment_sync={"svn_url": "svn+ssh://svn.example.com/r"})]),
    *(Case("deployment-sync.c-apps", status, hands, parts) for status, hands, parts in [
        ("ok", [], ()),
        ("warning", [on(1, put(f"{C_APPS}/a.car", "one"))], ["a.car"]),
        ("warning", [on(1, put(f"{C_APPS}/a.car", "one")), on(2, put(f"{C_APPS}/a.car", "two"))], ["a.car"]),
        ("ok", [put(f"{C_APPS}/a.car", "one"), on(2, put(f"{C_APPS}/notes.txt"))], ()),
    ]),
    Case("deployment-sync.c-apps", "skipped", [on(2, gone)], node="node1"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check} {case.statuses}")
def test_what_a_check_says(case: Case, make_pair: MakePair) -> None:
    pair = do(make_pair(case.pack), *case.hands)
    judged(pair, case.check, case.statuses, *case.parts, only_node=case.node)
    if "warning" in case.statuses:
        assert replayed(pair, dry_run=True, ignore=("spark.link",))[0].outcome == "pending", (
            "it stops nothing"
        )


def test_group_passwords_are_not_printed(make_pair: MakePair) -> None:
    pair = do(make_pair(), on(1, parameter("groupPassword", "hidden-one")))
    assert not any("hidden-one" in f"{one.message}{one.fix}" for one in checked(pair))


class TestPrerequisites:
    @pytest.mark.parametrize("folder", ["PROFILE", "NODE", "apimha-wizard PROFILE"])
    def test_fix_keeps_a_path_that_looks_like_a_placeholder(
        self, folder: str, make_pair: MakePair, tmp_path: Path
    ) -> None:
        """Only the profile's name is filled in: whatever a path of the user holds stays as it is."""
        pair = make_pair()
        there = tmp_path / folder
        (there / "inner").mkdir(parents=True)
        first, second = (home.rename(there / "inner" / home.name) for home in pair.homes)
        text = pair.profile.read_text().replace(str(pair.homes[0].parent), str(there / "inner"))
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

    def test_same_home_on_two_machines_says_node(self, make_pair: MakePair) -> None:
        """On two machines one path is the usual case: what is missing is `--node`."""
        pair = do(make_pair(), TWO_MACHINES)
        do(pair, profiled(nodes=[{}, {"home": str(pair.homes[0])}]))
        message = refused(pair, "prerequisites.same-home", "two machines")
        judged(pair, "prerequisites.same-home", "error", "--node node1", message)

    @pytest.mark.parametrize("spelling", ["{}/", "{}/x/../../analytics-1", "{}//.", "{}"])
    def test_one_home_in_another_spelling(self, spelling: str, make_pair: MakePair) -> None:
        """On one machine it is refused; on two machines, both homes at one path need no common one."""
        pair = do(make_pair(), put("x/file"))
        home = spelling.format(pair.homes[0])
        do(pair, profiled(nodes=[{}, {"home": home}]))
        judged(pair, "prerequisites.same-home", "error")
        if ".." not in spelling:  # which another machine may resolve otherwise
            judged(do(pair, TWO_MACHINES), "spark.link", "ok", only_node="node1")

    def test_running(self, make_pair: MakePair) -> None:
        pair = make_pair()
        pid, check = pair.homes[1] / "wso2carbon.pid", "prerequisites.running"
        for content, status in ((f"{os.getpid()}", "error"), ("999999999", "ok"), ("", "ok"), ("x", "ok")):
            pid.write_text(content)
            judged(pair, check, f"ok {status}")
        pid.write_text(f"{os.getpid()}")
        # The process is not the home's server: start and stop of this program ignore it.
        judged(pair, check, "ok error", f"sh {pair.homes[1]}/bin/wso2server.sh stop")
        server = [sys.executable, "-c", "print(flush=True); input()", f"-Dcarbon.home={pair.homes[1]}"]
        with subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()  # its command line can be read
            pid.write_text(f"{process.pid}")
            judged(pair, check, "ok error", f"apimha-wizard stop {pair.profile} --node node2")
            process.communicate(b"\n")
        with subprocess.Popen(["true"]) as ended:
            os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
            pid.write_text(str(ended.pid))
            judged(pair, check, "ok ok")  # a zombie does not run
        pid.unlink()
        applied(pair)
        pid.write_text(f"{os.getpid()}\n")
        judged(pair, check, "ok ok")  # nothing has to be written

    def test_running_with_changes_elsewhere_only(self, make_pair: MakePair) -> None:
        """Only the node that has changes has to be stopped."""
        pair = do(make_pair(), applied, on(1, (AXIS2, ">wka<", ">multicast<")))
        (pair.homes[1] / "wso2carbon.pid").write_text(f"{os.getpid()}")
        assert applied(pair).exit_code == 0

    def test_space(self, make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
        pair = make_pair()
        judged(pair, "prerequisites.space", "ok")
        usage = shutil.disk_usage(pair.homes[0])
        monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=10_000))
        refused(pair, "prerequisites.space", "9 kB free")

    @pytest.mark.parametrize("named", [True, False])
    @pytest.mark.parametrize(
        ("release", "fits"),
        [
            *((f'X="x"\nJAVA_VERSION="{one}"\nY="x"\n', True) for one in ("1.8.0_292", "1.7.0_80", "1.8")),
            *((f'JAVA_VERSION="{one}"\n', False) for one in ("1.6.0_45", "17", "8.0", "1.80")),
            *((text, False) for text in ("nothing\n", "", None)),
        ],
    )
    def test_java(
        self, release: str | None, fits: bool, named: bool, make_pair: MakePair, tmp_path: Path,
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

    @pytest.mark.parametrize("pack", ["apim-analytics-2.1.0", "das-3.0.1"])
    def test_a_missing_offset_is_added_as_the_first_one_of_its_element(
        self, pack: str, make_pair: MakePair
    ) -> None:
        pair = make_pair(pack, nodes=[{"port_offset": 20}])
        path = pair.homes[0] / CARBON
        path.write_text(re.sub(r"\s*<Offset>\d+</Offset>", "", path.read_text("iso-8859-1")), "iso-8859-1")
        applied(pair)
        (ports,) = etree.parse(path).getroot().iter("{*}Ports")
        (first, *_) = (child for child in ports if isinstance(child.tag, str))
        assert (etree.QName(first).localname, first.text) == ("Offset", "20")

    def test_the_driver_is_called_a_jar(self, make_pair: MakePair, tmp_path: Path) -> None:
        pair = make_pair(mysql={"driver_jar": str(pairs.driver_jar(tmp_path / "driver.zip"))})
        judged(pair, "prerequisites.driver-jar", "error", f"mv {tmp_path}/driver.zip {tmp_path}/driver.jar ")

    def test_the_driver_may_be_that_of_one_of_the_homes(self, make_pair: MakePair) -> None:
        pair = make_pair()
        first, second = (home / LIB / "mine.jar" for home in pair.homes)
        pairs.driver_jar(first)
        do(pair, profiled(mysql={"driver_jar": str(first)}))
        result = applied(pair)
        found = {file["node"]: file["status"] for file in result.files if file["path"].endswith("mine.jar")}
        assert found == {"node1": "unchanged", "node2": "created"}
        assert second.read_bytes() == first.read_bytes()

    def test_a_link_out_of_the_home(self, make_pair: MakePair, tmp_path: Path) -> None:
        pair = make_pair()
        assert statuses(checked(pair), "prerequisites.link") == ["ok", "ok"]
        outside = tmp_path / "outside.xml"
        (pair.homes[0] / AXIS2).rename(outside)
        (pair.homes[0] / AXIS2).symlink_to(outside)
        judged(pair, "prerequisites.link", "warning ok", str(outside))
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


class TestCommonPath:
    def test_a_link_that_is_right_already(self, make_pair: MakePair) -> None:
        pair = do(make_pair(), TWO_MACHINES, common_path("common"))
        link = pair.profile.parent / "common"
        link.symlink_to(os.path.relpath(pair.homes[0], link.parent))
        result = applied(pair, only_node="node1")
        (entry,) = [file for file in result.files if file["path"] == str(link)]
        assert entry["status"] == "unchanged"
        assert not os.path.isabs(os.readlink(link)), "it was not touched"

    def test_the_home_of_one_of_them(self, make_pair: MakePair) -> None:
        pair = do(make_pair(), TWO_MACHINES, common_path("analytics-1"))
        home = pair.homes[0]
        judged(pair, "spark.link", "ok", only_node="node1")
        result = applied(pair, only_node="node1")
        assert str(home) not in {file["path"] for file in result.files}
        assert home.is_dir() and not home.is_symlink()
        assert f"carbon.das.symbolic.link {home}/\n" in (home / SPARK).read_text()


@pytest.mark.parametrize("command", ["check", "replay --dry-run", "replay"])
def test_an_unfinished_run_is_exit_5_with_the_owner(command: str, make_pair: MakePair) -> None:
    """What an interrupted run whose journal is gone leaves in the second home."""
    pair = make_pair()
    judged(pair, "apply.unfinished", "ok")
    marker = {"run": "20200101T000000Z-0000", "journal": "/nowhere/journal.json", "owner": "a-user"}
    marker |= {"host": "elsewhere", "started": "2020-01-01T00:00:00Z"}
    do(pair, on(2, put(".apimha-wizard-run", json.dumps(marker))))
    before = untouched(*pair.homes)
    ran = run(*command.split(), "--offline", "--json", pair.profile)
    assert (ran.code, ran.json["outcome"]) == (5, "refused")
    assert "a-user" in ran.out and "20200101T000000Z-0000" in ran.out
    assert untouched(*pair.homes) == before
    # The node of --node has nothing to do with it.
    assert run("check", "--offline", "--node", "node1", pair.profile).code == 0


def test_a_file_of_a_step_that_is_left_out_does_not_matter(make_pair: MakePair) -> None:
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
