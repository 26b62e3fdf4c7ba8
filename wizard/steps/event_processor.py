"""Step 6: both nodes process all events, one active and one passive (procedure 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from wizard.pack.home import CARBON, EVENT_PROCESSOR
from wizard.preflight.checks import Check, CheckContext, each_home
from wizard.steps.reading import describe, is_true, plain_host
from wizard.steps.rows import Row, Scope, Table, switch
from wizard.steps.step import Step
from wizard.system import finding
from wizard.system.errors import EditError
from wizard.system.finding import Finding, Fix, SetField
from wizard.verify.checks import receiver_findings, receivers_of

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.pack.xml import Element, XmlTree
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import Node
    from wizard.steps.reading import Reading

REQUIRED = (
    "checkMemberUpdateInterval",
    "management/tryStateChangeInterval",
    "management/stateSyncRetryInterval",
    "eventSync/publisherTcpSendBufferSize",
    "eventSync/publisherCharSet",
    "eventSync/publisherBufferSize",
    "eventSync/publisherConnectionStatusCheckInterval",
    "eventSync/receiverQueueSize",
    "eventSync/receiverQueueMaxSizeMb",
    "eventSync/publisherQueueSize",
    "eventSync/publisherQueueMaxSizeMb",
)
"""What the server needs in the mode HA beside addresses, filled in (procedure 6)."""

E = TypeVar("E", bound="Element")


def is_presenter(scope: Scope) -> str:
    """Whether the node is the one that shows the dashboards."""
    return switch(scope.bench.profile.presenter == scope.bench.node)


HA = "mode[@name='HA']"
HA_ROWS = Table(
    EVENT_PROCESSOR,
    HA,
    (
        Row("eventSync/hostName", "nodes.host", rolls=False),
        Row("eventSync/port", "nodes.event_sync_port", rolls=False),
        Row("management/hostName", "nodes.host", rolls=False),
        Row("management/port", "nodes.management_port", rolls=False),
        Row("nodeType/worker/@enable", text="true"),
        Row(
            "nodeType/presenter/@enable",
            "event_processor.presenter",
            is_presenter,
            means="`true` on the presenter",
        ),
    ),
)
PRESENTATION_ROWS = Table(
    EVENT_PROCESSOR,
    f"{HA}/presentation",
    (Row("hostName", "nodes.host"), Row("port", "nodes.presentation_port")),
)
"""The presenter's address, on both nodes."""

PERSISTENCE_ROWS = Table(
    EVENT_PROCESSOR,
    f"{HA}/persistence",
    (
        Row("@enable", "event_processor.persistence"),
        Row("persistenceIntervalInMinutes", "event_processor.persistence_interval_minutes"),
        Row("persister/property[@key='persistenceLocation']", "event_processor.persistence_location"),
    ),
)
"""Only the element inside HA counts; a pack that has none keeps no state in HA mode, which a check says."""


def event_processor(bench: Workbench) -> None:
    """`event-processor.xml`: HA is the only enabled mode, with this node's addresses.

    Raises:
        EditError: `carbon.xml` will have no offset, and this pack's event processor does not start without one.
    """
    if bench.pack.components.shifts_event_processor_ports and not any(
        one.text.strip() for one in bench.elements(CARBON, "Ports/Offset")
    ):
        raise EditError(
            "lacks Ports/Offset, without which the event processor does not start",
            place=str(bench.pack.path(CARBON)),
            fix=f"set port_offset of {bench.node.name} (the step prerequisites adds the element), or add the element",
        )
    document = bench.xml(EVENT_PROCESSOR)
    ha = ha_mode(document)
    # The server takes the first enabled mode in the order of the file, whatever it is called.
    for mode in document.all("mode"):
        enabled = switch(mode == ha)
        if (mode.get("enable") or "").lower() != enabled:  # the server does not regard the case either
            mode.set("enable", enabled)
    scope, presenter = Scope(bench, bench.node), bench.profile.presenter
    HA_ROWS.write(ha, scope)
    if presenter is not None:
        PRESENTATION_ROWS.write(ha.one("presentation"), Scope(bench, presenter))
    if (kept := ha.find("persistence")) is not None:
        PERSISTENCE_ROWS.write(kept, scope)


def ha_mode(document: XmlTree[E]) -> E:
    """The mode HA, whatever the case of its name: so does the server compare it.

    Raises:
        EditError: there is none, or more than one.
    """
    found = [mode for mode in document.all("mode") if (mode.get("name") or "").lower() == "ha"]
    # `one` says what is missing.
    return document.sole(found, "the mode HA") or document.one(HA)


