"""Rules between keys of a profile that are each valid by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from wizard.passwords.references import NEVER_PLAIN
from wizard.profile.rules import is_name, is_password_parameter, sets_password

DATABASES: dict[str, Any] = {
    "user": "userdb",
    "registry": "regdb",
    "event_store": "WSO2_ANALYTICS_EVENT_STORE_DB",
    "processed_data_store": "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB",
    "stats": None,
}
"""The names that databases have where the profile has none."""

DATASOURCES = {"user": "WSO2UM_DB", "registry": "WSO2REG_DB"}
"""The names of the datasources of `master-datasources.xml` where the profile has none."""

PRODUCT_DATASOURCES = ("WSO2_CARBON_DB", "WSO2AM_STATS_DB")
"""Datasources that the product has already (procedure, chapter 3)."""

CARBON_JNDI_NAME = "WSO2CarbonDB"
"""`WSO2_CARBON_DB` is bound to `jdbc/` and this."""

LOCAL_DB_CONFIG = "wso2registry"
"""The dbConfig of the server's own registry, which stays as it is (procedure, chapter 4)."""

MAY_SHARE = (("user", "registry"), ("event_store", "processed_data_store", "stats"))
"""Roles whose databases may be one (procedure, chapter 3)."""


class CrossFieldError(NamedTuple):
    """Something wrong between keys; `missing`: the key at `place` has to be added."""

    place: tuple[str | int, ...]
    message: str
    fix: str
    missing: bool = False


def cross_field_errors(raw: Mapping[str, Any]) -> Iterator[CrossFieldError]:
    """Yield what is wrong between keys that are each valid by themselves.

    Args:
        raw: the tables of the file.  Values of a wrong type are ignored: the models report them.
    """
    yield from _names_of_nodes(raw)
    yield from _keys_that_belong_together(raw)
    yield from _names_of_databases(raw)
    yield from _names_of_datasources(raw)
    yield from _name_of_db_config(raw)
    yield from _plain_passwords(raw)


def _table(raw: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    value: Any = raw
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _names_of_nodes(raw: Mapping[str, Any]) -> Iterator[CrossFieldError]:
    nodes = raw.get("nodes")
    if not isinstance(nodes, list | tuple):
        return
    names = [node.get("name") for node in nodes if isinstance(node, Mapping)]
    if len(names) != 2 or not all(isinstance(name, str) and is_name(name) for name in names):
        return
    if names[0] == names[1]:
        yield CrossFieldError(
            ("nodes", 1, "name"),
            "both nodes have this name",
            "give each a name of its own, such as node1 and node2",
        )
    for table, key in (("event_processor", "presenter"), ("deployment_sync", "manager")):
        wanted = _table(raw, table).get(key)
        if isinstance(wanted, str) and wanted not in names:
            yield CrossFieldError(
                (table, key),
                "no node has this name",
                f'the nodes are "{names[0]}" and "{names[1]}": write one of them',
            )


def _keys_that_belong_together(raw: Mapping[str, Any]) -> Iterator[CrossFieldError]:
    mysql = _table(raw, "mysql")
    for one, other in (("admin_username", "admin_password"), ("admin_password", "admin_username")):
        if mysql.get(one) is None and mysql.get(other) is not None:
            yield CrossFieldError(
                ("mysql", one),
                f"required by {other}",
                f"add it, or remove {other}",
                True,
            )
    sync = _table(raw, "deployment_sync")
    if sync.get("method") == "svn":
        for key in ("svn_url", "svn_username", "svn_password"):
            if sync.get(key) is None:
                yield CrossFieldError(
                    ("deployment_sync", key),
                    'required by method = "svn"',
                    'add it, or write method = "none"',
                    True,
                )


def _databases(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The name of each role's database; the default's where the file has none."""
    given = _table(raw, "mysql", "databases")
    return {role: given.get(role, name) for role, name in DATABASES.items()}


def _names_of_databases(raw: Mapping[str, Any]) -> Iterator[CrossFieldError]:
    owners: dict[str, list[str]] = {}
    for role, name in _databases(raw).items():
        if not isinstance(name, str):
            continue
        (group,) = (group for group in MAY_SHARE if role in group)
        other = next((owner for owner in owners.setdefault(name, []) if owner not in group), None)
        owners[name].append(role)
        if other is not None:
            yield CrossFieldError(
                ("mysql", "databases", role),
                f"{other} already uses this database; only user and registry may share one, and "
                "event_store, processed_data_store and stats",
                "choose another name",
            )


def _names_of_datasources(raw: Mapping[str, Any]) -> Iterator[CrossFieldError]:
    databases, given = _databases(raw), _table(raw, "datasources")
    taken = dict.fromkeys(PRODUCT_DATASOURCES, "the product has one of that name")
    of_jndi = {**taken, CARBON_JNDI_NAME: f"the product has one that is bound to jdbc/{CARBON_JNDI_NAME}"}
    for role, default in DATASOURCES.items():
        name = given.get(role, default)
        if not isinstance(name, str):
            continue
        if name in of_jndi:
            yield CrossFieldError(
                ("datasources", role),
                f"its datasource cannot be called {name}: {of_jndi[name]}",
                f"choose another name, such as {default}",
            )
        if role == "user" and databases["user"] == databases["registry"]:
            continue  # then both may be one datasource
        of_jndi.setdefault(name, f"that is the {role} datasource")
    for role, default in DATASOURCES.items():
        taken.setdefault(str(given.get(role, default)), f"that is the {role} datasource")
    for store in ("event_store", "processed_data_store"):
        pinned = given.get(store)
        name = databases[store] if pinned is None else pinned
        if not isinstance(name, str):
            continue
        # For shared databases the pack's own names stay, and the sharing itself is what is reported.
        if name in taken and not (pinned is None and list(databases.values()).count(name) > 1):
            yield CrossFieldError(
                ("mysql", "databases", store) if pinned is None else ("datasources", store),
                f"its datasource cannot be called {name}: {taken[name]}",
                f"pin another name: {store} under [datasources]",
            )
        taken.setdefault(name, "that is the other store's datasource")


def _name_of_db_config(raw: Mapping[str, Any]) -> Iterator[CrossFieldError]:
    if _table(raw, "registry").get("db_config") == LOCAL_DB_CONFIG:
        yield CrossFieldError(
            ("registry", "db_config"),
            "that is the server's own registry",
            "choose another name, such as govregistry",
        )


def _plain_passwords(raw: Mapping[str, Any]) -> Iterator[CrossFieldError]:
    for name, value in _table(raw, "mysql", "url_parameters").items():
        if isinstance(value, str) and (is_password_parameter(name) or sets_password(value)):
            yield CrossFieldError(
                ("mysql", "url_parameters", name),
                NEVER_PLAIN,
                'name = { env = "NAME" } takes it from the environment',
            )
