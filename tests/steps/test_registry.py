"""Step 4 on configured packs: the mounts as the profile names them, and where the local registry is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.cli import run
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    ANALYTICS,
    MASTER,
    PACKS,
    REGISTRY,
    applied,
    checked,
    errors,
    live,
    of,
    quick_disk,
    replayed,
    statuses,
    text,
    texts,
    untouched,
)
from tests.support.pairs import Pair
from tests.test_touched_packs import ANCHOR, BEFORE_SAMPLE, touch
from wizard.system import network

MakePair = Callable[..., Pair]

SHARED = {
    "instance_id": "shared",
    "db_config": "GOV_DB",
    "governance_target": "/_system/governance/analytics",
    "config_target": "/_system/config/analytics",
}
H2 = "jdbc:h2:./repository/database/MINE"


def mount(path: str, instance: str = "gov", target: str | None = None) -> str:
    shown = f"<targetPath>{target}</targetPath>" if target else ""
    return (
        f'    <mount path="{path}" overwrite="true">\n'
        f"        <instanceId>{instance}</instanceId>{shown}\n    </mount>\n\n"
    )


def instance(id: str = "gov", config: str = "govregistry") -> str:
    return (
        '    <remoteInstance url="https://localhost:9443/registry">\n'
        f"        <id>{id}</id>\n        <dbConfig>{config}</dbConfig>\n    </remoteInstance>\n\n"
    )


def db_config(name: str = "govregistry", source: str = "jdbc/WSO2REG_DB") -> str:
    return f'    <dbConfig name="{name}">\n        <dataSource>{source}</dataSource>\n    </dbConfig>\n\n'


def datasource(name: str, url: str, jndi: str | None = None, more: str = "") -> str:
    return (
        f"        <datasource>\n            <name>{name}</name>\n            <jndiConfig>\n"
        f"                <name>{jndi or f'jdbc/{name}'}</name>\n            </jndiConfig>\n"
        '            <definition type="RDBMS">\n                <configuration>\n'
        f"                    <url>{url}</url>{more}\n"
        "                </configuration>\n            </definition>\n        </datasource>\n\n"
    )


def local_at(pair: Pair, url: str) -> None:
    """The server's own registry at that URL, on both nodes."""
    for number in (1, 2):
        local_of_node_at(pair, number, url)


def local_of_node_at(pair: Pair, number: int, url: str) -> None:
    path = pair.homes[number - 1] / MASTER
    changed, count = re.subn(r"(?<=<url>)jdbc:h2:[^<]*", lambda _: url, path.read_text())
    assert count == 1
    path.write_text(changed)


def at_rest(pair: Pair, **options: Any) -> list[str]:
    """The ids of the checks that refuse a replay, in which nothing may be written."""
    before = untouched(*pair.homes)
    result, _ = replayed(pair, **options)
    assert (result.outcome, result.exit_code) == ("refused", 3)
    assert untouched(*pair.homes) == before
    return sorted({id for id, _, _ in errors(result)})


