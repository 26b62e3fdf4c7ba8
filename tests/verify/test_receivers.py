"""Event receivers that are marked as duplicated: on their own, of tenants, and inside C-Apps."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.fuzz import no_hang
from tests.support.memory import memory_below
from tests.support.server_logs import profile
from tests.support.strangers import put as put_hostile
from wizard.system.finding import SetField
from wizard.verify.checks import Receiver, receiver_findings, receivers_of

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


def put(home: Path, name: str, text: str | bytes) -> None:
    path = home / "repository/deployment/server/eventreceivers" / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


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


def test_receivers_inside_c_apps_are_found(home: Path) -> None:
    put_c_app(
        home,
        "org_wso2_carbon_analytics_apim.car",
        {
            "artifacts.xml": "<artifacts/>",
            "Receiver_1.0.0/artifact.xml": '<artifact name="r" type="event/receiver"/>',
            "Receiver_1.0.0/r.xml": receiver("packed", "true"),
            "Script_1.0.0/s.xml": "<Analytics/>",
            "Dashboard_1.0.0/broken.xml": "<not closed",
        },
    )
    inside = "repository/deployment/server/carbonapps/org_wso2_carbon_analytics_apim.car!Receiver_1.0.0/r.xml"
    assert receivers_of(home).receivers == [Receiver(inside, "packed", True)]
    assert receivers_of(home).unreadable == []


def test_receivers_of_tenants_are_found(home: Path) -> None:
    folder = home / "repository/tenants/7/eventreceivers"
    folder.mkdir(parents=True)
    (folder / "t.xml").write_text(receiver("of seven", "true"))
    path = "repository/tenants/7/eventreceivers/t.xml"
    assert receivers_of(home).receivers == [Receiver(path, "of seven", True)]


def test_a_home_without_receivers_has_none(tmp_path: Path) -> None:
    assert receivers_of(tmp_path) == receivers_of(tmp_path / "missing")
    assert receivers_of(tmp_path).receivers == []


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


def test_a_c_app_that_is_broken_is_named(home: Path) -> None:
    path = put_c_app(home, "x.car", {"R/r.xml": receiver("packed", "true") * 50})
    content = path.read_bytes()
    path.write_bytes(content[:60] + b"\0" * 20 + content[80:])
    path.with_name("y.car").write_bytes(b"PK\x03\x04 no zip at all")
    path.with_name("z.car").write_bytes(b"")
    assert [one.path[-5:] for one in receivers_of(home).unreadable] == ["x.car", "y.car", "z.car"]


def test_an_entry_without_a_name_does_no_harm(home: Path) -> None:
    path = put_c_app(home, "x.car", {"R/r.xml": receiver("packed", "true"), "QQQ.xml": ""})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"QQQ.xml", b"\0QQ.xml"))  # a name ends at its first zero byte
    assert [one.name for one in receivers_of(home).receivers] == ["packed"]
    assert receivers_of(home).unreadable == []


def test_an_archive_that_inflates_without_end_is_left(home: Path) -> None:
    put_c_app(home, "bomb.car", {f"R{i}/r.xml": b" " * 1_100_000 for i in range(70)})
    (unreadable,) = receivers_of(home).unreadable
    assert "too much" in unreadable.reason


def test_an_encrypted_entry_is_named(home: Path) -> None:
    path = put_c_app(home, "x.car", {"R/r.xml": receiver("packed", "true")})
    content = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + at] |= 1  # the flag that says "encrypted"
    path.write_bytes(content)
    assert "encrypted" in receivers_of(home).unreadable[0].reason


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
    assert "broken.xml cannot be read" in unreadable.message
    assert "a (repository/deployment" in odd.message and "and 2 more" in odd.message
    assert "right" not in odd.message
    assert isinstance(odd.action, SetField)
    assert (odd.action.field, odd.action.value) == ("event_processor.duplicated_events", not both)
