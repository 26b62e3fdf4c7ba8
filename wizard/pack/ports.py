"""Every port of a node, with the offset rules (procedure, "Ports of a node")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from wizard.pack.home import CARBON, SPARK_DEFAULTS, Pack
from wizard.system import bounded
from wizard.system.errors import EditError

if TYPE_CHECKING:
    from wizard.profile.model import Node

DATA_BRIDGE = "repository/conf/data-bridge/data-bridge-config.xml"
CATALINA = "repository/conf/tomcat/catalina-server.xml"
IDENTITY = "repository/conf/identity/identity.xml"
EMBEDDED_LDAP = ("repository/conf/identity/embedded-ldap.xml", "repository/conf/embedded-ldap.xml")

CONSOLE = {"console (HTTPS)": 9443, "console (HTTP)": 9763}
RECEIVERS = {"Thrift": 7611, "Thrift (SSL)": 7711, "binary": 9611, "binary (SSL)": 9711}


UNUSED = ("spark.history.ui.port", "spark.replClassServer.port")
"""Keys of `spark-defaults.conf` whose ports nothing opens (procedure, "Ports of a node")."""


class Port(NamedTuple):
    """A port that a node listens on: `number` is the one that the server opens, with the offset where it counts.

    `source` says where it comes from: a file of the pack, or the profile's field; `shifted`: the server adds the
    offset to it.
    """

    name: str
    number: int
    source: str
    shifted: bool = True

    @property
    def field(self) -> str:
        """The node's field that sets it: its own, else the offset."""
        return self.source if self.source.endswith("_port") else "port_offset"


def offset_of(node: Node, pack: Pack | None) -> int:
    """The offset that the node will have: the profile's, else the pack's own."""
    if node.port_offset is not None:
        return node.port_offset
    return pack.offset if pack is not None else 0


def of(node: Node, pack: Pack | None) -> list[Port]:
    """The ports that this node will listen on; without its pack, the stock ones.

    The presentation port is not among them: it listens only on a presenter that is no worker, which this pair has
    not (procedure 7).
    """
    offset = offset_of(node, pack)
    shifted = [Port(port.name, port.number + offset, port.source) for port in _shifted(pack)]
    shifts = event_processor_offset(node, pack) is not None
    return [
        *shifted,
        Port("Hazelcast", node.hazelcast_port, "hazelcast_port", shifted=False),
        Port("event sync", event_sync(node, pack), "event_sync_port", shifts),
        Port("management", management(node, pack), "management_port", shifts),
    ]


def event_processor_offset(node: Node, pack: Pack | None) -> int | None:
    """What the server adds to event sync, management and presentation port; None for a pack that adds nothing.

    From carbon-analytics-common 5.1.0 on it is the offset (procedure 6); a pack that is not here counts as such.
    """
    if pack is not None and not pack.components.shifts_event_processor_ports:
        return None
    return offset_of(node, pack)


def event_sync(node: Node, pack: Pack | None) -> int:
    """The port that the node opens for the other one's events."""
    return node.event_sync_port + (event_processor_offset(node, pack) or 0)


def management(node: Node, pack: Pack | None) -> int:
    """The port that the node opens for its state: the snapshot server."""
    return node.management_port + (event_processor_offset(node, pack) or 0)


def spark_ui(node: Node, pack: Pack | None) -> int:
    """The port of the node's Spark master UI (stock API-M Analytics packs: 8082)."""
    return _spark(pack, "spark.master.webui.port", 8081) + offset_of(node, pack)


def spark_worker_ui(node: Node, pack: Pack | None) -> int:
    """The port of the node's Spark worker UI."""
    return _spark(pack, "spark.worker.webui.port", 11500) + offset_of(node, pack)


def thrift(node: Node, pack: Pack | None) -> tuple[int, int]:
    """The Thrift ports (plain, SSL) that API Manager has to be told."""
    offset, receivers = offset_of(node, pack), _receivers(pack)
    return receivers["Thrift"] + offset, receivers["Thrift (SSL)"] + offset


