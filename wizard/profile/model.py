"""The profile: every key with its label, its help, its default and its rule in one place.

The forms of the screen, the JSON Schema, the template of `profile new` and the reference in the documentation
are all made from these models.  A key's `title` is its label; its `description` is one line of at most 76
characters that says what it is for.
"""

# No `from __future__ import annotations` here: pydantic would have to compile each of them again.

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from wizard.passwords.references import SecretReference
from wizard.profile.cross_field import DATABASES, PRODUCT_DATASOURCES, cross_field_errors
from wizard.profile.rules import (
    AbsolutePath,
    AccountName,
    Charset,
    Count,
    DatabaseName,
    GrantHost,
    Host,
    IpAddress,
    JavaClass,
    Milliseconds,
    Minutes,
    Name,
    Offset,
    ParameterName,
    ParameterValue,
    PortNumber,
    RegistryPath,
    RemoteUrl,
    ServerVersion,
    SvnUrl,
    Switch,
    TaskServerCount,
    Text,
    choice,
    number,
)
from wizard.system.rules import ProfilePath

SCHEMA_VERSION = 1

DatabaseRole = Literal["user", "registry", "event_store", "processed_data_store", "stats"]
Store = Literal["event_store", "processed_data_store"]


class Section(BaseModel):
    """A table of the profile: unknown keys are errors, nothing is converted, nothing changes afterwards."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )


class Cluster(Section):
    """The pair as a whole."""

    name: Name = Field("analytics", title="Name", description="the name of this pair in titles and reports")
    domain: Text = Field(
        "wso2.carbon.domain", title="Domain", description="Hazelcast joins only members of the same domain"
    )
    task_server_count: TaskServerCount | None = Field(
        None,
        title="Task servers",
        description="nodes a start waits for; 1: a node starts alone; unset: the pack's value",
        examples=[1],
    )


class Databases(Section):
    """The names of the databases."""

    user: DatabaseName = Field(
        DATABASES["user"], title="User database", description="users and permissions, in the pack's tables"
    )
    registry: DatabaseName = Field(
        DATABASES["registry"],
        title="Registry database",
        description="the shared registry, in the pack's tables",
    )
    event_store: DatabaseName = Field(
        DATABASES["event_store"],
        title="Event store",
        description="the events as received; the server creates its tables",
    )
    processed_data_store: DatabaseName = Field(
        DATABASES["processed_data_store"],
        title="Processed data store",
        description="the results of Spark's scripts; the server creates its tables",
    )
    stats: DatabaseName | None = Field(
        None,
        title="Statistics",
        description="API Manager's statistics; unset: they stay in an H2 file of one node",
        examples=["WSO2AM_STATS_DB"],
    )


class MySQL(Section):
    """The database server that both nodes use."""

    host: Host = Field(
        title="Host", description="the database server, as both nodes reach it", examples=["10.100.0.10"]
    )
    port: PortNumber = Field(3306, title="Port", description="the port of the database server")
    username: AccountName = Field(
        title="Account", description="the account that both servers log in with", examples=["apim"]
    )
    password: SecretReference = Field(
        title="Password",
        description="where the account's password is kept; never the password itself",
        examples=[{"env": "APIM_DB_PASSWORD"}],
    )
    admin_username: AccountName | None = Field(
        None,
        title="Admin account",
        description="creates databases, account and grants; the servers never use it",
        examples=["root"],
    )
    admin_password: SecretReference | None = Field(
        None,
        title="Admin password",
        description="where the administrator's password is kept; never the password itself",
        examples=[{"env": "MYSQL_ROOT_PASSWORD"}],
    )
    provisioning: Annotated[Literal["wizard", "server", "dba"], choice("wizard", "server", "dba")] = Field(
        "wizard",
        title="Tables created by",
        description='"wizard", "server" (first start with -Dsetup), or "dba": only checked',
    )
    server_version: ServerVersion | None = Field(
        None,
        title="Server version",
        description="assumed while offline; online, the server reports its own",
        examples=["5.6"],
    )
    charset: Charset | None = Field(
        None,
        title="Character set",
        description="of the user and registry databases; unset: the server's default",
        examples=["latin1"],
    )
    store_charset: Charset | None = Field(
        None,
        title="Stores' character set",
        description="of the analytics stores; unset: latin1 where the pack needs it",
        examples=["latin1"],
    )
    grant_host: GrantHost = Field(
        "%", title="Grant to", description="the hosts that the account may log in from, as MySQL writes them"
    )
    url_parameters: Mapping[ParameterName, ParameterValue] = Field(
        {},
        title="URL parameters",
        description="appended to the JDBC URL of every datasource; a password is a reference",
        examples=[{"useSSL": "false"}],
    )
    driver_class: JavaClass = Field(
        "com.mysql.jdbc.Driver",
        title="Driver class",
        description="the class that the datasources name; the jar must contain it",
    )
    driver_jar: ProfilePath | None = Field(
        None,
        title="Driver jar",
        description="copied to components/lib of both; unset: one must be there already",
        examples=["/opt/mysql-connector-java-5.1.49-bin.jar"],
    )
    databases: Databases = Field(
        Databases.model_construct(), title="Databases", description="the names of the databases"
    )

    def database_names(self) -> dict[DatabaseRole, str]:
        """The database of each role, in the procedure's order; `stats` only where the profile names one."""
        names: dict[DatabaseRole, str] = {
            "user": self.databases.user,
            "registry": self.databases.registry,
            "event_store": self.databases.event_store,
            "processed_data_store": self.databases.processed_data_store,
        }
        if self.databases.stats is not None:
            names["stats"] = self.databases.stats
        return names


