"""The ports of a node: from the pack's own files, shifted by the offset where the server shifts them."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.headless import CARBON, PACKS, SPARK, checked, of, statuses
from tests.support.pairs import Pair, copy_pack
from wizard.pack import ports
from wizard.pack.home import Pack
from wizard.pack.ports import UNUSED
from wizard.preflight.pair import is_free, who_listens
from wizard.profile.document import set_field
from wizard.profile.model import Node
from wizard.profile.store import load


def node(home: Path, **values: object) -> Node:
    return Node.model_validate({"name": "n", "home": str(home), "host": "127.0.0.1", **values})


def numbers(node: Node, pack: Pack | None) -> dict[str, int]:
    found = ports.of(node, pack)
    assert len({port.name for port in found}) == len(found)
    return {port.name: port.number for port in found}


# fmt: off
SHIFTED = {
    "console (HTTPS)": 9443, "console (HTTP)": 9763, "JMX registry": 9999, "JMX server": 11111, "Thrift": 7611,
    "Thrift (SSL)": 7711, "binary": 9611, "binary (SSL)": 9711, "spark.ui.port": 4040, "spark.blockManager.port": 12000,
    "spark.broadcast.port": 12500, "spark.driver.port": 13000, "spark.executor.port": 13500,
    "spark.fileserver.port": 14000, "spark.master.port": 7077, "spark.master.rest.port": 6066,
    "spark.master.webui.port": 8081, "spark.worker.port": 11000, "spark.worker.webui.port": 11500,
}
# fmt: on
OWN = {"hazelcast_port": 4000, "event_sync_port": 11224, "management_port": 10005}
OTHERS = {"hazelcast_port": 1, "event_sync_port": 2, "management_port": 3, "presentation_port": 23456}


def changed(path: Path, *changes: tuple[str, str]) -> None:
    """Replace texts, each of which is there."""
    text = path.read_text("iso-8859-1")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "iso-8859-1")


class TestTheOffset:
    @pytest.mark.parametrize(("pack", "stock"), zip(PACKS, (1, 1, 0, 0, 1), strict=True))
    @pytest.mark.parametrize("values", [{}, {"port_offset": 0}, {"port_offset": 7, **OTHERS}])
    def test_it_shifts_most_ports(self, pack: str, stock: int, values: dict[str, int], packs: Path) -> None:
        """Those of the event processor from carbon-analytics-common 5.1.0 on: DAS 3.0.1 alone is older."""
        home, offset, own = packs / pack, values.get("port_offset", stock), {**OWN, **values}
        of_processor = 0 if pack == "das-3.0.1" else offset
        assert numbers(node(home, **values), Pack(home)) == {
            **{name: number + offset for name, number in SHIFTED.items()},
            "Hazelcast": own["hazelcast_port"],
            "event sync": own["event_sync_port"] + of_processor,
            "management": own["management_port"] + of_processor,
        }, "the presentation port listens nowhere"

    def test_spark_and_thrift_with_and_without_the_pack(self, packs: Path) -> None:
        """API-M Analytics has the offset 1: the page's 8081 is 8082 there."""
        home = packs / PACKS[0]
        for pack, offset in ((Pack(home), None), (Pack(home), 5), (None, 4)):
            one, shift = node(home, port_offset=offset), 1 if offset is None else offset
            found = [ports.spark_ui(one, pack), ports.spark_worker_ui(one, pack), *ports.thrift(one, pack)]
            found += [numbers(one, pack)[name] for name in ("Thrift", "console (HTTPS)")]
            assert [port - shift for port in found] == [8081, 11500, 7611, 7711, 7611, 9443]

    @pytest.mark.parametrize(
        ("elements", "offset"),
        [
            ("<Offset>  3\n </Offset>", 3),
            ("<Offset>4</Offset><Offset>5</Offset>", 4),  # as the server reads it
            ("<!--<Offset>9</Offset>-->", 0),
            ("<Offset>x</Offset>", 0),
        ],
    )
    def test_the_packs_own(self, elements: str, offset: int, packs: Path, tmp_path: Path) -> None:
        home = copy_pack(packs / PACKS[0], tmp_path / "home")
        changed(home / CARBON, ("<Offset>1</Offset>", elements))
        assert Pack(home).offset == offset


