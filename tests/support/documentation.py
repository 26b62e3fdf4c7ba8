"""Read the documentation as something that runs: its fenced blocks, in order, in a world that the page names.

A comment before a block says how the block is run:

    <!-- world: pair -->            a new world begins here (`tests.support.worlds`); `empty` unless a page names one
    <!-- exit: 4 -->                the last command of the next block ends with 4 (all others with 0)
    <!-- not run: why -->           the commands are only parsed, and why
    <!-- with: --offline -->        added to each command of the next block that has the option: a test has one machine
    <!-- into: analytics -->        the next ```toml block is merged into this profile

A ```console block shows commands behind `$ `, and what they print; `…` stands for anything in a line, and alone for
any lines.  A ```toml or ```yaml block with a title is written to that file; a profile without a title is merged into
a valid one, which must stay valid.  ```text, ```xml and ```json blocks are not run.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import click

from tests.support.cli import ROOT
from wizard.command_line.cli import cli

PROGRAM = "apimha-wizard"
LANGUAGES = {"console", "toml", "yaml", "text", "xml", "json"}
DIRECTIVES = {"world", "exit", "not run", "with", "into"}
RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")
"""The id of a run."""

_PART = re.compile(
    r"^ *<!-- (?P<name>[a-z ]+): (?P<value>.*?) -->\s*$"
    r"|^(?P<indent> *)```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")? *\n(?P<text>.*?)^ *``` *$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Command:
    """A line behind `$ `, and the lines that are shown below it."""

    line: int
    text: str
    shown: list[str] = field(default_factory=list)


@dataclass
class Block:
    """A fenced block with the comments before it."""

    page: Path
    line: int
    language: str
    title: str | None
    text: str
    said: dict[str, str]

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[Command]:
        """The commands of a console block; one that ends with a backslash continues in the next line."""
        found: list[Command] = []
        for number, line in enumerate(self.text.splitlines(), self.line + 1):
            if line.startswith("$ "):
                found.append(Command(number, line[2:]))
            elif found[-1].text.endswith("\\"):
                found[-1].text += "\n" + line
            else:
                found[-1].shown.append(line)
        return found


def pages() -> list[Path]:
    """All that people read."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    said: dict[str, str] = {}
    text = page.read_text("utf-8")
    for part in _PART.finditer(text):
        line = text.count("\n", 0, part.start()) + 1
        if part["name"]:
            assert part["name"] in DIRECTIVES, f"{page.name}:{line}: {part['name']}"
            said[part["name"]] = part["value"]
        else:
            content = re.sub(rf"(?m)^{part['indent']}", "", part["text"])
            yield Block(page, line, part["language"], part["title"], content, said)
            said = {}
    assert not said, f"{page.name}: {said} belongs to no block"


# --- whether a command is one ----------------------------------------------------------------------------------


class NoCommand(AssertionError):
    """Something in the documentation that the program or the shell would not accept."""


def parse(arguments: list[str], *, whole: bool = True) -> click.Command:
    """The command that click finds in these arguments, without running anything.

    In a sentence (`whole` is false) a command may be without its arguments.
    """
    words = [one for one in arguments if one not in {"…", "..."}]
    if words and words[0] not in cli.commands and not words[0].startswith("-"):
        words.insert(0, "resume")  # a profile: it need not exist here
    command: click.Command = cli
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    try:
        context = command.make_context(PROGRAM, list(words))
        if isinstance(command, click.Group) and words:
            command.resolve_command(context, words)
    except click.exceptions.Exit:
        pass  # --help, --version
    except click.ClickException as problem:
        if whole or not isinstance(problem, click.MissingParameter):
            raise NoCommand(f"{PROGRAM} {shlex.join(arguments)}: {problem.format_message()}") from None
    return command


def own_commands(line: str) -> Iterator[list[str]]:
    """The arguments of each call of the program in a shell line, without redirections and comments."""
    plain = re.sub(r"\s#.*|\s\d?[<>]+&?\s*[^\s|&;()]+", "", line.replace("\\\n", " "))
    lexer = shlex.shlex(plain, posix=True, punctuation_chars="|&;()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    for is_separator, group in groupby(lexer, lambda word: set(word) <= set("|&;()")):
        words = list(group)
        if not is_separator and PROGRAM in words:
            yield words[words.index(PROGRAM) + 1 :]


def check_syntax(line: str) -> None:
    """Check that a shell would accept the line and our commands in it, and that `make` has its targets."""
    done = subprocess.run(["bash", "-n", "-c", line], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoCommand(f"{line}: {done.stderr}")
    for arguments in own_commands(line):
        parse(arguments)
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w[\w-]*)", line):
        if not re.search(rf"^{target}:", makefile, re.MULTILINE):
            raise NoCommand(f"make has no target {target}")


def differs(shown: list[str], printed: str) -> str | None:
    """Why `printed` is not what the page shows; None where it is."""
    wanted = RUN.sub("RUN", "\n".join(map(str.rstrip, shown)).rstrip())
    got = RUN.sub("RUN", "\n".join(map(str.rstrip, printed.splitlines())))
    if re.fullmatch("".join(map(_pattern, wanted.split("\n"))), f"{got}\n"):
        return None
    return f"shown:\n{wanted}\nprinted:\n{got}"


def _pattern(line: str) -> str:
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*?"
    return "[^\n]*".join(re.escape(part) for part in line.split("…")) + r"\n"
