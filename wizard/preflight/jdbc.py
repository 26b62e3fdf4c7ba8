"""Logging in as the servers will: with the driver's own jar, its URL, and the node's Java (procedure, chapter 2).

The password goes to Java through standard input, so that no list of processes shows it.  Java ends with that pipe:
it never outlives this program.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from wizard.pack.driver import DriverError, DriverJar, holds_class, required
from wizard.pack.home import LIB
from wizard.pack.releases import version_tuple
from wizard.passwords.secret import MASK, Secret
from wizard.system import bounded, finding, program
from wizard.system.finding import Finding, Fix, SetField
from wizard.system.printable import quoted
from wizard.verify import knowledge

if TYPE_CHECKING:
    from wizard.pack.home import Pack
    from wizard.profile.model import Node, Profile
    from wizard.profile.passwords import Passwords
    from wizard.verify.knowledge import Failure

LIMIT = 14.0
"""Seconds for starting Java, compiling and logging in: within the 15 of the check."""

MOST = 256 * 1024
"""Bytes of what it prints that are read."""

NO_ANSWER = "no answer in time"
PROGRAM = "JdbcLogin"
SOURCE = Path(__file__).with_name(f"{PROGRAM}.java")

_SOURCE_MODE = (11,)
# For a quick start; a virtual machine that does not know one of them is not to stop at it.
_QUICK = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Xmx192m",
)


# --- the parts ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that can run the login: by itself from Java 11 on, else with a compiler."""

    java: Path
    version: tuple[int, ...]
    """1.8.0_392 is (8,), 17.0.15 is (17, 0, 15); empty where unknown."""
    javac: Path | None

    @property
    def name(self) -> str:
        return f"Java {self.version[0]}" if self.version else "Java"


@dataclass(frozen=True, slots=True)
class LoginProblem:
    """One exception of the chain that Java reported."""

    kind: str
    """The class's full name."""
    state: str
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class LoginAnswer:
    """How the log-in went: `problems` is empty where it worked; `server` is its version then."""

    problems: tuple[LoginProblem, ...] = ()
    driver: str = ""
    server: str = ""
    not_run: str | None = None
    """Why Java did not get as far as trying."""

    @property
    def ok(self) -> bool:
        return not self.problems and self.not_run is None


def find_java(java_home: Path | None) -> Java | None:
    """The Java of `java_home`, else of `JAVA_HOME`, else the one on the PATH; None without one."""
    given = os.environ.get("JAVA_HOME")
    if java_home is None and given and any(map(_runs, _in(Path(given), "java"))):
        java_home = Path(given)
    if java_home is not None:
        java = next((path for path in _in(java_home, "java") if _runs(path)), None)
        compilers = [*_in(java_home, "javac"), *_in(java_home.parent, "javac")]
    else:
        on_path = shutil.which("java")
        java = Path(on_path) if on_path else None
        compilers = [java.resolve().with_name("javac")] if java else []
    if java is None:
        return None
    anywhere = shutil.which("javac")
    compilers += [Path(anywhere)] if anywhere else []
    return Java(java, _version(java), next((path for path in compilers if _runs(path)), None))


def _in(home: Path, program: str) -> list[Path]:
    return [home / "bin" / program, home / "jre" / "bin" / program]


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _version(java: Path) -> tuple[int, ...]:
    """From the file `release` of its home, which costs nothing, else by asking it."""
    home = java.resolve().parent.parent
    for release in (home / "release", home.parent / "release"):
        try:
            found = re.search(r'(?m)^JAVA_VERSION="([^"]+)"', bounded.read_text(release))
        except OSError:
            continue
        if found:
            return _modern(found[1])
    try:
        told = program.run([java, "-version"], time_limit=5, most_bytes=MOST)
    except OSError:
        return ()
    found = re.search(r'version "([^"]{1,40})"', told.errors.decode("utf-8", "replace"))
    return _modern(found[1]) if found else ()


def _modern(text: str) -> tuple[int, ...]:
    """`1.8.0_392` → (8,), `17.0.15` → (17, 0, 15)."""
    numbers = version_tuple(text)
    return numbers[1:2] if numbers[:1] == (1,) else numbers


