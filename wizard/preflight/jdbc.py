"""A login as the servers do it: with the driver's own jar, its URL, and the node's Java (procedure, chapter 2).

Java reads the password from standard input, so that no list of processes shows it.  It ends with that pipe, so it never
outlives this program.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from wizard.pack.driver import DriverError, DriverJar, first_with, required
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
"""Bytes of its output that are read."""

NO_ANSWER = "no answer in time"
SOURCE = Path(__file__).with_name("JdbcLogin.java")

# For a quick start; a virtual machine ignores those that it does not know.
_QUICK = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Xmx192m",
)
_NOT_FOR_JAVA = {"CLASSPATH", "JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS"}


# --- the Java -----------------------------------------------------------------------------------------------


class Java(NamedTuple):
    """A Java that can run the login, with a compiler."""

    java: Path
    version: tuple[int, ...]
    """1.8.0_392 is (8,), 17.0.15 is (17, 0, 15); empty if unknown."""
    javac: Path | None

    @property
    def name(self) -> str:
        return f"Java {self.version[0]}" if self.version else "Java"


def find_java(java_home: Path | None) -> Java | None:
    """Return the Java of `java_home`, else of `JAVA_HOME`, else the one on the PATH; None if there is none."""
    java = _program("java", java_home or Path(os.environ.get("JAVA_HOME") or os.devnull))
    if java is None and java_home is None:
        java = _on_path("java")
    if java is None:
        return None
    home = _home_of(java)
    javac = _program("javac", home, home.parent) or _on_path("javac")  # a JRE may be a folder of a JDK
    return Java(java, _version(java), javac)


def _program(name: str, *homes: Path) -> Path | None:
    paths = [home / folder / name for home in homes for folder in ("bin", "jre/bin")]
    return next((path for path in paths if path.is_file() and os.access(path, os.X_OK)), None)


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def _home_of(java: Path) -> Path:
    return java.resolve().parent.parent


def _version(java: Path) -> tuple[int, ...]:
    """Return the version from the file `release` of its home, which costs nothing, else from `java -version`."""
    home = _home_of(java)
    found = released(home) or released(home.parent)
    if found is None:
        try:
            printed = program.run([java, "-version"], time_limit=5, most_bytes=MOST).errors
        except OSError:
            return ()
        match = re.search(r'version "([^"]{1,40})"', printed.decode("utf-8", "replace"))
        found = match[1] if match else ""
    numbers = version_tuple(found)
    return numbers[1:2] if numbers[:1] == (1,) else numbers


def released(home: Path) -> str | None:
    """Return the version in the file `release` of a Java home; None if it has none."""
    try:
        found = re.search(r'(?m)^JAVA_VERSION="([^"]*)"', bounded.read_text(home / "release"))
    except OSError:
        return None
    return found[1] if found else None


# --- the login ----------------------------------------------------------------------------------------------


class LoginProblem(NamedTuple):
    """One exception of the chain that Java reported: `kind` is its class's full name."""

    kind: str
    state: str = ""
    number: int = 0
    message: str = ""

    @property
    def text(self) -> str:
        return quoted(f"{self.kind.rpartition('.')[2]}: {self.message}")


class LoginAnswer(NamedTuple):
    """The result of a login: `problems` is empty after a success; `server` is the server's version then."""

    problems: tuple[LoginProblem, ...] = ()
    driver: str = ""
    server: str = ""


class NotRun(Exception):
    """Java did not try the login, and why."""


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
    """Try the login; after at most `limit` seconds Java and all its children have ended.  Raises NotRun.

    `login`: the user and its password.  `hidden`: what the answer must not contain beside that password.
    """
    username, password = login
    address = url if isinstance(url, Secret) else Secret(url)
    texts = (driver_class, address.reveal(), username, password.reveal(), query)
    encoded = [text.encode("utf-8", "replace") for text in texts]
    given = b"".join(struct.pack(">i", len(text)) + text for text in encoded)
    with tempfile.TemporaryDirectory(prefix="apimha-jdbc-") as scratch:
        folder = Path(scratch)
        # With a plain name: a colon in a path would end an entry of the class path.
        (folder / "driver.jar").symlink_to(jar.resolve())
        shutil.copyfile(SOURCE, folder / SOURCE.name)
        try:
            output, errors = _run_java(java, folder, given, time.monotonic() + limit)
        except TimeoutError:
            return LoginAnswer((LoginProblem("java.util.concurrent.TimeoutException", message=NO_ANSWER),))
    secrets = [password, *hidden, *([url] if isinstance(url, Secret) else [])]
    return _parse(_masked(output, secrets), _masked(errors, secrets))


