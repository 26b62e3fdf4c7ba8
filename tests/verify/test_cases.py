"""The cases from real pairs, through the real command: `verify PROFILE --offline --json` on a replayed pair."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.verdicts import Replayed

CASES = Path(__file__).resolve().parents[3] / "shared/cases/logs"
FORMS = {"file": "node{}.log", "console": "node{}.console.log"}


def cases() -> Iterator[Any]:
    for folder in sorted(CASES.iterdir()) if CASES.is_dir() else ():
        for form, name in FORMS.items():
            if any((folder / name.format(number)).exists() for number in (1, 2)):
                yield pytest.param(folder, name, id=f"{folder.name}-{form}")


def fits(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a finding is one that `expected.json` describes."""
    text = f"{found['message']} {found['fix'] or ''}".lower()
    return (
        (wanted["node"] is None or found["node"] == wanted["node"])
        and (wanted["status"] is None or found["status"] in wanted["status"])
        and (found["id"] == wanted["id"] if wanted["id"] else found["id"] != "verify.unknown-error")
        and any(word.lower() in text for word in wanted["any_of"])
    )


def test_the_cases_are_there(shared: Path) -> None:
    assert (shared / "cases/logs").is_dir()
    assert len(list(cases())) >= 24


@pytest.mark.parametrize(("folder", "name"), cases())
def test_a_case(folder: Path, name: str, replayed_pair: Callable[[str], Replayed]) -> None:
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    logs = {f"node{number}": folder / name.format(number) for number in (1, 2)}
    printed = replayed_pair(expected["pack"]).verify(
        {node: path.read_bytes() for node, path in logs.items() if path.exists()}
    )
    if expected["outcome"] is not None:
        assert printed.outcome == expected["outcome"], str(printed)
    for wanted in expected["must"]:
        assert any(fits(found, wanted) for found in printed.findings), (wanted, str(printed))
    for unwanted in expected["must_not"]:
        assert not any(fits(found, unwanted) for found in printed.findings), (unwanted, str(printed))
