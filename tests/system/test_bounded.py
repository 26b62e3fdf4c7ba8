"""The one reader of files: regular files of bounded size, without waiting; what cannot be read is never absent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.support.fuzz import no_hang
from tests.support.limited import memory_below
from tests.support.strangers import put
from wizard.command_line.run.rollback import history
from wizard.pack.home import Pack
from wizard.system import bounded, locations
from wizard.system.bounded import NotAFile, blocks, is_anything, is_file, is_folder, open_regular, read
from wizard.system.errors import EditError, Failed


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "zero", "terminal", "huge"])
def test_anything_but_a_file_of_bounded_size_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    put(tmp_path / "it", kind)
    with no_hang(), memory_below(1_000_000), pytest.raises(NotAFile) as raised:
        read(tmp_path / "it")
    assert raised.value.filename == str(tmp_path / "it")
    assert raised.value.strerror.startswith("is ")


def test_a_pipe_or_a_device_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(bounded.os, "open", lambda *_: pytest.fail("it was opened"))
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(NotAFile):
            open_regular(path)


def test_what_takes_the_place_of_a_file_after_the_look_is_refused_too(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    regular, stat = os.stat(tmp_path / "file"), os.stat
    seen = {"pipe": regular}
    monkeypatch.setattr(bounded.os, "stat", lambda path, **_: seen.get(Path(path).name) or stat(path))
    before = set(os.listdir("/proc/self/fd"))
    with no_hang(), pytest.raises(NotAFile, match="not a regular file"):
        read(tmp_path / "pipe")
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_file_is_read_up_to_the_limit_also_where_it_grows_and_a_link_unless_it_must_not_be(tmp_path):
    path = tmp_path / "growing"
    path.write_bytes(b"x" * 3_000_000)
    (tmp_path / "link").symlink_to(path)
    assert read(tmp_path / "link", 3_000_000) == b"x" * 3_000_000
    for name, most, follow in (("growing", 2_999_999, True), ("link", 3_000_000, False)):
        with pytest.raises(NotAFile):
            read(tmp_path / name, most, follow=follow)
    path.write_bytes(b"x")
    came = 0
    with pytest.raises(NotAFile) as raised, path.open("ab", buffering=0) as writer:
        for block in blocks(path, 10_000):
            came += len(block)
            writer.write(b"y" * 100)
    assert raised.value.errno == errno.EFBIG
    assert came <= 10_000


@pytest.mark.parametrize("path", ["none", "loop", "file/below", "a\0b", "x" * 300])
def test_what_is_not_there_is_an_error_of_the_system(path: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as raised:
        read(tmp_path / path)
    assert raised.value.strerror


def test_a_number_from_outside_is_one_or_none() -> None:
    assert list(map(bounded.number, ("11500", " 007\n", "0"))) == [11500, 7, 0]
    assert not any(map(bounded.number, ("", "-1", "1e3", "²", "٣", "9" * 10, "9" * 5000)))


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
    for asked in (is_file, is_folder, is_anything):
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
