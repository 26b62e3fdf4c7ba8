"""Running a program for its output."""

from __future__ import annotations

import sys
import time

import pytest

from wizard.system import program
from wizard.system.program import ProgramFailed, output_of


def run(*command, time_limit=60.0, most_bytes=1000):
    return output_of(command, time_limit=time_limit, most_bytes=most_bytes)


def python(code, **options):
    return run(sys.executable, "-c", code, **options)


def test_its_output_byte_by_byte_in_many_parts_and_no_more_than_allowed():
    assert python(r"import os; os.write(1, b'\x00\xff\r\n')") == b"\x00\xff\r\n"
    assert python("import os\nfor n in range(50): os.write(1, b'x')\nos.close(1)\n") == b"x" * 50
    assert len(python("print('x' * 9, end='')", most_bytes=9)) == 9
    with pytest.raises(ProgramFailed, match="prints more"):
        python("print('x' * 10, end='')", most_bytes=9)


@pytest.mark.parametrize("stream", [1, 2])
def test_what_prints_without_end_is_ended_and_its_beginning_is_kept(stream):
    code = f"import os\nos.read(0, 2)\nwhile True: os.write({stream}, b'x' * 4096)"
    ended = program.run([sys.executable, "-c", code], given=b"go", time_limit=60, most_bytes=1000)
    assert ended.code == -9
    assert (ended.output, ended.errors)[stream - 1].startswith(b"x" * 1000)
    assert len(ended.output + ended.errors) < 100_000


def test_a_failure_tells_how_it_ended_and_one_that_closes_its_output_and_goes_on_is_ended():
    began = time.monotonic()
    for code, reason in {
        "raise SystemExit(7)": "exit code 7",
        "import os; os.kill(os.getpid(), 9)": "exit code -9",
        "import os, time; os.close(1); time.sleep(600)": r"within 2 s",
    }.items():
        with pytest.raises(ProgramFailed, match=reason):
            python(code, time_limit=2 if "sleep" in code else 60)
    assert time.monotonic() - began < 300


@pytest.mark.parametrize("command", [("/no/such/program",), ("/",), ("a\0b",), ("",)])
def test_what_cannot_be_run(command):
    with pytest.raises(ProgramFailed, match="cannot be run") as failure:
        run(*command)
    assert failure.value.fix
    assert "\0" not in str(failure.value)
