"""Whether something exists; what cannot be read is an error and never called absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from wizard.command_line.run.rollback import history
from wizard.pack.home import Pack
from wizard.system import locations
from wizard.system.errors import EditError, Failed
from wizard.system.presence import is_anything, is_file, is_folder

ALL = (is_file, is_folder, is_anything)


@pytest.fixture
def things(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "to-file").symlink_to("file")
    (tmp_path / "to-folder").symlink_to("folder")
    (tmp_path / "to-nothing").symlink_to("nothing")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("file", (True, False, True)),
        ("folder", (False, True, True)),
        ("to-file", (True, False, True)),
        ("to-folder", (False, True, True)),
        ("to-nothing", (False, False, True)),
        ("loop", (False, False, True)),
        ("pipe", (False, False, True)),
        ("nothing", (False, False, False)),
        ("file/below", (False, False, False)),
        ("x" * 300, (False, False, False)),
        ("a\0b", (False, False, False)),
    ],
    ids=lambda value: value[:12].replace("\0", "0") if isinstance(value, str) else "",
)
def test_what_is_there(things: Path, name: str, expected: tuple[bool, bool, bool]) -> None:
    assert tuple(asked(things / name) for asked in ALL) == expected


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.EPERM, errno.ESTALE])
def test_what_cannot_be_read_is_an_error(things: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    real = os.stat

    def stat(path: object, *words: object, **more: object) -> os.stat_result:
        if isinstance(path, (str, os.PathLike)) and os.fspath(path).endswith("file"):
            raise OSError(code, os.strerror(code), os.fspath(path))
        return real(path, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", stat)
    for asked in ALL:
        with pytest.raises(OSError, match=os.strerror(code)):
            asked(things / "file")
    with pytest.raises(EditError, match="cannot be read") as raised:
        Pack(things).exists("file")
    assert raised.value.place == str(things / "file")


def test_a_history_that_cannot_be_read_is_an_error_and_not_empty(
    isolated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert history() == []
    locations.runs().mkdir(parents=True)

    def refused(path: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(Failed, match="Permission denied"):
        history()