# --- trying -------------------------------------------------------------------------------------------------


def log_in(
    jar: Path,
    driver_class: str,
    java: Java,
    url: str | Secret,
    login: tuple[str, Secret],
    *,
    query: str = "SELECT 1",
    hidden: Sequence[Secret] = (),
    limit: float = LIMIT,
) -> LoginAnswer:
    """Try it.  Within `limit` seconds there is an answer, and Java with all its children is gone.

    `login`: the user and its password.  `hidden`: what must not show in the answer beside that password.
    """
    username, password = login
    deadline = time.monotonic() + limit
    with tempfile.TemporaryDirectory(prefix="apimha-jdbc-") as scratch:
        folder = Path(scratch)
        # Under a plain name: a colon in a path would end an entry of the class path.
        (folder / "driver.jar").symlink_to(jar.resolve())
        shutil.copyfile(SOURCE, folder / SOURCE.name)
        try:
            command = _command(java, folder, deadline)
        except _CannotRunError as problem:
            return LoginAnswer(not_run=str(problem))
        texts = [driver_class, _revealed(url), username, password.reveal(), query]
        output, errors, ended = _run(command, folder, _framed(texts), deadline)
    secrets = [password, *hidden, *([url] if isinstance(url, Secret) else [])]
    if not ended:
        return LoginAnswer(
            problems=(LoginProblem("java.util.concurrent.TimeoutException", "", 0, NO_ANSWER),)
        )
    return _read(_masked(output, secrets), _masked(errors, secrets))


class _CannotRunError(Exception):
    """There is no way to run the program with this Java."""


def _command(java: Java, folder: Path, deadline: float) -> list[str]:
    """The command line: the source itself from Java 11 on, else compiled first."""
    classes = f"{folder}{os.pathsep}{folder / 'driver.jar'}"
    if java.version >= _SOURCE_MODE and _has_compiler(java):
        return [str(java.java), *_QUICK, "-cp", str(folder / "driver.jar"), str(folder / SOURCE.name)]
    if java.javac is None:
        raise _CannotRunError(f"{java.name} has no compiler (a JDK would have)")
    options = ["-nowarn", "-d", str(folder)]
    # Another Java's compiler is told for whom it compiles; its own needs no telling.
    if java.javac.resolve().parent != java.java.resolve().parent and java.version:
        release = str(java.version[0])
        own = _version(java.javac)
        options += ["--release", release] if own >= (9,) else ["-source", release, "-target", release]
    _, errors, ended = _run([str(java.javac), *options, str(folder / SOURCE.name)], folder, b"", deadline)
    if not ended or not (folder / f"{PROGRAM}.class").exists():
        raise _CannotRunError(f"{java.javac} does not compile the program: {quoted(errors, 200)}")
    return [str(java.java), *_QUICK, "-cp", classes, PROGRAM]


def _has_compiler(java: Java) -> bool:
    """A runtime image without the compiler's module cannot run a source file."""
    home = java.java.resolve().parent.parent
    try:
        listed = re.search(r'(?m)^MODULES="([^"]*)"', bounded.read_text(home / "release"))
    except OSError:
        return True
    if listed and (home / "lib" / "modules").exists():
        return "jdk.compiler" in listed[1].split() and (home / "bin" / "javac").exists()
    return True


def _run(command: list[str], folder: Path, given: bytes, deadline: float) -> tuple[str, str, bool]:
    """What it printed on both streams, and whether it ended by itself before the deadline."""
    try:
        ended = program.run(
            command,
            # The input stays open while it works: that is how Java knows that somebody waits.
            given=given,
            time_limit=max(0.1, deadline - time.monotonic()),
            most_bytes=MOST,
            environment={key: value for key, value in os.environ.items() if key not in _NOT_FOR_JAVA},
            folder=folder,
        )
    except TimeoutError:
        return "", "", False
    return ended.output.decode("utf-8", "replace"), ended.errors.decode("utf-8", "replace"), True


_NOT_FOR_JAVA = {"CLASSPATH", "JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"}


