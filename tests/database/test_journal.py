"""What was begun is on disk before anything is created, and removed when it is done."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from wizard.database.failure import Endpoint
from wizard.database.situation import FileJournal
from wizard.system.errors import Failed

HERE = Endpoint("db", 3306)
ODD_NAMES = ("../../etc/passwd", "a/b", "ünï", "x" * 64, "a\nb")


def test_what_is_begun_is_remembered_until_it_is_done(tmp_path: Path) -> None:
    journal = FileJournal(HERE, tmp_path / "j")
    assert journal.begun() == {}
    journal.begin("userdb", created=True)
    journal.begin("regdb", created=False)
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"server": "db:3306"}'), ("d", "7")):
        (tmp_path / "j" / f"{name}.json").write_text(text)  # an unreadable entry is ignored
    assert FileJournal(HERE, tmp_path / "j").begun() == {"userdb": True, "regdb": False}
    for other in (Endpoint("db", 3307), Endpoint("other", 3306)):
        assert FileJournal(other, tmp_path / "j").begun() == {}
    for _ in range(2):  # twice is once
        journal.done("userdb")
        assert journal.begun() == {"regdb": False}


def test_the_default_place_is_the_state_folder(isolated: Path) -> None:
    FileJournal(HERE).begin("userdb", created=True)
    (entry,) = (isolated / "state").rglob("*.json")
    assert json.loads(entry.read_text())["database"] == "userdb"
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o700


def test_a_name_is_never_a_path(tmp_path: Path) -> None:
    journal = FileJournal(HERE, tmp_path / "j")
    for name in ODD_NAMES:
        journal.begin(name, created=False)
    assert journal.begun() == dict.fromkeys(ODD_NAMES, False)
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {tmp_path / "j"}


def test_where_nothing_can_be_written_nothing_may_begin(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Failed, match="cannot be written") as raised:
        FileJournal(HERE, tmp_path / "file" / "j").begin("userdb", created=True)
    assert raised.value.fix


def test_it_is_on_disk_when_begin_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folder and file: the note survives a power cut."""
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    FileJournal(HERE, tmp_path / "j").begin("userdb", created=True)
    assert str(tmp_path) in synced
    assert synced[-1] == str(tmp_path / "j")
    assert any(".json" in path for path in synced)
