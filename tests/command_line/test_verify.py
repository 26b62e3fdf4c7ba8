"""`verify` and `clean` as a user runs them: once, watching, and through the drill."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.command_line.test_servers import Launched, command, launched, wait_until  # noqa: F401
from tests.support import cli, pairs
from tests.support import server_logs as tell
from tests.support.headless import replayed
from tests.support.pairs import Pair
from tests.support.server_logs import Side
from tests.support.stand_in_pair import StandInPair
from wizard.command_line.verify import run_clean, run_verify
from wizard.profile.model import Profile
from wizard.profile.store import load
from wizard.system.errors import ChecksFailed, UsageError

MakePair = Callable[..., Pair]


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    return make_pair()


@pytest.fixture
def profile(pair: Pair) -> Profile:
    return load(pair.profile).profile


def write_logs(pair: Pair, *sides: Side) -> None:
    for home, side in zip(pair.homes, sides, strict=False):
        (home / "repository/logs/wso2carbon.log").write_bytes(side.log.content)


def started(
    pair: Pair, *, event_sync: Sequence[int] = (11225, 11227), management: Sequence[int] = (10006, 10008)
) -> tuple[Side, Side]:
    """Write the logs of a healthy first start, with these ports; return the sides."""
    both = tell.local_sides()
    for number, side in enumerate(both):
        side.event_sync, side.management = event_sync[number], management[number]
    tell.first_start(*both)
    write_logs(pair, *both)
    return both


def verify(profile: Profile, **options: Any) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code, data = run_verify(profile, "pair", out=out, err=err, **{"offline": True, **options})
    return code, out.getvalue() if data is None else json.dumps(data), err.getvalue()


def findings(profile: Profile, **options: Any) -> tuple[int, dict[tuple[str, str | None], dict[str, Any]]]:
    """Return the exit code and the findings of `--json` by id and node."""
    code, out, _ = verify(profile, as_json=True, **options)
    return code, {(one["id"], one["node"]): one for one in json.loads(out)["findings"]}


# --- once ----------------------------------------------------------------------------------------


def test_a_healthy_pair_by_its_logs_and_an_interrupted_run(pair: Pair, profile: Profile) -> None:
    started(pair)
    code, out, _ = verify(profile)
    assert (code, out.splitlines()[-1][:7]) == (0, "HEALTHY")
    assert "verify.active-passive node1: active since" in out
    code, out, err = verify(profile, as_json=True)
    told = json.loads(out)
    assert (code, err, told["outcome"], set(told)) == (0, "", "healthy", {"outcome", "findings"})
    keys = {"id", "node", "status", "message", "evidence", "fix"}
    assert all(set(one) == keys for one in told["findings"])
    left_out = {one["id"] for one in told["findings"] if one["status"] == "skipped"}
    assert {"verify.spark-ui", "verify.spark-workers", "verify.symbolic-link"} <= left_out
    marker = {"run": "20261124T101530Z-1f3a", "journal": "/no/journal.json", "owner": "ann", "host": "here"}
    (pair.homes[1] / ".apimha-wizard-run").write_text(json.dumps(marker))
    code, found = findings(profile)
    assert code == 5
    assert [key for key, one in found.items() if one["status"] == "error"] == [("apply.unfinished", "node2")]


@pytest.mark.parametrize(
    ("pack", "shift"),
    [("apim-analytics-2.0.0", 1), ("das-3.1.0", 1), ("is-analytics-5.3.0", 1), ("das-3.0.1", 0)],
)
def test_the_event_processors_ports_are_those_that_the_server_opens(
    pack: str, shift: int, make_pair: MakePair
) -> None:
    """One number in both files if the offsets distinguish the nodes; the log shows it with the offset."""
    numbers = [11224, 11224] if shift else [11224, 11225]
    nodes = [{"event_sync_port": port, "port_offset": number} for number, port in enumerate(numbers, 1)]
    pair = make_pair(pack, nodes=nodes)
    assert replayed(pair)[0].outcome == "applied"
    profile = load(pair.profile).profile
    for is_shifted, expected in ((shift, 0), (1 - shift, 3)):
        offsets = (is_shifted, 2 * is_shifted)
        started(
            pair,
            event_sync=[port + offset for port, offset in zip(numbers, offsets, strict=True)],
            management=[port + offset for port, offset in zip((10005, 10006), offsets, strict=True)],
        )
        code, out, _ = verify(profile)
        assert code == expected
        assert ("not the configuration that the wizard wrote" in out) == (expected == 3)


def test_an_offset_of_the_command_line_is_named_if_it_explains_all_ports(
    pair: Pair, profile: Profile
) -> None:
    for management, explained in ((10013, True), (10014, False)):
        started(pair, event_sync=(11225, 11232), management=(10006, management))
        code, out, _ = verify(profile)
        assert code == 3
        assert f"127.0.0.1:{management}, not at 127.0.0.1:10008" in out
        assert ("node2 was started with -DportOffset=7" in out) == ("-DportOffset" in out) == explained


def test_without_a_log_it_is_waiting_and_what_is_skipped_for_one_reason_is_one_entry(
    profile: Profile,
) -> None:
    """In JSON each is a finding of its own."""
    code, out, _ = verify(profile)
    assert code == 4
    assert "never started" in out
    lines = out.splitlines()
    [reason] = [number for number, line in enumerate(lines) if "the log shows no start" in line]
    assert "node1, node2" in lines[reason]
    skipped = {id for (id, _), one in findings(profile)[1].items() if one["status"] == "skipped"}
    assert {"verify.mode", "verify.spark-masters"} <= set(lines[reason + 1].split()) & skipped
    assert all(any(id in line.split() for line in lines) for id in skipped)


def test_an_error_is_exit_3_with_its_evidence_and_fix(pair: Pair, profile: Profile) -> None:
    first, second = tell.local_sides()
    tell.begin(first, second, mode="Single node")
    write_logs(pair, first)
    code, out, _ = verify(profile)
    assert code == 3
    assert "    > TID: [-1] [] [2026-01-27" in out and "CEP started in Single node mode" in out
    assert "    fix: replay the profile" in out


def test_the_other_machines_log_comes_by_log(tmp_path: Path, make_pair: MakePair) -> None:
    elsewhere = {"host": "10.100.0.47", "home": "/opt/wso2/elsewhere", "port_offset": None}
    pair = make_pair(nodes=[{"host": "10.100.0.46"}, elsewhere])
    profile = load(pair.profile).profile
    first, second = tell.sides()
    first.event_sync, first.management = 11225, 10006
    # The offset of the other home is unknown here: its own log shows what it opened.
    second.hazelcast, second.event_sync, second.management = 4001, 11231, 10012
    tell.first_start(first, second)
    write_logs(pair, first)
    code, out, _ = verify(profile)
    assert code == 4
    assert "ssh 10.100.0.47 tail -n +1 -F /opt/wso2/elsewhere/repository/logs/wso2carbon.log" in out
    copy = tmp_path / "node2.log"
    copy.write_bytes(second.log.content)
    assert verify(profile, logs=[f"node2={copy}"])[0] == 0
    read, write = os.pipe()
    os.write(write, second.log.content)
    os.close(write)
    assert verify(profile, logs=["node2=-"], standard_input=read)[0] == 0
    os.close(read)


@pytest.mark.parametrize(
    "logs",
    ["node3=x", "node2", "node2=", "node1=- node2=-", "node1=a node1=b", "report missing/r.md", "report ."],
)
def test_options_that_make_no_sense(profile: Profile, tmp_path: Path, logs: str) -> None:
    kind, _, report = logs.partition(" ")
    with pytest.raises(UsageError):
        verify(profile, **({"report": tmp_path / report} if kind == "report" else {"logs": logs.split()}))


def test_one_path_for_both_homes_is_the_home_of_the_node_of_this_machine(make_pair: MakePair) -> None:
    pair = make_pair(nodes=[{"host": "127.0.0.1"}, {"host": "10.100.0.47", "port_offset": None}])
    text = pair.profile.read_text().replace(str(pair.homes[1]), str(pair.homes[0]))
    pair.profile.write_text(text)
    code, found = findings(load(pair.profile).profile)
    assert [found["verify.log", node]["status"] for node in ("node1", "node2")] == ["waiting", "skipped"]
    assert code == 4


REPORT = (
    *(
        "# Verify: pair",
        "HEALTHY",
        "## Versions",
        "WSO2 API Manager Analytics Server 2.0.0",
        "4.4.7",
        "## Findings",
    ),
    *("## Timeline", "### node2", "became passive", "## Profile", "APIM_DB_PASSWORD", "********"),
)


def test_a_report_for_colleagues(pair: Pair, profile: Profile, tmp_path: Path) -> None:
    """No output and no report has a password of the log."""
    first, second = started(pair)
    first.log.say(tell.QUERIES, "```</pre> it failed | here", "ERROR")
    message = f"cannot log in with {pairs.PASSWORD} at jdbc:mysql://x?password=other9"
    first.log.say(tell.QUERIES, message, "ERROR")
    write_logs(pair, first, second)
    report = tmp_path / "report.md"
    code, out, err = verify(profile, report=report)
    text = report.read_text()
    assert code == 0
    assert f"report: {report}" in out
    assert [part for part in REPORT if part not in text] == []
    assert "````" in text  # a fence that the log's own cannot end
    assert not (tmp_path / "report.json").exists()
    for shown in (text, out, err, *map(str, verify(profile, as_json=True))):
        assert pairs.PASSWORD not in shown
        assert "other9" not in shown


def test_state_files_and_receivers_are_reported(pair: Pair, profile: Profile) -> None:
    folder = pair.homes[0] / "repository/deployment/server/eventreceivers"
    folder.mkdir(parents=True)
    (folder / "r.xml").write_text(
        '<eventReceiver name="r" xmlns="http://wso2.org/carbon/eventreceiver"><from eventAdapterType="wso2event">'
        '<property name="events.duplicated.in.cluster">true</property></from></eventReceiver>'
    )
    save_states(pair.homes[1], 5)
    _, found = findings(profile, offline=False)
    assert found["verify.event-receivers", "node1"]["status"] == "warning"
    assert "r (repository/deployment" in found["verify.event-receivers", "node1"]["message"]
    assert found["verify.event-receivers", "node2"]["status"] == "ok"
    assert "3 old state files" in found["verify.state-files", "node2"]["message"]
    assert found["verify.symbolic-link", None]["status"] == "ok"
    assert found["verify.spark-ui", "node1"]["status"] == "waiting"


def test_a_pack_that_is_broken_does_not_stop_it(pair: Pair, profile: Profile) -> None:
    (pair.homes[0] / "repository/conf/carbon.xml").write_text("<Server><Ports>")
    (pair.homes[1] / "repository/conf/event-processor.xml").write_text("<x")
    code, found = findings(profile, offline=False)
    assert code == 4
    assert {id for id, _ in found} >= {"verify.spark-ui", "verify.state-files"}


# --- clean ---------------------------------------------------------------------------------------


def save_states(home: Path, count: int, location: str = "cep_persistence") -> Path:
    """Write state files of a plan, of 1 KiB each; return their folder."""
    states = home / location / "-1234/plan"
    states.mkdir(parents=True)
    for number in range(count):
        (states / f"{number}_plan").write_bytes(b"x" * 1024)
    return states


@pytest.mark.parametrize("location", ["cep_persistence", "kept/states"])
def test_clean_removes_what_dry_run_shows(pair: Pair, profile: Profile, location: str) -> None:
    """Also at the pack's own location."""
    config = pair.homes[0] / "repository/conf/event-processor.xml"
    config.write_text(config.read_text().replace(">cep_persistence<", f">{location}<"))
    states = save_states(pair.homes[0], 5, location)
    out = io.StringIO()
    assert run_clean(profile, "pair", dry_run=True, out=out) == 4
    assert "would remove 3 state files and free 3.0 kB; keeps 2" in out.getvalue()
    assert f"would remove {states / '0_plan'}" in out.getvalue()
    assert len(list(states.iterdir())) == 5
    out = io.StringIO()
    assert run_clean(profile, "pair", out=out) == 0
    assert "node1: removed 3 state files and freed 3.0 kB; kept 2" in out.getvalue()
    assert sorted(path.name for path in states.iterdir()) == ["3_plan", "4_plan"]
    assert run_clean(profile, "pair", dry_run=True, out=io.StringIO()) == 0


