"""The profile: every key with its label, its help, its default and its rule in one place.

The forms of the screen, the JSON Schema, the template of `profile new` and the reference in the documentation
are all made from these models.
"""

# No `from __future__ import annotations` here: pydantic would have to compile each of them again.

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from wizard.passwords.references import SecretReference
from wizard.profile import rules
from wizard.profile.cross_field import DATABASES, PRODUCT_DATASOURCES, cross_field_errors
from wizard.system.rules import STRICT, ProfilePath

SCHEMA_VERSION = 1

DatabaseRole = Literal["user", "registry", "event_store", "processed_data_store", "stats"]
Store = Literal["event_store", "processed_data_store"]


class Section(BaseModel):
    """A table of the profile: unknown keys are errors, nothing is converted, nothing changes afterwards."""

    model_config = STRICT


def key(default: Any, title: str, description: str, *examples: Any) -> Any:
    """A key of the profile with its label.

    `description` is one line of at most 76 characters that says what the key is for; `examples` are values that
    are right, one for each node where they differ.
    """
    return Field(default, title=title, description=description, examples=list(examples) or None)


required = partial(key, ...)
"""A key without which no profile is whole."""

optional = partial(key, None)
"""A key that may be left out and has no default."""


def table(model: type[Section], title: str, description: str) -> Any:
    """A table that may be left out: then each of its keys has its default."""
    return Field(model.model_construct(), title=title, description=description)


class Cluster(Section):
    """The pair as a whole."""

    name: rules.Name = key("analytics", "Name", "the name of this pair in titles and reports")
    domain: rules.Text = key(
        "wso2.carbon.domain", "Domain", "Hazelcast joins only members of the same domain"
    )
    task_server_count: rules.TaskServerCount | None = optional(
        "Task servers", "nodes a start waits for; 1: a node starts alone; unset: the pack's value", 1
    )


class Databases(Section):
    """The names of the databases."""

    user: rules.DatabaseName = key(
        DATABASES["user"], "User database", "users and permissions, in the pack's tables"
    )
    registry: rules.DatabaseName = key(
        DATABASES["registry"], "Registry database", "the shared registry, in the pack's tables"
    )
    event_store: rules.DatabaseName = key(
        DATABASES["event_store"], "Event store", "the events as received; the server creates its tables"
    )
    processed_data_store: rules.DatabaseName = key(
        DATABASES["processed_data_store"],
        "Processed data store",
        "the results of Spark's scripts; the server creates its tables",
    )
    stats: rules.DatabaseName | None = optional(
        "Statistics",
        "API Manager's statistics; unset: they stay in an H2 file of one node",
        "WSO2AM_STATS_DB",
    )


class MySQL(Section):
    """The database server that both nodes use."""

    host: rules.Host = required("Host", "the database server, as both nodes reach it", "10.100.0.10")
    port: rules.PortNumber = key(3306, "Port", "the port of the database server")
    username: rules.AccountName = required("Account", "the account that both servers log in with", "apim")
    password: SecretReference = required(
        "Password",
        "where the account's password is kept; never the password itself",
        {"env": "APIM_DB_PASSWORD"},
    )
    admin_username: rules.AccountName | None = optional(
        "Admin account", "creates databases, account and grants; the servers never use it", "root"
    )
    admin_password: SecretReference | None = optional(
        "Admin password",
        "where the administrator's password is kept; never the password itself",
        {"env": "MYSQL_ROOT_PASSWORD"},
    )
    provisioning: rules.Provisioning = key(
        "wizard", "Tables created by", '"wizard", "server" (first start with -Dsetup), or "dba": only checked'
    )
    server_version: rules.ServerVersion | None = optional(
        "Server version", "assumed while offline; online, the server reports its own", "5.6"
    )
    charset: rules.Charset | None = optional(
        "Character set", "of the user and registry databases; unset: the server's default", "latin1"
    )
    store_charset: rules.Charset | None = optional(
        "Stores' character set", "of the analytics stores; unset: latin1 where the pack needs it", "latin1"
    )
    grant_host: rules.GrantHost = key(
        "%", "Grant to", "the hosts that the account may log in from, as MySQL writes them"
    )
    url_parameters: Mapping[rules.ParameterName, rules.ParameterValue] = key(
        {},
        "URL parameters",
        "appended to the JDBC URL of every datasource; a password is a reference",
        {"useSSL": "false"},
    )
    driver_class: rules.JavaClass = key(
        "com.mysql.jdbc.Driver",
        "Driver class",
        "the class that the datasources name; the jar must contain it",
    )
    driver_jar: ProfilePath | None = optional(
        "Driver jar",
        "copied to components/lib of both; unset: one must be there already",
        "/opt/mysql-connector-java-5.1.49-bin.jar",
    )
    databases: Databases = table(Databases, "Databases", "the names of the databases")

    def database_names(self) -> dict[DatabaseRole, str]:
        """The database of each role, in the procedure's order; `stats` only where the profile names one."""
        names: dict[Any, str] = {role: name for role, name in self.databases if name is not None}
        return names


