"""Which machine a host is: the one rule for "one machine or two" (checks.md)."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Iterable
from contextlib import suppress


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """A literal address without its zone; None for a name."""
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def is_local(address: str) -> bool:
    """Whether a literal address belongs to this machine: only then can a socket be bound to it.

    Nothing is sent.  Loopback (all of 127.0.0.0/8 and ::1) is local.
    """
    parsed = _parsed(address)
    if parsed is None or parsed.is_unspecified or parsed.is_multicast or parsed.is_loopback:
        return parsed is not None and parsed.is_loopback
    import socket

    try:
        family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def is_literal(host: str) -> bool:
    """Whether a host is an address and no name."""
    return _parsed(host) is not None


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
    lookup = _lookup(host)
    lookup.join(max(0.0, lookup.began + RESOLVE_LIMIT - time.monotonic()))
    return lookup.found


RESOLVE_LIMIT = 2.0
"""Seconds that a name may take: a name server that is a black hole must not hold up everything else."""

REMEMBERED = 30.0
"""Seconds for which an answer, or none, is taken as it is."""


class _Lookup(threading.Thread):
    """A name being resolved in a thread of its own, once for all who ask."""

    def __init__(self, host: str) -> None:
        super().__init__(name=f"resolve {host}", daemon=True)
        self.host = host
        self.began = time.monotonic()
        self.found: tuple[str, ...] = ()
        self.start()

    def run(self) -> None:
        import socket

        with suppress(OSError, UnicodeError):
            found = socket.getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
            self.found = tuple(dict.fromkeys(str(info[4][0]) for info in found))


_lookups: dict[str, _Lookup] = {}
_lock = threading.Lock()


def _lookup(host: str) -> _Lookup:
    with _lock:
        found = _lookups.get(host)
        if found is None or time.monotonic() - found.began > REMEMBERED:
            found = _lookups[host] = _Lookup(host)
        return found


def resolve_ahead(hosts: Iterable[str]) -> None:
    """Begin to resolve all these names at once, so that waiting for one is waiting for all."""
    for host in hosts:
        if not is_literal(host) and host.lower() != "localhost":
            _lookup(host)


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
    found = map(_parsed, addresses(host, resolve=resolve))
    return any(address is not None and address.is_loopback for address in found)


def own_addresses() -> list[str]:
    """The addresses of this machine's interfaces, without loopback and link-local ones, IPv4 first."""
    import ifaddr

    ips = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips)
    found = {ip if isinstance(ip, str) else ip[0] for ip in ips}
    outside = [text for text in found if (ip := _parsed(text)) and not (ip.is_loopback or ip.is_link_local)]
    return sorted(outside, key=lambda text: (":" in text, text))
