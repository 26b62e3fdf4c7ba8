"""Keep a password that was typed: in the keyring where there is one, else in a file that only this user can read.

Never beside the profile, where it would be committed with it: the profile holds the reference that is returned.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from wizard.passwords.secret import Secret
from wizard.system import locations
from wizard.system.durable import make_folder, write_durably
from wizard.system.errors import os_errors_as_failures


def keep(password: Secret, name: str) -> dict[str, str]:
    """Keep a password under a name, such as `analytics.mysql.password`; returns the reference to it.

    Raises:
        Failed: neither the keyring nor the folder of the passwords can be written.
    """
    if _in_keyring(password, name):
        return {"keyring": f"{locations.APPLICATION}/{name}"}
    folder = locations.passwords()
    with os_errors_as_failures():
        make_folder(folder, mode=0o700)
        folder.chmod(0o700)
        write_durably(folder / name, f"{password.reveal()}\n".encode(), mode=0o600)
    return {"file": str(folder / name)}


def is_kept(reference: Any) -> bool:
    """Whether a reference, as a profile holds it, leads to where `keep` puts a password."""
    match reference:
        case {"keyring": str(entry)}:
            return entry.startswith(f"{locations.APPLICATION}/")
        case {"file": str(path)}:
            return Path(path).parent == locations.passwords()
    return False


def _in_keyring(password: Secret, name: str) -> bool:
    """Whether the keyring has the password now; a backend that only pretends, or stores in clear, does not count."""
    with suppress(Exception):  # every backend has its own errors; their texts might quote what they store
        import keyring

        if keyring.get_keyring().priority < 1:
            return False
        keyring.set_password(locations.APPLICATION, name, password.reveal())
        return keyring.get_password(locations.APPLICATION, name) == password.reveal()
    return False
