"""The rules about imports hold, and what breaks one is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import imports


def made(root: Path, files: dict[str, str]) -> Path:
    for package in ("wizard", "wizard/steps", "wizard/pack", "screens"):
        (root / package).mkdir(parents=True, exist_ok=True)
        (root / package / "__init__.py").touch()
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return root


def test_this_project_keeps_them() -> None:
    assert list(imports.problems()) == []


CIRCLE = "def x():\n    if True:\n        from screens import a"
TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from wizard.steps.a import x\n"
# fmt: off
CASES = [
    ("imports in a circle: wizard.pack.a, wizard.pack.b",
        {"wizard/pack/a.py": "from wizard.pack import b", "wizard/pack/b.py": "import wizard.pack.a"}),
    ("imports in a circle: screens.a, screens.b", {"screens/a.py": "from screens.b import x", "screens/b.py": CIRCLE}),
    ("imports upward: wizard.pack.a imports wizard.steps.a",
        {"wizard/steps/a.py": "", "wizard/pack/a.py": "def f():\n    from wizard.steps.a import x"}),
    ("imports upward: wizard.pack.a imports screens.a", {"screens/a.py": "", "wizard/pack/a.py": "import screens.a"}),
    ("imports the entry point: screens.a", {"wizard/main.py": "", "screens/a.py": "from wizard import main"}),
    ("more than 6 modules directly in wizard/: __init__.py, m0.py, m1.py, m2.py, m3.py, m4.py, m5.py",
        {f"wizard/m{number}.py": "" for number in range(6)}),
    ("not in the order of packages (tools/imports.py): wizard/other", {"wizard/other/__init__.py": ""}),
    ("", {"wizard/steps/a.py": "", "wizard/pack/a.py": TYPES}),  # for type checkers they may point anywhere
]
# fmt: on


@pytest.mark.parametrize(("problem", "files"), CASES)
def test_what_breaks_a_rule_is_named(files: dict[str, str], problem: str, tmp_path: Path) -> None:
    assert list(imports.problems(made(tmp_path, files))) == ([problem] if problem else [])
