"""What a profile says of itself beyond its keys; the same for every way in which one is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from wizard.profile.model import Databases, Datasources, DeploymentSync, EventProcessor, MySQL, Node

SCHEMA_VERSION = 1

Role = Literal["user", "registry", "event_store", "processed_data_store", "stats"]
Store = Literal["event_store", "processed_data_store"]


class MySQLPart:
    """The database server."""

    __slots__ = ()
    if TYPE_CHECKING:
        databases: Databases

    def database_names(self) -> dict[Role, str]:
        """The database of each role, in the procedure's order; `stats` only where the profile names one."""
        names: dict[Role, str] = {
            "user": self.databases.user,
            "registry": self.databases.registry,
            "event_store": self.databases.event_store,
            "processed_data_store": self.databases.processed_data_store,
        }
        if self.databases.stats is not None:
            names["stats"] = self.databases.stats
        return names


class ProfilePart:
    """The whole profile."""

    __slots__ = ()
    if TYPE_CHECKING:
        mysql: MySQL
        datasources: Datasources
        event_processor: EventProcessor
        deployment_sync: DeploymentSync
        nodes: tuple[Node, Node]

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

    def datasource_name(self, store: Store) -> str:
        """The name of an analytics datasource: the pinned one, else the database's (procedure, chapter 3)."""
        pinned: str | None = getattr(self.datasources, store)
        return pinned or self.mysql.database_names()[store]
