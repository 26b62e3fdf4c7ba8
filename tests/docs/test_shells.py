"""The Tab key in the shells themselves: each is asked through its own machinery what it would offer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.cli import ROOT
from tests.support.need import need
from tests.support.worlds import World, pair

SCRIPTS = ROOT / "docs/completions"

BASH = r"""
source {scripts}/bash/apimha-wizard
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMPREPLY=()
_apimha_wizard_completion apimha-wizard
printf '%s\n' "${{COMPREPLY[@]}}"
"""

# zsh completes on a line that is edited: one in a terminal of its own, which says what it was handed.
ZSHRC = r"""
PS1=; unsetopt zle_bracketed_paste
fpath=({scripts}/zsh $fpath)
autoload -Uz compinit; compinit -u -D
shown() {{ print -rl -- BEGIN ${{(P)1}} END }}
_describe() {{ shown $3 }}
compadd() {{ [[ "$*" == *"-a completions" ]] && shown completions }}
print READY
"""

ZSH = r"""
zmodload zsh/zpty
zpty -b z zsh -d -i
zpty -r z line '*READY*'
zpty -n -w z {line}$'\t'
zpty -r z line '*BEGIN*END*'
print -r -- "$line"
zpty -d z
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "world")
    pair(made)
    return made


def ask(world: World, command: list[str], script: str) -> str:
    how = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": 60}
    done = subprocess.run([*command, script], cwd=world.cwd, env=world.env, check=False, **how)
    assert done.stderr == ""
    return done.stdout


def bash(world: World, line: str) -> set[str]:
    need("bash")
    words = " ".join(line.split()) + (' ""' if line.endswith(" ") else "")
    found = ask(world, ["bash", "--norc", "-c"], BASH.format(scripts=SCRIPTS, words=words))
    return set(found.split())


def fish(world: World, line: str) -> set[str]:
    need("fish")
    script = f"source {SCRIPTS}/fish/apimha-wizard.fish; complete -C '{line}'"
    return {one.split("\t")[0] for one in ask(world, ["fish", "--no-config", "-c"], script).splitlines()}


def zsh(world: World, line: str) -> set[str]:
    need("zsh")
    (world.cwd / ".zshrc").write_text(ZSHRC.format(scripts=SCRIPTS))
    found = ask(world, ["zsh", "-f", "-c"], ZSH.format(line=f"'{line}'"))
    offered = found.replace("\r", "").rpartition("BEGIN\n")[2].partition("\nEND")[0]
    return {one.partition(":")[0] for one in offered.splitlines()}


SHELLS = {"bash": bash, "fish": fish, "zsh": zsh}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("apimha-wizard rol", {"rollback"}),
        ("apimha-wizard ana", {"analytics"}),
        ("apimha-wizard replay ana", {"analytics"}),
        ("apimha-wizard replay --al", {"--allow-commands"}),
        ("apimha-wizard replay analytics --node ", {"node1", "node2"}),
        ("apimha-wizard replay analytics --only ha", {"hazelcast"}),
        ("apimha-wizard check analytics --ignore mysql.ch", {"mysql.charset"}),
        ("apimha-wizard profile va", {"validate"}),
    ],
)
def test_what_tab_offers(shell: str, line: str, offered: set[str], world: World) -> None:
    assert SHELLS[shell](world, line) == offered


def test_tab_after_nonsense_says_nothing(world: World) -> None:
    assert bash(world, "apimha-wizard nonsense whatever ") == set()
