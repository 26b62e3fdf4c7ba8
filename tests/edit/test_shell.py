"""Variables in shell and batch scripts: what is changed, what is kept, and what a real shell makes of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.edit.settings import BatchScript, ShellScript
from wizard.system.errors import EditError

PACKS = ["apim-analytics-2.0.0", "apim-analytics-2.1.0", "das-3.0.1", "das-3.1.0", "is-analytics-5.3.0"]


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


class TestShell:
    @pytest.mark.parametrize("pack", PACKS)
    def test_a_stock_script_gets_one_line_at_its_end(self, packs: Path, pack: str) -> None:
        stock = (packs / pack / "bin/load-spark-env-vars.sh").read_bytes()
        for source in (stock, stock.rstrip(b"\n")):
            result = set_in(ShellScript, source, "SPARK_LOCAL_IP", "10.0.0.1")
            line = b"export SPARK_LOCAL_IP=10.0.0.1"
            assert result == (source + line + b"\n" if source.endswith(b"\n") else source + b"\n" + line)
            again = ShellScript(result, "script")
            again.set("SPARK_LOCAL_IP", "10.0.0.1")
            assert again.result() is result
            assert again.edits == []
            assert set_in(ShellScript, result, "SPARK_LOCAL_IP", "::1") == result.replace(b"10.0.0.1", b"::1")

    @pytest.mark.parametrize(
        ("line", "changed"),
        [
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
            ("export A=$(echo 1)\nA=2", "export A=$(echo 1)\nA=new"),
        ],
    )
    def test_the_last_live_line_is_changed(self, line: str, changed: str) -> None:
        script = "#!/bin/sh\n# export A=0\n{}\necho done\n"
        result = set_in(ShellScript, script.format(line).encode(), "A", "new")
        assert result == script.format(changed).encode()
        assert environment(result, "A") == "new"

    @pytest.mark.parametrize(
        "lines",
        [
            "A=1",
            "# export A=1",
            "export AB=1",
            "export A=1 B=2",
            "echo export A=1",
            "export A=1 && true",
            "export A=1\\\n23",
            "echo \\\nexport A=1",
            "if false; then\n  export A=1\nfi",
            "if false\nthen\nexport A=1\nfi",
            "for i in 1 2; do\nexport A=$i\ndone",
            "f() {\n  export A=1\n}",
            "cat <<END >/dev/null\nexport A=1\nEND",
            "cat <<-'END' >/dev/null\nexport A=1\n\tEND",
            "(\nexport A=1\n)",
            'export A="1\n2"',
            "export A=$(echo 1)",
            "export A=`echo 1`",
        ],
    )
    def test_a_line_that_is_not_certain_to_run_is_left_alone(self, lines: str) -> None:
        source = f"{lines}\n".encode()
        assert ShellScript(source, "script").get("A") is None
        result = set_in(ShellScript, source, "A", "new")
        assert result == source + b"export A=new\n"
        assert environment(result, "A") == "new"

    def test_one_line_blocks_are_closed_again(self) -> None:
        source = b"if true; then x=1; fi\nfor i in 1; do x=1; done\nf() { x=1; }\nexport A=1\n"
        assert set_in(ShellScript, source, "A", "2") == source.replace(b"A=1", b"A=2")

    @pytest.mark.parametrize("end", ["if true; then", "echo \\", "cat <<END\nx", "f() {"])
    def test_no_line_is_added_where_it_would_not_run(self, end: str) -> None:
        script = ShellScript(end.encode(), "script")
        with pytest.raises(EditError, match="would not run") as refused:
            script.set("A", "1")
        assert refused.value.fix

    @pytest.mark.parametrize(
        "value", ["a b", "$(id)", "`id`", "a;b", "a&b", "a'b", 'a"b', "a\nb", "ä", "a\\", "$A", "*"]
    )
    @pytest.mark.parametrize("kind", [ShellScript, BatchScript])
    def test_a_value_that_a_shell_could_take_for_more_is_refused(
        self, kind: type[ShellScript], value: str
    ) -> None:
        script = kind(b"", "script")
        with pytest.raises(EditError, match="would not take"):
            script.set("A", value)
        assert script.result() == b""

    @pytest.mark.parametrize("name", ["", "1A", "A B", "A=1", "A;id", "Ä"])
    def test_a_name_that_is_none_is_refused(self, name: str) -> None:
        with pytest.raises(EditError, match="not a variable name"):
            ShellScript(b"", "script").set(name, "1")

    def test_an_empty_script_and_line_ends(self) -> None:
        assert set_in(ShellScript, b"", "A", "1") == b"export A=1\n"
        assert set_in(ShellScript, b"x=1\r\n", "A", "1") == b"x=1\r\nexport A=1\r\n"
        assert set_in(ShellScript, b"\xe4=1", "A", "1") == b"\xe4=1\nexport A=1"

    def test_what_is_told(self) -> None:
        script = ShellScript(b"export A=1\n", "script")
        script.set("A", "2")
        script.set("A", "3")
        script.set("DB_PASSWORD", "4")
        assert [edit.description for edit in script.edits] == ["A: 1 → 3", "DB_PASSWORD: (none) → ********"]
        assert (script.get("A"), script.get("B")) == ("3", None)
        script.set("A", "1")
        assert len(script.edits) == 1

    @settings(max_examples=60)
    @given(
        st.lists(
            st.sampled_from(
                [
                    "export A=1",
                    "A=2",
                    "export A",
                    "# export A=3",
                    "export B=4",
                    "",
                    "  export A='5'",
                    "A=6 # c",
                    "x=`id`",
                ]
            ),
            max_size=6,
        ),
        st.booleans(),
    )
    def test_what_is_set_is_what_a_real_shell_sees(self, lines: list[str], is_ended: bool) -> None:
        source = "\n".join(lines).encode() + (b"\n" if is_ended else b"")
        before = ShellScript(source, "script")
        if before.get("A") is not None:
            assert environment(source, "A") == before.get("A")
        result = set_in(ShellScript, source, "A", "10.0.0.1")
        assert environment(result, "A") == "10.0.0.1"
        assert environment(result, "B") == environment(source, "B")
        assert abs(len(result.splitlines()) - len(source.splitlines())) <= 1


class TestBatch:
    @pytest.mark.parametrize("pack", PACKS)
    def test_a_stock_script_gets_one_line_at_its_end(self, packs: Path, pack: str) -> None:
        stock = (packs / pack / "bin/load-spark-env-vars.bat").read_bytes()
        end = b"\r\n" if b"\r\n" in stock else b"\n"  # as in the real scripts
        for source in (stock, stock.rstrip(b"\r\n")):
            result = set_in(BatchScript, source, "SPARK_LOCAL_IP", "10.0.0.1")
            line = b"set SPARK_LOCAL_IP=10.0.0.1"
            assert result == (source + line + end if source.endswith(b"\n") else source + end + line)
            assert set_in(BatchScript, result, "SPARK_LOCAL_IP", "10.0.0.1") is result
            assert set_in(BatchScript, result, "spark_local_ip", "::1") == result.replace(b"10.0.0.1", b"::1")

    @pytest.mark.parametrize(
        ("line", "changed"),
        [
            ("set A=1", "set A=new"),
            ("SET a=1", "SET a=new"),
            ("@set A=1 2", "@set A=new"),
            ('set "A=1 2"', 'set "A=new"'),
            ("  set  A=", "  set  A=new"),
            ("set A=1\r\nrem set A=2", "set A=new\r\nrem set A=2"),
            ("set A=1\r\n:: set A=2\r\n@REM set A=3", "set A=new\r\n:: set A=2\r\n@REM set A=3"),
            ("set A=1\r\nset A=2", "set A=1\r\nset A=new"),
            ('set A="1"', "set A=new"),
        ],
    )
    def test_the_last_live_line_is_changed(self, line: str, changed: str) -> None:
        source = f"@echo off\r\n{line}\r\nset B=%A%\r\n".encode()
        assert set_in(BatchScript, source, "A", "new") == source.replace(line.encode(), changed.encode())

    @pytest.mark.parametrize(
        "lines",
        [
            "rem set A=1",
            "set /a A=1",
            "set AB=1",
            "set A=1 & echo",
            "if x==y (\r\nset A=1\r\n)",
            "echo ^\r\nset A=1",
        ],
    )
    def test_a_line_that_is_not_certain_to_run_is_left_alone(self, lines: str) -> None:
        source = f"{lines}\r\n".encode()
        assert BatchScript(source, "script").get("A") is None
        assert set_in(BatchScript, source, "A", "new") == source + b"set A=new\r\n"

    def test_a_percent_sign_is_doubled(self) -> None:
        result = set_in(BatchScript, b"", "A", "fe80::1%12")
        assert result == b"set A=fe80::1%%12\r\n"
        assert BatchScript(result, "script").get("a") == "fe80::1%12"
        assert set_in(BatchScript, result, "A", "fe80::1%12") is result

    def test_no_line_is_added_inside_of_a_block(self) -> None:
        script = BatchScript(b"if x==y (\r\n", "script")
        with pytest.raises(EditError, match="would not run"):
            script.set("A", "1")


@settings(max_examples=200)
@given(st.binary(max_size=200), st.sampled_from([ShellScript, BatchScript]))
def test_any_bytes_are_edited_or_refused(source: bytes, kind: type[ShellScript]) -> None:
    script = kind(source, "script")
    try:
        script.set("A", "1")
    except EditError:
        assert script.result() is source
        return
    assert kind(script.result(), "script").get("A") == "1"
