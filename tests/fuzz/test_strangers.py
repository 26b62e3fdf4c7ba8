"""A stranger's profile and packs, by hand: each trick that somebody thought of, and what the program does about it."""

from __future__ import annotations

import os
import re
import sys

import pytest

from tests.support.cli import ROOT
from tests.support.fuzz import no_hang
from tests.support.headless import (
    ANALYTICS,
    AXIS2,
    EVENT_PROCESSOR,
    LIB,
    MASTER,
    SPARK,
    SPARK_BAT,
    SPARK_SH,
    XML_FILES,
    errors,
    properties,
    text,
)  # fmt: skip
from tests.support.need import need
from tests.support.programs import must
from tests.support.strangers import World
from wizard.command_line.run import from_homes
from wizard.command_line.run import replay as headless
from wizard.command_line.run.replay import Options, Result
from wizard.command_line.text import diff_lines
from wizard.passwords.resolver import Resolver
from wizard.profile.store import load
from wizard.system.errors import Cancel, WizardError


def refused(result: Result | WizardError) -> str:
    """Why nothing was written."""
    if isinstance(result, WizardError):
        assert result.exit_code in {2, 3}
        return str(result)
    assert result.exit_code == 3, result
    return "\n".join(message for _, _, message in errors(result))


# --- profiles -----------------------------------------------------------------------------------------------


def test_one_home_by_two_names_and_a_home_inside_the_other_are_refused(world: World) -> None:
    first, second = world.homes
    (world.folder / "alias").symlink_to(first)
    inner = second.rename(first / "repository/second")
    others = {f"{first}/bin/..": "one home", f"{world.folder}/alias": "one home", f"{first}/./": "one home"}
    for other, word in {**others, str(inner): "inside the other"}.items():
        assert word in refused(world.run(world.profile(nodes=[{}, {"home": other}])))


def test_a_new_file_that_both_would_write_is_refused(world: World) -> None:
    (world.homes[0] / LIB / world.jar.name).symlink_to(world.homes[1] / LIB / world.jar.name)
    assert "both nodes would write" in refused(world.run(world.profile()))


@pytest.mark.parametrize("home", ["/", "/dev/zero", "/proc", "/nonexistent", "/etc/passwd", "."])
def test_a_home_that_is_none_is_refused(world: World, home: str) -> None:
    with no_hang():
        assert refused(world.run(world.profile(nodes=[{"home": home}])))


def test_values_stay_values(world: World) -> None:
    """What looks like XML, a shell or another key in a value ends up as that value, in a file that still parses."""
    evil = "</Property><evil a='&x;'>]]> $(touch x) `x` %PATH% \\u0041 <!-- "
    result = world.run(
        world.profile(
            cluster={"domain": evil.strip()},
            mysql={"username": "a'b\"<c>&d", "databases": {"event_store": "x`; DROP DATABASE y; --"}},
            event_processor={"persistence_location": "../../../../etc"},
            datasources={"processed_data_store": "']/../*[name='"},
        )
    )
    assert isinstance(result, Result)
    assert result.outcome == "applied", errors(result)
    home = world.homes[0]
    assert text(home, AXIS2, "//clustering[@class]/parameter[@name='domain']") == evil.strip()
    location = text(home, EVENT_PROCESSOR, "//mode[@name='HA']//property[@key='persistenceLocation']")
    assert location == "../../../../etc"
    names = "//datasource/name[. = \"']/../*[name='\"]"
    assert text(home, ANALYTICS, names) == "']/../*[name='"
    assert properties(home)["carbon.spark.master"] == "local"
    assert sorted(path.name for path in world.outside.iterdir()) == ["driver.jar", "folder", "secret"]


# --- packs --------------------------------------------------------------------------------------------------


def test_a_file_of_the_system_in_place_of_an_xml_file_is_not_quoted(world: World) -> None:
    for file in XML_FILES:
        world.fresh()
        world.put(file, "secret")
        told = refused(world.run(world.profile()))
        assert "root:x" not in told


def _many(count: int, line: str) -> bytes:
    return "".join(line.format(number) for number in range(count)).encode()


