"""Tables for the documentation, made from the code: `python -m wizard.catalogue README.md` renews them in place.

A table stands between `<!-- NAME -->` and `<!-- /NAME -->`; a test keeps the file and the code in step.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from wizard.errors import EXIT_CODES
from wizard.steps import CHECKS, STEPS


def checks_table() -> str:
    """Every check: id, severity, whether it runs offline, why it matters, how it is mended."""
    return _table(
        ("check", "severity", "offline", "why it matters", "how to mend it"),
        ((f"`{one.id}`", one.severity, "yes" if one.offline else "", one.why, one.fix) for one in CHECKS),
    )


def steps_table() -> str:
    """The steps: id, title, what it is about."""
    return _table(
        ("step", "on the screen", "what it is about"), ((f"`{s.id}`", s.title, s.help) for s in STEPS)
    )


def exit_codes_table() -> str:
    return _table(("exit code", "meaning"), ((str(code), meaning) for code, meaning in EXIT_CODES.items()))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


TABLES: dict[str, Callable[[], str]] = {
    "checks": checks_table,
    "steps": steps_table,
    "exit codes": exit_codes_table,
}


def renewed(text: str) -> str:
    """The text with every table in it as the code says now."""
    for name, make in TABLES.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = pattern.sub(lambda found, make=make: f"{found[1]}{make()}\n{found[2]}", text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        path.write_text(renewed(path.read_text("utf-8")), "utf-8")
