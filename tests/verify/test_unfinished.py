"""Runs that are at work or were interrupted in a home, for `check`, `verify` and the server commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wizard.transaction.marker import locked
from wizard.verify.checks import unfinished_runs

RUN = "20261124T101530Z-1f3a"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the marker of a run of another user."""
    marker = {"run": RUN, "journal": "/nowhere/journal.json", "owner": "ann", "host": "here"}
    (tmp_path / ".apimha-wizard-run").write_text(json.dumps(marker))
    return tmp_path


def test_an_interrupted_run_and_one_at_work(home: Path) -> None:
    [found] = unfinished_runs({"node1": home})
    assert (found.status, found.node) == ("error", "node1")
    assert found.message == f"the run {RUN} of ann was interrupted in {home}"
    assert found.fix == f"let ann run: apimha-wizard rollback {RUN}"
    with locked([home]):
        [other] = unfinished_runs({"node1": home})
        assert "is at work in" in other.message
        assert "wait" in (other.fix or "")
        [own] = unfinished_runs({"node1": home}, locked=True)
        assert "was interrupted in" in own.message


def test_a_home_without_a_marker_has_none(tmp_path: Path) -> None:
    assert list(unfinished_runs({"node1": tmp_path, "node2": tmp_path / "missing"})) == []
