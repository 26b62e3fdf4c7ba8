"""A draft is never lost, and never overwrites a profile that was changed meanwhile."""

from __future__ import annotations

import pytest

from tests.support.profiles import MINIMAL_TEXT
from wizard.profile import drafts
from wizard.profile.files import save
from wizard.profile.store import ProfileError, listing, load
from wizard.system import locations
from wizard.system.errors import UsageError

OTHER = MINIMAL_TEXT.replace("10.100.0.10", "10.100.0.11")


def test_a_draft_comes_back_as_it_was_left_also_broken():
    assert drafts.find("prod") is None
    with pytest.raises(UsageError):
        drafts.begin("replay", "")
    draft = drafts.begin("prod", "not toml [")
    drafts.keep(draft)
    assert all(path.stat().st_mode & 0o077 == 0 for path in locations.drafts().iterdir())
    assert drafts.find("prod") == draft
    assert locations.draft("prod").read_text() == "not toml ["
    drafts.keep(draft._replace(text="better"))
    assert drafts.find("prod").text == "better"
    save(MINIMAL_TEXT, draft.target)
    for _ in range(2):
        drafts.discard(draft)
        assert drafts.find("prod") is None
    assert load("prod").text == MINIMAL_TEXT


def test_a_finished_draft_becomes_the_profile_and_is_gone_and_an_unfinished_one_stays():
    draft = drafts.begin("prod", "schema_version = 1\n")
    drafts.keep(draft)
    with pytest.raises(ProfileError):
        drafts.publish(draft)
    assert not locations.profile("prod").exists()
    assert drafts.find("prod") == draft
    drafts.keep(draft._replace(text=MINIMAL_TEXT))
    loaded = drafts.publish(drafts.find("prod"))
    assert loaded.path == locations.profile("prod")
    assert load("prod").profile == loaded.profile
    assert drafts.find("prod") is None
    assert list(locations.drafts().iterdir()) == []


@pytest.mark.parametrize(
    ("before", "meanwhile"), [(MINIMAL_TEXT, "# by hand\n"), (MINIMAL_TEXT, None), (None, "# by hand\n")]
)
def test_a_profile_that_was_changed_removed_or_created_since_is_asked_about(before, meanwhile):
    path = locations.profile("prod")
    path.parent.mkdir(parents=True)
    if before:
        save(before, path)
    drafts.keep(drafts.begin("prod", OTHER))
    assert not drafts.find("prod").conflict()
    path.write_text(meanwhile) if meanwhile else path.unlink()
    again = drafts.find("prod")
    assert again.conflict()
    with pytest.raises(UsageError, match="changed since"):
        drafts.publish(again)
    assert not meanwhile or path.read_text() == meanwhile
    drafts.publish(again, overwrite=True)
    assert path.read_text() == OTHER


def test_a_draft_whose_note_is_lost_is_asked_about():
    save(MINIMAL_TEXT, locations.profile("prod"))
    drafts.keep(drafts.begin("prod", OTHER))
    locations.draft_origin("prod").unlink()
    assert drafts.find("prod").conflict()
    for note in (b"{", b'["x"]', b'{"target": "/other", "sha256": "x"}', b"\xff\xfe{", b"[" * 100_000):
        locations.draft_origin("prod").write_bytes(note)
        found = drafts.find("prod")
        assert found.text == OTHER and found.conflict()


def test_profiles_elsewhere_have_drafts_of_their_own(tmp_path):
    first, second = tmp_path / "a" / "x.toml", tmp_path / "b" / "x.toml"
    for path, text in ((first, "one"), (second, "two")):
        drafts.keep(drafts.begin("x", text, target=path))
    drafts.keep(drafts.begin("x", "named"))
    assert drafts.find("x", target=first).text == "one"
    assert drafts.find("x", target=second).text == "two"
    assert drafts.find("x").text == "named"
    drafts.publish(drafts.find("x", target=first)._replace(text=MINIMAL_TEXT))
    assert first.read_text() == MINIMAL_TEXT
    assert drafts.find("x", target=second).text == "two"


def test_the_list_has_profiles_by_name_then_drafts():
    assert listing() == []
    for name in ("b", "a", "replay", "c d"):
        save("broken =" if name == "a" else MINIMAL_TEXT, locations.profile(name))
    (locations.profiles() / "note.txt").write_text("")
    (locations.profiles() / ".b.toml.123").write_text("")
    (locations.profiles() / "folder.toml").mkdir()
    for name, text in (("b", "x"), ("new", "schema_version = 1\n"), ("whole", MINIMAL_TEXT)):
        drafts.keep(drafts.begin(name, text))
    found = {one.name: one for one in listing()}
    states = ", ".join(f"{name} {one.state}" for name, one in found.items())
    named = "a invalid, b ok, c d invalid, folder invalid, replay invalid"
    assert states == f"{named}, new draft, whole draft"
    hosts = ("10.100.0.46", "10.100.0.47")
    assert (found["b"].cluster, found["b"].hosts, found["b"].error) == ("analytics", hosts, None)
    assert ":1: " in found["a"].error
    assert "mysql.host" in found["new"].error
    assert found["whole"].hosts == hosts
