"""Profiles for tests: the smallest valid one, and any valid one."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

from hypothesis import strategies as st

from wizard.profile.document import Place, lookup, place_of

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
MINIMAL: dict[str, Any] = tomllib.loads(MINIMAL_TEXT)


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


def valid_profiles() -> st.SearchStrategy[dict[str, Any]]:
    """The tables of any valid profile."""
    names = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
    ports, flags = st.integers(1, 65535), st.booleans()
    visible = {"codec": "utf-8", "exclude_categories": ["C", "Z"]}
    text = st.text(st.characters(**visible), min_size=1, max_size=12)
    paths = text.map(lambda text: f"/opt/{text}")
    addresses = st.ip_addresses(v=4).map(str)
    host_names = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{2,5}){0,2}", fullmatch=True)
    hosts = host_names | addresses | st.ip_addresses(v=6).map(str)
    references = st.one_of(
        st.fixed_dictionaries({"env": st.from_regex(r"[A-Z_]{1,10}", fullmatch=True)}),
        st.fixed_dictionaries({"file": paths}),
        st.fixed_dictionaries({"keyring": st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5}){1,2}", fullmatch=True)}),
        st.fixed_dictionaries({"command": st.lists(text, min_size=1, max_size=3)}),
        st.just({"prompt": True}),
    )
    in_a_url = st.text(st.characters(**visible, exclude_characters="/\\?#%"), min_size=1, max_size=12)
    database_names = in_a_url.filter(
        lambda name: not name.startswith("WSO2")
    )  # the product's own datasources
    roles = ("user", "registry", "event_store", "processed_data_store", "stats")
    databases = st.lists(database_names, min_size=5, max_size=5, unique=True)
    parameters = st.sampled_from(["useSSL", "characterEncoding", "a.b", "x_1"])
    required = {"mysql.host": hosts, "mysql.username": text, "mysql.password": references}
    optional = {
        "cluster.name": names,
        "cluster.domain": text,
        "mysql.port": ports,
        "mysql.provisioning": st.sampled_from(["wizard", "server", "dba"]),
        "mysql.server_version": st.sampled_from(["5.6", "8.0.36", "9", "10.11-MariaDB"]),
        "mysql.charset": st.sampled_from(["latin1", "utf8mb4"]),
        "mysql.grant_host": st.sampled_from(["%", "10.%", "localhost"]),
        "mysql.url_parameters": st.dictionaries(parameters, text | st.just("") | references, max_size=3),
        "mysql.driver_jar": paths,
        "mysql.databases": databases.map(lambda found: dict(zip(roles, found, strict=True))),
        "pool.max_active": st.integers(1, 1000),
        "pool.validation_query": text,
        "pool.test_on_borrow": flags,
        "registry.cache_id": text,
        "registry.read_only": flags,
        "registry.registry_root": st.just("/x y"),
        "event_processor.persistence": flags,
        "event_processor.persistence_location": text,
        "spark.master_count": st.integers(1, 2),
        "spark.symbolic_link": paths,
    }
    for number in range(2):
        node = f"nodes.{number}"
        required |= {
            f"{node}.name": names.map(lambda name, number=number: f"{name}{number}"),
            f"{node}.home": paths,
            f"{node}.host": hosts,
        }
        optional |= {
            f"{node}.hazelcast_port": ports,
            f"{node}.port_offset": st.integers(0, 50000),
            f"{node}.event_sync_port": ports,
            f"{node}.management_port": ports,
            f"{node}.presentation_port": ports,
            f"{node}.spark_local_ip": addresses,
            f"{node}.java_home": paths,
        }
    administrator = {"mysql.admin_username": text, "mysql.admin_password": references}
    svn = {
        "deployment_sync.method": st.just("svn"),
        "deployment_sync.svn_url": st.just("https://svn.example.com/a%20b"),
        "deployment_sync.svn_username": text,
        "deployment_sync.svn_password": references,
    }
    stores = st.sampled_from([{}, {"event_store": "PINNED_1"}, {"processed_data_store": "PINNED_2"}])

    @st.composite
    def profiles(draw: st.DrawFn) -> dict[str, Any]:
        values = draw(st.fixed_dictionaries(required, optional=optional))
        for together in (administrator, svn):
            values |= draw(st.just({}) | st.fixed_dictionaries(together))
        raw = minimal(datasources=draw(stores), **values)
        if draw(flags):
            for table, key in (("event_processor", "presenter"), ("deployment_sync", "manager")):
                raw.setdefault(table, {})[key] = raw["nodes"][1]["name"]
        return raw

    return profiles()


def get_field(text: str, field: str | Place) -> Any:
    """The value that `text` holds, valid or not; None where it holds none."""
    try:
        return lookup(tomllib.loads(text), place_of(field))
    except KeyError:
        return None
