"""Which datasource each record store gets: every line of the table of `choose`."""

from __future__ import annotations

import pytest

from wizard.steps.sources import choose

NOW = {"event_store": "E", "processed_data_store": "P"}


def pair(event_store: str, processed_data_store: str) -> dict[str, str]:
    return {"event_store": event_store, "processed_data_store": processed_data_store}


@pytest.mark.parametrize(
    ("now", "wanted", "there", "chosen"),
    [
        (NOW, pair("E", "P"), "E P", NOW),
        (NOW, pair("A", "B"), "E P", NOW),
        (NOW, pair("A", "B"), "E P A B", pair("A", "B")),
        (NOW, pair("A", "B"), "E P A", pair("A", "P")),
        (NOW, pair("P", "E"), "E P", NOW),
        (NOW, pair("P", "P"), "E P", pair("P", "P")),
        (NOW, pair("E", "E"), "E P", pair("E", "E")),
        (pair("S", "S"), pair("S", "S"), "S", pair("S", "S")),
        (pair("S", "S"), pair("A", "B"), "S", {"event_store": "S"}),
        (pair("S", "S"), pair("A", "S"), "S", {"processed_data_store": "S"}),
    ],
    ids=[
        "as it is",
        "renamed",
        "unused ones of those names",
        "one is unused, one is renamed",
        "names exchanged",
        "one database under the other store's name",
        "one database under the first store's name",
        "one datasource for both",
        "one datasource becomes two: the first store keeps it",
        "one datasource becomes two: its name decides",
    ],
)
def test_choose(now: dict[str, str], wanted: dict[str, str], there: str, chosen: dict[str, str]) -> None:
    assert choose(now, wanted, there.split()) == chosen  # type: ignore[comparison-overlap, arg-type]
