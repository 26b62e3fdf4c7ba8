"""Rules between keys of a profile that are each valid by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from wizard.passwords.masking import holds_password
from wizard.passwords.references import NEVER_PLAIN
from wizard.profile.rules import is_name

if TYPE_CHECKING:
    from wizard.profile.document import Place

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


class Mistake(NamedTuple):
    """One thing that is wrong with a profile, never with a value of it in the text.

    `place` is the key, () for the file as a whole; `line` counts from 1, and is 0 until the key is located in a text.
    """

    place: Place
    message: str
    fix: str
    kind: Literal["syntax", "missing", "unknown", "invalid"] = "invalid"
    line: int = 0

    @property
    def field(self) -> str:
        """The dotted name of the key, with the number of its node from 0: `nodes.1.host`."""
        from wizard.profile.document import written_key

        return ".".join(str(part) if isinstance(part, int) else written_key(part) for part in self.place)


def cross_field_errors(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield what is wrong between keys that are each valid by themselves.

    Args:
        raw: the tables of the file.  Values of a wrong type are ignored: the models report them.
    """
    yield from _names_of_nodes(raw)
    yield from _missing_partners(raw)
    yield from _names_of_databases(raw)
    yield from _names_of_datasources(raw)
    if _table(raw, "registry").get("db_config") == LOCAL_DB_CONFIG:
        fix = "choose another name, such as govregistry"
        yield Mistake(("registry", "db_config"), "that is the server's own registry", fix)
    for name, value in _table(raw, "mysql", "url_parameters").items():
        if isinstance(value, str) and holds_password(name, value):
            fix = 'name = { env = "NAME" } takes it from the environment'
            yield Mistake(("mysql", "url_parameters", name), NEVER_PLAIN, fix)


def _table(raw: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    value: Any = raw
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _names_of_nodes(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    nodes = raw.get("nodes")
    if not isinstance(nodes, list | tuple):
        return
    names = [node.get("name") for node in nodes if isinstance(node, Mapping)]
    if len(names) != 2 or not all(isinstance(name, str) and is_name(name) for name in names):
        return
    if names[0] == names[1]:
        fix = "give each a name of its own, such as node1 and node2"
        yield Mistake(("nodes", 1, "name"), "both nodes have this name", fix)
    for table, key in (("event_processor", "presenter"), ("deployment_sync", "manager")):
        wanted = _table(raw, table).get(key)
        if isinstance(wanted, str) and wanted not in names:
            fix = f'the nodes are "{names[0]}" and "{names[1]}": write one of them'
            yield Mistake((table, key), "no node has this name", fix)


def _missing_partners(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    """The keys that another key requires."""
    mysql, sync = _table(raw, "mysql"), _table(raw, "deployment_sync")
    for one, other in (("admin_username", "admin_password"), ("admin_password", "admin_username")):
        if mysql.get(one) is None and mysql.get(other) is not None:
            fix = f"add it, or remove {other}"
            yield Mistake(("mysql", one), f"required by {other}", fix, kind="missing")
    for key in ("svn_url", "svn_username", "svn_password"):
        if sync.get("method") == "svn" and sync.get(key) is None:
            fix = 'add it, or write method = "none"'
            yield Mistake(("deployment_sync", key), 'required by method = "svn"', fix, kind="missing")


def _databases(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The name of each role's database; the default's where the file has none."""
    given = _table(raw, "mysql", "databases")
    return {role: given.get(role, name) for role, name in DATABASES.items()}


def _names_of_databases(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    owners: dict[str, list[str]] = {}
    for role, name in _databases(raw).items():
        if not isinstance(name, str):
            continue
        (group,) = (group for group in MAY_SHARE if role in group)
        other = next((owner for owner in owners.setdefault(name, []) if owner not in group), None)
        owners[name].append(role)
        if other is not None:
            message = f"{other} already uses this database; only user and registry may share one, and "
            message += "event_store, processed_data_store and stats"
            yield Mistake(("mysql", "databases", role), message, "choose another name")


def _names_of_datasources(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    databases, given = _databases(raw), _table(raw, "datasources")
    taken = dict.fromkeys(PRODUCT_DATASOURCES, "the product has one of that name")
    of_jndi = {CARBON_JNDI_NAME: f"the product has one that is bound to jdbc/{CARBON_JNDI_NAME}"}
    for role, default in DATASOURCES.items():
        name = given.get(role, default)
        if not isinstance(name, str):
            continue
        # With one database for both, both may be one datasource.
        is_shared = databases["user"] == databases["registry"] and name not in PRODUCT_DATASOURCES
        if name in of_jndi or (name in taken and not is_shared):
            message = f"its datasource cannot be called {name}: {(of_jndi | taken)[name]}"
            yield Mistake(("datasources", role), message, f"choose another name, such as {default}")
        taken.setdefault(name, f"that is the {role} datasource")
    for store in ("event_store", "processed_data_store"):
        pinned = given.get(store)
        name = databases[store] if pinned is None else pinned
        if not isinstance(name, str):
            continue
        # For shared databases the pack's own names stay, and the sharing itself is what is reported.
        if name in taken and not (pinned is None and list(databases.values()).count(name) > 1):
            place = ("mysql", "databases", store) if pinned is None else ("datasources", store)
            message = f"its datasource cannot be called {name}: {taken[name]}"
            yield Mistake(place, message, f"pin another name: {store} under [datasources]")
        taken.setdefault(name, "that is the other store's datasource")
