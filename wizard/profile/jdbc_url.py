"""The JDBC URL that the servers log in with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus


def jdbc_url(host: str, port: int, database: str, parameters: Mapping[str, str] | None = None) -> str:
    """`jdbc:mysql://host:port/database` and, where there are parameters, `?k=v&k=v` (procedure 3).

    What would end a part of the URL early is percent-encoded: Connector/J decodes database names and values.
    """
    address = f"[{host}]" if ":" in host else host
    url = f"jdbc:mysql://{address}:{port}/{quote(database, safe=NAME)}"
    if parameters:
        url += "?" + "&".join(f"{key}={quote(value, safe=VALUE)}" for key, value in parameters.items())
    return url


NAME = "-._~$!*'(),;:@=+"
VALUE = NAME.replace("+", "") + "/[]{}|^"
"""A parameter ends at `&`, its name at the first `=`: another `=` is part of the value (`sessionVariables=a=1`)."""


class MySQLUrl(NamedTuple):
    """The parts of a MySQL URL."""

    host: str
    port: int
    database: str
    parameters: dict[str, str]


_URL = re.compile(r"jdbc:(?:mysql|mariadb)://(\[[^\]]+\]|[^/:?#,]+)(?::(\d{1,5}))?/([^?#]+)(?:\?(.*))?")


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
