"""`replay --offline` of real packs: every value of the procedure is in the files, and nothing else has changed.

The values are looked up with plain lxml over local names, never with the project's own editors.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import pairs
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
TRUST_PASSWORD = "tr&us+t =%/ü"
DRIVER = "com.mysql.cj.jdbc.Driver"


@dataclass(frozen=True)
class Configured:
    """A pair that was replayed once, with what its files have to say."""

    pack: str
    pair: Pair
    stock: Path
    rich: bool
    environment: dict[str, str]

    @property
    def homes(self) -> list[Path]:
        return self.pair.homes

    @property
    def is_oldest(self) -> bool:
        return self.pack == "das-3.0.1"

    @property
    def has_statistics(self) -> bool:
        return self.pack in API_MANAGER_PACKS


def rich_profile(folder: Path, *, stats: bool) -> dict[str, Any]:
    """Every field that a profile has, with values that are hard to write."""
    jar = pairs.driver_jar(folder / "mysql connector & more.jar", DRIVER)
    return {
        "cluster": {"domain": "wso2 & Söhne <domain>"},
        "mysql": {
            "host": "db.example.com",
            "port": 3307,
            "username": "äpim&<user>",
            "password": {"env": "RICH_PASSWORD"},
            "provisioning": "server",
            "server_version": "8.0.36" if stats else "5.6",
            "url_parameters": {
                "useSSL": "false",
                "sessionVariables": "sql_mode='ANSI&more'",
                "characterEncoding": "UTF-8",
                "trustCertificateKeyStorePassword": {"env": "RICH_TRUST_PASSWORD"},
            },
            "driver_class": DRIVER,
            "driver_jar": str(jar),
            "databases": {
                "user": "users",
                "registry": "registry",
                "event_store": "EVENTS",
                "processed_data_store": "PROCESSED",
                **({"stats": "STATISTICS"} if stats else {}),
            },
        },
        "datasources": {"processed_data_store": "PINNED & <DS>"},
        "pool": {
            "max_active": 77,
            "max_wait_ms": 61000,
            "test_on_borrow": False,
            "validation_query": "/* ping & <pong> */ SELECT 1",
            "validation_interval_ms": 31000,
        },
        "registry": {
            "remote_url": "https://registry.example.com:9443/registry?a=1&b=2",
            "read_only": True,
            "enable_cache": False,
            "registry_root": "/röot",
        },
        "event_processor": {
            "persistence": True,
            "persistence_interval_minutes": 5,
            "persistence_location": "cep & state",
            "presenter": "node2",
        },
        "spark": {"master_count": 3},
        "deployment_sync": {
            "method": "svn",
            "svn_url": "https://svn.example.com/repos?a=1&b=2",
            "svn_username": "svn&user",
            "svn_password": {"env": "RICH_SVN_PASSWORD"},
            "append_tenant_id": False,
            "manager": "node2",
        },
        "nodes": [
            {"port_offset": 3, "spark_local_ip": "127.0.0.1"},
            {
                "host": "127.0.0.2",
                "port_offset": 5,
                "spark_local_ip": "127.0.0.2",
                "presentation_port": 11777,
            },
        ],
    }


@pytest.fixture(scope="module")
def configure(packs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Configured]]:
    """Replays each pack in each setting once; its files are only read afterwards."""
    done: dict[tuple[str, bool], Configured] = {}

    def make(pack: str, *, rich: bool) -> Configured:
        if (pack, rich) not in done:
            folder = tmp_path_factory.mktemp(pack) / ("WSO2 & Söhne, 中 <2>" if rich else "plain")
            folder.mkdir()
            environment = {
                "APIM_DB_PASSWORD": pairs.PASSWORD,
                "RICH_PASSWORD": PASSWORD,
                "RICH_TRUST_PASSWORD": TRUST_PASSWORD,
                "RICH_SVN_PASSWORD": SVN_PASSWORD,
                "XDG_STATE_HOME": str(folder / "state"),
            }
            extra = rich_profile(folder, stats=pack in API_MANAGER_PACKS) if rich else {}
            pair = pairs.make_pair(packs / pack, folder, **extra)
            with pytest.MonkeyPatch.context() as patch:
                for name, value in environment.items():
                    patch.setenv(name, value)
                applied(pair)
            done[pack, rich] = Configured(pack, pair, packs / pack, rich, environment)
        return done[pack, rich]

    yield make


@pytest.fixture(params=PACKS)
def pack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def plain(pack: str, configure: Callable[..., Configured]) -> Configured:
    return configure(pack, rich=False)


@pytest.fixture
def rich(pack: str, configure: Callable[..., Configured]) -> Configured:
    return configure(pack, rich=True)


class TestPrerequisites:
    def test_the_driver_jar_is_in_both_under_its_own_name(self, plain: Configured, rich: Configured) -> None:
        for home in plain.homes:
            jar = home / LIB / "mysql-connector-java-5.1.49-bin.jar"
            assert jar.read_bytes() == (plain.pair.profile.parent / jar.name).read_bytes()
            assert jar.stat().st_mode & 0o777 == 0o644
        for home in rich.homes:
            jar = home / LIB / "mysql connector & more.jar"
            assert jar.read_bytes() == (rich.pair.profile.parent / jar.name).read_bytes()

    def test_the_offset_is_written_where_the_node_sets_one(self, plain: Configured, rich: Configured) -> None:
        stock = text(plain.stock, CARBON, "/Server/Ports/Offset")
        assert [text(home, CARBON, "/Server/Ports/Offset") for home in plain.homes] == [
            stock,
            str(int(stock) + 1),
        ]
        assert [text(home, CARBON, "/Server/Ports/Offset") for home in rich.homes] == ["3", "5"]


def with_identity(pair: Pair) -> None:
    """Packs with the key manager's feature have the scripts a second time."""
    for home in pair.homes:
        folder = home / "dbscripts/identity"
        folder.mkdir()
        (folder / "mysql.sql").write_text("CREATE TABLE OLD;\n")
        (folder / "mysql5.7.sql").write_text("CREATE TABLE NEW;\n")
        (folder / "mysql.sql").chmod(0o640)


