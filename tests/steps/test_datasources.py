"""Step 3 on configured packs: names, shared databases, and what the servers would read differently."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.support.cli import run
from tests.support.hands import (
    SAMPLE,
    SVN,
    Expected,
    Hand,
    applied,
    before,
    datasource,
    datasources,
    do,
    judged,
    profiled,
    put,
    refused,
    rewrite,
    written,
)
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    ANALYTICS,
    API_MANAGER_PACKS,
    MASTER,
    PACKS,
    REGISTRY,
    STATS,
    STORES,
    USER_MGT,
    checked,
    errors,
    of,
    quick_disk,
    replayed,
    texts,
)
from tests.support.pairs import PASSWORD, Pair
from wizard.steps import sources

MakePair = Callable[..., Pair]

NAMES, URLS = "//datasource/name", "//datasource/definition/configuration/url"
STORE_NAMES = "//analytics-record-store/properties/property[@name='datasource']"
EVENTS, PROCESSED = "WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"
RDBMS = "org.wso2.carbon.analytics.datasource.rdbms.RDBMSAnalyticsRecordStore"
CASSANDRA = "org.wso2.carbon.analytics.datasource.cassandra.CassandraAnalyticsRecordStore"
HBASE = "org.wso2.carbon.analytics.datasource.hbase.HBaseAnalyticsRecordStore"
URL = "jdbc:mysql://127.0.0.1:3306/"


def in_one(*roles: str, name: str = "one") -> Hand:
    """In the profile, these databases are one."""
    return profiled(mysql={"databases": dict.fromkeys(roles, name)})


def both_in_one(*names: str) -> Expected:
    """The stores' datasources have these names, and lead to one database."""
    return {
        (ANALYTICS, NAMES): list(names),
        (ANALYTICS, URLS): [f"{URL}one"] * 2,
        (STORES, STORE_NAMES): [names[0], *names],
    }


# --- what is written ------------------------------------------------------------------------------------------

STATISTICS = {"mysql": {"databases": {"stats": "STATS"}}}
STORES_OF_ONE = ("event_store", "processed_data_store")
IN_ONE = {(ANALYTICS, NAMES): [EVENTS, PROCESSED], (ANALYTICS, URLS): [f"{URL}one"] * 2}
OWN_NAMES = {"user": "SHARED_USERS", "registry": "SHARED_REG"}
BY_THESE_NAMES = {
    (MASTER, NAMES): ["WSO2_CARBON_DB", "SHARED_USERS", "SHARED_REG"],
    (MASTER, "//jndiConfig/name"): ["jdbc/WSO2CarbonDB", "jdbc/SHARED_USERS", "jdbc/SHARED_REG"],
    (USER_MGT, "//Realm/Configuration/Property[@name='dataSource']"): ["jdbc/SHARED_USERS"],
    (REGISTRY, "//dbConfig[@name='govregistry']/dataSource"): ["jdbc/SHARED_REG"],
}
CLASS_NAME = "<dataSourceClassName>x.Y</dataSourceClassName>"
USERS_BY_CLASS = datasource(
    "WSO2UM_DB",
    "",
    more="<dataSourceClassName>com.mysql.jdbc.jdbc2.optional.MysqlXADataSource</dataSourceClassName>\n"
    '<dataSourceProps>\n<property name="url">jdbc:mysql://old.example.com:3306/users</property>\n'
    '<property name="password">geheim</property>\n</dataSourceProps>\n<initialSize>3</initialSize>',
).replace("<url></url>", "")

