"""Drift: `check` reports what was changed by hand since the last run, and nothing that only the profile changed."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from tests.support import pairs
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

MEMBERSHIP = "replay would restore clustering/parameter[membershipScheme]: multicast → wka"
OK = "nothing that a run configured was changed by hand since"


@pytest.fixture
def make_pair(packs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Pair]]:
    """As everywhere, of 2.0.0 and in memory, with the state folder."""
    with folder_in_memory() as folder:
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        monkeypatch.setenv("APIM_DB_PASSWORD", pairs.PASSWORD)
        yield lambda **tables: pairs.make_pair(packs / PACKS[0], folder / "pair", **tables)


@pytest.fixture
def pair(make_pair: Callable[..., Pair]) -> Pair:
    """A pair of 2.0.0 that was replayed."""
    pair = make_pair()
    applied(pair)
    return pair


def drift(pair: Pair, **options: Any) -> dict[tuple[str | None, str], str]:
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


def by_hand(home: Path, relative: str, old: str, new: str) -> None:
    path = home / relative
    text = path.read_bytes()
    assert old.encode() in text
    path.write_bytes(text.replace(old.encode(), new.encode(), 1))


def reprofiled(pair: Pair, **tables: Any) -> None:
    """The same profile with other values."""
    document = tomlkit.parse(pair.profile.read_text("utf-8")).unwrap()
    pair.profile.write_text(tomlkit.dumps(pairs.merged(document, tables)), "utf-8")


def test_a_fresh_pair_has_none(make_pair: Callable[..., Pair]) -> None:
    assert drift(make_pair()) == {}


HOST = "<hostName>127.0.0.1</hostName>", "<hostName>10.9.9.9</hostName>"
STORE_POOL = "WSO2_ANALYTICS_EVENT_STORE_DB"
FOUND: dict[str, tuple[dict[str, Any], list[tuple[int, str, str, str]], dict[tuple[str, str], str]]] = {
    "nothing": ({}, [], {}),
    "each value, with its file and element": (
        {},
        [
            (0, AXIS2, *HOST),
            (0, AXIS2, ">wka<", ">multicast<"),
            (1, SPARK, "carbon.spark.master.count  2", "carbon.spark.master.count  7"),
        ],
        {
            ("node1", AXIS2): f"{MEMBERSHIP}; clustering/members/member/hostName: 10.9.9.9 → 127.0.0.1",
            ("node2", SPARK): "replay would restore carbon.spark.master.count: 7 → 2",
        },
    ),
    "an edit of something else": (
        {},
        [(0, AXIS2, "<axisconfig", "<!-- mine -->\n<axisconfig"), (0, CARBON, "<Name>", "<Name>My ")],
        {},
    ),
    "a changed profile": (
        {"pool": {"max_active": 77}, "cluster": {"domain": "another"}, "nodes": [{"port_offset": 40}]},
        [],
        {},
    ),
    "a changed profile and a hand in one file": (
        {"pool": {"max_active": 77}},
        [(1, ANALYTICS, "<maxActive>50</maxActive>", "<maxActive>5</maxActive>")],
        {("node2", ANALYTICS): f"replay would restore {STORE_POOL}/maxActive: 5 → 77"},
    ),
    "a hand that did what the profile now says": (
        {"cluster": {"domain": "another"}},
        [(number, AXIS2, ">wso2.carbon.domain<", ">another<") for number in (0, 1)],
        {},
    ),
    "a password, which is not shown": (
        {},
        [(0, ANALYTICS, f"<password>{pairs.PASSWORD}<", "<password>hunter2<")],
        {("node1", ANALYTICS): f"replay would restore {STORE_POOL}/password: ******** → ********"},
    ),
}


@pytest.mark.parametrize(("profile", "edits", "found"), FOUND.values(), ids=FOUND)
def test_what_a_hand_has_changed_is_named(
    profile: dict[str, Any],
    edits: list[tuple[int, str, str, str]],
    found: dict[tuple[str, str], str],
    pair: Pair,
) -> None:
    reprofiled(pair, **profile)
    for number, *edit in edits:
        by_hand(pair.homes[number], *edit)
    assert drift(pair) == found


def test_the_dry_run_shows_what_replay_restores(pair: Pair) -> None:
    before = (pair.homes[0] / AXIS2).read_bytes()
    by_hand(pair.homes[0], AXIS2, ">wka<", ">multicast<")
    result, prepared = replayed(pair, dry_run=True)
    assert result.outcome == "pending"
    assert [(c.path, c.what) for c in prepared.plan.pending] == [
        (AXIS2, ("clustering/parameter[membershipScheme]: multicast → wka",))
    ]
    applied(pair)
    assert (pair.homes[0] / AXIS2).read_bytes() == before
    assert drift(pair) == {}


def test_after_a_second_run_the_newest_counts(pair: Pair) -> None:
    reprofiled(pair, cluster={"domain": "second"})
    applied(pair)
    assert drift(pair) == {}
    by_hand(pair.homes[0], AXIS2, ">second<", ">wso2.carbon.domain<")
    assert drift(pair) == {
        ("node1", AXIS2): "replay would restore clustering/parameter[domain]: wso2.carbon.domain → second"
    }
    (found,) = of(checked(pair), "apply.drift")
    assert runs.history()[0].run in found.message


def test_after_a_rollback_nothing_is_configured(pair: Pair) -> None:
    assert rolled_back(pair).outcome == "restored"
    assert drift(pair) == {}
    by_hand(pair.homes[0], AXIS2, ">wso2.carbon.domain<", ">mine<")
    assert drift(pair) == {}


def test_after_a_rollback_to_an_older_run_what_that_had_configured_counts(pair: Pair) -> None:
    reprofiled(pair, cluster={"domain": "second"})
    applied(pair)
    assert rolled_back(pair).outcome == "restored"
    reprofiled(pair, cluster={"domain": "wso2.carbon.domain"})
    assert drift(pair) == {}
    by_hand(pair.homes[0], AXIS2, ">wka<", ">multicast<")
    assert drift(pair) == {("node1", AXIS2): MEMBERSHIP}
    assert runs.history()[-1].run in of(checked(pair), "apply.drift")[0].message


def test_a_step_that_no_run_has_done_yet_is_no_drift(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    applied(pair, only=("hazelcast",))
    by_hand(pair.homes[0], REGISTRY, "<readOnly>false</readOnly>", "<readOnly>true</readOnly>")
    assert drift(pair) == {}
    by_hand(pair.homes[0], AXIS2, ">wka<", ">multicast<")
    assert drift(pair).keys() == {("node1", AXIS2)}


def test_a_file_of_two_steps_of_which_one_was_done(
    make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """carbon.xml holds the offset (prerequisites) and the deployment synchroniser, which no run has touched."""
    monkeypatch.setenv("SVN", "secret")
    sync = {
        "method": "svn",
        "svn_url": "https://svn.example.com/a",
        "svn_username": "a",
        "svn_password": {"env": "SVN"},
    }
    pair = make_pair(deployment_sync=sync)
    applied(pair, only=("prerequisites",))
    by_hand(pair.homes[1], CARBON, "<Name>", "<Name>My ")
    assert drift(pair) == {}
    by_hand(pair.homes[1], CARBON, "<Offset>2<", "<Offset>9<")
    assert drift(pair) == {("node2", CARBON): "replay would restore Ports/Offset: 9 → 2"}


def test_steps_that_are_left_out_are_left_out(pair: Pair) -> None:
    by_hand(pair.homes[0], AXIS2, ">wka<", ">multicast<")
    assert drift(pair, skip=("hazelcast",)) == {}
    assert drift(pair, only=("hazelcast",)).keys() == {("node1", AXIS2)}
    assert drift(pair, only_node="node2") == {}


def test_a_missing_file_is_reported(pair: Pair) -> None:
    (pair.homes[1] / REGISTRY).unlink()
    assert drift(pair) == {("node2", REGISTRY): "it does not exist any more"}
    assert drift(pair, skip=("registry",)) == {}


def test_a_jar_that_was_replaced_or_removed_is_reported(pair: Pair) -> None:
    jar = f"{LIB}/mysql-connector-java-5.1.49-bin.jar"
    pairs.driver_jar(pair.homes[0] / jar, "com.mysql.cj.jdbc.Driver")
    (pair.homes[1] / jar).unlink()
    assert drift(pair) == {
        ("node1", jar): "its contents differ",
        ("node2", jar): "it does not exist any more",
    }


def test_a_new_jar_in_the_profile_is_no_drift(pair: Pair) -> None:
    with zipfile.ZipFile(pair.profile.parent / "mysql-connector-java-5.1.49-bin.jar", "a") as jar:
        jar.writestr("another-build", b"")
    assert replayed(pair, dry_run=True)[0].outcome == "pending"
    assert drift(pair) == {}


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
    reprofiled(pair, cluster={"domain": "second"})
    applied(pair)
    assert drift(pair) == {}
    outside.write_bytes(outside.read_bytes().replace(b">second<", b">third<"))
    assert drift(pair) == {
        ("node1", AXIS2): "replay would restore clustering/parameter[domain]: third → second"
    }


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
    by_hand(pair.homes[0], AXIS2, ">wka<", ">multicast<")
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
    by_hand(pair.homes[0], AXIS2, ">wka<", ">multicast<")
    assert drift(pair).keys() == {("node1", AXIS2)}
