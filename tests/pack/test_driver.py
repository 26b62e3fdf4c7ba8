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


class TestWhatAJarIs:
    def test_a_connector_says_its_kind_and_version(self, tmp_path: Path) -> None:
        found = driver.inspect(
            connector(tmp_path / "c.jar", b"Implementation-Version: 5.1.49\r\n", *CONNECTOR)
        )
        assert (found.kind, found.version) == ("Connector/J", "5.1.49")
        assert found.classes == ("com.mysql.cj.jdbc.Driver", "com.mysql.jdbc.Driver")
        assert found.name == "Connector/J 5.1.49"
        assert found.release == (5, 1, 49)

    def test_mariadbs_driver_has_its_version_in_the_bundle(self, tmp_path: Path) -> None:
        path = connector(tmp_path / "m.jar", b"Bundle-Version: 2.7.6\n", "org/mariadb/jdbc/Driver.class")
        found = driver.inspect(path)
        assert found.name == "MariaDB Connector/J 2.7.6"
        assert not driver.holds_class(path, "com.mysql.jdbc.Driver")

    def test_the_first_section_of_the_manifest_counts_and_lines_go_on(self, tmp_path: Path) -> None:
        manifest = (
            b"Manifest-Version: 1.0\r\nImplementation-Vers\r\n ion: 5.1.\r\n 40\r\n\r\n"
            b"Name: other\r\nImplementation-Version: 9\r\n"
        )
        assert driver.inspect(connector(tmp_path / "c.jar", manifest)).version == "5.1.40"

    def test_without_a_version_nothing_is_claimed(self, tmp_path: Path) -> None:
        found = driver.inspect(connector(tmp_path / "c.jar"))
        assert found.version is None
        assert found.name == "Connector/J (c.jar)"

    def test_another_jar_is_no_driver(self, tmp_path: Path) -> None:
        path = jar(tmp_path / "x.jar", {"org/example/Main.class": b"x"})
        assert not driver.is_mysql_driver(path)
        assert driver.inspect(path).name == "x.jar"

    def test_a_wrong_class_is_answered_with_the_right_one(self, tmp_path: Path) -> None:
        path = connector(tmp_path / "m.jar", b"Bundle-Version: 2.7.6\n", "org/mariadb/jdbc/Driver.class")
        with pytest.raises(DriverError, match="it is MariaDB Connector/J") as raised:
            driver.required(path, "com.mysql.jdbc.Driver")
        assert raised.value.fix is not None
        assert 'driver_class = "org.mariadb.jdbc.Driver"' in raised.value.fix
        assert raised.value.place == str(path)
        assert raised.value.exit_code == 3

    def test_a_jar_that_is_no_driver_at_all(self, tmp_path: Path) -> None:
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

    def test_missing(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "none.jar", "does not exist")

    def test_a_folder(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "is a folder")

    @pytest.mark.parametrize("content", [b"", b"PK", b"hello", b"PK\x05\x06", b"\0" * 70000])
    def test_no_zip(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "x.jar"
        path.write_bytes(content)
        self.refused(path, "not a readable zip file")

    def test_cut_off(self, tmp_path: Path) -> None:
        whole = connector(tmp_path / "c.jar").read_bytes()
        for length in range(len(whole)):
            path = tmp_path / "cut.jar"
            path.write_bytes(whole[:length])
            self.refused(path, "not a readable zip file")

    def test_any_byte_turned_over_gives_an_answer_or_a_clear_error(self, tmp_path: Path) -> None:
        whole = connector(tmp_path / "c.jar", b"Implementation-Version: 5.1.49\n").read_bytes()
        path = tmp_path / "broken.jar"
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            try:
                driver.inspect(path)
            except DriverError as problem:
                assert problem.fix

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

    def test_an_encrypted_manifest_hides_the_version_only(self, tmp_path: Path) -> None:
        whole = bytearray(connector(tmp_path / "c.jar", b"Implementation-Version: 5.1.49\n").read_bytes())
        for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = whole.rfind(signature)
            whole[at + flags] |= 1
        path = tmp_path / "locked.jar"
        path.write_bytes(whole)
        found = driver.inspect(path)
        assert found.version is None
        assert found.is_mysql_driver
