"""Step 3: the datasources of both nodes point to MySQL, and what names them follows (procedure 3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from wizard.edit.edits import Note, Value, reveal
from wizard.edit.xml import New
from wizard.pack.home import (
    ANALYTICS_CONFIG,
    ANALYTICS_DATASOURCES,
    CARBON,
    MASTER_DATASOURCES,
    REGISTRY,
    STATS_DATASOURCES,
    USER_MGT,
)
from wizard.passwords.masking import holds_password, without_passwords
from wizard.passwords.secret import Secret
from wizard.preflight.checks import Check, CheckContext, each_home
from wizard.profile.jdbc_url import MySQLUrl, jdbc_url, parse_jdbc_url
from wizard.steps import sources
from wizard.steps.reading import describe
from wizard.steps.registry import mounted_instance
from wizard.steps.rows import Row, Scope, Table, jndi_row, value_of
from wizard.steps.step import Step
from wizard.system import finding, network
from wizard.system.errors import EditError
from wizard.system.finding import Finding, Fix, SetField

if TYPE_CHECKING:
    from wizard.edit.xml import XmlDocument, XmlElement
    from wizard.pack.home import Pack
    from wizard.pack.xml import Element
    from wizard.plan.workbench import Workbench
    from wizard.profile.model import DatabaseRole, Node, Profile
    from wizard.steps.reading import Reading

OTHER_WAY = ("dataSourceClassName", "dataSourceProps")
"""Elements with which the server ignores `url`, `username` and `password` (procedure, chapter 3)."""


def database_url(role: DatabaseRole) -> Callable[[Scope], Value | None]:
    """The JDBC URL of a database; None where the profile has no such database."""

    def text(scope: Scope) -> Value | None:
        database = getattr(scope.bench.profile.mysql.databases, role)
        return database and scope.bench.passwords.url(scope.bench.profile, database)

    return text


def url_cause(role: DatabaseRole) -> Callable[[Scope, str], tuple[str, bool]]:
    """Which field changes a URL, and whether that rolls: only parameters do."""

    def cause(scope: Scope, old: str) -> tuple[str, bool]:
        mysql, url = scope.bench.profile.mysql, parse_jdbc_url(old)
        if url is None or url.database != getattr(mysql.databases, role):
            return f"mysql.databases.{role}", False
        if url.host != mysql.host:
            return "mysql.host", False
        return ("mysql.url_parameters", True) if url.port == mysql.port else ("mysql.port", False)

    return cause


POOL_ROWS = (
    Row("maxActive", "pool.max_active"),
    Row("maxWait", "pool.max_wait_ms"),
    Row("testOnBorrow", "pool.test_on_borrow"),
    Row("validationQuery", "pool.validation_query"),
    Row("validationInterval", "pool.validation_interval_ms"),
)


def connection_rows(file: str, role: DatabaseRole) -> Table:
    """What `definition/configuration` of a datasource holds for a database; without one, nothing."""
    rows: tuple[Row, ...] = (
        Row(
            "url",
            f"mysql.databases.{role}",
            database_url(role),
            rolls=False,
            cause=url_cause(role),
            means="the JDBC URL, of `mysql.host`, `mysql.port` and `mysql.url_parameters`, which alone roll",
        ),
        Row("username", "mysql.username"),
        Row("password", "mysql.password", rolls=False),
        Row("driverClassName", "mysql.driver_class"),
        *POOL_ROWS,
    )
    if role not in ("user", "registry"):
        rows += (Row("defaultAutoCommit", text="false"),)
    return Table(file, f"datasource ({role.replace('_', ' ')})/definition/configuration", rows)


def name_rows(file: str, role: Literal["user", "registry"], description: str) -> Table:
    """What names a datasource, and binds it for the files that use it."""
    field = f"datasources.{role}"
    return Table(
        file,
        f"datasource ({role})",
        (
            Row("name", field),
            Row("description", text=description),
            jndi_row("jndiConfig/name", field, makes=True),
        ),
    )


ROLES: dict[DatabaseRole, str] = {
    "user": MASTER_DATASOURCES,
    "registry": MASTER_DATASOURCES,
    "event_store": ANALYTICS_DATASOURCES,
    "processed_data_store": ANALYTICS_DATASOURCES,
    "stats": STATS_DATASOURCES,
}
CONNECTION_ROWS = {role: connection_rows(file, role) for role, file in ROLES.items()}
NAME_ROWS = {
    "user": name_rows(MASTER_DATASOURCES, "user", "The datasource used by user manager"),
    "registry": name_rows(MASTER_DATASOURCES, "registry", "The datasource used by the registry"),
}


def master_datasources(bench: Workbench) -> None:
    """`master-datasources.xml`: the user manager's and the registry's datasource; the H2 one stays as it is."""
    document, scope = bench.xml(MASTER_DATASOURCES), Scope(bench, bench.node)
    for name, role in sources.shared_datasources(bench.profile).items():
        found = sources.find_datasource(document, name)
        if found is None:
            names = NAME_ROWS[role].new("datasource", scope).children or ()
            add_datasource(document, names, role, scope, f"datasources.{role}")
        else:
            NAME_ROWS[role].write(found, scope)
            configure(found, role, scope)


def add_datasource(
    document: XmlDocument, names: tuple[New, ...], role: DatabaseRole, scope: Scope, field: str
) -> None:
    """Put a datasource behind the last one: what names it, and the connection to its database."""
    connection = CONNECTION_ROWS[role].new("configuration", scope)
    definition = New("definition", {"type": "RDBMS"}, children=(connection,))
    new = New("datasource", children=(*names, definition))
    document.one("datasources").append(new, note=Note(field=field))


def configure(datasource: XmlElement, role: DatabaseRole, scope: Scope) -> None:
    """Point a JDBC datasource to the database of that role."""
    label = datasource.one("name").text.strip()
    definition = datasource.one("definition")
    if definition.get("type") != "RDBMS":
        raise EditError(
            f"the datasource {label} is of the type {definition.get('type')}, and a JDBC one is needed",
            place=f"{datasource.document.name}:{definition.line}",
            fix='let the record store use a datasource with <definition type="RDBMS">',
        )
    configuration = definition.one("configuration")
    CONNECTION_ROWS[role].write(configuration, scope, label)
    for name in OTHER_WAY:
        for element in configuration.all(name):
            element.remove(note=Note(f"{label}/{name}"))


def analytics_datasources(bench: Workbench) -> None:
    """`analytics-datasources.xml`: the stores' datasources, found by the name that `analytics-config.xml` gives now."""
    document, scope = bench.xml(ANALYTICS_DATASOURCES), Scope(bench, bench.node)
    # All are looked up before the first is renamed: two stores may exchange their names.
    for one in sources.store_sources(document, bench.pack.xml(ANALYTICS_CONFIG), bench.profile):
        if one.found is None:
            description = New("description", text="The datasource used for analytics record store")
            add_datasource(document, (New("name", text=one.name), description), one.role, scope, one.field)
        else:
            one.found.one("name").set_text(one.name, note=Note(field=one.field, rolls=True))
            configure(one.found, one.role, scope)