class Datasources(Section):
    """Names of the datasources."""

    user: rules.Text = key("WSO2UM_DB", "User datasource", "its JNDI name is jdbc/ and this name")
    registry: rules.Text = key("WSO2REG_DB", "Registry datasource", "its JNDI name is jdbc/ and this name")
    event_store: rules.Text | None = optional(
        "Event store datasource",
        "sets the name; unset: that of the database",
        "WSO2_ANALYTICS_EVENT_STORE_DB",
    )
    processed_data_store: rules.Text | None = optional(
        "Processed data datasource",
        "pins the name that otherwise follows the database's",
        "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB",
    )


class Pool(Section):
    """The connection pool of each datasource."""

    max_active: rules.Count = key(50, "Connections", "the maximum for each datasource of each node")
    max_wait_ms: rules.Milliseconds = key(
        60000, "Max wait (ms)", "how long a request waits for a free connection"
    )
    test_on_borrow: rules.Switch = key(
        True, "Test on borrow", "test each connection before use: the server may have closed it"
    )
    validation_query: rules.Text = key(
        "SELECT 1", "Validation query", "the statement that tests a connection"
    )
    validation_interval_ms: rules.Milliseconds = key(
        30000, "Validation interval (ms)", "a connection is tested at most this often"
    )


class Registry(Section):
    """The registry that both nodes mount."""

    remote_url: rules.RemoteUrl = key(
        "https://localhost:9443/registry", "Remote URL", "the address that names the remote instance"
    )
    cache_id: rules.Text | None = optional(
        "Cache id",
        "the same on both; unset: made of the account and the database's URL",
        "apim@jdbc:mysql://10.100.0.10:3306/regdb",
    )
    read_only: rules.Switch = key(False, "Read only", "whether the nodes may not change the registry")
    enable_cache: rules.Switch = key(True, "Cache", "whether the nodes cache what they read")
    registry_root: rules.RegistryPath = key("/", "Root", "the path that is the root of the remote instance")
    instance_id: rules.Text = key("gov", "Instance id", "the id of the remote instance")
    db_config: rules.Text = key(
        "govregistry", "Database config", "the name of the remote instance's dbConfig"
    )
    governance_target: rules.RegistryPath = key(
        "/_system/governance",
        "Governance target",
        "the path in the remote instance that /_system/governance shows",
    )
    config_target: rules.RegistryPath = key(
        "/_system/config", "Config target", "the path in the remote instance that /_system/config shows"
    )


class EventProcessor(Section):
    """The event processor: one node active, the other passive."""

    persistence: rules.Switch = key(
        True, "Persistence", "save state on disk: it survives a stop of both nodes"
    )
    persistence_interval_minutes: rules.Minutes | None = optional(
        "Interval (min)", "how often state is saved; unset: the pack's value", 15
    )
    persistence_location: rules.Text | None = optional(
        "Location", "the folder of saved state; unset: the pack's value", "cep_persistence"
    )
    duplicated_events: rules.Switch = key(
        False, "Duplicated events", "whether the clients send every event to both nodes"
    )
    presenter: rules.Name | None = optional(
        "Presenter", "the node that also presents events; unset: none", "node1"
    )


class Spark(Section):
    """Spark in the pair."""

    master_count: rules.Count = key(2, "Masters", "how many nodes can be master; Spark waits for all of them")
    symbolic_link: rules.AbsolutePath | None = optional(
        "Symbolic link", "one path on both machines, where the paths of the homes differ", "/opt/analytics"
    )


class DeploymentSync(Section):
    """How C-Apps and other artifacts get to both nodes."""

    method: rules.SyncMethod = key("none", "Method", '"svn", or "none": you deploy every C-App to both nodes')
    svn_url: rules.SvnUrl | None = optional(
        "Repository",
        "the Subversion repository; svn+ssh is not supported",
        "https://svn.example.com/analytics",
    )
    svn_username: rules.Text | None = optional(
        "Account", "the account that the nodes use for commits and updates", "analytics"
    )
    svn_password: SecretReference | None = optional(
        "Password",
        "where the repository's password is kept; never the password itself",
        {"env": "APIM_SVN_PASSWORD"},
    )
    append_tenant_id: rules.Switch = key(
        True, "Append tenant id", "whether each tenant has its own folder in the repository"
    )
    manager: rules.Name | None = optional("Manager", "the node that commits; unset: the first one", "node1")


