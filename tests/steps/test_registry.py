"""Step 4 on configured packs: the mounts as the profile names them, and where the local registry is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

import pytest

from tests.support.cli import run
from tests.support.hands import (
    ANCHOR,
    SAMPLE,
    Expected,
    Hand,
    applied,
    before,
    datasource,
    db_config,
    do,
    instance,
    judged,
    mount,
    on,
    profiled,
    put,
    refused,
    rewrite,
    written,
)
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    ANALYTICS,
    MASTER,
    PACKS,
    REGISTRY,
    checked,
    of,
    quick_disk,
)
from tests.support.pairs import Pair
from wizard.system import network

MakePair = Callable[..., Pair]

SHARED = {
    "instance_id": "shared",
    "db_config": "GOV_DB",
    "governance_target": "/_system/governance/analytics",
    "config_target": "/_system/config/analytics",
}
H2 = "jdbc:h2:./repository/database/MINE"
CONFIG, GOVERNANCE = "/_system/config", "/_system/governance"


def local_at(url: str) -> Hand:
    """The server's own registry is at that URL."""
    return rewrite(MASTER, r"(?<=<url>)jdbc:h2:[^<]*", url)


# --- what is written ------------------------------------------------------------------------------------------

WRITTEN: dict[str, tuple[Sequence[str], Sequence[Hand], Expected]] = {
    "names and targets of the profile": (PACKS, [profiled(registry=SHARED, datasources={"registry": "WSO2_GOV"})], {
        (REGISTRY, "//dbConfig/@name"): ["wso2registry", "GOV_DB"],
        (REGISTRY, "//dbConfig[@name='GOV_DB']/dataSource"): ["jdbc/WSO2_GOV"],
        (MASTER, "//datasource[name='WSO2_GOV']/jndiConfig/name"): ["jdbc/WSO2_GOV"],
        (REGISTRY, "//remoteInstance/id"): ["shared"],
        (REGISTRY, "//remoteInstance/dbConfig"): ["GOV_DB"],
        (REGISTRY, "//mount/@path"): [GOVERNANCE, CONFIG],
        (REGISTRY, "//mount/instanceId"): ["shared", "shared"],
        (REGISTRY, "//mount/targetPath"): [f"{GOVERNANCE}/analytics", f"{CONFIG}/analytics"],
    }),
    "a second name in the place of the first": (
        PACKS[:1], [applied, profiled(registry={"instance_id": 'it\'s "ours"'})], {
        (REGISTRY, "//remoteInstance/id"): ["gov", 'it\'s "ours"'],
        (REGISTRY, "//mount/instanceId"): ['it\'s "ours"'] * 2,
        (REGISTRY, "//dbConfig/@name"): ["wso2registry", "govregistry"],
    }),
    **{f"a mount with {slashes} at its end": (
        PACKS[1:3], [applied, (REGISTRY, f'path="{CONFIG}"', f'path="{CONFIG}{slashes}"')],
        {(REGISTRY, "//mount/@path"): [GOVERNANCE, CONFIG]},
    ) for slashes in ("/", "//")},
}  # fmt: skip


@pytest.mark.parametrize(
    ("pack", "hands", "expected"),
    [(pack, *row) for packs, *row in WRITTEN.values() for pack in packs],
    ids=[f"{name}, {pack}" for name, (packs, *_) in WRITTEN.items() for pack in packs],
)
def test_what_is_written(pack: str, hands: Sequence[Hand], expected: Expected, make_pair: MakePair) -> None:
    written(do(make_pair(pack), *hands), expected)


# --- what is mounted from another place -----------------------------------------------------------------------

OTHER_MOUNT = "registry.other-mount"
ELSEWHERE = datasource("SHARED_REG", "jdbc:mysql://db.example.com:3306/shared?password=geheim")
ON_ANALYTICS = before(REGISTRY, ANCHOR, db_config(), instance(), mount(CONFIG, target=f"{CONFIG}/analytics"))
ON_SHARED_REG = before(REGISTRY, ANCHOR, db_config(source="jdbc/SHARED_REG"), instance(), mount(CONFIG))
REGDB = "jdbc:mysql://127.0.0.1:3306/regdb"