def analytics_config(bench: Workbench) -> None:
    """`analytics-config.xml`: each record store names the datasource of its database."""
    document = bench.xml(ANALYTICS_CONFIG)
    found = sources.store_sources(bench.pack.xml(ANALYTICS_DATASOURCES), document, bench.profile)
    by_store = {one.store: one for one in found}
    # Another record store that shares one of the two datasources follows it.
    by_name = {one.found.one("name").text.strip(): one for one in found if one.found is not None}
    for element in filter(sources.is_jdbc, document.all("analytics-record-store")):
        store = element.get("name") or ""
        own = by_store.get("EVENT_STORE" if store == "EVENT_STORE_WO" else store)
        for named in element.all(sources.DATASOURCE):
            if source := own or by_name.get(named.text.strip()):
                note = Note(f"{store}/datasource", source.field, rolls=True)
                named.set_text(source.name, note=note)


def stats_datasources(bench: Workbench) -> None:
    """`stats-datasources.xml`: the statistics that API Manager shows, where the profile names a database for them."""
    if bench.profile.mysql.databases.stats is None:
        return
    if not bench.pack.exists(STATS_DATASOURCES):
        raise EditError(
            f"{bench.pack.title} has no statistics datasource, but the profile names a database for it",
            place=str(bench.pack.path(STATS_DATASOURCES)),
            fix="remove mysql.databases.stats from the profile",
        )
    document = bench.xml(STATS_DATASOURCES)
    found = sources.find_datasource(document, sources.STATS_DATASOURCE)
    if found is None:
        found = document.one(f"datasources/datasource[name='{sources.STATS_DATASOURCE}']")
    configure(found, "stats", Scope(bench, bench.node))