@Check(
    "event-processor.persistence",
    field="event_processor.persistence",
    severity="warning",
    why="Without persistence the windows and counts of the execution plans are lost when both nodes stop.",
    fix="Set event_processor.persistence = false to say that this is wanted.",
)
@each_home()
def persistence_kept(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    wanted = context.profile.event_processor.persistence
    if wanted and ha_mode(pack.xml(EVENT_PROCESSOR)).find("persistence") is None:
        yield finding.warning(
            f"{pack.title} keeps no state in HA mode, though persistence is on",
            fix=Fix(
                "set event_processor.persistence = false, and expect the state to be lost when both nodes stop",
                SetField("event_processor.persistence", False, "turn persistence off"),
            ),
        )
    else:
        yield finding.ok("state is kept" if wanted else "persistence is off")


@Check(
    "event-processor.member-interval",
    why="Without these settings the event processor does not start, and the server runs without it.",
    fix="Add the elements to the mode HA of event-processor.xml, with the values of a stock pack.",
)
@each_home("the mode HA has every setting that the server requires")
def member_interval(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    ha = ha_mode(pack.xml(EVENT_PROCESSOR))
    missing = [path for path in REQUIRED if not any(one.text.strip() for one in ha.all(path))]
    if missing:
        yield finding.error(f"the mode HA of {EVENT_PROCESSOR} lacks {', '.join(missing)}, or it is empty")


@Check(
    "event-processor.duplicated",
    field="event_processor.duplicated_events",
    severity="warning",
    why="A receiver with events.duplicated.in.cluster = true is not synchronised between the nodes: right if clients "
    "send everything to both, otherwise half of the events are missing on each.",
    fix="Set event_processor.duplicated_events to what your clients do, or change the receivers.",
)
@each_home()
def duplicated(context: CheckContext, node: Node, pack: Pack) -> Iterable[Finding]:
    return receiver_findings(context.profile, node.name, pack.home)


def read_event_processor(found: Reading) -> None:
    """The addresses of the mode HA, persistence, and whether this node is the presenter."""
    document = found.pack.xml(EVENT_PROCESSOR)
    enabled = [str(mode.get("name")) for mode in document.all("mode") if is_true(mode.get("enable"))]
    if enabled != ["HA"]:
        modes = ", ".join(enabled) or "none"
        found.note(
            "event_processor.persistence", f"the enabled modes are not HA alone, but {describe(modes)}"
        )
    ha = ha_mode(document)
    for name, field in (("eventSync", "nodes.event_sync_port"), ("management", "nodes.management_port")):
        found.take(field, ha.all(f"{name}/port"))
        for host_name in ha.all(f"{name}/hostName")[:1]:
            found.facts[name] = plain_host(host_name.text)
    # Without a well-known member of its own the node's host is the one that event sync publishes (procedure 5).
    host = found.facts.get("eventSync")
    if "nodes.host" not in found.values and host not in (None, "", "0.0.0.0"):
        found.say("nodes.host", host)
    worker, presenter = ha.find("nodeType/worker"), ha.find("nodeType/presenter")
    if worker is None or not is_true(worker.get("enable")):
        found.note("event_processor.presenter", "this node is not a worker")
    text = found.texts(ha.find("presentation"), "event_processor.presenter")
    if "hostName" in text and "port" in text:
        found.facts["presentation"] = (plain_host(text["hostName"]), text["port"])
    if presenter is not None and is_true(presenter.get("enable")):
        found.facts["presenter"] = True
        found.take("nodes.presentation_port", ha.all("presentation/port"))
    if (kept := ha.find("persistence")) is not None:
        PERSISTENCE_ROWS.read(found, kept)
        return
    # What the pair does, and what keeps the check from asking for something that the pack cannot do.
    found.say("event_processor.persistence", False)
    found.note("event_processor.persistence", f"{found.pack.title} keeps no state in HA mode")


def read_receivers(found: Reading) -> None:
    """Whether the clients send every event to both nodes, as far as the receivers tell."""
    looked = receivers_of(found.pack.home)
    field = "event_processor.duplicated_events"
    duplicated = [receiver for receiver in looked.receivers if receiver.duplicated]
    if duplicated and len(duplicated) == len(looked.receivers):
        found.say(field, True)
    elif duplicated:
        names = ", ".join(receiver.name for receiver in duplicated)
        found.note(field, f"the receivers disagree: only {describe(names)} get every event on both nodes")
    elif looked.receivers:
        found.say(field, False)
    for unreadable in looked.unreadable:
        found.note(field, f"{describe(unreadable.path)} cannot be read: {describe(unreadable.reason)}")


STEP = Step(
    id="event-processor",
    title="Event processor",
    help="High availability of the event processing: both nodes work, one of them is active.",
    asks={
        "event_processor": "persistence persistence_interval_minutes persistence_location "
        "duplicated_events presenter",
        "nodes": "event_sync_port management_port presentation_port",
    },
    edits=(event_processor,),
    tables=(HA_ROWS, PRESENTATION_ROWS, PERSISTENCE_ROWS),
    checks=(persistence_kept, member_interval, duplicated),
    reads=(read_event_processor, read_receivers),
)
