"""What is shipped: a wheel and an sdist that work without the checkout, on every Python that is here."""

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
from functools import cache
from pathlib import Path

import pytest

from tests.support.cli import ROOT
from tests.support.need import missing
from wizard import __version__

CODE = ("wizard", "screens")
SHIPPED = (*CODE, "docs")
PYTHONS = ("3.11", "3.12", "3.13")
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
EPOCH = "315532800"
"""1980, the first year of a zip file: the time of every file in a wheel."""
BUILD = [sys.executable, "-m", "build", "--no-isolation"]

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


def shipped_files() -> list[str]:
    """Every file of the code that git has."""
    listed = subprocess.run(["git", "ls-files", *CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split("\n")[:-1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what `make dist` makes, from a copy of what git has."""
    as_make = f"SOURCE_DATE_EPOCH={EPOCH} $(BIN)/python -m build --no-isolation\n"
    assert as_make in (ROOT / "Makefile").read_text(), "as `make dist` does it"
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ROOT.iterdir():
        if name.is_file() and not name.name.startswith("."):
            shutil.copy2(name, source)
    for name in SHIPPED:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in shipped_files():
        (out / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, out / "source" / name)
    done = subprocess.run(
        [*BUILD, "--outdir", str(out)],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Warning" not in done.stdout + done.stderr, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


class TestWheel:
    def test_every_file_of_the_code_is_in_it_as_it_is(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            packed = {name: archive.read(name) for name in archive.namelist()}
        missing = [name for name in shipped_files() if packed.get(name) != (ROOT / name).read_bytes()]
        assert missing == []
        assert {
            name for name in shipped_files() if name.endswith((".tcss", ".json", ".java", ".xml", ".sql"))
        }

    def test_nothing_else_is_in_it(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            tops = {name.partition("/")[0] for name in archive.namelist()}
            assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert tops == {*CODE, f"apimha_wizard-{__version__}.data", f"apimha_wizard-{__version__}.dist-info"}

    def test_what_it_says_of_itself(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
            said = email.message_from_bytes(archive.read(name))
            assert any(one.endswith("licenses/LICENSE") for one in archive.namelist())
        assert said["Version"] == __version__
        assert said["License-Expression"] == "Apache-2.0"
        assert said["Requires-Python"] == ">=3.11"
        wanted = {
            re.match(r"[\w.-]+", one)[0] for one in said.get_all("Requires-Dist") if "extra ==" not in one
        }
        assert wanted.isdisjoint({"tomlkit", "pytest", "mkdocs-material", "ruff"})
        for python in PYTHONS:
            assert f"Programming Language :: Python :: {python}" in said.get_all("Classifier")


class TestSdist:
    def test_it_holds_what_a_build_needs_and_the_documentation(self, built: Path) -> None:
        (found,) = built.glob("*.tar.gz")
        with tarfile.open(found) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        assert {
            "pyproject.toml",
            "README.md",
            "LICENSE",
            "CHANGELOG.md",
            "mkdocs.yml",
            "docs/tutorial.md",
        } <= names
        assert set(shipped_files()) <= names


class TestVersion:
    def test_it_stands_in_one_place(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert "version" not in project
        written = re.compile(rf"(?<![\w.]){re.escape(__version__)}(?![\w.])")
        places = [
            name
            for name in shipped_files()
            if name.endswith(".py") and written.search((ROOT / name).read_text())
        ]
        assert places == ["wizard/__init__.py"]

    def test_the_changelog_knows_it(self) -> None:
        text = (ROOT / "CHANGELOG.md").read_text()
        newest = re.search(r"^## (.+)$", text, re.MULTILINE)
        assert newest is not None
        assert newest[1].startswith(("Unreleased", __version__))
        assert __version__ in text


# --- installed, without the checkout ------------------------------------------------------------------------------


def interpreter(python: str) -> Path | None:
    """A Python of that version on this machine, if one works."""
    if python == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return Path(sys.base_prefix, "bin", f"python{python}")
    candidates = [
        shutil.which(f"python{python}"),
        *sorted(PYENV.glob(f"versions/{python}.*/bin/python{python}")),
    ]
    for one in filter(None, candidates):
        asked = [str(one), "-c", "import sys, venv, ensurepip; print(*sys.version_info[:2], sep='.')"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.stdout.strip() == python:
            return Path(one)
    return None


@pytest.fixture(scope="module")
def bundle(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked bundle of the wheel; its dependencies are downloaded once for each lock file, into the cache."""
    command = [sys.executable, "-m", "tools.bundle", str(built)]
    assert "$(BIN)/python -m tools.bundle dist\n" in (ROOT / "Makefile").read_text(), (
        "as `make bundle` does it"
    )
    archives = []
    for _ in range(2):
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            missing(f"no dependencies for the bundle: {done.stderr[-400:]}")
        archives.append(Path(done.stdout.splitlines()[-1]).read_bytes())
    assert archives[0] == archives[1], "the same input gives the same bytes"
    folder = tmp_path_factory.mktemp("bundle")
    with tarfile.open(built / f"apimha-wizard-{__version__}-bundle.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"apimha-wizard-{__version__}"


def pip(python: str | Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run pip with no index, no configuration and, where the kernel allows it, no network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHONPATH"))}
    command = [*without_network(), python, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(
        command,
        env={**kept, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def without_network() -> tuple[str, ...]:
    """What runs a command in a network namespace of its own."""
    for prefix in (("unshare", "--net"), ("unshare", "--map-root-user", "--net")):
        if (
            shutil.which("unshare")
            and not subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL, check=False).returncode
        ):
            return prefix
    return ()


class TestBundle:
    @pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
    @pytest.mark.parametrize("python", PYTHONS)
    def test_pip_resolves_it_for_each_machine(
        self, bundle: Path, python: str, architecture: str, tmp_path: Path
    ) -> None:
        target = [
            "--platform",
            f"manylinux2014_{architecture}",
            "--platform",
            f"manylinux_2_17_{architecture}",
        ]
        target += ["--python-version", python, "--only-binary", ":all:", "--target", str(tmp_path)]
        done = pip(sys.executable, "install", "--dry-run", *target, "-r", bundle / "requirements.txt")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"apimha-wizard-{__version__}" in done.stdout

    def test_it_holds_nothing_else(self, bundle: Path) -> None:
        listed = set(re.findall(r"sha256:(\w+)", (bundle / "requirements.txt").read_text()))
        wheels = list((bundle / "wheels").iterdir())
        assert {hashlib.sha256(one.read_bytes()).hexdigest() for one in wheels} == listed
        assert {one.name for one in bundle.iterdir()} == {"README.txt", "requirements.txt", "wheels"}

    def test_a_changed_wheel_is_refused(self, bundle: Path, tmp_path: Path) -> None:
        copy = shutil.copytree(bundle, tmp_path / "copy")
        (wheel,) = copy.glob("wheels/rich-*")
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr("rich/added.py", "")
        done = pip(sys.executable, "install", "--target", tmp_path / "to", "-r", copy / "requirements.txt")
        assert done.returncode != 0
        assert "DO NOT MATCH THE HASHES" in done.stderr
        assert not (tmp_path / "to").exists()


@pytest.fixture(params=PYTHONS)
def installed(request: pytest.FixtureRequest, bundle: Path, tmp_path: Path) -> Path:
    """The programs of a new environment, installed from the bundle as its README says."""
    program = interpreter(request.param)
    if program is None:
        missing(f"no Python {request.param} on this machine: pyproject.toml names it as supported")
    folder = tmp_path / "environment"
    subprocess.run([program, "-m", "venv", folder], check=True)
    assert "/bin/pip install -r requirements.txt\n" in (bundle / "README.txt").read_text()
    done = pip(folder / "bin/python", "install", "--no-compile", "-r", bundle / "requirements.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "bin"


def test_the_demo_from_the_bundle_alone(installed: Path, tmp_path: Path) -> None:
    def run(program: str, *arguments: str) -> str:
        command = [*without_network(), installed / program, *arguments]
        done = subprocess.run(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    folder = tmp_path
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    assert "A sandbox is in" in run("apimha-wizard", "demo", "--folder", "play")
    folder = tmp_path / "play"
    run("python", "-c", STORY)
    codes, changed, restored, sheets, modules = ast.literal_eval((folder / "found.py").read_text())
    assert codes == [0, 4, 0, 0, 0]
    assert changed
    assert restored
    environment = str(installed.parent)
    assert any(name.startswith(environment) and name.endswith("screens/app.tcss") for name in sheets), sheets
    assert all(name.startswith(environment) for name in modules), modules
    assert run("apimha-wizard", "--version").split()[-1] == __version__
    for name in INSTALLED_DATA:
        assert (installed.parent / "share" / name).is_file()
