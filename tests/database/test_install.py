"""Where the test servers come from: this machine's own source, for another suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.install_servers import UnavailableError, own_source_as

RELEASE = 'PRETTY_NAME="Debian"\nVERSION_CODENAME=bookworm\n'


def etc(folder: Path, **files: str) -> tuple[Path, Path]:
    (folder / "etc/sources.list.d").mkdir(parents=True)
    (folder / "release").write_text(RELEASE)
    for name, text in files.items():
        path = folder / "etc" / ("sources.list" if name == "one_line" else f"sources.list.d/{name}.sources")
        path.write_text(text)
    return folder / "etc", folder / "release"


def test_a_stanza_of_the_own_release_is_taken(tmp_path: Path) -> None:
    text = (
        "Types: deb\nURIs: http://mirror.example/security\nSuites: bookworm-security\nComponents: main\n\n"
        "# a comment\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n"
        "Components: main contrib\nSigned-By: /usr/share/keyrings/k.gpg\n"
    )
    name, made = own_source_as("sid", *etc(tmp_path, debian=text))
    assert name.endswith(".sources")
    assert made == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: sid\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/k.gpg\n"
    )


def test_a_line_of_old_is_taken(tmp_path: Path) -> None:
    text = (
        "deb http://mirror.example/security bookworm-security main\n"
        "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib\n"
    )
    name, made = own_source_as("sid", *etc(tmp_path, one_line=text))
    assert name.endswith(".list")
    assert made == "deb [signed-by=/k.gpg] http://mirror.example/debian sid main\n"


def test_without_an_own_source_it_is_said(tmp_path: Path) -> None:
    other = "Types: deb\nURIs: http://mirror.example/x\nSuites: nodistro\nComponents: main\n"
    with pytest.raises(UnavailableError, match="own release"):
        own_source_as("sid", *etc(tmp_path, other=other))
