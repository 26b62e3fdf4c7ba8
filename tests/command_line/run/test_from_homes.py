"""`profile from-homes`: two homes as a profile, and back: what replays wrote, and what people did by hand."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support import pairs
from tests.support.cli import run
from tests.support.hands import datasource, db_config, instance
from tests.support.headless import (
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
    STATS,
    STORES,
    USER_MGT,
    applied,
    errors,
    replayed,
    untouched,
)
from tests.support.pairs import Pair
from tests.support.profiles import SVN, valid_profiles, visible
from tests.support.quick import folder_in_memory
from wizard.command_line.run import from_homes
from wizard.command_line.run.from_homes import PairReading
from wizard.pack.home import Pack
from wizard.passwords.references import FileReference
from wizard.passwords.resolver import Resolver
from wizard.passwords.secret import Secret
from wizard.profile import trust
from wizard.profile.model import Profile
from wizard.profile.store import ProfileError, examine, load
from wizard.steps.sources import STORES as RECORD_STORES
from wizard.system.errors import ChecksFailed, UsageError
from wizard.system.network import on_one_machine

IGNORE = (
    "ports.clash",
    "spark.link",
    "mysql.driver",
    "prerequisites.driver-jar",
    "deployment-sync.repository",
)
"""Errors of a generated profile that say nothing about reading it back."""


def read(pair: Pair) -> PairReading:
    return from_homes.read((pair.homes[0], pair.homes[1]))


def back(pair: Pair, name: str = "back") -> Profile:
    """The pair's homes as a profile that was written and loaded."""
    path = pair.profile.with_name(f"{name}.toml")
    found = read(pair)
    assert not found.missing, found.missing
    from_homes.write(found, path)
    return load(str(path)).profile


def unchanged_by(pair: Pair, name: str = "back") -> Profile:
    """What is read back: a replay of it changes nothing."""
    profile = back(pair, name)
    result, _ = replayed(Pair(pair.profile.with_name(f"{name}.toml"), pair.homes, {}), ignore=IGNORE)
    assert (result.outcome, errors(result)) == ("unchanged", []), profile
    return profile


def notes(found: PairReading, field: str) -> str:
    return "\n".join(found.notes.get(field, []))


def edit(homes: list[Path], relative: str, edits: dict[str, str], *, count: int = 0) -> None:
    """A change by hand: what matches each pattern, which has to be there, is replaced (all, or the first `count`)."""
    for home in homes:
        text = (home / relative).read_bytes().decode("iso-8859-1")
        for old, new in edits.items():
            text, found = re.subn(old, new, text, count=count)
            assert found, (relative, old)
        (home / relative).write_bytes(text.encode("iso-8859-1"))


