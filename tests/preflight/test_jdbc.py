"""The login with the driver: real jars, real Java 8 and 17, real servers; each refusal recognised with its fix."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import install_servers, listeners, servers
from tests.support.certificates import old_certificate
from tests.support.need import missing
from tests.support.pairs import driver_jar
from tests.support.servers import Server
from wizard.pack.driver import DriverJar, inspect
from wizard.pack.home import LIB, Pack
from wizard.passwords.secret import Secret
from wizard.preflight.jdbc import (
    Java,
    LoginAnswer,
    LoginProblem,
    NotRun,
    diagnose,
    find_java,
    findings,
    log_in,
)
from wizard.profile.jdbc_url import jdbc_url
from wizard.profile.passwords import Passwords
from wizard.profile.store import load
from wizard.system.finding import Finding, SetField

PASSWORD = "p'ö\"\\%; ✓&="
OLD, NEW, MARIA = "com.mysql.jdbc.Driver", "com.mysql.cj.jdbc.Driver", "org.mariadb.jdbc.Driver"


def needed(path: Path) -> Path:
    if not path.exists():
        missing(f"{path} is missing: python -m tests.support.install_servers")
    return path


@pytest.fixture
def connector() -> Path:
    """Connector/J 8.0.33."""
    return needed(install_servers.connector_jar())


@pytest.fixture
def mariadb_driver() -> Path:
    """MariaDB Connector/J 2.7.6."""
    return needed(install_servers.mariadb_jar())


@pytest.fixture
def java() -> Java:
    """The machine's own Java, 11 or later."""
    found = find_java(None)
    if found is None:
        missing("no java on the PATH")
    return found


@pytest.fixture
def java8() -> Java:
    found = find_java(needed(install_servers.java_8()))
    assert found is not None
    return found


@contextmanager
def account(server: Server, database: str = "jdbc-a_b.c") -> Iterator[tuple[str, str]]:
    """A fresh account: MySQL 9 lets one that has logged in once skip the part that needs the key."""
    name = "jd'bc"
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER %s@'%%' IDENTIFIED BY %s", (name, PASSWORD))
        cursor.execute(f"CREATE DATABASE `{database}`")
        cursor.execute(f"GRANT ALL ON `{database.replace('_', chr(92) + '_')}`.* TO %s@'%%'", (name,))
    try:
        yield name, database
    finally:
        server.drop(database)
        server.drop_user(name)


def tried(
    server: Server,
    jar: Path,
    driver_class: str,
    java: Java,
    parameters: dict[str, str],
    *,
    password: str = PASSWORD,
    database: str | None = None,
) -> tuple[LoginAnswer, Finding | None]:
    with account(server) as (name, own):
        url = jdbc_url(server.host, server.port, database or own, parameters)
        answer = log_in(jar, driver_class, java, url, (name, Secret(password)))
    assert password not in repr(answer)
    return answer, diagnose(answer, inspect(jar), java) if answer.problems else None


def accepted(*login: Any) -> LoginAnswer:
    answer, problem = tried(*login)
    assert (answer.problems, problem) == ((), None)
    return answer


class TestSuccess:
    def test_with_a_password_of_every_kind_of_character(
        self, server: Server, connector: Path, java: Java
    ) -> None:
        parameters = {"useSSL": "false", "allowPublicKeyRetrieval": "true"}
        answer = accepted(server, connector, NEW, java, parameters)
        assert {"mysql56": "5.6.24", "mysql9": "9.7", "mariadb": "10.11"}[server.kind] in answer.server

    def test_with_java_8(self, mysql56: Server, connector: Path, java8: Java, java: Java) -> None:
        """And its own compiler, or for a JRE that of another Java."""
        assert java8.version == (8,)
        if java.javac is None:
            missing("the machine's Java has no compiler")
        for one in (java8, Java(java8.java, (8,), java.javac)):
            accepted(mysql56, connector, OLD, one, {"useSSL": "false"})

    def test_with_mariadbs_driver(self, mariadb: Server, mariadb_driver: Path, java: Java) -> None:
        assert accepted(mariadb, mariadb_driver, MARIA, java, {}).driver == "2.7.6"

    def test_over_tls_where_the_server_has_it(self, mysql9: Server, connector: Path, java: Java) -> None:
        accepted(mysql9, connector, NEW, java, {})


