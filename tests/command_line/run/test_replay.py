"""`replay --offline` of real packs: every value of the procedure is in the files, and nothing else has changed.

The values are looked up with plain lxml over local names, never with the project's own editors.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import pairs
from tests.support.hands import SVN, datasources, do, profiled, refused
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    ANALYTICS,
    API_MANAGER_PACKS,
    AXIS2,
    CARBON,
    EVENT_PROCESSOR,
    LIB,
    MASTER,
    PACKS,
    REGISTRY,
    SPARK,
    SPARK_BAT,
    SPARK_SH,
    STATS,
    STORES,
    USER_MGT,
    applied,
    errors,
    live,
    properties,
    quick_disk,
    replayed,
    rolled_back,
    standing,
    text,
    texts,
    untouched,
)
from tests.support.pairs import Pair

PASSWORD = "pä&ß<w>o\"r'd€"
SVN_PASSWORD = "sv<&>n\"'é中"
RICH_ENVIRONMENT = {
    "APIM_DB_PASSWORD": pairs.PASSWORD,
    "RICH_PASSWORD": PASSWORD,
    "RICH_TRUST_PASSWORD": "tr&us+t =%/ü",
    "RICH_SVN_PASSWORD": SVN_PASSWORD,
}
DRIVER = "com.mysql.cj.jdbc.Driver"


def rich_profile(folder: Path, *, stats: bool) -> dict[str, Any]:
    """Every field that a profile has, with values that are hard to write."""
    jar = pairs.driver_jar(folder / "mysql connector & more.jar", DRIVER)
    databases = {
        "user": "users",
        "registry": "registry",
        "event_store": "EVENTS",
        "processed_data_store": "PROCESSED",
    }
    return {
        "cluster": {"domain": "wso2 & Söhne <domain>"},
        "mysql": {
            "host": "db.example.com", "port": 3307, "username": "äpim&<user>", "password": {"env": "RICH_PASSWORD"},
            "provisioning": "server", "server_version": "8.0.36" if stats else "5.6",
            "url_parameters": {
                "useSSL": "false", "sessionVariables": "sql_mode='ANSI&more'", "characterEncoding": "UTF-8",
                "trustCertificateKeyStorePassword": {"env": "RICH_TRUST_PASSWORD"},
            },
            "driver_class": DRIVER, "driver_jar": str(jar),
            "databases": databases | ({"stats": "STATISTICS"} if stats else {}),
        },
        "datasources": {"processed_data_store": "PINNED & <DS>"},
        "pool": {
            "max_active": 77, "max_wait_ms": 61000, "test_on_borrow": False,
            "validation_query": "/* ping & <pong> */ SELECT 1", "validation_interval_ms": 31000,
        },
        "registry": {
            "remote_url": "https://registry.example.com:9443/registry?a=1&b=2", "read_only": True,
            "enable_cache": False, "registry_root": "/röot", "cache_id": "someone@jdbc:mysql://db/registry?a&b",
        },
        "event_processor": {
            "persistence": True, "persistence_interval_minutes": 5, "persistence_location": "cep & state",
            "presenter": "node2",
        },
        "spark": {"master_count": 3},
        "deployment_sync": {
            "method": "svn", "svn_url": "https://svn.example.com/repos?a=1&b=2", "svn_username": "svn&user",
            "svn_password": {"env": "RICH_SVN_PASSWORD"}, "append_tenant_id": False, "manager": "node2",
        },
        "nodes": [
            {"port_offset": 3, "spark_local_ip": "127.0.0.1"},
            {"host": "127.0.0.2", "port_offset": 5, "spark_local_ip": "127.0.0.2", "presentation_port": 11777},
        ],
    }  # fmt: skip


@pytest.fixture(scope="module", params=PACKS)
def pack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "rich"])
def is_rich(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def stock(pack: str, packs: Path) -> Path:
    return packs / pack


@pytest.fixture(scope="module")
def configured(pack: str, is_rich: bool, stock: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A pair that was replayed once; its files are only read."""
    folder = tmp_path_factory.mktemp(pack) / ("WSO2 & Söhne, 中 <2>" if is_rich else "plain")
    folder.mkdir()
    extra = rich_profile(folder, stats=pack in API_MANAGER_PACKS) if is_rich else {}
    pair = pairs.make_pair(stock, folder, **extra)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**RICH_ENVIRONMENT, "XDG_STATE_HOME": str(folder / "state")}.items():
            patch.setenv(name, value)
        applied(pair)
    return pair


