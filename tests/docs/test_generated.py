"""What is made from the code is what the code says now: `make docs` renews it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.support.cli import ROOT, process
from tests.support.need import need
from tools.catalogue import PARTS, VERIFY, licences
from tools.keys import chapters
from tools.manual import manual
from tools.pages import renewed
from wizard.verify.homes import HOME_IDS
from wizard.verify.spark_verdict import SPARK_IDS
from wizard.verify.verdict import ROWS

DOCS = ROOT / "docs"
MADE = [page for page in sorted(DOCS.rglob("*.md")) if page.name != "licences.md"]
COMPLETIONS = {
    "bash": "completions/bash/apimha-wizard",
    "zsh": "completions/zsh/_apimha-wizard",
    "fish": "completions/fish/apimha-wizard.fish",
}


@pytest.mark.parametrize("page", MADE, ids=lambda page: page.name)
def test_the_parts_of_a_page_are_those_of_the_code(page: Path) -> None:
    text = page.read_text("utf-8")
    assert renewed(text, {**PARTS, "keys": chapters}) == text, "run: make docs"


def test_every_part_is_on_some_page() -> None:
    text = "".join(page.read_text("utf-8") for page in DOCS.rglob("*.md"))
    assert all(f"<!-- {name} -->\n" in text for name in (*PARTS, "keys"))


def test_every_finding_of_verify_is_told() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "wizard/verify").glob("*.py"))
    ids = {*(row.id for row in ROWS), *SPARK_IDS, *HOME_IDS, *re.findall(r'"(verify\.[a-z-]+)"', code)}
    assert set(VERIFY) == ids | {"apply.unfinished"}


def test_each_package_that_is_locked_and_installed_has_its_licence() -> None:
    text = (DOCS / "licences.md").read_text("utf-8")
    rows = re.findall(r"^\| ([\w.-]+) \| (\d\S*) \| (.+) \|$", text, re.MULTILINE)
    listed = {canonicalize_name(name): (number, licence) for name, number, licence in rows}
    lock = (ROOT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    build = {canonicalize_name(re.match(r"[\w.-]+", one)[0]) for one in required}
    installed = {canonicalize_name(one.name): one.version for one in distributions()}
    here = [name for name in locked if name not in build and installed.get(name) == locked[name]]
    assert len(here) > 20
    assert set(listed) <= set(map(canonicalize_name, locked)), "what is not needed to run is listed"
    for name in here:
        assert listed[canonicalize_name(name)][0] == locked[name]
        assert listed[canonicalize_name(name)][1] != "see the package", name
    assert f"| lxml | {installed['lxml']} | BSD-3-Clause |" in licences(), "made of what is installed"


def test_the_manual_page_is_the_one_that_the_commands_make() -> None:
    assert (DOCS / "man/apimha-wizard.1").read_text("utf-8") == manual(), "run: make docs"


def test_man_reads_it_without_a_warning() -> None:
    need("man", "groff")
    command = ["man", "--warnings", "-l", str(DOCS / "man/apimha-wizard.1")]
    env = {**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    for words in ("replay [OPTIONS] PROFILE", "--dry-run", "EXIT STATUS", "apimha-wizard verify analytics"):
        assert words in done.stdout


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_completion_scripts_are_those_of_the_program(shell: str) -> None:
    if shell == "bash":
        need("bash")
    printed = process(env={"_APIMHA_WIZARD_COMPLETE": f"{shell}_source"}).out
    assert (DOCS / COMPLETIONS[shell]).read_text("utf-8") == printed, "run: make docs"


def test_the_site_is_built_strictly(tmp_path: Path) -> None:
    """No page is left out, no link leads nowhere."""
    site = tmp_path / "site"
    command = [sys.executable, *["-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir"], str(site)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (site / "reference/checks.html").read_text("utf-8")
    assert "mysql.charset" in text
    loaded = re.compile(r'<(?:script|link|img)[^>]*(?:src|href)="(https?://[^"]+)"')
    for page in site.rglob("*.html"):
        assert loaded.findall(page.read_text("utf-8")) == [], f"{page.name} needs the network"
