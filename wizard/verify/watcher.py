"""Looks at the pair, once or repeatedly."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.pack import ports
from wizard.pack.home import Pack
from wizard.system import bounded, finding
from wizard.system.errors import EditError
from wizard.system.finding import ANY_PROFILE, Finding
from wizard.verify.checks import UNFINISHED, unfinished_runs
from wizard.verify.drill import Drill
from wizard.verify.facts import Moment
from wizard.verify.homes import HOME_IDS, alive, home_findings
from wizard.verify.log import FileLog, PipeLog
from wizard.verify.pair import SILENCE, EventPorts, Hosts, Pair, Sight
from wizard.verify.spark import BETWEEN, LIMIT, Look, SparkAddress, look, places, two_looks
from wizard.verify.spark_verdict import SPARK_IDS, SparkView, judge_spark
from wizard.verify.story import Story
from wizard.verify.verdict import View, judge, view_of

if TYPE_CHECKING:
    from wizard.profile.model import Node, Profile

HAZELCAST_PROPERTIES = "repository/conf/hazelcast.properties"
HEARTBEAT = "hazelcast.max.no.heartbeat.seconds"

SPARK_PERIOD = 5.0
"""Seconds between two looks at the Spark UIs while watching."""


@dataclass(eq=False)
class Watcher:
    """Reads the logs, the UIs and the homes, and returns views of the pair.

    `logs` has the log of each node that is available here, `packs` the homes on this machine, `hosts` the addresses of
    the nodes' names.  Offline, only the logs are read.  `mask` hides passwords in what is shown.  `between` and `limit`
    are the seconds between two looks at the UIs, and for one page.
    """

    profile: Profile
    logs: Mapping[str, FileLog | PipeLog]
    packs: Mapping[str, Pack] = field(default_factory=dict)
    hosts: Hosts = field(default_factory=Hosts)
    offline: bool = False
    name: str = ANY_PROFILE
    mask: Callable[[str], str] = str
    drill: Drill | None = None
    between: float = BETWEEN
    limit: float = LIMIT
    before: dict[str, Profile] | None = None
    """While a run changes the pair node by node: the profile by which each node is judged that is not changed yet.

    The marker of that run in the homes is ignored then.
    """

    def __post_init__(self) -> None:
        self._stories = {node: Story(self.mask) for node in self.logs}
        self._shown: dict[str, Moment | None] = {}
        self._looks: tuple[Look, Look] | None = None
        self._looked_at = 0.0
        self._up_since: dict[str, float] = {}
        self._home_findings: list[Finding] = []
        self._background: threading.Thread | None = None
        self._over = threading.Event()
        self._look_now = threading.Event()
        self._one_machine = self.hosts.one_machine(node.host for node in self.profile.nodes)

    def once(self) -> View:
        """Return everything, once: the logs to their end, two looks at the UIs, the homes."""
        for node, log in self.logs.items():
            self._stories[node].read(log.drain() if isinstance(log, PipeLog) else log.read())
            self._stories[node].read(log.finish())
        if not self.offline:
            self._look_at_homes()
            self._looks = two_looks(self._places(), between=self.between, limit=self.limit)
            self._looked_at = float("inf")
        return self._view()

    def poll(self) -> View:
        """Return what is new in the logs, with the newest look at the UIs, made in the background.  Never waits."""
        for node, log in self.logs.items():
            self._stories[node].read(log.read())
        if not self.offline and self._background is None:
            self._background = threading.Thread(target=self._keep_looking, daemon=True)
            self._background.start()
        return self._view()

    def close(self) -> None:
        """Stop looking, and close the logs."""
        self._over.set()
        self._look_now.set()
        for log in self.logs.values():
            log.close()

    def _keep_looking(self) -> None:
        while not self._over.is_set():
            self._look_now.clear()
            self._look_at_homes()
            begun = time.monotonic()
            seen = look(self._places(), self.limit)
            self._looks = (self._looks[1] if self._looks is not None else seen, seen)
            self._looked_at = begun
            self._look_now.wait(SPARK_PERIOD)

    def _look_at_homes(self) -> None:
        self._home_findings = home_findings(self.profile, self.packs, one_machine=self._one_machine)

    @cached_property
    def _configured(self) -> dict[str, SparkAddress]:
        """Where the UIs are by the configuration; read once, as by the server."""
        return places(self.profile, self._understood)

    @cached_property
    def _understood(self) -> dict[str, Pack]:
        """The packs whose ports can be read; the checks report what is broken there."""
        found = {}
        for name, pack in self.packs.items():
            with suppress(EditError):
                ports.of(self.profile.node(name), pack)
                found[name] = pack
        return found

    def _places(self) -> dict[str, SparkAddress]:
        """Return where the UIs are; the application's by the log."""
        found = dict(self._configured)
        for name, story in self._stories.items():
            if story.facts.client is not None:
                found[name] = replace(found[name], application=story.facts.client[0])
        return found

    def _view(self) -> View:
        sights = {node.name: self._sight(node) for node in self.profile.nodes}
        facts = (self._one_machine, self.hosts, self._event_ports, self._silence)
        pair = Pair(self.profile, sights, *facts, self.name)
        self._note_running(pair)
        looks = self._looks
        findings = self._judged(pair, looks)
        for node, profile in (self.before or {}).items():
            as_it_was = self._judged(replace(pair, profile=profile), looks)
            findings = [one for one in findings if one.node != node]
            findings += [one for one in as_it_was if one.node == node]
        findings += LEFT_OUT if self.offline else self._home_findings
        if self.before is None:
            homes = {node: pack.home for node, pack in self.packs.items()}
            findings += finding.of(UNFINISHED, unfinished_runs(homes))
        if self.drill is not None:
            self.drill.observe(pair, time.monotonic())
            findings.append(self.drill.finding(pair))
        return view_of(
            pair,
            findings,
            mask=self.mask,
            spark=looks[1] if looks is not None else None,
            places={} if self.offline else self._places(),
            drill=self.drill,
            news=tuple(self._news()),
        )

    def _judged(self, pair: Pair, looks: tuple[Look, Look] | None) -> list[Finding]:
        if self.offline:
            return judge(pair)
        if looks is None:
            return judge(pair) + [finding.waiting("not checked yet")._replace(id=id) for id in SPARK_IDS]
        up = frozenset(name for name, since in self._up_since.items() if since > self._looked_at)
        return judge(pair) + judge_spark(SparkView(pair, *looks, self._places(), self._exists, stale=up))

    @cached_property
    def _silence(self) -> int:
        """Seconds for which a silent loss can go unnoticed, by the homes here; read once, as by the server."""
        found: list[int | None] = []
        for pack in self.packs.values():
            with suppress(EditError, OSError):
                found.append(bounded.number(pack.properties(HAZELCAST_PROPERTIES).get(HEARTBEAT) or ""))
        return max(filter(None, found), default=SILENCE)

    @cached_property
    def _event_ports(self) -> dict[str, EventPorts]:
        """The ports of each node's event processor by its home or the profile; read once, as by the server."""
        found = {}
        for node in self.profile.nodes:
            if node.name not in self._understood and node.port_offset is None:
                found[node.name] = EventPorts(0, 0, 0)
                continue
            pack = self._understood.get(node.name) or self._understood.get(self.profile.partner(node).name)
            offset = ports.event_processor_offset(node, pack)
            found[node.name] = EventPorts(offset, ports.event_sync(node, pack), ports.management(node, pack))
        return found

    def _sight(self, node: Node) -> Sight:
        log = self.logs.get(node.name)
        if log is None:
            return Sight()
        living = None if self.offline else alive(node, self.packs.get(node.name), self.hosts)
        facts = self._stories[node.name].facts
        return Sight(facts, log.name, log.unread, living, log.latest, log.sample)

    def _note_running(self, pair: Pair) -> None:
        """Remember since when each node is running."""
        for node in pair.nodes:
            if not pair.running(node):
                self._up_since.pop(node.name, None)
            elif node.name not in self._up_since:
                self._up_since[node.name] = time.monotonic()
                self._look_now.set()

    def _exists(self, path: str) -> bool | None:
        """Whether a class path entry exists; None if it belongs to no home or link of this machine."""
        link = self.profile.spark.symbolic_link
        # Without a common path the other machine's home must exist here too: the executors need it.
        folders = {*(pack.home for pack in self.packs.values())}
        if folders:
            folders |= {Path(one) for one in (*(node.home for node in self.profile.nodes), link) if one}
        return os.path.exists(path) if any(folder in Path(path).parents for folder in folders) else None

    def _news(self) -> Iterator[tuple[str, Moment]]:
        """Yield the moments of the timeline that are not shown yet, node by node."""
        for node, story in self._stories.items():
            moments, last = list(story.facts.moments), self._shown.get(node)
            known = max((i for i, one in enumerate(moments) if one is last), default=-1)
            yield from ((node, moment) for moment in moments[known + 1 :])
            self._shown[node] = moments[-1] if moments else None


LEFT_OUT = [finding.skipped("left out by --offline")._replace(id=id) for id in (*SPARK_IDS, *HOME_IDS)]
