"""The documentation says what the code says."""

from __future__ import annotations

from pathlib import Path

from wizard.catalogue import TABLES, renewed

ROOT = Path(__file__).parent.parent


def test_the_tables_of_the_readme_are_those_of_the_code() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert renewed(text) == text, "run: python -m wizard.catalogue README.md"


def test_every_table_stands_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for name in TABLES:
        assert f"<!-- {name} -->\n|" in text, name
