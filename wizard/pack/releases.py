"""The releases that this tool knows, and the rules that depend on a component's version: one place for both.

To add a pack: one line in `RELEASES`, once the tests over real packs pass with it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

Version = tuple[int, ...]

APIM = "WSO2 API Manager Analytics Server"
DAS = "WSO2 Data Analytics Server"
IS = "WSO2 Identity Server Analytics"
ESB = "WSO2 Enterprise Service Bus Analytics"


class Components(NamedTuple):
    """The versions that decide rules: the kernel's, and those of carbon-analytics and carbon-analytics-common.

    The rules come from the servers' source (procedure, chapters 1 to 9).
    """

    kernel: Version
    analytics: Version
    common: Version

    @property
    def shifts_event_processor_ports(self) -> bool:
        """Whether the server adds the offset to event sync, management and presentation port (chapter 6).

        Then it needs `Ports/Offset` in `carbon.xml` to start.
        """
        return self.common >= (5, 1, 0)

    @property
    def reads_hazelcast_xml(self) -> bool:
        """Whether `repository/conf/etc/hazelcast.xml` replaces the clustering of `axis2.xml` (chapter 5)."""
        return self.kernel >= (4, 4, 6)

    @property
    def binds_spark_to_local_ip(self) -> bool:
        """Whether `SPARK_LOCAL_IP` is the address of Spark's master and worker, not the driver's alone (chapter 7)."""
        return self.analytics >= (1, 1, 0)

    @property
    def assigns_index_shards_to_node_ids(self) -> bool:
        """Whether the event store names the owner of each index shard by its node id (chapter 1)."""
        return self.analytics <= (1, 3, 18)


def version_tuple(text: str) -> Version:
    """`5.6.24-log` → `(5, 6, 24)`; empty without a number."""
    found = re.match(r"\d{1,18}(?:\.\d{1,18})*", text.strip())
    return tuple(int(part) for part in found[0].split(".")) if found else ()


RELEASES = {
    (product, version): Components(*map(version_tuple, components))
    for product, version, *components in (
        (DAS, "3.0.1", "4.4.3", "1.0.5", "5.0.8"),
        (APIM, "2.0.0", "4.4.7", "1.1.3", "5.1.0"),
        (ESB, "5.0.0", "4.4.7", "1.2.3", "5.1.1"),
        (DAS, "3.1.0", "4.4.9", "1.2.7", "5.1.3"),
        (IS, "5.2.0", "4.4.9", "1.2.6", "5.1.3"),
        (IS, "5.3.0", "4.4.11", "1.2.8", "5.1.7"),
        (APIM, "2.1.0", "4.4.11", "1.3.0", "5.1.7"),
        (IS, "5.4.0", "4.4.20", "1.2.8", "5.1.21"),
        (APIM, "2.1.0-update8", "4.4.23", "1.3.14", "5.1.30"),
        (APIM, "2.1.0-update9", "4.4.23", "1.3.16", "5.1.31"),
        (APIM, "2.2.0", "4.4.26", "1.3.25", "5.1.37"),
        (DAS, "3.2.0", "4.4.26", "1.3.25", "5.1.37"),
        (IS, "5.5.0", "4.4.26", "1.3.25", "5.1.37"),
        (APIM, "2.5.0", "4.4.32", "1.3.31", "5.1.42"),
        (IS, "5.6.0", "4.4.32", "1.3.31", "5.1.42"),
    )
}
"""The components of every release that this tool knows, by product and version, with the older kernel first."""

SHARED_VERSION = "2.1.1.SNAPSHOT"
"""What API-M Analytics from 2.1.0-update2 to 2.5.0 prints as its version: it says nothing about the components."""


def is_known(product: str, version: str) -> bool:
    """Whether this tool knows the release that calls itself so (`5.3.0-SNAPSHOT` is 5.3.0)."""
    return _release(product, version) in RELEASES or (product, version) == (APIM, SHARED_VERSION)


def components_of(product: str, version: str, kernel: Version) -> Components:
    """The components of a pack whose bundles do not tell: those of its release, else of the nearest one.

    The nearest is the release of the same product, else of any, with the newest kernel that is not newer than
    `kernel` (procedure, before chapter 1); for a kernel older than all the oldest, for an unknown one the newest.
    """
    release = _release(product, version)
    if release not in RELEASES:
        fitting = [one for one in RELEASES if not kernel or RELEASES[one].kernel <= kernel] or [*RELEASES][:1]
        # They are in the order of the kernels; of several with one kernel the last is the newest update.
        release = ([one for one in fitting if one[0] == product] or fitting)[-1]
    found = RELEASES[release]
    return found._replace(kernel=kernel or found.kernel)


def _release(product: str, version: str) -> tuple[str, str]:
    return product, re.sub(r"[-.]SNAPSHOT$", "", version)
