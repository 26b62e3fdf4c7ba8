"""The symbolic link: whether it can be entered and leads to this home (procedure 7 and 10)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.system import finding
from wizard.system.finding import Finding

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile


def link_findings(profile: Profile, here: Mapping[str, Path], *, one_machine: bool) -> Iterator[Finding]:
    """A finding for each node: `here` has the homes that are on this machine."""
    link = profile.spark.symbolic_link
    first, second = profile.nodes
    if one_machine or (link is None and first.home == second.home):
        yield finding.ok(
            "no symbolic link is needed: each node reaches the other's jars at the home's own path"
        )
        return
    if link is None:
        yield finding.error(
            f"the homes differ ({first.home}, {second.home}) and there is no symbolic link: "
            "Spark does not find its jars on the other machine",
            fix='set spark.symbolic_link to a path that is free on both machines, like "/opt/analytics", and replay',
        )
        return
    for node in profile.nodes:
        if node.name not in here:
            yield finding.skipped(
                f"{link} is on the machine of {node.name}",
                node=node.name,
                fix=f"over there: cd {link} && pwd -P   (has to print {node.home})",
            )
        else:
            yield _leads(node, Path(link), here[node.name])


def _leads(node: Node, link: Path, home: Path) -> Finding:
    mend = f"ln -sfn '{home}' '{link}'"
    try:
        with os.scandir(link) as entries:
            next(entries, None)
    except OSError as problem:
        return finding.error(
            f"{link} cannot be entered: {problem.strerror}", node=node.name, evidence=str(link), fix=mend
        )
    if os.path.realpath(link) != os.path.realpath(home):
        return finding.error(
            f"{link} leads to {os.path.realpath(link)}, not to {home}",
            node=node.name,
            evidence=str(link),
            fix=mend,
        )
    return finding.ok(f"{link} leads to {home}", node=node.name, evidence=str(link))