def _framed(texts: list[str]) -> bytes:
    encoded = [text.encode("utf-8", "replace") for text in texts]
    return b"".join(struct.pack(">i", len(text)) + text for text in encoded)


def _revealed(text: str | Secret) -> str:
    return text.reveal() if isinstance(text, Secret) else text


def _masked(text: str, secrets: Sequence[Secret]) -> str:
    for secret in secrets:
        plain = secret.reveal()
        for form in dict.fromkeys((plain, quote(plain), quote(plain, safe=""))):
            if form:
                text = text.replace(form, MASK)
    return text


def _read(output: str, errors: str) -> LoginAnswer:
    # Not by splitlines(), which takes the separators for line ends.
    lines = output.replace("\r", "").split("\n")
    line = next((line for line in lines if line.startswith(("OK\x1f", "FAILED\x1e", "REFUSED\x1f"))), None)
    if line is None:
        words = next((line for line in errors.splitlines() if line.strip()), "it printed nothing")
        return LoginAnswer(not_run=quoted(words, 200))
    if line.startswith("OK"):
        _, driver, server = (*line.split("\x1f"), "", "")[:3]
        return LoginAnswer(driver=quoted(driver, 80), server=quoted(server, 80))
    if line.startswith("REFUSED"):
        return LoginAnswer(problems=(LoginProblem("REFUSED", "", 0, line.split("\x1f")[1]),))
    problems = []
    for part in line.split("\x1e")[1:]:
        kind, state, number, message = (*part.split("\x1f", 3), "", "", "", "")[:4]
        problems.append(LoginProblem(kind, state, bounded.number(number) or 0, message))
    return LoginAnswer(problems=tuple(problems))


# --- what it means ------------------------------------------------------------------------------------------


def diagnose(answer: LoginAnswer, jar: DriverJar, java: Java) -> Finding:
    """What the exceptions mean.  Source: Connector/J 5.1 and 8, MariaDB's driver, and procedure 2."""
    if answer.problems and answer.problems[0].kind == "REFUSED":
        return finding.error(
            f"{jar.name} does not accept a URL that begins with jdbc:mysql:",
            fix=knowledge.BY_ID["driver-url"].fix,
        )
    if any(problem.message == NO_ANSWER for problem in answer.problems):
        return finding.error(
            f"{jar.name} has no answer within {LIMIT:g} s",
            fix="see whether the server answers, and how busy it is",
        )
    found = _known(answer)
    if found is None:
        missing = any(
            word in problem.kind
            for problem in answer.problems
            for word in ("ClassNotFoundException", "NoClassDefFoundError")
        )
        if missing:
            fix = "correct mysql.driver_class, or take another driver_jar"
            return finding.error(f"a class is missing: {_first(answer)}", fix=fix)
        if _unreachable(answer):
            return _not_reached(answer, jar)
        return finding.error(f"{jar.name} does not log in: {_first(answer)}", fix="see the driver's message")
    if found.id == "database-gone":
        return _not_reached(answer, jar)
    if found.subject in ("driver", "java") and "UnsupportedClassVersionError" in _kinds(answer):
        return finding.error(
            f"{jar.name} needs a newer Java than {java.name}", fix=knowledge.BY_ID["driver-java"].fix
        )
    text = f"{jar.name} does not log in: {found.cause}"
    if found.parameter is None:
        return finding.error(f"{text} ({_first(answer)})", fix=found.fix)
    name, value = found.parameter
    setting = SetField(f"mysql.url_parameters.{name}", value, f'set {name} = "{value}"')
    return finding.error(text, fix=Fix(found.fix, setting))


def _known(answer: LoginAnswer) -> Failure | None:
    """The failure that the exceptions or MySQL's numbers mean, by the table that `verify` uses too."""
    texts = [f"{problem.kind}: {problem.message}" for problem in reversed(answer.problems)]
    found = knowledge.recognise(texts, source="jdbc")
    if found is not None and not found.general:
        return found
    numbers = (knowledge.by_number(problem.number) for problem in answer.problems)
    return next((one for one in numbers if one is not None), found)