def _run_java(java: Java, folder: Path, given: bytes, deadline: float) -> tuple[str, str]:
    """Return what the program prints, compiled here."""

    def run(*command: object) -> tuple[str, str]:
        ended = program.run(
            [str(one) for one in command],
            given=given,  # the input stays open while it runs: Java ends when it is closed
            time_limit=max(0.1, deadline - time.monotonic()),
            most_bytes=MOST,
            environment={key: value for key, value in os.environ.items() if key not in _NOT_FOR_JAVA},
            folder=folder,
        )
        return ended.output.decode("utf-8", "replace"), ended.errors.decode("utf-8", "replace")

    if java.javac is None:
        raise NotRun(f"{java.name} has no compiler (a JDK has one)")
    target: list[str] = []
    # The compiler of another Java needs the version to compile for.
    if java.javac.resolve().parent != java.java.resolve().parent and java.version:
        target = ["-source", str(java.version[0]), "-target", str(java.version[0])]
    try:
        quick = [f"-J{option}" for option in _QUICK]
        _, errors = run(java.javac, *quick, "-nowarn", "-d", folder, *target, SOURCE.name)
    except TimeoutError:
        errors = NO_ANSWER
    if not (folder / f"{SOURCE.stem}.class").exists():
        raise NotRun(f"{java.javac} does not compile the program: {quoted(errors, 200)}")
    return run(java.java, *_QUICK, "-cp", f"{folder}{os.pathsep}{folder}/driver.jar", SOURCE.stem)


def _masked(text: str, secrets: Sequence[Secret]) -> str:
    for plain in (secret.reveal() for secret in secrets):
        for form in filter(None, (plain, quote(plain), quote(plain, safe=""))):
            text = text.replace(form, MASK)
    return text


def _parse(output: str, errors: str) -> LoginAnswer:
    # Not by splitlines(), which treats the separators as line ends.
    lines = output.replace("\r", "").split("\n")
    line = next((line for line in lines if line.startswith(("OK\x1f", "FAILED\x1e"))), None)
    if line is None:
        words = next((line for line in errors.splitlines() if line.strip()), "it printed nothing")
        raise NotRun(quoted(words, 200))
    if line.startswith("OK"):
        _, driver, server = (*line.split("\x1f"), "", "")[:3]
        return LoginAnswer(driver=quoted(driver, 80), server=quoted(server, 80))
    problems = []
    for part in line.split("\x1e")[1:]:
        kind, state, number, message = (*part.split("\x1f", 3), "", "", "", "")[:4]
        problems.append(LoginProblem(kind, state, bounded.number(number) or 0, message))
    return LoginAnswer(tuple(problems))


# --- what it means ------------------------------------------------------------------------------------------


def diagnose(answer: LoginAnswer, jar: DriverJar, java: Java) -> Finding:
    """Return what the exceptions mean.  Source: Connector/J 5.1 and 8, MariaDB's driver, and procedure 2."""
    first, last = answer.problems[0], answer.problems[-1]
    kinds = {problem.kind.rpartition(".")[2] for problem in answer.problems}
    known = _known(answer)
    failed = f"{jar.name} does not log in"
    fix = known.fix if known is not None else "see the driver's message"
    if first.kind == "REFUSED":
        text = f"{jar.name} does not accept a URL that begins with jdbc:mysql:"
        fix = knowledge.BY_ID["driver-url"].fix
    elif any(problem.message == NO_ANSWER for problem in answer.problems):
        text = f"{jar.name} has no answer within {LIMIT:g} s"
        fix = "check whether the server answers, and how busy it is"
    elif known is None and kinds & {"ClassNotFoundException", "NoClassDefFoundError"}:
        text = f"a class is missing: {first.text}"
        fix = "correct mysql.driver_class, or use another driver_jar"
    elif known is None:
        text = f"{failed}: {first.text}"
    elif known.id == "database-gone":
        text = f"{jar.name} does not reach the server: {last.text}"
    elif known.subject in ("driver", "java") and "UnsupportedClassVersionError" in kinds:
        text, fix = f"{jar.name} needs a newer Java than {java.name}", knowledge.BY_ID["driver-java"].fix
    elif known.parameter is not None:
        name, value = known.parameter
        setting = SetField(f"mysql.url_parameters.{name}", value, f'set {name} = "{value}"')
        return finding.error(f"{failed}: {known.cause}", fix=Fix(fix, setting))
    else:
        text = f"{failed}: {known.cause} ({first.text})"
    return finding.error(text, fix=fix)


