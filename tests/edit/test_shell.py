"""Variables in shell and batch scripts: what is changed, what is kept, and what a real shell makes of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.headless import PACKS
from wizard.edit.settings import BatchScript, ShellScript
from wizard.system.errors import EditError


def set_in(kind: type[ShellScript] | type[BatchScript], source: bytes, name: str, value: str) -> bytes:
    script = kind(source, "script")
    script.set(name, value)
    return script.result()


def environment(source: bytes, name: str) -> str | None:
    """What the variable is for a program that the script starts, asked of a real `sh`."""
    script = source + b'\nenv | grep "^' + name.encode() + b'=" || true\n'
    done = subprocess.run(
        ["sh"], input=script, capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"}
    )
    lines = done.stdout.decode().splitlines()
    return lines[-1].split("=", 1)[1] if lines and lines[-1].startswith(f"{name}=") else None


Kind = type[ShellScript] | type[BatchScript]
KINDS: dict[Kind, tuple[str, str, bytes]] = {
    ShellScript: ("bin/load-spark-env-vars.sh", "export A=new", b"export SPARK_LOCAL_IP=10.0.0.1"),
    BatchScript: ("bin/load-spark-env-vars.bat", "set A=new", b"set SPARK_LOCAL_IP=10.0.0.1"),
}
"""The pack's script of that kind, and the lines that are added to it."""

CHANGED = [
    ("export A=1", "export A=new"),
    ("  export  A=1  # why", "  export  A=new  # why"),
    ('export A="1 2"', 'export A="new"'),
    ("export A='1'", "export A='new'"),
    ("export A=", "export A=new"),
    ("export A=1;", "export A=new;"),
    ("export A=1#2", "export A=new"),
    ("export A=$B/c", "export A=new"),
    ("A=1\nexport A", "A=new\nexport A"),
    ("export B A\nA=1", "export B A\nA=new"),
    ("export A=1\nA=2", "export A=1\nA=new"),
    ("export A=1\nexport A=2", "export A=1\nexport A=new"),
    ("export A=1\n#export A=2", "export A=new\n#export A=2"),
    ("export A=1\nBA=$(echo 2)\n# \\\n#A=3", "export A=new\nBA=$(echo 2)\n# \\\n#A=3"),
    ("export A=$(echo 1)\nA=2", "export A=$(echo 1)\nA=new"),
    ("echo \\\n# x\nexport A=1", "echo \\\n# x\nexport A=new"),
]
CHANGED_BATCH = [
    ("set A=1", "set A=new"),
    ("SET a=1", "SET a=new"),
    ("@set A=1 2", "@set A=new"),
    ('set "A=1 2"', 'set "A=new"'),
    ("  set  A=", "  set  A=new"),
    ("set A=1\r\nrem set A=2", "set A=new\r\nrem set A=2"),
    ("set A=1\r\n:: set A=2\r\n@REM set A=3", "set A=new\r\n:: set A=2\r\n@REM set A=3"),
    ("set A=1\r\nset A=2", "set A=1\r\nset A=new"),
    ('set A="1"', "set A=new"),
]
LEFT_ALONE = (
    *("A=1", "# export A=1", "export AB=1", "export A=1 B=2", "echo export A=1", "export A=1 && true"),
    *("export A=1\\\n23", "echo \\\nexport A=1", "if false; then\n  export A=1\nfi"),
    *("if false\nthen\nexport A=1\nfi", "for i in 1 2; do\nexport A=$i\ndone", "f() {\n  export A=1\n}"),
    *("cat <<END >/dev/null\nexport A=1\nEND", "cat <<-'END' >/dev/null\nexport A=1\n\tEND"),
    *("export A=1\nexport A=$(echo 2)", "export A=1\nif true; then\n  A=2\nfi", "export A=1\nunset B A"),
    *("(\nexport A=1\n)", 'export A="1\n2"', "export A=$(echo 1)", "export A=`echo 1`"),
)
LEFT_ALONE_BATCH = (
    *("rem set A=1", "set /a A=1", "set AB=1", "set A=1 & echo", "if x==y (\r\nset A=1\r\n)"),
    *("echo ^\r\nset A=1", "set A=1\r\nif x==y set a=2", "set A=1\r\nset /p A=?"),
)
NOT_TAKEN = ("a b", "$(id)", "`id`", "a;b", "a&b", "a'b", 'a"b', "a\nb", "ä", "a\\", "$A", "*")
NOT_NAMES = ("", "1A", "A B", "A=1", "A;id", "Ä")


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_stock_script_gets_one_line_at_its_end(packs: Path, pack: str, kind: Kind) -> None:
    file, _, line = KINDS[kind]
    stock = (packs / pack / file).read_bytes()
    end = b"\r\n" if b"\r\n" in stock else b"\n"  # of the batch files, as in the real scripts
    for source in (stock, stock.rstrip(b"\r\n")):
        result = set_in(kind, source, "SPARK_LOCAL_IP", "10.0.0.1")
        assert result == (source + line + end if source.endswith(b"\n") else source + end + line)
        assert set_in(kind, result, "SPARK_LOCAL_IP", "10.0.0.1") is result
        name = "spark_local_ip" if kind is BatchScript else "SPARK_LOCAL_IP"
        assert set_in(kind, result, name, "::1") == result.replace(b"10.0.0.1", b"::1")


