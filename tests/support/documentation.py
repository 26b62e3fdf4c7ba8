"""The documentation as something that runs: its fenced blocks, in order, in a world that the page names.

What stands in a comment before a block says how it is taken:

    <!-- world: pair -->            a new world begins here (`tests.support.worlds`); `empty` unless a page says so
    <!-- exit: 4 -->                the last command of the next block ends with 4 (all others with 0)
    <!-- not run: why -->           the commands are only parsed, and why
    <!-- with: --offline -->        added to each command of the next block that takes it: a test has one machine
    <!-- into: analytics -->        the next ```toml block is laid over this profile

A ```console block shows commands behind `$ `, and what they print; `…` stands for anything in a line, and alone for
any lines.  A ```toml or ```yaml block with a title is written to that file; a profile without a title is laid over one
that is valid, and has to stay so.  ```text, ```xml and ```json blocks are looked at, not run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from wizard.command_line.cli import cli

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = "apimha-wizard"
LANGUAGES = {"console", "toml", "yaml", "text", "xml", "json"}
DIRECTIVES = {"world", "exit", "not run", "with", "into"}

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\s*$")
_DIRECTIVE = re.compile(r"^\s*<!-- (?P<name>[a-z ]+): (?P<value>.*?) -->\s*$")
_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")


@dataclass
class Command:
    """A line behind `$ `, and the lines that are shown below it."""

    line: int
    text: str
    shown: list[str] = field(default_factory=list)


@dataclass
class Block:
    """A fenced block with what was said of it."""

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
        """The commands of a console block; one that ends with a backslash goes on in the next line."""
        found: list[Command] = []
        going_on = False
        for number, line in enumerate(self.text.splitlines(), self.line + 1):
            if going_on or line.startswith("$ "):
                text = line if going_on else line[2:]
                if going_on:
                    found[-1].text += "\n" + text
                else:
                    found.append(Command(number, text))
                going_on = text.endswith("\\")
            else:
                assert found, f"{self.page.name}:{number}: output without a command"
                found[-1].shown.append(line)
        return found


def pages() -> list[Path]:
    """All that people read."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order.  A world stays until the next one is named."""
    said: dict[str, str] = {}
    lines = page.read_text("utf-8").splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if directive := _DIRECTIVE.match(line):
            assert directive["name"] in DIRECTIVES, f"{page.name}:{number}: {directive['name']}"
            said[directive["name"]] = directive["value"]
        elif fence := _FENCE.match(line):
            start, indent = number, len(fence["indent"])
            while lines[number].strip() != "```":
                number += 1
            text = "".join(one[indent:] + "\n" for one in lines[start:number])
            number += 1
            yield Block(page, start, fence["language"], fence["title"], text, said)
            said = {}
        elif line.strip() and "world" not in said:
            assert not said, f"{page.name}:{number}: {said} belongs to no block"


# --- whether a command is one ----------------------------------------------------------------------------------


class NoCommand(AssertionError):
    """Something in the documentation that the program or the shell would not take."""


def parse(arguments: list[str], *, whole: bool = True) -> click.Context:
    """The command line as click takes it, without running anything.

    In a sentence (`whole` is false) a command may stand without its arguments.
    """
    words = [one for one in arguments if one not in {"…", "..."}]
    if words and words[0] not in cli.commands and not words[0].startswith("-"):
        words.insert(0, "wizard")  # a profile: it need not exist here
    try:
        return _context(cli, PROGRAM, words, None)
    except click.exceptions.Exit:
        return click.Context(cli)  # --help, --version
    except click.ClickException as problem:
        if isinstance(problem, click.MissingParameter) and not whole and problem.ctx is not None:
            return problem.ctx
        raise NoCommand(f"{PROGRAM} {shlex.join(arguments)}: {problem.format_message()}") from None


def _context(
    command: click.Command, name: str, words: list[str], parent: click.Context | None
) -> click.Context:
    """The context of the innermost command that the words name."""
    context = command.make_context(name, list(words), parent=parent)
    rest = [*context._protected_args, *context.args]
    if not isinstance(command, click.Group) or not rest:
        return context
    inner_name, inner, rest = command.resolve_command(context, rest)
    assert inner is not None
    return _context(inner, inner_name or "", rest, context)


def own_commands(line: str) -> Iterator[list[str]]:
    """The arguments of each call of the program in a shell line."""
    plain = re.sub(r"(?<=\s)\d(?=[<>])", "", line.replace("\\\n", " "))  # the 2 of 2>
    lexer = shlex.shlex(plain, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    current: list[str] | None = None
    skip = False
    for word in lexer:
        if set(word) <= set("|&;()"):
            if current is not None:
                yield current
            current = None
        elif set(word) <= set("<>"):
            skip = True  # the file behind it
        elif skip:
            skip = False
        elif current is not None:
            if word.startswith("#"):
                break
            current.append(word)
        elif word == PROGRAM:
            current = []
    if current is not None:
        yield current


def check_syntax(line: str) -> None:
    """That a shell would take the line, that our own commands in it are ones, and that `make` has its targets."""
    done = subprocess.run(["bash", "-n", "-c", line], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoCommand(f"{line}: {done.stderr}")
    for arguments in own_commands(line):
        parse(arguments)
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w[\w-]*)", line):
        if not re.search(rf"^{target}:", makefile, re.MULTILINE):
            raise NoCommand(f"make has no target {target}")


# --- whether what is shown is what is printed --------------------------------------------------------------------


def differs(shown: list[str], printed: str) -> str | None:
    """Why `printed` is not what the page shows; None where it is."""
    wanted = [_RUN.sub("RUN", line.rstrip()) for line in shown]
    got = [_RUN.sub("RUN", line.rstrip()) for line in printed.splitlines()]
    while wanted and not wanted[-1]:
        wanted.pop()
    pattern = "".join(_lines(line) for line in wanted)
    if re.fullmatch(pattern, "".join(line + "\n" for line in got)):
        return None
    return "shown:\n  " + "\n  ".join(wanted) + "\nprinted:\n  " + "\n  ".join(got)


def _lines(line: str) -> str:
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*?"
    return "[^\n]*".join(re.escape(part) for part in line.split("…")) + r"\n"


def newest_run(printed: str) -> str | None:
    """The last run that an output names."""
    found = _RUN.findall(printed)
    return found[-1] if found else None


def with_run(line: str, run: str | None) -> str:
    """A command whose run is the one that was just made."""
    return _RUN.sub(run, line) if run else line


def shell(line: str, cwd: Path, env: dict[str, str]) -> tuple[int, str, Path, dict[str, str]]:
    """Exit code and output of a line in bash, and where and with which variables the next one goes on."""
    state = Path(env["HOME"]) / ".state"
    script = (
        f"{line}\ncode=$?\npwd >{shlex.quote(str(state))}; env -0 >>{shlex.quote(str(state))}; exit $code"
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=280,
        check=False,
    )
    folder, _, variables = state.read_bytes().partition(b"\n")
    after = dict(os.fsdecode(one).split("=", 1) for one in variables.split(b"\0") if b"=" in one)
    return done.returncode, done.stdout.decode("utf-8"), Path(os.fsdecode(folder)), after