class TestFailure:
    @pytest.mark.parametrize(
        ("server", "jar", "driver_class", "parameters", "changes", "message", "fix"),
        [
            ("mysql9", "connector", NEW, {"disabledAuthenticationPlugins": "caching_sha2_password"}, {}, "5.1.46",
             "newer Connector/J"),
            ("mariadb", "connector", OLD, {}, {"password": "wr0ng-one"}, "access denied", ""),
            ("mariadb", "connector", OLD, {}, {"database": "no_such_db"}, "no_such_db", ""),
            ("mariadb", "connector", "com.example.Driver", {}, {}, "", "driver_class"),
            ("mysql9", "connector", OLD, {"useSSL": "false"}, {}, "", "allowPublicKeyRetrieval"),
            ("mysql9", "mariadb_driver", MARIA, {}, {}, "", "allowPublicKeyRetrieval"),
        ],
    )  # fmt: skip
    def test_is_named_with_its_fix(
        self,
        request: pytest.FixtureRequest,
        java: Java,
        server: str,
        jar: str,
        driver_class: str,
        parameters: dict[str, str],
        changes: dict[str, Any],
        message: str,
        fix: str,
    ) -> None:
        """What an old Connector/J lacks is switched off here in a new one."""
        real, path = request.getfixturevalue(server), request.getfixturevalue(jar)
        _, problem = tried(real, path, driver_class, java, parameters, **changes)
        assert problem is not None
        assert message in problem.message and fix in (problem.fix or "")
        if fix == "allowPublicKeyRetrieval":
            assert isinstance(problem.action, SetField)
            assert problem.action[:2] == (f"mysql.url_parameters.{fix}", "true")

    def test_the_tls_of_56(self, connector: Path, java: Java, tmp_path: Path) -> None:
        certificate, key = old_certificate(tmp_path)
        options = [f"--ssl-ca={certificate}", f"--ssl-cert={certificate}", f"--ssl-key={key}"]
        with servers.fresh("mysql56", *options) as old:
            _, problem = tried(old, connector, NEW, java, {})
            assert problem is not None and isinstance(problem.action, SetField)
            assert problem.action[:2] == ("mysql.url_parameters.useSSL", "false")
            accepted(old, connector, NEW, java, {"useSSL": "false"})

    def test_nothing_listens_or_the_url_is_refused(
        self, connector: Path, mariadb_driver: Path, java: Java
    ) -> None:
        nowhere = jdbc_url("127.0.0.1", servers.free_port(), "d", {})
        for jar, driver_class, url, message in [
            (connector, OLD, nowhere, "does not reach the server"),
            (mariadb_driver, MARIA, "jdbc:postgresql://127.0.0.1/d", "does not accept"),
        ]:
            answer = log_in(jar, driver_class, java, url, ("u", Secret("p")))
            assert message in diagnose(answer, inspect(jar), java).message


