"""Brings the jars of Spark and ZooKeeper that `pyspark` carries: `python -m tests.support.install_spark`.

Idempotent and quick when they are there.  They land beside the other servers (see `install_servers`), without what a
standalone cluster does not load.  Java 17 or later must be installed; what is missing is named, with exit code 1.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.support.install_servers import UnavailableError, cache

VERSION = "3.5.1"
_NOT_LOADED = re.compile(
    r"(rocksdbjni|breeze|hive|datanucleus|derby|kubernetes|mesos|spark-(mllib|graphx|hive|yarn|kubernetes|mesos|repl)|"
    r"scala-compiler|parquet|orc-|arrow|spire|algebra|cats|hadoop-yarn|JTransforms|arpack|lapack|blas|okhttp|"
    r"tink|ivy|antlr|bonecp|HikariCP|datasketches|libthrift|zjsonpatch|snakeyaml)"
)


def spark_home() -> Path:
    """The folder that holds `jars`: what Spark calls its home."""
    return cache() / f"spark-{VERSION}"


def java() -> str | None:
    """The Java that Spark's masters and workers run on; None where there is none that fits (17 or later)."""
    program = shutil.which("java")
    if program is None:
        return None
    version = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', version)
    return program if found and int(found[1]) >= 17 else None


def install() -> None:
    """Make `spark_home()`.  Raises UnavailableError."""
    if java() is None:
        raise UnavailableError("no Java 17 or later is installed")
    if spark_home().is_dir():
        return
    with tempfile.TemporaryDirectory(dir=cache(), prefix=".spark-") as scratch:
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
        options = ("--no-binary", ":all:", "--no-build-isolation", "--dest", scratch)
        command = [*pip, *options, f"pyspark=={VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        archives = list(Path(scratch).glob("pyspark-*.tar.gz"))
        if done.returncode or not archives:
            raise UnavailableError(f"pip cannot fetch pyspark: {done.stderr.strip().splitlines()[-1:]}")
        made = Path(scratch) / "made"
        (made / "jars").mkdir(parents=True)
        with tarfile.open(archives[0]) as archive:
            for member in archive:
                name = Path(member.name).name
                if member.isfile() and "/deps/jars/" in member.name and not _NOT_LOADED.match(name):
                    member.name = name
                    archive.extract(member, made / "jars", filter="data")
        made.rename(spark_home())


def main() -> int:
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / ".spark.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once install once
        try:
            install()
        except (UnavailableError, OSError) as problem:
            print(f"Spark: not available ({problem})", file=sys.stderr)
            return 1
    print("Spark: ready")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