CHANGED: dict[str, tuple[Sequence[Hand], Sequence[str], Sequence[str]]] = {
    "another target path": (
        [ON_ANALYTICS], [f"{CONFIG} is mounted", f"target path {CONFIG}/analytics"], ["instance", "database"],
    ),
    **{f"another database, in {file}": (
        [ON_SHARED_REG, before(file, anchor, ELSEWHERE)], ["database db.example.com:3306/shared"], ["target path"],
    ) for file, anchor in ((MASTER, SAMPLE), (ANALYTICS, "    </datasources>"))},
    "a database that the profile changes": (
        [applied, profiled(mysql={"databases": {"registry": "registry_of_2027"}})],
        ["database 127.0.0.1:3306/regdb"], [],
    ),
    "another instance of the same target": (
        [profiled(registry={"instance_id": "shared"}),
            before(REGISTRY, ANCHOR, db_config(), instance(), mount(GOVERNANCE))],
        ["instance gov"], ["target path"],
    ),
    "a path with a slash at its end": (
        [applied, (REGISTRY, f'path="{CONFIG}"', f'path="{CONFIG}/"')], [f"written as {CONFIG}/"], ["instance"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("pack", [PACKS[0], "das-3.0.1"])
@pytest.mark.parametrize(("hands", "parts", "others"), CHANGED.values(), ids=CHANGED)
def test_what_a_mount_no_longer_shows_is_named(
    hands: Sequence[Hand], parts: Sequence[str], others: Sequence[str], pack: str, make_pair: MakePair
) -> None:
    pair = do(make_pair(pack), *hands)
    statuses = " ".join(one.status for one in of(checked(pair), OTHER_MOUNT))
    assert set(statuses.split()) == {"warning"}
    message = judged(pair, OTHER_MOUNT, statuses, *parts)
    assert not [one for one in others if f" {one} " in message]
    assert "geheim" not in message
    judged(pair, OTHER_MOUNT, "", skip=("registry",))  # what is not written is not judged
    applied(pair)


@pytest.mark.parametrize(
    "hands",
    [
        [profiled(registry={"config_target": f"{CONFIG}/analytics"}), ON_ANALYTICS],
        [applied, (MASTER, REGDB, "jdbc:mysql://localhost/reg%64b?useSSL=false")],
    ],
    ids=["the target path of the profile", "the same database in another spelling"],
)
def test_a_mount_that_stays(hands: Sequence[Hand], pair: Pair) -> None:
    judged(do(pair, *hands), OTHER_MOUNT, "ok ok")


# --- the local registry in the mounted database ---------------------------------------------------------------

LOCAL = "registry.local-database"
SPELLINGS = [
    "jdbc:mysql://db.example.com:3306/regdb?useSSL=false",
    "jdbc:mysql://DB.EXAMPLE.COM/regdb",
    "jdbc:mariadb://db.example.com:3306/reg%64b?a=1&amp;b=2",
    "jdbc:mysql:loadbalance://db.example.com:3306,other:3306/regdb",
]
THERE = SPELLINGS[0]
MINE = (
    (REGISTRY, "<currentDBConfig>wso2registry<", "<currentDBConfig>mine<"),
    before(REGISTRY, ANCHOR, db_config("mine", "jdbc/Mine")),
)


def by_class(*properties: str) -> Hand:
    """The local registry's datasource by its class, whose properties count in place of the URL."""
    held = "".join(f"<property name={one}</property>" for one in properties)
    return local_at(
        f"{H2}</url><dataSourceClassName>com.mysql.jdbc.jdbc2.optional.MysqlDataSource</dataSourceClassName>"
        f"<dataSourceProps>{held}</dataSourceProps><url>"
    )


HOSTS = {
    "127.0.0.1": "jdbc:mysql://localhost:3306/regdb",
    "localhost": "jdbc:mysql:///regdb",
    "2001:db8::7": "jdbc:mysql://[2001:0db8:0::7]/regdb",
}
REFUSED: dict[str, tuple[str, Sequence[Hand]]] = {
    **{url: (host, [local_at(url)]) for host, url in HOSTS.items()},
    **{name: ("db.example.com", hands) for name, hands in {
        **{url: [local_at(url)] for url in SPELLINGS},
        "the registry's own datasource, which only this run defines": [
            (REGISTRY, "jdbc/WSO2CarbonDB", "jdbc/WSO2REG_DB")],
        "a dbConfig with a URL": [
            (REGISTRY, "<dataSource>jdbc/WSO2CarbonDB</dataSource>", f"<url>{THERE}</url>")],
        "a datasource of another file": [
            (REGISTRY, "jdbc/WSO2CarbonDB", "jdbc/Mine"),
            put(MASTER.replace("master", "mine"),
                f"<r><datasources>{datasource('MINE', SPELLINGS[1], 'jdbc/Mine')}</datasources></r>")],
        "one of two bindings, of which any may be read last": [
            before(MASTER, SAMPLE, datasource("SECOND", THERE, "jdbc/WSO2CarbonDB"))],
        "another dbConfig that is the current one": [
            *MINE, before(MASTER, SAMPLE, datasource("MINE", THERE, "jdbc/Mine"))],
        "the mount's own dbConfig as the current one": [
            profiled(registry={"db_config": "mine"}), MINE[0],
            (REGISTRY, '<dbConfig name="wso2registry">', '<dbConfig name="mine">')],
        "the class of a datasource, with a URL": [by_class(f'"url">{THERE}')],
        "the class of a datasource, with its parts": [
            by_class('"serverName">db.example.com', '"databaseName">regdb')],
        "what another instance mounts": [
            local_at("jdbc:mysql://db.example.com/local"),
            before(REGISTRY, ANCHOR, db_config("other", "jdbc/Other"), instance("other", "other"),
                mount("/_system/mine", "other")),
            before(MASTER, SAMPLE, datasource("OTHER", "jdbc:mysql://db.example.com:3306/local", "jdbc/Other"))],
    }.items()},
}  # fmt: skip


@pytest.mark.parametrize(("host", "hands"), REFUSED.values(), ids=REFUSED)
def test_the_local_registry_in_the_mounted_database_is_refused(
    host: str, hands: Sequence[Hand], make_pair: MakePair
) -> None:
    pair = do(make_pair(mysql={"host": host}), *hands)
    refused(pair, LOCAL, "the local registry (dbConfig ")
    refused(pair, LOCAL, only=("registry",))
    assert [(one.status, one.node) for one in of(checked(pair), LOCAL)] == [
        ("error", "node1"),
        ("error", "node2"),
    ]


@pytest.mark.parametrize("pack", PACKS)
def test_it_is_refused_in_every_pack_and_cannot_be_ignored(pack: str, make_pair: MakePair) -> None:
    pair = do(make_pair(pack, mysql={"host": "db.example.com"}), local_at(THERE))
    refused(pair, LOCAL, "db.example.com:3306/regdb", CONFIG, GOVERNANCE)
    ran = run("replay", pair.profile, "--offline", "--ignore", LOCAL)
    assert (ran.code, LOCAL in ran.err) == (2, True)


@pytest.mark.parametrize(("offline", "status"), [(False, "error"), (True, "ok")])
def test_another_name_of_the_host_is_resolved_unless_offline(
    offline: bool, status: str, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alias of the server leads to the same database; offline only addresses and localhost are known."""
    known = {"db.example.com": ("192.0.2.7",), "alias.example.com": ("192.0.2.7", "192.0.2.8")}
    literal = network.addresses

    def addresses(host: str, *, resolve: bool) -> tuple[str, ...]:
        return known.get(host, ()) if resolve and host in known else literal(host, resolve=False)

    monkeypatch.setattr("wizard.system.network.addresses", addresses)
    monkeypatch.setattr("wizard.command_line.run.replay.resolve_ahead", lambda hosts: None)
    do(pair, profiled(mysql={"host": "db.example.com"}), local_at("jdbc:mysql://alias.example.com/regdb"))
    judged(pair, LOCAL, f"{status} {status}", offline=offline, only=("registry",))


@pytest.mark.parametrize("step", ["spark", "datasources", "registry", "hazelcast"])
def test_a_configured_pair_is_judged_whatever_steps_run(step: str, make_pair: MakePair) -> None:
    pair = do(make_pair(mysql={"host": "db.example.com"}), applied, local_at(THERE))
    refused(pair, LOCAL, only=(step,))
    refused(pair, LOCAL, skip=(step,))


def test_what_the_homes_will_be_is_judged(make_pair: MakePair) -> None:
    """Nothing is mounted yet: only the run that mounts is refused."""
    pair = do(make_pair(mysql={"host": "db.example.com"}), local_at(THERE))
    refused(pair, LOCAL, only=("registry",))
    assert applied(pair, only=("datasources",)).exit_code == 0
    refused(pair, LOCAL)


FINE: dict[str, Sequence[Hand]] = {
    **{
        url: [local_at(url)]
        for url in (
            "jdbc:mysql://db.example.com:3307/regdb",
            "jdbc:mysql://db2.example.com:3306/regdb",
            "jdbc:mysql://db.example.com:3306/local1?useSSL=false",
            "jdbc:oracle:thin:@db.example.com:1521/regdb",
        )
    },
    "another dbConfig than the current one": [
        *(*MINE, local_at(THERE), before(MASTER, SAMPLE, datasource("MINE", H2, "jdbc/Mine")))
    ],
    "a run that moves the mount away": [
        *(applied, local_at(THERE), profiled(mysql={"databases": {"registry": "another"}}))
    ],
}


@pytest.mark.parametrize("hands", FINE.values(), ids=FINE)
def test_a_local_registry_elsewhere_is_fine(hands: Sequence[Hand], make_pair: MakePair) -> None:
    pair = do(make_pair(mysql={"host": "db.example.com"}), *hands)
    judged(pair, LOCAL, "ok ok")
    assert applied(pair).exit_code == 0


# --- one local registry for both nodes ------------------------------------------------------------------------

SHARED_LOCAL = "registry.shared-local"


@pytest.mark.parametrize(
    ("one", "other", "status"),
    [
        *(
            (url, url, "warning")
            for url in (
                "jdbc:mysql://db.example.com/local?x=1",
                "jdbc:oracle:thin:@db.example.com:1521/local",
                "jdbc:h2:tcp://10.1.1.1:9092/carbon",
            )
        ),
        ("jdbc:postgresql://pg/carbon?a=1", "jdbc:postgresql://PG/carbon?a=2", "warning"),
        ("jdbc:sqlserver://s;databaseName=a;x=1", "jdbc:sqlserver://s;x=2;DatabaseName=a", "warning"),
        ("jdbc:sqlserver://s:1433;databaseName=a", "jdbc:sqlserver://s:1433;databaseName=b", "ok"),
        ("jdbc:mysql://db.example.com/local1", "jdbc:mysql://db.example.com/local2", "ok"),
        (H2, H2, "ok"),  # a file of each home
    ],
)
def test_a_server_database_for_both(one: str, other: str, status: str, pair: Pair) -> None:
    do(pair, on(1, local_at(one)), on(2, local_at(other)))
    judged(pair, SHARED_LOCAL, status, *(["db.example.com:3306/local"] if "local?" in one else []))
    assert applied(pair).exit_code == 0


def test_with_one_home_here_only_a_server_is_open_to_question(pair: Pair) -> None:
    shutil.rmtree(pair.homes[1])
    judged(pair, SHARED_LOCAL, "ok", only_node="node1")
    do(pair, on(1, local_at("jdbc:mysql://db.example.com/local")))
    judged(pair, SHARED_LOCAL, "skipped", only_node="node1")
