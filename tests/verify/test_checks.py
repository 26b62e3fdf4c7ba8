"""The checks that `check` and `verify` share: event receivers, the symbolic link, interrupted runs."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.support.fuzz import no_hang
from tests.support.limited import memory_below
from tests.support.server_logs import profile
from tests.support.strangers import put as put_hostile
from wizard.system.finding import Finding, SetField
from wizard.transaction.marker import locked
from wizard.verify.checks import Receiver, link_findings, receiver_findings, receivers_of, unfinished_runs

RECEIVER = """<?xml version="1.0" encoding="UTF-8"?>
<eventReceiver name="{name}" statistics="disable" trace="disable" xmlns="http://wso2.org/carbon/eventreceiver">
    <from eventAdapterType="wso2event">{property}</from>
    <mapping customMapping="disable" type="wso2event"/>
    <to streamName="org.wso2.apimgt.statistics.request" version="1.1.0"/>
</eventReceiver>
"""
DUPLICATED = '<property name="events.duplicated.in.cluster">{}</property>'


def receiver(name: str, value: str | None) -> str:
    return RECEIVER.format(name=name, property="" if value is None else DUPLICATED.format(value))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for folder in ("eventreceivers", "carbonapps"):
        (tmp_path / "repository/deployment/server" / folder).mkdir(parents=True)
    return tmp_path


def put(home: Path, name: str, text: str) -> None:
    (home / "repository/deployment/server/eventreceivers" / name).write_text(text)


def put_c_app(home: Path, name: str, entries: dict[str, str | bytes]) -> Path:
    path = home / "repository/deployment/server/carbonapps" / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    return path


@pytest.mark.parametrize(
    ("text", "duplicated"),
    [
        (receiver("x", "true"), True),
        (receiver("x", "false"), False),
        (receiver("x", None), False),
        (receiver("x", " TRUE "), True),
        (receiver("x", None).replace("<from ", f"<!-- {DUPLICATED.format('true')} --><from "), False),
        (receiver("x", "true").replace("events.duplicated", "event.duplicated"), False),
    ],
)
def test_the_property_of_a_receiver(home: Path, text: str, duplicated: bool) -> None:
    put(home, "x.xml", text)
    assert [(one.name, one.duplicated) for one in receivers_of(home).receivers] == [("x", duplicated)]


def test_receivers_inside_c_apps_and_of_tenants(home: Path) -> None:
    assert receivers_of(home) == ([], [])
    assert receivers_of(home / "missing") == ([], [])
    entries = {
        "artifacts.xml": "<artifacts/>",
        "Receiver_1.0.0/artifact.xml": '<artifact name="r" type="event/receiver"/>',
        "Receiver_1.0.0/r.xml": receiver("packed", "true"),
        "Script_1.0.0/s.xml": "<Analytics/>",
        "Dashboard_1.0.0/broken.xml": "<not closed",
    }
    put_c_app(home, "apim.car", entries)
    folder = home / "repository/tenants/7/eventreceivers"
    folder.mkdir(parents=True)
    (folder / "t.xml").write_text(receiver("of seven", "false"))
    inside = "repository/deployment/server/carbonapps/apim.car!Receiver_1.0.0/r.xml"
    of_tenant = Receiver("repository/tenants/7/eventreceivers/t.xml", "of seven", False)
    assert receivers_of(home) == ([Receiver(inside, "packed", True), of_tenant], [])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<eventReceiver name='x'", "not well-formed"),
        ("", "not well-formed"),
        ('<!DOCTYPE eventReceiver [<!ENTITY a "b">]>' + receiver("x", "&a;").split("?>", 1)[1], "DOCTYPE"),
    ],
)
def test_a_broken_receiver_is_named(home: Path, content: str, reason: str) -> None:
    put(home, "x.xml", content)
    found = receivers_of(home)
    assert found.receivers == []
    assert reason in found.unreadable[0].reason
    assert found.unreadable[0].path == "repository/deployment/server/eventreceivers/x.xml"


def test_a_c_app_that_cannot_be_read_is_named(home: Path) -> None:
    broken = put_c_app(home, "a.car", {"R/r.xml": receiver("packed", "true") * 50})
    content = broken.read_bytes()
    broken.write_bytes(content[:60] + b"\0" * 20 + content[80:])
    broken.with_name("b.car").write_bytes(b"PK\x03\x04 no zip at all")
    broken.with_name("c.car").write_bytes(b"")
    encrypted = put_c_app(home, "d.car", {"R/r.xml": receiver("packed", "true")})
    content = bytearray(encrypted.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + at] |= 1  # the flag that says "encrypted"
    encrypted.write_bytes(content)
    put_c_app(home, "e.car", {f"R{i}/r.xml": b" " * 1_100_000 for i in range(70)})
    nameless = put_c_app(home, "f.car", {"R/r.xml": receiver("found", "true"), "QQQ.xml": ""})
    nameless.write_bytes(nameless.read_bytes().replace(b"QQQ.xml", b"\0QQ.xml"))  # a name ends at a zero byte
    found = receivers_of(home)
    assert [one.name for one in found.receivers] == ["found"]
    assert [one.path[-5:] for one in found.unreadable] == ["a.car", "b.car", "c.car", "d.car", "e.car"]
    assert "encrypted" in found.unreadable[3].reason
    assert "too much" in found.unreadable[4].reason


@pytest.mark.parametrize("kind", ["pipe", "zero", "socket", "huge", "foreign"])
def test_anything_in_the_place_of_a_file_is_named(home: Path, kind: str) -> None:
    for name in ("eventreceivers/x.xml", "carbonapps/x.car"):
        put_hostile(home / "repository/deployment/server" / name, kind)
    with no_hang(), memory_below(16_000_000):
        found = receivers_of(home)
    assert len(found.unreadable) == 2
    assert all(one.reason for one in found.unreadable)


@pytest.mark.parametrize("both", [False, True])
def test_receivers_that_contradict_the_profile_are_one_finding_with_the_field(home: Path, both: bool) -> None:
    for name in "abcdefg":
        put(home, f"{name}.xml", receiver(name, "false" if both else "true"))
    put(home, "right.xml", receiver("right", "true" if both else "false"))
    put(home, "broken.xml", "<eventReceiver")
    unreadable, odd = receiver_findings(profile(event_processor={"duplicated_events": both}), "node1", home)
    assert (unreadable.status, odd.status) == ("warning", "warning")
    assert "cannot read" in unreadable.message and "broken.xml (is not well-formed" in unreadable.message
    assert "a (repository/deployment" in odd.message and "and 2 more" in odd.message
    assert "right" not in odd.message
    assert isinstance(odd.action, SetField)
    assert (odd.action.field, odd.action.value) == ("event_processor.duplicated_events", not both)


# --- the symbolic link ---------------------------------------------------------------------------


def of_link(profile_link: Path | None, homes: dict[str, Path], **options: bool) -> list[Finding]:
    nodes = [{"home": str(homes.get(name, f"/opt/{name}"))} for name in ("node1", "node2")]
    spark = {} if profile_link is None else {"symbolic_link": str(profile_link)}
    of = profile(nodes=nodes, spark=spark)
    return list(link_findings(of, of.nodes, homes, **{"one_machine": False, **options}))


@pytest.mark.parametrize("kind", ["right", "missing", "broken", "elsewhere", "itself", "file", "folder"])
def test_a_link(tmp_path: Path, kind: str) -> None:
    home, link = tmp_path / "home", tmp_path / "link"
    home.mkdir()
    (tmp_path / "other").mkdir()
    if kind == "file":
        link.write_text("x")
    elif kind == "folder":
        link.mkdir()
    elif kind != "missing":
        link.symlink_to(
            tmp_path / {"right": "home", "broken": "nowhere", "elsewhere": "other", "itself": "link"}[kind]
        )
    first, second = of_link(link, {"node1": home})
    assert (first.status, first.node) == ("ok" if kind == "right" else "error", "node1")
    assert first.evidence == str(link)
    assert (first.fix or "").startswith({"right": "", "file": "move", "folder": "move"}.get(kind, "ln -sfn"))
    assert (second.status, second.node, "pwd -P" in (second.fix or "")) == ("skipped", "node2", True)


def test_where_a_link_is_needed_and_where_not(tmp_path: Path) -> None:
    same = {"node1": tmp_path, "node2": tmp_path}
    found = (of_link(None, {}), of_link(None, {}, one_machine=True), of_link(None, same))
    assert [[one.status for one in findings] for findings in found] == [["error"], ["ok"], ["ok"]]


def test_before_a_run_a_missing_link_is_no_error(tmp_path: Path) -> None:
    home, missing = tmp_path / "home", tmp_path / "missing/link"
    home.mkdir()
    will = (tmp_path / "link", "ok", "will point to")
    for link, status, text in (will, (missing, "error", "folder"), (home, "ok", "points to")):
        first, second = of_link(link, {"node1": home}, planned=True)
        assert (first.status, text in first.message) == (status, True), first
        assert "replay" in (second.fix or "")


# --- interrupted runs ----------------------------------------------------------------------------

RUN = "20261124T101530Z-1f3a"


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """A home with the marker of a run of another user."""
    marker = {"run": RUN, "journal": "/nowhere/journal.json", "owner": "ann", "host": "here"}
    (tmp_path / ".apimha-wizard-run").write_text(json.dumps(marker))
    return tmp_path


def test_an_interrupted_run_and_one_at_work(interrupted: Path) -> None:
    [found] = unfinished_runs({"node1": interrupted})
    assert (found.status, found.node) == ("error", "node1")
    assert found.message == f"the run {RUN} of ann was interrupted in {interrupted}"
    assert found.fix == f"let ann run: apimha-wizard rollback {RUN}"
    with locked([interrupted]):
        [other] = unfinished_runs({"node1": interrupted})
        assert "is at work in" in other.message
        assert "wait" in (other.fix or "")
        [own] = unfinished_runs({"node1": interrupted}, locked=True)
        assert "was interrupted in" in own.message
    assert list(unfinished_runs({"node1": interrupted.parent, "node2": interrupted / "missing"})) == []
