"""From the older editions of the profile's format to this one.

To change the format: raise `SCHEMA_VERSION` in the model, add to `MIGRATIONS`, under the old number, the
function that makes the old edition into the new one, and put a profile of the old edition into
`tests/profile/editions/`.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from wizard.profile.model import SCHEMA_VERSION

Migration = Callable[[MutableMapping[str, Any]], None]

MIGRATIONS: dict[int, Migration] = {}
"""For each older version the function that changes tables of it, in place, into those of the next version."""


def knows(version: int) -> bool:
    """Whether there is a way from `version` to this program's own."""
    return all(step in MIGRATIONS for step in range(version, SCHEMA_VERSION)) and version <= SCHEMA_VERSION


def migrate(tables: MutableMapping[str, Any]) -> None:
    """Changes `tables`, of a version that `knows` accepts, in place into those of `SCHEMA_VERSION`."""
    for version in range(tables["schema_version"], SCHEMA_VERSION):
        MIGRATIONS[version](tables)
        tables["schema_version"] = version + 1
