"""Step 3 on configured packs: names, shared databases, and what the servers would read differently."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import pairs
from tests.support.cli import run
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    ANALYTICS,
    API_MANAGER_PACKS,
    EVENT_PROCESSOR,
    MASTER,
    PACKS,
    REGISTRY,
    STATS,
    STORES,
    USER_MGT,
    applied,
    checked,
    errors,
    of,
    quick_disk,
    replayed,
    statuses,
    text,
    texts,
    untouched,
)
from tests.support.pairs import Pair
from tests.test_touched_packs import BEFORE_SAMPLE, datasources, touch

MakePair = Callable[..., Pair]

STORE_NAMES = "//analytics-record-store/properties/property[@name='datasource']"
EVENTS, PROCESSED = "WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"
RDBMS = "org.wso2.carbon.analytics.datasource.rdbms.RDBMSAnalyticsRecordStore"
CASSANDRA = "org.wso2.carbon.analytics.datasource.cassandra.CassandraAnalyticsRecordStore"
HBASE = "org.wso2.carbon.analytics.datasource.hbase.HBaseAnalyticsRecordStore"


def refused(pair: Pair, *checks: str, **options: Any) -> str:
    """What these checks, and no others, say against a replay, in which nothing may be written."""
    before = untouched(*pair.homes)
    result, _ = replayed(pair, **options)
    assert (result.outcome, result.exit_code) == ("refused", 3)
    assert {id for id, _, _ in errors(result)} == set(checks)
    assert untouched(*pair.homes) == before
    return "\n".join(one.message for one in result.checks if one.status == "error")


def urls(home: Path, relative: str) -> dict[str, str]:
    return {name: values["url"].rpartition("/")[2] for name, values in datasources(home, relative).items()}


class TestNames:
    @pytest.mark.parametrize("pack", PACKS)
    def test_those_of_the_profile(self, pack: str, make_pair: MakePair) -> None:
        pair = make_pair(pack, datasources={"user": "SHARED_USERS", "registry": "SHARED_REG"})
        applied(pair)
        for home in pair.homes:
            assert list(datasources(home, MASTER)) == ["WSO2_CARBON_DB", "SHARED_USERS", "SHARED_REG"]
            for name in ("SHARED_USERS", "SHARED_REG"):
                assert text(home, MASTER, f"//datasource[name='{name}']/jndiConfig/name") == f"jdbc/{name}"
            path = "/UserManager/Realm/Configuration/Property[@name='dataSource']"
            assert text(home, USER_MGT, path) == "jdbc/SHARED_USERS"
            source = text(home, REGISTRY, "//dbConfig[@name='govregistry']/dataSource")
            assert source == "jdbc/SHARED_REG"
        assert replayed(pair)[0].outcome == "unchanged"

    def test_existing_ones_are_found_by_these_names(self, make_pair: MakePair) -> None:
        pair = make_pair()
        applied(pair)
        touch(pair, MASTER, "<name>WSO2UM_DB</name>", "<name>SHARED_USERS</name>")
        touch(pair, MASTER, "<name>jdbc/WSO2REG_DB</name>", "<name>jdbc/SHARED_REG</name>")
        touch(pair, MASTER, "<name>jdbc/WSO2UM_DB</name>", "<name>jdbc/SomethingElse</name>")
        with pair.profile.open("a") as profile:
            profile.write('\n[datasources]\nuser = "SHARED_USERS"\nregistry = "SHARED_REG"\n')
        applied(pair)
        for home in pair.homes:
            assert list(datasources(home, MASTER)) == ["WSO2_CARBON_DB", "SHARED_USERS", "SHARED_REG"]


STORES_OF_ONE = ("event_store", "processed_data_store")


class TestSharedDatabases:
    @pytest.mark.parametrize(
        ("pack", "roles", "names", "stores", "used"),
        [
            *(
                (
                    pack,
                    (*STORES_OF_ONE, "stats"),
                    {},
                    {EVENTS: "one", PROCESSED: "one"},
                    [EVENTS, EVENTS, PROCESSED],
                )
                for pack in API_MANAGER_PACKS
            ),
            ("das-3.0.1", STORES_OF_ONE, {}, {EVENTS: "one", PROCESSED: "one"}, [EVENTS, PROCESSED]),
            ("is-analytics-5.3.0", STORES_OF_ONE, {}, {EVENTS: "one", PROCESSED: "one"}, [EVENTS, PROCESSED]),
            (
                PACKS[0],
                STORES_OF_ONE,
                {"event_store": "PIN"},
                {"PIN": "one", "one": "one"},
                ["PIN", "PIN", "one"],
            ),
        ],
    )
    def test_stores_and_statistics_in_one(
        self, pack: str, roles: tuple[str, ...], names: dict[str, str], stores: dict[str, str], used: list[str],
        make_pair: MakePair,
    ) -> None:  # fmt: skip
        """A name that both would get stays the pack's; a pinned one is given beside it."""
        pair = make_pair(pack, mysql={"databases": dict.fromkeys(roles, "one")}, datasources=names)
        applied(pair)
        for home in pair.homes:
            assert urls(home, ANALYTICS) == stores
            assert [one for one in texts(home, STORES, STORE_NAMES) if one in stores][-len(used) :] == used
            assert "stats" not in roles or urls(home, STATS) == {"WSO2AM_STATS_DB": "one"}
        assert replayed(pair)[0].outcome == "unchanged"

    def test_names_that_an_earlier_run_has_given_stay(self, make_pair: MakePair) -> None:
        pair = make_pair(mysql={"databases": {"event_store": "EVTS", "processed_data_store": "PROC"}})
        applied(pair)
        pair.profile.write_text(re.sub('"EVTS"|"PROC"', '"statdb"', pair.profile.read_text()))
        applied(pair)
        for home in pair.homes:
            assert urls(home, ANALYTICS) == {"EVTS": "statdb", "PROC": "statdb"}
            assert texts(home, STORES, STORE_NAMES) == ["EVTS", "EVTS", "PROC"]
        assert replayed(pair)[0].outcome == "unchanged"

    def test_one_datasource_that_both_stores_use_stays_one(self, make_pair: MakePair) -> None:
        pair = make_pair(mysql={"databases": dict.fromkeys(STORES_OF_ONE, "statdb")})
        touch(pair, STORES, f">{PROCESSED}<", f">{EVENTS}<")
        applied(pair)
        for home in pair.homes:
            assert texts(home, STORES, STORE_NAMES) == [EVENTS] * 3
            assert urls(home, ANALYTICS)[EVENTS] == "statdb"
            assert datasources(home, ANALYTICS)[PROCESSED]["url"].startswith("jdbc:h2:")
        assert replayed(pair)[0].outcome == "unchanged"

    def test_the_name_of_the_statistics_stays_theirs(self, make_pair: MakePair) -> None:
        pair = make_pair(mysql={"databases": dict.fromkeys(("event_store", "stats"), "WSO2AM_STATS_DB")})
        applied(pair)
        for home in pair.homes:
            assert urls(home, ANALYTICS) == {EVENTS: "WSO2AM_STATS_DB", PROCESSED: PROCESSED}
            assert list(datasources(home, STATS)) == ["WSO2AM_STATS_DB"]

    def test_the_packs_name_is_that_of_the_other_store(self, make_pair: MakePair) -> None:
        """The event store keeps the pack's name, and the profile pins the other one to it: two databases in one."""
        pair = make_pair(
            mysql={"databases": dict.fromkeys(("event_store", "stats"), "WSO2AM_STATS_DB")},
            datasources={"processed_data_store": EVENTS},
        )
        message = refused(pair, "prerequisites.files")
        assert f"names {EVENTS} for both record stores" in message

    @pytest.mark.parametrize("name", [None, "SHARED_DB"])
    def test_user_and_registry_in_one(self, name: str | None, make_pair: MakePair) -> None:
        """In a datasource for each, or in one for both."""
        names = {"user": name, "registry": name} if name else {}
        pair = make_pair(mysql={"databases": {"user": "shared", "registry": "shared"}}, datasources=names)
        applied(pair)
        for home in pair.homes:
            found = urls(home, MASTER)
            wanted = [name] if name else ["WSO2UM_DB", "WSO2REG_DB"]
            assert list(found) == ["WSO2_CARBON_DB", *wanted]
            assert {found[one] for one in wanted} == {"shared"}
        assert replayed(pair)[0].outcome == "unchanged"