def _not_reached(answer: LoginAnswer, jar: DriverJar) -> Finding:
    fix = knowledge.BY_ID["database-gone"].fix
    return finding.error(f"{jar.name} does not reach the server: {_last(answer)}", fix=fix)


def _kinds(answer: LoginAnswer) -> str:
    return " ".join(problem.kind for problem in answer.problems)


def _unreachable(answer: LoginAnswer) -> bool:
    kinds = _kinds(answer)
    states = {problem.state[:2] for problem in answer.problems}
    return "08" in states or any(
        word in kinds for word in ("ConnectException", "UnknownHost", "Communications")
    )


def _first(answer: LoginAnswer) -> str:
    problem = answer.problems[0]
    return quoted(f"{problem.kind.rpartition('.')[2]}: {problem.message}")


def _last(answer: LoginAnswer) -> str:
    problem = answer.problems[-1]
    return quoted(f"{problem.kind.rpartition('.')[2]}: {problem.message}")


# --- the check ----------------------------------------------------------------------------------------------


def findings(
    profile: Profile,
    nodes: Sequence[Node],
    packs: Mapping[str, Pack],
    passwords: Passwords,
    *,
    trusted: bool,
) -> Iterator[Finding]:
    """One finding for each jar and Java that the nodes of this machine use (`mysql.driver`).

    Nothing runs unless the profile is `trusted`: a jar and a Java are programs.  Also called after provisioning,
    before the first file is written.
    """
    tried: dict[tuple[Path, Path | None], list[str]] = {}
    for node in nodes:
        pack = packs.get(node.name)
        jar = jar_of(profile, pack)
        if pack is None:
            yield finding.skipped("the node is on another machine", node=node.name)
        elif jar is None:
            yield finding.skipped(f"no jar holds {profile.mysql.driver_class} yet", node=node.name)
        else:
            tried.setdefault((jar, node.java_home), []).append(node.name)
    if tried and not trusted:
        yield finding.skipped(
            "login with the driver was not tested: it runs only for a profile that you have agreed to",
            fix=finding.AGREE,
        )
        return
    for (path, java_home), names in tried.items():
        for result in _tried(profile, passwords, path, java_home):
            yield result._replace(node=names[0] if len(tried) > 1 else None)


def jar_of(profile: Profile, pack: Pack | None) -> Path | None:
    """The jar that a node will log in with: the profile's, else a fitting one in `components/lib`."""
    wanted = profile.mysql.driver_class
    if profile.mysql.driver_jar is not None:
        candidates = [Path(profile.mysql.driver_jar)]
    elif pack is not None:
        candidates = [pack.path(f"{LIB}/{name}") for name in pack.names(LIB, ".jar")]
    else:
        candidates = []
    for candidate in candidates:
        try:
            if holds_class(candidate, wanted):
                return candidate
        except DriverError:
            continue
    return None


def _tried(profile: Profile, passwords: Passwords, path: Path, java_home: Path | None) -> Iterator[Finding]:
    java = find_java(java_home)
    if java is None:
        where = f"in {java_home}" if java_home is not None else "on the PATH"
        yield finding.skipped(
            f"there is no Java {where}: nobody knows whether the driver gets in",
            fix="set java_home of the node to the Java that its server runs on",
        )
        return
    try:
        jar = required(path, profile.mysql.driver_class)
    except DriverError as problem:
        yield finding.skipped(problem.text, fix=problem.fix)
        return
    answer = log_in(
        path,
        profile.mysql.driver_class,
        java,
        passwords.url(profile, profile.mysql.databases.user),
        (profile.mysql.username, passwords.mysql),
        query=profile.pool.validation_query,
        hidden=passwords.all(),
    )
    if answer.not_run is not None:
        yield finding.skipped(
            f"nobody knows whether the driver gets in: {answer.not_run}",
            fix="set java_home of the node to a JDK, or put one on the PATH",
        )
    elif answer.ok:
        yield finding.ok(f"{jar.name} logs in with {java.name} (server {answer.server})")
    else:
        yield diagnose(answer, jar, java)
