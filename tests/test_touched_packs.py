"""Packs that were edited before: what counts is what the server reads, and that nothing is there twice."""

from __future__ import annotations

import codecs
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import headless, pairs
from tests.support.documents import changed_lines
from tests.support.hands import (
    ANCHOR,
    SAMPLE,
    SVN,
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
    profiled,
    put,
    refused,
    rewrite,
    written,
)
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    ANALYTICS,
    API_MANAGER_PACKS,
    AXIS2,
    CARBON,
    EVENT_PROCESSOR,
    MASTER,
    PACKS,
    REGISTRY,
    SPARK,
    SPARK_BAT,
    SPARK_SH,
    STATS,
    STORES,
    USER_MGT,
    XML_FILES,
    errors,
    of,
    quick_disk,
    replayed,
    rolled_back,
    standing,
    text,
    texts,
)
from tests.support.pairs import PASSWORD, Pair
from wizard.command_line.run import from_homes

CLUSTERING = "//clustering[@class='org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent']"
HA = "/eventProcessorConfiguration/mode[@name='HA']"
EVENTS, PROCESSED = "WSO2_ANALYTICS_EVENT_STORE_DB", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"
URL = "jdbc:mysql://127.0.0.1:3306/"

MakePair = Callable[..., Pair]
Touch = Callable[[bytes], bytes]


# --- whole files written in another way: the edit has to be the same ----------------------------------------

TEXT_FILES = (*XML_FILES, STATS, SPARK, SPARK_SH, SPARK_BAT)
BLOCKS = (rb"    <clustering class=.*?</clustering>", rb'    <mode name="HA".*?</mode>',
    rb"    <DeploymentSynchronizer>.*?</DeploymentSynchronizer>", rb" {8}<datasource>.*?</datasource>")  # fmt: skip
LATIN = "\n<!-- Änderungen: Groß & klein, ©, \xa0 -->\n".encode("iso-8859-1")


def is_latin(data: bytes) -> bool:
    return b"ISO-8859-1" in data[:80]


def is_xml(data: bytes) -> bool:
    return data.lstrip().startswith(b"<")


def commented_copies(data: bytes) -> bytes:
    """Before every element of one line: a copy of it in a comment, with another value, and an instruction.

    Before some whole elements: an exact copy of them in a comment.
    """
    line_end = b"\r\n" if b"\r\n" in data else b"\n"

    def copies(found: re.Match[bytes]) -> bytes:
        blanks, element, name = found[1], found[2], found[3]
        other = re.sub(rb">[^<]*<", b">COPY<", element)
        if data[: found.start()].rfind(b"<!--") > data[: found.start()].rfind(b"-->"):
            return found[0]  # in a comment already
        comment = blanks + b"<!--" + other + b"-->" + line_end
        return comment + blanks + b"<?COPY " + name + b"?>" + line_end + found[0]

    def block(found: re.Match[bytes]) -> bytes:
        copy = re.sub(rb"<!--.*?-->", b"", found[0], flags=re.DOTALL)
        return b"<!--BLOCK" + copy + b"BLOCK-->" + line_end + found[0]

    for pattern in BLOCKS:
        data = re.sub(pattern, block, data, count=1, flags=re.DOTALL)
    return re.sub(rb"(?m)^([ \t]*)(<([A-Za-z]+)[^<>]*>[^<>\r\n]*</\3>)", copies, data)


def without_copies(data: bytes) -> bytes:
    data = re.sub(rb"(?s)<!--BLOCK.*?BLOCK-->\r?\n", b"", data)
    return re.sub(rb"(?m)^.*COPY.*\r?\n", b"", data)


def in_single_quotes(data: bytes) -> bytes:
    """Every attribute of every tag in single quotes."""
    if not is_xml(data):
        return data

    def tag(found: re.Match[bytes]) -> bytes:
        if found[0].startswith((b"<!", b"<?")):
            return found[0]
        return re.sub(rb'="([^"\']*)"', rb"='\1'", found[0])

    return re.sub(rb"<!--.*?-->|<\?.*?\?>|<[^<>]+>", tag, data, flags=re.DOTALL)