class TestWhatIsWritten:
    @pytest.mark.parametrize("pack", PACKS)
    def test_names_and_targets_of_the_profile(self, pack: str, make_pair: MakePair) -> None:
        pair = make_pair(pack, registry=SHARED, datasources={"registry": "WSO2_GOV"})
        applied(pair)
        for home in pair.homes:
            assert texts(home, REGISTRY, "//dbConfig/@name") == ["wso2registry", "GOV_DB"]
            assert text(home, REGISTRY, "//dbConfig[@name='GOV_DB']/dataSource") == "jdbc/WSO2_GOV"
            assert text(home, MASTER, "//datasource[name='WSO2_GOV']/jndiConfig/name") == "jdbc/WSO2_GOV"
            assert text(home, REGISTRY, "//remoteInstance/id") == "shared"
            assert text(home, REGISTRY, "//remoteInstance/dbConfig") == "GOV_DB"
            assert texts(home, REGISTRY, "//mount/@path") == ["/_system/governance", "/_system/config"]
            assert texts(home, REGISTRY, "//mount/instanceId") == ["shared", "shared"]
            assert texts(home, REGISTRY, "//mount/targetPath") == [
                "/_system/governance/analytics",
                "/_system/config/analytics",
            ]
        assert replayed(pair)[0].outcome == "unchanged"

    def test_a_second_name_takes_the_place_of_the_first(self, make_pair: MakePair) -> None:
        pair = make_pair()
        applied(pair)
        pair.profile.write_text(pair.profile.read_text() + '\n[registry]\ninstance_id = "it\'s \\"ours\\""\n')
        applied(pair)
        for home in pair.homes:
            assert texts(home, REGISTRY, "//remoteInstance/id") == ["gov", 'it\'s "ours"']
            assert texts(home, REGISTRY, "//mount/instanceId") == ['it\'s "ours"'] * 2
            assert texts(home, REGISTRY, "//dbConfig/@name") == ["wso2registry", "govregistry"]
        assert replayed(pair)[0].outcome == "unchanged"

    @pytest.mark.parametrize("slashes", ["/", "//"])
    @pytest.mark.parametrize("pack", PACKS[1:])
    def test_a_mount_with_a_slash_at_its_end_is_changed(
        self, pack: str, slashes: str, make_pair: MakePair
    ) -> None:
        pair = make_pair(pack)
        applied(pair)
        touch(pair, REGISTRY, 'path="/_system/config"', f'path="/_system/config{slashes}"')
        result = applied(pair)
        found = of(result.checks, "registry.other-mount", "node1")
        assert [one.status for one in found] == ["warning"]
        assert f"/_system/config{slashes}" in found[0].message
        for home in pair.homes:
            assert texts(home, REGISTRY, "//mount/@path") == ["/_system/governance", "/_system/config"]
        assert replayed(pair)[0].outcome == "unchanged"

    def test_one_with_and_one_without_the_slash_are_refused(self, make_pair: MakePair) -> None:
        pair = make_pair()
        touch(pair, REGISTRY, ANCHOR, mount("/_system/config/") + mount("/_system/config") + ANCHOR)
        assert at_rest(pair) == ["prerequisites.files"]


class TestOtherMount:
    def message(self, pair: Pair, **options: Any) -> str:
        found = of(checked(pair, **options), "registry.other-mount", "node1")
        assert {one.status for one in found} == {"warning"}
        assert all(one.fix for one in found)
        return "\n".join(one.message for one in found)

    @pytest.mark.parametrize("pack", PACKS)
    def test_another_target_path(self, pack: str, make_pair: MakePair) -> None:
        pair = make_pair(pack)
        there = db_config() + instance() + mount("/_system/config", target="/_system/config/analytics")
        touch(pair, REGISTRY, ANCHOR, there + ANCHOR)
        found = self.message(pair)
        assert "/_system/config is mounted" in found
        assert "target path /_system/config/analytics" in found
        assert "instance" not in found

    def test_the_target_path_of_the_profile_is_none(self, make_pair: MakePair) -> None:
        pair = make_pair(registry={"config_target": "/_system/config/analytics"})
        there = db_config() + instance() + mount("/_system/config", target="/_system/config/analytics")
        touch(pair, REGISTRY, ANCHOR, there + ANCHOR)
        assert statuses(checked(pair), "registry.other-mount") == ["ok", "ok"]

    @pytest.mark.parametrize("pack", PACKS)
    @pytest.mark.parametrize("where", [MASTER, ANALYTICS])
    def test_another_database(self, pack: str, where: str, make_pair: MakePair) -> None:
        """`govregistry` on `jdbc/SHARED_REG`, whichever file defines that."""
        pair = make_pair(pack)
        touch(
            pair,
            REGISTRY,
            ANCHOR,
            db_config(source="jdbc/SHARED_REG") + instance() + mount("/_system/config") + ANCHOR,
        )
        other = datasource("SHARED_REG", "jdbc:mysql://db.example.com:3306/shared?password=geheim")
        touch(
            pair, where, "    </datasources>", other + "    </datasources>"
        ) if where == ANALYTICS else touch(pair, where, BEFORE_SAMPLE, other + BEFORE_SAMPLE)
        found = self.message(pair)
        assert "database db.example.com:3306/shared" in found
        assert "geheim" not in found
        assert "SHARED_REG" in text(pair.homes[0], REGISTRY, "//dbConfig[@name='govregistry']/dataSource")

    def test_a_database_that_the_profile_changes(self, make_pair: MakePair) -> None:
        pair = make_pair()
        applied(pair)
        profile = pair.profile.read_text()
        pair.profile.write_text(profile + '\n[mysql.databases]\nregistry = "registry_of_2027"\n')
        assert "database 127.0.0.1:3306/regdb" in self.message(pair)

    def test_the_same_database_in_another_spelling_is_none(self, make_pair: MakePair) -> None:
        pair = make_pair()
        applied(pair)
        touch(
            pair, MASTER, "jdbc:mysql://127.0.0.1:3306/regdb", "jdbc:mysql://localhost/reg%64b?useSSL=false"
        )
        assert statuses(checked(pair), "registry.other-mount") == ["ok", "ok"]

    def test_another_instance_of_the_same_target(self, make_pair: MakePair) -> None:
        pair = make_pair(registry={"instance_id": "shared"})
        touch(pair, REGISTRY, ANCHOR, db_config() + instance() + mount("/_system/governance") + ANCHOR)
        found = self.message(pair)
        assert "instance gov" in found
        assert "target path" not in found

    def test_what_is_not_written_is_not_judged(self, make_pair: MakePair) -> None:
        pair = make_pair()
        touch(pair, REGISTRY, ANCHOR, mount("/_system/governance", "other") + ANCHOR)
        assert statuses(checked(pair, skip=("registry",)), "registry.other-mount") == []