class TestThePacksOwnFiles:
    @pytest.fixture
    def home(self, packs: Path, tmp_path: Path) -> Path:
        return copy_pack(packs / "das-3.0.1", tmp_path / "home")

    def test_spark_and_carbon(self, home: Path) -> None:
        changed(
            home / SPARK,
            ("spark.master.webui.port 8081", "spark.master.webui.port=8999"),
            ("spark.executor.port 13500", "# spark.executor.port 13500"),
            ("spark.broadcast.port  12500", "spark.broadcast.port 0"),
        )
        with (home / SPARK).open("a") as file:
            file.write("\nspark.worker.port 11001\nspark.mine.port 15000\nspark.port.maxRetries 3\n")
        server = "<RMIServerPort>11111</RMIServerPort>"
        changed(home / CARBON, (">9999<", ">9998<"), (server, f"<!--{server}-->"))
        found = numbers(node(home), Pack(home))
        assert found["spark.master.webui.port"] == 8999
        assert found["spark.worker.port"] == 11001, "the last live line counts"
        assert found["spark.mine.port"] == 15000
        assert found["JMX registry"] == 9998
        nowhere = {"spark.executor.port", "spark.broadcast.port", "spark.port.maxRetries", "JMX server"}
        assert not nowhere & set(found), "commented out, any port (0), no port"

    def test_ldap_kdc_and_entitlement_only_where_they_are_enabled(self, home: Path) -> None:
        assert not {"LDAP", "KDC", "Thrift entitlement"} & set(numbers(node(home), Pack(home)))
        identity = home / "repository/conf/identity"
        identity.mkdir()
        ldap = (
            '<EmbeddedLDAPConfig xmlns="x"><EmbeddedLDAP><Property name="enable">{}</Property></EmbeddedLDAP>'
            '<KDCServer><Property name="enabled">{}</Property></KDCServer></EmbeddedLDAPConfig>'
        )
        entitlement = (
            '<Server xmlns="http://wso2.org/projects/carbon/carbon.xml"><EntitlementSettings>'
            "<ThirftBasedEntitlementConfig><EnableThriftService>{}</EnableThriftService>"
            "</ThirftBasedEntitlementConfig></EntitlementSettings></Server>"
        )
        for switch in ("false", "true"):
            (identity / "embedded-ldap.xml").write_text(ldap.format(switch, switch))
            (identity / "identity.xml").write_text(entitlement.format(switch))
            found = numbers(node(home, port_offset=2), Pack(home))
            both = {"LDAP": 10391, "KDC": 8002, "Thrift entitlement": 10502}
            assert {name: found[name] for name in both if name in found} == (both if switch == "true" else {})
        (identity / "embedded-ldap.xml").write_text(ldap.format("true", "false"))
        (home / SPARK).unlink()
        found = numbers(node(home), Pack(home))
        assert ("LDAP" in found, "KDC" in found) == (True, False)
        assert "spark.ui.port" not in found

    def test_the_console_and_the_receivers(self, home: Path) -> None:
        tomcat, bridge = home / "repository/conf/tomcat", home / "repository/conf/data-bridge"
        tomcat.mkdir()
        bridge.mkdir()
        (tomcat / "catalina-server.xml").write_text(
            '<Server><Service><Connector port="9764" redirectPort="9444"/>'
            '<!--<Connector port="1"/>--><Connector port="9444" scheme="https"/></Service></Server>'
        )
        (bridge / "data-bridge-config.xml").write_text(
            '<dataBridgeConfiguration><dataReceiver name="Thrift"><config name="tcpPort">7612</config>'
            '<config name="sslPort">7712</config></dataReceiver><dataReceiver name="Binary">'
            '<config name="tcpPort">9612</config><config name="sslPort">9712</config></dataReceiver>'
            "</dataBridgeConfiguration>"
        )
        found = numbers(node(home, port_offset=10), Pack(home))
        names = ("console (HTTP)", "console (HTTPS)", "Thrift", "Thrift (SSL)", "binary", "binary (SSL)")
        assert [found[name] for name in names] == [9774, 9454, 7622, 7722, 9622, 9722]
        assert ports.thrift(node(home, port_offset=10), Pack(home)) == (7622, 7722)

    @pytest.mark.parametrize("port", ["²", "9" * 5000, "-1", "0x10"])
    def test_what_is_no_number_is_no_port(self, home: Path, port: str) -> None:
        whole = numbers(node(home), Pack(home))
        for path, old, new in ((SPARK, "12000", port), (CARBON, ">9999<", f">{port}<")):
            text = (home / path).read_text("utf-8")
            assert old in text
            (home / path).write_text(text.replace(old, new), "utf-8")
        found = numbers(node(home), Pack(home))
        assert whole.keys() - found.keys() == {"spark.blockManager.port", "JMX registry"}


