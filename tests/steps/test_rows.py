"""Each line of a plan names the field that causes it and says whether it rolls; a row writes and reads back."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, cast

import pytest

from tests.support.hands import do, profiled
from tests.support.headless import PACKS, applied, quick_disk, replayed  # noqa: F401  (a fixture, by its name)
from tests.support.pairs import Pair
from wizard.edit.edits import Line
from wizard.edit.xml import XmlDocument
from wizard.steps.procedure import STEPS
from wizard.steps.rows import Row, Scope, Table

MakePair = Callable[..., Pair]

ROLLS: dict[str, tuple[Any, bool]] = {
    "nodes.node1.port_offset": (7, False),
    "nodes.node2.host": ("127.0.0.2", False),
    "nodes.node1.hazelcast_port": (4010, False),
    "nodes.node1.event_sync_port": (11300, False),
    "nodes.node2.management_port": (10300, False),
    "nodes.node1.spark_local_ip": ("127.0.0.1", True),
    "cluster.domain": ("another", False),
    "cluster.task_server_count": (1, True),
    "mysql.host": ("10.0.0.1", False),
    "mysql.port": (3307, False),
    "mysql.username": ("a-user", True),
    "mysql.driver_class": ("com.mysql.cj.jdbc.Driver", True),
    "mysql.url_parameters": ({"useSSL": "false"}, True),
    "mysql.databases.user": ("people", False),
    "mysql.databases.processed_data_store": ("OTHER", False),
    "datasources.user": ("PEOPLE_DB", False),
    "datasources.event_store": ("EVENTS_DS", True),
    "pool.max_active": (20, True),
    "pool.test_on_borrow": (False, True),
    "registry.remote_url": ("https://other:9443/registry", True),
    "registry.cache_id": ("a@b", True),
    "registry.read_only": (True, True),
    "registry.governance_target": ("/_system/other", False),
    "event_processor.persistence_interval_minutes": (3, True),
    "spark.master_count": (1, True),
}
"""Field → another value, and whether its lines roll."""


def lines(pair: Pair) -> list[Line]:
    """What a replay would change."""
    _, prepared = replayed(pair, dry_run=True, ignore=("hazelcast.host",))
    return [line for change in prepared.plan.pending for line in change.lines]


@pytest.mark.parametrize("pack", PACKS)
def test_every_line_comes_from_a_field_or_is_the_same_for_every_pair(pack: str, make_pair: MakePair) -> None:
    """`enable`, `wka` and the like have no field; what differs from pair to pair has one."""
    pair = make_pair(pack)
    prescribed = {line.text for line in lines(pair) if not line.field}
    do(pair, profiled(mysql={"username": "u"}, cluster={"domain": "d"}, spark={"master_count": 1}))
    assert {line.text for line in lines(pair) if not line.field} == prescribed


@pytest.mark.parametrize("field", ROLLS)
def test_a_changed_field_is_the_cause_of_its_lines(field: str, make_pair: MakePair) -> None:
    pair = make_pair()
    applied(pair)
    value, rolls = ROLLS[field]
    table, _, name = field.rpartition(".")
    changed: Any = {name: value}
    if table.startswith("nodes."):
        changed = {"nodes": [{}, changed] if table == "nodes.node2" else [changed]}
    else:
        for key in reversed(table.split(".")):
            changed = {key: changed}
    do(pair, profiled(**changed))
    found = lines(pair)
    assert found
    assert field in {line.field for line in found}
    assert all(line.rolls for line in found) == rolls, [line for line in found if line.rolls != rolls]


def test_a_changed_password_is_the_cause_and_does_not_roll(
    make_pair: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair()
    applied(pair)
    monkeypatch.setitem(os.environ, "APIM_DB_PASSWORD", "another one")
    assert {(line.field, line.rolls) for line in lines(pair)} == {("mysql.password", False)}


def test_a_line_knows_where_it_begins(make_pair: MakePair) -> None:
    """The line of the new file that holds the value, behind other edits that add lines."""
    _, prepared = replayed(make_pair(), dry_run=True)
    for change in prepared.plan.pending:
        new = (change.after or b"").decode("utf-8").split("\n")
        for line in change.lines:
            value = line.text.rpartition(" → ")[2]
            if " → " in line.text and "*" not in value:
                assert value in new[line.number - 1].replace("&amp;", "&"), line


def test_the_rows_of_a_step_are_about_its_fields() -> None:
    """A row's field is asked for by some step; the files of one step are not written by another row's step."""
    asked = {field for step in STEPS for field in step.fields}
    for step in STEPS:
        for table in step.tables:
            for row in table.rows:
                assert not row.field or row.field in asked, row
                assert row.field or isinstance(row.text, str), row


ORDER = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("there", "new", "result"),
    [
        ("abd", "c", "abcd"),
        ("ad", "b", "abd"),
        ("ad", "c", "acd"),
        ("d", "c", "dc"),
        ("bd", "a", "bad"),
        ("x", "b", "xb"),
        ("axd", "b", "abxd"),
        ("xbx", "c", "xbcx"),
        ("db", "c", "dbc"),
        ("abcd", "c", "abcd"),
    ],
)
def test_a_new_element_is_directly_behind_the_nearest_of_its_table(there: str, new: str, result: str) -> None:
    content = "".join(f"  <{name}>old</{name}>\n" for name in there)
    document = XmlDocument(f"<r>\n{content}</r>\n".encode(), "r.xml")
    rows = tuple(Row(name, text="new" if name == new else lambda _: None) for name in ORDER)
    Table("r.xml", "r", rows).write(document.root, cast(Scope, None))
    wanted = "".join(f"  <{name}>{'new' if name == new else 'old'}</{name}>\n" for name in result)
    assert document.result().decode() == f"<r>\n{wanted}</r>\n"
