"""A page of the documentation, of which parts are made from the code.

A part stands between `<!-- NAME -->` and `<!-- /NAME -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

Parts = Mapping[str, Callable[[], str]]
"""What makes each part, by its name."""


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def renewed(text: str, parts: Parts) -> str:
    """The text with every part in it as the code says now."""
    for name, make in parts.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if pattern.search(text):
            made = make()
            text = pattern.sub(lambda found, made=made: f"{found[1]}{made}\n{found[2]}", text)  # type: ignore[misc]
    return text


def renew(files: Iterable[str], parts: Parts) -> None:
    """Renew the parts of files in place."""
    for path in map(Path, files):
        path.write_text(renewed(path.read_text("utf-8"), parts), "utf-8")
