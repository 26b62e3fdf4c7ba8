"""Whether two ways of writing a host mean the same one."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hosts:
    """Compares hosts as the profile and the logs write them.

    `resolved` has the addresses of the names that were looked up; a name that is not among them is not
    judged.
    """

    resolved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def same(self, one: str, other: str) -> bool | None:
        """Whether both mean one host; None where nobody can tell.  All loopback addresses are one."""
        one, other = one.strip().lower(), other.strip().lower()
        if one == other:
            return True
        first, second = self._addresses(one), self._addresses(other)
        if not first or not second:
            return None
        return bool(first & second)

    def _addresses(self, host: str) -> frozenset[str]:
        found = ("127.0.0.1",) if host == "localhost" else self.resolved.get(host, (host,))
        addresses = set()
        for text in found:
            try:
                address = ipaddress.ip_address(text.partition("%")[0])
            except ValueError:
                continue
            addresses.add("loopback" if address.is_loopback else str(address))
        return frozenset(addresses)


def any_address(host: str) -> bool:
    """Whether a server that binds to this listens on every address of its machine."""
    return host in ("0.0.0.0", "::", "0:0:0:0:0:0:0:0", "")
