"""A pair to work on: two copies of a pack, and a profile that fits them."""

from __future__ import annotations

import os
import re
import shutil
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Pair:
    """`env` is the whole environment that a process needs to replay the profile."""

    profile: Path
    homes: list[Path]
    env: dict[str, str] = field(repr=False)


def copy_pack(pack: Path, home: Path) -> Path:
    """A copy of `pack` that may be written, whatever the modes of the original."""
    shutil.copytree(pack, home, symlinks=True)
    for path in [home, *home.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | stat.S_IRUSR | stat.S_IWUSR)
    return home


def driver_jar(path: Path, driver_class: str = "com.mysql.jdbc.Driver") -> Path:
    """A jar that holds an entry for the driver's class, which is all that can be seen without Java."""
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n\r\n")
        jar.writestr("META-INF/services/java.sql.Driver", driver_class + "\n")
        jar.writestr(driver_class.replace(".", "/") + ".class", b"\xca\xfe\xba\xbe\x00\x00\x00\x32")
    return path


def stock_offset(pack: Path) -> int:
    """The offset that the pack comes with."""
    text = (pack / "repository/conf/carbon.xml").read_text("iso-8859-1")
    found = re.search(r"<Offset>(\d+)</Offset>", text)
    assert found, f"{pack} has no offset"
    return int(found[1])


def plain(pack: Path, homes: list[Path], jar: Path) -> dict[str, Any]:
    """The tables of a profile for two homes on this machine whose ports do not clash."""
    return {
        "schema_version": 1,
        "cluster": {"name": "analytics"},
        "mysql": {
            "host": "127.0.0.1",
            "username": "apim",
            "password": {"env": "APIM_DB_PASSWORD"},
            "driver_jar": str(jar),
        },
        "nodes": [
            {
                "name": "node1",
                "home": str(homes[0]),
                "host": "127.0.0.1",
                "hazelcast_port": 4000,
                "event_sync_port": 11224,
                "management_port": 10005,
            },
            {
                "name": "node2",
                "home": str(homes[1]),
                "host": "127.0.0.1",
                "hazelcast_port": 4001,
                "event_sync_port": 11225,
                "management_port": 10006,
                "presentation_port": 11001,
                "port_offset": stock_offset(pack) + 1,
            },
        ],
    }


def merged(base: Any, changes: Any) -> Any:
    """`base` with `changes` laid over it: tables key by key, lists item by item, None removes a key."""
    if isinstance(base, Mapping) and isinstance(changes, Mapping):
        result = {key: value for key, value in base.items() if changes.get(key, value) is not None}
        for key, value in changes.items():
            if value is not None:
                result[key] = merged(base.get(key), value)
        return result
    if isinstance(base, list) and isinstance(changes, list):
        together = [merged(one, other) for one, other in zip(base, changes, strict=False)]
        return together + base[len(changes) :] + changes[len(base) :]
    return changes


def make_pair(pack: Path, folder: Path, **overrides: Any) -> Pair:
    """Two copies of `pack` in `folder`, and `pair.toml` beside them.

    Args:
        pack: the stock pack.
        folder: is made if need be.
        overrides: laid over the profile's tables (see `merged`), such as `mysql={"charset": "latin1"}` or
            `nodes=[{}, {"port_offset": None}]`.
    """
    import tomlkit

    folder.mkdir(parents=True, exist_ok=True)
    homes = [copy_pack(pack, folder / f"analytics-{number}") for number in (1, 2)]
    jar = driver_jar(folder / "mysql-connector-java-5.1.49-bin.jar")
    profile = folder / "pair.toml"
    profile.write_text(tomlkit.dumps(merged(plain(pack, homes, jar), overrides)), "utf-8")
    return Pair(profile, homes, {**os.environ, "APIM_DB_PASSWORD": PASSWORD})
