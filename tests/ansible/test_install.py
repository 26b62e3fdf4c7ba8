"""The role `install`, run by ansible-core over the connection `local`: from a bundle and from an index."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from packaging.utils import canonicalize_name

from tests.support import programs
from tests.support.bundles import offline, program
from tests.support.cli import ROOT
from tools.bundle import PYTHONS
from wizard import __version__

ROLES = ROOT / "ansible/roles"
SUMMARY = re.compile(r"^\S+ +: ok=(\d+) +changed=(\d+) +unreachable=0 +failed=(\d+)", re.MULTILINE)
REAL = f'exec "{sys._base_executable}" "$@"'


@dataclass
class Host:
    """A host in a folder of this machine; `programs` is all of its PATH but for the system's."""

    folder: Path
    values: dict[str, object] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.python("python3.13", REAL)

    @property
    def prefix(self) -> Path:
        return self.folder / "prefix"

    def python(self, name: str, script: str) -> None:
        """Give the host a program of that name."""
        programs.script(self.folder / "programs" / name, script)

    def play(self, *options: str, **values: object) -> tuple[int, int, str]:
        """How many tasks changed something and how many failed, and what was printed."""
        play = self.folder / "play.yml"
        variables = {"apimha_prefix": str(self.prefix), **self.values, **values}
        content = {"hosts": "all", "gather_facts": False, "vars": variables, "roles": ["install"]}
        play.write_text(yaml.safe_dump([content]))
        env = {
            "ANSIBLE_ROLES_PATH": str(ROLES),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{self.folder}/programs:/usr/bin:/bin",
            **self.env,
        }
        ansible = (program("ansible-playbook"), "-i", "node1,", "-c", "local")
        done = offline(*ansible, *options, play, code=None, env=env)
        printed = done.stdout + done.stderr
        found = SUMMARY.findall(printed)
        assert found, printed
        return sum(int(one[1]) for one in found), sum(int(one[2]) for one in found), printed

    def version(self) -> str:
        """The version of the program that is installed."""
        return offline(self.prefix / "bin/apimha-wizard", "--version").stdout.split()[-1]


@pytest.fixture
def host(tmp_path: Path, bundle: Path) -> Host:
    return Host(tmp_path / "host", {"apimha_bundle": str(bundle)})


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_a_program_is_installed_once_and_replaced_from_elsewhere(
    host: Host, bundle: Path, tmp_path: Path
) -> None:
    before = files(tmp_path)
    assert host.play("--check")[:2] == (1, 0)
    assert files(tmp_path) - before == {host.folder / "play.yml"}
    changed, failed, printed = host.play("-i", "node2,")  # the same host by two names, at once
    assert changed > 0 == failed, printed
    assert host.version() == __version__
    assert not any(path.stat().st_mode & 0o444 != 0o444 for path in host.prefix.rglob("*"))
    assert host.play()[:2] == (0, 0)

    for python in host.prefix.glob("bin/python*"):  # as an upgrade of the system's Python can leave them
        python.unlink()
    assert host.play("--check")[:2] == (1, 0)

    host.env["PIP_NO_INDEX"] = ""
    host.values = {"apimha_index": make_index(bundle, tmp_path), "apimha_version": __version__}
    changed, failed, printed = host.play()
    assert changed > 0 == failed, printed
    assert host.version() == __version__
    assert host.play("--check")[:2] == (0, 0)
    assert host.play("--check", apimha_version="99.0")[:2] == (1, 0)


def make_index(bundle: Path, folder: Path) -> str:
    """Return the URL of a package index with the wheels of the bundle."""
    subprocess.run(["tar", "xzf", bundle, "-C", folder, "--strip-components=1"], check=True)
    for wheel in (folder / "wheels").iterdir():
        name = canonicalize_name(wheel.name.partition("-")[0])
        page = folder / "index" / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        with page.open("a") as out:
            out.write(f'<a href="{wheel.as_uri()}">{wheel.name}</a>\n')
    return (folder / "index").as_uri()


class TestPython:
    def test_the_newest_that_can_make_an_environment_is_used(self, host: Host) -> None:
        host.python("python3.20", "echo 3.20")
        host.python("python3.13", "echo 3.13; exit 1")  # no ensurepip
        host.python("python3.12", REAL)
        changed, failed, printed = host.play("--check")
        assert (changed, failed) == (1, 0), printed
        assert f"with {host.folder}/programs/python3.12\n" in printed.replace('"', "\n")

    @pytest.mark.parametrize("name", ["python3", "python3.11"])
    def test_a_host_with_an_old_one_fails_before_anything_is_written(self, host: Host, name: str) -> None:
        for one in ("python3", "python3.11", "python3.12", "python3.13"):
            host.python(one, "echo 3.9; exit 1")
        changed, failed, printed = host.play(**({} if name == "python3" else {"apimha_python": name}))
        assert (changed, failed) == (0, 1)
        assert "no Python 3.11 to 3.13 with the module venv" in printed
        assert f"programs/{name} 3.9" in printed
        assert "python3.11-venv" in printed
        assert not host.prefix.exists()

    def test_the_bundle_has_wheels_for_those_that_the_role_takes(self) -> None:
        text = (ROLES / "install/vars/main.yml").read_text()
        minors = re.search(r"else \[(.*?)\]", text)[1].split(", ")
        assert {f"3.{minor}" for minor in minors} == set(PYTHONS)


def test_a_folder_of_something_else_is_not_replaced(host: Host) -> None:
    host.prefix.mkdir()
    (host.prefix / "data").write_text("kept")
    for options in ([], ["--check"]):
        changed, failed, printed = host.play(*options)
        assert (changed, failed) == (0, 1)
        assert "is not a virtual environment" in printed
    assert (host.prefix / "data").read_text() == "kept"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Set either apimha_bundle"),
        ({"apimha_bundle": "/b.tar.gz", "apimha_index": "file:///i"}, "Set either apimha_bundle"),
        ({"apimha_bundle": "/nowhere/b.tar.gz"}, "/nowhere/b.tar.gz does not exist"),
    ],
)
def test_without_a_source_the_play_fails(host: Host, values: dict[str, object], words: str) -> None:
    host.values = values
    changed, failed, printed = host.play()
    assert (changed, failed) == (0, 1)
    assert words in printed