BY_CLASS = """\
        <datasource>
            <name>WSO2UM_DB</name>
            <description>The datasource used by user manager</description>
            <jndiConfig>
                <name>jdbc/WSO2UM_DB</name>
            </jndiConfig>
            <definition type="RDBMS">
                <configuration>
                    <maxActive>50</maxActive>
                    <dataSourceClassName>com.mysql.jdbc.jdbc2.optional.MysqlXADataSource</dataSourceClassName>
                    <dataSourceProps>
                        <property name="url">jdbc:mysql://old.example.com:3306/users</property>
                        <property name="user">root</property>
                        <property name="password">geheim</property>
                    </dataSourceProps>
                    <initialSize>3</initialSize>
                </configuration>
            </definition>
        </datasource>

"""


class TestDataSourceClassName:
    @pytest.mark.parametrize("pack", PACKS)
    def test_it_gives_way_to_the_url(self, pack: str, make_pair: MakePair) -> None:
        pair = make_pair(pack)
        touch(pair, MASTER, BEFORE_SAMPLE, BY_CLASS + BEFORE_SAMPLE)
        result = applied(pair)
        for home in pair.homes:
            values = datasources(home, MASTER)["WSO2UM_DB"]
            assert not {"dataSourceClassName", "dataSourceProps"} & values.keys()
            assert values["url"] == "jdbc:mysql://127.0.0.1:3306/userdb"
            assert values["password"] == pairs.PASSWORD
            assert values["initialSize"] == "3"
            assert b"geheim" not in (home / MASTER).read_bytes()
        (message,) = [
            file["changes"] for file in result.files if file["path"] == MASTER and file["node"] == "node1"
        ]
        assert any("WSO2UM_DB/dataSourceClassName" in line for line in message)
        assert any("WSO2UM_DB/dataSourceProps" in line for line in message)
        assert "geheim" not in "".join(message)
        assert replayed(pair)[0].outcome == "unchanged"

    def test_of_a_store_and_of_the_statistics(self, make_pair: MakePair) -> None:
        pair = make_pair(mysql={"databases": {"stats": "STATS"}})
        more = "<dataSourceClassName>x.Y</dataSourceClassName><dataSourceProps/>"
        touch(pair, ANALYTICS, "<configuration>", f"<configuration>{more}")
        touch(pair, STATS, "<configuration>", f"<configuration>{more}")
        applied(pair)
        for home in pair.homes:
            for relative in (ANALYTICS, STATS):
                assert texts(home, relative, "//*[starts-with(name(), 'dataSource')][not(*)]") == []
        assert replayed(pair)[0].outcome == "unchanged"

    def test_only_that_and_nothing_else(self, make_pair: MakePair) -> None:
        pair = make_pair()
        for home in pair.homes:
            only = "<configuration>\n<dataSourceClassName>x.Y</dataSourceClassName>\n</configuration>"
            data = (home / ANALYTICS).read_text()
            (home / ANALYTICS).write_text(
                re.sub("(?s)<configuration>.*?</configuration>", only, data, count=1)
            )
        applied(pair)
        assert list(datasources(pair.homes[0], ANALYTICS)[EVENTS])[:2] == ["url", "username"]
        assert replayed(pair)[0].outcome == "unchanged"

    def test_the_servers_own_datasource_keeps_it(self, make_pair: MakePair) -> None:
        pair = make_pair()
        touch(
            pair, MASTER, "<configuration>", "<configuration><dataSourceClassName>x.Y</dataSourceClassName>"
        )
        applied(pair)
        assert datasources(pair.homes[0], MASTER)["WSO2_CARBON_DB"]["dataSourceClassName"] == "x.Y"