class TestLimits:
    def test_java_and_its_children_are_killed_at_the_limit(self, tmp_path: Path, connector: Path) -> None:
        """A Java that starts a child and hangs: neither outlives the answer."""
        children = tmp_path / "pids"
        script = f"sleep 600 &\necho $$ $! > {children}.next; mv {children}.next {children}\nwait"
        slow = find_java(java_home(tmp_path / "java", "17.0.1", script, ("java", "javac")))
        assert slow is not None
        for limit in (0.5, 5, 60):  # a busy machine may need more until both are there
            with pytest.raises(NotRun, match="no answer in time"):
                log_in(connector, OLD, slow, "jdbc:mysql://127.0.0.1/d", ("u", Secret("p")), limit=limit)
            if children.exists():
                break
        pids = [int(pid) for pid in children.read_text().split()]
        assert len(pids) == 2
        deadline = time.monotonic() + 60
        while any(map(alive, pids)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not any(map(alive, pids))

    def test_a_server_that_never_answers(self, connector: Path, java: Java) -> None:
        with listeners.listener(listeners.silent) as port:
            url = jdbc_url("127.0.0.1", port, "d", {})
            answer = log_in(connector, OLD, java, url, ("u", Secret("p")), limit=4)
        assert "no answer" in diagnose(answer, inspect(connector), java).message

    def test_the_password_is_in_no_list_of_processes(self, connector: Path, java: Java) -> None:
        """Seen from outside while Java waits for a server that says nothing."""
        seen: list[str] = []

        def watch(connection: Any) -> None:
            seen.append(
                subprocess.run(
                    ["ps", "axww", "-o", "args"], capture_output=True, text=True, check=False
                ).stdout
            )

        with listeners.listener(watch) as port:
            url = Secret(jdbc_url("127.0.0.1", port, "d", {"trustCertificateKeyStorePassword": "s3cret-url"}))
            answer = log_in(connector, OLD, java, url, ("u", Secret("s3cret-pw")), limit=10)
        assert seen and "JdbcLogin" in seen[0]
        assert "s3cret" not in seen[0]
        assert "s3cret" not in repr(answer)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def java_home(
    folder: Path, version: str, script: str = "exit 1", programs: Sequence[str] = ("java",)
) -> Path:
    """A Java home whose programs run that script."""
    (folder / "bin").mkdir(parents=True)
    for name in programs:
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bin" / name).chmod(0o755)
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\n')
    return folder


class TestFindingJava:
    @pytest.mark.parametrize(
        ("folder", "version", "expected"),
        [
            *(
                (".", "1.7.0_80", (7,)),
                (".", "1.8.0_392", (8,)),
                (".", "11.0.2", (11, 0, 2)),
                (".", "21", (21,)),
            ),
            ("jre", "1.8.0_1", (8,)),
        ],
    )
    def test_a_home_or_a_jre_in_it(
        self, tmp_path: Path, folder: str, version: str, expected: tuple[int, ...]
    ) -> None:
        java_home(tmp_path / folder, version)
        found = find_java(tmp_path)
        assert found is not None and found.java == tmp_path / folder / "bin/java"
        assert (found.version, found.name) == (expected, f"Java {expected[0]}")

    def test_nothing_or_no_compiler(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connector: Path
    ) -> None:
        assert find_java(tmp_path) is None
        monkeypatch.setenv("PATH", str(tmp_path))
        assert find_java(None) is None
        found = find_java(java_home(tmp_path, "17.0.1"))
        assert found is not None
        with pytest.raises(NotRun, match="no compiler"):
            log_in(connector, OLD, found, "jdbc:mysql://127.0.0.1/d", ("u", Secret("p")))


JAR = DriverJar(Path("c.jar"), (OLD,), "5.1.40")
JAVA_8 = Java(Path("java"), (8,), None)
SQL = "java.sql.SQLException"


@pytest.mark.parametrize(
    ("kind", "state", "number", "message", "shown"),
    [
        (SQL, "08001", 0, "Unable to load authentication plugin 'caching_sha2_password'.", "too old"),
        (SQL, "08004", 1251, "Client does not support authentication protocol requested by server", "too old"),
        (SQL, "S1000", 0, "Unknown initial character set index '255' received from server.", "too old"),
        (SQL, "HY000", 1193, "Unknown system variable 'query_cache_size'", "too old"),
        ("javax.net.ssl.SSLHandshakeException", "", 0, "No appropriate protocol (protocol is disabled)", "TLS"),
        ("java.lang.UnsupportedClassVersionError", "", 0, "com/mysql/cj/jdbc/Driver : 52.0", "newer Java"),
        (SQL, "01S00", 0, "The server time zone value 'CEST' is unrecognized", "time zone"),
        (SQL, "08004", 1040, "Too many connections", "no more connections"),
        ("java.lang.NullPointerException", "null", 0, "null", "NullPointerException"),
    ],
)  # fmt: skip
def test_other_refusals_are_recognised(kind: str, state: str, number: int, message: str, shown: str) -> None:
    """What Connector/J 5.1 says; those jars are not to be had here."""
    found = diagnose(LoginAnswer((LoginProblem(kind, state, number, message),)), JAR, JAVA_8)
    assert shown in found.message
    assert found.fix


class TestTheCheck:
    @pytest.fixture
    def judge(self, make_pair: Callable[..., Any]) -> Callable[..., list[Finding]]:
        """What the check finds, of a pair with this profile."""

        def judged(
            password: str = "x", here: bool = True, own: Path | None = None, **mysql: Any
        ) -> list[Finding]:
            profile = load(str(make_pair(mysql=mysql).profile)).profile
            packs = {node.name: Pack(Path(node.home)) for node in profile.nodes if here}
            for pack in packs.values() if own is not None else ():
                (pack.path(LIB) / "mysql.jar").write_bytes(own.read_bytes())
            return list(findings(profile, profile.nodes, packs, Passwords(Secret(password)), trusted=True))

        return judged

    def test_one_java_and_one_jar_are_tested_once(
        self, mariadb: Server, connector: Path, java: Java, judge: Callable[..., list[Finding]]
    ) -> None:
        with account(mariadb) as (name, database):
            login = {"host": mariadb.host, "port": mariadb.port, "username": name}
            login |= {"databases": {"user": database}}
            (only,) = judge(PASSWORD, driver_jar=str(connector), **login)
            assert only.status == "ok", only
            assert "Connector/J 8.0.33" in only.message and f"Java {java.version[0]}" in only.message

    def test_a_jar_that_is_in_the_pack_already(
        self, mariadb: Server, connector: Path, judge: Callable[..., list[Finding]]
    ) -> None:
        with account(mariadb) as (name, database):
            login = {"host": mariadb.host, "port": mariadb.port, "username": name}
            found = judge("wrong", own=connector, driver_jar=None, databases={"user": database}, **login)
        assert [(one.status, one.node) for one in found] == [("error", "node1"), ("error", "node2")]

    def test_a_node_that_is_elsewhere_is_skipped(self, judge: Callable[..., list[Finding]]) -> None:
        found = judge(here=False, driver_jar=None)
        assert [(one.status, one.node) for one in found] == [("skipped", "node1"), ("skipped", "node2")]

    def test_without_java_it_is_skipped(
        self, judge: Callable[..., list[Finding]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        (found,) = judge(driver_jar=str(driver_jar(tmp_path / "d.jar")))
        assert found.status == "skipped"
        assert "no Java" in found.message and found.fix

    def test_a_jar_that_cannot_be_loaded(
        self, judge: Callable[..., list[Finding]], java: Java, tmp_path: Path
    ) -> None:
        """A class of eight bytes: Java's error is reported."""
        (found,) = judge(driver_jar=str(driver_jar(tmp_path / "d.jar")))
        assert found.status == "error" and found.fix
