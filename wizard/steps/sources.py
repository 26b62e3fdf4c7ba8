"""Where a database lies, as the servers find it: dbConfig → datasource → URL (procedure 3 and 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

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
from wizard.steps.record_stores import store_sources
from wizard.steps.step import sole
from wizard.system.errors import EditError

if TYPE_CHECKING:
    from wizard.pack.xml import Element, XmlFile, XmlTree
    from wizard.preflight.checks import CheckContext
    from wizard.profile.model import Profile

E = TypeVar("E", bound="Element")

FOLDER = "repository/conf/datasources"

STATS_DATASOURCE = "WSO2AM_STATS_DB"


class Definition(NamedTuple):
    """A live datasource, and the file that defines it."""

    path: str
    datasource: Element

    @property
    def names(self) -> set[str]:
        return {name.text.strip() for name in self.datasource.all("name")}

    @property
    def jndi_names(self) -> set[str]:
        return {name.text.strip() for name in self.datasource.all("jndiConfig/name")}


def definitions(pack: Pack) -> Iterator[Definition]:
    """Every live datasource of a home; those of `master-datasources.xml` first, as the server reads them.

    Raises:
        EditError: a file cannot be read.
    """
    for path in _files(pack):
        yield from _definitions_in(pack, path)


def _files(pack: Pack) -> list[str]:
    paths = [f"{FOLDER}/{name}" for name in pack.names(FOLDER, "-datasources.xml")]
    return sorted(paths, key=lambda path: path != MASTER_DATASOURCES)


def _definitions_in(pack: Pack, path: str) -> list[Definition]:
    return [Definition(path, one) for one in pack.xml(path).all("datasources/datasource")]


def by_jndi_name(pack: Pack, jndi_name: str) -> list[Element]:
    """The datasources that are bound to a JNDI name: of several the server takes the one that it reads last.

    A file that cannot be read defines none: neither the server nor we know more of it.
    """
    found: list[Definition] = []
    for path in _files(pack):
        with suppress(EditError):
            found += _definitions_in(pack, path)
    return [one.datasource for one in found if jndi_name in one.jndi_names]


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
        if any(named.text.strip() == name for named in datasource.all("name"))
        or datasource.all("jndiConfig[name=$jndi]", jndi=f"jdbc/{name}")
    ]
    return sole(document, found, f"the datasource {name}: that name or jdbc/{name}")


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
    urls = found.all("definition/configuration/url") if found is not None else []
    return any(url.text.strip().startswith("jdbc:h2:") for url in urls)


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