LOCAL = "registry.local-database"
SPELLINGS = [
    "jdbc:mysql://db.example.com:3306/regdb?useSSL=false",
    "jdbc:mysql://DB.EXAMPLE.COM/regdb",
    "jdbc:mariadb://db.example.com:3306/reg%64b?a=1&amp;b=2",
    "jdbc:mysql:loadbalance://db.example.com:3306,other:3306/regdb",
]

MINE = [
    (REGISTRY, "<currentDBConfig>wso2registry<", "<currentDBConfig>mine<"),
    (REGISTRY, ANCHOR, db_config("mine", "jdbc/Mine") + ANCHOR),
]
LEADS_THERE = {
    "the registry's own datasource, which only this run defines": [
        (REGISTRY, "jdbc/WSO2CarbonDB", "jdbc/WSO2REG_DB")
    ],
    "a dbConfig with a URL": [
        (REGISTRY, "<dataSource>jdbc/WSO2CarbonDB</dataSource>", f"<url>{SPELLINGS[0]}</url>")
    ],
    "one of two bindings, of which any may be read last": [
        (MASTER, BEFORE_SAMPLE, datasource("SECOND", SPELLINGS[0], "jdbc/WSO2CarbonDB") + BEFORE_SAMPLE)
    ],
    "another dbConfig that is the current one": [
        *MINE,
        (MASTER, BEFORE_SAMPLE, datasource("MINE", SPELLINGS[0], "jdbc/Mine") + BEFORE_SAMPLE),
    ],
}


