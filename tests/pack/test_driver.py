"""Driver jars are recognised by what is inside them, and no jar, however hostile, costs more than a look."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.limited import memory_below
from wizard.pack import driver
from wizard.pack.driver import DriverError

CONNECTOR = ("com/mysql/jdbc/Driver.class", "com/mysql/cj/jdbc/Driver.class")


def connector(path: Path, manifest: bytes = b"", *classes: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in classes or CONNECTOR[:1]:
            zipped.writestr(name, b"\xca\xfe\xba\xbe")
        if manifest:
            zipped.writestr("META-INF/MANIFEST.MF", manifest)
    return path


# fmt: off
JARS = [
    (b"Implementation-Version: 5.1.49\r\n", CONNECTOR, "Connector/J 5.1.49"),
    (b"Bundle-Version: 2.7.6\n", ("org/mariadb/jdbc/Driver.class",), "MariaDB Connector/J 2.7.6"),
    # The first section counts, and a line goes on after a blank.
    (b"Manifest-Version: 1.0\r\nImplementation-Vers\r\n ion: 5.1.\r\n 40\r\n\r\nName: other\r\nBundle-Version: 9\r\n",
        CONNECTOR[:1], "Connector/J 5.1.40"),
    (b"Bundle-Version: 9\nIMPLEMENTATION-VERSION: 5.1.49-bin\n", CONNECTOR, "Connector/J 5.1.49-bin"),
    (b"", CONNECTOR[:1], "Connector/J (x.jar)"),
    (b"Implementation-Version: 1\n", ("org/example/Main.class",), "x.jar"),
]
# fmt: on


class TestWhatAJarIs:
    @pytest.mark.parametrize(("manifest", "classes", "name"), JARS)
    def test_its_classes_and_its_manifest_say_so(self, tmp_path, manifest, classes, name):
        path = connector(tmp_path / "x.jar", manifest, *classes)
        found = driver.inspect(path)
        assert found.name == name
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
        path = connector(tmp_path / "x.jar", b"", "org/example/Main.class")
        with pytest.raises(DriverError, match=r"does not hold the class com\.mysql\.jdbc\.Driver\n"):
            driver.required(path, "com.mysql.jdbc.Driver")


class TestBadJars:
    def test_what_is_no_zip_or_cut_off(self, tmp_path: Path) -> None:
        whole = connector(tmp_path / "c.jar").read_bytes()
        cut = [whole[:length] for length in range(len(whole))]
        path = tmp_path / "x.jar"
        for content in (None, *cut, b"hello", b"PK\x05\x06", b"\0" * 70000):
            if content is not None:
                path.write_bytes(content)
            why = "does not exist" if content is None else "not a readable zip file"
            with pytest.raises(DriverError, match=why) as raised:
                driver.inspect(path)
            assert raised.value.place == str(path) and raised.value.fix
            assert not driver.is_mysql_driver(path)
        with pytest.raises(DriverError, match="is a folder"):
            driver.inspect(tmp_path)

    def test_a_manifest_that_unpacks_to_gigabytes_is_read_only_at_its_head(self, tmp_path: Path) -> None:
        path = connector(tmp_path / "bomb.jar")
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as zipped:
            with zipped.open("META-INF/MANIFEST.MF", "w", force_zip64=True) as manifest:
                manifest.write(b"Implementation-Version: 5.1.49\n")
                for _ in range(128):
                    manifest.write(b"a" * 1024 * 1024)
        with memory_below(8_000_000):
            assert driver.inspect(path).version == "5.1.49"
