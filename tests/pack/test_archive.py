"""Zip files of strangers: whatever one holds, it is read in bounded memory or refused with one kind of error."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.limited import memory_below
from wizard.pack import driver
from wizard.pack.archive import Archive, BadArchive
from wizard.pack.driver import DriverError
from wizard.verify.checks import receivers_of

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def made(path: Path, method: int = zipfile.ZIP_DEFLATED, content: bytes = b"<x/>" * 50) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("R/a.xml", content)
        archive.writestr("META-INF/MANIFEST.MF", "Implementation-Version: 5.1.49\n")
        archive.writestr("com/mysql/jdbc/Driver.class", b"\xca\xfe")
    return path


def of_many_entries(path: Path, count: int, *, zip64: bool) -> None:
    name = b"x.xml"
    entry = struct.pack("<4s6H3L5H2L", CENTRAL, 20, 20, *[0] * 7, len(name), *[0] * 6) + name
    size = count * len(entry)
    with path.open("wb") as file:
        for _ in range(count // 1000):
            file.write(entry * 1000)
        if zip64:
            file.write(struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, 0))
            file.write(struct.pack("<4sLQL", b"PK\x06\x07", 0, size, 1))
            size = 0xFFFFFFFF
        file.write(struct.pack("<4s4H2LH", END, 0, 0, 0xFFFF, 0xFFFF, size, 0xFFFFFFFF if zip64 else 0, 0))


@pytest.mark.parametrize("zip64", [False, True])
def test_a_directory_of_a_million_entries_is_refused_before_it_is_parsed(tmp_path: Path, zip64: bool) -> None:
    apps = tmp_path / "repository/deployment/server/carbonapps"
    apps.mkdir(parents=True)
    of_many_entries(apps / "x.car", 1_000_000, zip64=zip64)
    with memory_below(8_000_000):
        with pytest.raises(DriverError, match="directory is too large"):
            driver.inspect(apps / "x.car")
        (unreadable,) = receivers_of(tmp_path).unreadable
    assert "directory is too large" in unreadable.reason


def test_a_zip64_of_ordinary_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jar"
    with zipfile.ZipFile(path, "w") as archive, archive.open("a.xml", "w", force_zip64=True) as member:
        member.write(b"<a/>")
    with Archive(path) as opened:
        assert (opened.head("a.xml", 100), opened.head("a.xml", 2)) == (b"<a/>", b"<a")


def header(local: int, central: int, value: int) -> Callable[[bytearray], None]:
    """A change of one byte of both headers of the first member."""

    def change(data: bytearray) -> None:
        for signature, at in ((LOCAL, local), (CENTRAL, central)):
            data[data.index(signature) + at] = value

    return change


def beyond(data: bytearray) -> None:
    """The first member lies at the end of the largest file that there can be."""
    at = data.index(CENTRAL)
    data[at + 42 : at + 46] = b"\xff" * 4
    length = struct.unpack_from("<H", data, at + 28)[0]
    data[at + 30 : at + 32] = struct.pack("<H", 12)
    data[at + 46 + length : at + 46 + length] = struct.pack("<2HQ", 1, 8, 2**64 - 1)
    end = data.index(END)
    data[end + 12 : end + 16] = struct.pack("<L", struct.unpack_from("<L", data, end + 12)[0] + 12)


BEGIN = 30 + len("R/a.xml")
"""Where the content of the first member begins."""


DAMAGE = {
    "encrypted": header(6, 8, 1),
    "lzma": header(8, 10, zipfile.ZIP_LZMA),
    "bzip2": header(8, 10, zipfile.ZIP_BZIP2),
    "an unknown method": header(8, 10, 99),
    "cut": lambda data: data.__delitem__(slice(BEGIN + 4, data.index(LOCAL, 4))),
    "beyond every file": beyond,
    "at the end": lambda data: struct.pack_into("<L", data, data.index(CENTRAL) + 42, len(data) - 5),
    "garbage": lambda data: data.__setitem__(slice(BEGIN, BEGIN + 8), b"\xff" * 8),
    "another checksum": lambda data: data.__setitem__(data.index(CENTRAL) + 16, 0x77),
    "another name": lambda data: data.__setitem__(30, 0x77),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_member_that_cannot_be_read_is_one_kind_of_error(tmp_path: Path, damage: str) -> None:
    apps = tmp_path / "repository/deployment/server/carbonapps"
    apps.mkdir(parents=True)
    path = made(apps / "x.car")
    data = bytearray(path.read_bytes())
    DAMAGE[damage](data)
    path.write_bytes(data)
    with pytest.raises(BadArchive) as raised, Archive(path) as opened:
        opened.head("R/a.xml", 10_000)
    assert len(str(raised.value)) < 200
    assert [one.path[-5:] for one in receivers_of(tmp_path).unreadable] == ["x.car"]
    assert driver.is_mysql_driver(path) or damage == "cut"
    if damage == "encrypted":  # the manifest too: then the version alone is unknown
        for signature, at in ((LOCAL, 6), (CENTRAL, 8)):
            data[data.index(signature, data.index(signature) + 1) + at] |= 1
        path.write_bytes(data)
        assert (driver.inspect(path).version, driver.is_mysql_driver(path)) == (None, True)


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_of_a_method_without_limits_is_not_inflated(tmp_path: Path, kind: int) -> None:
    path = made(tmp_path / "x.jar", kind, b" " * 50_000_000)
    with memory_below(8_000_000), pytest.raises(BadArchive, match="method"), Archive(path) as opened:
        opened.head("R/a.xml", 100)


def test_no_file_stays_open(tmp_path: Path) -> None:
    (tmp_path / "x.jar").write_bytes(b"PK no zip")
    for _ in range(3000):
        with pytest.raises(BadArchive):
            Archive(tmp_path / "x.jar")
