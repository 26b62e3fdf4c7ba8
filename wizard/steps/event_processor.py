"""Step 6: both nodes process all events, one active and one passive (procedure 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

from wizard.edit.xml import New
from wizard.pack.home import CARBON, EVENT_PROCESSOR
from wizard.preflight.checks import CheckContext, check
from wizard.steps.hazelcast import plain_host
from wizard.steps.reading import describe, is_true
from wizard.steps.registry import lower
from wizard.steps.step import Step, put
from wizard.system import finding
from wizard.system.errors import EditError
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.edit.xml import XmlElement
    from wizard.pack.xml import Element, XmlTree
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import Profile
    from wizard.steps.reading import Reading

ADDRESS = ("hostName", "port")

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


def event_processor(bench: Workbench) -> None:
    """`event-processor.xml`: HA is the only enabled mode, with this node's addresses.

    Raises:
        EditError: `carbon.xml` will have no offset, and this pack's event processor does not start without one.
    """
    if bench.pack.components.requires_offset and not any(
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
        enabled = lower(mode == ha)
        if (mode.get("enable") or "").lower() != enabled:  # the server does not regard the case either
            mode.set("enable", enabled)
    node = bench.node
    address(ha, "eventSync", node.host, node.event_sync_port)
    address(ha, "management", node.host, node.management_port)
    switch(ha.one("nodeType"), "worker", on=True)
    presenter = bench.profile.presenter
    switch(ha.one("nodeType"), "presenter", on=presenter == node)
    if presenter is not None:
        address(ha, "presentation", presenter.host, presenter.presentation_port)
    persistence(ha, bench.profile)


def ha_mode(document: XmlTree[E]) -> E:
    """The mode HA, whatever the case of its name: so does the server compare it.

    Raises:
        EditError: there is none, or more than one.
    """
    found = [mode for mode in document.all("mode") if (mode.get("name") or "").lower() == "ha"]
    if len(found) == 1:
        return found[0]
    if not found:
        return document.one("mode[@name='HA']")  # says what is missing
    lines = ", ".join(str(mode.line) for mode in found)
    raise EditError(
        f"doubles the mode HA: {len(found)} live elements, at the lines {lines}",
        place=f"{document.name}:{found[1].line}",
        fix="keep one of them, and remove or comment out the others",
    )


def address(ha: XmlElement, name: str, host: str, port: int) -> None:
    holder = ha.one(name)
    put(holder, ADDRESS, "hostName", host)
    put(holder, ADDRESS, "port", str(port))


def switch(node_type: XmlElement, name: str, *, on: bool) -> None:
    found = node_type.find(name)
    if found is None:
        node_type.append(New(name, {"enable": lower(on)}))
    else:
        found.set("enable", lower(on))


def persistence(ha: XmlElement, profile: Profile) -> None:
    """Only the element inside HA counts; a pack that has none keeps no state in HA mode, which a check says."""
    settings = profile.event_processor
    found = ha.find("persistence")
    if found is None:
        return
    found.set("enable", lower(settings.persistence))
    if settings.persistence_interval_minutes is not None:
        interval = str(settings.persistence_interval_minutes)
        put(found, ("persistenceIntervalInMinutes",), "persistenceIntervalInMinutes", interval)
    if settings.persistence_location is not None:
        found.one("persister/property[@key='persistenceLocation']").set_text(settings.persistence_location)


@check(
    "event-processor.persistence",
    severity="warning",
    why="Without persistence the windows and counts of the execution plans are lost when both nodes stop.",
    fix="Set event_processor.persistence = false to say that this is wanted.",
)
def persistence_kept(context: CheckContext) -> Iterator[Finding]:
    wanted = context.profile.event_processor.persistence
    for node in context.nodes:
        if node.name not in context.packs:
            continue
        pack = context.packs[node.name]
        if wanted and ha_mode(pack.xml(EVENT_PROCESSOR)).find("persistence") is None:
            yield finding.warning(
                f"{pack.title} keeps no state in HA mode, though persistence is on",
                node=node.name,
                fix="set event_processor.persistence = false, and expect the state to be lost when both nodes stop",
                remedy=finding.Remedy("event_processor.persistence", False, "turn persistence off"),
            )
        else:
            yield finding.ok("state is kept" if wanted else "persistence is off", node=node.name)


@check(
    "event-processor.member-interval",
    why="Without these settings the event processor does not start, and the server runs without it.",
    fix="Add the element to the mode HA of event-processor.xml, as a stock pack has it.",
)
def member_interval(context: CheckContext) -> Iterator[Finding]:
    for node in context.nodes:
        if node.name not in context.packs:
            continue
        ha = ha_mode(context.packs[node.name].xml(EVENT_PROCESSOR))
        missing = [path for path in REQUIRED if not any(one.text.strip() for one in ha.all(path))]
        if missing:
            yield finding.error(
                f"the mode HA of {EVENT_PROCESSOR} lacks {', '.join(missing)}, or it is empty",
                node=node.name,
                fix=f"add {'it' if len(missing) == 1 else 'them'} to the mode HA, with the values of a stock pack",
            )
        else:
            yield finding.ok("the mode HA has every setting that the server requires", node=node.name)


@check(
    "event-processor.duplicated",
    severity="warning",
    why="A receiver with events.duplicated.in.cluster = true is not synchronised between the nodes: right if clients "
    "send everything to both, otherwise half of the events are missing on each.",
    fix="Set event_processor.duplicated_events to what your clients do, or change the receivers.",
)
def duplicated(context: CheckContext) -> Iterator[Finding]:
    from wizard.verify.receivers import duplicated_receivers

    both = context.profile.event_processor.duplicated_events
    for node in context.nodes:
        if node.name not in context.packs:
            continue
        receivers = duplicated_receivers(context.packs[node.name].home)
        odd = [receiver for receiver in receivers if receiver.duplicated != both]
        for receiver in odd:
            says = "true" if receiver.duplicated else "false"
            yield finding.warning(
                f"receiver {receiver.name} ({receiver.path}) has events.duplicated.in.cluster = {says}, "
                f"and duplicated_events is {lower(both)}",
                node=node.name,
                fix=f"set event_processor.duplicated_events = {says} if the clients send "
                f"{'every event to both nodes' if receiver.duplicated else 'each event to one node'}, "
                "else change the receiver",
                remedy=finding.Remedy(
                    "event_processor.duplicated_events", receiver.duplicated, f"duplicated events: {says}"
                ),
            )
        if not odd:
            yield finding.ok(f"{len(receivers)} receivers, all as the profile says", node=node.name)


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
        text = found.texts(ha.find(name), field)
        found.number(field, text.get("port"))
        if "hostName" in text:
            found.facts[name] = plain_host(text["hostName"])
    # Without a well-known member of its own the node's host is the one that event sync publishes (procedure 5).
    host = found.facts.get("eventSync")
    if "nodes.host" not in found.values and host not in (None, "", "0.0.0.0"):
        found.say("nodes.host", host)
    read_roles(found, ha)
    read_persistence(found, ha)


def read_roles(found: Reading, ha: Element) -> None:
    worker, presenter = ha.find("nodeType/worker"), ha.find("nodeType/presenter")
    if worker is None or not is_true(worker.get("enable")):
        found.note("event_processor.presenter", "this node is no worker")
    text = found.texts(ha.find("presentation"), "event_processor.presenter")
    if "hostName" in text and "port" in text:
        found.facts["presentation"] = (plain_host(text["hostName"]), text["port"])
    if presenter is not None and is_true(presenter.get("enable")):
        found.facts["presenter"] = True
        found.number("nodes.presentation_port", text.get("port"))


def read_persistence(found: Reading, ha: Element) -> None:
    kept = ha.find("persistence")
    if kept is None:
        # What the pair does, and what keeps the check from asking for something that the pack cannot do.
        found.say("event_processor.persistence", False)
        found.note("event_processor.persistence", f"{found.pack.title} keeps no state in HA mode")
        return
    found.switch("event_processor.persistence", kept.get("enable"))
    interval = kept.find("persistenceIntervalInMinutes")
    found.number(
        "event_processor.persistence_interval_minutes", interval.text if interval is not None else None
    )
    location = kept.find("persister/property[@key='persistenceLocation']")
    if location is not None:
        found.say("event_processor.persistence_location", location.text.strip())


def read_receivers(found: Reading) -> None:
    """Whether the clients send every event to both nodes, as far as the receivers tell."""
    from wizard.verify.receivers import look

    looked = look(found.pack.home)
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
        found.note(field, f"{describe(unreadable.path)} cannot be looked into: {describe(unreadable.reason)}")


STEP = Step(
    id="event-processor",
    title="Event processor",
    help="High availability of the event processing: both nodes work, one of them is active.",
    fields=(
        "event_processor.persistence",
        "event_processor.persistence_interval_minutes",
        "event_processor.persistence_location",
        "event_processor.duplicated_events",
        "event_processor.presenter",
        "nodes.event_sync_port",
        "nodes.management_port",
        "nodes.presentation_port",
    ),
    edits=(event_processor,),
    checks=(persistence_kept, member_interval, duplicated),
    reads=(
        read_event_processor,
        read_receivers,
    ),
)