class TestTheScriptOfTheFirstStart:
    """`-Dsetup` always runs `mysql.sql`."""

    @pytest.mark.parametrize("version", ["5.7", "5.7.44", "8.0.36", "9.0"])
    @pytest.mark.parametrize("pack", API_MANAGER_PACKS)
    def test_it_changes_places_for_a_new_server(
        self, pack: str, version: str, make_pair: Callable[..., Pair], packs: Path
    ) -> None:
        pair = make_pair(pack, mysql={"provisioning": "server", "server_version": version})
        with_identity(pair)
        before = standing(*pair.homes)
        result = applied(pair)
        stock = packs / pack / "dbscripts"
        for home in pair.homes:
            scripts = home / "dbscripts"
            assert (scripts / "mysql.sql").read_bytes() == (stock / "mysql5.7.sql").read_bytes()
            assert (scripts / "mysql-before-5.7.sql").read_bytes() == (stock / "mysql.sql").read_bytes()
            assert not (scripts / "mysql5.7.sql").exists()
            assert (scripts / "identity/mysql.sql").read_text() == "CREATE TABLE NEW;\n"
            assert (scripts / "identity/mysql-before-5.7.sql").read_text() == "CREATE TABLE OLD;\n"
            assert not (scripts / "identity/mysql5.7.sql").exists()
            assert (scripts / "identity/mysql-before-5.7.sql").stat().st_mode & 0o777 == 0o640
        renamed = [(file["path"], file["status"]) for file in result.files if file["step"] == "mysql"]
        assert sorted(set(renamed)) == [
            ("dbscripts/identity/mysql-before-5.7.sql", "created"),
            ("dbscripts/identity/mysql.sql", "changed"),
            ("dbscripts/mysql-before-5.7.sql", "created"),
            ("dbscripts/mysql.sql", "changed"),
        ]
        again, _ = replayed(pair)
        assert again.outcome == "unchanged"
        assert rolled_back(pair).outcome == "restored"
        assert standing(*pair.homes) == before

    @pytest.mark.parametrize(
        "mysql",
        [
            {"provisioning": "server", "server_version": "5.6"},
            {"provisioning": "server", "server_version": "5.6.51"},
            {"provisioning": "server", "server_version": "10.11-MariaDB"},
            {"provisioning": "server"},
            {"provisioning": "wizard", "server_version": "8.0"},
            {"provisioning": "dba", "server_version": "8.0"},
        ],
    )
    def test_it_stays_for_every_other(
        self, mysql: dict[str, str], make_pair: Callable[..., Pair], packs: Path
    ) -> None:
        pair = make_pair(mysql=mysql)
        applied(pair)
        for home in pair.homes:
            for name in ("mysql.sql", "mysql5.7.sql"):
                stock = packs / "apim-analytics-2.0.0/dbscripts" / name
                assert (home / "dbscripts" / name).read_bytes() == stock.read_bytes()
            assert not (home / "dbscripts/mysql-before-5.7.sql").exists()

    def test_a_name_that_is_taken_is_not_overwritten(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(mysql={"provisioning": "server", "server_version": "8.0"})
        aside = pair.homes[1] / "dbscripts/mysql-before-5.7.sql"
        aside.write_text("own")
        before = untouched(*pair.homes)
        result, _ = replayed(pair)
        assert result.exit_code == 3
        ((check, node, message),) = errors(result)
        assert (check, node) == ("prerequisites.files", "node2")
        assert str(aside) in message
        assert untouched(*pair.homes) == before


RICH_POOL = {
    "username": "äpim&<user>",
    "password": PASSWORD,
    "driverClassName": DRIVER,
    "maxActive": "77",
    "maxWait": "61000",
    "testOnBorrow": "false",
    "validationQuery": "/* ping & <pong> */ SELECT 1",
    "validationInterval": "31000",
}
PLAIN_POOL = {
    "username": "apim",
    "password": pairs.PASSWORD,
    "driverClassName": "com.mysql.jdbc.Driver",
    "maxActive": "50",
    "maxWait": "60000",
    "testOnBorrow": "true",
    "validationQuery": "SELECT 1",
    "validationInterval": "30000",
}
RICH_PARAMETERS = (
    "?useSSL=false&sessionVariables=sql_mode='ANSI%26more'&characterEncoding=UTF-8"
    "&trustCertificateKeyStorePassword=tr%26us%2Bt%20=%25/%C3%BC"
)


def configuration(home: Path, relative: str, datasource: str) -> dict[str, str]:
    """The elements of a datasource's `definition/configuration`, in their order; exactly one such datasource."""
    named = [
        one
        for one in live(home, relative)("/datasources-configuration/datasources/datasource")
        if one.findtext("name") == datasource
    ]
    (found,) = named
    (inner,) = found.findall("definition[@type='RDBMS']/configuration")
    values = {child.tag: child.text or "" for child in inner if isinstance(child.tag, str)}
    assert len(values) == len([child for child in inner if isinstance(child.tag, str)]), (
        "an element is doubled"
    )
    return values


def rich_url(database: str) -> str:
    return f"jdbc:mysql://db.example.com:3307/{database}{RICH_PARAMETERS}"


def plain_url(database: str) -> str:
    return f"jdbc:mysql://127.0.0.1:3306/{database}"


class TestDatasources:
    @pytest.mark.parametrize(
        ("name", "database", "description"),
        [
            ("WSO2UM_DB", "userdb", "The datasource used by user manager"),
            ("WSO2REG_DB", "regdb", "The datasource used by the registry"),
        ],
    )
    def test_users_and_registry_get_new_ones(
        self, plain: Configured, name: str, database: str, description: str
    ) -> None:
        for home in plain.homes:
            values = configuration(home, MASTER, name)
            assert values == {"url": plain_url(database), **PLAIN_POOL}
            assert list(values) == ["url", *PLAIN_POOL]
            one = f"/datasources-configuration/datasources/datasource[name='{name}']"
            assert text(home, MASTER, f"{one}/jndiConfig/name") == f"jdbc/{name}"
            assert text(home, MASTER, f"{one}/description") == description

    def test_all_values_come_from_the_profile(self, rich: Configured) -> None:
        for home in rich.homes:
            assert configuration(home, MASTER, "WSO2UM_DB") == {"url": rich_url("users"), **RICH_POOL}
            assert configuration(home, MASTER, "WSO2REG_DB") == {"url": rich_url("registry"), **RICH_POOL}

    def test_the_carbon_database_stays(self, plain: Configured, rich: Configured) -> None:
        for configured in (plain, rich):
            for home in configured.homes:
                assert texts(home, MASTER, "//datasource/name") == [
                    "WSO2_CARBON_DB",
                    "WSO2UM_DB",
                    "WSO2REG_DB",
                ]
                assert configuration(home, MASTER, "WSO2_CARBON_DB") == configuration(
                    configured.stock, MASTER, "WSO2_CARBON_DB"
                )

    @pytest.mark.parametrize(
        "name", ["WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"]
    )
    def test_the_two_stores_point_to_mysql(self, plain: Configured, name: str) -> None:
        stock = configuration(plain.stock, ANALYTICS, name)
        for home in plain.homes:
            values = configuration(home, ANALYTICS, name)
            assert values == {**stock, "url": plain_url(name), **PLAIN_POOL, "defaultAutoCommit": "false"}
            new = ["maxWait", "testOnBorrow", "validationQuery", "validationInterval", "defaultAutoCommit"]
            start = list(values).index("maxWait")
            between = [key for key in list(values)[start:] if key in new or key not in stock]
            assert between[:5] == new
            assert [key for key in values if key in stock] == list(stock), "elements changed their order"
            if plain.pack.endswith("2.1.0"):
                assert values["defaultTransactionIsolation"] == "READ_COMMITTED"

    def test_a_datasource_follows_the_name_of_its_database_unless_it_is_pinned(
        self, rich: Configured
    ) -> None:
        for home in rich.homes:
            assert texts(home, ANALYTICS, "//datasource/name") == ["EVENTS", "PINNED & <DS>"]
            stock = configuration(rich.stock, ANALYTICS, "WSO2_ANALYTICS_EVENT_STORE_DB")
            kept = {key: stock[key] for key in stock if key not in {"url", *RICH_POOL}}
            assert kept["defaultAutoCommit"] == "false"
            for name, database in (("EVENTS", "EVENTS"), ("PINNED & <DS>", "PROCESSED")):
                assert configuration(home, ANALYTICS, name) == {
                    **kept,
                    "url": rich_url(database),
                    **RICH_POOL,
                }

    def test_the_record_stores_name_them(self, plain: Configured, rich: Configured) -> None:
        for configured, event, processed in (
            (plain, "WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"),
            (rich, "EVENTS", "PINNED & <DS>"),
        ):
            wanted = {"EVENT_STORE": event, "EVENT_STORE_WO": event, "PROCESSED_DATA_STORE": processed}
            if configured.is_oldest:
                del wanted["EVENT_STORE_WO"]
            for home in configured.homes:
                stores = live(home, STORES)("/analytics-dataservice-configuration/analytics-record-store")
                assert {
                    store.get("name"): store.xpath("string(properties/property[@name='datasource'])")
                    for store in stores
                } == wanted

    def test_the_user_store_is_the_shared_one(self, plain: Configured, rich: Configured) -> None:
        for home in plain.homes + rich.homes:
            path = "/UserManager/Realm/Configuration/Property[@name='dataSource']"
            assert text(home, USER_MGT, path) == "jdbc/WSO2UM_DB"

    def test_the_statistics_move_only_if_the_profile_says_so(
        self, plain: Configured, rich: Configured
    ) -> None:
        for home in plain.homes:
            if not plain.has_statistics:
                assert not (home / STATS).exists()
            else:
                assert (home / STATS).read_bytes() == (plain.stock / STATS).read_bytes()
        for home in rich.homes:
            if rich.has_statistics:
                wanted = {"url": rich_url("STATISTICS"), **RICH_POOL, "defaultAutoCommit": "false"}
                assert configuration(home, STATS, "WSO2AM_STATS_DB") == wanted
                assert text(home, STATS, "//datasource/jndiConfig/name") == "jdbc/WSO2AM_STATS_DB"


class TestRegistry:
    def test_the_database_is_there_and_the_own_one_stays(self, plain: Configured, rich: Configured) -> None:
        for home in plain.homes + rich.homes:
            assert texts(home, REGISTRY, "/wso2registry/dbConfig/@name") == ["wso2registry", "govregistry"]
            assert texts(home, REGISTRY, "/wso2registry/dbConfig/dataSource") == [
                "jdbc/WSO2CarbonDB",
                "jdbc/WSO2REG_DB",
            ]
            assert text(home, REGISTRY, "/wso2registry/currentDBConfig") == "wso2registry"
            for path, value in {"readOnly": "false", "enableCache": "true", "registryRoot": "/"}.items():
                assert text(home, REGISTRY, f"/wso2registry/{path}") == value

    def test_the_remote_instance(self, plain: Configured, rich: Configured) -> None:
        for configured, url, cache, settings in (
            (
                plain,
                "https://localhost:9443/registry",
                "apim@jdbc:mysql://127.0.0.1:3306/regdb",
                ("false", "true", "/"),
            ),
            (
                rich,
                "https://registry.example.com:9443/registry?a=1&b=2",
                "äpim&<user>@jdbc:mysql://db.example.com:3307/registry",
                ("true", "false", "/röot"),
            ),
        ):
            names = ("id", "cacheId", "dbConfig", "readOnly", "enableCache", "registryRoot")
            values = ("gov", cache, "govregistry", *settings)
            for home in configured.homes:
                assert text(home, REGISTRY, "/wso2registry/remoteInstance/@url") == url
                (instance,) = live(home, REGISTRY)("/wso2registry/remoteInstance")
                assert [(child.tag, child.text) for child in instance] == [*zip(names, values, strict=True)]

    def test_the_two_mounts(self, plain: Configured, rich: Configured) -> None:
        for home in plain.homes + rich.homes:
            mounts = live(home, REGISTRY)("/wso2registry/mount")
            assert [
                (
                    mount.get("path"),
                    mount.get("overwrite"),
                    [(child.tag, child.text) for child in mount],
                )
                for mount in mounts
            ] == [
                (path, "true", [("instanceId", "gov"), ("targetPath", path)])
                for path in ("/_system/governance", "/_system/config")
            ]

    def test_a_cache_id_of_its_own(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(registry={"cache_id": "someone@jdbc:mysql://db/regdb"})
        applied(pair)
        for home in pair.homes:
            path = "/wso2registry/remoteInstance/cacheId"
            assert text(home, REGISTRY, path) == "someone@jdbc:mysql://db/regdb"


CLUSTERING = (
    "/axisconfig/clustering[@class='org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent']"
)


class TestHazelcast:
    def test_the_two_are_well_known_members_of_one_cluster(self, plain: Configured, rich: Configured) -> None:
        for configured, domain, hosts in (
            (plain, "wso2.carbon.domain", ["127.0.0.1", "127.0.0.1"]),
            (rich, "wso2 & Söhne <domain>", ["127.0.0.1", "127.0.0.2"]),
        ):
            for home, host, port in zip(configured.homes, hosts, ("4000", "4001"), strict=True):
                assert text(home, AXIS2, f"{CLUSTERING}/@enable") == "true"
                for name, value in {
                    "membershipScheme": "wka",
                    "domain": domain,
                    "localMemberHost": host,
                    "localMemberPort": port,
                }.items():
                    assert text(home, AXIS2, f"{CLUSTERING}/parameter[@name='{name}']") == value
                properties = f"{CLUSTERING}/parameter[@name='properties']/property"
                assert text(home, AXIS2, f"{properties}[@name='subDomain']/@value") == "worker"
                assert texts(home, AXIS2, f"{properties}/@name") == [
                    "backendServerURL",
                    "mgtConsoleURL",
                    "subDomain",
                ]
                assert texts(home, AXIS2, f"{CLUSTERING}/members/member/hostName") == hosts
                assert texts(home, AXIS2, f"{CLUSTERING}/members/member/port") == ["4000", "4001"]

    def test_the_tenants_file_stays(self, plain: Configured, rich: Configured) -> None:
        for configured in (plain, rich):
            for home in configured.homes:
                tenants = "repository/conf/axis2/tenant-axis2.xml"
                assert (home / tenants).read_bytes() == (configured.stock / tenants).read_bytes()


HA = "/eventProcessorConfiguration/mode[@name='HA']"


class TestEventProcessor:
    def test_ha_is_the_only_mode(self, plain: Configured, rich: Configured) -> None:
        for home in plain.homes + rich.homes:
            modes = live(home, EVENT_PROCESSOR)("/eventProcessorConfiguration/mode")
            assert {mode.get("name"): mode.get("enable") for mode in modes} == {
                **({"SingleNode": "false"} if plain.is_oldest else {}),
                "HA": "true",
                "Distributed": "false",
            }

    def test_each_has_its_own_addresses(self, plain: Configured, rich: Configured) -> None:
        for configured, hosts in ((plain, ["127.0.0.1"] * 2), (rich, ["127.0.0.1", "127.0.0.2"])):
            for home, host, sync, management in zip(
                configured.homes, hosts, ("11224", "11225"), ("10005", "10006"), strict=True
            ):
                assert text(home, EVENT_PROCESSOR, f"{HA}/eventSync/hostName") == host
                assert text(home, EVENT_PROCESSOR, f"{HA}/eventSync/port") == sync
                assert text(home, EVENT_PROCESSOR, f"{HA}/management/hostName") == host
                assert text(home, EVENT_PROCESSOR, f"{HA}/management/port") == management

    def test_both_work_and_one_presents_where_there_is_a_presenter(
        self, plain: Configured, rich: Configured
    ) -> None:
        for home in plain.homes:
            assert text(home, EVENT_PROCESSOR, f"{HA}/nodeType/worker/@enable") == "true"
            assert text(home, EVENT_PROCESSOR, f"{HA}/nodeType/presenter/@enable") == "false"
            assert text(home, EVENT_PROCESSOR, f"{HA}/presentation/hostName") == "0.0.0.0"
            assert text(home, EVENT_PROCESSOR, f"{HA}/presentation/port") == "11000"
        for home, presents in zip(rich.homes, ("false", "true"), strict=True):
            assert text(home, EVENT_PROCESSOR, f"{HA}/nodeType/worker/@enable") == "true"
            assert text(home, EVENT_PROCESSOR, f"{HA}/nodeType/presenter/@enable") == presents
            assert text(home, EVENT_PROCESSOR, f"{HA}/presentation/hostName") == "127.0.0.2"
            assert text(home, EVENT_PROCESSOR, f"{HA}/presentation/port") == "11777"

    def test_state_is_kept_where_the_pack_can(self, plain: Configured, rich: Configured) -> None:
        for configured, interval, location in ((plain, "15", "cep_persistence"), (rich, "5", "cep & state")):
            for home in configured.homes:
                if configured.is_oldest:
                    assert texts(home, EVENT_PROCESSOR, f"{HA}/persistence") == []
                    single = "/eventProcessorConfiguration/mode[@name='SingleNode']/persistence"
                    assert text(home, EVENT_PROCESSOR, f"{single}/@enable") == "false"
                    assert text(home, EVENT_PROCESSOR, f"{single}/persistenceIntervalInMinutes") == "15"
                    assert text(home, EVENT_PROCESSOR, f"{single}/persister/property") == "cep_persistence"
                else:
                    kept = f"{HA}/persistence"
                    assert text(home, EVENT_PROCESSOR, f"{kept}/@enable") == "true"
                    assert text(home, EVENT_PROCESSOR, f"{kept}/persistenceIntervalInMinutes") == interval
                    assert (
                        text(home, EVENT_PROCESSOR, f"{kept}/persister/property[@key='persistenceLocation']")
                        == location
                    )

    def test_persistence_can_be_turned_off(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(event_processor={"persistence": False})
        applied(pair)
        for home in pair.homes:
            assert text(home, EVENT_PROCESSOR, f"{HA}/persistence/@enable") == "false"


class TestSpark:
    def test_two_masters(self, plain: Configured, rich: Configured) -> None:
        for configured, count in ((plain, "2"), (rich, "3")):
            for home in configured.homes:
                wanted = {**properties(configured.stock), "carbon.spark.master.count": count}
                assert properties(home) == {**wanted, "carbon.spark.master": "local"}

    def test_no_link_for_two_homes_on_one_machine(self, plain: Configured, rich: Configured) -> None:
        for home in plain.homes + rich.homes:
            assert "carbon.das.symbolic.link" not in properties(home)

    def test_the_address_is_set_only_where_the_field_is(self, plain: Configured, rich: Configured) -> None:
        for home in plain.homes:
            for script in (SPARK_SH, SPARK_BAT):
                assert (home / script).read_bytes() == (plain.stock / script).read_bytes()
        for home, address in zip(rich.homes, ("127.0.0.1", "127.0.0.2"), strict=True):
            for script, line in ((SPARK_SH, "export"), (SPARK_BAT, "set")):
                stock = (rich.stock / script).read_bytes()
                added = f"{line} SPARK_LOCAL_IP={address}".encode()
                end = b"\r\n" if b"\r\n" in stock else b"\n"
                # Where the last line has no end, as in the real scripts, the new last line has none either.
                ended = stock.endswith(b"\n")
                assert (home / script).read_bytes() == stock + (added + end if ended else end + added)
            assert os.access(home / SPARK_SH, os.X_OK)


class TestDeploymentSync:
    def test_without_svn_it_is_off(self, plain: Configured) -> None:
        for home in plain.homes:
            assert text(home, CARBON, "/Server/DeploymentSynchronizer/Enabled") == "false"

    def test_with_svn(self, rich: Configured) -> None:
        for home, commits in zip(rich.homes, ("false", "true"), strict=True):
            (found,) = live(home, CARBON)("/Server/DeploymentSynchronizer")
            assert {child.tag: child.text for child in found} == {
                "Enabled": "true",
                "AutoCommit": commits,
                "AutoCheckout": "true",
                "RepositoryType": "svn",
                "SvnUrl": "https://svn.example.com/repos?a=1&b=2",
                "SvnUser": "svn&user",
                "SvnPassword": SVN_PASSWORD,
                "SvnUrlAppendTenantId": "false",
            }

    def test_the_first_node_commits_unless_another_is_named(
        self, make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SVN_PASSWORD", "secret")
        pair = make_pair(
            deployment_sync={
                "method": "svn",
                "svn_url": "http://svn.example.com/",
                "svn_username": "u",
                "svn_password": {"env": "SVN_PASSWORD"},
            }
        )
        applied(pair)
        path = "/Server/DeploymentSynchronizer/AutoCommit"
        assert [text(home, CARBON, path) for home in pair.homes] == ["true", "false"]
        path = "/Server/DeploymentSynchronizer/SvnUrlAppendTenantId"
        assert [text(home, CARBON, path) for home in pair.homes] == ["true", "true"]
        no_svn = pair.profile.read_text().replace('method = "svn"', 'method = "none"')
        pair.profile.write_text(no_svn)
        applied(pair)
        path = "/Server/DeploymentSynchronizer/Enabled"
        assert [text(home, CARBON, path) for home in pair.homes] == ["false", "false"]


def copied(configured: Configured, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """A configured pair for one test's own use: homes, profile and state at another place.

    The paths in the profile and in the journal change with them, all else stays to the byte and to the time.
    """
    here = configured.pair.profile.parent
    shutil.copytree(here, folder / "pair", symlinks=True)
    for name, value in configured.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "pair/state"))
    (folder / "pair/pair.toml").write_text(
        (here / "pair.toml").read_text("utf-8").replace(str(here), str(folder / "pair")), "utf-8"
    )
    return Pair(folder / "pair/pair.toml", [folder / "pair" / home.name for home in configured.homes], {})


@pytest.fixture(params=["plain", "rich"])
def configured(request: pytest.FixtureRequest, pack: str, configure: Callable[..., Configured]) -> Configured:
    return configure(pack, rich=request.param == "rich")


class TestOnceMore:
    def test_a_second_replay_writes_nothing(
        self, configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pair = copied(configured, tmp_path, monkeypatch)
        before = untouched(tmp_path / "pair")
        result, _ = replayed(pair)
        assert (result.outcome, result.exit_code, result.run) == ("unchanged", 0, None)
        assert {file["status"] for file in result.files} == {"unchanged"}
        assert not [file for file in result.files if file["changes"]]
        assert untouched(tmp_path / "pair") == before, "also no lock, no marker, no journal"
        dry, _ = replayed(pair, dry_run=True)
        assert (dry.outcome, dry.exit_code) == ("unchanged", 0)

    def test_also_while_the_servers_run(
        self, configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pair = copied(configured, tmp_path, monkeypatch)
        for home in pair.homes:
            (home / "wso2carbon.pid").write_text(f"{os.getpid()}\n")
        before = untouched(*pair.homes)
        result, _ = replayed(pair)
        assert (result.outcome, result.exit_code) == ("unchanged", 0)
        assert untouched(*pair.homes) == before

    def test_a_running_server_is_not_changed(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        (pair.homes[1] / "wso2carbon.pid").write_text(str(os.getpid()))
        before = untouched(*pair.homes)
        result, _ = replayed(pair)
        assert (result.outcome, result.exit_code) == ("refused", 3)
        ((check, node, _),) = errors(result)
        assert (check, node) == ("prerequisites.running", "node2")
        assert untouched(*pair.homes) == before
        # Only the node of --node has to be stopped.
        assert applied(pair, only_node="node1").exit_code == 0


class TestBack:
    @pytest.mark.parametrize("setting", ["plain", "rich"])
    def test_rollback_gives_back_every_byte_mode_link_and_time(
        self, pack: str, setting: str, packs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "WSO2 & Söhne"
        folder.mkdir()
        for name, value in (("RICH_PASSWORD", PASSWORD), ("RICH_TRUST_PASSWORD", TRUST_PASSWORD)):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("RICH_SVN_PASSWORD", SVN_PASSWORD)
        monkeypatch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
        extra = rich_profile(folder, stats=pack in API_MANAGER_PACKS) if setting == "rich" else {}
        pair = pairs.make_pair(packs / pack, folder, **extra)
        first = pair.homes[0]
        (first / AXIS2).chmod(0o600)
        (first / SPARK_SH).chmod(0o755)
        elsewhere = folder / "registry of node 1.xml"
        (first / REGISTRY).rename(elsewhere)
        (first / REGISTRY).symlink_to(elsewhere)
        os.utime(elsewhere, ns=(1_500_000_000_000_000_001, 1_500_000_000_123_456_789))
        before = standing(*pair.homes, elsewhere.parent / elsewhere.name)
        applied(pair)
        assert (first / REGISTRY).is_symlink()
        assert b"govregistry" in elsewhere.read_bytes()
        assert (first / AXIS2).stat().st_mode & 0o777 == 0o600
        result = rolled_back(pair)
        assert (result.outcome, result.exit_code) == ("restored", 0)
        assert {file["status"] for file in result.files} == {"restored"}
        assert standing(*pair.homes, elsewhere) == before
        assert rolled_back(pair).outcome == "unchanged"


class TestASecondRenaming:
    def test_it_finds_the_datasource_of_the_first(self, pack: str, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(pack, mysql={"databases": {"event_store": "FIRST", "processed_data_store": "OTHER"}})
        applied(pair)
        pair.profile.write_text(pair.profile.read_text().replace('"FIRST"', '"SECOND"'))
        applied(pair)
        for home in pair.homes:
            assert texts(home, ANALYTICS, "//datasource/name") == ["SECOND", "OTHER"]
            assert configuration(home, ANALYTICS, "SECOND")["url"] == plain_url("SECOND")
            named = texts(home, STORES, "//analytics-record-store/properties/property[@name='datasource']")
            assert named == (["SECOND", "OTHER"] if pack == "das-3.0.1" else ["SECOND", "SECOND", "OTHER"])
        assert replayed(pair)[0].outcome == "unchanged"

    def test_two_stores_can_change_their_names(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(mysql={"databases": {"event_store": "A", "processed_data_store": "B"}})
        applied(pair)
        text_before = pair.profile.read_text()
        pair.profile.write_text(
            text_before.replace('event_store = "A"', 'event_store = "B"').replace(
                'processed_data_store = "B"', 'processed_data_store = "A"'
            )
        )
        applied(pair)
        for home in pair.homes:
            assert sorted(texts(home, ANALYTICS, "//datasource/name")) == ["A", "B"]
            assert configuration(home, ANALYTICS, "A")["url"] == plain_url("A")
            assert configuration(home, ANALYTICS, "B")["url"] == plain_url("B")
            named = texts(home, STORES, "//analytics-record-store/properties/property[@name='datasource']")
            assert named == ["B", "B", "A"]
        assert replayed(pair)[0].outcome == "unchanged"

    def test_renaming_the_other_databases_changes_their_urls(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(mysql={"databases": {"user": "u1", "registry": "r1", "stats": "s1"}})
        applied(pair)
        changed = pair.profile.read_text()
        for old, new in (("u1", "u2"), ("r1", "r2"), ("s1", "s2")):
            changed = changed.replace(f'"{old}"', f'"{new}"')
        pair.profile.write_text(changed)
        applied(pair)
        for home in pair.homes:
            assert configuration(home, MASTER, "WSO2UM_DB")["url"] == plain_url("u2")
            assert configuration(home, MASTER, "WSO2REG_DB")["url"] == plain_url("r2")
            assert configuration(home, STATS, "WSO2AM_STATS_DB")["url"] == plain_url("s2")
            cache = text(home, REGISTRY, "/wso2registry/remoteInstance/cacheId")
            assert cache == "apim@jdbc:mysql://127.0.0.1:3306/r2"


class TestTwoMachines:
    def test_each_node_on_its_own_machine_with_one_home_path(
        self, make_pair: Callable[..., Pair], packs: Path
    ) -> None:
        pair = make_pair(nodes=[{"host": "127.0.0.1"}, {"host": "203.0.113.7", "port_offset": None}])
        first, second = pair.homes
        pair.profile.write_text(pair.profile.read_text().replace(str(second), str(first)))
        before = untouched(second)
        both, _ = replayed(pair)
        assert both.exit_code == 3, "without --node the second home is not here"
        result = applied(pair, only_node="node1")
        assert {file["node"] for file in result.files} == {"node1"}
        assert texts(first, AXIS2, f"{CLUSTERING}/members/member/hostName") == ["127.0.0.1", "203.0.113.7"]
        assert text(first, AXIS2, f"{CLUSTERING}/parameter[@name='localMemberHost']") == "127.0.0.1"
        assert "carbon.das.symbolic.link" not in properties(first)
        assert untouched(second) == before
        assert replayed(pair, only_node="node1")[0].outcome == "unchanged"

    def test_the_other_home_need_not_be_here(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(nodes=[{"host": "127.0.0.1"}, {"host": "203.0.113.7"}])
        shutil.rmtree(pair.homes[1])
        link = pair.profile.parent / "common"
        pair.profile.write_text(pair.profile.read_text() + f'\n[spark]\nsymbolic_link = "{link}"\n')
        result, _ = replayed(pair)
        assert result.exit_code == 3
        assert [(check, node) for check, node, _ in errors(result)] == [("prerequisites.home", "node2")]
        applied(pair, only_node="node1")
        assert link.is_symlink()
        assert os.readlink(link) == str(pair.homes[0])
        assert properties(pair.homes[0])["carbon.das.symbolic.link"] == f"{link}/"

    def test_the_link_and_its_line(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(nodes=[{"host": "127.0.0.1"}, {"host": "203.0.113.7"}])
        link = pair.profile.parent / "common"
        pair.profile.write_text(pair.profile.read_text() + f'\n[spark]\nsymbolic_link = "{link}/"\n')
        before = standing(*pair.homes)
        result = applied(pair, only_node="node1")
        (entry,) = [file for file in result.files if file["path"] == str(link)]
        assert (entry["step"], entry["status"], entry["node"]) == ("spark", "created", "node1")
        lines = (pair.homes[0] / SPARK).read_text().splitlines()
        at = lines.index(f"carbon.das.symbolic.link {link}/")
        assert lines[at - 1] == "carbon.spark.results.limit 1000", "behind the last live line of its prefix"
        assert replayed(pair, only_node="node1")[0].outcome == "unchanged"
        assert rolled_back(pair).outcome == "restored"
        assert not os.path.lexists(link)
        assert standing(*pair.homes) == before

    def test_the_wrong_machine_is_an_error(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(nodes=[{"host": "127.0.0.1"}, {"host": "203.0.113.7", "home": "/opt/elsewhere"}])
        result, _ = replayed(pair, only_node="node2")
        assert result.exit_code == 3
        assert {check for check, _, _ in errors(result)} >= {
            "prerequisites.home",
            "prerequisites.this-machine",
        }


STEPS_OF = {
    "mysql": set(),
    "datasources": {MASTER, ANALYTICS, STORES, USER_MGT},
    "registry": {REGISTRY},
    "hazelcast": {AXIS2},
    "event-processor": {EVENT_PROCESSOR},
    "spark": {SPARK},
    "deployment-sync": {CARBON},
}


class TestSteps:
    @pytest.mark.parametrize("step", STEPS_OF)
    def test_only_one(self, step: str, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        before = standing(*pair.homes)
        result, _ = replayed(pair, only=(step,))
        assert result.outcome == ("unchanged" if step in {"mysql", "deployment-sync"} else "applied")
        assert {file["path"] for file in result.files} == STEPS_OF[step]
        assert {file["step"] for file in result.files} <= {step}
        after = standing(*pair.homes)
        changed = {path for path, state in after.items() if state != before.get(path)}
        assert changed <= {str(home / path) for home in pair.homes for path in STEPS_OF[step]}

    @pytest.mark.parametrize("step", STEPS_OF)
    def test_all_but_one(self, step: str, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        result = applied(pair, skip=(step,))
        others = set().union(*(paths for name, paths in STEPS_OF.items() if name != step))
        listed = {file["path"] for file in result.files} - {f"{LIB}/mysql-connector-java-5.1.49-bin.jar"}
        assert listed == others | {CARBON}, "carbon.xml: the offset of the second node"
        assert step not in {file["step"] for file in result.files}

    def test_every_file_that_is_looked_at_is_listed(self, make_pair: Callable[..., Pair]) -> None:
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
        done = applied(pair)
        assert {file["path"]: file["status"] for file in done.files if file["node"] == "node1"} == {
            **dict.fromkeys(first, "changed"),
            CARBON: "unchanged",
            STORES: "unchanged",
            jar: "created",
        }

    def test_what_was_shown_is_what_is_written(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        _, prepared = replayed(pair, dry_run=True)
        applied(pair)
        for change in prepared.plan.pending:
            for move in change.moves:
                shown = move.content if move.content is not None else move.source.read_bytes()
                assert move.path.read_bytes() == shown