LARGE = {
    "many properties": (SPARK, b"", _many(15_000, "spark.x{}.port 1\n")),
    "a property that goes on and on": (SPARK, b"", b"\nspark.x " + b"\\\n" * 50_000),
    "a property and blanks": (SPARK, b"", b"\nspark.x 1" + b" " * 300_000 + b"\n"),
    "many exports": (SPARK_SH, b"", b"\n" + _many(15_000, "export A{}=1\n")),
    "many exports, and lines that set nothing": (SPARK_SH, b"", _many(9_000, "export A{0}=1\nx{0}\n")),
    "an export and blanks": (SPARK_SH, b"", b"\nexport A=1" + b" " * 300_000 + b"x\n"),
    "many here-documents": (SPARK_SH, b"", b"\n" + b"cat <<A\n" * 20_000),
    "many sets": (SPARK_BAT, b"", b"\r\n" + _many(15_000, "set A{}=1\r\n")),
    "blanks in a batch file": (SPARK_BAT, b"", b"\r\n" + b" " * 300_000 + b"x\r\n"),
    "many elements": (AXIS2, b"</axisconfig>", _many(60_000, "<x{0}/>")),
    "many members": (AXIS2, b"</members>", _many(1_000, "<member><hostName>h{}</hostName></member>")),
    "very deep": (AXIS2, b"</axisconfig>", b"<a>" * 200_000),
    "many comments": (AXIS2, b"</axisconfig>", b"<!-- x -->" * 100_000),
    "many attributes": (AXIS2, b"</axisconfig>", b"<x " + _many(30_000, 'a{0}="" ') + b"/>"),
    "many datasources": (
        MASTER,
        b"</datasources>",
        _many(5_000, "<datasource><name>n{}</name></datasource>"),
    ),
    "passwords that never end": (MASTER, b"", b"<!-- " + b"<password>" * 60_000 + b" -->"),
    "named ones that never end": (MASTER, b"", b"<!-- " + b"<x name='password'>" * 30_000 + b" -->"),
    "empty lines": (MASTER, b"", b"<!-- " + b"\n" * 200_000 + b" -->"),
}
"""Where, before what (at the end if nothing), and what."""


@pytest.mark.parametrize("what", LARGE)
def test_files_with_very_much_in_them_take_no_time_without_end(world: World, what: str) -> None:
    file, before, much = LARGE[what]
    path = world.homes[0] / file
    content = path.read_bytes()
    at = content.index(before) if before else len(content)
    path.write_bytes(content[:at] + much + content[at:])
    address = {"spark_local_ip": "127.0.0.1"}
    profile = world.profile(spark={"master_count": 3}, nodes=[address, address])
    with no_hang():
        options = Options(offline=True, dry_run=True, ignore=("ports.clash",))
        _, prepared = headless.replay(load(str(profile)), options, Resolver(), cancel=Cancel())
        assert all(isinstance(line, str) for line in diff_lines(prepared.plan, prepared.masker()))
        from_homes.read((world.homes[0], world.homes[1]))


# --- what the system sees -------------------------------------------------------------------------------------

CALLS = (
    "openat open creat rename renameat renameat2 unlink unlinkat mkdir mkdirat rmdir link linkat symlink symlinkat "
    "chmod fchmodat chown fchownat truncate mknod mknodat utimensat setxattr execve"
)
WRITES = re.compile(rf"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND| ({CALLS.replace(' ', '|')})\(")
HARMLESS = re.compile(r'"/dev/(null|tty)"|O_RDONLY|execve\(')


@pytest.mark.parametrize(
    "command",
    [["check", "--offline"], ["replay", "--dry-run", "--offline"], ["check", "--offline", "--json"]],
)
def test_looking_opens_nothing_for_writing_and_starts_nothing(world, tmp_path, command):
    need("strace")
    trace = tmp_path / "trace"
    mark = world.outside / "executed"
    profile = world.profile(mysql={"password": {"env": None, "command": ["touch", str(mark)]}})
    strace = ["strace", "-f", "-qq", "-e", f"trace={CALLS.replace(' ', ',')}", "-o", str(trace)]
    program = (sys.executable, "-m", "wizard", command[0], profile, *command[1:])
    must(*strace, *program, code=3, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, cwd=ROOT)
    lines = [line for line in trace.read_text("utf-8", "replace").splitlines() if "= -1 " not in line]
    assert len(lines) > 100
    written = [line for line in lines if WRITES.search(line)]
    assert [line for line in written if not HARMLESS.search(line) or "O_CREAT" in line] == []
    assert sum("execve(" in line for line in lines) == 1
    assert not mark.exists()