WRITTEN: dict[str, tuple[Sequence[str], Sequence[Hand], Expected]] = {
    "names of the profile": (PACKS, [profiled(datasources=OWN_NAMES)], BY_THESE_NAMES),
    "datasources that have one of these names": (PACKS[:1], [
        applied,
        (MASTER, "<name>WSO2UM_DB</name>", "<name>SHARED_USERS</name>"),
        (MASTER, "<name>jdbc/WSO2REG_DB</name>", "<name>jdbc/SHARED_REG</name>"),
        (MASTER, "<name>jdbc/WSO2UM_DB</name>", "<name>jdbc/SomethingElse</name>"),
        profiled(datasources=OWN_NAMES),
    ], BY_THESE_NAMES),
    "stores and statistics in one database": (API_MANAGER_PACKS, [in_one(*STORES_OF_ONE, "stats")], {
        **IN_ONE,
        (STORES, STORE_NAMES): [EVENTS, EVENTS, PROCESSED],
        (STATS, URLS): [f"{URL}one"],
        (STATS, NAMES): ["WSO2AM_STATS_DB"],
    }),
    "stores in one database": (("das-3.0.1", "is-analytics-5.3.0"), [in_one(*STORES_OF_ONE)], IN_ONE),
    "stores in one database, of which one is pinned": (
        PACKS[:1], [in_one(*STORES_OF_ONE), profiled(datasources={"event_store": "PIN"})], both_in_one("PIN", "one"),
    ),
    "names that an earlier run has given": (PACKS[:1], [
        profiled(mysql={"databases": {"event_store": "EVTS", "processed_data_store": "PROC"}}), applied,
        in_one(*STORES_OF_ONE),
    ], both_in_one("EVTS", "PROC")),
    "a name that the other store leaves": (PACKS[:1], [
        profiled(mysql={"databases": {"event_store": "EVTS", "processed_data_store": EVENTS}}),
        before(ANALYTICS, "    </datasources>", datasource("EVTS", "jdbc:h2:x")),
    ], {(ANALYTICS, NAMES): [EVENTS, PROCESSED, "EVTS"], (STORES, STORE_NAMES): ["EVTS", "EVTS", EVENTS]}),
    "one datasource that both stores use": (PACKS[:1], [
        in_one(*STORES_OF_ONE), (STORES, f">{PROCESSED}<", f">{EVENTS}<"),
    ], {
        (STORES, STORE_NAMES): [EVENTS] * 3,
        (ANALYTICS, f"//datasource[name='{EVENTS}']//url"): [f"{URL}one"],
        (ANALYTICS, f"//datasource[name='{PROCESSED}']//driverClassName"): ["org.h2.Driver"],
    }),
    "the event store in the database of the statistics": (
        PACKS[:1], [in_one("event_store", "stats", name="WSO2AM_STATS_DB")], {
        (ANALYTICS, NAMES): [EVENTS, PROCESSED],
        (ANALYTICS, URLS): [f"{URL}WSO2AM_STATS_DB", URL + PROCESSED],
        (STATS, NAMES): ["WSO2AM_STATS_DB"],
    }),
    "user and registry in one database": (PACKS[:1], [in_one("user", "registry")], {
        (MASTER, NAMES): ["WSO2_CARBON_DB", "WSO2UM_DB", "WSO2REG_DB"],
        (MASTER, f"{URLS}[starts-with(., 'jdbc:mysql')]"): [f"{URL}one"] * 2,
    }),
    "user and registry in one datasource": (PACKS[:1], [
        in_one("user", "registry"), profiled(datasources={"user": "SHARED_DB", "registry": "SHARED_DB"}),
    ], {
        (MASTER, NAMES): ["WSO2_CARBON_DB", "SHARED_DB"],
        (MASTER, f"{URLS}[starts-with(., 'jdbc:mysql')]"): [f"{URL}one"],
    }),
    "a datasource by its class": (PACKS, [before(MASTER, SAMPLE, USERS_BY_CLASS)], {
        (MASTER, "//dataSourceClassName | //dataSourceProps"): [],
        (MASTER, "//datasource[name='WSO2UM_DB']//url"): [f"{URL}userdb"],
        (MASTER, "//datasource[name='WSO2UM_DB']//password"): [PASSWORD],
        (MASTER, "//datasource[name='WSO2UM_DB']//initialSize"): ["3"],
    }),
    "a store and the statistics by their class": (PACKS[:1], [profiled(**STATISTICS), *(
        (file, "<configuration>", f"<configuration>{CLASS_NAME}<dataSourceProps/>") for file in (ANALYTICS, STATS)
    )], {(file, "//dataSourceClassName | //dataSourceProps"): [] for file in (ANALYTICS, STATS)}),
    "a store by its class alone": (PACKS[:1], [rewrite(
        ANALYTICS, "<configuration>.*?</configuration>", f"<configuration>\n{CLASS_NAME}\n</configuration>"
    )], {(ANALYTICS, f"//datasource[name='{EVENTS}']//configuration/*[position() < 3]"): [URL + EVENTS, "apim"]}),
    "the server's own datasource by its class": (
        PACKS[:1], [(MASTER, "<configuration>", f"<configuration>{CLASS_NAME}")],
        {(MASTER, "//dataSourceClassName"): ["x.Y"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("pack", "hands", "expected"),
    [(pack, *row) for packs, *row in WRITTEN.values() for pack in packs],
    ids=[f"{name}, {pack}" for name, (packs, *_) in WRITTEN.items() for pack in packs],
)
def test_what_is_written(pack: str, hands: Sequence[Hand], expected: Expected, make_pair: MakePair) -> None:
    """A name that both stores would get stays the pack's; a pinned one is given beside it."""
    written(do(make_pair(pack), *hands), expected)


def test_a_class_that_gives_way_is_named_and_its_password_is_not(make_pair: MakePair) -> None:
    pair = do(make_pair(), before(MASTER, SAMPLE, USERS_BY_CLASS))
    result = applied(pair)
    (changes, _) = (file["changes"] for file in result.files if file["path"] == MASTER)
    for name in ("dataSourceClassName", "dataSourceProps"):
        assert any(f"WSO2UM_DB/{name}" in line for line in changes)
    assert "geheim" not in "".join(changes)
    assert b"geheim" not in (pair.homes[0] / MASTER).read_bytes()


# --- which datasource each record store gets ------------------------------------------------------------------

CHOSEN: dict[str, tuple[str, str, str, str]] = {  # by the names now, those wanted, and those that exist
    "as it is": ("E P", "E P", "E P", "E P"),
    "renamed": ("E P", "A B", "E P", "E P"),
    "unused ones of those names": ("E P", "A B", "E P A B", "A B"),
    "one is unused, one is renamed": ("E P", "A B", "E P A", "A P"),
    "names exchanged": ("E P", "P E", "E P", "E P"),
    "the name that the first store leaves": ("E P", "A E", "E P A", "A E"),
    "the name that the second store leaves": ("E P", "P B", "E P B", "P B"),
    "one database under the other store's name": ("E P", "P P", "E P", "P P"),
    "one database under the first store's name": ("E P", "E E", "E P", "E E"),
    "one datasource for both": ("S S", "S S", "S", "S S"),
    "one datasource becomes two: the first store keeps it": ("S S", "A B", "S", "S -"),
    "one datasource becomes two: its name decides": ("S S", "A S", "S", "- S"),
    "one database under a name that no store uses": ("E P", "A A", "E P A", "A A"),
}


@pytest.mark.parametrize(("now", "wanted", "there", "chosen"), CHOSEN.values(), ids=CHOSEN)
def test_choose(now: str, wanted: str, there: str, chosen: str) -> None:
    def named(names: str) -> dict[Any, str]:
        return {role: name for role, name in zip(STORES_OF_ONE, names.split(), strict=True) if name != "-"}

    assert sources.choose(named(now), named(wanted), there.split()) == named(chosen)


# --- doubles --------------------------------------------------------------------------------------------------

DUPLICATE = "datasources.duplicate"


def extra_file(*defined: str, name: str = "mine-datasources.xml") -> Hand:
    """One more file of datasources, each as its name, `=`, and its JNDI name."""
    body = "".join(
        datasource(one, "jdbc:h2:x", jndi) for one, _, jndi in (each.partition("=") for each in defined)
    )
    text = f"<datasources-configuration><datasources>{body}</datasources></datasources-configuration>"
    return put(MASTER.replace("master-datasources.xml", name), text)


OWN = {"datasources": {"user": "USERS"}, "mysql": {"databases": {"event_store": "EVTS"}}}


@pytest.mark.parametrize(
    ("profile", "hand", "status", "parts"),
    [
        ({}, extra_file("WSO2AM_STATS_DB=jdbc/X"), "ok ok", ()),  # the statistics are not written
        (STATISTICS, extra_file("WSO2AM_STATS_DB=jdbc/X"), "error error", ()),
        ({}, extra_file("WSO2UM_DB=jdbc/WSO2UM_DB", name="datasources.xml.bak"), "ok ok", ()),
        ({}, extra_file("WSO2_CARBON=jdbc/C"), "ok ok", ()),
        *(
            ({}, extra_file(double), "error error", ("mine-datasources.xml defines",))
            for double in (
                "WSO2UM_DB=jdbc/Other",
                "OTHER=jdbc/WSO2REG_DB",
                f"{EVENTS}=jdbc/Other",
                f"{PROCESSED}=jdbc/Other",
            )
        ),
        (OWN, extra_file("WSO2UM_DB=jdbc/WSO2UM_DB", f"{EVENTS}=jdbc/E"), "ok ok", ()),
        (OWN, extra_file("EVTS=jdbc/E", "X=jdbc/USERS"), "error " * 4, ("EVTS", "jdbc/USERS")),
        ({}, (MASTER, "<name>WSO2_CARBON_DB<", f"<name>{EVENTS}<"), "error error", (EVENTS,)),
    ],
)
def test_what_is_a_double(
    profile: dict[str, Any], hand: Hand, status: str, parts: tuple[str, ...], make_pair: MakePair
) -> None:
    """The names that the profile gives, and no others."""
    judged(do(make_pair(**profile), hand), DUPLICATE, status, *parts)


@pytest.mark.parametrize("pack", PACKS)
def test_a_double_stops_a_run_unless_it_is_ignored(pack: str, make_pair: MakePair) -> None:
    pair = do(make_pair(pack), extra_file("WSO2REG_DB=jdbc/WSO2REG_DB"))
    refused(pair, DUPLICATE, "WSO2REG_DB", "mine-datasources.xml")
    assert applied(pair, ignore=(DUPLICATE,)).exit_code == 0


# --- record stores of another kind ----------------------------------------------------------------------------

RECORD_STORE = "datasources.record-store"
OF_MINE = (
    f'   <analytics-record-store name="MINE"><implementation>{HBASE}</implementation>'
    '<properties><property name="datasource">MINE</property></properties></analytics-record-store>\n'
)


def implemented(store: str, implementation: str) -> Hand:
    return rewrite(
        STORES, rf'(?<="{store}">)\s*<implementation>{re.escape(RDBMS)}', f"<implementation>{implementation}"
    )


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize(
    ("store", "implementation"),
    [("EVENT_STORE", CASSANDRA), ("PROCESSED_DATA_STORE", HBASE), ("EVENT_STORE", "com.example.Mine")],
)
def test_a_record_store_of_another_kind_is_named_and_left_alone(
    pack: str, store: str, implementation: str, make_pair: MakePair
) -> None:
    pair = make_pair(pack, mysql={"databases": {"event_store": "EVTS", "processed_data_store": "PROC"}})
    do(pair, implemented(store, implementation))
    refused(pair, RECORD_STORE, store, implementation.rpartition(".")[2])
    applied(pair, ignore=(RECORD_STORE,))
    kept, moved = (EVENTS, "PROC") if store == "EVENT_STORE" else (PROCESSED, "EVTS")
    for home in pair.homes:
        found = datasources(home, ANALYTICS)
        assert found.keys() == {kept, moved}
        assert found[kept]["url"].startswith("jdbc:h2:")
        assert found[moved]["url"].startswith("jdbc:mysql:")
        named = f"//analytics-record-store[@name='{store}']/properties/property[1]"
        assert texts(home, STORES, named) == [kept]


@pytest.mark.parametrize("pack", API_MANAGER_PACKS)
def test_the_write_only_event_store_of_another_kind(pack: str, make_pair: MakePair) -> None:
    pair = make_pair(pack, mysql={"databases": {"event_store": "EVTS"}})
    refused(do(pair, implemented("EVENT_STORE_WO", HBASE)), RECORD_STORE, "EVENT_STORE_WO")
    applied(pair, ignore=(RECORD_STORE,))
    assert texts(pair.homes[0], STORES, STORE_NAMES) == ["EVTS", EVENTS, PROCESSED]


@pytest.mark.parametrize(
    "hand",
    [
        before(STORES, "   <!-- The data indexing analyzer implementation -->\n", OF_MINE),
        implemented("EVENT_STORE", "org.example.RDBMSAnalyticsRecordStore"),
    ],
    ids=["a store of another application", "the same class in another package"],
)
def test_a_record_store_that_is_fine(hand: Hand, pair: Pair) -> None:
    judged(do(pair, hand), RECORD_STORE, "ok ok")
    applied(pair)


# --- placeholders ---------------------------------------------------------------------------------------------

PLACEHOLDER = "datasources.placeholder"


@pytest.mark.parametrize("password", ["x${user.name}y", "${a", "a}b${c", "}${}"])
@pytest.mark.parametrize("pack", PACKS[1:])
def test_a_placeholder_in_a_password(
    pack: str, password: str, make_pair: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(pack)
    monkeypatch.setenv("APIM_DB_PASSWORD", password)
    message = refused(pair, PLACEHOLDER, "mysql.password", "master-datasources.xml")
    assert ("fails" in message) == ("}" in password.partition("${")[0])
    ran = run("check", pair.profile, "--offline")
    assert ran.code == 3
    for piece in (password, "user.name"):
        assert piece not in ran.out + ran.err


@pytest.mark.parametrize("password", ["a$b{c}", "$", "{}", "a}b", "$ {x}", "#{x}"])
def test_what_is_no_placeholder(password: str, make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = make_pair()
    monkeypatch.setenv("APIM_DB_PASSWORD", password)
    judged(pair, PLACEHOLDER, "ok")


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
        *((f"registry.{key}", "${x}", "registry.xml") for key in ("instance_id", "db_config", "cache_id")),
        ("registry.remote_url", "https://${x}/", "registry.xml"),
        ("deployment_sync.svn_url", "https://svn.example.com/${x}", "carbon.xml"),
        ("deployment_sync.svn_username", "u${x}", "carbon.xml"),
        ("deployment_sync.svn_password", {"env": "SVN_PASSWORD"}, "carbon.xml"),
    ],
)
def test_a_placeholder_in_any_field(
    field: str, value: Any, file: str, make_pair: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SVN_PASSWORD", "p${geheim}")
    table: Any = value
    for key in reversed(field.split(".")):
        table = {key: table}
    pair = do(make_pair(**(SVN if field.startswith("deployment_sync") else {})), profiled(**table))
    (found,) = of(checked(pair), PLACEHOLDER)
    assert found.status == "error" and found.fix
    assert found.message.startswith(f"{field} holds") and file in found.message
    assert "geheim" not in found.message
    assert PLACEHOLDER in {id for id, _, _ in errors(replayed(pair)[0])}
    if field != "mysql.username":
        judged(pair, PLACEHOLDER, "ok", only=("prerequisites",))  # it is not written


@pytest.mark.parametrize(
    "tables",
    [
        {"event_processor": {"persistence_location": "${x}"}},
        {"cluster": {"domain": "d${x}"}},
        {"mysql": {"databases": {"user": "u${x}", "event_store": "e${x}"}}},
        {"deployment_sync": {"svn_url": "https://svn.example.com/${x}"}},
    ],
)
def test_a_placeholder_where_the_server_replaces_nothing(tables: dict[str, Any], make_pair: MakePair) -> None:
    pair = make_pair(**tables)
    judged(pair, PLACEHOLDER, "ok")
    applied(pair)
    for relative, path in (
        (REGISTRY, "//*[not(*)]"),
        (MASTER, "//configuration/*"),
        (ANALYTICS, "//configuration/*"),
    ):
        assert not [one for one in texts(pair.homes[0], relative, path) if "${x" in one]


def test_a_placeholder_matters_only_in_what_this_run_writes(
    make_pair: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(registry={"config_target": "/${x}"})
    monkeypatch.setenv("APIM_DB_PASSWORD", "x${user.name}y")
    refused(pair, PLACEHOLDER, "mysql.password", only=("datasources",))
    refused(pair, PLACEHOLDER, "registry.config_target", skip=("datasources",))
    assert applied(pair, only=("hazelcast",)).exit_code == 0