CLUSTERING = (
    "/axisconfig/clustering[@class='org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent']"
)
MEMBER = f"{CLUSTERING}/members/member"
HA = "/eventProcessorConfiguration/mode[@name='HA']"
STORE = "//analytics-record-store[@name='{}']/properties/property[@name='datasource']"
EVENT_DB, PROCESSED_DB = "WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"
HOSTS, RICH_HOSTS = ("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "127.0.0.2")


def parameter(name: str) -> str:
    return f"{CLUSTERING}/parameter[@name='{name}']"


VALUES: list[tuple[str, str, Any, Any]] = [
    (MASTER, "//datasource/name", ["WSO2_CARBON_DB", "WSO2UM_DB", "WSO2REG_DB"], None),
    (MASTER, "//datasource[name='WSO2UM_DB']/jndiConfig/name", ["jdbc/WSO2UM_DB"], None),
    (MASTER, "//datasource[name='WSO2REG_DB']/jndiConfig/name", ["jdbc/WSO2REG_DB"], None),
    (MASTER, "//datasource[name='WSO2UM_DB']/description", ["The datasource used by user manager"], None),
    (MASTER, "//datasource[name='WSO2REG_DB']/description", ["The datasource used by the registry"], None),
    (ANALYTICS, "//datasource/name", [EVENT_DB, PROCESSED_DB], ["EVENTS", "PINNED & <DS>"]),
    (STORES, STORE.format("EVENT_STORE"), [EVENT_DB], ["EVENTS"]),
    (STORES, STORE.format("PROCESSED_DATA_STORE"), [PROCESSED_DB], ["PINNED & <DS>"]),
    (USER_MGT, "/UserManager/Realm/Configuration/Property[@name='dataSource']", ["jdbc/WSO2UM_DB"], None),
    (REGISTRY, "/wso2registry/dbConfig/@name", ["wso2registry", "govregistry"], None),
    (REGISTRY, "/wso2registry/dbConfig/dataSource", ["jdbc/WSO2CarbonDB", "jdbc/WSO2REG_DB"], None),
    (REGISTRY, "/wso2registry/currentDBConfig", ["wso2registry"], None),
    (REGISTRY, "/wso2registry/readOnly", ["false"], None),
    (REGISTRY, "/wso2registry/enableCache", ["true"], None),
    (REGISTRY, "/wso2registry/registryRoot", ["/"], None),
    (REGISTRY, "/wso2registry/remoteInstance/@url", ["https://localhost:9443/registry"],
        ["https://registry.example.com:9443/registry?a=1&b=2"]),
    (REGISTRY, "/wso2registry/remoteInstance/*",
        ["gov", "apim@jdbc:mysql://127.0.0.1:3306/regdb", "govregistry", "false", "true", "/"],
        ["gov", "someone@jdbc:mysql://db/registry?a&b", "govregistry", "true", "false", "/röot"]),
    (REGISTRY, "/wso2registry/mount/@path", ["/_system/governance", "/_system/config"], None),
    (REGISTRY, "/wso2registry/mount/@overwrite", ["true", "true"], None),
    (REGISTRY, "/wso2registry/mount/*", ["gov", "/_system/governance", "gov", "/_system/config"], None),
    (AXIS2, f"{CLUSTERING}/@enable", ["true"], None),
    (AXIS2, parameter("membershipScheme"), ["wka"], None),
    (AXIS2, parameter("domain"), ["wso2.carbon.domain"], ["wso2 & Söhne <domain>"]),
    (AXIS2, parameter("localMemberHost"), HOSTS, RICH_HOSTS),
    (AXIS2, parameter("localMemberPort"), ("4000", "4001"), None),
    (AXIS2, f"{parameter('properties')}/property[@name='subDomain']/@value", ["worker"], None),
    (AXIS2, f"{parameter('properties')}/property/@name", ["backendServerURL", "mgtConsoleURL", "subDomain"], None),
    (AXIS2, f"{MEMBER}/hostName", [*HOSTS], [*RICH_HOSTS]),
    (AXIS2, f"{MEMBER}/port", ["4000", "4001"], None),
    (EVENT_PROCESSOR, f"{HA}/@enable", ["true"], None),
    (EVENT_PROCESSOR, "/eventProcessorConfiguration/mode[@enable='true']/@name", ["HA"], None),
    (EVENT_PROCESSOR, f"{HA}/eventSync/hostName", HOSTS, RICH_HOSTS),
    (EVENT_PROCESSOR, f"{HA}/eventSync/port", ("11224", "11225"), None),
    (EVENT_PROCESSOR, f"{HA}/management/hostName", HOSTS, RICH_HOSTS),
    (EVENT_PROCESSOR, f"{HA}/management/port", ("10005", "10006"), None),
    (EVENT_PROCESSOR, f"{HA}/nodeType/worker/@enable", ["true"], None),
    (EVENT_PROCESSOR, f"{HA}/nodeType/presenter/@enable", ["false"], ("false", "true")),
    (EVENT_PROCESSOR, f"{HA}/presentation/hostName", ["0.0.0.0"], ["127.0.0.2"]),
    (EVENT_PROCESSOR, f"{HA}/presentation/port", ["11000"], ["11777"]),
    (CARBON, "/Server/DeploymentSynchronizer/Enabled", ["false"], ["true"]),
    (CARBON, "/Server/DeploymentSynchronizer/AutoCommit", ["false"], ("false", "true")),
    (CARBON, "/Server/DeploymentSynchronizer/*[position() > 2]",
        ["true", "svn", "http://svnrepo.example.com/repos/", "username", "password", "true"],
        ["true", "svn", "https://svn.example.com/repos?a=1&b=2", "svn&user", SVN_PASSWORD, "false"]),
]  # fmt: skip
"""File, XPath, and the values of the plain and of the rich profile (None: the same): a list is that of both nodes, a
tuple has the one of each node."""


def test_every_value_of_the_procedure_is_in_the_files(is_rich: bool, stock: Path, configured: Pair) -> None:
    for number, home in enumerate(configured.homes):
        for file, path, plain, rich in VALUES:
            values = rich if is_rich and rich is not None else plain
            wanted = [values[number]] if isinstance(values, tuple) else values
            assert texts(home, file, path) == wanted, (home.name, file, path)
        jar = next((home / LIB).glob("mysql*.jar"))
        assert jar.read_bytes() == (configured.profile.parent / jar.name).read_bytes()
        assert jar.stat().st_mode & 0o777 == 0o644
        tenants = "repository/conf/axis2/tenant-axis2.xml"
        assert (home / tenants).read_bytes() == (stock / tenants).read_bytes()
    own = int(text(stock, CARBON, "/Server/Ports/Offset"))
    offsets = [text(home, CARBON, "/Server/Ports/Offset") for home in configured.homes]
    assert offsets == (["3", "5"] if is_rich else [str(own), str(own + 1)])


@pytest.mark.parametrize("version", ["5.7", "5.7.44", "8.0.36", "9.0"])
@pytest.mark.parametrize("pack", API_MANAGER_PACKS)
def test_the_script_of_the_first_start_changes_places_for_a_new_server(
    pack: str, version: str, make_pair: Callable[..., Pair], packs: Path
) -> None:
    """`-Dsetup` always runs `mysql.sql`; packs with the key manager's feature have the scripts a second time."""
    pair = make_pair(pack, mysql={"provisioning": "server", "server_version": version})
    for home in pair.homes:
        folder = home / "dbscripts/identity"
        folder.mkdir()
        (folder / "mysql.sql").write_text("CREATE TABLE OLD;\n")
        (folder / "mysql5.7.sql").write_text("CREATE TABLE NEW;\n")
        (folder / "mysql.sql").chmod(0o640)
    before, stock = standing(*pair.homes), packs / pack / "dbscripts"
    result = applied(pair)
    for home in pair.homes:
        scripts, identity = home / "dbscripts", home / "dbscripts/identity"
        assert (scripts / "mysql.sql").read_bytes() == (stock / "mysql5.7.sql").read_bytes()
        assert (scripts / "mysql-before-5.7.sql").read_bytes() == (stock / "mysql.sql").read_bytes()
        assert (identity / "mysql.sql").read_text() == "CREATE TABLE NEW;\n"
        assert (identity / "mysql-before-5.7.sql").read_text() == "CREATE TABLE OLD;\n"
        assert (identity / "mysql-before-5.7.sql").stat().st_mode & 0o777 == 0o640
        assert not list(scripts.rglob("mysql5.7.sql"))
    renamed = {(file["path"], file["status"]) for file in result.files if file["step"] == "mysql"}
    names = (("mysql-before-5.7.sql", "created"), ("mysql.sql", "changed"))
    folders = ("dbscripts", "dbscripts/identity")
    assert renamed == {(f"{folder}/{name}", status) for folder in folders for name, status in names}
    assert replayed(pair)[0].outcome == "unchanged"
    assert rolled_back(pair).outcome == "restored"
    assert standing(*pair.homes) == before


@pytest.mark.parametrize(
    ("provisioning", "version"),
    [
        *(("server", version) for version in ("5.6", "5.6.51", "10.11-MariaDB", None)),
        *((other, "8.0") for other in ("wizard", "dba")),
    ],
)
def test_the_script_of_the_first_start_stays_for_every_other(
    provisioning: str, version: str | None, make_pair: Callable[..., Pair]
) -> None:
    pair = make_pair(mysql={"provisioning": provisioning, "server_version": version})
    before = [standing(home / "dbscripts") for home in pair.homes]
    applied(pair)
    assert [standing(home / "dbscripts") for home in pair.homes] == before


def test_a_name_of_a_script_that_is_taken_is_not_overwritten(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(mysql={"provisioning": "server", "server_version": "8.0"})
    aside = pair.homes[1] / "dbscripts/mysql-before-5.7.sql"
    aside.write_text("own")
    refused(pair, "prerequisites.files", str(aside))


POOL = (
    *("username", "password", "driverClassName", "maxActive", "maxWait"),
    *("testOnBorrow", "validationQuery", "validationInterval"),
)
PLAIN_POOL = dict(zip(POOL, (
    "apim", pairs.PASSWORD, "com.mysql.jdbc.Driver", "50", "60000", "true", "SELECT 1", "30000",
), strict=True))  # fmt: skip
RICH_POOL = dict(zip(POOL, (
    "äpim&<user>", PASSWORD, DRIVER, "77", "61000", "false", "/* ping & <pong> */ SELECT 1", "31000",
), strict=True))  # fmt: skip
PLAIN_URL = "jdbc:mysql://127.0.0.1:3306/{}"
RICH_URL = (
    "jdbc:mysql://db.example.com:3307/{}?useSSL=false&sessionVariables=sql_mode='ANSI%26more'&characterEncoding=UTF-8"
    "&trustCertificateKeyStorePassword=tr%26us%2Bt%20=%25/%C3%BC"
)


def test_datasources(pack: str, is_rich: bool, stock: Path, configured: Pair) -> None:
    url, pool = (RICH_URL, RICH_POOL) if is_rich else (PLAIN_URL, PLAIN_POOL)
    users, registry = ("users", "registry") if is_rich else ("userdb", "regdb")
    stores = [(EVENT_DB, EVENT_DB), (PROCESSED_DB, PROCESSED_DB)]
    stores = [("EVENTS", "EVENTS"), ("PINNED & <DS>", "PROCESSED")] if is_rich else stores
    for home in configured.homes:
        found = datasources(home, MASTER)
        for name, database in (("WSO2UM_DB", users), ("WSO2REG_DB", registry)):
            assert list(found[name].items()) == [("url", url.format(database)), *pool.items()]
        own = datasources(stock, MASTER)["WSO2_CARBON_DB"]
        assert found["WSO2_CARBON_DB"] == own, "the node's own database stays"
        for (name, database), stock_name in zip(stores, (EVENT_DB, PROCESSED_DB), strict=True):
            values = datasources(home, ANALYTICS)[name]
            before = datasources(stock, ANALYTICS)[stock_name]
            assert values == {**before, "url": url.format(database), **pool, "defaultAutoCommit": "false"}
            new = ["maxWait", "testOnBorrow", "validationQuery", "validationInterval", "defaultAutoCommit"]
            start = list(values).index("maxWait")
            between = [key for key in list(values)[start:] if key in new or key not in before]
            assert between[:5] == new
            assert [key for key in values if key in before] == list(before), "elements changed their order"
            if pack.endswith("2.1.0"):
                assert values["defaultTransactionIsolation"] == "READ_COMMITTED"
        write_only = texts(home, STORES, STORE.format("EVENT_STORE_WO"))
        assert write_only == ([] if pack == "das-3.0.1" else ["EVENTS" if is_rich else EVENT_DB])
        if is_rich and pack in API_MANAGER_PACKS:
            wanted = {"url": RICH_URL.format("STATISTICS"), **RICH_POOL, "defaultAutoCommit": "false"}
            assert datasources(home, STATS)["WSO2AM_STATS_DB"] == wanted
            assert text(home, STATS, "//datasource/jndiConfig/name") == "jdbc/WSO2AM_STATS_DB"
        elif pack in API_MANAGER_PACKS:
            assert (home / STATS).read_bytes() == (stock / STATS).read_bytes()
        else:
            assert not (home / STATS).exists()


def test_state_is_kept_where_the_pack_can(pack: str, is_rich: bool, configured: Pair) -> None:
    mode, enabled, interval, location = HA, "true", "15", "cep_persistence"
    if pack == "das-3.0.1":  # its mode HA has no persistence, and its mode SingleNode stays
        mode, enabled = "/eventProcessorConfiguration/mode[@name='SingleNode']", "false"
    elif is_rich:
        interval, location = "5", "cep & state"
    for home in configured.homes:
        assert texts(home, EVENT_PROCESSOR, "//persistence/@enable").count("true") == (mode == HA)
        kept = f"{mode}/persistence"
        assert text(home, EVENT_PROCESSOR, f"{kept}/@enable") == enabled
        assert text(home, EVENT_PROCESSOR, f"{kept}/persistenceIntervalInMinutes") == interval
        assert location in texts(home, EVENT_PROCESSOR, f"{kept}/persister/property")


def test_spark(is_rich: bool, stock: Path, configured: Pair) -> None:
    for home, address in zip(configured.homes, RICH_HOSTS, strict=True):
        wanted = {**properties(stock), "carbon.spark.master.count": "3" if is_rich else "2"}
        assert properties(home) == {**wanted, "carbon.spark.master": "local"}
        assert "carbon.das.symbolic.link" not in wanted, "no link for two homes on one machine"
        for script, line in ((SPARK_SH, "export"), (SPARK_BAT, "set")):
            before = (stock / script).read_bytes()
            added = f"{line} SPARK_LOCAL_IP={address}".encode()
            end = b"\r\n" if b"\r\n" in before else b"\n"
            # Where the last line has no end, as in the real scripts, the new last line has none either.
            after = before + (added + end if before.endswith(b"\n") else end + added)
            assert (home / script).read_bytes() == (after if is_rich else before)
        assert os.access(home / SPARK_SH, os.X_OK)


def test_the_first_node_commits_unless_another_is_named(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(**SVN)
    applied(pair)
    for name, values in (("AutoCommit", ["true", "false"]), ("SvnUrlAppendTenantId", ["true", "true"])):
        path = f"/Server/DeploymentSynchronizer/{name}"
        assert [text(home, CARBON, path) for home in pair.homes] == values
    applied(do(pair, profiled(deployment_sync={"method": "none"})))
    path = "/Server/DeploymentSynchronizer/Enabled"
    assert [text(home, CARBON, path) for home in pair.homes] == ["false", "false"]


def test_a_second_replay_writes_nothing_and_a_rollback_restores_every_byte_mode_link_and_time(
    pack: str, is_rich: bool, stock: Path, tmp_path: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, runs = tmp_path / "WSO2 & Söhne", isolated / "state"
    folder.mkdir()
    for name, value in RICH_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    extra = rich_profile(folder, stats=pack in API_MANAGER_PACKS) if is_rich else {}
    pair = pairs.make_pair(stock, folder, **extra)
    first = pair.homes[0]
    (first / AXIS2).chmod(0o600)
    (first / SPARK_SH).chmod(0o755)
    elsewhere = folder / "registry of node 1.xml"
    (first / REGISTRY).rename(elsewhere)
    (first / REGISTRY).symlink_to(elsewhere)
    os.utime(elsewhere, ns=(1_500_000_000_000_000_001, 1_500_000_000_123_456_789))
    before = standing(*pair.homes, elsewhere)
    applied(pair)
    assert (first / REGISTRY).is_symlink()
    assert b"govregistry" in elsewhere.read_bytes()
    assert (first / AXIS2).stat().st_mode & 0o777 == 0o600
    pids = [home / "wso2carbon.pid" for home in pair.homes]
    for running in ("", f"{os.getpid()}\n"):  # also while the servers run
        for pid in pids if running else ():
            pid.write_text(running)
        now = untouched(folder, runs)
        for options in ({}, {"dry_run": True}):
            again, _ = replayed(pair, **options)
            assert (again.outcome, again.exit_code, again.run) == ("unchanged", 0, None)
            assert {(file["status"], not file["changes"]) for file in again.files} == {("unchanged", True)}
        assert untouched(folder, runs) == now, "also no lock, no marker, no journal"
    for pid in pids:
        pid.unlink()
    result = rolled_back(pair)
    assert (result.outcome, result.exit_code) == ("restored", 0)
    assert {file["status"] for file in result.files} == {"restored"}
    assert standing(*pair.homes, elsewhere) == before
    assert rolled_back(pair).outcome == "unchanged"


@pytest.mark.parametrize("other", ["OTHER", "FIRST"])
def test_a_second_renaming_finds_the_datasources_of_the_first(
    pack: str, other: str, make_pair: Callable[..., Pair]
) -> None:
    """Also where the two stores exchange their names; the other databases only change their URLs."""
    stores = {"event_store": "FIRST", "processed_data_store": "SECOND" if other == "FIRST" else other}
    stats = {"stats": "s1"} if pack in API_MANAGER_PACKS else {}
    pair = make_pair(pack, mysql={"databases": {"user": "u1", "registry": "r1", **stores, **stats}})
    applied(pair)
    names = {"FIRST": "SECOND", "SECOND": "FIRST", "u1": "u2", "r1": "r2", "s1": "s2"}
    text_of = re.sub(r'"(\w+)"', lambda found: f'"{names.get(found[1], found[1])}"', pair.profile.read_text())
    pair.profile.write_text(text_of)
    applied(pair)
    assert replayed(pair)[0].outcome == "unchanged"
    for home in pair.homes:
        assert sorted(texts(home, ANALYTICS, "//datasource/name")) == sorted(["SECOND", other])
        found = texts(home, STORES, "//analytics-record-store/properties/property[@name='datasource']")
        assert found == ["SECOND"] * (1 if pack == "das-3.0.1" else 2) + [other]
        for file, name, database in (
            *((ANALYTICS, name, name) for name in ("SECOND", other)),
            (MASTER, "WSO2UM_DB", "u2"),
            (MASTER, "WSO2REG_DB", "r2"),
            *((STATS, "WSO2AM_STATS_DB", "s2") for _ in stats),
        ):
            assert datasources(home, file)[name]["url"] == PLAIN_URL.format(database)
        cache = text(home, REGISTRY, "/wso2registry/remoteInstance/cacheId")
        assert cache == "apim@jdbc:mysql://127.0.0.1:3306/r2"


@pytest.mark.parametrize("end", ["", "/"])
def test_the_link_and_its_line_without_the_other_home(make_pair: Callable[..., Pair], end: str) -> None:
    apart = make_pair(nodes=[{"host": "127.0.0.1"}, {"host": "203.0.113.7"}])
    shutil.rmtree(apart.homes[1])
    link, home = apart.profile.parent / "common", apart.homes[0]
    result, _ = replayed(do(apart, profiled(spark={"symbolic_link": f"{link}{end}"})))
    assert result.exit_code == 3
    assert [one[:2] for one in errors(result)] == [("prerequisites.home", "node2")]
    before = standing(home)
    result = applied(apart, only_node="node1")
    (entry,) = [file for file in result.files if file["path"] == str(link)]
    assert (entry["step"], entry["status"], entry["node"]) == ("spark", "created", "node1")
    assert os.readlink(link) == str(home)
    lines = (home / SPARK).read_text().splitlines()
    at = lines.index(f"carbon.das.symbolic.link {link}/")
    assert lines[at - 1] == "carbon.spark.results.limit 1000", "behind the last live line of its prefix"
    assert replayed(apart, only_node="node1")[0].outcome == "unchanged"
    assert rolled_back(apart).outcome == "restored"
    assert not os.path.lexists(link)
    assert standing(home) == before


STEPS_OF = {
    "mysql": set(),
    "datasources": {MASTER, ANALYTICS, STORES, USER_MGT},
    "registry": {REGISTRY},
    "hazelcast": {AXIS2},
    "event-processor": {EVENT_PROCESSOR},
    "spark": {SPARK},
    "deployment-sync": {CARBON},
}


@pytest.mark.parametrize("step", STEPS_OF)
def test_all_steps_but_one_and_then_that_one_alone(step: str, make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    result = applied(pair, skip=(step,))
    others = set().union(*(paths for name, paths in STEPS_OF.items() if name != step))
    listed = {file["path"] for file in result.files} - {f"{LIB}/mysql-connector-java-5.1.49-bin.jar"}
    assert listed == others | {CARBON}, "carbon.xml: the offset of the second node"
    assert step not in {file["step"] for file in result.files}
    before = standing(*pair.homes)
    result, _ = replayed(pair, only=(step,))
    assert result.outcome == ("unchanged" if step in {"mysql", "deployment-sync"} else "applied")
    assert {file["path"] for file in result.files} == STEPS_OF[step]
    assert {file["step"] for file in result.files} <= {step}
    after = standing(*pair.homes)
    changed = {path for path, state in after.items() if state != before.get(path)}
    assert changed <= {str(home / path) for home in pair.homes for path in STEPS_OF[step]}


def test_every_file_that_is_looked_at_is_listed(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(event_processor={"persistence": True})
    result, _ = replayed(pair, dry_run=True)
    assert (result.outcome, result.exit_code, result.run) == ("pending", 4, None)
    first = {file["path"]: file for file in result.files if file["node"] == "node1"}
    jar = f"{LIB}/mysql-connector-java-5.1.49-bin.jar"
    assert {path: (file["step"], file["status"]) for path, file in first.items()} == {
        CARBON: ("deployment-sync", "unchanged"),
        jar: ("prerequisites", "pending"),
        MASTER: ("datasources", "pending"),
        ANALYTICS: ("datasources", "pending"),
        STORES: ("datasources", "unchanged"),
        USER_MGT: ("datasources", "pending"),
        REGISTRY: ("registry", "pending"),
        AXIS2: ("hazelcast", "pending"),
        EVENT_PROCESSOR: ("event-processor", "pending"),
        SPARK: ("spark", "pending"),
    }
    assert "clustering/@enable: false → true" in first[AXIS2]["changes"]
    _, prepared = replayed(pair, dry_run=True)
    done = applied(pair)
    assert {file["path"]: file["status"] for file in done.files if file["node"] == "node1"} == {
        **dict.fromkeys(first, "changed"),
        CARBON: "unchanged",
        STORES: "unchanged",
        jar: "created",
    }
    for change in prepared.plan.pending:  # what was shown is what is written
        for move in change.moves:
            shown = move.content if move.content is not None else move.source.read_bytes()
            assert move.path.read_bytes() == shown