def extra_file(pair: Pair, name: str, *defined: str) -> None:
    for home in pair.homes:
        body = "".join(
            f"<datasource><name>{one}</name><jndiConfig><name>{jndi}</name></jndiConfig>"
            '<definition type="RDBMS"><configuration><url>jdbc:h2:x</url></configuration></definition></datasource>'
            for one, _, jndi in (each.partition("=") for each in defined)
        )
        (home / MASTER).with_name(name).write_text(
            f"<datasources-configuration><datasources>{body}</datasources></datasources-configuration>"
        )


class TestDuplicates:
    @pytest.mark.parametrize("pack", PACKS)
    @pytest.mark.parametrize(
        "defined",
        [
            "WSO2UM_DB=jdbc/Other",
            "OTHER=jdbc/WSO2REG_DB",
            "WSO2REG_DB=jdbc/WSO2REG_DB",
            f"{EVENTS}=jdbc/Other",
            f"{PROCESSED}=jdbc/Other",
        ],
    )
    def test_in_another_file(self, pack: str, defined: str, make_pair: MakePair) -> None:
        pair = make_pair(pack)
        extra_file(pair, "mine-datasources.xml", defined)
        message = refused(pair, "datasources.duplicate")
        assert "mine-datasources.xml" in message
        assert any(part in message for part in defined.split("="))

    def test_names_of_the_profile_and_no_others(self, make_pair: MakePair) -> None:
        pair = make_pair(datasources={"user": "USERS"}, mysql={"databases": {"event_store": "EVTS"}})
        extra_file(pair, "mine-datasources.xml", "WSO2UM_DB=jdbc/WSO2UM_DB", f"{EVENTS}=jdbc/E")
        assert statuses(checked(pair), "datasources.duplicate") == ["ok", "ok"]
        extra_file(pair, "mine-datasources.xml", "EVTS=jdbc/E", "X=jdbc/USERS")
        message = refused(pair, "datasources.duplicate")
        assert "EVTS" in message
        assert "jdbc/USERS" in message

    @pytest.mark.parametrize(
        ("stats", "file", "defined", "status"),
        [
            (None, "mine-datasources.xml", "WSO2AM_STATS_DB=jdbc/X", "ok"),  # the statistics are not written
            ("STATS", "mine-datasources.xml", "WSO2AM_STATS_DB=jdbc/X", "error"),
            (None, "datasources.xml.bak", "WSO2UM_DB=jdbc/WSO2UM_DB", "ok"),
            (None, "mine-datasources.xml", "WSO2_CARBON=jdbc/C", "ok"),
        ],
    )
    def test_what_is_a_double(
        self, stats: str | None, file: str, defined: str, status: str, make_pair: MakePair
    ) -> None:
        pair = make_pair(mysql={"databases": {"stats": stats} if stats else {}})
        extra_file(pair, file, defined)
        assert statuses(checked(pair), "datasources.duplicate") == [status] * 2

    def test_between_the_packs_own_files(self, make_pair: MakePair) -> None:
        pair = make_pair()
        touch(pair, MASTER, "<name>WSO2_CARBON_DB</name>", f"<name>{EVENTS}</name>")
        assert EVENTS in refused(pair, "datasources.duplicate")

    def test_it_can_be_ignored(self, make_pair: MakePair) -> None:
        pair = make_pair()
        extra_file(pair, "mine-datasources.xml", "WSO2UM_DB=jdbc/Other")
        assert applied(pair, ignore=("datasources.duplicate",)).exit_code == 0


