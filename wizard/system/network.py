"""Which machine a host is: the one rule for "one machine or two" (checks.md)."""

from __future__ import annotations

import ipaddress
import threading
import time
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
    import socket

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
    return _lookup(host).addresses() if resolve else ()


RESOLVE_LIMIT = 2.0
"""Seconds that a name may take: a name server that is a black hole must not hold up everything else."""

REMEMBERED = 30.0
"""Seconds for which an answer, or none, is taken as it is."""


class _Lookup:
    """A name being resolved in a thread of its own, once for all who ask."""

    def __init__(self, host: str) -> None:
        self.began = time.monotonic()
        self._done = threading.Event()
        self._found: tuple[str, ...] = ()
        threading.Thread(target=self._resolve, args=(host,), name=f"resolve {host}", daemon=True).start()

    def _resolve(self, host: str) -> None:
        import socket

        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            self._found = tuple(dict.fromkeys(str(info[4][0]) for info in found))
        except (OSError, UnicodeError):
            self._found = ()
        self._done.set()

    def addresses(self) -> tuple[str, ...]:
        self._done.wait(max(0.0, self.began + RESOLVE_LIMIT - time.monotonic()))
        return self._found


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