@pytest.fixture(scope="module")
def replayed_once(packs: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A pair of 2.0.0 that was replayed, its databases at db.example.com.  Not to be touched: see `configured`."""
    folder = tmp_path_factory.mktemp("configured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
        pair = pairs.make_pair(packs / PACKS[0], folder, mysql={"host": "db.example.com"})
        applied(pair)
    return pair


@pytest.fixture
def configured(replayed_once: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """A copy of it for one test."""
    monkeypatch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
    homes = [Path(shutil.copytree(home, tmp_path / home.name)) for home in replayed_once.homes]
    return Pair(tmp_path / "pair.toml", homes, dict(os.environ))


passwords = st.text(
    st.one_of(visible, st.sampled_from("\n\t\r &<>\"']]>$\\ éß€中😀\u0085\u00a0\u2028")), max_size=16
).filter(lambda text: "${" not in text)


@pytest.fixture(scope="module")
def quick() -> Iterator[Path]:
    with folder_in_memory() as folder:
        yield folder


def fresh(folder: Path, pack: Path, tables: dict[str, Any] | str) -> Pair:
    """A fresh pair in a new folder that was configured from these tables, or from this text."""
    folder.mkdir(parents=True)
    homes = [pairs.copy_pack(pack, folder / name) for name in ("first", "second")]
    if isinstance(tables, dict):
        tables["mysql"]["driver_jar"] = str(pairs.driver_jar(folder / "driver.jar"))
        for node, home in zip(tables["nodes"], homes, strict=True):
            node["home"] = str(home)
        tables = tomlkit.dumps(tables)
    profile = folder / "pair.toml"
    profile.write_text(tables, "utf-8")
    trust.allow(profile, tables)  # its passwords are in files of an earlier round's folder
    pair = Pair(profile, homes, dict(os.environ))
    applied(pair, ignore=IGNORE)
    return pair


def plain(profile: Profile) -> dict[str, Any]:
    """A profile as data: homes and jar aside, references as what they lead to."""
    data, resolver = profile.model_dump(), Resolver(trusted=True)

    def reveal(reference: Any) -> Any:
        plain = reference is None or isinstance(reference, str)
        return reference if plain else resolver.resolve(reference, "x").reveal()

    data["mysql"] |= {"driver_jar": None, "password": reveal(profile.mysql.password)}
    data["deployment_sync"]["svn_password"] = reveal(profile.deployment_sync.svn_password)
    parameters = profile.mysql.url_parameters.items()
    data["mysql"]["url_parameters"] = {key: reveal(value) for key, value in parameters}
    for node in data["nodes"]:
        node["home"] = None
    return data


def held(profile: Profile, pack: Path) -> dict[str, Any]:
    """What the homes of a replayed profile hold of it: the rest comes back as default, or as the pack's own."""
    data, stock = plain(profile), Pack(pack)
    names = {node.name: name for node, name in zip(profile.nodes, from_homes.NODE_NAMES, strict=True)}
    for node in data["nodes"]:
        if node["name"] != profile.event_processor.presenter:
            node["presentation_port"] = 11000
        node["name"] = names[node["name"]]
        if node["port_offset"] is None:
            node["port_offset"] = pairs.stock_offset(pack)
    events = data["event_processor"]
    events["presenter"] = names.get(events["presenter"])
    if stock.xml(EVENT_PROCESSOR).find("mode[@name='HA']/persistence") is None:
        events |= {"persistence": False, "persistence_interval_minutes": None, "persistence_location": None}
    else:
        events["persistence_interval_minutes"] = events["persistence_interval_minutes"] or 15
        events["persistence_location"] = events["persistence_location"] or "cep_persistence"
    if data["deployment_sync"]["method"] == "svn":
        data["deployment_sync"]["manager"] = names[profile.manager.name]
    if on_one_machine([node.host for node in profile.nodes], resolve=False):
        data["spark"]["symbolic_link"] = None
    for record_store, store in RECORD_STORES.items():
        path = f"analytics-record-store[@name='{record_store}']/properties/property[@name='datasource']"
        name = profile.datasource_name(store) or stock.xml(STORES).one(path).text
        data["datasources"][store] = None if name == data["mysql"]["databases"][store] else name
    return data


@pytest.mark.parametrize("pack", PACKS)
def test_what_a_replay_wrote_is_read_back_and_reads_back_the_same(
    pack: str, packs: Path, quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = (quick / pack / str(number) for number in itertools.count())
    monkeypatch.setenv("XDG_STATE_HOME", str(quick / "state"))

    @settings(
        max_examples=int(os.environ.get("APIMHA_ROUND_TRIPS", "8")),
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(valid_profiles(in_homes=True, stats=pack in API_MANAGER_PACKS), passwords, passwords, passwords)
    def there_and_back(tables: dict[str, Any], password: str, trust: str, svn: str) -> None:
        for name, value in (("APIM_DB_PASSWORD", password), ("TRUST", trust), ("SVN_PASSWORD", svn)):
            monkeypatch.setenv(name, value)
        first, following = fresh(next(folders), packs / pack, tables), next(folders)
        original = load(str(first.profile)).profile
        once = unchanged_by(first)
        assert plain(once) == held(original, packs / pack)

        text = first.profile.with_name("back.toml").read_text("utf-8")  # for the homes of the next round
        for home in first.homes:
            text = text.replace(f'home = "{home}"', f'home = "{following / home.name}"')
        text = text.replace('{ file = "', f'{{ file = "{first.profile.parent}/')
        assert plain(back(fresh(following, packs / pack, text))) == plain(once)
        shutil.rmtree(quick / pack)

    there_and_back()


def test_passwords_go_to_files_that_only_their_owner_can_read(configured: Pair) -> None:
    for file, names in ((MASTER, DATABASES[:2]), (ANALYTICS, DATABASES[2:])):
        more = "?user=apim&amp;password=in+the%26url&amp;useSSL=false<"
        edit(configured.homes, file, {f"3306/{name}<": f"3306/{name}{more}" for name in names})
    shown = repr(read(configured))
    assert "in the&url" not in shown and "in+the" not in shown
    profile, written = back(configured).mysql, configured.profile.with_name("back.toml")
    assert profile.url_parameters["useSSL"] == "false"
    for reference, password in (
        (profile.password, pairs.PASSWORD),
        (profile.url_parameters["password"], "in the&url"),
    ):
        assert isinstance(reference, FileReference)
        assert stat.S_IMODE(reference.file.stat().st_mode) == 0o600
        assert Resolver(trusted=True).resolve(reference, "x") == Secret(password)
        assert password not in written.read_text()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "password", ["", "a\n", "a\r", "a\r\n", "\n", "\r", "tab\tand\nlines", "ümläut€😀", " a "]
)
def test_any_password_is_the_same_when_it_is_read_from_its_file(tmp_path: Path, password: str) -> None:
    found = PairReading({"mysql.password": Secret(password)})
    from_homes.write(found, tmp_path / "x.toml")
    reference = FileReference.model_validate({"file": str(tmp_path / "x.mysql.password")})
    assert Resolver(trusted=True).resolve(reference, "x") == Secret(password)


def test_nothing_is_overwritten_and_nothing_is_left_behind(configured: Pair) -> None:
    folder = configured.profile.parent
    for taken in ("there.toml", "there.mysql.password"):
        (folder / taken).write_text("mine")
        before = sorted(path.name for path in folder.iterdir())
        with pytest.raises(UsageError, match=taken):
            from_homes.write(read(configured), folder / "there.toml")
        assert sorted(path.name for path in folder.iterdir()) == before
        assert (folder / taken).read_text() == "mine"
        (folder / taken).unlink()


def test_stock_packs_give_a_profile_that_says_what_to_fill_in(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    found = read(pair)
    assert found.missing == ["mysql.host", "mysql.username", "mysql.password", *from_homes.WHERE_DATA_IS]
    path = pair.profile.with_name("stock.toml")
    from_homes.write(found, path)
    with pytest.raises(ProfileError) as problem:
        load(str(path))
    assert {one.field for one in problem.value.mistakes} == set(found.missing)
    filled = path.read_text()
    for key in ("host", "username", "password"):
        filled = filled.replace(f"# {key} = ", f"{key} = ")
    filled = re.sub(r'= ""   # required: fill it in, such as (.*)', r"= \1", filled)
    assert isinstance(examine(filled, path.parent), Profile)


def test_a_folder_that_is_no_pack_and_one_home_twice_are_refused(configured: Pair, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(configured.homes[0])
    for second, message in ((tmp_path, "not an unpacked pack"), (link, "both homes are this folder")):
        with pytest.raises(ChecksFailed, match=message):
            from_homes.read((configured.homes[0], second))


HA, DISTRIBUTED = (f'<mode name="{mode}" enable="' for mode in ("HA", "Distributed"))
EVENTS, PROCESSED = "WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"
DATABASES = ("userdb", "regdb", EVENTS, PROCESSED)
URL = "jdbc:mysql://db.example.com:3306/"
USER, REGISTRY_DATABASE, EVENT_STORE = (
    f"mysql.databases.{one}" for one in ("user", "registry", "event_store")
)
CONFIG_TARGET, GOVERNANCE_TARGET = "registry.config_target", "registry.governance_target"
DOMAIN, SPARK_MASTERS = "cluster.domain", "spark.master_count"
CONFIG = "<targetPath>/_system/config<"
NODE2, LOCAL = "the nodes differ: on node2 it is", "\ncarbon.spark.master local"
MOUNTS = "node2: {} is not mounted: a replay mounts it"


@pytest.mark.parametrize(
    ("nodes", "file", "edits", "field", "value", "noted"),
    [
        ([1], AXIS2, {">wso2.carbon.domain<": ">other.domain<"}, DOMAIN, "wso2.carbon.domain",
            [f"{NODE2} other.domain"]),
        ([0], AXIS2, {"<port>4001</port>": "<port>4009</port>"}, DOMAIN, "wso2.carbon.domain",
            ["the members of node1 are 127.0.0.1:4000, 127.0.0.1:4009"]),
        ([0], EVENT_PROCESSOR, {f'{HA}true"': f'{HA}false"', f'{DISTRIBUTED}false"': f'{DISTRIBUTED}true"'},
            "event_processor.persistence", True, ["node1: the enabled modes are not HA alone, but Distributed"]),
        ([1], ANALYTICS, {f"{URL}{EVENTS}": "jdbc:h2:repository/database/ANALYTICS_EVENT_STORE"}, EVENT_STORE, EVENTS,
            [f"node2: the URL of {EVENTS} is one of H2"]),
        ([1], REGISTRY, {CONFIG: "<targetPath>/_system/x<"}, CONFIG_TARGET, "/_system/config", [f"{NODE2} /_system/x"]),
        ([0, 1], REGISTRY, {'path="/_system/config"': 'path="/_system/config/"'}, CONFIG_TARGET, "/_system/config",
            ["/_system/config/"]),
        ([1], "bin/version.txt", {"2.0.0": "2.1.0"}, "nodes.1.home", None, ["Server 2.1.0"]),
        ([0], MASTER, {"3306/regdb<": "3306/regdb?password=hunter2&amp;useSSL=true<"}, "mysql.url_parameters", None,
            ["node1: WSO2REG_DB says password=********, useSSL=true"]),
        ([1], MASTER, {f">{pairs.PASSWORD}<": ">hunter2<"}, "mysql.password", Secret(pairs.PASSWORD),
            [f"{NODE2} another one", "node2: WSO2REG_DB says another one"]),
        ([1], SPARK, {LOCAL: "\ncarbon.spark.master spark://a:1"}, SPARK_MASTERS, 2,
            ["node2: carbon.spark.master is spark://a:1, not local"]),
        ([1], SPARK, {LOCAL: ""}, SPARK_MASTERS, 2, ["node2: carbon.spark.master is missing, not local"]),
        ([1], REGISTRY, {'path="/_system/config"': 'path="/_system/mine"'}, CONFIG_TARGET, "/_system/config",
            [MOUNTS.format("/_system/config"), "not found on node2"]),
        ([1], REGISTRY, {'path="/_system/governance"': 'path="/x"'}, GOVERNANCE_TARGET, "/_system/governance",
            [MOUNTS.format("/_system/governance"), "not found on node2"]),
    ],
)  # fmt: skip
def test_a_difference_is_noted_and_the_first_node_counts(
    configured: Pair,
    nodes: list[int],
    file: str,
    edits: dict[str, str],
    field: str,
    value: Any,
    noted: list[str],
) -> None:
    assert notes(read(configured), field) == ""
    count = 1 if field == "mysql.password" else 0
    edit([configured.homes[node] for node in nodes], file, edits, count=count)
    found = read(configured)
    assert value in (None, found.values.get(field))
    assert found.missing == []
    for note in noted:
        assert note in notes(found, field)
    everything = from_homes.text(found) + repr(found)
    assert not any(password in everything for password in ("hunter2", pairs.PASSWORD))


def test_files_and_datasources_that_one_node_lacks(configured: Pair) -> None:
    edit(configured.homes[:1], MASTER, {r"<datasource>\s*<name>WSO2UM_DB(?:.|\n)*?</datasource>": ""})
    for kind in ("sh", "bat"):
        script = configured.homes[1] / f"bin/load-spark-env-vars.{kind}"
        script.rename(script.with_name("aside"))
        found = read(configured)
        assert notes(found, "nodes.1.spark_local_ip") == f"there is no bin/{script.name}"
        script.with_name("aside").rename(script)
    assert found.values[USER] == "userdb"
    assert found.notes[USER] == ["node1: no datasource was found for it", "not found on node1"]


RDBMS, CASSANDRA = (
    f"<implementation>org.wso2.carbon.analytics.datasource.{name}AnalyticsRecordStore"
    for name in ("rdbms.RDBMS", "cassandra.Cassandra")
)


@pytest.mark.parametrize(
    ("file", "old", "new", "field", "note"),
    [
        (REGISTRY, "<instanceId>gov<", "<instanceId>nowhere<", REGISTRY_DATABASE, ""),
        (REGISTRY, "<dbConfig>govregistry<", "<dbConfig>nowhere<", REGISTRY_DATABASE, ""),
        (REGISTRY, "<dataSource>jdbc/WSO2REG_DB<", "<dataSource>jdbc/Nowhere<", REGISTRY_DATABASE, ""),
        (REGISTRY, "<dataSource>jdbc/WSO2REG_DB<", "<dataSource>jdbc/WSO2CarbonDB<", REGISTRY_DATABASE, ""),
        (REGISTRY, "<dbConfig>govregistry</dbConfig>", "", REGISTRY_DATABASE, ""),
        (REGISTRY, "<dbConfig>govregistry<", "<dbConfig>wso2registry<", REGISTRY_DATABASE, ""),
        (REGISTRY, '<mount path="/_system/config"', '<mount path="/_system/mine"', CONFIG_TARGET, ""),
        (STORES, RDBMS, CASSANDRA, EVENT_STORE, "CassandraAnalyticsRecordStore"),
        (MASTER, f"{URL}regdb", "jdbc:mysql://db2.example.com/regdb", REGISTRY_DATABASE, "another server"),
        *((MASTER, f"{URL}userdb", url, USER, "both nodes: the URL of WSO2UM_DB is ") for url in (
            "jdbc:h2:repository/database/X", "jdbc:oracle:thin:@db:1521/x", "jdbc:mysql://a,b/userdb",
            "jdbc:mysql:replication://one,two/userdb", "jdbc:mysql://one:3306,two:3306/userdb", URL, "")),
    ],
)  # fmt: skip
def test_a_database_or_a_mount_that_cannot_be_read_stops_a_replay(
    configured: Pair, file: str, old: str, new: str, field: str, note: str
) -> None:
    edit(configured.homes, file, {old: new}, count=1 if file == STORES else 0)
    found = stops(configured, field)
    assert note in notes(found, field)
    assert field not in found.values


def stops(pair: Pair, *fields: str) -> PairReading:
    """These fields are to be filled in, and a replay of what was written stops at them."""
    found = read(pair)
    assert found.missing == list(fields)
    path = pair.profile.with_name("stops.toml")
    from_homes.write(found, path)
    before = untouched(*pair.homes)
    ran = run("replay", path, "--offline")
    assert ran.code == 2
    for field in fields:
        assert field in ran.err
    assert notes(found, fields[0]), "why it could not be read"
    assert untouched(*pair.homes) == before
    return found


def test_subversion(make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SVN_PASSWORD", "svn secret")
    pair = make_pair(deployment_sync={**SVN, "svn_password": {"env": "SVN_PASSWORD"}, "manager": "node2"})
    applied(pair)
    assert back(pair, "one").deployment_sync.manager == "node2"
    assert notes(read(pair), "deployment_sync.method") == ""
    edit(pair.homes[1:], CARBON, {"<AutoCheckout>true": "<AutoCheckout>false"})
    noted = notes(read(pair), "deployment_sync.method")
    assert noted == "node2: DeploymentSynchronizer/AutoCheckout is false, not true"
    edit(pair.homes[:1], CARBON, {"<AutoCommit>false": "<AutoCommit>true"})
    assert "both nodes commit" in notes(read(pair), "deployment_sync.manager")
    edit(pair.homes, CARBON, {"<AutoCommit>true": "<AutoCommit>false"})
    assert "no node commits" in notes(read(pair), "deployment_sync.manager")
    assert back(pair, "none").deployment_sync.manager == "node1"
    edit(pair.homes[1:], CARBON, {r"(<DeploymentSynchronizer>\s*<Enabled>)true": r"\1false"})
    found = read(pair)
    assert found.values["deployment_sync.method"] == "svn"
    assert f"{NODE2} none" in notes(found, "deployment_sync.method")
    assert found.values["deployment_sync.svn_password"] == Secret("svn secret")


@pytest.mark.parametrize(
    ("file", "old", "new", "field"),
    [
        (AXIS2, ">wso2.carbon.domain<", "> <", DOMAIN),
        (AXIS2, '"localMemberHost">127.0.0.1<', '"localMemberHost">a b!<', "nodes.0.host"),
        *((AXIS2, '"localMemberPort">4000<', f'"localMemberPort">{port}<', "nodes.0.hazelcast_port")
            for port in ("70000", "four", "²")),
        (MASTER, "<maxActive>50<", "<maxActive>-5<", "pool.max_active"),
        (MASTER, "<testOnBorrow>true<", "<testOnBorrow>yes<", "pool.test_on_borrow"),
        (MASTER, "<username>apim<", "<username><", "mysql.username"),
        (MASTER, "//db.example.com:3306/userdb", "//db.example.com:99999/userdb", "mysql.port"),
        (MASTER, "//db.example.com:3306/regdb", "//db.example.com:3307/regdb", REGISTRY_DATABASE),
        (ANALYTICS, f"3306/{EVENTS}<", "3306/userdb<", EVENT_STORE),
        (REGISTRY, CONFIG, "<targetPath>config<", CONFIG_TARGET),
        (REGISTRY, CONFIG, "<targetPath><", CONFIG_TARGET),
        (REGISTRY, "<id>gov<", "<id>other<", "registry.instance_id"),
        (MASTER, "//db.example.com:3306/userdb", "//db.example.com:3306/a%0Ab", USER),
        (MASTER, "3306/userdb<", "3306/userdb?we-ird=geheim&amp;a=b%0Ac<", "mysql.url_parameters"),
        (REGISTRY, '"https://localhost:9443/registry"', '"https://me:geheim@localhost/"', "registry.remote_url"),
        (REGISTRY, "<registryRoot>/<", "<registryRoot>root<", "registry.registry_root"),
        (EVENT_PROCESSOR, "InMinutes>15<", "InMinutes>0<", "event_processor.persistence_interval_minutes"),
        (SPARK, "carbon.spark.master.count  2", "carbon.spark.master.count  two", SPARK_MASTERS),
        (CARBON, "<Offset>1<", "<Offset>${offset}<", "nodes.0.port_offset"),
        (CARBON, "<Offset>1<", "<Offset>99999<", "nodes.0.port_offset"),
    ],
)  # fmt: skip
def test_a_value_that_no_profile_holds_becomes_a_comment(
    configured: Pair, file: str, old: str, new: str, field: str
) -> None:
    """The first node says what no profile can hold; what is written loads, or says what has to be filled in."""
    homes = configured.homes[:1] if field.startswith("nodes.") else configured.homes
    edit(homes, file, {old: new})
    found = read(configured)
    assert found.notes.get(field), found.notes
    path = configured.profile.with_name("odd.toml")
    from_homes.write(found, path)
    assert "geheim" not in path.read_text()
    wrong = examine(path.read_text(), path.parent)
    assert isinstance(wrong, Profile) or {one.field for one in wrong} == set(found.missing)


FILES = [CARBON, AXIS2, EVENT_PROCESSOR, REGISTRY, USER_MGT, MASTER, ANALYTICS, STORES, SPARK]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("how", ["missing", "empty", "truncated", "a pipe", "doctype"])
def test_a_file_that_cannot_be_read_leaves_the_rest(configured: Pair, file: str, how: str) -> None:
    path = configured.homes[0] / file
    content = path.read_bytes()
    path.unlink()
    if how == "a pipe":
        os.mkfifo(path)
    elif how != "missing":
        half = content[: len(content) // 2]
        path.write_bytes({"empty": b"", "truncated": half, "doctype": b"<!DOCTYPE x>" + content}[how])
    if file == CARBON and how in {"missing", "a pipe"}:
        with pytest.raises(ChecksFailed, match="not an unpacked pack"):
            read(configured)
        return
    found = read(configured)
    assert "None" not in str(found.notes), "an unknown address is compared with nothing"
    assert not found.missing or file in {CARBON, AXIS2, EVENT_PROCESSOR}
    assert isinstance(back(configured), Profile)
    if file != SPARK:
        assert file in notes(found, "")
        assert str(file) in configured.profile.with_name("back.toml").read_text().splitlines()[1]


def test_a_file_that_both_nodes_lack_is_noted_once_and_homes_in_the_other_order_are_too(
    configured: Pair,
) -> None:
    for home in configured.homes:
        (home / REGISTRY).unlink()
    found = from_homes.read((configured.homes[1], configured.homes[0]))
    assert found.missing == [REGISTRY_DATABASE, GOVERNANCE_TARGET, CONFIG_TARGET]
    assert sum(REGISTRY in note for note in found.notes[""]) == 2
    assert "a replay writes https://localhost:9443/registry" in notes(found, "registry.remote_url")
    assert "the other order" in notes(found, DOMAIN)


VAULT = '<password xmlns:svns="http://org.wso2.securevault/configuration" svns:secretAlias="x">'
PROPERTIES = (
    "<dataSourceClassName>com.mysql.jdbc.jdbc2.optional.MysqlXADataSource</dataSourceClassName>"
    f'<dataSourceProps><property name="URL">{URL}the_users</property>'
    f'<property name="user">apim</property><property name="password">{pairs.PASSWORD}</property></dataSourceProps>'
)
READ_ONLY = "<readOnly>true</readOnly><enableCache>false</enableCache><registryRoot>/r</registryRoot>"
SHARED_INSTANCE = db_config("SHARED", "jdbc/SHARED_REG") + instance("shared", "SHARED", "reg", READ_ONLY)
OTHER_INSTANCE = db_config("o", "jdbc/Other") + instance("other", "o")
IN_CONFIG = r'(<mount path="/_system/config"[^>]*>\s*<instanceId>)gov<'
INSTANCE = r'(<remoteInstance url="https://localhost:9443/registry">\s*<id>)gov(<(?:.|\n)*?</remoteInstance>)'
OTHER_HOMES: dict[str, tuple[list[tuple[str, str, str]], dict[str, Any], dict[str, str]]] = {
    "other names and targets of the registry": (
        [(REGISTRY, "<targetPath>/_system/governance<", "<targetPath>/_system/gov/am<"),
            (REGISTRY, ">gov<", ">shared<"), (REGISTRY, "govregistry", "GOV_DB"),
            (REGISTRY, "jdbc/WSO2REG_DB", "jdbc/WSO2_GOV"), (MASTER, "WSO2REG_DB", "WSO2_GOV")],
        {"registry.instance_id": "shared", "registry.db_config": "GOV_DB", "datasources.registry": "WSO2_GOV",
            REGISTRY_DATABASE: "regdb", GOVERNANCE_TARGET: "/_system/gov/am"},
        {},
    ),
    "what the mount leads to counts, although WSO2REG_DB and govregistry are still there": (
        [(REGISTRY, "    (?=<mount path=./_system/config)", SHARED_INSTANCE),
            (REGISTRY, "<instanceId>gov<", "<instanceId>shared<"),
            (MASTER, "(?=    </datasources>)", datasource("SHARED_REG", f"{URL}the_shared"))],
        {REGISTRY_DATABASE: "the_shared", "datasources.registry": "SHARED_REG", "registry.instance_id": "shared",
            "registry.db_config": "SHARED", "registry.read_only": True, "registry.enable_cache": False,
            "registry.registry_root": "/r", "registry.remote_url": "https://reg:9443/registry"},
        {USER: ""},
    ),
    "two instances of one database are one": (
        [(REGISTRY, INSTANCE, r"\1gov\2\1second\2"), (REGISTRY, IN_CONFIG, r"\1second<")],
        {CONFIG_TARGET: "/_system/config"},
        {CONFIG_TARGET: "another instance, second"},
    ),
    "one datasource for both stores": (
        [(STORES, f">{PROCESSED}<", f">{EVENTS}<"), (STORES, EVENTS, "STATDB"), (ANALYTICS, EVENTS, "STATDB"),
            (ANALYTICS, "3306/STATDB", "3306/statdb")],
        {EVENT_STORE: "statdb", "mysql.databases.processed_data_store": "statdb"},
        {},
    ),
    "a datasource that is configured by its class: its url has no effect": (
        [(MASTER, f"<url>{URL}userdb</url>", rf"\g<0>{PROPERTIES}")],
        {USER: "the_users", "mysql.username": "apim", "mysql.password": Secret(pairs.PASSWORD)},
        {USER: "dataSourceClassName"},
    ),
    "other names of datasources are found by what uses them": (
        [(MASTER, "<name>WSO2UM_DB<", "<name>SHARED_USERS<"),
            (MASTER, "<name>jdbc/WSO2UM_DB<", "<name>jdbc/SharedUsers<"),
            (USER_MGT, ">jdbc/WSO2UM_DB<", ">jdbc/SharedUsers<")],
        {USER: "userdb", "datasources.user": "SharedUsers"},
        {"datasources.user": "SHARED_USERS is bound to jdbc/SharedUsers"},
    ),
    "a password of the secure vault": (
        [(file, f"<password>{pairs.PASSWORD}<", f"{VAULT}{pairs.PASSWORD}<") for file in (MASTER, ANALYTICS)],
        {"mysql.password": None},
        {"mysql.password": "secure vault"},
    ),
    "a registry that is not mounted, although its datasource is there": (
        [(REGISTRY, r'(?s)    <mount path="/_system/(config|governance)" overwrite="true">.*?</mount>', "")],
        {REGISTRY_DATABASE: None, GOVERNANCE_TARGET: None, CONFIG_TARGET: None},
        {REGISTRY_DATABASE: "neither of the two paths is mounted"},
    ),
    "one path that is mounted from another database": (
        [(REGISTRY, IN_CONFIG, rf"{OTHER_INSTANCE}\1other<")], {CONFIG_TARGET: None}, {CONFIG_TARGET: "other"},
    ),
}  # fmt: skip
"""Edits of both homes, what is read then (None: it is to be filled in), and the notes.

Without a note a replay of what was read changes nothing.
"""


@pytest.mark.parametrize("case", OTHER_HOMES)
def test_homes_that_differ_from_the_usual_ones(configured: Pair, case: str) -> None:
    edits, values, noted = OTHER_HOMES[case]
    for file, old, new in edits:
        edit(configured.homes, file, {old: new})
    missing = [field for field, value in values.items() if value is None]
    found = stops(configured, *missing) if missing else read(configured)
    assert found.missing == missing
    assert {field: found.values.get(field) for field in values} == values
    for field, note in noted.items():
        assert note in notes(found, field)
    if not noted:
        unchanged_by(configured)


def test_a_datasource_of_another_file(configured: Pair) -> None:
    root = "datasources-configuration"
    source = f"<{root}><datasources>{datasource('MINE', f'{URL}mine')}</datasources></{root}>"
    for home in configured.homes:
        (home / MASTER).with_name("mine-datasources.xml").write_text(source)
    edit(configured.homes, USER_MGT, {">jdbc/WSO2UM_DB<": ">jdbc/MINE<"})
    found = read(configured)
    assert (found.values[USER], found.values["datasources.user"]) == ("mine", "MINE")


def test_presenters_that_disagree_statistics_on_one_node_and_a_host_in_brackets(
    make_pair: Callable[..., Pair],
) -> None:
    mysql = {"host": "2001:db8::10", "databases": {"stats": "STATS"}}
    pair = make_pair(
        mysql=mysql, event_processor={"presenter": "node2"}, nodes=[{"host": "::1"}, {"host": "::1"}]
    )
    applied(pair)
    profile = back(pair)
    assert (profile.mysql.databases.stats, profile.event_processor.presenter) == ("STATS", "node2")
    edit(pair.homes[1:], STATS, {r"jdbc:mysql://\[2001:db8::10\]:3306/STATS": "jdbc:h2:../tmpStatDB/x"})
    edit(pair.homes[:1], EVENT_PROCESSOR, {'<presenter enable="false"': '<presenter enable="true"'})
    edit(pair.homes[:1], AXIS2, {">::1</parameter>": ">[::1]</parameter>"})
    found = read(pair)
    fields = ("mysql.databases.stats", "mysql.host", "nodes.0.host")
    assert [found.values[field] for field in fields] == ["STATS", "2001:db8::10", "::1"]
    assert "not found on node2" in notes(found, "mysql.databases.stats")
    assert "both nodes are configured as the presenter" in notes(found, "event_processor.presenter")
    assert not found.notes.get("nodes.0.host") and not found.notes.get(DOMAIN)


def test_jars_that_differ_are_noted(configured: Pair) -> None:
    jar = configured.homes[1] / LIB / "mysql-connector-java-5.1.49-bin.jar"
    pairs.driver_jar(jar, "com.mysql.cj.jdbc.Driver")
    assert "node2: no jar" in notes(read(configured), "mysql.driver_jar")
    pairs.driver_jar(jar.with_name("other.jar"))
    found = read(configured)
    assert found.values["mysql.driver_jar"] == str(configured.homes[0] / LIB / jar.name)
    noted = notes(found, "mysql.driver_jar")
    assert "node2 has another one, other.jar" in noted
    assert "several MySQL drivers" in noted


@pytest.mark.parametrize("name", ["two\nlines", os.fsdecode(b"not-utf-8-\xff")])
def test_a_home_whose_path_no_profile_can_hold(configured: Pair, name: str) -> None:
    odd = configured.homes[1].rename(configured.homes[1].with_name(name))
    found = from_homes.read((configured.homes[0], odd))
    assert found.missing == ["nodes.1.home"]
    from_homes.write(found, configured.profile.with_name("odd.toml"))


def test_the_command_line_prints_the_notes_and_what_is_next(configured: Pair) -> None:
    edit(configured.homes[1:], AXIS2, {">wso2.carbon.domain<": ">other.domain<"})
    target = configured.profile.with_name("cli.toml")
    ran = run("profile", "from-homes", *configured.homes, "--name", target)
    assert ran.code == 0
    assert f"! cluster.domain: {NODE2} other.domain" in ran.out
    assert f"written: {target}\nTo see what differs" in ran.out
    again = run("profile", "from-homes", *configured.homes, "--name", target)
    assert (again.code, "the file already exists" in again.err) == (2, True)
    assert load(str(target)).profile.cluster.domain == "wso2.carbon.domain"