class TestRecordStores:
    @pytest.mark.parametrize("pack", PACKS)
    @pytest.mark.parametrize(
        ("store", "implementation"),
        [("EVENT_STORE", CASSANDRA), ("PROCESSED_DATA_STORE", HBASE), ("EVENT_STORE", "com.example.Mine")],
    )
    def test_of_another_kind_are_named_and_left_alone(
        self, pack: str, store: str, implementation: str, make_pair: MakePair
    ) -> None:
        pair = make_pair(pack, mysql={"databases": {"event_store": "EVTS", "processed_data_store": "PROC"}})
        self.implement(pair, store, implementation)
        message = refused(pair, "datasources.record-store")
        assert store in message
        assert implementation.rpartition(".")[2] in message
        applied(pair, ignore=("datasources.record-store",))
        kept, moved = (EVENTS, "PROC") if store == "EVENT_STORE" else (PROCESSED, "EVTS")
        for home in pair.homes:
            found = datasources(home, ANALYTICS)
            assert found.keys() == {kept, moved}
            assert found[kept]["url"].startswith("jdbc:h2:")
            assert found[moved]["url"].startswith("jdbc:mysql:")
            named = texts(home, STORES, f"//analytics-record-store[@name='{store}']/properties/property[1]")
            assert named == [kept]
        assert replayed(pair, ignore=("datasources.record-store",))[0].outcome == "unchanged"

    def implement(self, pair: Pair, store: str, implementation: str) -> None:
        for home in pair.homes:
            data = (home / STORES).read_text()
            pattern = rf'(name\s*=\s*"{store}">\s*<implementation>){re.escape(RDBMS)}'
            changed, count = re.subn(pattern, rf"\g<1>{implementation}", data)
            assert count == 1
            (home / STORES).write_text(changed)

    @pytest.mark.parametrize("pack", API_MANAGER_PACKS)
    def test_the_write_only_event_store_too(self, pack: str, make_pair: MakePair) -> None:
        pair = make_pair(pack, mysql={"databases": {"event_store": "EVTS"}})
        self.implement(pair, "EVENT_STORE_WO", HBASE)
        assert "EVENT_STORE_WO" in refused(pair, "datasources.record-store")
        applied(pair, ignore=("datasources.record-store",))
        assert texts(pair.homes[0], STORES, STORE_NAMES) == ["EVTS", EVENTS, PROCESSED]

    def test_another_record_store_is_none_of_ours(self, make_pair: MakePair) -> None:
        pair = make_pair()
        mine = (
            f'   <analytics-record-store name="MINE"><implementation>{HBASE}</implementation>'
            '<properties><property name="datasource">MINE</property></properties></analytics-record-store>\n'
        )
        anchor = "   <!-- The data indexing analyzer implementation -->\n"
        touch(pair, STORES, anchor, mine + anchor)
        assert statuses(checked(pair), "datasources.record-store") == ["ok", "ok"]
        applied(pair)

    def test_the_same_class_under_another_package_is_fine(self, make_pair: MakePair) -> None:
        pair = make_pair()
        self.implement(pair, "EVENT_STORE", "org.example.RDBMSAnalyticsRecordStore")
        assert statuses(checked(pair), "datasources.record-store") == ["ok", "ok"]