class Node(Section):
    """One server of the pair."""

    name: rules.Name = required("Name", "the name of this node in commands and messages", "node1", "node2")
    home: ProfilePath = required(
        "Home", "the folder of the unpacked pack", "/opt/wso2/analytics-1", "/opt/wso2/analytics-2"
    )
    host: rules.Host = required(
        "Host", "the name or address at which the other node reaches this one", "10.100.0.46", "10.100.0.47"
    )
    hazelcast_port: rules.PortNumber = key(
        4000, "Hazelcast port", "the port of the cluster; the server does not add the offset"
    )
    port_offset: rules.Offset | None = optional(
        "Port offset", "added to most ports; unset: the pack's value", 1
    )
    event_sync_port: rules.PortNumber = key(
        11224, "Event sync port", "written to the file; the other node sends events to this port"
    )
    management_port: rules.PortNumber = key(
        10005, "Management port", "written to the file; the other node fetches state from this port"
    )
    presentation_port: rules.PortNumber = key(11000, "Presentation port", "written only with a presenter")
    spark_local_ip: rules.IpAddress | None = optional(
        "Spark's address",
        "needed where the machine has several; unset: Spark chooses",
        "10.100.0.46",
        "10.100.0.47",
    )
    java_home: ProfilePath | None = optional(
        "Java home",
        "the Java that the server runs on; only checked, never written",
        "/usr/lib/jvm/java-8-openjdk-amd64",
    )


class Profile(Section):
    """All that a pair is made from."""

    schema_version: Annotated[int, rules.number(SCHEMA_VERSION, SCHEMA_VERSION, "the version")] = required(
        "Schema version", "the version of this format", 1
    )
    cluster: Cluster = table(Cluster, "Cluster", "the pair as a whole")
    mysql: MySQL = required("MySQL", "the database server that both nodes use")
    datasources: Datasources = table(Datasources, "Datasources", "the names of the datasources")
    pool: Pool = table(Pool, "Pool", "the connection pool of each datasource")
    registry: Registry = table(Registry, "Registry", "the registry that both mount")
    event_processor: EventProcessor = table(
        EventProcessor, "Event processor", "one node active, the other passive"
    )
    spark: Spark = table(Spark, "Spark", "Spark in the pair")
    deployment_sync: DeploymentSync = table(DeploymentSync, "Deployment sync", "how C-Apps get to both nodes")
    nodes: Annotated[tuple[Node, Node], Field(strict=False)] = required(
        "Nodes", "the two servers; the first is started first"
    )

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Self:
        errors: list[InitErrorDetails] = []
        for one in cross_field_errors(self.model_dump()):
            kind = PydanticCustomError("cross-field", "{message}", {"message": one.message, "known": one})
            errors.append({"type": kind, "loc": one.place, "input": None})
        if errors:
            raise ValidationError.from_exception_data("Profile", errors, hide_input=True)
        return self

    def node(self, name: str) -> Node:
        """Return the node of that name.  Raises `KeyError` if there is none."""
        return {node.name: node for node in self.nodes}[name]

    def partner(self, node: Node) -> Node:
        """The other node of the pair."""
        first, second = self.nodes
        return second if node.name == first.name else first

    @property
    def manager(self) -> Node:
        """The node that commits to Subversion: the one that the profile names, else the first."""
        name = self.deployment_sync.manager
        return self.nodes[0] if name is None else self.node(name)

    @property
    def presenter(self) -> Node | None:
        """The node that presents events, if one does."""
        name = self.event_processor.presenter
        return None if name is None else self.node(name)

    def datasource_name(self, store: Store) -> str | None:
        """The name of an analytics datasource: the pinned one, else the database's (procedure, chapter 3).

        None: the pack's own name stays, since another datasource would have this one already.
        """
        names: dict[str, str] = self.mysql.database_names() | {
            role: name for role, name in self.datasources if name is not None
        }
        if getattr(self.datasources, store) is None:
            other = "processed_data_store" if store == "event_store" else "event_store"
            if names[store] in (*PRODUCT_DATASOURCES, names["user"], names["registry"], names[other]):
                return None
        return names[store]
