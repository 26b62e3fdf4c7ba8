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


visible = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
texts = st.text(visible, min_size=1, max_size=12).filter(lambda text: "${" not in text)
words = st.from_regex(r"[A-Za-z0-9_]{1,12}", fullmatch=True)
paths = texts.map("/opt/{}".format)
ports, flags = st.integers(1, 65535), st.booleans()
hosts = st.sampled_from(
    ["127.0.0.1", "localhost", "10.1.2.3", "db-1.example.com", "2001:db8::7", "::1", "node.example"]
)
database_names = st.text(
    visible.filter(lambda c: c not in "/\\?#%" and c <= "\uffff"), min_size=1, max_size=12
)
references = st.one_of(
    words.map(lambda name: {"env": f"X{name}"}),
    paths.map(lambda path: {"file": path}),
    words.map(lambda name: {"keyring": f"service/{name}"}),
    st.lists(texts, min_size=1, max_size=3).map(lambda command: {"command": command}),
    st.just({"prompt": True}),
)
SVN = {"method": "svn", "svn_url": "https://svn.example.com/a%20b", "svn_username": "svn"}
NODES = ("a", "B_2-x")


def table(required: dict[str, Any], /, **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A table of a profile; a value that is no strategy is always the same."""
    strategies = {
        key: one if isinstance(one, st.SearchStrategy) else st.just(one) for key, one in required.items()
    }
    return st.fixed_dictionaries(strategies, optional=optional)


@st.composite
def valid_profiles(draw: st.DrawFn, *, in_homes: bool = False, stats: bool = True) -> dict[str, Any]:
    """The tables of any valid profile.

    With `in_homes` it has no more than the files of homes can hold: the homes themselves are missing, and the passwords
    are in APIM_DB_PASSWORD, TRUST and SVN_PASSWORD.
    """

    def secret(variable: str) -> st.SearchStrategy[Any]:
        return st.just({"env": variable}) if in_homes else references

    def elsewhere(**fields: Any) -> dict[str, Any]:
        return {} if in_homes else fields

    drawn = draw(st.lists(database_names, min_size=5, max_size=5, unique_by=str.casefold))
    roles = ["user", "registry", "event_store", "processed_data_store"] + (["stats"] if stats else [])
    names = dict(zip(roles, drawn, strict=False))
    one_for_users, one_for_stores = draw(flags), draw(st.sets(st.sampled_from(roles[2:])))
    if one_for_users:
        names["registry"] = names["user"]
    names |= dict.fromkeys(one_for_stores, drawn[4])
    # Names of datasources differ from each other, from these databases' and from the product's.
    free = texts.filter(lambda name: name not in drawn and not name.startswith("WSO2"))
    pins = dict(zip(roles[:4], draw(st.lists(free, min_size=4, max_size=4, unique=True)), strict=True))
    if one_for_users and draw(flags):
        pins["registry"] = pins["user"]
    values = st.text(visible.filter("&".__ne__), max_size=8)
    parameters = st.dictionaries(
        words.map("x.{}".format), values if in_homes else values | references, max_size=3
    )
    trust = {"trustCertificateKeyStorePassword": secret("TRUST")}
    account = {"host": hosts, "username": texts, "password": secret("APIM_DB_PASSWORD")}
    administrator = {"admin_username": texts, "admin_password": references}
    mysql = account | (administrator if not in_homes and draw(flags) else {})
    svn = {**SVN, "svn_password": secret("SVN_PASSWORD")}
    tables = {
        "schema_version": st.just(1),
        "cluster": table({}, domain=texts, **elsewhere(name=words)),
        "mysql": table(
            {**mysql, "databases": names},
            port=ports,
            url_parameters=st.tuples(parameters, table(trust)).map(lambda both: both[0] | both[1]),
            **elsewhere(
                provisioning=st.sampled_from(["wizard", "server", "dba"]),
                server_version=st.sampled_from(["5.6", "8.0.36", "9", "10.11-MariaDB"]),
                charset=st.sampled_from(["latin1", "utf8mb4"]),
                grant_host=st.sampled_from(["%", "10.%", "localhost"]),
                driver_jar=paths,
            ),
        ),
        "datasources": st.just({role: pin for role, pin in pins.items() if draw(flags)}),
        "pool": table(
            {},
            max_active=st.integers(1, 2**31 - 1),
            max_wait_ms=st.integers(0, 2**31 - 1),
            test_on_borrow=flags,
            validation_query=texts,
            validation_interval_ms=st.integers(0, 2**31 - 1),
        ),
        "registry": table(
            {},
            remote_url=words.map("https://{}.example.com:9443/registry?a=1&b=2".format),
            **dict.fromkeys(("cache_id", "instance_id", "db_config"), texts),
            **dict.fromkeys(("read_only", "enable_cache"), flags),
            **dict.fromkeys(("registry_root", "governance_target"), texts.map("/{}".format)),
            config_target=texts.map("/_system/{}".format),
        ),
        "event_processor": table(
            {},
            persistence=flags,
            persistence_interval_minutes=st.integers(1, 999),
            persistence_location=texts,
            presenter=st.sampled_from(NODES),
        ),
        "spark": table({}, master_count=st.integers(1, 9), symbolic_link=words.map("/nonexistent/{}".format)),
        "deployment_sync": st.just({"method": "none"})
        | table(svn, append_tenant_id=flags, manager=st.sampled_from(NODES)),
        "nodes": st.tuples(
            *(
                table(
                    {"name": name, "host": hosts, **elsewhere(home=paths)},
                    **dict.fromkeys(("hazelcast_port", "event_sync_port", "management_port"), ports),
                    presentation_port=ports,
                    port_offset=st.integers(0, 50000),
                    spark_local_ip=st.sampled_from(["10.1.2.3", "2001:db8::7"]),
                    **elsewhere(java_home=paths),
                )
                for name in NODES
            )
        ).map(list),
    }
    return draw(st.fixed_dictionaries(tables))


def get_field(text: str, field: str | Place) -> Any:
    """The value that `text` holds, valid or not; None where it holds none."""
    try:
        return lookup(tomllib.loads(text), place_of(field))
    except KeyError:
        return None