CHECK = "datasources.placeholder"


class TestPlaceholders:
    @pytest.mark.parametrize("password", ["x${user.name}y", "${a", "a}b${c", "}${}"])
    @pytest.mark.parametrize("pack", PACKS[1:])
    def test_in_a_password(
        self, pack: str, password: str, make_pair: MakePair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pair = make_pair(pack)
        monkeypatch.setenv("APIM_DB_PASSWORD", password)
        message = refused(pair, CHECK)
        assert "mysql.password" in message
        assert "master-datasources.xml" in message
        assert ("fails" in message) == ("}" in password.partition("${")[0])
        ran = run("check", pair.profile, "--offline")
        assert ran.code == 3
        for piece in (password, "user.name"):
            assert piece not in ran.out + ran.err

    @pytest.mark.parametrize("password", ["a$b{c}", "$", "{}", "a}b", "$ {x}", "#{x}"])
    def test_what_is_none(self, password: str, make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
        pair = make_pair()
        monkeypatch.setenv("APIM_DB_PASSWORD", password)
        assert statuses(checked(pair), CHECK) == ["ok"]

    @pytest.mark.parametrize(
        ("field", "value", "file"),
        [
            ("mysql.username", "u${x}", "registry.xml"),
            ("mysql.url_parameters.a", "${x}", "analytics-datasources.xml"),
            ("pool.validation_query", "SELECT '${x}'", "master-datasources.xml"),
            ("datasources.user", "U${x}", "user-mgt.xml"),
            ("datasources.registry", "R${x}", "registry.xml"),
            *((f"registry.{key}_target", "/${x}", "registry.xml") for key in ("config", "governance")),
            ("registry.registry_root", "/${x}", "registry.xml"),
            *(
                (f"registry.{key}", "${x}", "registry.xml")
                for key in ("instance_id", "db_config", "cache_id")
            ),
            ("registry.remote_url", "https://${x}/", "registry.xml"),
        ],
    )
    def test_in_any_field(self, field: str, value: str, file: str, make_pair: MakePair) -> None:
        table: Any = value
        for key in reversed(field.split(".")):
            table = {key: table}
        pair = make_pair(**table)
        (found,) = [one for one in of(checked(pair), CHECK) if one.status == "error"]
        assert found.message.startswith(f"{field} holds")
        assert file in found.message
        assert found.fix
        assert CHECK in {id for id, _, _ in errors(replayed(pair)[0])}

    @pytest.mark.parametrize("key", ["svn_url", "svn_username", "svn_password"])
    def test_of_subversion(self, key: str, make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
        sync = {
            "method": "svn",
            "svn_url": "https://svn.example.com/x",
            "svn_username": "svn",
            "svn_password": {"env": "SVN_PASSWORD"},
        }
        monkeypatch.setenv("SVN_PASSWORD", "plain")
        if key == "svn_password":
            monkeypatch.setenv("SVN_PASSWORD", "p${geheim}")
        else:
            sync[key] = f"{sync[key]}${{x}}"
        pair = make_pair(deployment_sync=sync)
        (found,) = of(checked(pair), CHECK)
        assert found.message.startswith(f"deployment_sync.{key} holds")
        assert "carbon.xml" in found.message
        assert "geheim" not in found.message
        assert statuses(checked(pair, only=("prerequisites",)), CHECK) == ["ok"], "it is not written"

    @pytest.mark.parametrize(
        "tables",
        [
            {"event_processor": {"persistence_location": "${x}"}},
            {"cluster": {"domain": "d${x}"}},
            {"mysql": {"databases": {"user": "u${x}", "event_store": "e${x}"}}},
            {"deployment_sync": {"svn_url": "https://svn.example.com/${x}"}},
        ],
    )
    def test_where_the_server_replaces_nothing(self, tables: dict[str, Any], make_pair: MakePair) -> None:
        pair = make_pair(**tables)
        assert statuses(checked(pair), CHECK) == ["ok"]
        applied(pair)
        for home in pair.homes:
            assert not [one for one in texts(home, REGISTRY, "//*[not(*)]") if "${x" in one]
            for relative in (MASTER, ANALYTICS):
                assert not [one for one in texts(home, relative, "//configuration/*") if "${x" in one]

    def test_only_what_this_run_writes(self, make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
        pair = make_pair(registry={"config_target": "/${x}"})
        monkeypatch.setenv("APIM_DB_PASSWORD", "x${user.name}y")
        assert "mysql.password" in refused(pair, CHECK, only=("datasources",))
        assert "registry.config_target" in refused(pair, CHECK, skip=("datasources",))
        assert applied(pair, only=("hazelcast",)).exit_code == 0
