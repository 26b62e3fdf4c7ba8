"""Whether two spellings of a host mean the same one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wizard.system import network


@dataclass(frozen=True, slots=True)
class Hosts:
    """Compares hosts as the profile and the logs write them.

    `resolved` has the addresses of the resolved names; another name is not judged.
    """

    resolved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def same(self, one: str, other: str) -> bool | None:
        """Whether both are one host; None if unknown.  All loopback addresses are one."""
        one, other = one.strip().lower(), other.strip().lower()
        if one == other:
            return True
        first, second = self._addresses(one), self._addresses(other)
        return bool(first & second) if first and second else None

    def here(self, host: str) -> bool | None:
        """Whether a host is this machine; None if unknown."""
        if network.is_literal(host) or host.lower() == "localhost":
            return network.is_this_machine(host, resolve=False)
        found = self.resolved.get(host.lower())
        return any(map(network.is_local, found)) if found else None

    def one_machine(self, hosts: Iterable[str]) -> bool:
        """Whether the hosts are one machine: equal, or all this one (checks.md)."""
        hosts = [host.lower() for host in hosts]
        return len(set(hosts)) == 1 or all(self.here(host) for host in hosts)

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


def resolve(hosts: Iterable[str]) -> Hosts:
    """Return the hosts with the addresses of the names that are resolved in time."""
    names = [host.lower() for host in hosts if not network.is_literal(host)]
    network.resolve_ahead(names)
    return Hosts({name: found for name in names if (found := network.addresses(name, resolve=True))})


def any_address(host: str) -> bool:
    """Whether a server that binds to this listens on every address of its machine."""
    return host in ("0.0.0.0", "::", "0:0:0:0:0:0:0:0", "")
