"""Where a database is, as the servers find it: dbConfig → datasource → URL; and the datasource of each record store.

Source: procedure 3 and 4.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar

from wizard.pack.home import (
    ANALYTICS_CONFIG,
    ANALYTICS_DATASOURCES,
    MASTER_DATASOURCES,
    REGISTRY,
    STATS_DATASOURCES,
    Pack,
)
from wizard.profile.jdbc_url import database_of
from wizard.steps.reading import describe
from wizard.system.errors import EditError

if TYPE_CHECKING:
    from wizard.pack.xml import Element, XmlFile, XmlTree
    from wizard.preflight.checks import CheckContext
    from wizard.profile.model import Profile, Store

E = TypeVar("E", bound="Element")
C = TypeVar("C", bound="Element")

FOLDER = "repository/conf/datasources"

STATS_DATASOURCE = "WSO2AM_STATS_DB"


def files(pack: Pack) -> list[str]:
    """The files of datasources of a home; `master-datasources.xml` first, as the server reads them."""
    paths = [f"{FOLDER}/{name}" for name in pack.names(FOLDER, "-datasources.xml")]
    return sorted(paths, key=lambda path: path != MASTER_DATASOURCES)


def names_of(datasource: Element) -> set[str]:
    return {name.text.strip() for name in datasource.all("name")}


def jndi_names_of(datasource: Element) -> set[str]:
    return {name.text.strip() for name in datasource.all("jndiConfig/name")}


def by_jndi_name(pack: Pack, jndi_name: str) -> list[Element]:
    """The datasources that are bound to a JNDI name: of several the server takes the one that it reads last.

    A file that cannot be read defines none: neither the server nor we know more of it.
    """
    found: list[Element] = []
    for path in files(pack):
        with suppress(EditError):
            found += pack.xml(path).all("datasources/datasource")
    return [one for one in found if jndi_name in jndi_names_of(one)]


def setting(configuration: Element, name: str) -> Element | None:
    """What the server reads a setting of a datasource from: `url`, `username` or `password`.

    With `dataSourceClassName` those are properties, and the elements of these names have no effect (procedure 3).
    """
    if not configuration.all("dataSourceClassName"):
        return configuration.find(name)
    wanted = {"username": "user"}.get(name, name)
    properties = configuration.all("dataSourceProps/property")
    return next((one for one in properties if (one.get("name") or "").lower() in {name, wanted}), None)


def shared_datasources(profile: Profile) -> dict[str, Literal["user", "registry"]]:
    """Name → whose datasource it is; where both names are one, one datasource: the registry's."""
    return {profile.datasources.user: "user", profile.datasources.registry: "registry"}


def find_datasource(document: XmlTree[E], name: str) -> E | None:
    """The live datasource of that name, or the one that is bound to its JNDI name.

    Raises:
        EditError: there are two, of which the server would take one.
    """
    found = [
        datasource
        for datasource in document.all("datasources/datasource")
        if name in names_of(datasource) or f"jdbc/{name}" in jndi_names_of(datasource)
    ]
    return document.sole(found, f"the datasource {name}, or jdbc/{name}")


def configured(pack: Pack, profile: Profile) -> Iterator[tuple[str, str, Element | None]]:
    """Yield file, name and element of each datasource that the step configures; None for one that it adds."""
    for name in shared_datasources(profile):
        yield MASTER_DATASOURCES, name, find_datasource(pack.xml(MASTER_DATASOURCES), name)
    for one in store_sources(pack.xml(ANALYTICS_DATASOURCES), pack.xml(ANALYTICS_CONFIG), profile):
        yield ANALYTICS_DATASOURCES, one.name, one.found
    if profile.mysql.databases.stats is not None and pack.exists(STATS_DATASOURCES):
        found = find_datasource(pack.xml(STATS_DATASOURCES), STATS_DATASOURCE)
        yield STATS_DATASOURCES, STATS_DATASOURCE, found


def stats_is_h2(pack: Pack) -> bool:
    """Whether the statistics of a home are in a file, as in a stock pack."""
    found = find_datasource(pack.xml(STATS_DATASOURCES), STATS_DATASOURCE)
    return found is not None and is_file(url_of(found))


def url_of(datasource: Element) -> str:
    """The URL that the server connects to; empty where there is none."""
    for configuration in datasource.all("definition/configuration"):
        found = setting(configuration, "url")
        if found is not None:
            return found.text.strip()
        properties = {
            (one.get("name") or "").lower(): one.text.strip()
            for one in configuration.all("dataSourceProps/property")
        }
        if "databasename" in properties:  # the class of MySQL's driver takes the parts, too
            host, port = properties.get("servername", ""), properties.get("port", "")
            port = properties.get("portnumber", port) or "3306"
            return f"jdbc:mysql://{host}:{port}/{properties['databasename']}"
    return ""


def urls_of_config(pack: Pack, name: str) -> list[str]:
    """The URLs that a dbConfig of `registry.xml` leads to: more than one where a JNDI name is bound twice."""
    config = pack.xml(REGISTRY).find("dbConfig[@name=$name]", name=name)
    if config is None:
        return []
    source = config.find("dataSource")
    if source is None:
        return [url.text.strip() for url in config.all("url")]
    return [url_of(one) for one in by_jndi_name(pack, source.text.strip())]


