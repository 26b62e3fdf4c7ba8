"""The record stores of `analytics-config.xml`, and which datasource keeps each of them (procedure 3)."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from wizard.system.errors import EditError

if TYPE_CHECKING:
    from wizard.pack.xml import Element, XmlTree
    from wizard.profile.model import Profile, Store

E = TypeVar("E", bound="Element")
C = TypeVar("C", bound="Element")

STORES: dict[str, Store] = {"EVENT_STORE": "event_store", "PROCESSED_DATA_STORE": "processed_data_store"}
"""Record store → the field that names its database; `EVENT_STORE_WO` shares the event store's."""

JDBC_RECORD_STORE = "org.wso2.carbon.analytics.datasource.rdbms.RDBMSAnalyticsRecordStore"

DATASOURCE = "properties/property[@name='datasource']"
"""Where a record store names its datasource."""


class StoreSource(NamedTuple, Generic[E]):
    """A record store's datasource: the name that it gets, and the element that becomes it; None: a new one."""

    store: str
    role: Store
    name: str
    found: E | None


def choose(now: Mapping[Store, str], wanted: Mapping[Store, str], there: Container[str]) -> dict[Store, str]:
    """Choose the existing datasource of each record store, by its present name; a store left out gets a new one.

    `now` are the names in `analytics-config.xml`, `wanted` those that the profile gives, `there` the names in
    `analytics-datasources.xml`.  The first line that is true counts, for both stores before the next line:

    | a datasource of the wanted name exists, and …             | the store gets                        |
    |-----------------------------------------------------------|---------------------------------------|
    | the store uses it now                                     | that one                              |
    | no record store uses it now                               | that one                              |
    | the other store gets it by a line above (one database)    | that one                              |

    | otherwise                                                 |                                       |
    |-----------------------------------------------------------|---------------------------------------|
    | the datasource that it uses now is not the other store's  | the present one, with the wanted name |
    | the other store has taken the present one                 | a new one with the wanted name        |
    """
    chosen: dict[Store, str] = {}
    lines: tuple[Callable[[Store, str], bool], ...] = (
        lambda role, name: now[role] == name,
        lambda role, name: name not in now.values(),
        lambda role, name: name in chosen.values(),
    )
    for line in lines:
        for role, name in wanted.items():
            if role not in chosen and name in there and line(role, name):
                chosen[role] = name
    for role, name in now.items():
        if role not in chosen and name not in chosen.values():
            chosen[role] = name
    return chosen


def store_sources(sources: XmlTree[E], config: XmlTree[C], profile: Profile) -> list[StoreSource[E]]:
    """Return the datasource of each record store that a JDBC datasource keeps, in `analytics-datasources.xml`.

    Raises:
        EditError: a record store uses a datasource that does not exist, or two databases would be in one.
    """
    stores, wanted = jdbc_stores(config), store_names(config, profile)
    now = {role: used_datasource(config, store) for store, role in stores.items()}
    existing = {name.text.strip() for name in sources.all("datasources/datasource/name")}
    chosen = choose(now, wanted, existing)
    found = []
    for store, role in stores.items():
        name = chosen.get(role)
        taken = sources.find("datasources/datasource[name=$name]", name=name) if name is not None else None
        if name is not None and taken is None:
            raise EditError(
                f"lacks the datasource {name}, which the record store {store} uses",
                place=sources.name,
                fix="unpack the file again, or name an existing datasource in analytics-config.xml",
            )
        found.append(StoreSource(store, role, wanted[role], taken))
    return found


def store_names(config: XmlTree[C], profile: Profile) -> dict[Store, str]:
    """Return the name that each store's datasource gets: the profile's, otherwise the one that it has now.

    Raises:
        EditError: two databases would be in one datasource.
    """
    names = {
        role: profile.datasource_name(role) or used_datasource(config, store)
        for store, role in jdbc_stores(config).items()
    }
    databases = {getattr(profile.mysql.databases, role) for role in names}
    if len(set(names.values())) < len(names) == len(databases):
        raise EditError(
            f"names {names['event_store']} for both record stores, which have different databases",
            place=config.name,
            fix="pin a name for each: event_store and processed_data_store under [datasources]",
        )
    return names


def name_field(profile: Profile, role: Store) -> str:
    """Return the field that names a store's datasource."""
    pinned = getattr(profile.datasources, role) is not None
    return f"datasources.{role}" if pinned else f"mysql.databases.{role}"


def record_store(config: XmlTree[C], store: str) -> C:
    return config.one("analytics-record-store[@name=$store]", store=store)


def used_datasource(config: XmlTree[C], store: str) -> str:
    """Return the name of the datasource that a record store uses now."""
    return record_store(config, store).one(DATASOURCE).text.strip()


def jdbc_stores(config: XmlTree[C]) -> dict[str, Store]:
    """Return the record stores that a JDBC datasource keeps: data of another one (Cassandra, HBase) is not moved."""
    return {store: role for store, role in STORES.items() if is_jdbc(record_store(config, store))}


def is_jdbc(record_store: Element) -> bool:
    """Whether the implementation of a record store is the one for JDBC."""
    return implementation(record_store) == JDBC_RECORD_STORE.rpartition(".")[2]


def implementation(record_store: Element) -> str:
    """Return the class of a record store without its package; empty without one."""
    found = record_store.find("implementation")
    return found.text.strip().rpartition(".")[2] if found is not None else ""