class TestClashes:
    @pytest.mark.parametrize(
        ("pack", "field", "stock"),
        [*((pack, "port_offset", 0) for pack in PACKS), *(("das-3.0.1", *own) for own in OWN.items())],
    )
    def test_two_stock_packs_on_one_machine_clash_and_the_fix_is_one(self, pack, field, stock, make_pair):
        pair = make_pair(pack, nodes=[{}, {field: stock or None}])
        one = load(pair.profile).profile.nodes[0]
        shifted = {port.number for port in ports.of(one, Pack(pair.homes[0])) if port.name in SHIFTED}
        (found,) = of(checked(pair), "ports.clash")
        assert found.status == "error"
        assert set(map(int, re.findall(r"\d{4,5}", found.message))) == ({stock} if stock else shifted)
        assert (f"{len(SHIFTED)} ports of node2 equal those of node1" in found.message) is (not stock)
        value = re.search(rf"{field} = (\d+) for node2", found.fix or "")
        assert value
        pair.profile.write_text(set_field(pair.profile.read_text(), f"nodes.1.{field}", int(value[1])))
        assert statuses(checked(pair), "ports.clash") == ["ok"]

    @pytest.mark.parametrize(
        ("nodes", "message"),
        [
            ([{"hazelcast_port": 10006}, {}], "Hazelcast of node1 and management of node1"),
            ([{"host": "203.0.113.1"}, {"host": "203.0.113.2", "port_offset": None, **OWN}], ""),
            ([{"presentation_port": 11000}, {"presentation_port": 11000}], ""),
        ],
        ids=["of one node", "of two machines", "of presentation"],
    )
    def test_equal_ports(self, nodes, message, make_pair):
        (found,) = of(checked(make_pair(nodes=nodes)), "ports.clash")
        assert found.status == ("error" if message else "ok")
        assert message in found.message

    def test_an_offset_that_leads_beyond_the_last_port(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(nodes=[{"port_offset": 50000, "event_sync_port": 16000}, {}])
        (found,) = of(checked(pair), "ports.clash")
        assert (found.status, found.node) == ("error", "node1")
        assert "event sync of node1 would be 66000" in found.message
        assert "49535" in (found.fix or "")
        changed(pair.profile, ("port_offset = 50000", "port_offset = 49535"))
        assert statuses(checked(pair), "ports.clash") == ["ok"]
        assert is_free(66000)

    @pytest.mark.parametrize(
        ("ports", "shifting", "fixed"),
        [
            # One number in both files is right where the offset parts them, and a clash where it does not.
            ((11224, 11224), "ok", "error"),
            # Two numbers that the offsets bring together, and that are apart without them.
            ((11226, 11225), "error", "ok"),
        ],
    )
    @pytest.mark.parametrize("pack", ["apim-analytics-2.1.0", "das-3.1.0", "das-3.0.1"])
    def test_the_event_sync_port_that_the_server_opens_counts(self, pack, ports, shifting, fixed, make_pair):
        nodes = [{"event_sync_port": port, "port_offset": offset} for offset, port in enumerate(ports, 1)]
        (found,) = of(checked(make_pair(pack, nodes=nodes)), "ports.clash")
        assert found.status == (fixed if pack == "das-3.0.1" else shifting)
        if pack == "apim-analytics-2.1.0" and shifting == "error":
            assert "11227 is the port of event sync of node1 and event sync of node2" in found.message
            assert found.fix == "set event_sync_port = 11226 for node2", "one number in both files"

    def test_ports_that_nothing_opens_or_a_pack_elsewhere_may_have_do_not_count(self, make_pair):
        """The offset of a pack on another machine is unknown: no port of it is guessed."""
        pair = make_pair("das-3.0.1", nodes=[{}, {"port_offset": None}])
        shutil.rmtree(pair.homes[1])
        assert statuses(checked(pair, only_node="node1"), "ports.clash") == ["ok"]
        pair = make_pair()
        for home in pair.homes:
            text = (home / SPARK).read_text()
            for key in UNUSED:
                text, count = re.subn(rf"{re.escape(key)} .*", f"{key} 9443", text)
                assert count
            (home / SPARK).write_text(text)
        assert statuses(checked(pair), "ports.clash") == ["ok"]


class TestWhatListens:
    @pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])
    def test_a_port_is_free_unless_something_listens_there(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            listener = socket.create_server((address, 0), family=family)
        except OSError:
            assert family == socket.AF_INET6
            pytest.skip("no IPv6 here")
        with closing(listener):
            number = listener.getsockname()[1]
            assert not is_free(number)
            client = socket.create_connection(("::1" if ":" in address else "127.0.0.1", number))
            server, _ = listener.accept()
            server.close()
            client.close()
        assert is_free(number), "a connection that has ended holds no port"

    def test_a_process_may_have_any_name(self) -> None:
        comm = Path("/proc/self/comm")
        name = comm.read_bytes()
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            try:
                comm.write_bytes(b"\xffjava")
                assert who_listens(listener.getsockname()[1]) == f"\ufffdjava ({os.getpid()})"
            finally:
                comm.write_bytes(name)

    @pytest.mark.parametrize(("pack", "status"), [("apim-analytics-2.1.0", "error"), ("das-3.0.1", "ok")])
    def test_what_listens_on_the_port_that_the_server_opens_stops_the_node(
        self, pack: str, status: str, make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """11224 in both files at offsets 1 and 2: node 2 opens 11226."""
        other = 11224 if status == "error" else 11225
        nodes = [{"event_sync_port": 11224, "port_offset": 1}, {"event_sync_port": other, "port_offset": 2}]
        pair = make_pair(pack, nodes=nodes)
        monkeypatch.setattr("wizard.preflight.pair.is_free", lambda number: number != 11226)
        found = of(checked(pair, offline=False, only=("spark",)), "ports.free")
        assert {one.node: one.status for one in found} == {"node1": "ok", "node2": status}
        if status == "error":
            assert "listens on 11226 (event sync)" in found[-1].message
