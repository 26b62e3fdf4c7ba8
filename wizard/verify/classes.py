"""The servers' classes whose errors belong to a row of the verdict (procedure 9): they are never unknown."""

from __future__ import annotations

from typing import Literal

Row = Literal["log", "mode", "registry-mount", "membership", "event-sync", "state-sync", "spark-masters"]

_CLASSES: dict[Row, str] = {
    "state-sync": "HAManager ManagementServiceClientThriftImpl ManagementServer",
    "event-sync": "EventHandler TCPEventPublisher TCPEventServer",
    "mode": "EventProcessorServiceDS EventManagementServiceDS EventProcessorManagementServiceDS "
    "EventProcessorManagementService CarbonEventManagementService CarbonEventProcessorManagementService "
    "ManagementModeConfigurationLoader",
    "registry-mount": "RegistryCoreServiceComponent RegistryConfigurationProcessor EmbeddedRegistryService",
    "membership": "HazelcastClusteringAgent HazelcastGroupManagementAgent WKABasedMembershipScheme MemberUtils",
    "spark-masters": "AnalyticsComponent SparkAnalyticsExecutor AnalyticsDataServiceComponent",
    "log": "CarbonServerManager CarbonCoreActivator StartupFinalizerServiceComponent ClusterGroupCommunicator "
    "TasksDSComponent",
}
"""The classes of each row, without the package: some releases print no more."""
_ROW_OF = {name: row for row, names in _CLASSES.items() for name in names.split()}


def row_of(source: str) -> Row | None:
    """Return the row that an error of a class belongs to."""
    return _ROW_OF.get(source.rpartition(".")[2])
