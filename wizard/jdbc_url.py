"""The JDBC URL that the servers log in with."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote


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
VALUE = NAME.replace("+", "").replace("=", "") + "/[]{}|^"
