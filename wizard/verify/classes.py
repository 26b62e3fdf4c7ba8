"""The servers' classes that the rows of the verdict judge (procedure 9): an error of one is never unknown."""

from __future__ import annotations

from typing import Literal

Row = Literal["log", "mode", "registry-mount", "membership", "event-sync", "state-sync", "spark-masters"]

ROW_OF: dict[str, Row] = {
    "HAManager": "state-sync",
    "ManagementServiceClientThriftImpl": "state-sync",
    "ManagementServer": "state-sync",
    "EventHandler": "event-sync",
    "TCPEventPublisher": "event-sync",
    "TCPEventServer": "event-sync",
    "EventProcessorServiceDS": "mode",
    "EventManagementServiceDS": "mode",
    "EventProcessorManagementServiceDS": "mode",
    "EventProcessorManagementService": "mode",
    "CarbonEventManagementService": "mode",
    "CarbonEventProcessorManagementService": "mode",
    "ManagementModeConfigurationLoader": "mode",
    "RegistryCoreServiceComponent": "registry-mount",
    "RegistryConfigurationProcessor": "registry-mount",
    "EmbeddedRegistryService": "registry-mount",
    "HazelcastClusteringAgent": "membership",
    "HazelcastGroupManagementAgent": "membership",
    "WKABasedMembershipScheme": "membership",
    "MemberUtils": "membership",
    "AnalyticsComponent": "spark-masters",
    "SparkAnalyticsExecutor": "spark-masters",
    "AnalyticsDataServiceComponent": "spark-masters",
    "CarbonServerManager": "log",
    "CarbonCoreActivator": "log",
    "StartupFinalizerServiceComponent": "log",
    "ClusterGroupCommunicator": "log",
    "TasksDSComponent": "log",
}
"""The row of each class, by its name without the package: some releases print no more."""


def row_of(source: str) -> Row | None:
    """The row that an error of a class belongs to."""
    return ROW_OF.get(source.rpartition(".")[2])
