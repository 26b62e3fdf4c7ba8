"""Whether something exists; what cannot be read is an error and never called absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from wizard.command_line.run.rollback import history
from wizard.pack.home import Pack
from wizard.system import locations
from wizard.system.bounded import is_anything, is_file, is_folder
from wizard.system.errors import EditError, Failed

ALL = (is_file, is_folder, is_anything)


@pytest.fixture
def things(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for name in ("to-file", "to-folder", "to-nothing", "loop"):
        (tmp_path / name).symlink_to(name.removeprefix("to-"))
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def test_what_is_there(things: Path) -> None:
    kinds = {is_file: ("file", "to-file"), is_folder: ("folder", "to-folder")}
    kinds[is_anything] = (*kinds[is_file], *kinds[is_folder], "to-nothing", "loop", "pipe")
    names = (*kinds[is_anything], "nothing", "file/below", "x" * 300, "a\0b")
    for asked, expected in kinds.items():
        assert {name for name in names if asked(things / name)} == set(expected)


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


def test_a_history_that_cannot_be_read_is_an_error_and_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert history() == []
    locations.runs().mkdir(parents=True)

    def refused(path: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(Failed, match="Permission denied"):
        history()
