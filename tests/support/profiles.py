"""Profiles for tests: the smallest valid one, and any valid one."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

from wizard.profile.document import Place, lookup, place_of

MINIMAL: dict[str, Any] = {
    "schema_version": 1,
    "mysql": {"host": "10.100.0.10", "username": "apim", "password": {"env": "APIM_DB_PASSWORD"}},
    "nodes": [
        {"name": "node1", "home": "/opt/wso2/analytics-1", "host": "10.100.0.46"},
        {"name": "node2", "home": "/opt/wso2/analytics-2", "host": "10.100.0.47"},
    ],
}

MINIMAL_TEXT = """\
schema_version = 1

[mysql]
host = "10.100.0.10"
username = "apim"
password = { env = "APIM_DB_PASSWORD" }

[[nodes]]
name = "node1"
home = "/opt/wso2/analytics-1"
host = "10.100.0.46"

[[nodes]]
name = "node2"
home = "/opt/wso2/analytics-2"
host = "10.100.0.47"
"""


def minimal(**changes: Any) -> dict[str, Any]:
    """The smallest valid profile with some values set by dotted name, as in `**{"mysql.port": 1}`.

    None removes; a number in the name is that of a node.
    """
    raw = copy.deepcopy(MINIMAL)
    for name, value in changes.items():
        *around, last = [int(part) if part.isdigit() else part for part in name.split(".")]
        table: Any = raw
        for key in around:
            table = table[key] if isinstance(table, list) else table.setdefault(key, {})
        if value is None:
            table.pop(last, None)
        else:
            table[last] = value
    return raw


def valid_profiles() -> Any:
    """A hypothesis strategy: the tables of any valid profile."""
    from hypothesis import strategies as st

    names = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
    ports = st.integers(1, 65535)
    characters = st.characters(codec="utf-8", exclude_categories=["C", "Z"])
    text = st.text(characters, min_size=1, max_size=12)
    hosts = st.one_of(
        st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True),
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map(str),
    )
    paths = text.map(lambda text: f"/opt/{text}")
    references = st.one_of(
        st.fixed_dictionaries({"env": st.from_regex(r"[A-Z_]{1,10}", fullmatch=True)}),
        st.fixed_dictionaries({"file": paths}),
        st.fixed_dictionaries({"keyring": st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5}){1,2}", fullmatch=True)}),
        st.fixed_dictionaries({"command": st.lists(text, min_size=1, max_size=3)}),
        st.just({"prompt": True}),
    )
    database_names = st.text(
        st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="/\\?#%"),
        min_size=1,
        max_size=12,
    ).filter(lambda name: not name.startswith("WSO2"))  # names of the product's own datasources
    parameters = st.dictionaries(
        st.sampled_from(["useSSL", "characterEncoding", "a.b", "x_1"]),
        st.one_of(text, st.just(""), references),
        max_size=3,
    )

    def some(**optional: Any) -> Any:
        return st.fixed_dictionaries({}, optional=optional)

    def node(number: int) -> Any:
        return st.fixed_dictionaries(
            {"name": names.map(lambda name: f"{name}{number}"), "home": paths, "host": hosts},
            optional={
                "hazelcast_port": ports,
                "port_offset": st.integers(0, 50000),
                "event_sync_port": ports,
                "management_port": ports,
                "presentation_port": ports,
                "spark_local_ip": st.ip_addresses(v=4).map(str),
                "java_home": paths,
            },
        )

    @st.composite
    def profiles(draw: Any) -> dict[str, Any]:
        databases = draw(
            st.lists(database_names, min_size=5, max_size=5, unique=True).map(
                lambda found: dict(
                    zip(
                        ("user", "registry", "event_store", "processed_data_store", "stats"),
                        found,
                        strict=True,
                    )
                )
            )
        )
        raw = {
            "schema_version": 1,
            "cluster": draw(some(name=names, domain=text)),
            "mysql": draw(
                st.fixed_dictionaries(
                    {"host": hosts, "username": text, "password": references},
                    optional={
                        "port": ports,
                        "provisioning": st.sampled_from(["wizard", "server", "dba"]),
                        "server_version": st.sampled_from(["5.6", "8.0.36", "9", "10.11-MariaDB"]),
                        "charset": st.sampled_from(["latin1", "utf8mb4"]),
                        "grant_host": st.sampled_from(["%", "10.%", "localhost"]),
                        "url_parameters": parameters,
                        "driver_jar": paths,
                    },
                )
            ),
            "datasources": draw(
                st.sampled_from([{}, {"event_store": "PINNED_1"}, {"processed_data_store": "PINNED_2"}])
            ),
            "pool": draw(
                some(max_active=st.integers(1, 1000), validation_query=text, test_on_borrow=st.booleans())
            ),
            "registry": draw(some(cache_id=text, read_only=st.booleans(), registry_root=st.just("/x y"))),
            "event_processor": draw(some(persistence=st.booleans(), persistence_location=text)),
            "spark": draw(some(master_count=st.integers(1, 2), symbolic_link=paths)),
            "deployment_sync": draw(
                st.one_of(
                    st.just({}),
                    st.fixed_dictionaries(
                        {
                            "method": st.just("svn"),
                            "svn_url": st.just("https://svn.example.com/a%20b"),
                            "svn_username": text,
                            "svn_password": references,
                        }
                    ),
                )
            ),
            "nodes": [draw(node(1)), draw(node(2))],
        }
        if draw(st.booleans()):
            raw["mysql"]["databases"] = databases
        if draw(st.booleans()):
            raw["mysql"] |= {"admin_username": draw(text), "admin_password": draw(references)}
        if draw(st.booleans()):
            raw["event_processor"]["presenter"] = raw["nodes"][1]["name"]
            raw["deployment_sync"]["manager"] = raw["nodes"][1]["name"]
        return raw

    return profiles()


def get_field(text: str, field: str | Place) -> Any:
    """The value as it stands in `text`, right or wrong; None where it does not stand there."""
    try:
        return lookup(tomllib.loads(text), place_of(field))
    except KeyError:
        return None
