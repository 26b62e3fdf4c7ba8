"""Which machine a host is: the one rule for "one machine or two" (checks.md)."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable


def is_local(address: str) -> bool:
    """Whether a literal address belongs to this machine: only then can a socket be bound to it.

    Nothing is sent.  Loopback (all of 127.0.0.0/8 and ::1) is local.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if parsed.is_unspecified or parsed.is_multicast:
        return False
    if parsed.is_loopback:
        return True
    family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def is_literal(host: str) -> bool:
    """Whether a host is an address and no name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def addresses(host: str, *, resolve: bool) -> tuple[str, ...]:
    """The addresses of a host; none where a name is unknown or may not be resolved.

    Without `resolve` (offline) only literal addresses and `localhost` are judged.
    """
    if is_literal(host):
        return (host,)
    if host.lower() == "localhost":
        return ("127.0.0.1",)
    if not resolve:
        return ()
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))


def is_this_machine(host: str, *, resolve: bool) -> bool | None:
    """Whether a host is this machine; None where that cannot be known."""
    found = addresses(host, resolve=resolve)
    return any(is_local(address) for address in found) if found else None


def on_one_machine(hosts: Iterable[str], *, resolve: bool) -> bool:
    """Whether the hosts are one machine: the same, or each an address of this machine (checks.md)."""
    hosts = list(hosts)
    if len({host.lower() for host in hosts}) == 1:
        return True
    return all(is_this_machine(host, resolve=resolve) for host in hosts)


def is_loopback(host: str, *, resolve: bool) -> bool:
    """Whether a host is (or resolves to) a loopback address."""
    return any(
        ipaddress.ip_address(address.partition("%")[0]).is_loopback
        for address in addresses(host, resolve=resolve)
    )


def own_addresses() -> list[str]:
    """The addresses of this machine's interfaces, without loopback and link-local ones, IPv4 first."""
    import ifaddr

    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            parsed = ipaddress.ip_address(text)
            if not (parsed.is_loopback or parsed.is_link_local):
                found.append(text)
    return sorted(dict.fromkeys(found), key=lambda text: (":" in text, text))
