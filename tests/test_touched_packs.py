"""Packs that somebody touched before: what counts is what the server reads, and that nothing is there twice."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.support import headless, pairs
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    ANALYTICS,
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
    checked,
    errors,
    live,
    of,
    quick_disk,
    replayed,
    rolled_back,
    standing,
    statuses,
    text,
    texts,
    untouched,
)
from tests.support.pairs import Pair
from wizard.command_line.run.replay import Result

CLUSTERING = "//clustering[@class='org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent']"
HA = "/eventProcessorConfiguration/mode[@name='HA']"

Touch = Callable[[bytes], bytes]


def applied(pair: Pair, **options: Any) -> Result:
    """The result of a replay that works, after which another one changes nothing."""
    result = headless.applied(pair, **options)
    assert replayed(pair, **options)[0].outcome == "unchanged"
    return result


def touch(pair: Pair, relative: str, old: str, new: str, *, count: int = 1) -> None:
    """Both nodes' file, with `old` (which has to be there) as `new`."""
    for home in pair.homes:
        data = (home / relative).read_bytes()
        crlf = b"\r\n" in data
        before, after = old.encode(), new.encode()
        if crlf:
            before, after = before.replace(b"\n", b"\r\n"), after.replace(b"\n", b"\r\n")
        assert before in data, f"{old!r} is not in {relative}"
        (home / relative).write_bytes(data.replace(before, after, count))


def rewrite(pair: Pair, relative: str, pattern: str, new: str = "") -> None:
    """Both nodes' file, with the first match of `pattern`, which has to be there, as `new`."""
    for home in pair.homes:
        data, count = re.subn(pattern, lambda _: new, read(home / relative), count=1, flags=re.DOTALL)
        assert count == 1, f"{pattern} is not in {relative}"
        (home / relative).write_text(data, "utf-8", newline="")


def read(path: Path) -> str:
    """The text of a file with the line ends that it has."""
    return path.read_bytes().decode("utf-8")


def refused(pair: Pair, *parts: str, check: str = "prerequisites.files") -> None:
    """The replay is refused by that check for both nodes, its message says these things, and nothing was written."""
    before = untouched(*pair.homes)
    result, _ = replayed(pair)
    assert (result.outcome, result.exit_code) == ("refused", 3)
    found = [one for one in result.checks if one.status == "error"]
    assert {(one.id, one.node) for one in found} == {(check, "node1"), (check, "node2")}
    for one in found:
        assert one.fix
        for part in parts:
            assert part in one.message, one.message
    assert untouched(*pair.homes) == before


# --- whole files written in another way: the edit has to be the same ----------------------------------------


def commented_copies(data: bytes) -> bytes:
    """Before every element of one line: a copy of it in a comment, with another value, and an instruction."""
    line_end = b"\r\n" if b"\r\n" in data else b"\n"

    def copies(found: re.Match[bytes]) -> bytes:
        blanks, element, name = found[1], found[2], found[3]
        other = re.sub(rb">[^<]*<", b">COPY<", element)
        if data[: found.start()].rfind(b"<!--") > data[: found.start()].rfind(b"-->"):
            return found[0]  # in a comment already
        return (
            blanks
            + b"<!--"
            + other
            + b"-->"
            + line_end
            + blanks
            + b"<?COPY "
            + name
            + b"?>"
            + line_end
            + found[0]
        )

    return re.sub(rb"(?m)^([ \t]*)(<([A-Za-z]+)[^<>]*>[^<>\r\n]*</\3>)", copies, data)


def without_copies(data: bytes) -> bytes:
    return re.sub(rb"(?m)^.*COPY.*\r?\n", b"", data)


def in_single_quotes(data: bytes) -> bytes:
    """Every attribute of every tag in single quotes."""

    def tag(found: re.Match[bytes]) -> bytes:
        if found[0].startswith((b"<!", b"<?")):
            return found[0]
        return re.sub(rb'="([^"\']*)"', rb"='\1'", found[0])

    return re.sub(rb"<!--.*?-->|<\?.*?\?>|<[^<>]+>", tag, data, flags=re.DOTALL)


def prefixed(data: bytes) -> bytes:
    """Every element with a namespace prefix."""
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
        rb"(^|[^-])(<p:[\w.-]+)",
        lambda found: found[0] + b' xmlns:p="' + uri + b'"',
        joined,
        count=1,
    )


def edited_by(pair: Pair, relative: str, node: int = 0) -> bytes:
    return (pair.homes[node] / relative).read_bytes()


