"""Profiles of every edition of the format load, migrate and replay to the bytes that they always gave.

`tests/profiles_of_old/N-full.toml` and `N-minimal.toml` are frozen when schema N is released, `bytes.json` holds what
they make of each stock pack.  A change that is meant: `APIMHA_RENEW=1 pytest tests/test_upgrades.py`, and look at the
difference before it is committed.

What the first edition left on disk besides profiles (runs, backups, drafts) has its tests in `test_first_edition.py`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.support import pairs
from tests.support.headless import API_MANAGER_PACKS, PACKS, errors, replayed
from tests.support.pairs import Pair
from tests.support.quick import folder_in_memory
from wizard.profile.fields import keys
from wizard.profile.model import SCHEMA_VERSION
from wizard.profile.store import load
from wizard.transaction.move import hash_of_file

FOLDER = Path(__file__).parent / "profiles_of_old"
BYTES = FOLDER / "bytes.json"
PROFILES = sorted(path.stem for path in FOLDER.glob("*.toml"))
SECRETS = {"OLD_PASSWORD": "pä&ss<w>örd\n€", "OLD_TRUST": "tr&us+t", "OLD_SVN": "s'v\"n"}
IGNORE = ("spark.link", "prerequisites.driver-jar", "prerequisites.java", "ports.clash", "mysql.missing")


@pytest.mark.parametrize("edition", range(1, SCHEMA_VERSION + 1))
def test_each_edition_has_a_whole_and_a_small_profile(edition: int) -> None:
    assert {f"{edition}-full", f"{edition}-minimal"} <= set(PROFILES)


def test_the_full_profiles_of_this_edition_have_every_key() -> None:
    text = "".join(path.read_text("utf-8") for path in FOLDER.glob(f"{SCHEMA_VERSION}-*.toml"))
    missing = [key.key for key in keys().values() if not re.search(rf"^{key.name} = ", text, re.MULTILINE)]
    assert missing == []


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("name", PROFILES)
def test_an_old_profile_does_what_it_always_did(
    name: str, pack: str, packs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    with folder_in_memory() as folder:
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        homes = [pairs.copy_pack(packs / pack, folder / home) for home in ("first", "second")]
        pairs.driver_jar(folder / "driver.jar", "com.mysql.cj.jdbc.Driver")
        profile = folder / "old.toml"
        shutil.copy(FOLDER / f"{name}.toml", profile)
        if pack not in API_MANAGER_PACKS:  # it has no statistics
            profile.write_text(profile.read_text("utf-8").replace('stats = "STATISTICS"\n', ""), "utf-8")

        assert load(str(profile)).profile.schema_version == SCHEMA_VERSION
        result, prepared = replayed(Pair(profile, homes, {}), ignore=IGNORE)
        assert result.outcome == "applied", (result.error, errors(result))
        made = {
            node: {
                change.path: hash_of_file(home / change.path)
                for change in prepared.plan.node(node).pending  # type: ignore[union-attr]
                if change.kind == "edit"
            }
            for node, home in zip((one.name for one in prepared.nodes), homes, strict=True)
        }
    frozen = json.loads(BYTES.read_text("utf-8")) if BYTES.exists() else {}
    if os.environ.get("APIMHA_RENEW"):
        frozen.setdefault(name, {})[pack] = made
        BYTES.write_text(json.dumps(frozen, indent=1, sort_keys=True) + "\n", "utf-8")
    assert made == frozen[name][pack]
