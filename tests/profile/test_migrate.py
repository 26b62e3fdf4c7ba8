"""Older editions are migrated when they are loaded; comments survive where they can."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.support.profiles import MINIMAL_TEXT
from wizard.profile import problems
from wizard.profile.model import SCHEMA_VERSION
from wizard.profile.store import ProfileError, load

# An edition that never was: it called the account `user` and had no list of nodes.
ZERO = """\
schema_version = 0

[mysql]
host = "10.100.0.10"
user = "apim"
password = { env = "APIM_DB_PASSWORD" }

[node1]
home = "/opt/wso2/analytics-1"
host = "10.100.0.46"

[node2]
home = "/opt/wso2/analytics-2"
host = "10.100.0.47"
"""


INCOMPLETE = "this profile of version 0 is incomplete and cannot be migrated"


def from_zero(tables):
    tables["mysql"]["username"] = tables["mysql"].pop("user")
    tables["nodes"] = [{"name": name, **tables.pop(name)} for name in ("node1", "node2")]


@pytest.fixture
def zero(monkeypatch, tmp_path):
    monkeypatch.setitem(problems.MIGRATIONS, 0, from_zero)
    path = tmp_path / "old.toml"
    path.write_text(ZERO)
    return path


def test_an_older_profile_loads_as_the_same_one(zero, tmp_path):
    (tmp_path / "new.toml").write_text(MINIMAL_TEXT)
    assert load(zero).profile == load(tmp_path / "new.toml").profile
    assert zero.read_text() == ZERO


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ZERO.replace('host = "10.100.0.10"\n', ""), (3, "mysql.host", "required key is missing")),
        (
            "schema_version = 0\n",
            (1, "schema_version", INCOMPLETE),
        ),
        (ZERO.replace("= 0", "= -1"), (1, "schema_version", "unknown version of the format")),
    ],
)
def test_what_is_wrong_with_an_older_profile_is_reported(zero, text, found):
    zero.write_text(text)
    with pytest.raises(ProfileError) as failure:
        load(zero)
    assert found in [(one.line, one.field, one.message) for one in failure.value.mistakes]


def test_steps_follow_each_other(monkeypatch):
    seen = []
    for version in (-2, -1, 0):
        monkeypatch.setitem(
            problems.MIGRATIONS, version, lambda tables: seen.append(tables["schema_version"])
        )
    assert problems.migrated({}, -2) == {"schema_version": SCHEMA_VERSION}
    assert seen == [-2, -1, 0]


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "editions").glob("*.toml")), ids=lambda path: path.stem
)
def test_every_edition_that_was_ever_released_loads(path):
    assert load(path).profile.schema_version == SCHEMA_VERSION
    assert tomllib.loads(path.read_text())["schema_version"] == int(path.stem)


def test_there_is_an_edition_for_every_version():
    editions = {int(path.stem) for path in (Path(__file__).parent / "editions").glob("*.toml")}
    assert editions == set(range(1, SCHEMA_VERSION + 1))
