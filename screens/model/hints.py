"""What can be filled in from what is found here: a host from the addresses of this machine.

A hint looks like a finding, so that the same key applies it; it is not a check, and nothing waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.model.background import beside
from wizard.pack.home import is_pack
from wizard.system import finding, locations, network
from wizard.system.finding import Fix, SetField

if TYPE_CHECKING:
    from pathlib import Path

    from screens.model.pair import OpenPair
    from wizard.system.finding import Finding


async def hints(pair: OpenPair) -> list[Finding]:
    """One for each node whose home is here and whose host is missing."""
    homes = {
        pair.draft.node_names()[place[1]]: pair.draft.value((*place[:2], "home"))
        for place, mistake in pair.mistakes.items()
        if place[0] == "nodes"
        and place[2] == "host"
        and mistake.kind == "missing"
        and isinstance(place[1], int)
    }
    homes = {node: home for node, home in homes.items() if isinstance(home, str)}
    folder = pair.draft.folder
    try:
        return await beside(lambda: _hosts(homes, folder), "hints") if homes else []
    except (OSError, ValueError):
        return []


def _hosts(homes: dict[str, str], folder: Path) -> list[Finding]:
    addresses = network.own_addresses()[:4]
    return [
        finding.warning(
            f"the home is on this machine, which has {', '.join(addresses)}",
            node=node,
            fix=Fix(
                f'Set host = "{addresses[0]}" for {node}',
                SetField(f"nodes.{node}.host", addresses[0], f"host = {addresses[0]}"),
            ),
        )
        for node, home in homes.items()
        if addresses and is_pack(locations.located(home, folder))
    ]
