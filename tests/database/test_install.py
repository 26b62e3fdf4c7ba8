"""Where the test servers come from: this machine's own source, for another suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.install_servers import UnavailableError, own_source_as

STANZAS = (
    "Types: deb\nURIs: http://mirror.example/security\nSuites: bookworm-security\nComponents: main\n\n"
    "# a comment\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n"
    "Components: main contrib\nSigned-By: /k.gpg\n"
)
STANZA = "Types: deb\nURIs: http://mirror.example/debian\nSuites: sid\nComponents: main\nSigned-By: /k.gpg\n"
LINES = (
    "deb http://mirror.example/security bookworm-security main\n"
    "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n"
)


@pytest.mark.parametrize(
    ("file", "text", "made"),
    [
        ("sources.list.d/debian.sources", STANZAS, ("own.sources", STANZA)),
        (
            "sources.list",
            LINES,
            ("own.list", "deb [signed-by=/k.gpg] http://mirror.example/debian sid main\n"),
        ),
        ("sources.list.d/x.sources", STANZAS.replace("bookworm", "nodistro"), None),
    ],
)
def test_the_source_of_the_own_release(
    tmp_path: Path, file: str, text: str, made: tuple[str, str] | None
) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / file).write_text(text)
    (tmp_path / "release").write_text('PRETTY_NAME="Debian"\nVERSION_CODENAME=bookworm\n')
    if made is None:
        with pytest.raises(UnavailableError, match="own release"):
            own_source_as("sid", tmp_path, tmp_path / "release")
    else:
        assert own_source_as("sid", tmp_path, tmp_path / "release") == made
