"""The symbolic link to the home, for `check` (`spark.link`) and for `verify` (procedure 7 and 10)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from wizard.system import finding
from wizard.system.finding import Finding, Fix
from wizard.system.presence import is_folder
from wizard.transaction.move import ABSENT, state_of

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile


def link_findings(
    profile: Profile,
    nodes: Iterable[Node],
    here: Mapping[str, Path],
    *,
    one_machine: bool,
    planned: bool = False,
) -> Iterator[Finding]:
    """One finding per node; `here` has the homes on this machine.

    `planned`: a run follows that creates a missing link.
    """
    link = profile.spark.symbolic_link
    first, second = profile.nodes
    if one_machine:
        yield finding.ok("both homes are on one machine: no link is needed")
    elif link is None and first.home == second.home:
        yield finding.ok("the homes have one path on both machines: no link is needed")
    elif link is None:
        yield finding.error(
            f"the homes differ ({first.home}, {second.home}) on two machines, and no common path is set",
            fix='set spark.symbolic_link to a path that is free on both machines, like "/opt/analytics", and replay',
        )
    for node in nodes if link is not None and not one_machine else ():
        if node.name in here:
            yield _link_of(node, Path(str(link)), here[node.name], planned=planned)
            continue
        on = f"on {node.host}: "
        fix = Fix(f"{on}cd {link} && pwd -P   (must print {node.home})")
        if planned:
            fix = finding.command("replay", f" --node {node.name}", before=on)
        yield finding.skipped(f"{link} is on the machine of {node.name}", node=node.name, fix=fix)


def _link_of(node: Node, link: Path, home: Path, *, planned: bool) -> Finding:
    missing = state_of(link) == ABSENT
    problem = obstacle(link, home) if planned or not missing else None
    if not planned and problem is None:
        try:
            os.scandir(link).close()
        except OSError as error:
            problem = f"{link} cannot be opened: {error.strerror}", _create(link, home)
    if problem is not None:
        return finding.error(problem[0], node=node.name, evidence=str(link), fix=problem[1])
    points = "will point" if missing else "points"
    return finding.ok(f"{link} {points} to {home}", node=node.name, evidence=str(link))


def obstacle(link: Path, home: Path) -> tuple[str, str] | None:
    """Return what prevents creating the link, with its fix; None if nothing does or the link exists."""
    there, target, parent = state_of(link), os.path.realpath(link), link.parent
    if target == os.path.realpath(home):
        return None  # a link to the home, or the home itself
    if there.kind == "link":
        return f"{link} points to {target}, not to {home}", _create(link, home)
    if there != ABSENT:
        move = f"move {link} away, or choose another spark.symbolic_link"
        return f"{link} exists and is not a symbolic link", move
    if not is_folder(parent):
        return f"the folder of {link} is missing", f"mkdir -p {quote(str(parent))}"
    if not os.access(parent, os.W_OK | os.X_OK):
        return f"no permission to create a link in {parent}", f"let this user write into {parent}"
    return None


def _create(link: Path, home: Path) -> str:
    return f"ln -sfn {quote(str(home))} {quote(str(link))}"
