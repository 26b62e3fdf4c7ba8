"""Driver jars are recognised by what is inside them, and no jar, however hostile, costs more than a look."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from tests.support.memory import memory_below
from wizard.pack import driver
from wizard.pack.driver import DriverError

CONNECTOR = ("com/mysql/jdbc/Driver.class", "com/mysql/cj/jdbc/Driver.class")


def jar(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in entries.items():
            zipped.writestr(name, content)
    return path


def connector(path: Path, manifest: bytes = b"", *classes: str) -> Path:
    entries = dict.fromkeys(classes or CONNECTOR[:1], b"\xca\xfe\xba\xbe")
    if manifest:
        entries["META-INF/MANIFEST.MF"] = manifest
    return jar(path, entries)


# fmt: off
JARS = [
    (b"Implementation-Version: 5.1.49\r\n", CONNECTOR, "Connector/J 5.1.49", (5, 1, 49)),
    (b"Bundle-Version: 2.7.6\n", ("org/mariadb/jdbc/Driver.class",), "MariaDB Connector/J 2.7.6", (2, 7, 6)),
    # The first section counts, and a line goes on after a blank.
    (b"Manifest-Version: 1.0\r\nImplementation-Vers\r\n ion: 5.1.\r\n 40\r\n\r\nName: other\r\nBundle-Version: 9\r\n",
        CONNECTOR[:1], "Connector/J 5.1.40", (5, 1, 40)),
    (b"Bundle-Version: 9\nIMPLEMENTATION-VERSION: 5.1.49-bin\n", CONNECTOR, "Connector/J 5.1.49-bin", (5, 1, 49)),
    (b"", CONNECTOR[:1], "Connector/J (x.jar)", ()),
    (b"Implementation-Version: 1\n", ("org/example/Main.class",), "x.jar", (1,)),
]
# fmt: on


class TestWhatAJarIs:
    @pytest.mark.parametrize(("manifest", "classes", "name", "release"), JARS)
    def test_its_classes_and_its_manifest_say_so(
        self, tmp_path: Path, manifest: bytes, classes: tuple[str, ...], name: str, release: tuple[int, ...]
    ) -> None:
        path = connector(tmp_path / "x.jar", manifest, *classes)
        found = driver.inspect(path)
        assert (found.name, found.release) == (name, release)
        own = sorted(one.removesuffix(".class").replace("/", ".") for one in classes if "Driver" in one)
        assert list(found.classes) == own
        assert driver.is_mysql_driver(path) is bool(own)
        for one in ("com.mysql.jdbc.Driver", "org.mariadb.jdbc.Driver"):
            assert driver.holds_class(path, one) is (one in own)
            assert driver.first_with([tmp_path / "none.jar", path], one) == (path if one in own else None)

    def test_a_wrong_class_is_answered_with_the_right_one(self, tmp_path: Path) -> None:
        path = connector(tmp_path / "m.jar", b"Bundle-Version: 2.7.6\n", "org/mariadb/jdbc/Driver.class")
        with pytest.raises(DriverError, match="it is MariaDB Connector/J") as raised:
            driver.required(path, "com.mysql.jdbc.Driver")
        assert 'driver_class = "org.mariadb.jdbc.Driver"' in (raised.value.fix or "")
        assert (raised.value.place, raised.value.exit_code) == (str(path), 3)
        path = jar(tmp_path / "x.jar", {"org/example/Main.class": b"x"})
        with pytest.raises(DriverError, match=r"does not hold the class com\.mysql\.jdbc\.Driver\n"):
            driver.required(path, "com.mysql.jdbc.Driver")


class TestBadJars:
    def refused(self, path: Path, why: str) -> None:
        with pytest.raises(DriverError, match=why) as raised:
            driver.inspect(path)
        assert raised.value.place == str(path)
        assert raised.value.fix
        assert not driver.is_mysql_driver(path)

    def test_what_is_no_zip_at_all(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "none.jar", "does not exist")
        self.refused(tmp_path, "is a folder")
        for content in (b"", b"PK", b"hello", b"PK\x05\x06", b"\0" * 70000):
            (tmp_path / "x.jar").write_bytes(content)
            self.refused(tmp_path / "x.jar", "not a readable zip file")

    def test_cut_off(self, tmp_path: Path) -> None:
        whole = connector(tmp_path / "c.jar").read_bytes()
        for length in range(len(whole)):
            path = tmp_path / "cut.jar"
            path.write_bytes(whole[:length])
            self.refused(path, "not a readable zip file")

    def test_a_manifest_that_unpacks_to_gigabytes_is_read_only_at_its_head(self, tmp_path: Path) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        squeezed = packer.compress(b"Implementation-Version: 5.1.49\n")
        megabyte = b"a" * 1024 * 1024
        for _ in range(128):
            squeezed += packer.compress(megabyte)
        squeezed += packer.flush()
        path = tmp_path / "bomb.jar"
        path.write_bytes(
            self.stored_as(squeezed, 31 + 128 * 1024 * 1024, b"META-INF/MANIFEST.MF", CONNECTOR[0])
        )
        with memory_below(8_000_000):
            assert driver.inspect(path).version == "5.1.49"

    @staticmethod
    def stored_as(squeezed: bytes, size: int, name: bytes, other: str) -> bytes:
        """A zip with one deflated entry whose content is `squeezed`, and one empty entry."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as zipped:
            zipped.writestr(other, b"")
        plain = buffer.getvalue()
        local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(squeezed), size, len(name), 0)
        first = local + name + squeezed
        end = plain.rfind(b"PK\x05\x06")
        directory = plain.find(b"PK\x01\x02")
        shifted = bytearray(plain[directory:end])
        shifted[42:46] = struct.pack("<L", len(first))
        central = struct.pack(
            "<4s6H3L5H2L",
            *(b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(squeezed), size, len(name), 0, 0, 0, 0, 0, 0),
        )
        both = central + name + bytes(shifted)
        tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(both), len(first) + directory, 0)
        return first + plain[:directory] + both + tail