def _spark(pack: Pack | None, key: str, default: int) -> int:
    if pack is not None:
        try:
            text = pack.properties(SPARK_DEFAULTS).get(key)
        except EditError:
            text = None
        if (number := bounded.number(text or "")) is not None:
            return number
    return default


def _shifted(pack: Pack | None) -> Iterator[Port]:
    """The ports before the offset, read from the pack's own files where it has them."""
    yield from _console(pack)
    for name, number in _receivers(pack).items():
        yield Port(name, number, "stock" if number == RECEIVERS[name] else DATA_BRIDGE)
    if pack is None:
        return
    yield from _carbon(pack)
    try:
        spark = pack.properties(SPARK_DEFAULTS)
    except EditError:
        return
    for key in spark.keys():  # noqa: SIM118 (no mapping: the last live line of a key counts)
        port = bounded.number(spark.get(key) or "")
        if key not in UNUSED and re.fullmatch(r"spark\..*\.port", key) and port:
            yield Port(key, port, SPARK_DEFAULTS)


def _receivers(pack: Pack | None) -> dict[str, int]:
    """The ports of the data bridge: those of its file, where the pack has it, else the stock ones."""
    found = dict(RECEIVERS)
    try:
        if pack is None or not pack.exists(DATA_BRIDGE):
            return found
        for receiver in pack.xml(DATA_BRIDGE).all("dataReceiver"):
            name = {"thrift": "Thrift", "binary": "binary"}.get((receiver.get("name") or "").lower())
            for config in receiver.all("config"):
                key = {"tcpPort": name, "sslPort": f"{name} (SSL)"}.get(config.get("name") or "")
                number = bounded.number(config.text)
                if name is not None and key is not None and number is not None:
                    found[key] = number
    except EditError:
        return dict(RECEIVERS)
    return found


def _console(pack: Pack | None) -> Iterator[Port]:
    found: dict[str, int] = {}
    if pack is not None and pack.exists(CATALINA):
        try:
            for connector in pack.xml(CATALINA).all("Service/Connector"):
                port = bounded.number(connector.get("port") or "")
                if port is not None:
                    secure = (connector.get("scheme") or "").lower() == "https"
                    found["console (HTTPS)" if secure else "console (HTTP)"] = port
        except EditError:
            found = {}
    for name, number in {**CONSOLE, **found}.items():
        yield Port(name, number, CATALINA if name in found else "stock")


def _carbon(pack: Pack) -> Iterator[Port]:
    try:
        carbon = pack.xml(CARBON)
        wanted = {"JMX registry": "Ports/JMX/RMIRegistryPort", "JMX server": "Ports/JMX/RMIServerPort"}
        if _ldap_enabled(pack):
            wanted["LDAP"] = "Ports/EmbeddedLDAP/LDAPServerPort"
            if _kdc_enabled(pack):
                wanted["KDC"] = "Ports/EmbeddedLDAP/KDCServerPort"
        if _entitlement_enabled(pack):
            wanted["Thrift entitlement"] = "Ports/ThriftEntitlementReceivePort"
        for name, path in wanted.items():
            element = next(iter(carbon.all(path)), None)
            number = bounded.number(element.text) if element is not None else None
            if number is not None:
                yield Port(name, number, CARBON)
    except EditError:
        return


def _ldap_enabled(pack: Pack) -> bool:
    for path in EMBEDDED_LDAP:
        if pack.exists(path):
            switches = pack.xml(path).all("EmbeddedLDAP/Property[@name='enable']")
            return any(switch.text.strip().lower() == "true" for switch in switches)
    return False


def _kdc_enabled(pack: Pack) -> bool:
    """Whether the LDAP server brings its Kerberos too: unless its file turns that off."""
    switches = [
        switch
        for path in EMBEDDED_LDAP
        if pack.exists(path)
        for switch in pack.xml(path).all("KDCServer/Property[@name='enabled']")
    ]
    return all(switch.text.strip().lower() == "true" for switch in switches)


def _entitlement_enabled(pack: Pack) -> bool:
    if not pack.exists(IDENTITY):
        return False
    switches = pack.xml(IDENTITY).all("EntitlementSettings/ThirftBasedEntitlementConfig/EnableThriftService")
    return any(switch.text.strip().lower() == "true" for switch in switches)
