"""Every command and every profile of the documentation does what the page says."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from tests.support import documentation, profiles, worlds
from tests.support.documentation import ROOT, Block
from tests.support.worlds import World, world
from wizard.profile.store import parse
from wizard.steps.procedure import CHECKS
from wizard.verify.knowledge import recognise

PAGES = documentation.pages()
RUN = [page for page in PAGES if {"console", "toml"} & {one.language for one in documentation.blocks(page)}]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.timeout(1200)  # of several playbooks
@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    titled: dict[str, str] = {}
    number = 0
    with contextlib.ExitStack() as stack:
        here = stack.enter_context(world("empty", tmp_path / "0"))
        for block in documentation.blocks(page):
            if "world" in block.said:
                number += 1
                here = stack.enter_context(world(block.said["world"], tmp_path / str(number)))
                for title, text in titled.items():
                    _write(here, title, text)
            if block.language == "toml":
                _take_profile(here, block, titled)
            elif block.language == "console":
                _take_commands(here, block)
            elif block.title is not None:
                titled[block.title] = block.text
                _write(here, block.title, block.text)


def _write(here: World, title: str, text: str) -> None:
    path = here.path(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(here.here(text), "utf-8")


def _take_profile(here: World, block: Block, titled: dict[str, str]) -> None:
    if block.title is not None:
        titled[block.title] = block.text
        _write(here, block.title, block.text)
        parse(block.text, here.path(block.title))
    elif "into" in block.said:
        here.change_profile(block.said["into"], block.text)
    else:
        parse(worlds.with_keys(profiles.minimal(), block.text), here.cwd / "piece.toml")


def _take_commands(here: World, block: Block) -> None:
    commands = block.commands()
    for command in commands:
        documentation.check_syntax(command.text)
    if "not run" in block.said:
        return
    more = tuple(block.said.get("with", "").split())
    for command in commands:
        expected = int(block.said.get("exit", "0")) if command is commands[-1] else 0
        code = here.run(command.text, more)
        place = f"{name_of(block.page)}:{command.line}: $ {command.text}\n{here.last}"
        assert code == expected, f"{place}\nended with {code}, and the page says {expected}"
        if command.shown:
            difference = documentation.differs(command.shown, here.last)
            assert difference is None, f"{place}\n{difference}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_in_a_sentence_is_one_and_every_block_has_a_language(page: Path) -> None:
    for block in documentation.blocks(page):
        assert block.language in documentation.LANGUAGES, block.place
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for span in re.findall(r"`(apimha-wizard(?: [^`]*)?)`", text):
        for arguments in documentation.own_commands(span.replace("[", "").replace("]", "")):
            documentation.parse(arguments, whole=False)


def test_troubles_are_found_by_words_that_the_program_says() -> None:
    """Each heading of the page of troubles is printed by the program, or recognised in a log."""
    code = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "wizard").rglob("*.py")))
    code = re.sub(r"\"\s*\n\s*f?\"", "", code)
    chapter = ""
    page = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    for level, text in re.findall(r"^(##|###) (.*)$", page, re.MULTILINE):
        if level == "##":
            chapter = text
        elif text in {one.id for one in CHECKS} or text == "The errors that verify knows":
            continue
        elif not ("in the log" in chapter and recognise([text])):
            for part in text.split(", "):
                assert part in code, f"{chapter}: nothing says: {part}"


# fmt: off
NO_COMMANDS = ["apimha-wizard repaly x", "apimha-wizard replay x --dryrun", "apimha-wizard replay",
    "apimha-wizard profile nwe x", "cat x | apimha-wizard verify x --lgo node2=-", "make nonsense", "if then"]
COMMANDS = ["apimha-wizard", "apimha-wizard analytics", "apimha-wizard --version", "apimha-wizard sql x >y.sql",
    "ssh node2 tail -n +1 -F x | apimha-wizard verify x --log node2=-"]
OUTPUTS = [(["a", "b"], "a\nb\n", True), (["a"], "a\nb\n", False), (["…", "b"], "x\ny\nb\n", True),
    (["a…c"], "abc\n", True), (["a…c"], "ab\n", False), (["a", "…"], "a\n", True),
    (["run 20200101T000000Z-aaaa"], "run 20260101T111111Z-bbbb\n", True)]
# fmt: on


class TestTheRunnerItself:
    """A runner that lets everything pass would be worse than none."""

    def test_commands_and_output_are_compared(self) -> None:
        for line in COMMANDS:
            documentation.check_syntax(line)
        for line in NO_COMMANDS:
            with pytest.raises(documentation.NoCommand):
                documentation.check_syntax(line)

        for shown, printed, same in OUTPUTS:
            assert (documentation.differs(shown, printed) is None) is same

    def test_exit_codes_are_noticed_and_the_shell_goes_on_where_it_was(self, tmp_path: Path) -> None:
        with world("empty", tmp_path / "w") as here:
            assert here.run("apimha-wizard replay nobody") == 2
            assert here.run("true && apimha-wizard replay nobody --json >x; test -s x") == 0
            here.must("mkdir sub && cd sub")
            here.must('export SOME="thing"')
            here.must('test "$SOME" = thing && test "$(basename "$PWD")" = sub')

    def test_every_world_is_used(self) -> None:
        blocks = [block for page in PAGES for block in documentation.blocks(page)]
        assert {block.said.get("world", "empty") for block in blocks} == set(worlds.WORLDS)