def test_clean_without_a_home_on_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ChecksFailed, match="on this machine"):
        run_clean(tell.profile(), "pair")


# --- watching ------------------------------------------------------------------------------------


class Watching(threading.Thread):
    """`verify --watch` in the background; what it ended with is in `code`."""

    def __init__(self, profile: Profile, **options: Any) -> None:
        super().__init__(daemon=True)
        self.out = io.StringIO()
        self.code: int | None = None
        self._profile, self._options = profile, options
        self.start()

    def run(self) -> None:
        self.code, _ = run_verify(
            self._profile, "pair", out=self.out, err=io.StringIO(), watch=True, **self._options
        )

    def wait_for(self, text: str, *, times: int = 1) -> None:
        """Wait until the text was printed so often."""
        wait_until(lambda: self.out.getvalue().count(text) >= times)


def test_watching_until_it_is_healthy(pair: Pair, profile: Profile) -> None:
    """In JSON one object a line at each change."""
    first, second = tell.local_sides()
    tell.begin(first, second)
    write_logs(pair, first)
    watching = Watching(profile, offline=True, until_healthy=True)
    in_json = Watching(profile, offline=True, until_healthy=True, as_json=True)
    watching.wait_for("node1    registry mounted")
    watching.wait_for("waiting: 0 errors")
    in_json.wait_for("never started")
    started(pair)
    watching.join(120)
    in_json.join(120)
    assert (watching.code, in_json.code) == (0, 0)
    said = watching.out.getvalue()
    assert "node2    became passive" in said
    assert "healthy: 0 errors, 0 awaited" in said
    assert said.count("node1    registry mounted") == 1
    told = [json.loads(line) for line in in_json.out.getvalue().splitlines()]
    assert [told[0]["outcome"], told[-1]["outcome"]] == ["waiting", "healthy"]
    assert all(one != other for one, other in itertools.pairwise(told))


