"""The first page: its tables are those of the code, its links and pictures lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.catalogue import PARTS
from tools.pages import renewed

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]


def test_the_tables_of_the_readme_are_those_of_the_code() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert renewed(text, PARTS) == text, "run: make docs"


@pytest.mark.parametrize("name", ["steps", "exit codes", "checks"])
def test_every_table_stands_in_the_readme(name: str) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert f"<!-- {name} -->\n|" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
