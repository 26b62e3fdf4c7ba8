"""Pairs that were replayed once, to put logs into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import pairs
from tests.support.headless import applied
from tests.support.verdicts import Replayed
from wizard.profile.store import load


@pytest.fixture(scope="session")
def replayed_pair(
    packs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Replayed]]:
    """`replayed_pair("das-3.0.1")`: the profile of cases/README.md on two copies of that pack, made once."""
    made: dict[str, Replayed] = {}
    with pytest.MonkeyPatch.context() as patch:

        def of(pack: str = "apim-analytics-2.0.0") -> Replayed:
            if pack not in made:
                patch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
                pair = pairs.make_pair(packs / pack, tmp_path_factory.mktemp("replayed") / pack)
                applied(pair)
                made[pack] = Replayed(pair.homes, load(str(pair.profile)).profile)
            return made[pack]

        yield of
