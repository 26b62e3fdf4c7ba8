"""What is made from the code is what the code says now: `make docs` renews it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from packaging.utils import canonicalize_name

from tests.support.cli import ROOT
from tests.support.need import need
from tools.catalogue import PARTS, VERIFY, each_command, licences
from tools.keys import chapters
from tools.manual import manual
from tools.pages import renewed
from wizard.command_line.cli import cli
from wizard.profile.fields import keys
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


@pytest.mark.parametrize("name", [*PARTS, "keys"])
def test_every_part_stands_on_some_page(name: str) -> None:
    assert any(f"<!-- {name} -->\n" in page.read_text("utf-8") for page in DOCS.rglob("*.md"))


def test_every_key_of_the_profile_is_told() -> None:
    text = (DOCS / "reference/profile.md").read_text("utf-8")
    for key in keys().values():
        assert re.search(rf"^\| `{key.name}` \| .*{re.escape(key.title)}", text, re.MULTILINE), key.key


def test_every_command_is_told() -> None:
    text = (DOCS / "reference/commands.md").read_text("utf-8")
    told = set(re.findall(r"^## (.+)$", text, re.MULTILINE))
    assert told == {name for name, _ in each_command()}
    hidden = {
        name for name, command in cli.commands.items() if command.hidden or isinstance(command, click.Group)
    }
    assert {name.split()[0] for name in told} | hidden == set(cli.commands)


def test_every_finding_of_verify_is_told() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "wizard/verify").glob("*.py"))
    ids = (
        {row.id for row in ROWS}
        | set(SPARK_IDS)
        | set(HOME_IDS)
        | set(re.findall(r'"(verify\.[a-z-]+)"', code))
    )
    assert set(VERIFY) == ids | {"apply.unfinished"}


class TestLicences:
    def test_each_package_that_is_locked_and_installed_has_its_line(self) -> None:
        text = (DOCS / "licences.md").read_text("utf-8")
        told = {
            canonicalize_name(name): (number, licence)
            for name, number, licence in re.findall(
                r"^\| ([\w.-]+) \| (\d\S*) \| (.+) \|$", text, re.MULTILINE
            )
        }
        locked = dict(
            re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
        )
        build = {canonicalize_name(re.match(r"[\w.-]+", one)[0]) for one in _build_requirements()}
        here = [name for name in locked if name not in build and _installed(name) == locked[name]]
        assert len(here) > 20
        assert set(told) <= {canonicalize_name(name) for name in locked}, "what is not needed to run is told"
        for name in here:
            assert told[canonicalize_name(name)][0] == locked[name]
            assert told[canonicalize_name(name)][1] != "see the package", name

    def test_the_table_is_made_of_what_is_installed(self) -> None:
        assert f"| lxml | {version('lxml')} | BSD-3-Clause |" in licences()


def _build_requirements() -> list[str]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]


def _installed(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError

    try:
        return version(name)
    except PackageNotFoundError:
        return None


class TestManualPage:
    def test_it_is_the_one_that_the_commands_make(self) -> None:
        assert (DOCS / "man/apimha-wizard.1").read_text("utf-8") == manual(), "run: make docs"

    def test_man_takes_it_without_a_warning(self) -> None:
        need("man", "groff")
        command = ["man", "--warnings", "-l", str(DOCS / "man/apimha-wizard.1")]
        env = {**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        for words in (
            "replay [OPTIONS] PROFILE",
            "--dry-run",
            "EXIT STATUS",
            "apimha-wizard verify analytics",
        ):
            assert words in done.stdout


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_completion_scripts_are_those_of_the_program(shell: str) -> None:
    if shell == "bash":
        need("bash")
    done = subprocess.run(
        [sys.executable, "-m", "wizard"],
        env={**os.environ, "_APIMHA_WIZARD_COMPLETE": f"{shell}_source", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (DOCS / COMPLETIONS[shell]).read_text("utf-8") == done.stdout, "run: make docs"
