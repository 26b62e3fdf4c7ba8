"""Which profiles may run something: the user's own, what this program wrote, and what the user agreed to."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.profiles import MINIMAL_TEXT
from wizard.profile import drafts, trust
from wizard.profile.files import save
from wizard.profile.store import load
from wizard.system import locations

TEXT = MINIMAL_TEXT
OTHER = TEXT + "# other\n"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    path = tmp_path / "clone" / "pair.toml"
    save(TEXT, path)
    return path


@pytest.fixture
def own() -> Path:
    path = locations.profile("own")
    save(TEXT, path)
    return path


def records() -> list[Path]:
    return sorted(locations.agreements().iterdir())


class TestTheUsersOwnFolder:
    def test_every_profile_in_it_is_trusted_also_one_that_is_not_saved_yet(self, own, tmp_path):
        assert load("own").is_agreed
        assert trust.is_agreed(own, OTHER)
        assert trust.is_agreed(locations.profile("new"), TEXT)
        locations.profile("alias").symlink_to("own.toml")
        assert load("alias").is_agreed
        trust.note_written(own, TEXT)
        assert not locations.agreements().exists(), "needs no record"
        drafts.keep(drafts.begin("new", TEXT))
        found = drafts.find("new")
        assert found is not None and found.trusted and drafts.publish(found).is_agreed
        folder = locations.profiles()
        folder.rename(tmp_path / "dotfiles")
        folder.symlink_to(tmp_path / "dotfiles")
        assert load("own").is_agreed
        assert trust.is_agreed(tmp_path / "dotfiles" / "own.toml", TEXT), "the folder may be a link"

    def test_links_out_of_it_or_into_it_and_folders_in_it_are_not(self, own: Path, elsewhere: Path) -> None:
        """Relative paths count from the folder of the link."""
        locations.profile("linked").symlink_to(elsewhere)
        link, inner = elsewhere.with_name("linked.toml"), own.parent / "clone" / "pair.toml"
        link.symlink_to(own)
        save(TEXT, inner)
        assert not any(load(path).is_agreed for path in ("linked", link, inner))
        (own.parent / "a.toml").symlink_to("b.toml")
        (own.parent / "b.toml").symlink_to("a.toml")
        assert not trust.is_agreed(own.parent / "a.toml", TEXT), "a circle"

    def test_a_file_that_others_can_write_is_not(self, own: Path) -> None:
        own.chmod(0o666)
        assert not load("own").is_agreed
        own.chmod(0o600)
        assert load("own").is_agreed
        _other_user(own)
        assert not load("own").is_agreed


class TestAnAgreement:
    def test_counts_for_this_content_at_any_path_and_for_no_other(self, elsewhere: Path) -> None:
        assert not load(elsewhere).is_agreed
        trust.allow(elsewhere, TEXT)
        assert load(elsewhere).is_agreed
        copy = elsewhere.parent.parent / "copy.toml"
        save(TEXT, copy)
        assert load(copy).is_agreed
        save(TEXT.replace("h", "g", 1), copy)
        assert not trust.is_agreed(copy, copy.read_text())
        save(OTHER, elsewhere)
        loaded = load(elsewhere)
        save(TEXT, elsewhere)
        assert not loaded.is_agreed, "it is about what was loaded, not about what the file holds by now"
        assert load(elsewhere).is_agreed

    def test_is_kept_for_the_user_alone(self, elsewhere: Path) -> None:
        before = os.umask(0)
        try:
            trust.allow(elsewhere, TEXT)
        finally:
            os.umask(before)
        (file,) = records()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(locations.agreements().stat().st_mode) == 0o700
        (one,) = trust.agreements()
        assert (one.path, one.how) == (str(elsewhere), "allowed")

    @pytest.mark.parametrize("how", ["path", "copy", "gone"])
    def test_can_be_revoked(self, elsewhere: Path, how: str) -> None:
        trust.allow(elsewhere, TEXT)
        trust.allow(elsewhere, OTHER)
        if how == "copy":
            assert trust.revoke(elsewhere.with_name("copy.toml"), TEXT)
            assert trust.is_agreed(elsewhere, OTHER)
        else:
            assert len(trust.revoke(elsewhere, TEXT if how == "path" else None)) == 2
            assert not trust.is_agreed(elsewhere, OTHER)
        assert not trust.is_agreed(elsewhere, TEXT)
        assert trust.revoke(elsewhere.with_name("never.toml"), "x") == []

    def test_that_cannot_be_recorded_is_an_error(self, elsewhere: Path) -> None:
        save("", locations.agreements())
        with pytest.raises(OSError):
            trust.allow(elsewhere, TEXT)
        assert not load(elsewhere).is_agreed
        trust.note_written(elsewhere, TEXT)  # the user is asked instead
        assert trust.agreements() == []


class TestWhatThisProgramWrote:
    def test_is_trusted_at_its_place_while_it_is_not_changed(self, elsewhere: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(elsewhere.parent)
        for text in (OTHER, TEXT):
            trust.note_written(tmp_path / "link" / elsewhere.name, text)
        assert len(records()) == 1, "the newest content of a path"
        assert load(elsewhere).is_agreed
        copy = elsewhere.parent.parent / elsewhere.name
        save(TEXT, copy)
        assert not load(copy).is_agreed
        copy.unlink()
        copy.symlink_to(elsewhere)
        assert not load(copy).is_agreed
        save(OTHER, elsewhere)
        assert not load(elsewhere).is_agreed


def _other_user(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(file, 4711, -1)


def changed(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


SPOIL = {
    "half": lambda file: file.write_bytes(file.read_bytes()[:40]),
    "not UTF-8": lambda file: file.write_bytes(b"\xff" + file.read_bytes()),
    "deep": lambda file: file.write_text("[" * 60_000),
    "no object": lambda file: file.write_text("null"),
    "no word": lambda file: changed(file, how=1),
    "another content": lambda file: changed(file, sha256="0" * 64),
    "open to others": lambda file: file.chmod(0o622),
    "of another user": _other_user,
    "a link": lambda file: file.symlink_to(file.rename(file.with_suffix(".moved"))),
    "a pipe": lambda file: (file.unlink(), os.mkfifo(file)),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_a_record_that_is_broken_or_not_the_users_own_is_none(elsewhere: Path, spoil) -> None:
    with ThreadPoolExecutor(16) as pool:  # writers at the same time lose nothing
        list(pool.map(lambda text: trust.allow(elsewhere, text), [TEXT, OTHER] * 20))
    assert len(records()) == 2
    (file,) = (one for one in records() if one.name.startswith(trust.digest(TEXT)))
    spoil(file)
    assert not trust.is_agreed(elsewhere, TEXT)
    assert trust.is_agreed(elsewhere, OTHER)
    assert [one.sha256 for one in trust.agreements()] == [trust.digest(OTHER)]
    if not file.is_dir():
        trust.allow(elsewhere, TEXT)
        assert trust.is_agreed(elsewhere, TEXT)
        assert not file.is_symlink()


class TestADraft:
    """What the wizard saves: it makes nothing trusted, and takes no trust away."""

    @staticmethod
    def again(path: Path) -> drafts.Draft:
        found = drafts.find(path.stem, target=path)
        assert found is not None
        return found

    @pytest.mark.parametrize("agreed", [False, True])
    def test_becomes_what_it_was_begun_from(self, elsewhere: Path, *, agreed: bool) -> None:
        if agreed:
            trust.allow(elsewhere, TEXT)
        draft = drafts.of_file(elsewhere, TEXT)
        drafts.keep(draft._replace(text=OTHER))
        assert drafts.publish(self.again(elsewhere)).is_agreed is agreed
        assert load(elsewhere).is_agreed is agreed
        assert not trust.is_agreed(elsewhere.with_name("copy.toml"), OTHER)

    def test_of_unknown_origin_gains_none_from_the_file_that_it_replaces(self, elsewhere: Path) -> None:
        draft = drafts.of_file(elsewhere, OTHER)
        save(TEXT, elsewhere)
        trust.allow(elsewhere, TEXT)
        drafts.keep(drafts.Draft(draft.name, OTHER, elsewhere, drafts.digest_of(elsewhere), draft.trusted))
        assert not drafts.publish(self.again(elsewhere)).is_agreed

    def test_that_an_earlier_edition_kept_or_that_was_revoked_is_not_trusted(self, elsewhere: Path) -> None:
        trust.allow(elsewhere, TEXT)
        drafts.keep(drafts.of_file(elsewhere, TEXT)._replace(text=OTHER))
        assert self.again(elsewhere).trusted
        trust.revoke(elsewhere, TEXT)
        assert not self.again(elsewhere).trusted
        trust.allow(elsewhere, TEXT)
        assert self.again(elsewhere).trusted
        (note,) = locations.drafts().glob("*.json")
        kept = json.loads(note.read_text())
        del kept["trusted"]
        note.write_text(json.dumps(kept))
        assert not self.again(elsewhere).trusted