class TestLocalDatabase:
    def pair(self, make_pair: MakePair, pack: str = PACKS[0], **more: Any) -> Pair:
        return make_pair(pack, mysql={"host": "db.example.com"}, **more)

    @pytest.mark.parametrize("pack", [*PACKS, "das-3.1.0", "is-analytics-5.3.0"])
    def test_the_mounted_database_with_url_parameters(self, pack: str, make_pair: MakePair) -> None:
        pair = self.pair(make_pair, pack)
        local_at(pair, SPELLINGS[0])
        assert at_rest(pair) == [LOCAL]
        found = of(checked(pair), LOCAL)
        assert [one.node for one in found] == ["node1", "node2"]
        for one in found:
            assert one.status == "error"
            assert "db.example.com:3306/regdb" in one.message
            assert one.fix

    @pytest.mark.parametrize("url", SPELLINGS)
    def test_other_spellings(self, url: str, make_pair: MakePair) -> None:
        pair = self.pair(make_pair)
        local_at(pair, url)
        assert at_rest(pair) == [LOCAL]

    @pytest.mark.parametrize(
        ("mysql", "url"),
        [
            ("127.0.0.1", "jdbc:mysql://localhost:3306/regdb"),
            ("localhost", "jdbc:mysql:///regdb"),
            ("2001:db8::7", "jdbc:mysql://[2001:0db8:0::7]/regdb"),
        ],
    )
    def test_other_spellings_of_the_host(self, mysql: str, url: str, make_pair: MakePair) -> None:
        pair = make_pair(mysql={"host": mysql})
        local_at(pair, url)
        assert at_rest(pair) == [LOCAL]

    @pytest.mark.parametrize(("offline", "found"), [(False, True), (True, False)])
    def test_another_name_of_the_host_is_looked_up_where_the_network_may_be_asked(
        self, offline: bool, found: bool, make_pair: MakePair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An alias of the server leads to the same database; offline only addresses and localhost are known."""
        known = {"db.example.com": ("192.0.2.7",), "alias.example.com": ("192.0.2.7", "192.0.2.8")}
        literal = network.addresses

        def addresses(host: str, *, resolve: bool) -> tuple[str, ...]:
            return known.get(host, ()) if resolve and host in known else literal(host, resolve=False)

        monkeypatch.setattr("wizard.system.network.addresses", addresses)
        monkeypatch.setattr("wizard.command_line.run.replay.resolve_ahead", lambda hosts: None)
        pair = self.pair(make_pair)
        local_at(pair, "jdbc:mysql://alias.example.com/regdb")
        judged = of(checked(pair, offline=offline, only=("registry",)), LOCAL)
        assert {one.status for one in judged} == {"error" if found else "ok"}
        for path in ("/_system/config", "/_system/governance"):
            assert not found or path in judged[0].message, "every mount is named"

    @pytest.mark.parametrize(
        "url",
        [
            "jdbc:mysql://db.example.com:3307/regdb",
            "jdbc:mysql://db2.example.com:3306/regdb",
            "jdbc:mysql://db.example.com:3306/local1?useSSL=false",
            "jdbc:oracle:thin:@db.example.com:1521/regdb",
        ],
    )
    def test_another_database_is_fine(self, url: str, make_pair: MakePair) -> None:
        pair = self.pair(make_pair)
        local_at(pair, url)
        assert statuses(checked(pair), LOCAL) == ["ok", "ok"]
        assert applied(pair).exit_code == 0

    @pytest.mark.parametrize("changes", LEADS_THERE.values(), ids=LEADS_THERE)
    def test_whatever_leads_to_the_mounted_database(
        self, changes: list[tuple[str, str, str]], make_pair: MakePair
    ) -> None:
        pair = self.pair(make_pair)
        for change in changes:
            touch(pair, *change)
        assert at_rest(pair) == [LOCAL]
        assert at_rest(pair, only=("registry",)) == [LOCAL]

    def test_a_datasource_of_another_file(self, make_pair: MakePair) -> None:
        pair = self.pair(make_pair)
        touch(pair, REGISTRY, "jdbc/WSO2CarbonDB", "jdbc/Mine")
        for home in pair.homes:
            own = datasource("MINE", SPELLINGS[1], "jdbc/Mine")
            (home / MASTER).with_name("mine-datasources.xml").write_text(
                f"<datasources-configuration><datasources>{own}</datasources></datasources-configuration>"
            )
        assert at_rest(pair) == [LOCAL]

    def test_a_datasource_that_is_configured_by_its_class(self, make_pair: MakePair) -> None:
        pair = self.pair(make_pair)
        local_at(pair, H2)
        by_class = (
            f"{H2}</url><dataSourceClassName>com.mysql.jdbc.jdbc2.optional.MysqlDataSource</dataSourceClassName>"
            f'<dataSourceProps><property name="url">{SPELLINGS[0]}</property></dataSourceProps>'
        )
        touch(pair, MASTER, f"{H2}</url>", by_class)
        assert at_rest(pair) == [LOCAL]
        parts = '<property name="serverName">db.example.com</property><property name="databaseName">regdb</property>'
        touch(pair, MASTER, f'<property name="url">{SPELLINGS[0]}</property>', parts)
        assert at_rest(pair) == [LOCAL]

    def test_another_db_config_than_the_current_one_is_fine(self, make_pair: MakePair) -> None:
        pair = self.pair(make_pair)
        for change in MINE:
            touch(pair, *change)
        local_at(pair, SPELLINGS[0])
        touch(pair, MASTER, BEFORE_SAMPLE, datasource("MINE", H2, "jdbc/Mine") + BEFORE_SAMPLE)
        assert statuses(checked(pair), LOCAL) == ["ok", "ok"]

    def test_the_mounts_own_db_config_as_the_current_one(self, make_pair: MakePair) -> None:
        pair = self.pair(make_pair, registry={"db_config": "mine"})
        touch(pair, REGISTRY, "<currentDBConfig>wso2registry<", "<currentDBConfig>mine<")
        touch(pair, REGISTRY, '<dbConfig name="wso2registry">', '<dbConfig name="mine">')
        assert at_rest(pair) == [LOCAL]

    @pytest.mark.parametrize("step", ["spark", "datasources", "registry", "hazelcast"])
    def test_it_judges_a_configured_pair_whatever_steps_run(self, step: str, make_pair: MakePair) -> None:
        pair = self.pair(make_pair)
        applied(pair)
        local_at(pair, SPELLINGS[0])
        assert at_rest(pair, only=(step,)) == [LOCAL]
        assert at_rest(pair, skip=(step,)) == [LOCAL]

    def test_it_judges_what_the_homes_will_be(self, make_pair: MakePair) -> None:
        """Nothing is mounted yet: only the run that mounts is refused."""
        pair = self.pair(make_pair)
        local_at(pair, SPELLINGS[0])
        assert at_rest(pair, only=("registry",)) == [LOCAL]
        assert applied(pair, only=("datasources",)).exit_code == 0
        assert at_rest(pair) == [LOCAL]

    def test_a_run_that_moves_the_mount_away_is_allowed(self, make_pair: MakePair) -> None:
        pair = self.pair(make_pair)
        applied(pair)
        local_at(pair, SPELLINGS[0])
        profile = pair.profile.read_text()
        pair.profile.write_text(profile + '\n[mysql.databases]\nregistry = "another"\n')
        assert applied(pair).exit_code == 0

    def test_a_mount_of_another_instance(self, make_pair: MakePair) -> None:
        """Ours is elsewhere; what another instance mounts is the local database."""
        pair = self.pair(make_pair)
        local_at(pair, "jdbc:mysql://db.example.com/local")
        other = (
            db_config("other", "jdbc/Other") + instance("other", "other") + mount("/_system/mine", "other")
        )
        touch(pair, REGISTRY, ANCHOR, other + ANCHOR)
        source = datasource("OTHER", "jdbc:mysql://db.example.com:3306/local", "jdbc/Other")
        touch(pair, MASTER, BEFORE_SAMPLE, source + BEFORE_SAMPLE)
        assert at_rest(pair) == [LOCAL]
        assert "/_system/mine" in of(checked(pair), LOCAL)[0].message

    def test_it_cannot_be_ignored(self, make_pair: MakePair) -> None:
        pair = self.pair(make_pair)
        local_at(pair, SPELLINGS[0])
        ran = run("replay", pair.profile, "--offline", "--ignore", LOCAL)
        assert ran.code == 2
        assert LOCAL in ran.err


class TestSharedLocal:
    def test_one_server_database_for_both(self, make_pair: MakePair) -> None:
        pair = make_pair()
        local_at(pair, "jdbc:mysql://db.example.com/local?x=1")
        (found,) = of(checked(pair), "registry.shared-local")
        assert found.status == "warning"
        assert "db.example.com:3306/local" in found.message
        assert applied(pair).exit_code == 0

    @pytest.mark.parametrize(
        ("urls", "status"),
        [
            (("jdbc:oracle:thin:@db.example.com:1521/local",) * 2, "warning"),
            (("jdbc:h2:tcp://10.1.1.1:9092/carbon",) * 2, "warning"),
            (("jdbc:postgresql://pg/carbon?a=1", "jdbc:postgresql://PG/carbon?a=2"), "warning"),
            (("jdbc:sqlserver://s:1433;databaseName=a", "jdbc:sqlserver://s:1433;databaseName=b"), "ok"),
            (("jdbc:sqlserver://s;databaseName=a;x=1", "jdbc:sqlserver://s;x=2;DatabaseName=a"), "warning"),
        ],
    )
    def test_one_of_another_kind_of_server(
        self, urls: tuple[str, str], status: str, make_pair: MakePair
    ) -> None:
        pair = make_pair(PACKS[2])
        for number, url in enumerate(urls, 1):
            local_of_node_at(pair, number, url)
        assert statuses(checked(pair), "registry.shared-local") == [status]

    def test_a_database_for_each_is_fine(self, make_pair: MakePair) -> None:
        pair = make_pair()
        for number in (1, 2):
            local_of_node_at(pair, number, f"jdbc:mysql://db.example.com/local{number}")
        assert statuses(checked(pair), "registry.shared-local") == ["ok"]

    def test_the_packs_h2_file_is_fine_though_both_urls_are_equal(self, make_pair: MakePair) -> None:
        assert statuses(checked(make_pair()), "registry.shared-local") == ["ok"]

    def test_with_one_home_here_only_a_server_is_open_to_question(self, make_pair: MakePair) -> None:
        pair = make_pair()
        shutil.rmtree(pair.homes[1])
        assert statuses(checked(pair, only_node="node1"), "registry.shared-local") == ["ok"]
        local_of_node_at(pair, 1, "jdbc:mysql://db.example.com/local")
        assert statuses(checked(pair, only_node="node1"), "registry.shared-local") == ["skipped"]
