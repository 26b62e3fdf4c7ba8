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
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import ROOT
from tests.support.need import missing
from wizard import __version__

CODE = ("wizard", "screens")
SHIPPED = (*CODE, "docs")
PYTHONS = ("3.11", "3.12", "3.13")
PYENV = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
CACHE = ROOT / ".cache" / "pythons"
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
    assert "$(BIN)/python -m build --no-isolation\n" in (ROOT / "Makefile").read_text(), (
        "as `make dist` does it"
    )
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


def dependencies(python: str, program: Path) -> Path:
    """A folder with what the lock file names, for that Python: fetched once, kept in the cache.

    This Python's own environment has all of it already.
    """
    import sysconfig

    if python == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return Path(sysconfig.get_path("purelib"))
    lock = ROOT / "requirements.lock"
    folder = CACHE / f"{python}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if not folder.is_dir():
        making = folder.with_name(folder.name + f".{os.getpid()}")
        command = [str(program), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
        command += ["--require-hashes", "--only-binary", ":all:", "--target", str(making), "-r", str(lock)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(making, ignore_errors=True)
            missing(f"no dependencies for Python {python}: {done.stderr[-400:]}")
        for old in CACHE.glob(f"{python}-*"):
            if old != making:
                shutil.rmtree(old)
        making.rename(folder)
    return folder


@pytest.fixture(params=PYTHONS)
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path: Path) -> Iterator[Path]:
    """The programs of a new environment that holds the wheel and what it needs, and nothing of the checkout."""
    program = interpreter(request.param)
    if program is None:
        missing(f"no Python {request.param} on this machine: pyproject.toml names it as supported")
    folder = tmp_path / "environment"
    if program.resolve() == Path(sys.executable).resolve():
        venv.create(folder, symlinks=True, with_pip=False)
    else:
        subprocess.run([program, "-m", "venv", "--without-pip", folder], check=True)
    needed = dependencies(request.param, program)
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(folder / "bin/python"),
        "install",
        "-qq",
        "--no-deps",
    ]
    subprocess.run([*command, "--no-index", str(wheel)], stdin=subprocess.DEVNULL, check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "needed.pth").write_text(f"{needed}\n")
    yield folder / "bin"


def test_the_demo_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    def run(program: str, *arguments: str) -> str:
        command = [installed / program, *arguments]
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
