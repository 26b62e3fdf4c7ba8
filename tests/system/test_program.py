"""Running a program for its output."""

from __future__ import annotations

import sys

import pytest

from wizard.system import program


@pytest.mark.parametrize("stream", [1, 2])
def test_what_prints_without_end_is_ended_and_its_beginning_is_kept(stream):
    code = f"import os\nos.read(0, 2)\nwhile True: os.write({stream}, b'x' * 4096)"
    ended = program.run([sys.executable, "-c", code], given=b"go", time_limit=60, most_bytes=1000)
    assert ended.code == -9
    assert (ended.output, ended.errors)[stream - 1].startswith(b"x" * 1000)
    assert len(ended.output + ended.errors) < 100_000


def test_its_output_byte_by_byte_in_many_parts():
    for code, printed in {
        r"os.write(1, b'\x00\xff\r\n')": b"\x00\xff\r\n",
        "[os.write(1, b'x') for _ in range(50)]; os.close(1)": b"x" * 50,
    }.items():
        command = [sys.executable, "-c", f"import os; {code}"]
        assert program.run(command, time_limit=60, most_bytes=50) == (0, printed, b"")
