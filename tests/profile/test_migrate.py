"""Older editions are migrated when they are loaded; comments survive where they can."""

from __future__ import annotations

import pytest

from tests.support.profiles import MINIMAL_TEXT
from wizard.profile import problems
from wizard.profile.store import ProfileError, load

# An edition that never was: it called the account `user` and had no list of nodes; the one before it, `account`.
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


def from_the_one_before(tables):
    tables["mysql"]["user"] = tables["mysql"].pop("account")


def from_zero(tables):
    tables["mysql"]["username"] = tables["mysql"].pop("user")
    tables["nodes"] = [{"name": name, **tables.pop(name)} for name in ("node1", "node2")]


@pytest.fixture
def zero(monkeypatch, tmp_path):
    monkeypatch.setitem(problems.MIGRATIONS, 0, from_zero)
    monkeypatch.setitem(problems.MIGRATIONS, -1, from_the_one_before)
    path = tmp_path / "old.toml"
    path.write_text(ZERO)
    return path


@pytest.mark.parametrize("text", [ZERO, ZERO.replace("= 0", "= -1").replace("user", "account")])
def test_an_older_profile_loads_as_the_same_one(zero, tmp_path, text):
    zero.write_text(text)
    (tmp_path / "new.toml").write_text(MINIMAL_TEXT)
    assert load(zero).profile == load(tmp_path / "new.toml").profile
    assert zero.read_text() == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ZERO.replace('host = "10.100.0.10"\n', ""), (3, "mysql.host", "required key is missing")),
        ("schema_version = 0\n", (1, "schema_version", INCOMPLETE)),
        (ZERO.replace("= 0", "= -2"), (1, "schema_version", "unknown version of the format")),
    ],
)
def test_what_is_wrong_with_an_older_profile_is_reported(zero, text, found):
    zero.write_text(text)
    with pytest.raises(ProfileError) as failure:
        load(zero)
    assert found in [(one.line, one.field, one.message) for one in failure.value.mistakes]