class Datasources(Section):
    """Names of the datasources."""

    user: Text = Field(
        "WSO2UM_DB", title="User datasource", description="its JNDI name is jdbc/ and this name"
    )
    registry: Text = Field(
        "WSO2REG_DB", title="Registry datasource", description="its JNDI name is jdbc/ and this name"
    )
    event_store: Text | None = Field(
        None,
        title="Event store datasource",
        description="sets the name; unset: that of the database",
        examples=["WSO2_ANALYTICS_EVENT_STORE_DB"],
    )
    processed_data_store: Text | None = Field(
        None,
        title="Processed data datasource",
        description="pins the name that otherwise follows the database's",
        examples=["WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB"],
    )


class Pool(Section):
    """The connection pool of each datasource."""

    max_active: Count = Field(
        50, title="Connections", description="the maximum for each datasource of each node"
    )
    max_wait_ms: Milliseconds = Field(
        60000, title="Max wait (ms)", description="how long a request waits for a free connection"
    )
    test_on_borrow: Switch = Field(
        True,
        title="Test on borrow",
        description="test each connection before use: the server may have closed it",
    )
    validation_query: Text = Field(
        "SELECT 1", title="Validation query", description="the statement that tests a connection"
    )
    validation_interval_ms: Milliseconds = Field(
        30000, title="Validation interval (ms)", description="a connection is tested at most this often"
    )


class Registry(Section):
    """The registry that both nodes mount."""

    remote_url: RemoteUrl = Field(
        "https://localhost:9443/registry",
        title="Remote URL",
        description="the address that names the remote instance",
    )
    cache_id: Text | None = Field(
        None,
        title="Cache id",
        description="the same on both; unset: made of the account and the database's URL",
        examples=["apim@jdbc:mysql://10.100.0.10:3306/regdb"],
    )
    read_only: Switch = Field(
        False, title="Read only", description="whether the nodes may not change the registry"
    )
    enable_cache: Switch = Field(True, title="Cache", description="whether the nodes cache what they read")
    registry_root: RegistryPath = Field(
        "/", title="Root", description="the path that is the root of the remote instance"
    )
    instance_id: Text = Field("gov", title="Instance id", description="the id of the remote instance")
    db_config: Text = Field(
        "govregistry", title="Database config", description="the name of the remote instance's dbConfig"
    )
    governance_target: RegistryPath = Field(
        "/_system/governance",
        title="Governance target",
        description="the path in the remote instance that /_system/governance shows",
    )
    config_target: RegistryPath = Field(
        "/_system/config",
        title="Config target",
        description="the path in the remote instance that /_system/config shows",
    )


class EventProcessor(Section):
    """The event processor: one node active, the other passive."""

    persistence: Switch = Field(
        True, title="Persistence", description="save state on disk: it survives a stop of both nodes"
    )
    persistence_interval_minutes: Minutes | None = Field(
        None,
        title="Interval (min)",
        description="how often state is saved; unset: the pack's value",
        examples=[15],
    )
    persistence_location: Text | None = Field(
        None,
        title="Location",
        description="the folder of saved state; unset: the pack's value",
        examples=["cep_persistence"],
    )
    duplicated_events: Switch = Field(
        False, title="Duplicated events", description="whether the clients send every event to both nodes"
    )
    presenter: Name | None = Field(
        None,
        title="Presenter",
        description="the node that also presents events; unset: none",
        examples=["node1"],
    )


class Spark(Section):
    """Spark in the pair."""

    master_count: Count = Field(
        2, title="Masters", description="how many nodes can be master; Spark waits for all of them"
    )
    symbolic_link: AbsolutePath | None = Field(
        None,
        title="Symbolic link",
        description="one path on both machines, where the paths of the homes differ",
        examples=["/opt/analytics"],
    )