def config_of_instance(document: XmlFile, instance_id: str) -> str:
    """The dbConfig that a remote instance names; empty where there is no such instance, or it names none."""
    named = document.all("remoteInstance[id=$id]/dbConfig", id=instance_id)
    return named[0].text.strip() if named else ""


def local_config(document: XmlFile) -> str:
    """The name of the dbConfig of the server's own registry."""
    current = document.find("currentDBConfig")
    return (current.text.strip() if current is not None else "") or "wso2registry"


def shown_url(url: str) -> str:
    """The database of a URL for people, without its parameters and without any password."""
    return str(database_of(url) or describe(url.partition("?")[0].partition(";")[0]))


def is_same_database(one: str, other: str, *, resolve: bool = False) -> bool:
    """Whether two URLs lead to one database, however each is written; `resolve`: look up the names of hosts."""
    first, second = database_of(one), database_of(other)
    if first is None or second is None:
        return bool(one) and _without_parameters(one) == _without_parameters(other)
    return first.is_same(second, resolve=resolve)


def is_file(url: str) -> bool:
    """Whether a URL is that of an H2 database in a file or in memory: no other server can share it."""
    return re.match(r"jdbc:h2:(?!(tcp|ssl):)", url.strip(), re.IGNORECASE) is not None


def _without_parameters(url: str) -> str:
    """The URL of another product's database, without what says nothing of which database it is."""
    plain, _, parameters = url.strip().partition("?")[0].partition(";")
    named = [
        part for part in parameters.split(";") if part.lower().startswith(("databasename=", "database="))
    ]
    return ";".join([plain, *named]).casefold()


def after_the_run(context: CheckContext, node: str) -> Pack:
    """The home of a node as this run will leave it: one object for all checks, so that each file is parsed once."""
    pack, plan = context.packs[node], context.plan.node(node)

    def made() -> Pack:
        planned = {one.path: one.after for one in (plan.changes if plan else ()) if one.after is not None}
        return Pack(pack.home, planned)

    # By the plan too: it can be made again while the checks run, once the server's version is known.
    return context.once(f"{node} after the run of the plan {id(plan)}", made)


# --- the record stores of analytics-config.xml ---------------------------------------------------------------

STORES: dict[str, Store] = {"EVENT_STORE": "event_store", "PROCESSED_DATA_STORE": "processed_data_store"}
"""Record store → the field that names its database; `EVENT_STORE_WO` shares the event store's."""

JDBC_RECORD_STORE = "org.wso2.carbon.analytics.datasource.rdbms.RDBMSAnalyticsRecordStore"

DATASOURCE = "properties/property[@name='datasource']"
"""Where a record store names its datasource."""


class StoreSource(NamedTuple, Generic[E]):
    """A record store's datasource: its name after the run, the field that gives that, and the present element.

    `found` is None for a datasource that the run adds.
    """

    store: str
    role: Store
    name: str
    field: str
    found: E | None


def choose(now: Mapping[Store, str], wanted: Mapping[Store, str], there: Container[str]) -> dict[Store, str]:
    """Choose the datasource that each record store keeps, by its present name; a store left out gets a new one.

    `now` are the names in `analytics-config.xml`, `wanted` those that the profile gives, `there` the names in
    `analytics-datasources.xml`.  Two wanted names are equal only if a datasource has that name already.
    """
    chosen: dict[Store, str] = {}
    # 1. The datasource that has the wanted name; not if only the other store uses it now, and does not leave it.
    #    Twice: the choice of the second store can leave a datasource to the first.
    for role, name in (*wanted.items(), *wanted.items()):
        users = [store for store, used in now.items() if used == name == chosen.get(store, name)]
        if name in there and (role in users or not users or name in chosen.values()):
            chosen.setdefault(role, name)
    # 2. Otherwise the one that the store uses now, which is renamed, unless the other store keeps it.
    for role, name in now.items():
        if name not in chosen.values():
            chosen.setdefault(role, name)
    return chosen


def store_sources(datasources: XmlTree[E], config: XmlTree[C], profile: Profile) -> list[StoreSource[E]]:
    """Return the datasource of each record store that a JDBC datasource keeps, in `analytics-datasources.xml`.

    A store whose name the profile does not give keeps the name that it uses now.

    Raises:
        EditError: a record store uses a datasource that does not exist, or two databases would be in one.
    """
    stores = jdbc_stores(config)
    now = {role: used_datasource(config, store) for store, role in stores.items()}
    wanted = {role: profile.datasource_name(role) or name for role, name in now.items()}
    databases = {getattr(profile.mysql.databases, role) for role in wanted}
    if len(set(wanted.values())) < len(wanted) == len(databases):
        raise EditError(
            f"names {wanted['event_store']} for both record stores, which have different databases",
            place=config.name,
            fix="pin a name for each: event_store and processed_data_store under [datasources]",
        )
    chosen = choose(now, wanted, {one.text.strip() for one in datasources.all("datasources/datasource/name")})
    found = []
    for store, role in stores.items():
        element = None
        if role in chosen:
            element = datasources.find("datasources/datasource[name=$name]", name=chosen[role])
            if element is None:
                raise EditError(
                    f"lacks the datasource {chosen[role]}, which the record store {store} uses",
                    place=datasources.name,
                    fix="unpack the file again, or name an existing datasource in analytics-config.xml",
                )
        is_pinned = getattr(profile.datasources, role) is not None
        field = f"datasources.{role}" if is_pinned else f"mysql.databases.{role}"
        found.append(StoreSource(store, role, wanted[role], field, element))
    return found


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
