"""One machine or two: the rule of the checks, without and with names."""

from __future__ import annotations

import socket

import pytest

from wizard.system import network


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a name fails."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a name was resolved")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "gethostbyname", refuse)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A name server of our own; nothing is sent."""
    known: dict[str, list[str]] = {}

    def answer(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(network, "_lookups", {})
    return known


def test_loopback_and_the_interfaces_are_this_machine() -> None:
    assert all(map(network.is_local, ["127.0.0.1", "127.1.2.3", "::1"]))
    others = ["203.0.113.1", "203.0.113.7", "2001:db8::1", "0.0.0.0", "::", "224.0.0.1", "no address", ""]
    assert not any(map(network.is_local, others))
    for address in network.own_addresses():
        assert network.is_local(address)
        assert not network.is_loopback(address, resolve=False)


@pytest.mark.usefixtures("no_names")
class TestOffline:
    ONE = ("127.0.0.1 127.0.0.2", "127.0.0.1 localhost", "LOCALHOST ::1", "203.0.113.1 203.0.113.1",
        "node1.example.com NODE1.example.com")  # fmt: skip
    TWO = ("203.0.113.1 203.0.113.2", "127.0.0.1 203.0.113.2", "node1.example.com node2.example.com",
        "127.0.0.1 node2.example.com")  # fmt: skip

    def test_only_addresses_and_localhost_are_judged(self) -> None:
        for pair in (*self.ONE, *self.TWO):
            for hosts in (pair.split(), pair.split()[::-1]):
                assert network.on_one_machine(hosts, resolve=False) is (pair in self.ONE), pair
        assert network.on_one_machine(["127.0.0.1", "203.0.113.1"], resolve=True) is False
        assert network.is_this_machine("localhost", resolve=True) is True
        assert network.is_this_machine("node1.example.com", resolve=False) is None
        assert network.is_this_machine("localhost", resolve=False) is True
        assert network.is_this_machine("203.0.113.1", resolve=False) is False
        assert not network.is_loopback("node1.example.com", resolve=False)


def test_live_names_are_judged_by_their_addresses(names: dict[str, list[str]]) -> None:
    names.update({"a.example": ["127.0.0.1"], "b.example": ["203.0.113.1", "127.0.0.1"]})
    names["c.example"] = names["d.example"] = ["203.0.113.1"]
    here = {name: network.is_this_machine(name, resolve=True) for name in (*names, "nowhere.example")}
    assert list(here.values()) == [True, True, False, False, None]
    assert network.is_loopback("a.example", resolve=True)
    assert network.on_one_machine(["a.example", "b.example"], resolve=True)
    assert not network.on_one_machine(["c.example", "d.example"], resolve=True)
    assert network.addresses("nowhere.example", resolve=True) == ()
    assert not network.on_one_machine(["127.0.0.1", "nowhere.example"], resolve=True)