def prefixed(data: bytes) -> bytes:
    """Every element with a namespace prefix."""
    if not is_xml(data):
        return data
    parts = re.split(rb"(<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>)", data, flags=re.DOTALL)
    plain = rb"<(/?)([A-Za-z][\w.-]*)"
    namespace = re.search(rb"<[A-Za-z][^<>]*? xmlns=\"([^\"]*)\"", b"".join(parts[::2]))
    uri = namespace[1] if namespace else b"urn:p"
    parts[::2] = [
        re.sub(rb" xmlns=\"[^\"]*\"", b"", re.sub(plain, rb"<\1p:\2", part))
        if not part.startswith(b"<!")
        else part
        for part in parts[::2]
    ]
    joined = b"".join(parts)
    return re.sub(
        rb"(^|[^-])(<p:[\w.-]+)", lambda found: found[0] + b' xmlns:p="' + uri + b'"', joined, count=1
    )


def with_tabs(data: bytes) -> bytes:
    return re.sub(rb"(?m)^(?: {4})+", lambda found: b"\t" * (len(found[0]) // 4), data)


def on_one_line(data: bytes) -> bytes:
    """XML without a single line break, but for those inside of comments and texts."""
    return re.sub(rb">\s+<", b"><", data.strip()) if is_xml(data) else data


def rewritten(pair: Pair, style: Touch) -> Pair:
    """The same pair, with all its files in another style."""
    for path in (home / relative for home in pair.homes for relative in TEXT_FILES):
        if path.exists():
            path.write_bytes(style(path.read_bytes()))
    return pair


STYLES: dict[str, tuple[Touch, Touch]] = {
    "CRLF": (lambda data: re.sub(rb"\r?\n", b"\r\n", data), bytes),
    "LF": (lambda data: data.replace(b"\r\n", b"\n"), bytes),
    # Where the encoding has one.
    "mark": (lambda data: codecs.BOM_UTF8 + data if is_xml(data) and not is_latin(data) else data, bytes),
    "no newline at the end": (bytes.rstrip, bytes),
    "a comment in the encoding": (lambda data: data.rstrip() + LATIN if is_latin(data) else data, bytes),
    "copies in comments": (commented_copies, without_copies),
    "single quotes": (in_single_quotes, in_single_quotes),  # but for those of new attributes
    "a prefix": (prefixed, bytes),
}
"""A style, and what has to be done to both files before they can be compared."""


@pytest.mark.parametrize(("style", "comparable"), STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("pack", PACKS)
def test_the_edit_of_a_rewritten_file_is_the_rewritten_edit(
    pack: str, style: Touch, comparable: Touch, make_pair: MakePair, packs: Path, tmp_path: Path
) -> None:
    tables: dict[str, Any] = {"nodes": [{"spark_local_ip": "127.0.0.1"}, {"spark_local_ip": "127.0.0.2"}]}
    if pack in API_MANAGER_PACKS:
        tables["mysql"] = {"databases": {"stats": "S"}}
    plain, other = make_pair(pack, **tables), pairs.make_pair(packs / pack, tmp_path / "other", **tables)
    headless.applied(plain)
    applied(rewritten(other, style))
    for home, twin in zip(plain.homes, other.homes, strict=True):
        for relative in TEXT_FILES:
            if (home / relative).exists() and relative not in {SPARK_SH, SPARK_BAT}:
                found, wanted = (twin / relative).read_bytes(), style((home / relative).read_bytes())
                assert comparable(found) == comparable(wanted), relative


@pytest.mark.parametrize("pack", PACKS)
def test_tabs_stay_tabs(pack: str, make_pair: MakePair) -> None:
    pair = rewritten(make_pair(pack), with_tabs)
    before = {path: (pair.homes[0] / path).read_bytes() for path in (MASTER, REGISTRY, AXIS2)}
    headless.applied(pair)
    for path, data in before.items():
        _, added = changed_lines(data, (pair.homes[0] / path).read_bytes())
        assert added
        for line in added:
            if path != AXIS2 or b"ember" in line:
                assert re.match(rb"\t+[^ \t]|\s*$| {16}enable", line), (path, line)


@pytest.mark.parametrize("pack", PACKS)
def test_one_line_files_stay_one_line(pack: str, make_pair: MakePair) -> None:
    pair = rewritten(make_pair(pack), on_one_line)
    files = [path for path in (pair.homes[0] / name for name in TEXT_FILES) if path.exists()]
    lines = {path: path.read_bytes().count(b"\n") for path in files}
    applied(pair)
    assert {path: path.read_bytes().count(b"\n") for path in files} == lines


# --- a value in another place, or written in another way -----------------------------------------------------

NAMES, STORE_NAMES = "//datasource/name", "//analytics-record-store/properties/property[@name='datasource']"
SETTINGS = {"driverClassName": "oracle.jdbc.OracleDriver", "initialSize": "7", "password": "old", "maxActive": "5",
    "defaultAutoCommit": "true"}  # fmt: skip
EXISTING = datasource(
    "WSO2UM_DB",
    "jdbc:oracle:thin:@h:1521/x",
    "jdbc/OTHER",
    "".join(f"\n                    <{name}>{value}</{name}>" for name, value in SETTINGS.items()),
).replace("</name>", "</name>\n            <description>my own words</description>", 1)
OTHER = EXISTING.replace("<name>WSO2UM_DB", "<name>MY_USERS").replace("jdbc/OTHER", "jdbc/WSO2UM_DB")
AFTER_STORES = "   <!-- The data indexing analyzer implementation -->\n"
OWN_INSTANCE = instance(config="wso2registry", host="elsewhere", more="<username>a-user</username>").replace(
    "</dbConfig>", "</dbConfig><registryRoot>/x</registryRoot>"
)
STOCK_MEMBERS = """\
        <members>
            <member>
                <hostName>127.0.0.1</hostName>
                <port>4000</port>
            </member>
        </members>
"""
STATISTICS = profiled(mysql={"databases": {"stats": "STATS"}})
EVENTS_RENAMED = profiled(mysql={"databases": {"event_store": "EVENTS"}})
WITHOUT_SYNCHRONIZER = rewrite(CARBON, "    <DeploymentSynchronizer>.*?</DeploymentSynchronizer>\n")


def record_store(name: str, datasource: str) -> str:
    """A record store of another application."""
    return (
        f'   <analytics-record-store name="{name}">\n      <implementation>org.wso2.carbon.analytics.datasource.rdbms.'
        "RDBMSAnalyticsRecordStore</implementation>\n      <properties>\n"
        f'         <property name="datasource">{datasource}</property>\n      </properties>\n'
        "   </analytics-record-store>\n"
    )


def configuration(name: str) -> str:
    return f"//datasource[name='{name}']/definition/configuration"


def members(*members: tuple[str, int], between: str = "\n") -> str:
    """The element with these members, one line an element or without line ends."""
    lines = [f"<hostName>{host}</hostName>{between}<port>{port}</port>" for host, port in members]
    inner = "".join(f"<member>{between}{one}{between}</member>{between}" for one in lines)
    return f"        <members>{between}{inner}</members>\n"


def sub_domain(inner: str) -> str:
    return f'        <parameter name="properties">\n{inner}        </parameter>\n'


def mode(name: str) -> str:
    return f'    <mode name="{name}" enable="true">\n        <persistence enable="true"/>\n    </mode>\n'


Table = dict[str, tuple[Sequence[Hand], Expected]]
"""What was edited, and what is there after a run."""

SWITCHES: Table = {
    "deployment synchronizer that is on": (
        [(CARBON, "<Enabled>false</Enabled>\n        <Auto", "<Enabled>true</Enabled>\n        <Auto")],
        {(CARBON, "/Server/DeploymentSynchronizer/Enabled"): ["false"]},
    ),
    "elements of the deployment synchronizer that are missing": (
        [profiled(**SVN), *(rewrite(CARBON, f"        <{name}>[^<]*</{name}>\n")
            for name in ("AutoCheckout", "SvnUrl", "SvnPassword", "SvnUrlAppendTenantId"))],
        {(CARBON, "/Server/DeploymentSynchronizer/*"): (
            ["true", "true", "true", "svn", "http://svn.example.com/r", "u", PASSWORD, "true"],
            ["true", "false", "true", "svn", "http://svn.example.com/r", "u", PASSWORD, "true"])},
    ),
    "no deployment synchronizer": ([WITHOUT_SYNCHRONIZER], {(CARBON, "/Server/DeploymentSynchronizer"): []}),
    "start tag without the switch": (
        [(AXIS2, 'HazelcastClusteringAgent"\n                enable="false">', 'HazelcastClusteringAgent">')],
        {(AXIS2, f"{CLUSTERING}/@enable"): ["true"]},
    ),
    "mode that is on, in another spelling": (
        [(EVENT_PROCESSOR, '"Distributed" enable="false">', "\"Distributed\" enable = 'TRUE' >")],
        {(EVENT_PROCESSOR, "//mode[@name='Distributed']/@enable"): ["false"]},
    ),
    **{f"mode {name} that is on, and in front": (
        [before(EVENT_PROCESSOR, "    <!-- HA Mode Config -->\n", mode(name))],
        {(EVENT_PROCESSOR, "//mode/@name"): [name, "HA", "Distributed"],
            (EVENT_PROCESSOR, "//mode/@enable"): ["false", "true", "false"],
            (EVENT_PROCESSOR, f"//mode[@name='{name}']/persistence/@enable"): ["true"]},
    ) for name in ("Single", "SingleNode", "Whatever comes next")},
    "worker that is off": (
        [(EVENT_PROCESSOR, '<worker enable="true"/>', '<worker enable="false"></worker>'),
            (EVENT_PROCESSOR, '<presenter enable="false"/>', '<presenter enable="true"/>')],
        {(EVENT_PROCESSOR, f"{HA}/nodeType/worker/@enable"): ["true"],
            (EVENT_PROCESSOR, f"{HA}/nodeType/presenter/@enable"): ["false"]},
    ),
    "pieces of the mode HA that are missing": (
        [profiled(event_processor={
            "presenter": "node1", "persistence_interval_minutes": 3, "persistence_location": "there"}),
            *(rewrite(EVENT_PROCESSOR, pattern) for pattern in (
                ' *<presenter enable="false"/>\n',
                " *<hostName>0.0.0.0</hostName>\n *<port>11224</port>\n",
                " *<port>10005</port>\n",
                " *<persistenceIntervalInMinutes>15</persistenceIntervalInMinutes>\n"))],
        {(EVENT_PROCESSOR, f"{HA}/nodeType/presenter/@enable"): (["true"], ["false"]),
            (EVENT_PROCESSOR, f"{HA}/eventSync/hostName"): ["127.0.0.1"],
            (EVENT_PROCESSOR, f"{HA}/eventSync/port"): (["11224"], ["11225"]),
            (EVENT_PROCESSOR, f"{HA}/management/port"): (["10005"], ["10006"]),
            (EVENT_PROCESSOR, f"{HA}/persistence/persistenceIntervalInMinutes"): ["3"],
            (EVENT_PROCESSOR, f"{HA}/persistence/persister/property"): ["there"]},
    ),
    "user store without the property": (
        [(USER_MGT, '            <Property name="dataSource">jdbc/WSO2CarbonDB</Property>\n', "")],
        {(USER_MGT, "/UserManager/Realm/Configuration/Property[@name='dataSource']"): ["jdbc/WSO2UM_DB"]},
    ),
    "property of that name in the user store": (
        [before(USER_MGT, '<Property name="TenantManager">', '<Property name="dataSource">x</Property>')],
        {(USER_MGT, "//Property[@name='dataSource']"): ["jdbc/WSO2UM_DB", "x"]},
    ),
    **{f"members: {name}": (
        [(AXIS2, STOCK_MEMBERS, new)],
        {(AXIS2, f"{CLUSTERING}/members/member/hostName"): ["127.0.0.1"] * 2,
            (AXIS2, f"{CLUSTERING}/members/member/port"): ["4000", "4001"]},
    ) for name, new in {
        "closed": "        <members/>\n",
        "empty": "        <members></members>\n",
        "comment": "        <members>\n            <!-- none -->\n        </members>\n",
        "missing": "",
        "other": members(("10.0.0.1", 1)),
        "swapped": members(("127.0.0.1", 4001), ("127.0.0.1", 4000)),
        "four": members(("10.0.0.1", 1), ("127.0.0.1", 4000), ("10.0.0.2", 2), ("10.0.0.3", 3)),
        "one line": members(("a", 1), between=""),
        "partly": "        <members>\n  <member>\n  <port>9</port>\n  </member>\n  <member/>\n  </members>\n",
    }.items()},
    **{f"sub domain: {name}": (
        [rewrite(AXIS2, ' {8}<parameter name="properties">.*?</parameter>\r\n', new.replace("\n", "\r\n"))],
        {(AXIS2, f"{CLUSTERING}/parameter[@name='properties']/property[@name='subDomain']/@value"): ["worker"]},
    ) for name, new in {
        "missing": "",
        "closed": '        <parameter name="properties"/>\n',
        "empty": sub_domain(""),
        "mgt": sub_domain('            <property name="subDomain" value="mgt"/>\n'),
        "another": sub_domain('            <property name="a" value="b"/>\n'),
        "single quotes": sub_domain("            <property value='mgt' name='subDomain'></property>\n"),
    }.items()},
}  # fmt: skip

DATASOURCES: Table = {
    "a datasource that is there": (
        [before(MASTER, SAMPLE, EXISTING)],
        {(MASTER, NAMES): ["WSO2_CARBON_DB", "WSO2UM_DB", "WSO2REG_DB"],
            # New ones are directly behind the nearest of their list.
            (MASTER, f"{configuration('WSO2UM_DB')}/*"): [
                *(f"{URL}userdb", "apim", "com.mysql.jdbc.Driver", "7", PASSWORD),
                *("50", "60000", "true", "SELECT 1", "30000", "true")],
            (MASTER, "//datasource[name='WSO2UM_DB']/jndiConfig/name"): ["jdbc/WSO2UM_DB"],
            (MASTER, "//datasource[name='WSO2UM_DB']/description"): ["The datasource used by user manager"]},
    ),
    "a datasource with the JNDI name": (
        [before(MASTER, SAMPLE, OTHER)], {(MASTER, NAMES): ["WSO2_CARBON_DB", "WSO2UM_DB", "WSO2REG_DB"]},
    ),
    "no datasource": (
        [rewrite(MASTER, "<datasources>.*</datasources>", "<datasources/>")],
        {(MASTER, NAMES): ["WSO2UM_DB", "WSO2REG_DB"]},
    ),
    **{f"a value written as {new.strip() or 'nothing'!r}": (
        [(ANALYTICS, old, new)],
        {(ANALYTICS, f"{configuration(EVENTS)}[normalize-space(password) = '{PASSWORD}']"
                "[normalize-space(maxActive) = '50']/username"): ["apim"],
            (ANALYTICS, f"{configuration(EVENTS)}/url"): [URL + EVENTS],
            (ANALYTICS, "//password[contains(comment(), 'secret')]/../username"): ["apim"] * ("secret" in new)},
    ) for old, new in [
        ("<password>wso2carbon</password>", "<password><![CDATA[wso2carbon]]></password>"),
        ("<password>wso2carbon</password>", "<password/>"),
        ("<password>wso2carbon</password>", "<password></password>"),
        ("<password>wso2carbon</password>", "<password> <!-- secret --> wso2carbon </password>"),
        ("<password>wso2carbon</password>", "<password>wso2<?x y?>carbon</password>"),
        ("                    <password>wso2carbon</password>\n", ""),
        ("<username>wso2carbon</username>\n", "<username\n>wso2carbon</username\n>"),
        ("<maxActive>50</maxActive>", "<maxActive> 50 </maxActive>"),
        ("<url>jdbc:h2:repository/database/ANALYTICS_EVENT_STORE;", "<url>\n  jdbc:h2:repository;"),
    ]},
    "both stores in one datasource, and no other there": (
        [(STORES, f">{PROCESSED}<", f">{EVENTS}<"), (ANALYTICS, f">{PROCESSED}<", ">UNUSED<")],
        {(ANALYTICS, NAMES): [EVENTS, "UNUSED", PROCESSED],
            (ANALYTICS, f"{configuration('UNUSED')}[starts-with(url, 'jdbc:h2:')]/username"): ["wso2carbon"],
            (ANALYTICS, f"{configuration(PROCESSED)}/defaultAutoCommit"): ["false"]},
    ),
    "a datasource that has the new name": (
        [EVENTS_RENAMED, (ANALYTICS, "    <datasources>\n\n", "    <datasources>\n\n"
            + EXISTING.replace("WSO2UM_DB", "EVENTS").replace("OTHER", "EVENTS"))],
        {(ANALYTICS, f"{configuration('EVENTS')}/url"): [f"{URL}EVENTS"],
            (ANALYTICS, f"{configuration('EVENTS')}/defaultAutoCommit"): ["false"],
            (STORES, STORE_NAMES): ["EVENTS", "EVENTS", PROCESSED]},
    ),
    "a third record store, which follows the datasource that it shares": (
        [EVENTS_RENAMED, before(STORES, AFTER_STORES, record_store("MY_STORE", EVENTS))],
        {(STORES, "//analytics-record-store[@name='MY_STORE']/properties/property"): ["EVENTS"]},
    ),
    "statistics under another name, which they keep": (
        [STATISTICS, (STATS, "<name>WSO2AM_STATS_DB</name>", "<name>MY_STATISTICS</name>")],
        {(STATS, NAMES): ["MY_STATISTICS"],
            (STATS, "//configuration/url"): [f"{URL}STATS"],
            (STATS, "//jndiConfig/name"): ["jdbc/WSO2AM_STATS_DB"]},
    ),
    "the server's own registry": (
        [(REGISTRY, "<currentDBConfig>wso2registry<", "<currentDBConfig>mine<"),
            (REGISTRY, '<dbConfig name="wso2registry">', '<dbConfig name="mine">'),
            (REGISTRY, "jdbc/WSO2CarbonDB", "jdbc/Mine")],
        {(REGISTRY, "//currentDBConfig"): ["mine"],
            (REGISTRY, "//dbConfig[@name='mine']/dataSource"): ["jdbc/Mine"]},
    ),
    "mounts that are there": (
        [before(REGISTRY, ANCHOR, db_config(source="jdbc/OTHER"), OWN_INSTANCE,
            mount("/_system/governance", "other", "/_system/elsewhere", "virtual"))],
        {(REGISTRY, "//dbConfig/@name"): ["wso2registry", "govregistry"],
            (REGISTRY, "//dbConfig[@name='govregistry']/dataSource"): ["jdbc/WSO2REG_DB"],
            (REGISTRY, "//remoteInstance/@url"): ["https://localhost:9443/registry"],
            (REGISTRY, "//remoteInstance/*"): [
                "gov", f"apim@{URL}regdb", "a-user", "govregistry", "false", "true", "/"],
            (REGISTRY, "//mount/@path"): ["/_system/governance", "/_system/config"],
            (REGISTRY, "//mount/@overwrite"): ["true", "true"],
            (REGISTRY, "//mount/instanceId"): ["gov", "gov"],
            (REGISTRY, "//mount/targetPath"): ["/_system/governance", "/_system/config"]},
    ),
    "mounts of another application": (
        [before(REGISTRY, ANCHOR, db_config("mine"), instance("mine"), mount("/_system/mine", "other"))],
        {(REGISTRY, "//dbConfig/@name | //remoteInstance/id | //mount/@path"): [  # in the order of the file
            *("wso2registry", "mine", "govregistry", "mine", "gov"),
            *("/_system/mine", "/_system/governance", "/_system/config")]},
    ),
}  # fmt: skip
WRITTEN = {**SWITCHES, **DATASOURCES}


@pytest.mark.parametrize(("hands", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_the_value_that_the_server_reads_is_the_right_one(
    hands: Sequence[Hand], expected: Expected, pair: Pair
) -> None:
    do(pair, *hands)
    written(pair, expected)
    crlf = (pair.homes[0] / AXIS2).read_bytes().count(b"\r\n")
    assert crlf == (pair.homes[0] / AXIS2).read_bytes().count(b"\n")


def test_a_store_that_follows_names_the_field_that_it_follows_and_others_stay(pair: Pair) -> None:
    others = record_store("ONE", f"\n {PROCESSED} ") + record_store("TWO", "\n X ")
    do(pair, profiled(datasources={"processed_data_store": "PROC"}), before(STORES, AFTER_STORES, others))
    (changed, _) = (one for one in replayed(pair)[1].plan.changes if one.path == STORES)
    field = "datasources.processed_data_store"
    assert [(line.text[:3], line.field) for line in changed.lines] == [("PRO", field), ("ONE", field)]
    assert texts(pair.homes[0], STORES, STORE_NAMES) == [EVENTS, EVENTS, "PROC", "PROC", "\n X "]


def test_statistics_under_another_name_are_read_back(pair: Pair) -> None:
    do(pair, *DATASOURCES["statistics under another name, which they keep"][0], headless.applied)
    found = from_homes.read((pair.homes[0], pair.homes[1]))
    assert (found.get("mysql.databases.stats"), found.notes) == ("STATS", {})


# --- what is there twice, or not at all ----------------------------------------------------------------------

DOMAIN = '        <parameter name="domain">wso2.carbon.domain</parameter>\n'
AGENT = CLUSTERING.partition("'")[2].partition("'")[0]

REFUSED: dict[str, tuple[Sequence[Hand], tuple[str, ...]]] = {
    "two datasources with one JNDI name": (
        [before(MASTER, SAMPLE, EXISTING, OTHER)], (MASTER, "WSO2UM_DB", "lines"),
    ),
    "a datasource twice": ([before(MASTER, SAMPLE, EXISTING * 2)], (MASTER, "WSO2UM_DB")),
    "a store without datasource": (
        [(ANALYTICS, f">{EVENTS}<", ">ELSEWHERE<"), rewrite(STORES, f">{EVENTS}<", ">NOWHERE<", count=2)],
        (ANALYTICS, "NOWHERE", "EVENT_STORE"),
    ),
    "no JDBC store": (
        [(ANALYTICS, '<definition type="RDBMS">', '<definition type="HBASE">')], (ANALYTICS, "HBASE"),
    ),
    "no statistics": (
        [STATISTICS, rewrite(STATS, "WSO2AM_STATS_DB", "MY_STATISTICS", count=0)], (STATS, "WSO2AM_STATS_DB"),
    ),
    "a dbConfig twice": ([before(REGISTRY, ANCHOR, db_config() * 2)], (REGISTRY, "govregistry")),
    "an instance twice": ([before(REGISTRY, ANCHOR, instance() * 2)], (REGISTRY, "remoteInstance")),
    "a mount twice": (
        [before(REGISTRY, ANCHOR, mount("/_system/governance"), mount("/_system/governance/"))],
        (REGISTRY, "/_system/governance"),
    ),
    "clustering twice": (
        [before(AXIS2, "    <clustering class", f'    <clustering class="{AGENT}"/>\n')],
        (AXIS2, "clustering", "lines"),
    ),
    "a parameter twice": ([(AXIS2, DOMAIN, DOMAIN * 2)], (AXIS2, "domain")),
    "two modes HA, in different case": (
        [(EVENT_PROCESSOR, '<mode name="Distributed"', '<mode name="hA"')],
        (EVENT_PROCESSOR, "doubles the mode HA"),
    ),
    "no deployment synchronizer for svn": (
        [profiled(**SVN), WITHOUT_SYNCHRONIZER], (CARBON, "DeploymentSynchronizer"),
    ),
    "both stores under one name": (  # the pack's name of one, and the pinned name of the other
        [profiled(mysql={"databases": dict.fromkeys(("event_store", "stats"), "WSO2AM_STATS_DB")},
            datasources={"processed_data_store": EVENTS})],
        (f"names {EVENTS} for both record stores",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("hands", "parts"), REFUSED.values(), ids=REFUSED)
def test_what_is_ambiguous_or_missing_is_refused(
    hands: Sequence[Hand], parts: tuple[str, ...], pair: Pair
) -> None:
    refused(do(pair, *hands), "prerequisites.files", *parts)


def test_a_symbolic_link_that_is_there_is_changed_and_not_doubled(
    make_pair: MakePair, tmp_path: Path
) -> None:
    link = tmp_path / "common"
    pair = make_pair(nodes=[{}, {"host": "203.0.113.9"}], spark={"symbolic_link": str(link)})
    do(pair, before(SPARK, "# carbon.das.symbolic.link", "carbon.das.symbolic.link /old/\n"))
    applied(pair, only_node="node1")
    found = (pair.homes[0] / SPARK).read_text()
    assert re.findall(r"(?m)^carbon\.das\.symbolic\.link.*$", found) == [f"carbon.das.symbolic.link {link}/"]
    assert "# carbon.das.symbolic.link /home/ubuntu" in found


# --- links --------------------------------------------------------------------------------------------------


def test_the_target_of_a_link_is_written_and_the_link_stays(pair: Pair, tmp_path: Path) -> None:
    shared, folder = tmp_path / "etc", "repository/conf/datasources"
    for home in pair.homes:
        own = shared / home.name
        own.mkdir(parents=True)
        (home / AXIS2).rename(own / "axis2.xml")
        (home / AXIS2).symlink_to(os.path.relpath(own / "axis2.xml", (home / AXIS2).parent))
        (home / folder).rename(own / "datasources")
        (home / folder).symlink_to(own / "datasources")
        (home / USER_MGT).rename(home / "repository/conf/user-mgt.real.xml")
        (home / USER_MGT).symlink_to("user-mgt.real.xml")
    before = standing(*pair.homes, shared)
    warned = [one.message for one in of(headless.checked(pair), "prerequisites.link", "node1")]
    outside = ("axis2.xml", "datasources/master-datasources.xml", "datasources/analytics-datasources.xml")
    targets = sorted(f"{shared}/{pair.homes[0].name}/{name} is what is written" for name in outside)
    assert sorted(one.partition("home: ")[2] for one in warned) == targets, "no link within the home"
    done = applied(pair)
    assert all((home / path).is_symlink() for home in pair.homes for path in (AXIS2, USER_MGT, folder))
    assert text(pair.homes[1], AXIS2, f"{CLUSTERING}/@enable") == "true"
    assert {file["path"] for file in done.files} >= {AXIS2, USER_MGT, MASTER}
    assert rolled_back(pair).outcome == "restored"
    assert standing(*pair.homes, shared) == before


@pytest.mark.parametrize(
    "relative",
    [USER_MGT, AXIS2, SPARK, "repository/conf/datasources", "repository/components/lib", "bin", "dbscripts"]
    + [f"repository/{folder}" for folder in ("logs", "deployment", "deployment/server/carbonapps")],
)
def test_one_file_or_folder_for_both_is_refused(relative: str, pair: Pair, tmp_path: Path) -> None:
    first, second = (home / relative for home in pair.homes)
    is_file = second.is_file()
    shutil.move(second, tmp_path / "aside")
    for make_link in (os.symlink, os.link)[: 1 + is_file]:
        make_link(first, second)
        ((check, _, message),) = errors(replayed(pair)[0])
        assert (check, relative in message) == ("prerequisites.same-home", True)
        second.unlink()
    shutil.move(tmp_path / "aside", second)
    assert replayed(pair, dry_run=True)[0].outcome == "pending"


def test_a_home_that_is_a_link(pair: Pair) -> None:
    real = pair.homes[0].with_name("real")
    pair.homes[0].rename(real)
    pair.homes[0].symlink_to(real)
    applied(pair)
    assert text(real, AXIS2, f"{CLUSTERING}/@enable") == "true"
    assert rolled_back(pair).outcome == "restored"
    shutil.rmtree(pair.homes[1])
    pair.homes[1].symlink_to(pair.homes[0])
    assert [check for check, _, _ in errors(replayed(pair)[0])] == ["prerequisites.same-home"]


def test_a_link_that_leads_nowhere(pair: Pair) -> None:
    for home in pair.homes:
        (home / AXIS2).unlink()
        (home / AXIS2).symlink_to("nowhere.xml")
    refused(pair, "prerequisites.files", AXIS2, "missing")


# --- the secure vault ---------------------------------------------------------------------------------------

VAULT, CIPHER_TEXT = "datasources.secure-vault", "repository/conf/security/cipher-text.properties"


def managed(alias: str) -> str:
    return f'<password svns:secretAlias="{alias}">password'


MANAGED: list[tuple[dict[str, Any], Hand, tuple[str, ...]]] = [  # the profile, what was edited, what is refused
    ({}, before(MASTER, SAMPLE, EXISTING.replace("<password>old", managed("Datasources.X"))), ("WSO2UM_DB",)),
    (SVN, (CARBON, "<SvnPassword>", '<SvnPassword xmlns:svns="urn:s" svns:secretAlias="Svn.Password">'),
        ("DeploymentSynchronizer", CARBON)),
    *(({}, put(CIPHER_TEXT, f"{entry}\n"), (CIPHER_TEXT,)) for entry in (
        "Datasources.WSO2UM_DB.Configuration.Password=gH3k==",
        "Datasources.WSO2REG_DB.Configuration.Password=[wso2carbon]",
        f"Datasources.{EVENTS}.Configuration.Password=x",
        "Carbon.Security.KeyStore.Password=\\u12")),  # what cannot be read may hold any of them
    (SVN, put(CIPHER_TEXT, "Carbon.DeploymentSynchronizer.SvnPassword=gH3k=="), ("SvnPassword", CIPHER_TEXT)),
    (SVN, put(CIPHER_TEXT, "Carbon.DeploymentSynchronizer.SvnPassword=[svn]"), ()),  # not encrypted yet
    *(({}, put(CIPHER_TEXT, f"{entry}\n"), ()) for entry in (
        "Datasources.WSO2_CARBON_DB.Configuration.Password=x",
        "#Datasources.WSO2UM_DB.Configuration.Password=x",
        "Carbon.Security.KeyStore.Password=x",
        "Datasources.WSO2AM_STATS_DB.Configuration.Password=x")),
    ({}, (MASTER, "<password>wso2carbon", managed("Datasources.WSO2_CARBON_DB.Configuration.Password")), ()),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "hand", "parts"), MANAGED)
def test_the_vault_matters_for_passwords_that_are_written(
    tables: dict[str, Any], hand: Hand, parts: tuple[str, ...], make_pair: MakePair
) -> None:
    pair = do(make_pair(**tables), hand)
    if parts:
        refused(pair, VAULT, *parts)
        skip = ("deployment-sync",) if tables else ()
        assert replayed(pair, skip=skip, ignore=(VAULT,) * (not skip))[0].outcome == "applied"
    else:
        judged(pair, VAULT, "ok ok")
        assert replayed(pair)[0].outcome == "applied"
