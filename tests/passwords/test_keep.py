"""A typed password is kept where only the user can read it, and the profile gets a reference to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wizard.passwords.references import FileReference, KeyringReference
from wizard.passwords.resolver import Resolver, is_kept, keep
from wizard.passwords.secret import Secret
from wizard.system import locations
from wizard.system.errors import Failed


@pytest.mark.parametrize("password", ["hunter2", "", " blanks \n", "ü\t€"])
def test_without_a_keyring_it_is_a_file_that_only_the_user_can_read(password: str) -> None:
    reference = keep(Secret(password), "analytics.mysql.password")
    path = Path(reference["file"])
    assert path.parent == locations.passwords() and is_kept(reference)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert Resolver(trusted=True).resolve(FileReference(file=path), "mysql.password").reveal() == password


def test_a_second_password_replaces_the_first_and_closes_a_folder_that_was_open() -> None:
    locations.passwords().mkdir(parents=True, mode=0o755)
    keep(Secret("first"), "analytics.mysql.password")
    reference = keep(Secret("second"), "analytics.mysql.password")
    assert locations.passwords().stat().st_mode & 0o777 == 0o700
    assert Path(reference["file"]).read_text("utf-8") == "second\n"
    assert len(list(locations.passwords().iterdir())) == 1


class Backend:
    priority = 5

    def __init__(self, kept: dict[Any, str], forgets: bool) -> None:
        self.kept, self.forgets = kept, forgets

    def set(self, service: str, user: str, password: str) -> None:
        self.kept[service, user] = "" if self.forgets else password


@pytest.mark.parametrize("forgets", [False, True])
def test_a_keyring_is_used_where_it_keeps_what_it_gets(
    monkeypatch: pytest.MonkeyPatch, forgets: bool
) -> None:
    kept: dict[Any, str] = {}
    backend = Backend(kept, forgets)
    monkeypatch.setattr("keyring.get_keyring", lambda: backend)
    monkeypatch.setattr("keyring.set_password", backend.set)
    monkeypatch.setattr("keyring.get_password", lambda *entry: kept.get(entry))
    reference = keep(Secret("hunter2"), "analytics.mysql.password")
    assert is_kept(reference)
    if forgets:
        assert "file" in reference
    else:
        assert reference == {"keyring": "apimha-wizard/analytics.mysql.password"}
        assert not locations.passwords().exists()
        entry = KeyringReference(keyring=reference["keyring"])
        assert Resolver(trusted=True).resolve(entry, "mysql.password").reveal() == "hunter2"


def test_a_folder_that_cannot_be_written_is_an_error_without_the_password() -> None:
    locations.passwords().parent.mkdir(parents=True)
    locations.passwords().write_text("in the way", "utf-8")
    with pytest.raises(Failed) as raised:
        keep(Secret("hunter2"), "analytics.mysql.password")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "reference", [None, {"env": "X"}, {"file": "/etc/passwd"}, {"keyring": "mysql/apim"}, {"prompt": True}]
)
def test_other_references_are_not_kept_by_this_program(reference: Any) -> None:
    assert not is_kept(reference)