USER_STORE_ROWS = Table(
    USER_MGT, "Realm/Configuration", (jndi_row("Property[@name='dataSource']", "datasources.user"),)
)


# --- checks: what keeps a server from reading the datasources as they are written ---------------------------

CIPHER_TEXT = "repository/conf/security/cipher-text.properties"


@Check(
    "datasources.secure-vault",
    why="The server takes such a password from its vault and ignores the one that is written.",
    fix="Remove the svns:secretAlias attribute and the entry in cipher-text.properties, or leave the step out and "
    "put the password into the vault with ciphertool.sh.",
)
@each_home("no password that will be written is in the secure vault")
def secure_vault(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    svn = context.profile.deployment_sync.method == "svn" and any(
        change.node == node.name and "deployment-sync" in change.steps for change in context.plan.changes
    )
    for place in _managed(pack, context.profile, svn=svn):
        yield finding.error(
            f"{place} is managed by the secure vault: the server would ignore the password that is written"
        )


def _managed(pack: Pack, profile: Profile, *, svn: bool) -> Iterator[str]:
    """Yield each password that a run writes, and the vault manages: by an attribute, or in the vault's file."""
    names, found = set(), []
    for path, name, datasource in sources.configured(pack, profile):
        names.add(name)
        if datasource is not None and (label := datasource.find("name")) is not None:
            names.add(label.text.strip())
            passwords = datasource.all("definition/configuration/password")
            found += [(path, label.text.strip(), password) for password in passwords]
    if svn:
        own = pack.xml(CARBON).all("DeploymentSynchronizer/SvnPassword")
        found += [(CARBON, "DeploymentSynchronizer", password) for password in own]
    for path, name, password in found:
        if password.get("secretAlias") is not None:
            yield f"the password of {name} ({path}, line {password.line})"
    if not pack.exists(CIPHER_TEXT):
        return
    for key, value in pack.properties(CIPHER_TEXT).items():
        parts = set(re.split(r"[^A-Za-z0-9_-]+", key))
        # `[…]` is the placeholder of a password that ciphertool has not encrypted yet.
        encrypted = not value.startswith("[")
        if names & parts or (svn and "SvnPassword" in parts and encrypted):
            yield f"{key} ({CIPHER_TEXT})"


@Check(
    "datasources.duplicate",
    why="Of two datasources of one name the server takes the first and drops the rest of the files; of two with one "
    "JNDI name it takes the one that it happens to read last.",
    fix="Remove the other definition, or choose other names for the datasources: [datasources].",
)
@each_home()
def duplicate(context: CheckContext, node: Node, _: Pack) -> Iterator[Finding]:
    pack = sources.after_the_run(context, node.name)
    everything = [
        (path, one) for path in sources.files(pack) for one in pack.xml(path).all("datasources/datasource")
    ]
    ours = {datasource for _, _, datasource in sources.configured(pack, context.profile)}
    written = [(path, one) for path, one in everything if one in ours]
    doubles = {
        f"{elsewhere} defines {name} too, line {other.line} ({path} has it)"
        for path, one in written
        for elsewhere, other in everything
        if elsewhere != path
        for names in (sources.names_of, sources.jndi_names_of)
        for name in names(one) & names(other)
    }
    yield from map(finding.error, sorted(doubles))
    if not doubles:
        yield finding.ok(f"{len(written)} datasources, each defined once")


@Check(
    "datasources.record-store",
    why="Data in Cassandra or HBase is not moved to MySQL: such a store keeps its database.",
    fix=f"Set its implementation to {sources.JDBC_RECORD_STORE} and its datasource to one of "
    "analytics-datasources.xml, or leave it as it is with --ignore datasources.record-store.",
)
@each_home("the record stores are in JDBC datasources")
def other_record_store(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    for store in pack.xml(ANALYTICS_CONFIG).all("analytics-record-store"):
        if store.get("name") in (*sources.STORES, "EVENT_STORE_WO") and not sources.is_jdbc(store):
            kind = describe(sources.implementation(store) or "nothing")
            yield finding.error(
                f"the record store {store.get('name')} is implemented by {kind} ({ANALYTICS_CONFIG}, line "
                f"{store.line}), and is not moved to MySQL"
            )


REPLACING = (MASTER_DATASOURCES, ANALYTICS_DATASOURCES, STATS_DATASOURCES, USER_MGT, REGISTRY, CARBON)
"""Files in which the server replaces `${name}` (procedure 3, "Placeholders")."""


@Check(
    "datasources.placeholder",
    always=True,
    why="In these files the server replaces ${name} with a system property, so that it reads another value than the "
    "one that is written; a } in front of the first ${ makes it fail.",
    fix="Choose a value without ${.",
    passed="no value with ${ is written where the server replaces it",
)
def placeholder(context: CheckContext) -> Iterator[Finding]:
    places: dict[tuple[str, bool], dict[str, None]] = {}
    written = {(change.path, step) for change in context.plan.changes for step in change.steps}
    for step in context.steps:
        for table in step.tables:
            if table.file not in REPLACING or (table.file, step.id) not in written:
                continue
            rows = [row for row in table.rows if row.field and not row.field.startswith("nodes.")]
            for field, text in (one for row in rows for one in _texts(row, context)):
                if "${" in text:
                    key = (field, "}" in text.partition("${")[0])
                    places.setdefault(key, {})[table.file.rpartition("/")[2]] = None
    for (field, fails), files in places.items():
        effect = "fails on the } in front of it" if fails else "replaces with the value of a system property"
        yield finding.error(f"{field} holds ${{, which the server {effect} ({', '.join(files)})")


def _texts(row: Row, context: CheckContext) -> Iterator[tuple[str, str]]:
    """Yield the field of a row, or those that its value is made of, each with its text.

    No field of a node can hold `${`, and in a URL the name of the database is percent-encoded.
    """
    profile, passwords, field = context.profile, context.passwords, row.field
    if field.startswith("mysql.databases."):
        for name, value in passwords.url_parameters.items():
            yield f"mysql.url_parameters.{name}", reveal(value)
    elif field == "registry.cache_id" and not profile.registry.cache_id:
        yield "mysql.username", profile.mysql.username
    elif not field.startswith("deployment_sync.") or profile.deployment_sync.method == "svn":
        yield field, reveal(value_of(field, profile, passwords) or "")


@Check(
    "datasources.stats",
    field="mysql.databases.stats",
    severity="warning",
    why="The statistics stay in a file beside the home of each node: API Manager does not see what the other node "
    "counts.",
    fix="Name a database for the statistics: mysql.databases.stats.",
)
@each_home()
def stats(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    profile, name = context.profile, sources.STATS_DATASOURCE
    hosts = [one.host for one in profile.nodes]
    if not pack.exists(STATS_DATASOURCES):
        yield finding.ok(f"{pack.title} has no statistics datasource")
    elif profile.mysql.databases.stats is not None:
        yield finding.ok(f"the statistics go to {profile.mysql.databases.stats}")
    elif network.on_one_machine(hosts, resolve=not context.offline):
        yield finding.ok("the statistics stay in a file that both nodes can reach")
    elif not sources.stats_is_h2(pack):
        yield finding.ok(f"{name} is not an H2 file")
    else:
        yield finding.warning(
            f"{name} stays an H2 file (../tmpStatDB), which nodes on two machines cannot share",
            fix=Fix(
                f'set mysql.databases.stats = "{name}"',
                SetField("mysql.databases.stats", name, "a statistics database"),
            ),
        )


@Check(
    "datasources.replication",
    severity="warning",
    why="With 0 copies of the index, a node's part of it is lost with that node.",
    fix="Set indexReplicationFactor in analytics-config.xml to at least 1.",
)
@each_home()
def replication(context: CheckContext, node: Node, pack: Pack) -> Iterator[Finding]:
    found = pack.xml(ANALYTICS_CONFIG).all("indexReplicationFactor")
    factor = found[0].text.strip() if found else ""
    if factor == "0":
        yield finding.warning(f"indexReplicationFactor is 0 ({ANALYTICS_CONFIG}, line {found[0].line})")
    else:
        yield finding.ok(f"indexReplicationFactor is {factor or 'the default'}")


# --- read back ------------------------------------------------------------------------------------------------


def read_user_store(found: Reading) -> None:
    """The user manager's datasource, which `user-mgt.xml` names."""
    named = found.pack.xml(USER_MGT).find("Realm/Configuration/Property[@name='dataSource']")
    read_shared(found, "user", named)


def read_registry_store(found: Reading) -> None:
    """The registry's datasource: mount → instanceId → remoteInstance → dbConfig → datasource."""
    document = found.pack.xml(REGISTRY)
    config = sources.config_of_instance(document, mounted_instance(document) or "")
    read_shared(found, "registry", document.find("dbConfig[@name=$name]/dataSource", name=config))


def read_shared(found: Reading, role: Literal["user", "registry"], named: Element | None) -> None:
    """The datasource that is bound to the JNDI name in `named`."""
    jndi_name = named.text.strip() if named is not None else ""
    if not jndi_name:
        found.note(f"mysql.databases.{role}", "no datasource is named for it")
        return
    found.pack.xml(MASTER_DATASOURCES)  # raises where it cannot be read: then nothing is known
    datasource = next(iter(sources.by_jndi_name(found.pack, jndi_name)), None)
    if read_configuration(found, datasource, role) is None or datasource is None:
        return
    own = jndi_name.removeprefix("jdbc/")
    found.say(f"datasources.{role}", own)
    label = datasource.one("name").text.strip()
    if (label, f"jdbc/{label}") != (own, jndi_name):
        found.note(
            f"datasources.{role}",
            f"{describe(label)} is bound to {describe(jndi_name)}: a replay names both after {describe(own)}",
        )


def read_stores(found: Reading) -> None:
    """The datasources that the two record stores name."""
    document, config = found.pack.xml(ANALYTICS_DATASOURCES), found.pack.xml(ANALYTICS_CONFIG)
    names = {
        role: sources.used_datasource(config, store) for store, role in sources.jdbc_stores(config).items()
    }
    for store, role in sources.STORES.items():
        if role not in names:
            kind = describe(sources.implementation(sources.record_store(config, store)) or "nothing")
            found.note(f"mysql.databases.{role}", f"{store} is implemented by {kind}")
            continue
        datasource = document.find("datasources/datasource[name=$name]", name=names[role])
        database = read_configuration(found, datasource, role)
        # A name that both stores share belongs to neither: the pack's names stay.
        if database not in (None, names[role]) and list(names.values()).count(names[role]) == 1:
            found.say(f"datasources.{role}", names[role])
    for other in config.all(f"analytics-record-store[@name='EVENT_STORE_WO']/{sources.DATASOURCE}"):
        if other.text.strip() != sources.used_datasource(config, "EVENT_STORE"):
            found.note(
                "mysql.databases.event_store", f"EVENT_STORE_WO has another: {describe(other.text.strip())}"
            )


def read_stats(found: Reading) -> None:
    """The statistics, where they are in MySQL: in a file, they stay there."""
    if not found.pack.exists(STATS_DATASOURCES) or sources.stats_is_h2(found.pack):
        return
    document = found.pack.xml(STATS_DATASOURCES)
    read_configuration(found, sources.find_datasource(document, sources.STATS_DATASOURCE), "stats")


def read_configuration(found: Reading, datasource: Element | None, role: DatabaseRole) -> str | None:
    """What one datasource says; gives its database."""
    field = f"mysql.databases.{role}"
    definition = datasource.find("definition") if datasource is not None else None
    configuration = definition.find("configuration") if definition is not None else None
    if datasource is None or definition is None or configuration is None:
        found.note(field, "no datasource was found for it")
        return None
    by = describe(next((name.text.strip() for name in datasource.all("name")), "a datasource without a name"))
    if definition.get("type") != "RDBMS":
        found.note(field, f"{by} is of the type {describe(definition.get('type') or 'none')}, not RDBMS")
        return None
    text = found.texts(configuration, field)
    address = sources.url_of(datasource)
    url = parse_jdbc_url(address)
    if url is None:
        kind = "one of H2" if address.startswith("jdbc:h2:") else "not a URL of a single MySQL server"
        found.note(field, f"the URL of {by} is {kind}")
        return None
    other = _other_server(found, url)
    found.say("mysql.host", url.host, by=by)
    found.say("mysql.port", url.port, by=by)
    if other is not None:
        found.note(
            field,
            f"{by} is on another server than the other datasources, {other}, which a profile cannot express",
        )
        return None
    found.say(field, url.database, by=by)
    parameters: dict[str, str | Secret] = {
        name: Secret(value) if holds_password(name, value) or without_passwords(value) != value else value
        for name, value in url.parameters.items()
    }
    found.say("mysql.url_parameters", parameters, by=by)
    if "dataSourceClassName" in text:
        found.note(field, f"{by} is configured by dataSourceClassName: a replay removes that")
        for name in ("username", "password"):
            setting = sources.setting(configuration, name)
            found.take(f"mysql.{name}", [setting] if setting is not None else [], by=by)
        # The other elements count there too.
        Table("", "", POOL_ROWS).read(found, configuration, by)
    else:
        CONNECTION_ROWS[role].read(found, configuration, by)
    return url.database


def _other_server(found: Reading, url: MySQLUrl) -> str | None:
    """The server that other datasources of the home are on, where this URL leads to another."""
    host, port = found.values.get("mysql.host"), found.values.get("mysql.port", 3306)
    if host is None or sources.is_same_database(jdbc_url(host, port, "x"), jdbc_url(url.host, url.port, "x")):
        return None
    return describe(f"{host}:{port}")


STEP = Step(
    id="datasources",
    title="Datasources",
    help="The datasources of both nodes: users, registry, the two analytics stores, and the statistics.",
    asks={
        "datasources": "user registry event_store processed_data_store",
        "mysql.databases": "stats",
        "pool": "max_active max_wait_ms test_on_borrow validation_query validation_interval_ms",
    },
    edits=(
        master_datasources,
        analytics_datasources,
        analytics_config,
        stats_datasources,
        USER_STORE_ROWS.edit,
    ),
    tables=(*NAME_ROWS.values(), *CONNECTION_ROWS.values(), USER_STORE_ROWS),
    checks=(secure_vault, duplicate, other_record_store, placeholder, stats, replication),
    reads=(read_user_store, read_registry_store, read_stores, read_stats),
)
