"""Drift: `check` reports what was changed by hand since the last run, and nothing that only the profile changed."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import pairs
from tests.support.hands import SVN, Hand, do, on, profiled
from tests.support.headless import (
    ANALYTICS,
    AXIS2,
    CARBON,
    LIB,
    PACKS,
    REGISTRY,
    SPARK,
    applied,
    checked,
    of,
    replayed,
    rolled_back,
)
from tests.support.pairs import Pair
from tests.support.quick import folder_in_memory
from wizard.system import locations
from wizard.transaction import runs

OK = "nothing that a run configured was changed by hand since"
Drifts = dict[tuple[str | None, str], str]


@pytest.fixture
def make_pair(packs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Pair]]:
    """As everywhere, of 2.0.0 and in memory, with the state folder."""
    with folder_in_memory() as folder:
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
        monkeypatch.setenv("NEW_PASSWORD", "another one")
        yield lambda **tables: pairs.make_pair(packs / PACKS[0], folder / "pair", **tables)


@pytest.fixture
def pair(make_pair: Callable[..., Pair]) -> Pair:
    """A pair of 2.0.0 that was replayed."""
    return do(make_pair(), applied)


def drift(pair: Pair, **options: Any) -> Drifts:
    """Return node and file of each finding, with what it says."""
    found = of(checked(pair, **options), "apply.drift")
    if [one.status for one in found] == ["ok"]:
        assert found[0].message == OK
        return {}
    assert {one.status for one in found} == {"warning"}
    assert all("--dry-run" in (one.fix or "") for one in found)
    shown = {}
    for one in found:
        path, _, what = one.message.partition(" was changed by hand since the run ")
        shown[one.node, path] = what.partition(": ")[2]
    return shown


def restored(place: str, now: str, then: str) -> str:
    return f"replay would restore {place}: {now} → {then}"


MULTICAST: Hand = on(1, (AXIS2, ">wka<", ">multicast<"))
MEMBERSHIP = restored("clustering/parameter[membershipScheme]", "multicast", "wka")
EVENTS = "WSO2_ANALYTICS_EVENT_STORE_DB"
DOMAIN = "clustering/parameter[domain]"
SECOND = profiled(cluster={"domain": "second"})
NEW_PASSWORD = profiled(mysql={"password": {"env": "NEW_PASSWORD"}})
LONG = "d" * 600
HOST = (AXIS2, "<hostName>127.0.0.1</hostName>", "<hostName>10.9.9.9</hostName>")
POOL = f"{EVENTS}/maxActive"
CONNECTOR = f"{LIB}/mysql-connector-java-5.1.49-bin.jar"


def undone(pair: Pair) -> None:
    assert rolled_back(pair).outcome == "restored"


def new_build(pair: Pair) -> None:
    """Another file for the driver jar of the profile."""
    with zipfile.ZipFile(pair.profile.parent / Path(CONNECTOR).name, "a") as jar:
        jar.writestr("another-build", b"")
    assert replayed(pair, dry_run=True)[0].outcome == "pending"


def removed(relative: str) -> Hand:
    return lambda pair: [(home / relative).unlink() for home in pair.homes]


FOUND: dict[str, tuple[Sequence[Hand], Drifts]] = {
    "nothing": ([], {}),
    "each value, with its file and element": (
        [on(1, HOST), MULTICAST, on(2, (SPARK, "master.count  2", "master.count  7"))],
        {
            ("node1", AXIS2): f"{MEMBERSHIP}; clustering/members/member/hostName: 10.9.9.9 → 127.0.0.1",
            ("node2", SPARK): restored("carbon.spark.master.count", "7", "2"),
        },
    ),
    "an edit of something else": (
        [on(1, (AXIS2, "<axisconfig", "<!-- mine -->\n<axisconfig"), (CARBON, "<Name>", "<Name>My "))],
        {},
    ),
    "a changed profile": (
        [profiled(pool={"max_active": 77}, cluster={"domain": "another"}, nodes=[{"port_offset": 40}])],
        {},
    ),
    "a changed profile and a hand in one file": (
        [profiled(pool={"max_active": 77}), on(2, (ANALYTICS, "<maxActive>50<", "<maxActive>5<"))],
        {("node2", ANALYTICS): restored(POOL, "5", "77")},
    ),
    "a hand that did what the profile now says": (
        [profiled(cluster={"domain": "another"}), (AXIS2, ">wso2.carbon.domain<", ">another<")],
        {},
    ),
    "a hand that changed two places to one text": (
        [
            on(
                1,
                (ANALYTICS, "<maxActive>50<", "<maxActive>5<"),
                (ANALYTICS, "<maxWait>60000<", "<maxWait>5<"),
            )
        ],
        {("node1", ANALYTICS): f"{restored(POOL, '5', '50')}; {EVENTS}/maxWait: 5 → 60000"},
    ),
    "a password, which is not shown": (
        [on(1, (ANALYTICS, f"<password>{pairs.PASSWORD}<", "<password>hunter2<"))],
        {("node1", ANALYTICS): restored(f"{EVENTS}/password", "********", "********")},
    ),
    "a password that only the profile changed": ([NEW_PASSWORD], {}),
    "a password that the profile and a hand changed": (
        [NEW_PASSWORD, on(1, (ANALYTICS, f"<password>{pairs.PASSWORD}<", "<password>hunter2<"))],
        {("node1", ANALYTICS): restored(f"{EVENTS}/password", "********", "********")},
    ),
    "a hand behind what is shown of a long value": (
        [
            *(profiled(cluster={"domain": LONG}), applied, profiled(cluster={"domain": f"{LONG}profile"})),
            on(2, (AXIS2, f">{LONG}<", f">{LONG}hand<")),
        ],
        {("node2", AXIS2): restored(DOMAIN, f"{LONG[:499]}…", f"{LONG[:499]}…")},
    ),
    "a hand that did at one place what the profile undoes at another of this name": (
        [
            *(profiled(nodes=[{}, {"host": "127.0.0.2"}]), applied, profiled(nodes=[{"host": "127.0.0.2"}])),
            on(2, (AXIS2, "<hostName>127.0.0.2<", "<hostName>127.0.0.1<")),
        ],
        {("node2", AXIS2): restored("clustering/members/member/hostName", "127.0.0.1", "127.0.0.2")},
    ),
    "nothing since a second run": ([SECOND, applied], {}),
    "a hand since a second run, of which the newest counts": (
        [SECOND, applied, on(1, (AXIS2, ">second<", ">wso2.carbon.domain<"))],
        {("node1", AXIS2): restored(DOMAIN, "wso2.carbon.domain", "second")},
    ),
    "a hand since a rollback, after which nothing is configured": (
        [undone, on(1, (AXIS2, ">wso2.carbon.domain<", ">mine<"))],
        {},
    ),
    "nothing since a rollback to an older run": (
        [SECOND, applied, undone, profiled(cluster={"domain": "wso2.carbon.domain"})],
        {},
    ),
    "a hand since a rollback to an older run": (
        [SECOND, applied, undone, profiled(cluster={"domain": "wso2.carbon.domain"}), MULTICAST],
        {("node1", AXIS2): MEMBERSHIP},
    ),
    "a missing file": ([on(2, removed(REGISTRY))], {("node2", REGISTRY): "it does not exist any more"}),
    "a jar that was replaced, and one that was removed": (
        [
            on(1, lambda pair: pairs.driver_jar(pair.homes[0] / CONNECTOR, "com.mysql.cj.jdbc.Driver")),
            on(2, removed(CONNECTOR)),
        ],
        {("node1", CONNECTOR): "its contents differ", ("node2", CONNECTOR): "it does not exist any more"},
    ),
    "a new jar in the profile": ([new_build], {}),
}


@pytest.mark.parametrize(("hands", "found"), FOUND.values(), ids=FOUND)
def test_what_a_hand_has_changed_is_named(hands: Sequence[Hand], found: Drifts, pair: Pair) -> None:
    assert drift(do(pair, *hands)) == found


def test_a_fresh_pair_has_none(make_pair: Callable[..., Pair]) -> None:
    assert drift(make_pair()) == {}


def test_the_run_is_named_that_configured_it(pair: Pair) -> None:
    do(pair, SECOND, applied, undone, profiled(cluster={"domain": "wso2.carbon.domain"}), MULTICAST)
    assert runs.history()[-1].run in of(checked(pair), "apply.drift")[0].message
    do(pair, SECOND, applied, MULTICAST)
    assert runs.history()[0].run in of(checked(pair), "apply.drift")[0].message


def test_the_dry_run_shows_what_replay_restores(pair: Pair) -> None:
    before = (pair.homes[0] / AXIS2).read_bytes()
    do(pair, MULTICAST)
    result, prepared = replayed(pair, dry_run=True)
    assert result.outcome == "pending"
    assert [(c.path, c.what) for c in prepared.plan.pending] == [
        (AXIS2, (MEMBERSHIP.removeprefix("replay would restore "),))
    ]
    applied(pair)
    assert (pair.homes[0] / AXIS2).read_bytes() == before
    assert drift(pair) == {}


def test_a_step_that_no_run_has_done_yet_is_no_drift(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    applied(pair, only=("hazelcast",))
    do(pair, on(1, (REGISTRY, "<readOnly>false</readOnly>", "<readOnly>true</readOnly>")))
    assert drift(pair) == {}
    assert drift(do(pair, MULTICAST)) == {("node1", AXIS2): MEMBERSHIP}


def test_a_file_of_two_steps_of_which_one_was_done(make_pair: Callable[..., Pair]) -> None:
    """carbon.xml holds the offset (prerequisites) and the deployment synchroniser, which no run has changed."""
    pair = make_pair(**SVN)
    applied(pair, only=("prerequisites",))
    assert drift(do(pair, on(2, (CARBON, "<Name>", "<Name>My ")))) == {}
    assert drift(do(pair, on(2, (CARBON, "<Offset>2<", "<Offset>9<")))) == {
        ("node2", CARBON): restored("Ports/Offset", "9", "2")
    }


def test_steps_that_are_left_out_are_left_out(pair: Pair) -> None:
    do(pair, MULTICAST, on(2, removed(REGISTRY)))
    assert drift(pair, skip=("hazelcast", "registry")) == {}
    assert drift(pair, only=("hazelcast",)).keys() == {("node1", AXIS2)}
    assert drift(pair, only_node="node2").keys() == {("node2", REGISTRY)}


def test_the_common_path_that_leads_elsewhere_or_is_gone_is_reported(
    make_pair: Callable[..., Pair], tmp_path: Path
) -> None:
    link = tmp_path / "common"
    pair = make_pair(nodes=[{}, {"host": "203.0.113.9"}], spark={"symbolic_link": str(link)})
    applied(pair, only_node="node1")
    assert link.is_symlink()
    assert drift(pair, only_node="node1") == {}
    link.unlink()
    assert drift(pair, only_node="node1") == {("node1", str(link)): "it does not exist any more"}
    link.symlink_to(tmp_path)
    assert drift(pair, only_node="node1") == {
        ("node1", str(link)): f"it pointed to {pair.homes[0]}, now to {tmp_path}"
    }
    assert drift(pair, only_node="node1", skip=("spark",)) == {}


def test_an_edited_target_of_a_link_is_reported(pair: Pair, tmp_path: Path) -> None:
    outside = tmp_path / "outside.xml"
    shutil.move(pair.homes[0] / AXIS2, outside)
    (pair.homes[0] / AXIS2).symlink_to(outside)
    assert drift(do(pair, SECOND, applied)) == {}
    outside.write_bytes(outside.read_bytes().replace(b">second<", b">third<"))
    assert drift(pair) == {("node1", AXIS2): restored(DOMAIN, "third", "second")}


def test_what_is_kept_is_for_this_user_alone_and_goes_with_the_backups(pair: Pair) -> None:
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in kept()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept()} == {0o600}
    runs.prune(0)
    assert kept() == []


def kept() -> list[Path]:
    """The bytes that runs have left, among their backups."""
    return sorted(locations.runs().glob("*/backups/left-*"))


@pytest.mark.parametrize(
    "harm",
    [
        None,
        lambda data: b"<nonsense/>",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b">wka<", b">multicast<"),
    ],
)
def test_kept_bytes_that_are_missing_or_damaged_are_not_used(
    pair: Pair, harm: Callable[[bytes], bytes] | None
) -> None:
    for path in kept():
        if harm is None:
            path.unlink()
        else:
            path.write_bytes(harm(path.read_bytes()))
    assert drift(pair) == {}
    do(pair, MULTICAST)
    assert drift(pair) == {("node1", AXIS2): MEMBERSHIP}


def test_bytes_that_cannot_be_kept_do_no_harm_to_a_run(
    make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair()

    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("wizard.preflight.drift.write_plainly", full)
    applied(pair)
    assert kept() == []
    do(pair, MULTICAST)
    assert drift(pair).keys() == {("node1", AXIS2)}