class TestTheSameEditInAnotherStyle:
    @pytest.mark.parametrize(
        ("style", "back"),
        [
            (commented_copies, without_copies),
            (in_single_quotes, None),
            (prefixed, None),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    @pytest.mark.parametrize("pack", PACKS)
    def test_metamorphosis(
        self,
        pack: str,
        style: Touch,
        back: Touch | None,
        make_pair: Callable[..., Pair],
        packs: Path,
        tmp_path: Path,
    ) -> None:
        plain = make_pair(pack)
        other = pairs.make_pair(packs / pack, tmp_path / "other")
        for home in other.homes:
            for relative in XML_FILES:
                data = style((home / relative).read_bytes())
                etree.fromstring(data)
                (home / relative).write_bytes(data)
        headless.applied(plain)
        headless.applied(other)
        for node in (0, 1):
            for relative in XML_FILES:
                wanted, found = edited_by(plain, relative, node), edited_by(other, relative, node)
                if back is not None:
                    assert back(found) == wanted, relative
                elif style is prefixed:
                    assert found == style(wanted), relative
                else:
                    # New attributes are in double quotes; the rest is as the style wants it.
                    assert style(found) == style(wanted), relative
        assert replayed(other)[0].outcome == "unchanged"
        before = standing(*other.homes)
        assert replayed(other)[0].outcome == "unchanged"
        assert standing(*other.homes) == before

    def test_a_commented_out_block_before_the_live_one_is_no_match(self, pair: Pair) -> None:
        for relative, start, end in (
            (AXIS2, "    <clustering class=", "</clustering>"),
            (EVENT_PROCESSOR, '    <mode name="HA"', "</mode>"),
            (CARBON, "    <DeploymentSynchronizer>", "</DeploymentSynchronizer>"),
            (ANALYTICS, "        <datasource>", "</datasource>"),
        ):
            for home in pair.homes:
                data = (home / relative).read_bytes().decode("utf-8")
                block = data[data.index(start) : data.index(end, data.index(start)) + len(end)]
                copy = re.sub(r"<!--.*?-->", "", block, flags=re.DOTALL)
                commented = data.replace(block, f"<!--{copy}-->\r\n{block}", 1)
                (home / relative).write_bytes(commented.encode("utf-8"))
        applied(pair)
        for home in pair.homes:
            assert text(home, AXIS2, f"{CLUSTERING}/@enable") == "true"
            assert b'enable="false">' in (home / AXIS2).read_bytes(), "the comment is as it was"
            assert text(home, EVENT_PROCESSOR, f"{HA}/@enable") == "true"
            assert (home / EVENT_PROCESSOR).read_bytes().count(b"<hostName>0.0.0.0</hostName>") >= 3


# --- a value in another place, or written in another way -----------------------------------------------------

SPELT = {
    "deployment synchronizer that is on": (
        [(CARBON, "<Enabled>false</Enabled>\n        <Auto", "<Enabled>true</Enabled>\n        <Auto")],
        {(CARBON, "/Server/DeploymentSynchronizer/Enabled"): ["false"]},
    ),
    "start tag without the switch": (
        [(AXIS2, 'HazelcastClusteringAgent"\n                enable="false">', 'HazelcastClusteringAgent">')],
        {(AXIS2, f"{CLUSTERING}/@enable"): ["true"]},
    ),
    "mode that is on, in another spelling": (
        [
            (
                EVENT_PROCESSOR,
                '<mode name="Distributed" enable="false">',
                "<mode enable = 'TRUE' name='Distributed'>",
            )
        ],
        {(EVENT_PROCESSOR, "//mode[@name='Distributed']/@enable"): ["false"]},
    ),
    "worker that is off": (
        [
            (EVENT_PROCESSOR, '<worker enable="true"/>', '<worker enable="false"></worker>'),
            (EVENT_PROCESSOR, '<presenter enable="false"/>', '<presenter enable="true"/>'),
        ],
        {
            (EVENT_PROCESSOR, f"{HA}/nodeType/worker/@enable"): ["true"],
            (EVENT_PROCESSOR, f"{HA}/nodeType/presenter/@enable"): ["false"],
        },
    ),
    "user store without the property": (
        [(USER_MGT, '            <Property name="dataSource">jdbc/WSO2CarbonDB</Property>\n', "")],
        {(USER_MGT, "/UserManager/Realm/Configuration/Property[@name='dataSource']"): ["jdbc/WSO2UM_DB"]},
    ),
    "property of that name in the user store": (
        [
            (
                USER_MGT,
                '<Property name="TenantManager">',
                '<Property name="dataSource">x</Property><Property name="TenantManager">',
            )
        ],
        {(USER_MGT, "//Property[@name='dataSource']"): ["jdbc/WSO2UM_DB", "x"]},
    ),
    "the server's own registry": (
        [
            (REGISTRY, "<currentDBConfig>wso2registry<", "<currentDBConfig>mine<"),
            (REGISTRY, '<dbConfig name="wso2registry">', '<dbConfig name="mine">'),
            (REGISTRY, "jdbc/WSO2CarbonDB", "jdbc/Mine"),
        ],
        {
            (REGISTRY, "//currentDBConfig"): ["mine"],
            (REGISTRY, "//dbConfig[@name='mine']/dataSource"): ["jdbc/Mine"],
        },
    ),
}


@pytest.mark.parametrize(("changes", "found"), SPELT.values(), ids=SPELT)
def test_the_value_that_the_server_reads_is_the_right_one(
    changes: list[tuple[str, str, str]], found: dict[tuple[str, str], list[str]], pair: Pair
) -> None:
    for change in changes:
        touch(pair, *change)
    applied(pair)
    for home in pair.homes:
        assert {place: texts(home, *place) for place in found} == found


# --- datasources --------------------------------------------------------------------------------------------

EXISTING = """\
        <datasource>
            <name>WSO2UM_DB</name>
            <description>my own words</description>
            <jndiConfig>
                <name>jdbc/OTHER</name>
            </jndiConfig>
            <definition type="RDBMS">
                <configuration>
                    <driverClassName>oracle.jdbc.OracleDriver</driverClassName>
                    <url>jdbc:oracle:thin:@h:1521/x</url>
                    <initialSize>7</initialSize>
                    <password>old</password>
                    <maxActive>5</maxActive>
                    <defaultAutoCommit>true</defaultAutoCommit>
                </configuration>
            </definition>
        </datasource>

"""
BEFORE_SAMPLE = "        <!-- For an explanation of the properties"


def datasources(home: Path, relative: str) -> dict[str, dict[str, str]]:
    found = live(home, relative)("//datasources/datasource")
    result = {}
    for one in found:
        (inner,) = one.xpath("definition/configuration")
        names = [child.tag for child in inner if isinstance(child.tag, str)]
        assert len(names) == len(set(names)), "an element is doubled"
        result[one.findtext("name")] = {name: inner.findtext(name) or "" for name in names}
    assert len(result) == len(found), "a datasource is doubled"
    return result


class TestDatasources:
    def test_one_that_is_there_is_changed_in_place(self, pair: Pair) -> None:
        touch(pair, MASTER, BEFORE_SAMPLE, EXISTING + BEFORE_SAMPLE)
        applied(pair)
        for home in pair.homes:
            found = datasources(home, MASTER)
            assert list(found) == ["WSO2_CARBON_DB", "WSO2UM_DB", "WSO2REG_DB"]
            assert found["WSO2UM_DB"] == {
                "url": "jdbc:mysql://127.0.0.1:3306/userdb",
                "username": "apim",
                "password": pairs.PASSWORD,
                "driverClassName": "com.mysql.jdbc.Driver",
                "maxActive": "50",
                "maxWait": "60000",
                "testOnBorrow": "true",
                "validationQuery": "SELECT 1",
                "validationInterval": "30000",
                "initialSize": "7",
                "defaultAutoCommit": "true",
            }
            one = "//datasource[name='WSO2UM_DB']"
            assert text(home, MASTER, f"{one}/jndiConfig/name") == "jdbc/WSO2UM_DB"
            assert text(home, MASTER, f"{one}/description") == "The datasource used by user manager"
            names = [child.tag for child in live(home, MASTER)(f"{one}/definition/configuration/*")]
            assert names.index("username") == names.index("url") + 1, (
                "directly behind the nearest of its list"
            )
            assert names.index("maxWait") == names.index("maxActive") + 1

    def test_one_with_the_jndi_name_is_the_one(self, pair: Pair) -> None:
        existing = EXISTING.replace("<name>WSO2UM_DB", "<name>MY_USERS").replace(
            "jdbc/OTHER", "jdbc/WSO2UM_DB"
        )
        touch(pair, MASTER, BEFORE_SAMPLE, existing + BEFORE_SAMPLE)
        applied(pair)
        for home in pair.homes:
            assert list(datasources(home, MASTER)) == ["WSO2_CARBON_DB", "WSO2UM_DB", "WSO2REG_DB"]

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("<password>wso2carbon</password>", "<password><![CDATA[wso2carbon]]></password>"),
            ("<password>wso2carbon</password>", "<password/>"),
            ("<password>wso2carbon</password>", "<password></password>"),
            ("<password>wso2carbon</password>", "<password> <!-- secret --> wso2carbon </password>"),
            ("<password>wso2carbon</password>", "<password>wso2<?x y?>carbon</password>"),
            ("                    <password>wso2carbon</password>\n", ""),
            ("<username>wso2carbon</username>\n", "<username\n>wso2carbon</username\n>"),
            ("<maxActive>50</maxActive>", "<maxActive> 50 </maxActive>"),
            ("<url>jdbc:h2:repository/database/ANALYTICS_EVENT_STORE;", "<url>\n  jdbc:h2:repository;"),
        ],
    )
    def test_a_value_may_be_written_in_any_way(self, old: str, new: str, pair: Pair) -> None:
        touch(pair, ANALYTICS, old, new)
        applied(pair)
        for home in pair.homes:
            values = datasources(home, ANALYTICS)["WSO2_ANALYTICS_EVENT_STORE_DB"]
            (node,) = live(home, ANALYTICS)(
                "//datasource[name='WSO2_ANALYTICS_EVENT_STORE_DB']/definition/configuration/password"
            )
            assert "".join(node.xpath("text()")).strip() == pairs.PASSWORD
            assert values["username"] == "apim"
            assert values["url"] == "jdbc:mysql://127.0.0.1:3306/WSO2_ANALYTICS_EVENT_STORE_DB"
            assert values["maxActive"] == "50"
        if "secret" in new:
            assert b"<!-- secret -->" in (pair.homes[0] / ANALYTICS).read_bytes()

    def test_empty_lists(self, pair: Pair) -> None:
        rewrite(pair, MASTER, "<datasources>.*</datasources>", "<datasources/>")
        applied(pair)
        for home in pair.homes:
            assert list(datasources(home, MASTER)) == ["WSO2UM_DB", "WSO2REG_DB"]

    def test_both_stores_in_one_datasource_and_no_other_there(self, pair: Pair) -> None:
        touch(
            pair,
            STORES,
            '<property name="datasource">WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB</property>',
            '<property name="datasource">WSO2_ANALYTICS_EVENT_STORE_DB</property>',
        )
        touch(pair, ANALYTICS, "<name>WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB</name>", "<name>UNUSED</name>")
        applied(pair)
        for home in pair.homes:
            found = datasources(home, ANALYTICS)
            assert list(found) == [
                "WSO2_ANALYTICS_EVENT_STORE_DB",
                "UNUSED",
                "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB",
            ]
            assert found["UNUSED"]["url"].startswith("jdbc:h2:")
            assert found["WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"]["defaultAutoCommit"] == "false"

    def test_one_that_has_the_new_name_already_is_taken_over(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(mysql={"databases": {"event_store": "EVENTS"}})
        mine = EXISTING.replace("WSO2UM_DB", "EVENTS").replace("jdbc/OTHER", "jdbc/EVENTS")
        touch(pair, ANALYTICS, "    <datasources>\n\n", "    <datasources>\n\n" + mine)
        applied(pair)
        for home in pair.homes:
            found = datasources(home, ANALYTICS)
            assert found["EVENTS"]["url"] == "jdbc:mysql://127.0.0.1:3306/EVENTS"
            assert found["EVENTS"]["defaultAutoCommit"] == "false"
            named = texts(home, STORES, "//analytics-record-store/properties/property[@name='datasource']")
            assert named == ["EVENTS", "EVENTS", "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"]

    def test_a_third_record_store_goes_with_the_datasource_that_it_shares(
        self, make_pair: Callable[..., Pair]
    ) -> None:
        pair = make_pair(mysql={"databases": {"event_store": "EVENTS"}})
        third = """\
   <analytics-record-store name="MY_STORE">
      <implementation>org.wso2.carbon.analytics.datasource.rdbms.RDBMSAnalyticsRecordStore</implementation>
      <properties>
         <property name="datasource">WSO2_ANALYTICS_EVENT_STORE_DB</property>
      </properties>
   </analytics-record-store>
"""
        anchor = "   <!-- The data indexing analyzer implementation -->\n"
        touch(pair, STORES, anchor, third + anchor)
        applied(pair)
        for home in pair.homes:
            path = "//analytics-record-store[@name='MY_STORE']/properties/property"
            assert text(home, STORES, path) == "EVENTS"

    def test_statistics_under_another_name_keep_it(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(mysql={"databases": {"stats": "STATS"}})
        touch(pair, STATS, "<name>WSO2AM_STATS_DB</name>", "<name>MY_STATISTICS</name>")
        applied(pair)
        for home in pair.homes:
            found = datasources(home, STATS)
            assert list(found) == ["MY_STATISTICS"]
            assert found["MY_STATISTICS"]["url"] == "jdbc:mysql://127.0.0.1:3306/STATS"
            assert text(home, STATS, "//jndiConfig/name") == "jdbc/WSO2AM_STATS_DB"


# --- registry -----------------------------------------------------------------------------------------------

ANCHOR = "   <!--<handler"
DB_CONFIG = """\
    <dbConfig name="govregistry">
        <dataSource>jdbc/OTHER</dataSource>
    </dbConfig>

"""
INSTANCE = """\
    <remoteInstance url="https://elsewhere:9443/registry">
        <id>gov</id>
        <username>somebody</username>
        <dbConfig>wso2registry</dbConfig>
        <registryRoot>/x</registryRoot>
    </remoteInstance>

"""
MOUNT = """\
    <mount path="/_system/governance" overwrite="virtual">
        <instanceId>other</instanceId>
        <targetPath>/_system/elsewhere</targetPath>
    </mount>

"""


class TestRegistry:
    def test_what_is_there_is_changed_in_place(self, pair: Pair) -> None:
        touch(pair, REGISTRY, ANCHOR, DB_CONFIG + INSTANCE + MOUNT + ANCHOR)
        result = applied(pair)
        for home in pair.homes:
            assert texts(home, REGISTRY, "//dbConfig/@name") == ["wso2registry", "govregistry"]
            assert text(home, REGISTRY, "//dbConfig[@name='govregistry']/dataSource") == "jdbc/WSO2REG_DB"
            assert text(home, REGISTRY, "//remoteInstance/@url") == "https://localhost:9443/registry"
            (instance,) = live(home, REGISTRY)("//remoteInstance")
            assert [(child.tag, child.text) for child in instance] == [
                ("id", "gov"),
                ("cacheId", "apim@jdbc:mysql://127.0.0.1:3306/regdb"),
                ("username", "somebody"),
                ("dbConfig", "govregistry"),
                ("readOnly", "false"),
                ("enableCache", "true"),
                ("registryRoot", "/"),
            ]
            assert texts(home, REGISTRY, "//mount/@path") == ["/_system/governance", "/_system/config"]
            assert texts(home, REGISTRY, "//mount/@overwrite") == ["true", "true"]
            assert texts(home, REGISTRY, "//mount/instanceId") == ["gov", "gov"]
            assert texts(home, REGISTRY, "//mount/targetPath") == ["/_system/governance", "/_system/config"]
        assert [one.status for one in of(result.checks, "registry.other-mount")] == ["warning"] * 2

    def test_what_belongs_to_somebody_else_stays(self, pair: Pair) -> None:
        other = (
            DB_CONFIG.replace("govregistry", "mine")
            + INSTANCE.replace(">gov<", ">mine<").replace("https://elsewhere", "https://localhost")
            + MOUNT.replace("/_system/governance", "/_system/mine")
        )
        touch(pair, REGISTRY, ANCHOR, other + ANCHOR)
        applied(pair)
        for home in pair.homes:
            assert texts(home, REGISTRY, "//remoteInstance/id") == ["mine", "gov"]
            assert texts(home, REGISTRY, "//dbConfig/@name") == ["wso2registry", "mine", "govregistry"]
            assert texts(home, REGISTRY, "//mount/@path") == [
                "/_system/mine",
                "/_system/governance",
                "/_system/config",
            ]
            order = [child.tag for child in live(home, REGISTRY)("/wso2registry/*")]
            assert order[4:12] == ["dbConfig"] * 3 + ["remoteInstance"] * 2 + ["mount"] * 3


# --- what is there twice, or not at all ----------------------------------------------------------------------

OTHER = EXISTING.replace("<name>WSO2UM_DB", "<name>MY_USERS").replace("jdbc/OTHER", "jdbc/WSO2UM_DB")
DOMAIN = '        <parameter name="domain">wso2.carbon.domain</parameter>\n'
AGENT = CLUSTERING.partition("'")[2].partition("'")[0]
EVENTS = ">WSO2_ANALYTICS_EVENT_STORE_DB<"


REFUSED = {
    "two datasources with one JNDI name": (
        [(MASTER, BEFORE_SAMPLE, EXISTING + OTHER + BEFORE_SAMPLE)],
        ("WSO2UM_DB", "lines"),
    ),
    "a datasource twice": ([(MASTER, BEFORE_SAMPLE, EXISTING * 2 + BEFORE_SAMPLE)], ("WSO2UM_DB",)),
    "a store without datasource": (
        [(ANALYTICS, EVENTS, ">ELSEWHERE<"), (STORES, EVENTS, ">NOWHERE<", 2)],
        ("NOWHERE", "EVENT_STORE"),
    ),
    "no JDBC store": ([(ANALYTICS, '<definition type="RDBMS">', '<definition type="HBASE">')], ("HBASE",)),
    "a dbConfig twice": ([(REGISTRY, ANCHOR, DB_CONFIG * 2 + ANCHOR)], ("govregistry",)),
    "an instance twice": ([(REGISTRY, ANCHOR, INSTANCE * 2 + ANCHOR)], ("remoteInstance",)),
    "a mount twice": ([(REGISTRY, ANCHOR, MOUNT * 2 + ANCHOR)], ("/_system/governance",)),
    "clustering twice": (
        [(AXIS2, "    <clustering class", f'    <clustering class="{AGENT}"/>\n    <clustering class')],
        ("clustering", "lines"),
    ),
    "a parameter twice": ([(AXIS2, DOMAIN, DOMAIN * 2)], ("domain",)),
}


@pytest.mark.parametrize(("changes", "parts"), REFUSED.values(), ids=REFUSED)
def test_what_is_ambiguous_or_missing_is_refused(
    changes: list[tuple[str, str, str]], parts: tuple[str, ...], pair: Pair
) -> None:
    for relative, old, new, *count in changes:
        touch(pair, relative, old, new, count=count[0] if count else 1)
    refused(pair, changes[0][0], *parts)


def test_statistics_that_are_not_there_are_refused(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(mysql={"databases": {"stats": "STATS"}})
    touch(pair, STATS, "<name>WSO2AM_STATS_DB</name>", "<name>MY_STATISTICS</name>")
    touch(pair, STATS, "jdbc/WSO2AM_STATS_DB", "jdbc/MY_STATISTICS")
    refused(pair, STATS, "WSO2AM_STATS_DB")


# --- hazelcast ----------------------------------------------------------------------------------------------


def members(home: Path) -> list[tuple[str, str]]:
    return [
        (one.findtext("hostName"), one.findtext("port"))
        for one in live(home, AXIS2)(f"{CLUSTERING}/members/member")
    ]


STOCK_MEMBERS = """\
        <members>
            <member>
                <hostName>127.0.0.1</hostName>
                <port>4000</port>
            </member>
        </members>
"""


def listed(*members: tuple[str, int], between: str = "\n") -> str:
    """The element with these members, one line an element or without line ends."""
    lines = [f"<hostName>{host}</hostName>{between}<port>{port}</port>" for host, port in members]
    inner = "".join(f"<member>{between}{one}{between}</member>{between}" for one in lines)
    return f"        <members>{between}{inner}</members>\n"


MEMBERS = {
    "closed": "        <members/>\n",
    "empty": "        <members></members>\n",
    "blank": "        <members>\n        </members>\n",
    "comment": "        <members>\n            <!-- none -->\n        </members>\n",
    "missing": "",
    "other": listed(("10.0.0.1", 1)),
    "swapped": listed(("127.0.0.1", 4001), ("127.0.0.1", 4000)),
    "four": listed(("10.0.0.1", 1), ("127.0.0.1", 4000), ("10.0.0.2", 2), ("10.0.0.3", 3)),
    "one line": listed(("a", 1), between=""),
    "partly": "        <members>\n  <member>\n  <port>9</port>\n  </member>\n  <member/>\n  </members>\n",
}


class TestHazelcast:
    @pytest.mark.parametrize("new", MEMBERS.values(), ids=MEMBERS)
    def test_exactly_the_two_members(self, new: str, pair: Pair) -> None:
        touch(pair, AXIS2, STOCK_MEMBERS, new)
        applied(pair)
        for home in pair.homes:
            assert members(home) == [("127.0.0.1", "4000"), ("127.0.0.1", "4001")]
            assert (home / AXIS2).read_bytes().count(b"\n") == (home / AXIS2).read_bytes().count(b"\r\n")

    @pytest.mark.parametrize(
        "new",
        [
            "",
            '        <parameter name="properties"/>\n',
            '        <parameter name="properties">\n        </parameter>\n',
            '        <parameter name="properties">\n            <property name="subDomain" value="mgt"/>\n'
            "        </parameter>\n",
            '        <parameter name="properties">\n            <property name="a" value="b"/>\n        </parameter>\n',
            "        <parameter name='properties'>\n            <property value='mgt' name='subDomain'></property>\n"
            "        </parameter>\n",
        ],
        ids=["missing", "closed", "empty", "mgt", "another", "single quotes"],
    )
    def test_the_sub_domain_is_worker(self, new: str, pair: Pair) -> None:
        rewrite(
            pair, AXIS2, ' {8}<parameter name="properties">.*?</parameter>\r\n', new.replace("\n", "\r\n")
        )
        applied(pair)
        for home in pair.homes:
            path = f"{CLUSTERING}/parameter[@name='properties']/property[@name='subDomain']/@value"
            assert text(home, AXIS2, path) == "worker"


# --- event processor ----------------------------------------------------------------------------------------


class TestEventProcessor:
    @pytest.mark.parametrize("name", ["Single", "SingleNode", "Whatever comes next"])
    def test_any_enabled_mode_in_front_is_turned_off(self, name: str, pair: Pair) -> None:
        """The server takes the first enabled mode in the order of the file."""
        mode = f'    <mode name="{name}" enable="true">\n        <persistence enable="true"/>\n    </mode>\n'
        touch(pair, EVENT_PROCESSOR, "    <!-- HA Mode Config -->\n", mode + "    <!-- HA Mode Config -->\n")
        applied(pair)
        for home in pair.homes:
            modes = live(home, EVENT_PROCESSOR)("//mode")
            assert [(mode.get("name"), mode.get("enable")) for mode in modes] == [
                (name, "false"),
                ("HA", "true"),
                ("Distributed", "false"),
            ]
            assert text(home, EVENT_PROCESSOR, f"//mode[@name='{name}']/persistence/@enable") == "true"

    def test_missing_pieces_are_added_and_others_kept(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(
            event_processor={
                "presenter": "node1",
                "persistence_interval_minutes": 3,
                "persistence_location": "there",
            }
        )
        for pattern in (
            ' *<presenter enable="false"/>\n',
            " *<hostName>0.0.0.0</hostName>\n *<port>11224</port>\n",
            " *<port>10005</port>\n",
            " *<persistenceIntervalInMinutes>15</persistenceIntervalInMinutes>\n",
        ):
            rewrite(pair, EVENT_PROCESSOR, pattern)
        applied(pair)
        for home, presents, sync, management in zip(
            pair.homes, ("true", "false"), ("11224", "11225"), ("10005", "10006"), strict=True
        ):
            assert text(home, EVENT_PROCESSOR, f"{HA}/nodeType/presenter/@enable") == presents
            assert text(home, EVENT_PROCESSOR, f"{HA}/eventSync/hostName") == "127.0.0.1"
            assert text(home, EVENT_PROCESSOR, f"{HA}/eventSync/port") == sync
            assert text(home, EVENT_PROCESSOR, f"{HA}/management/port") == management
            assert text(home, EVENT_PROCESSOR, f"{HA}/persistence/persistenceIntervalInMinutes") == "3"
            assert text(home, EVENT_PROCESSOR, f"{HA}/persistence/persister/property") == "there"


# --- spark --------------------------------------------------------------------------------------------------


class TestSpark:
    def test_a_link_that_is_there_is_changed_and_not_doubled(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(nodes=[{"host": "127.0.0.1"}, {"host": "203.0.113.9"}])
        link = pair.profile.parent / "common"
        pair.profile.write_text(pair.profile.read_text() + f'\n[spark]\nsymbolic_link = "{link}"\n')
        touch(
            pair,
            SPARK,
            "# carbon.das.symbolic.link",
            "carbon.das.symbolic.link /old/\n# carbon.das.symbolic.link",
        )
        applied(pair, only_node="node1")
        found = (pair.homes[0] / SPARK).read_text()
        assert re.findall(r"(?m)^carbon\.das\.symbolic\.link.*$", found) == [
            f"carbon.das.symbolic.link {link}/"
        ]
        assert "# carbon.das.symbolic.link /home/ubuntu" in found


# --- carbon.xml ---------------------------------------------------------------------------------------------


class TestDeploymentSync:
    def svn(self, make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch) -> Pair:
        monkeypatch.setenv("SVN", "p&<")
        return make_pair(
            deployment_sync={
                "method": "svn",
                "svn_url": "http://svn.example.com/r",
                "svn_username": "u",
                "svn_password": {"env": "SVN"},
            }
        )

    def test_missing_elements_come_behind_their_neighbours(
        self, make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pair = self.svn(make_pair, monkeypatch)
        for name in ("AutoCheckout", "SvnUrl", "SvnPassword", "SvnUrlAppendTenantId"):
            rewrite(pair, CARBON, f"        <{name}>[^<]*</{name}>\n")
        applied(pair)
        for home in pair.homes:
            (found,) = live(home, CARBON)("/Server/DeploymentSynchronizer")
            assert [child.tag for child in found] == [
                "Enabled",
                "AutoCommit",
                "AutoCheckout",
                "RepositoryType",
                "SvnUrl",
                "SvnUser",
                "SvnPassword",
                "SvnUrlAppendTenantId",
            ]
            assert found.findtext("SvnPassword") == "p&<"

    def test_without_the_element(
        self, make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def without(pair: Pair) -> Pair:
            rewrite(pair, CARBON, "    <DeploymentSynchronizer>.*?</DeploymentSynchronizer>\n")
            return pair

        applied(without(make_pair("das-3.0.1")))
        refused(without(self.svn(make_pair, monkeypatch)), CARBON, "DeploymentSynchronizer")


# --- links --------------------------------------------------------------------------------------------------


class TestLinks:
    def test_the_target_of_a_link_is_written_and_the_link_stays(self, pair: Pair, tmp_path: Path) -> None:
        shared = tmp_path / "etc"
        for home in pair.homes:
            own = shared / home.name
            own.mkdir(parents=True)
            (home / AXIS2).rename(own / "axis2.xml")
            (home / AXIS2).symlink_to(os.path.relpath(own / "axis2.xml", (home / AXIS2).parent))
            (home / "repository/conf/datasources").rename(own / "datasources")
            (home / "repository/conf/datasources").symlink_to(own / "datasources")
            inner = home / "repository/conf/user-mgt.real.xml"
            (home / USER_MGT).rename(inner)
            (home / USER_MGT).symlink_to("user-mgt.real.xml")
        before = standing(*pair.homes, shared)
        result, prepared = replayed(pair, dry_run=True)
        warned = of(result.checks, "prerequisites.link", "node1")
        assert [one.status for one in warned] == ["warning"] * 3
        told = "\n".join(one.message for one in warned)
        for name in (
            "axis2.xml",
            "datasources/master-datasources.xml",
            "datasources/analytics-datasources.xml",
        ):
            assert str(shared / pair.homes[0].name / name) in told, "the plan names what is written"
        assert "user-mgt.real.xml" not in told, "a link within the home is nobody else's business"
        done = applied(pair)
        for home in pair.homes:
            for path in (AXIS2, USER_MGT, "repository/conf/datasources"):
                assert (home / path).is_symlink()
            assert text(home, AXIS2, f"{CLUSTERING}/@enable") == "true"
        assert {file["path"] for file in done.files} >= {AXIS2, USER_MGT, MASTER}
        assert rolled_back(pair).outcome == "restored"
        assert standing(*pair.homes, shared) == before
        assert prepared.plan.pending

    def test_one_file_for_both_is_refused(self, pair: Pair) -> None:
        first, second = pair.homes
        for relative in (USER_MGT, AXIS2, SPARK):
            data = (second / relative).read_bytes()
            (second / relative).unlink()
            (second / relative).symlink_to(first / relative)
            result, _ = replayed(pair)
            assert [check for check, _, _ in errors(result)] == ["prerequisites.same-home"], relative
            (second / relative).unlink()
            os.link(first / relative, second / relative)
            result, _ = replayed(pair)
            assert [check for check, _, _ in errors(result)] == ["prerequisites.same-home"], "a hard link too"
            (second / relative).unlink()
            (second / relative).write_bytes(data)

    def test_one_folder_for_both_is_refused(self, pair: Pair) -> None:
        first, second = pair.homes
        for folder in (
            "repository/conf/datasources",
            "repository/components/lib",
            "repository/deployment",
            "repository/deployment/server/carbonapps",
            "repository/logs",
            "dbscripts",
        ):
            shutil.move(second / folder, second / "aside")
            (second / folder).symlink_to(first / folder)
            result, _ = replayed(pair)
            found = errors(result)
            assert [check for check, _, _ in found] == ["prerequisites.same-home"], folder
            assert folder in found[0][2]
            (second / folder).unlink()
            shutil.move(second / "aside", second / folder)
        assert replayed(pair, dry_run=True)[0].outcome == "pending"

    def test_a_home_that_is_a_link(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        real = pair.homes[0].with_name("real")
        pair.homes[0].rename(real)
        pair.homes[0].symlink_to(real)
        applied(pair)
        assert text(real, AXIS2, f"{CLUSTERING}/@enable") == "true"
        assert rolled_back(pair).outcome == "restored"
        shutil.rmtree(pair.homes[1])
        pair.homes[1].symlink_to(pair.homes[0])
        assert [check for check, _, _ in errors(replayed(pair)[0])] == ["prerequisites.same-home"]

    def test_a_link_that_leads_nowhere(self, pair: Pair) -> None:
        for home in pair.homes:
            (home / AXIS2).unlink()
            (home / AXIS2).symlink_to("nowhere.xml")
        refused(pair, AXIS2, "missing")


# --- the secure vault ---------------------------------------------------------------------------------------


class TestSecureVault:
    def test_a_password_that_it_manages_is_refused(self, pair: Pair) -> None:
        existing = EXISTING.replace(
            "<password>old", '<password svns:secretAlias="Datasources.WSO2UM_DB.Password">password'
        )
        touch(pair, MASTER, BEFORE_SAMPLE, existing + BEFORE_SAMPLE)
        refused(pair, "WSO2UM_DB", check="datasources.secure-vault")
        assert replayed(pair, ignore=("datasources.secure-vault",))[0].outcome == "applied"

    def test_the_password_of_the_repository_too(
        self, make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SVN", "x")
        svn = {"method": "svn", "svn_url": "http://s/r", "svn_username": "u", "svn_password": {"env": "SVN"}}
        pair = make_pair(deployment_sync=svn)
        touch(
            pair, CARBON, "<SvnPassword>", '<SvnPassword xmlns:svns="urn:s" svns:secretAlias="Svn.Password">'
        )
        refused(pair, "DeploymentSynchronizer", CARBON, check="datasources.secure-vault")
        assert replayed(pair, skip=("deployment-sync",))[0].outcome == "applied", "it is not written then"

    def test_one_that_is_not_written_is_nobodys_business(self, pair: Pair) -> None:
        touch(
            pair,
            MASTER,
            "<password>wso2carbon</password>",
            '<password svns:secretAlias="Datasources.WSO2_CARBON_DB.Configuration.Password">password</password>',
        )
        assert set(statuses(checked(pair), "datasources.secure-vault")) == {"ok"}
        applied(pair)

    @pytest.mark.parametrize(
        ("entry", "status"),
        [
            ("Datasources.WSO2UM_DB.Configuration.Password=gH3k==", "error"),
            ("Datasources.WSO2REG_DB.Configuration.Password=[wso2carbon]", "error"),
            ("Datasources.WSO2_ANALYTICS_EVENT_STORE_DB.Configuration.Password=x", "error"),
            ("Datasources.WSO2_CARBON_DB.Configuration.Password=x", "ok"),
            ("#Datasources.WSO2UM_DB.Configuration.Password=x", "ok"),
            ("Carbon.Security.KeyStore.Password=x", "ok"),
            ("Datasources.WSO2AM_STATS_DB.Configuration.Password=x", "ok"),
        ],
    )
    def test_entries_of_the_vaults_file(self, entry: str, status: str, pair: Pair) -> None:
        for home in pair.homes:
            folder = home / "repository/conf/security"
            folder.mkdir()
            (folder / "cipher-text.properties").write_text(f"{entry}\n")
        assert set(statuses(checked(pair), "datasources.secure-vault")) == {status}
        assert (replayed(pair)[0].outcome == "applied") == (status == "ok")
