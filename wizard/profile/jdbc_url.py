"""The JDBC URL that the servers log in with."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from wizard.passwords.masking import URL_VALUE
from wizard.system import bounded, network


def jdbc_url(host: str, port: int, database: str, parameters: Mapping[str, str] | None = None) -> str:
    """`jdbc:mysql://host:port/database` and, where there are parameters, `?k=v&k=v` (procedure 3).

    What would end a part of the URL early is percent-encoded: Connector/J decodes database names and values.
    """
    address = f"[{host}]" if ":" in host else host
    url = f"jdbc:mysql://{address}:{port}/{quote(database, safe=NAME)}"
    if parameters:
        url += "?" + "&".join(f"{key}={quote(value, safe=URL_VALUE)}" for key, value in parameters.items())
    return url


NAME = "-._~$!*'(),;:@=+"


class MySQLUrl(NamedTuple):
    """The parts of a MySQL URL."""

    host: str
    port: int
    database: str
    parameters: dict[str, str]


_URL = re.compile(r"jdbc:(?:mysql|mariadb)://(\[[^\[\]]+\]|[^/:?#,\[\]]+)(?::(\d{1,5}))?/([^?#]+)(?:\?(.*))?")


def parse_jdbc_url(url: str) -> MySQLUrl | None:
    """The parts of a URL like those that `jdbc_url` makes; None for any other (H2, several hosts, no database)."""
    found = _URL.fullmatch(url.strip())
    if found is None:
        return None
    host, port, database, query = found.groups()
    pairs = (pair.partition("=") for pair in (query or "").split("&") if pair)
    # Connector/J reads a value as a form does: there a `+` is a blank.
    parameters = {unquote(key): unquote_plus(value) for key, _, value in pairs}
    return MySQLUrl(host.strip("[]"), int(port or 3306), unquote(database), parameters)


class DatabaseAddress(NamedTuple):
    """A database of a MySQL server, however its URL is written; `servers` are host and port of each."""

    servers: tuple[tuple[str, int], ...]
    name: str

    def __str__(self) -> str:
        servers = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.servers)
        return f"{','.join(servers)}/{self.name}"

    def is_same(self, other: DatabaseAddress, *, resolve: bool = False) -> bool:
        """Whether both may be one database: one name (in any case: servers on Windows ignore it) on one server.

        `resolve`: look up the names of hosts; without it only addresses and `localhost` are known.
        """
        return self.name.casefold() == other.name.casefold() and any(
            own_port == port
            and (
                network.on_one_machine([own, host], resolve=resolve)
                or {*network.addresses(own, resolve=resolve)} & {*network.addresses(host, resolve=resolve)}
            )
            for own, own_port in self.servers
            for host, port in other.servers
        )


_ANY_URL = re.compile(r"(?is)jdbc:(?:mysql|mariadb)(?:\+srv)?(?::\w+)*://([^/?#]*)/([^?#]*).*")
_KEY_VALUE = re.compile(r"\b(host|port)=([^(),\s]+)", re.IGNORECASE)


def database_of(url: str) -> DatabaseAddress | None:
    """The database that a URL of Connector/J or of MariaDB's driver leads to; None for any other URL.

    Several hosts, key-value forms, a user in front of the host, IPv6 brackets and percent-encoding are read as the
    drivers read them; no host is localhost, no port 3306.
    """
    found = _ANY_URL.fullmatch(url.strip())
    if found is None:
        return None
    # A comma inside of (host=…,port=…) separates no hosts.
    servers = re.split(r",(?![^(]*\))", found[1])
    return DatabaseAddress(tuple(dict.fromkeys(map(_server, servers))), unquote(found[2]))


def _server(text: str) -> tuple[str, int]:
    """Host and port of one server of a URL, in the one form in which they are compared."""
    text = unquote(text).rpartition("@")[2].strip()
    if values := {key.lower(): value for key, value in _KEY_VALUE.findall(text)}:
        host, port = values.get("host", ""), values.get("port", "")
    else:
        is_ported = re.search(r":\d*\Z", text.rpartition("]")[2])
        host, _, port = text.rpartition(":") if is_ported else (text, "", "")
    host = host.strip().strip("[]").rstrip(".").lower() or "localhost"
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        host = str(getattr(address, "ipv4_mapped", None) or address)
    return host, bounded.number(port) or 3306
