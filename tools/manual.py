"""The manual page, made from the commands: `python -m tools.manual FILE` writes it.

Source of the format: man(7), man-pages(7).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.catalogue import PROGRAM, each_command, options_of, usage_of
from wizard import __version__
from wizard.system.errors import EXIT_CODES

DESCRIPTION = """\
apimha-wizard turns two unpacked packs of WSO2 API Manager Analytics into a working minimum high-availability pair.
It checks what a pair needs, shows the exact changes, and writes both nodes or neither.
What was answered is a profile (TOML), which replays the same pair without the screen.

Without a command it opens the wizard on the screen; with the name or the file of a profile, the wizard on that profile.
An argument with a path separator, or one that ends in .toml, is a file; any other is a name."""

FILES = {
    "~/.config/apimha-wizard/profiles/NAME.toml": "The profiles.",
    "~/.local/state/apimha-wizard/runs/": "Journals and backups (mode 0600) of all runs.",
    "~/.local/state/apimha-wizard/runs.index": "The list of the runs, made again where it is missing.",
    "~/.local/state/apimha-wizard/drafts/": "What the wizard has not finished yet.",
}

ENVIRONMENT = {
    "XDG_CONFIG_HOME, XDG_STATE_HOME": "Where profiles and runs are instead of ~/.config and ~/.local/state.",
    "NO_COLOR": "Set to anything: no colours.",
}

EXAMPLES = {
    "What would change, and its diff": "replay analytics --dry-run",
    "The databases, then both nodes": "replay analytics",
    "One node of two machines, on its own machine": "replay analytics --node node1",
    "Every byte as before": "rollback analytics",
    "Whether the pair is really up": "verify analytics",
}


def manual() -> str:
    """The page `apimha-wizard(1)`, as roff text."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f'.TH {PROGRAM.upper()} 1 "" "{PROGRAM} {__version__}"'
    yield ".SH NAME"
    yield f"{_text(PROGRAM)} \\- make two WSO2 API Manager Analytics packs a high\\-availability pair"
    yield ".SH SYNOPSIS"
    yield f".B {_text(PROGRAM)}"
    yield "[\\fIPROFILE\\fR]"
    yield ".br"
    yield f".B {_text(PROGRAM)}"
    yield "\\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]..."
    yield ".SH DESCRIPTION"
    for line in DESCRIPTION.splitlines():
        yield _text(line) if line else ".PP"
    yield ".SH COMMANDS"
    for name, command in each_command():
        yield f".SS {_text(usage_of(name, command).removeprefix(PROGRAM).strip())}"
        yield _text(command.help or "")
        for option, meaning in options_of(command):
            if option not in {"--debug", "--version"}:
                yield from _entry(option, meaning)
    yield ".SH OPTIONS"
    yield "Of every command:"
    yield from _entry("-h, --help", "Show what the command does, and its options.")
    yield from _entry("--version", "Show the version and exit.")
    yield from _entry("--debug", "Show tracebacks; still no password.")
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_CODES.items():
        yield from _entry(str(code), meaning.replace("`", ""))
    for title, entries in (("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        yield f".SH {title}"
        for name, meaning in entries.items():
            yield from _entry(name, meaning)
    yield ".SH EXAMPLES"
    for meaning, arguments in EXAMPLES.items():
        yield from (".TP", _text(meaning), f".B {_text(f'{PROGRAM} {arguments}')}")


def _entry(name: str, meaning: str) -> Iterator[str]:
    yield ".TP"
    yield f".B {_text(name)}"
    yield _text(meaning)


def _text(text: str) -> str:
    """Plain text as roff takes it: no character of it is a request, and hyphens can be copied and pasted."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("~", "\\(ti")
    return re.sub(r"^\.", r"\\&.", " ".join(escaped.split()))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(manual(), "utf-8")
