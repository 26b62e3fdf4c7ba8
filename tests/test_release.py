"""What is shipped: a wheel and an sdist that work without the checkout, on every Python; and what is locked."""

from __future__ import annotations

import ast
import email
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.bundles import CODE, offline, release, shipped_files
from tests.support.cli import ROOT
from tests.support.need import missing
from tools.bundle import bundle as write_bundle
from tools.bundle import download
from wizard import __version__

LOCKS = ["requirements.lock", "requirements-dev.lock"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHONS = ("3.11", "3.12", "3.13")
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
INSTALLED_DATA = (
    "man/man1/apimha-wizard.1",
    "bash-completion/completions/apimha-wizard",
    "zsh/site-functions/_apimha-wizard",
    "fish/vendor_completions.d/apimha-wizard.fish",
)

STORY = """
import asyncio, sys
from pathlib import Path
import screens, wizard
from wizard.command_line.cli import main

def run(*arguments):
    try:
        main(list(arguments))
    except SystemExit as ended:
        return ended.code

def contents():
    homes = (Path("analytics-1"), Path("analytics-2"))
    return {path: path.read_bytes() for home in homes for path in home.rglob("*") if path.is_file()}

stock = contents()
dry = ("replay", "demo.toml", "--offline", "--dry-run")
codes = [run("check", "demo.toml", "--offline"), run(*dry), run("replay", "demo.toml", "--offline"), run(*dry)]
changed = contents() != stock
codes.append(run("rollback", "demo.toml"))

async def first_picture():
    from screens.app import WizardApp
    from screens.model.draft import open_profile

    app = WizardApp(open_profile("demo.toml"))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        return [str(place[0]) for place in app.stylesheet.source]

sheets = asyncio.run(first_picture())
found = [codes, changed, contents() == stock, sheets, [wizard.__file__, screens.__file__]]
Path("found.py").write_text(repr(found))
"""
"""The job in one process: what comes of it is in `found.py`."""


@pytest.fixture(scope="module")
def wheel() -> Path:
    (found,) = release().glob("*.whl")
    return found


class TestWheel:
    def test_the_code_as_it_is_and_nothing_else(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            packed = {name: archive.read(name) for name in archive.namelist()}
            assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        shipped = shipped_files()
        assert [name for name in shipped if packed.get(name) != (ROOT / name).read_bytes()] == []
        kinds = {Path(name).suffix for name in shipped}
        assert kinds >= {".tcss", ".java", ".xml", ".sql"}
        tops = {name.partition("/")[0] for name in packed}
        assert tops == {*CODE, f"apimha_wizard-{__version__}.data", f"apimha_wizard-{__version__}.dist-info"}

    def test_what_it_says_of_itself(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
            said = email.message_from_bytes(archive.read(name))
            assert any(one.endswith("licenses/LICENSE") for one in archive.namelist())
        assert said["Version"] == __version__
        assert said["License-Expression"] == "Apache-2.0"
        assert said["Requires-Python"] == ">=3.11"
        required = said.get_all("Requires-Dist")
        wanted = {re.match(r"[\w.-]+", one)[0] for one in required if "extra ==" not in one}
        assert wanted.isdisjoint({"tomlkit", "pytest", "mkdocs-material", "ruff"})
        for python in PYTHONS:
            assert f"Programming Language :: Python :: {python}" in said.get_all("Classifier")


def test_the_sdist_holds_what_a_build_needs_and_the_documentation() -> None:
    with tarfile.open(release() / f"apimha_wizard-{__version__}.tar.gz") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    documents = {"README.md", "LICENSE", "CHANGELOG.md", "mkdocs.yml", "docs/tutorial.md"}
    assert {*documents, "pyproject.toml", *shipped_files()} <= names


def pins(lock: str) -> dict[str, tuple[Requirement, int]]:
    """Each locked package's line, and how many hashes it has."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
            found[canonicalize_name(Requirement(requirement).name)] = (Requirement(requirement), len(hashes))
    return found


def bounds(lock: str) -> list[Requirement]:
    """What the project asks for of that which a lock file names."""
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    if lock == "requirements-dev.lock":
        wanted += [name for extra in PROJECT["project"]["optional-dependencies"].values() for name in extra]
    return [Requirement(text) for text in wanted]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_is_exact_hashed_within_the_bounds_of_the_project_and_names_no_index(lock: str) -> None:
    found = pins(lock)
    assert len(found) > 20
    for requirement, hashes in found.values():
        assert re.fullmatch(r"==[\w.!+]+", str(requirement.specifier)), requirement
        assert hashes > 0, requirement
    for wanted in bounds(lock):
        (version,) = found[canonicalize_name(wanted.name)][0].specifier
        assert wanted.specifier.contains(version.version), f"{wanted}: run make lock"
    assert re.findall(r"https?:|file:|index", (ROOT / lock).read_text()) == []


def test_tests_run_with_the_versions_that_users_get() -> None:
    runtime, development = map(pins, LOCKS)
    exact = {name: str(requirement.specifier) for name, (requirement, _) in development.items()}
    assert {name: str(pin.specifier) for name, (pin, _) in runtime.items()}.items() <= exact.items()


def test_the_version_is_written_in_one_place() -> None:
    assert "version" not in PROJECT["project"]
    written = re.compile(rf"(?<![\w.]){re.escape(__version__)}(?![\w.])")
    sources = [name for name in shipped_files() if name.endswith(".py")]
    assert [name for name in sources if written.search((ROOT / name).read_text())] == ["wizard/__init__.py"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = re.findall(r"^## (.+)$", changelog, re.MULTILINE)[0]
    assert newest.startswith(("Unreleased", __version__))
    assert __version__ in changelog


# --- installed, without the checkout ------------------------------------------------------------------------------


def interpreter(python: str) -> Path | None:
    """A Python of that version on this machine, if one works."""
    if python == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return Path(sys.base_prefix, "bin", f"python{python}")
    ours = sorted(PYENV.glob(f"versions/{python}.*/bin/python{python}"))
    candidates = [shutil.which(f"python{python}"), *ours]
    for one in filter(None, candidates):
        asked = [str(one), "-c", "import sys, venv, ensurepip; print(*sys.version_info[:2], sep='.')"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.stdout.strip() == python:
            return Path(one)
    return None


@pytest.fixture(scope="module")
def unpacked(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the bundle holds."""
    folder = tmp_path_factory.mktemp("bundle")
    with tarfile.open(bundle) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"apimha-wizard-{__version__}"


def pip(folder: Path, *options: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Install the requirements of an unpacked bundle, with this Python and without the network."""
    command = (sys.executable, "-m", "pip", "install", *options, "-r", folder / "requirements.txt")
    return offline(*command, code=code)


class TestBundle:
    @pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
    @pytest.mark.parametrize("python", PYTHONS)
    def test_pip_resolves_it_for_each_machine(
        self, unpacked: Path, python: str, architecture: str, tmp_path: Path
    ) -> None:
        platforms = [f"manylinux2014_{architecture}", f"manylinux_2_17_{architecture}"]
        target = [word for one in platforms for word in ("--platform", one)]
        target += ["--python-version", python, "--only-binary", ":all:", "--target", str(tmp_path)]
        done = pip(unpacked, "--dry-run", *target)
        assert f"apimha-wizard-{__version__}" in done.stdout

    def test_the_same_wheels_give_the_same_bytes(self, bundle: Path, wheel: Path, tmp_path: Path) -> None:
        again = write_bundle(Path(shutil.copy(wheel, tmp_path)), download())
        assert again.name == bundle.name == f"apimha-wizard-{__version__}-bundle.tar.gz"
        assert again.read_bytes() == bundle.read_bytes()

    def test_it_holds_nothing_else(self, unpacked: Path) -> None:
        listed = set(re.findall(r"sha256:(\w+)", (unpacked / "requirements.txt").read_text()))
        wheels = list((unpacked / "wheels").iterdir())
        assert {hashlib.sha256(one.read_bytes()).hexdigest() for one in wheels} == listed
        assert {one.name for one in unpacked.iterdir()} == {"README.txt", "requirements.txt", "wheels"}

    def test_a_changed_wheel_is_refused(self, unpacked: Path, tmp_path: Path) -> None:
        copy = shutil.copytree(unpacked, tmp_path / "copy")
        (wheel,) = copy.glob("wheels/rich-*")
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr("rich/added.py", "")
        done = pip(copy, "--target", str(tmp_path / "to"), code=1)
        assert "DO NOT MATCH THE HASHES" in done.stderr
        assert not (tmp_path / "to").exists()


@pytest.fixture(params=PYTHONS)
def installed(request: pytest.FixtureRequest, unpacked: Path, tmp_path: Path) -> Path:
    """The programs of a new environment, installed from the bundle as its README says."""
    program = interpreter(request.param)
    if program is None:
        missing(f"no Python {request.param} on this machine: pyproject.toml names it as supported")
    folder = tmp_path / "environment"
    subprocess.run([program, "-m", "venv", folder], check=True)
    assert "/bin/pip install -r requirements.txt\n" in (unpacked / "README.txt").read_text()
    offline(folder / "bin/pip", "install", "--no-compile", "-r", unpacked / "requirements.txt")
    return folder / "bin"


def test_the_demo_from_the_bundle_alone(installed: Path, tmp_path: Path) -> None:
    program, folder = installed / "apimha-wizard", tmp_path / "play"
    assert "A sandbox is in" in offline(program, "demo", "--folder", folder).stdout
    offline(installed / "python", "-c", STORY, cwd=folder)
    codes, changed, restored, sheets, modules = ast.literal_eval((folder / "found.py").read_text())
    assert (codes, changed, restored) == ([0, 4, 0, 0, 0], True, True)
    environment = str(installed.parent)
    assert any(name.startswith(environment) and name.endswith("screens/app.tcss") for name in sheets), sheets
    assert all(name.startswith(environment) for name in modules), modules
    assert offline(program, "--version").stdout.split()[-1] == __version__
    for name in INSTALLED_DATA:
        assert (installed.parent / "share" / name).is_file()