def _known(answer: LoginAnswer) -> Failure | None:
    """Return the failure that the exceptions or MySQL's numbers mean, by the table that `verify` uses too."""
    texts = [f"{problem.kind}: {problem.message}" for problem in reversed(answer.problems)]
    found = knowledge.recognise(texts, source="jdbc")
    if found is not None and not found.general:
        return found
    numbers = (knowledge.BY_NUMBER.get(problem.number) for problem in answer.problems)
    return next((one for one in numbers if one is not None), found)


# --- the check ----------------------------------------------------------------------------------------------


def findings(
    profile: Profile,
    nodes: Sequence[Node],
    packs: Mapping[str, Pack],
    passwords: Passwords,
    *,
    trusted: bool,
) -> Iterator[Finding]:
    """Yield a finding for each jar and Java that the nodes of this machine use (`mysql.driver`).

    Nothing runs unless the profile is `trusted`: a jar and a Java are programs.  Also called after provisioning,
    before the first file is written.
    """
    tested: dict[tuple[Path, Path | None], list[str]] = {}
    for node in nodes:
        pack = packs.get(node.name)
        jar = jar_of(profile, pack)
        if pack is None:
            yield finding.skipped("the node is on another machine", node=node.name)
        elif jar is None:
            yield finding.skipped(f"no jar holds {profile.mysql.driver_class} yet", node=node.name)
        else:
            tested.setdefault((jar, node.java_home), []).append(node.name)
    if tested and not trusted:
        yield finding.skipped(
            "login with the driver was not tested: it runs only for a profile that you have agreed to",
            fix=finding.AGREE,
        )
        return
    for (path, java_home), names in tested.items():
        yield _tested(profile, passwords, path, java_home)._replace(
            node=names[0] if len(tested) > 1 else None
        )


def jar_of(profile: Profile, pack: Pack | None) -> Path | None:
    """Return the jar that a node will log in with: the profile's, else one in `components/lib` with the class."""
    named = profile.mysql.driver_jar
    jars = [Path(named)] if named is not None else pack.jars(LIB) if pack else []
    return first_with(jars, profile.mysql.driver_class)


def _tested(profile: Profile, passwords: Passwords, path: Path, java_home: Path | None) -> Finding:
    java = find_java(java_home)
    if java is None:
        where = f"in {java_home}" if java_home is not None else "on the PATH"
        return finding.skipped(
            f"login with the driver was not tested: no Java {where}",
            fix="set java_home of the node to the Java that its server runs on",
        )
    try:
        jar = required(path, profile.mysql.driver_class)
    except DriverError as problem:
        return finding.skipped(problem.text, fix=problem.fix)
    try:
        answer = log_in(
            path,
            profile.mysql.driver_class,
            java,
            passwords.url(profile, profile.mysql.databases.user),
            (profile.mysql.username, passwords.mysql),
            query=profile.pool.validation_query,
            hidden=passwords.all(),
        )
    except NotRun as problem:
        return finding.skipped(
            f"login with the driver was not tested: {problem}",
            fix="set java_home of the node to a JDK, or add one to the PATH",
        )
    if answer.problems:
        return diagnose(answer, jar, java)
    return finding.ok(f"login with {jar.name} and {java.name} succeeded (server {answer.server})")