def test_ctrl_c_ends_watching_with_130_and_the_report(pair: Pair, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    process = cli.started("verify", pair.profile, "--offline", "--watch", "--report", report, env=pair.env)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("waiting"):
            break
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"report: {report}" in rest
    assert "WAITING" in report.read_text()


# --- the drill -----------------------------------------------------------------------------------


@pytest.fixture
def stand_ins(launched: Launched) -> Callable[..., StandInPair]:  # noqa: F811
    """Make a pair, launch its stand-ins, and wait until both have started."""

    def make(**settings: Any) -> StandInPair:
        two = launched(**settings)
        command("replay", two, "--offline", "--skip", "datasources", code=0)
        command("start", two, "--no-wait", code=0)
        wait_until(lambda: all("WSO2 Carbon started in" in log_of(home) for home in two.pair.homes))
        return two

    return make


def log_of(home: Path) -> str:
    path = home / "repository/logs/wso2carbon.log"
    return path.read_text() if path.exists() else ""


def start_again(two: StandInPair, node: str) -> None:
    command("start", two, "--node", node, "--no-wait", code=0)


def drilling(two: StandInPair, report: Path) -> Watching:
    """Start the drill."""
    watching = Watching(two.profile, drill=True, report=report)
    watching.wait_for("Now stop node1, the active node")
    return watching


def test_two_stand_ins_are_a_healthy_pair(stand_ins: Callable[..., StandInPair]) -> None:
    """Logs, homes and UIs together, as `verify` without `--offline` looks at them; the clocks are hours apart."""
    two = stand_ins(takeover=0.1, skew=-5)
    code, found = findings(two.profile, offline=False)
    assert [one for one in found.values() if one["status"] not in ("ok", "skipped")] == []
    assert code == 0
    masters = [found["verify.spark-ui", node]["message"] for node in ("node1", "node2")]
    assert masters == ["its master is ALIVE", "its master is STANDBY"]


def test_the_drill_times_the_failover(stand_ins: Callable[..., StandInPair], tmp_path: Path) -> None:
    two, report = stand_ins(takeover=1.5, skew=7), tmp_path / "drill.md"
    watching = drilling(two, report)
    killed = datetime.now()
    two.end(0)
    watching.wait_for("node2 took over")
    watching.wait_for("Now start node1 again")
    start_again(two, "node1")
    watching.join(120)
    said = watching.out.getvalue()
    assert watching.code == 0, said
    told = json.loads((tmp_path / "drill.json").read_text())
    drill = told["drill"]
    assert [drill[key] for key in ("phase", "stopped", "survivor", "sign")] == [
        "passed",
        "node1",
        "node2",
        "process",
    ]

    def last(node: str, text: str) -> datetime:
        """When the node's log says so for the last time, by its own clock."""
        times = [one["time"] for one in told["timeline"][node] if one["text"].startswith(text)]
        return datetime.fromisoformat(times[-1].replace(",", "."))

    # What the survivor's log says, whose clock is seven hours ahead, against what the test did.
    active = last("node2", "became active")
    taken = (active - last("node2", "member left")).total_seconds()
    assert drill["takeover_seconds_by_log"] == pytest.approx(taken, abs=0.002)
    assert drill["takeover_seconds_by_log"] >= 1.5
    really = (active - timedelta(hours=7) - killed).total_seconds()
    assert drill["takeover_seconds"] == pytest.approx(really, abs=0.7)
    back = (last("node1", "state synced") - last("node1", "starting")).total_seconds()
    assert drill["return_seconds_by_log"] == pytest.approx(back, abs=0.002)
    assert told["outcome"] == "healthy"
    assert [one["id"] for one in told["findings"]].count("verify.drill") == 1
    parts = ("## Failover drill", "node2 took over", "hazelcast.max.no.heartbeat.seconds", "became active")
    assert [part for part in parts if part not in report.read_text()] == []
    assert "hint: a variant" in said and "only after 600 s" in said


def test_stopping_the_passive_node_begins_the_drill_anew(
    stand_ins: Callable[..., StandInPair], tmp_path: Path
) -> None:
    two = stand_ins(takeover=0.2, skew=0)
    watching = drilling(two, tmp_path / "drill.md")
    two.end(1)
    watching.wait_for("The drill begins when")
    start_again(two, "node2")
    watching.wait_for("Now stop node1, the active node", times=2)
    assert watching.is_alive()
    two.end(0)
    watching.wait_for("Now start node1 again")
    start_again(two, "node1")
    watching.join(120)
    assert watching.code == 0
    assert json.loads((tmp_path / "drill.json").read_text())["drill"]["survivor"] == "node2"


def test_a_drill_needs_both_logs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs the logs of both nodes"):
        verify(tell.profile(), drill=True, report=tmp_path / "x.md")
