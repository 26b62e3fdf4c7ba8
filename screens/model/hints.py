"""What can be filled in from what is found here: a host from the addresses of this machine.

A hint looks like a finding, so that the same key does it; it is no check, and nothing waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.model.background import beside
from wizard.pack.home import is_pack
from wizard.system import finding, locations, network
from wizard.system.finding import Fix, SetField

if TYPE_CHECKING:
    from screens.model.pair import OpenPair
    from wizard.system.finding import Finding


async def hints(pair: OpenPair) -> list[Finding]:
    """One for each node whose home is here and whose host is missing."""
    missing = [
        place
        for place, mistake in pair.mistakes.items()
        if place[0] == "nodes" and place[2] == "host" and mistake.kind == "missing"
    ]
    homes = {place: pair.draft.value((*place[:2], "home")) for place in missing}
    homes = {place: home for place, home in homes.items() if isinstance(home, str)}
    if not homes:
        return []
    folder, names = pair.draft.folder, pair.draft.node_names()

    def look() -> list[Finding]:
        addresses = network.own_addresses()
        if not addresses:
            return []
        found = []
        for place, home in homes.items():
            try:
                here = is_pack(locations.located(home, folder))
            except (OSError, ValueError):
                continue
            name = names[int(place[1])]
            if here:
                told = ", ".join(addresses[:4])
                found.append(
                    finding.warning(
                        f"the host is missing; the home is on this machine, which has {told}",
                        node=name,
                        fix=Fix(
                            f'set host = "{addresses[0]}" for {name}',
                            SetField(f"nodes.{name}.host", addresses[0], f"host = {addresses[0]}"),
                        ),
                    )
                )
        return found

    try:
        return await beside(look, "hints")
    except OSError:
        return []