@pytest.mark.parametrize(("line", "changed"), CHANGED)
def test_the_last_live_line_is_changed(line: str, changed: str) -> None:
    script = "#!/bin/sh\n# export A=0\n{}\necho done\n"
    result = set_in(ShellScript, script.format(line).encode(), "A", "new")
    assert result == script.format(changed).encode()
    assert environment(result, "A") == "new"


@pytest.mark.parametrize(("line", "changed"), CHANGED_BATCH)
def test_the_last_live_line_of_a_batch_file_is_changed(line: str, changed: str) -> None:
    source = f"@echo off\r\n{line}\r\nset B=%A%\r\n".encode()
    assert set_in(BatchScript, source, "A", "new") == source.replace(line.encode(), changed.encode())


@pytest.mark.parametrize(
    ("kind", "lines"),
    [(ShellScript, one) for one in LEFT_ALONE] + [(BatchScript, one) for one in LEFT_ALONE_BATCH],
)
def test_a_line_that_is_not_certain_to_run_is_left_alone(kind: Kind, lines: str) -> None:
    end = "\r\n" if kind is BatchScript else "\n"
    source = f"{lines}{end}".encode()
    assert kind(source, "script").get("A") is None
    result = set_in(kind, source, "A", "new")
    assert result == source + f"{KINDS[kind][1]}{end}".encode()
    assert kind is BatchScript or environment(result, "A") == "new"


def test_one_line_blocks_are_closed_again() -> None:
    source = b"if true; then x=1; fi\nfor i in 1; do x=1; done\nf() { x=1; }\nexport A=1\n"
    assert set_in(ShellScript, source, "A", "2") == source.replace(b"A=1", b"A=2")


@pytest.mark.parametrize(
    ("kind", "source", "name", "value", "message"),
    [
        *(
            (ShellScript, source, "A", "1", "would not run")
            for source in ("if true; then", "echo \\", "cat <<END\nx", "f() {")
        ),
        (BatchScript, "if x==y (\r\n", "A", "1", "would not run"),
        *((kind, "", "A", value, "would not take") for value in NOT_TAKEN for kind in KINDS),
        *((ShellScript, "", name, "1", "would not run") for name in NOT_NAMES),
    ],
)
def test_a_line_that_would_not_say_the_same_is_refused(
    kind: Kind, source: str, name: str, value: str, message: str
) -> None:
    script = kind(source.encode(), "script")
    with pytest.raises(EditError, match=message) as refused:
        script.set(name, value)
    assert refused.value.fix
    assert script.result() == source.encode()


@pytest.mark.parametrize(
    ("kind", "source", "value", "result"),
    [
        (ShellScript, b"", "1", b"export A=1\n"),
        (ShellScript, b"x=1\r\n", "1", b"x=1\r\nexport A=1\r\n"),
        (ShellScript, b"\xe4=1", "1", b"\xe4=1\nexport A=1"),
        (BatchScript, b"", "fe80::1%12", b"set A=fe80::1%%12\r\n"),
    ],
)
def test_a_new_line_has_the_file_s_line_end_and_reads_as_it_was_set(
    kind: Kind, source: bytes, value: str, result: bytes
) -> None:
    assert set_in(kind, source, "A", value) == result
    assert kind(result, "script").get("a" if kind is BatchScript else "A") == value
    assert set_in(kind, result, "A", value) is result


def test_what_changes_is_said_with_its_line() -> None:
    script = ShellScript(b"\nexport A=1\n", "script")
    for name, value in (("A", "2"), ("A", "3"), ("DB_PASSWORD", "4")):
        script.set(name, value)
    said = [(edit.number, edit.text) for edit in script.edits]
    assert said == [(2, "A: 1 → 3"), (3, "DB_PASSWORD: (none) → ********")]
    assert (script.get("A"), script.get("B")) == ("3", None)
    script.set("A", "1")
    assert len(script.edits) == 1


LINES = (
    *("export A=1", "A=2", "export A", "# export A=3", "export B=4", "", "  export A='5'", "A=6 # c"),
    *(
        "x=`id`",
        "export A=$(echo 7)",
        "export A=8 B=9",
        "if true; then A=10; fi",
        "unset B A",
        "echo $A >/dev/null",
    ),
)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(LINES), max_size=6), st.booleans())
def test_what_is_set_is_what_a_real_shell_sees(lines: list[str], is_ended: bool) -> None:
    source = "\n".join(lines).encode() + (b"\n" if is_ended else b"")
    before = ShellScript(source, "script")
    if before.get("A") is not None:
        assert environment(source, "A") == before.get("A")
    result = set_in(ShellScript, source, "A", "10.0.0.1")
    assert environment(result, "A") == "10.0.0.1"
    assert environment(result, "B") == environment(source, "B")
    assert abs(len(result.splitlines()) - len(source.splitlines())) <= 1


@settings(max_examples=200)
@given(st.binary(max_size=200), st.sampled_from([ShellScript, BatchScript]))
def test_any_bytes_are_edited_or_refused(source: bytes, kind: Kind) -> None:
    script = kind(source, "script")
    try:
        script.set("A", "1")
    except EditError:
        assert script.result() is source
        return
    assert kind(script.result(), "script").get("A") == "1"
