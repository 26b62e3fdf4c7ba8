"""Every port of a node, with the offset rules (procedure, "Ports of a node")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from wizard.pack.home import CARBON, SPARK_DEFAULTS, Pack
from wizard.system import bounded
from wizard.system.errors import EditError

if TYPE_CHECKING:
    from wizard.pack.xml import Element
    from wizard.profile.model import Node

DATA_BRIDGE = "repository/conf/data-bridge/data-bridge-config.xml"
CATALINA = "repository/conf/tomcat/catalina-server.xml"
IDENTITY = "repository/conf/identity/identity.xml"
EMBEDDED_LDAP = ("repository/conf/identity/embedded-ldap.xml", "repository/conf/embedded-ldap.xml")

CONSOLE = {"console (HTTPS)": 9443, "console (HTTP)": 9763}
RECEIVERS = {"Thrift": 7611, "Thrift (SSL)": 7711, "binary": 9611, "binary (SSL)": 9711}

LDAP = (EMBEDDED_LDAP, "EmbeddedLDAP/Property[@name='enable']", False)
KDC = (EMBEDDED_LDAP, "KDCServer/Property[@name='enabled']", True)
ENTITLEMENT = ((IDENTITY,), "EntitlementSettings/ThirftBasedEntitlementConfig/EnableThriftService", False)
"""Switches that open a port: files, place, and what counts where there is no such element."""

CARBON_PORTS: tuple[tuple[str, str, tuple[tuple[tuple[str, ...], str, bool], ...]], ...] = (
    ("JMX registry", "Ports/JMX/RMIRegistryPort", ()),
    ("JMX server", "Ports/JMX/RMIServerPort", ()),
    ("LDAP", "Ports/EmbeddedLDAP/LDAPServerPort", (LDAP,)),
    ("KDC", "Ports/EmbeddedLDAP/KDCServerPort", (LDAP, KDC)),
    ("Thrift entitlement", "Ports/ThriftEntitlementReceivePort", (ENTITLEMENT,)),
)
"""Ports of `carbon.xml`: name, place, and the switches that have to be on."""

UNUSED = ("spark.history.ui.port", "spark.replClassServer.port")
"""Keys of `spark-defaults.conf` whose ports nothing opens (procedure, "Ports of a node")."""


class Port(NamedTuple):
    """A port that a node listens on: `number` is the one that the server opens, with the offset where it counts.

    `field` is the node's field that sets it: its own, else the offset; `shifted`: the server adds the offset to it.
    """

    name: str
    number: int
    field: str = "port_offset"
    shifted: bool = True


def offset_of(node: Node, pack: Pack | None) -> int:
    """The offset that the node will have: the profile's, else the pack's own."""
    if node.port_offset is not None:
        return node.port_offset
    return pack.offset if pack is not None else 0


def of(node: Node, pack: Pack | None) -> list[Port]:
    """The ports that this node will listen on; without its pack, the stock ones.

    The presentation port is not among them: it listens only on a presenter that is not a worker, and this pair has
    none (procedure 7).
    """
    offset, shifts = offset_of(node, pack), event_processor_offset(node, pack) is not None
    return [
        *(port._replace(number=port.number + offset) for port in _shifted(pack)),
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
    """The Thrift ports (plain, SSL) that API Manager has to know."""
    offset, receivers = offset_of(node, pack), {**RECEIVERS, **_receivers(pack)}
    return receivers["Thrift"] + offset, receivers["Thrift (SSL)"] + offset


def _spark(pack: Pack | None, key: str, default: int) -> int:
    return default if (number := bounded.number(_spark_defaults(pack).get(key, ""))) is None else number


def _spark_defaults(pack: Pack | None) -> dict[str, str]:
    """The keys and values of `spark-defaults.conf`; none where the file cannot be read."""
    with suppress(EditError):
        return pack.properties(SPARK_DEFAULTS) if pack is not None else {}
    return {}


def _elements(pack: Pack | None, file: str, path: str) -> list[Element]:
    """The live elements at a path of a file; none where the pack has no such file, or it cannot be read."""
    with suppress(EditError):
        return pack.xml(file).all(path) if pack is not None and pack.exists(file) else []
    return []


def _shifted(pack: Pack | None) -> Iterator[Port]:
    """The ports before the offset, read from the pack's own files where it has them."""
    for name, number in {**CONSOLE, **_console(pack), **RECEIVERS, **_receivers(pack)}.items():
        yield Port(name, number)
    for name, path, switches in CARBON_PORTS:
        port = next((bounded.number(one.text) for one in _elements(pack, CARBON, path)), None)
        if port is not None and all(_is_on(pack, *switch) for switch in switches):
            yield Port(name, port)
    for key, value in _spark_defaults(pack).items():
        port = bounded.number(value)
        if key not in UNUSED and re.fullmatch(r"spark\..*\.port", key) and port:
            yield Port(key, port)


def _is_on(pack: Pack | None, files: tuple[str, ...], path: str, default: bool) -> bool:
    """Whether a switch of these files is on; `default` where none of them has it."""
    found = [one.text.strip().lower() == "true" for file in files for one in _elements(pack, file, path)]
    return any(found) if found else default


def _receivers(pack: Pack | None) -> dict[str, int]:
    """The ports in the file of the data bridge."""
    found: dict[str, int] = {}
    for receiver in _elements(pack, DATA_BRIDGE, "dataReceiver"):
        name = {"thrift": "Thrift", "binary": "binary"}.get((receiver.get("name") or "").lower())
        for config in receiver.all("config"):
            key = {"tcpPort": f"{name}", "sslPort": f"{name} (SSL)"}.get(config.get("name") or "")
            if key in RECEIVERS and (number := bounded.number(config.text)) is not None:
                found[key] = number
    return found


def _console(pack: Pack | None) -> dict[str, int]:
    """The ports in the file of the console's web server."""
    found: dict[str, int] = {}
    for connector in _elements(pack, CATALINA, "Service/Connector"):
        scheme = "HTTPS" if (connector.get("scheme") or "").lower() == "https" else "HTTP"
        if (number := bounded.number(connector.get("port") or "")) is not None:
            found[f"console ({scheme})"] = number
    return found
