"""Make the bundle for an installation without a network: `python -m tools.bundle dist`.

The archive holds the program's wheel, which `make dist` has put into that folder, the wheels of all its runtime
dependencies for every `TARGETS`, and a `requirements.txt` with the hash of each.  The versions are those of
`requirements.lock`, and pip accepts only files whose hashes are listed there.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
CACHE = ROOT / ".cache" / "wheels"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

PYTHONS = tuple(
    found[1]
    for one in PROJECT["project"]["classifiers"]
    if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", one))
)
ARCHITECTURES = ("x86_64", "aarch64")
TARGETS = tuple((python, architecture) for python in PYTHONS for architecture in ARCHITECTURES)
PLATFORMS = ("manylinux_2_17", "manylinux2014")
"""glibc 2.17 or later: two names for one platform."""

PIP = (
    *(
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
    ),
    *("--only-binary", ":all:", "--require-hashes", "--implementation", "cp"),
)
OPTIONS = "--no-index\n--find-links wheels\n--require-hashes\n"
README = """apimha-wizard {version}, to be installed without a network.

Contents: wheels for Linux (glibc 2.17 or later) on {architectures} with Python {pythons},
and requirements.txt with the SHA-256 hash of each. In this folder, with one of those Pythons:

    python{python} -m venv /opt/apimha-wizard && /opt/apimha-wizard/bin/pip install -r requirements.txt

pip reads only this folder and refuses a file whose hash differs. On Debian and Ubuntu venv is the package
python{python}-venv. To remove the program, delete /opt/apimha-wizard.
"""


def locked() -> Iterator[tuple[Requirement, str]]:
    """Each requirement of the lock file with its hashes, without what only the build needs."""
    build = {canonicalize_name(Requirement(one).name) for one in PROJECT["build-system"]["requires"]}
    for text in re.findall(r"^\w(?:.*\\\n)*.*", LOCK.read_text("utf-8"), re.MULTILINE):
        first, *hashes = re.split(r"\s*\\\n\s*", text)
        requirement = Requirement(first)
        if canonicalize_name(requirement.name) not in build:
            yield requirement, " ".join(hashes)


def needed(requirement: Requirement, python: str, architecture: str) -> bool:
    """Whether some release of that Python needs the package; the Python that runs this file does not matter."""
    machine = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": architecture,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_version": python,
        "sys_platform": "linux",
    }
    return requirement.marker is None or any(
        requirement.marker.evaluate({**machine, "python_full_version": f"{python}.{release}"})
        for release in (0, 99)
    )


def download() -> Path:
    """Return a folder with the dependencies' wheels, downloaded once for each content of the lock file.

    Raises CalledProcessError where pip finds no wheel for a target, or only one with another hash.
    """
    folder = CACHE / hashlib.sha256(LOCK.read_bytes() + repr((TARGETS, PLATFORMS)).encode()).hexdigest()[:16]
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        pins, wheels = Path(name, "pins.txt"), Path(name, "wheels")
        for python, architecture in TARGETS:
            wanted = (one for one in locked() if needed(one[0], python, architecture))
            pins.write_text(
                "".join(f"{one.name}{one.specifier} {hashes}\n" for one, hashes in wanted), "utf-8"
            )
            command = [*PIP, "-r", str(pins), "--python-version", python, "--dest", str(wheels)]
            command += [f"--platform={platform}_{architecture}" for platform in PLATFORMS]
            subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
        wheels.rename(folder)
    return folder


def bundle(program: Path, wheels: Path) -> Path:
    """Write the archive beside the program's wheel and return its path; the same input gives the same bytes."""
    name, version, *_ = parse_wheel_filename(program.name)
    files = {one.name: one.read_bytes() for one in (program, *wheels.iterdir())}
    hashes: dict[str, list[str]] = {}
    for file in sorted(files):
        found = f"--hash=sha256:{hashlib.sha256(files[file]).hexdigest()}"
        hashes.setdefault(parse_wheel_filename(file)[0], []).append(found)
    wanted = [Requirement(f"{name}=={version}"), *(one for one, _ in locked())]
    lines = [
        f"{one} {' '.join(hashes[canonicalize_name(one.name)])}\n"
        for one in wanted
        if canonicalize_name(one.name) in hashes
    ]
    architectures, pythons = " and ".join(ARCHITECTURES), ", ".join(PYTHONS)
    readme = README.format(version=version, architectures=architectures, pythons=pythons, python=PYTHONS[0])
    content = {
        "README.txt": readme.encode(),
        "requirements.txt": (OPTIONS + "".join(lines)).encode(),
        **{f"wheels/{file}": files[file] for file in sorted(files)},
    }
    target = program.with_name(f"{name}-{version}-bundle.tar.gz")
    with (
        target.open("wb") as out,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=out, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path, data in content.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return target


def main() -> None:
    """Bundle the one wheel of the folder that the command line names."""
    found = list(Path(sys.argv[1]).glob("*.whl"))
    if len(found) != 1:
        sys.exit(f"{len(found)} wheels in {sys.argv[1]}, not 1\n  fix: make dist")
    print(bundle(found[0], download()))


if __name__ == "__main__":
    main()