class DeploymentSync(Section):
    """How C-Apps and other artifacts get to both nodes."""

    method: Annotated[Literal["none", "svn"], choice("none", "svn")] = Field(
        "none", title="Method", description='"svn", or "none": you deploy every C-App to both nodes'
    )
    svn_url: SvnUrl | None = Field(
        None,
        title="Repository",
        description="the Subversion repository; svn+ssh is not supported",
        examples=["https://svn.example.com/analytics"],
    )
    svn_username: Text | None = Field(
        None,
        title="Account",
        description="the account that the nodes use for commits and updates",
        examples=["analytics"],
    )
    svn_password: SecretReference | None = Field(
        None,
        title="Password",
        description="where the repository's password is kept; never the password itself",
        examples=[{"env": "APIM_SVN_PASSWORD"}],
    )
    append_tenant_id: Switch = Field(
        True,
        title="Append tenant id",
        description="whether each tenant has its own folder in the repository",
    )
    manager: Name | None = Field(
        None,
        title="Manager",
        description="the node that commits; unset: the first one",
        examples=["node1"],
    )


class Node(Section):
    """One server of the pair."""

    name: Name = Field(
        title="Name",
        description="the name of this node in commands and messages",
        examples=["node1", "node2"],
    )
    home: ProfilePath = Field(
        title="Home",
        description="the folder of the unpacked pack",
        examples=["/opt/wso2/analytics-1", "/opt/wso2/analytics-2"],
    )
    host: Host = Field(
        title="Host",
        description="the name or address at which the other node reaches this one",
        examples=["10.100.0.46", "10.100.0.47"],
    )
    hazelcast_port: PortNumber = Field(
        4000,
        title="Hazelcast port",
        description="the port of the cluster; the server does not add the offset",
    )
    port_offset: Offset | None = Field(
        None,
        title="Port offset",
        description="added to most ports; unset: the pack's value",
        examples=[1],
    )
    event_sync_port: PortNumber = Field(
        11224,
        title="Event sync port",
        description="written to the file; the other node sends events to this port",
    )
    management_port: PortNumber = Field(
        10005,
        title="Management port",
        description="written to the file; the other node fetches state from this port",
    )
    presentation_port: PortNumber = Field(
        11000, title="Presentation port", description="written only with a presenter"
    )
    spark_local_ip: IpAddress | None = Field(
        None,
        title="Spark's address",
        description="needed where the machine has several; unset: Spark chooses",
        examples=["10.100.0.46", "10.100.0.47"],
    )
    java_home: ProfilePath | None = Field(
        None,
        title="Java home",
        description="the Java that the server runs on; only checked, never written",
        examples=["/usr/lib/jvm/java-8-openjdk-amd64"],
    )


class Profile(Section):
    """All that a pair is made from."""

    schema_version: Annotated[int, number(SCHEMA_VERSION, SCHEMA_VERSION, "the version")] = Field(
        title="Schema version", description="the version of this format", examples=[1]
    )
    cluster: Cluster = Field(Cluster.model_construct(), title="Cluster", description="the pair as a whole")
    mysql: MySQL = Field(title="MySQL", description="the database server that both nodes use")
    datasources: Datasources = Field(
        Datasources.model_construct(),
        title="Datasources",
        description="the names of the datasources",
    )
    pool: Pool = Field(
        Pool.model_construct(), title="Pool", description="the connection pool of each datasource"
    )
    registry: Registry = Field(
        Registry.model_construct(), title="Registry", description="the registry that both mount"
    )
    event_processor: EventProcessor = Field(
        EventProcessor.model_construct(),
        title="Event processor",
        description="one node active, the other passive",
    )
    spark: Spark = Field(Spark.model_construct(), title="Spark", description="Spark in the pair")
    deployment_sync: DeploymentSync = Field(
        DeploymentSync.model_construct(), title="Deployment sync", description="how C-Apps get to both nodes"
    )
    nodes: Annotated[tuple[Node, Node], Field(strict=False)] = Field(
        title="Nodes", description="the two servers; the first is started first"
    )

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Self:
        errors: list[InitErrorDetails] = [
            {
                "type": PydanticCustomError(
                    "cross-field", "{message}", {"message": one.message, "known": one}
                ),
                "loc": one.place,
                "input": None,
            }
            for one in cross_field_errors(self.model_dump())
        ]
        if errors:
            raise ValidationError.from_exception_data("Profile", errors, hide_input=True)
        return self

    def node(self, name: str) -> Node:
        """The node of that name.

        Raises:
            KeyError: there is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

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
