"""Judges of what the logs show about Spark and the analytics: masters, queries without Spark, the nodes' ids."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from wizard.system.finding import Finding
from wizard.verify.judges.cluster import OWN_DOMAIN
from wizard.verify.judges.errors import OVER, is_quiet, succeeded
from wizard.verify.pair import NO_LOG, NOT_STARTED, About, Pair, Seen
from wizard.verify.record import Record, between

SETTLING = timedelta(seconds=60)
"""How long after both nodes are up a query may find no Spark: its application has to be started first."""


def spark_masters(pair: Pair) -> Iterator[Finding]:
    wanted, nodes = pair.profile.spark.master_count, len(pair.nodes)
    count, name, record = _masters(pair, wanted)
    about, of_wanted = About(name), f"{count} of {wanted} Spark masters"
    if count > nodes:
        fix = f"stop the server that does not belong to this pair, or {OWN_DOMAIN}"
        yield about.warning(f"{count} Spark masters for {nodes} nodes", record, fix)
    elif count >= wanted:
        yield about.ok(of_wanted, record)
    elif pair.both_complete:
        fix = "both nodes need carbon.spark.master.count of the profile and one Hazelcast cluster: replay, then start "
        fix += "both again"
        evidence = record or pair.facts(pair.nodes[1]).complete
        message = f"{of_wanted}, although both nodes are up"
        yield About(name or pair.nodes[1].name).error(message, evidence, fix)
    elif count and (other := pair.unseen_partner(passive=False)) is not None:
        yield About(other.name).skipped(NO_LOG, pair.show_log(other))
    elif pair.can_progress:
        yield about.waiting(f"{of_wanted} so far", record)
    elif any(pair.facts(node).seen for node in pair.nodes):
        yield about.skipped("not reached: the start failed or the server was stopped")
    else:
        yield about.skipped(NOT_STARTED)


def _masters(pair: Pair, wanted: int) -> tuple[int, str | None, Record | None]:
    """Return how many Spark masters there are, and the node and record that show it.

    Older servers print the size of the map; newer ones that all masters are started, and each its own master.
    """
    known = [(node.name, pair.facts(node)) for node in pair.nodes]
    counts = [(one.masters[0], name, one.masters[1]) for name, one in known if one.masters]
    counts += [(wanted, name, one.redundant) for name, one in known if one.redundant]
    own = [(name, one.own_master) for name, one in known if one.own_master]
    counts += [(number, name, record) for number, (name, record) in enumerate(own, 1)]
    return max(counts, key=lambda one: one[0], default=(0, None, None))


def node_id(pair: Pair) -> Iterator[Finding]:
    """Compare the nodes' own ids: two nodes with one id compete for the index."""
    known = [(node, *found) for node in pair.nodes if (found := pair.facts(node).node_id)]
    same = len(known) == len(pair.nodes) and len({id for _, id, _ in known}) == 1
    fix = f"stop {pair.nodes[1].name}, remove my-node-id.dat in its home (repository/conf/analytics or "
    fix += "repository/data), and start it again"
    for node, id, record in known:
        if same:
            message = f"both nodes have the Analytics node id {id}: one home was copied after its first start"
            yield About(node.name).error(message, record, fix)
        else:
            yield About(node.name).ok(f"its Analytics node id is {id}", record)


def spark_sql(seen: Seen) -> Iterator[Finding]:
    """Judge the errors of queries that find no Spark: harmless until all nodes are up."""
    pair, tally = seen.pair, seen.facts.spark_sql
    if tally is None:
        return
    times = f"({tally.count} times)"
    # No node completes its start without the other: this counts where the other one's log is not here.
    if not pair.both_complete and not (pair.unseen(seen.partner) and seen.facts.complete):
        yield seen.waiting("queries find no Spark yet: harmless until all nodes are up", tally.last)
    elif _after_all_were_up(seen, tally.last):
        over = succeeded(seen.facts, "spark", tally) or is_quiet(seen, tally)
        report = seen.warning if over else seen.error
        message = f"queries {'found' if over else 'find'} no Spark, although both nodes are up {times}"
        fix = "open the UIs of the Spark masters; replay if carbon.spark.master.count differs"
        yield report(f"{message}{OVER if over else ''}", tally.last.evidence, fix)
    else:
        yield seen.ok(f"queries found no Spark before all nodes were up {times}: harmless", tally.last)


def _after_all_were_up(seen: Seen, last: Record) -> bool:
    """Whether the last such error came when both nodes had been up for a while.

    By this node's clock alone.  A partner that joined after this node's start is up as long after joining as its own
    log says, or as this node needed if that log is not here.
    """
    since, peer = between(seen.facts.complete, last), seen.pair.partners_peer(seen.node)
    joined = between(peer.joined if peer else None, last)
    if since is not None and joined is not None and joined < since:
        started = seen.facts if seen.pair.unseen(seen.partner) else seen.pair.facts(seen.partner)
        took = between(started.local.record if started.local else None, started.complete)
        since = joined - (took or timedelta())
    return since is not None and since > SETTLING
