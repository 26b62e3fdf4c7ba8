"""Every screen in its states, as pictures: 80x24 and 120x40, dark and light.

The checks say what a test wants them to say, so that no picture depends on a network, a port or a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from screens.app import WizardApp
from screens.apply import Apply, Done
from screens.dialogs.questions import elsewhere
from screens.model.paths import PathEntry
from screens.theme import THEMES
from screens.welcome import WhatWasRead
from screens.widgets.field import PathField
from tests.support.driving import fill
from tests.support.screens import PROFILE, Scripted, opened, settled, text_of, until, wizard
from wizard.command_line.run import replay
from wizard.command_line.run.from_homes import PairReading
from wizard.command_line.run.replay import Result
from wizard.command_line.text import next_steps, steps_after
from wizard.database.needs import DatabaseResult
from wizard.passwords.resolver import Resolver
from wizard.plan.change import Change, Line
from wizard.profile.store import load
from wizard.system import finding, locations
from wizard.system.finding import Finding, Fix, SetField

LOOKS = [(size, theme) for size in ((80, 24), (120, 40)) for theme in ("dark", "light")]
IDS = [f"{width}x{height}-{theme}" for (width, height), theme in LOOKS]


def named(id: str, one: Finding) -> Finding:
    return one._replace(id=id)


FINE = [
    named(id, finding.ok(text, node=node))
    for id, node, text in (
        ("prerequisites.home", "node1", "WSO2 API Manager Analytics Server 2.0.0 in /opt/wso2/analytics-1"),
        ("prerequisites.home", "node2", "WSO2 API Manager Analytics Server 2.0.0 in /opt/wso2/analytics-2"),
        ("prerequisites.version", None, "both nodes: WSO2 API Manager Analytics Server 2.0.0"),
        ("prerequisites.driver-jar", None, "mysql-connector-java-5.1.49-bin.jar holds com.mysql.jdbc.Driver"),
        ("mysql.connect", None, "MySQL 5.6.24 at 10.100.0.10:3306"),
        ("mysql.account", None, "apim may log in"),
        ("mysql.driver", None, "Connector/J 5.1.49 logs in"),
        ("datasources.replication", "node1", "indexReplicationFactor is 1"),
        ("registry.other-mount", "node1", "no other mount of the two paths"),
        ("hazelcast.host", "node1", "10.100.0.46"),
        ("event-processor.persistence", "node1", "state is kept"),
        ("spark.link", None, "the homes have one path on both machines: no link is needed"),
        ("deployment-sync.c-apps", None, "both nodes hold the same 0 C-Apps; deploy each new one to both"),
    )
]
CLASH = named(
    "ports.clash",
    finding.error(
        "9444 is the port of console (HTTPS) of node1 and console (HTTPS) of node2",
        node="node2",
        fix=Fix("set port_offset = 2 for node2", SetField("nodes.node2.port_offset", 2, "port_offset = 2")),
    ),
)
JAVA = named(
    "prerequisites.java",
    finding.warning(
        "java_home is not set: the servers' Java was not looked at",
        node="node1",
        fix="set java_home of node1 to the JDK 1.7 or 1.8 that the server will use",
    ),
)
CHARSET = named(
    "mysql.charset",
    finding.error(
        "utf8mb4 does not fit MySQL 5.6",
        fix=Fix('set charset = "latin1"', SetField("mysql.charset", "latin1", 'charset = "latin1"')),
    ),
)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> type[Scripted]:
    """What the checks say: set its `findings`."""

    class Said(Scripted):
        findings = FINE

    monkeypatch.setattr("screens.model.session.CheckRound", Said)
    monkeypatch.setattr("screens.model.pair.SETTLE", 0.01)
    about = {"nodes.home": "API Manager Analytics 2.0.0, offset 1", "mysql.driver_jar": "Connector/J 5.1.49"}
    monkeypatch.setattr("screens.model.paths.about", lambda key, text, folder: about.get(key, ""))
    return Said


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every screen in four looks; those that look much like another one in two."""
    if "look" in metafunc.fixturenames:
        few = metafunc.definition.get_closest_marker("two_looks") is not None
        chosen = [0, 3] if few else range(len(LOOKS))
        metafunc.parametrize("look", [LOOKS[n] for n in chosen], ids=[IDS[n] for n in chosen])


two_looks = pytest.mark.two_looks


@pytest.fixture
def take(look: Any, picture: Callable[[Any, str], None], tmp_path: Path) -> Callable[..., Any]:
    """`await take(name, *scene, profile=…)`: drives the wizard on a profile as the scene says, and compares.

    A scene is made of keys, and of what is awaited or done with the pilot between them.
    """

    async def run(name: str, *scene: Any, profile: str | None = PROFILE) -> None:
        (width, height), theme = look
        path = tmp_path / "analytics.toml"
        if profile is not None:
            path.write_text(profile, "utf-8")
        app = opened(path) if profile is not None else WizardApp(None)
        app.theme = THEMES[theme].name
        async with app.run_test(size=(width, height)) as pilot:
            if profile is not None:
                await settled(pilot)
            for one in scene:
                await (pilot.press(one) if isinstance(one, str) else one(pilot))
            await pilot.pause()
            await pilot.wait_for_scheduled_animations()
            picture(app, f"{name}-{width}x{height}-{theme}")

    return run


def seen(text: str) -> Callable[[Pilot[Any]], Any]:
    """The text stands on the screen."""
    return lambda pilot: until(pilot, lambda: text in text_of(pilot.app), text)


def filled(text: str, *place: Any) -> Callable[[Pilot[Any]], Any]:
    """The field of that place holds the text, and it is checked."""

    async def act(pilot: Pilot[Any]) -> None:
        await fill(pilot, text, *place)
        if pilot.app.pair is not None:
            await settled(pilot)

    return act


def options(count: int) -> Callable[[Pilot[Any]], Any]:
    """A list has at least so many options."""
    return lambda pilot: until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count >= count)


def packs_known(pilot: Pilot[Any]) -> Any:
    """What lies at the homes is said below them."""
    homes = [field for field in pilot.app.screen.query(PathField) if field.field.key == "nodes.home"]
    return until(pilot, lambda: homes and all(field.note for field in homes))


def done(act: Callable[[Any], Any]) -> Callable[[Pilot[Any]], Any]:
    """Something is done with the application."""

    async def acted(pilot: Pilot[Any]) -> None:
        act(pilot.app)
        await pilot.pause()

    return acted


# --- welcome --------------------------------------------------------------------------------------


@two_looks
async def test_welcome_empty(take: Any, said: Any) -> None:
    await take("welcome-empty", options(2), profile=None)


async def test_welcome_with_profiles(take: Any, said: Any) -> None:
    folder = locations.profiles()
    folder.mkdir(parents=True)
    (folder / "analytics.toml").write_text(PROFILE, "utf-8")
    (folder / "old.toml").write_text(PROFILE.replace('host = "10.100.0.10"', "hsot = 1"), "utf-8")
    locations.drafts().mkdir(parents=True)
    locations.draft("next").write_text('schema_version = 1\n[cluster]\nname = "next"\n', "utf-8")
    await take("welcome-filled", options(6), profile=None)


@two_looks
async def test_new_pair_with_a_bad_name(take: Any, said: Any) -> None:
    await take("new-pair", options(2), "n", *"replay", "enter", profile=None)


@two_looks
async def test_an_existing_pair_that_is_none(take: Any, said: Any) -> None:
    def let_go(pilot: Pilot[Any]) -> Any:
        return until(pilot, lambda: not pilot.app.screen.query("Button.-active"), "the button let go")

    homes = [filled(f"/opt/wso2/analytics-{n + 1}", "nodes", n, "home") for n in (0, 1)]
    keys = ["tab", "tab", "tab", "enter"]
    refused = seen("not an unpacked pack")
    await take("existing-pair", options(2), "e", *homes, *keys, refused, packs_known, let_go, profile=None)


@two_looks
async def test_what_was_read_of_an_existing_pair(take: Any, said: Any) -> None:
    found = PairReading(missing=["nodes.node1.host", "mysql.driver_jar"])
    found.note("cluster.domain", 'node1 says "wso2.analytics", node2 "wso2.carbon.domain"')
    found.note("mysql.url_parameters", "both nodes: autoReconnect of EVENT_STORE is not that of the others")
    found.note("", "node2: repository/conf/registry.xml: a mount of a third node is left as it is")
    await take("what-was-read", done(lambda app: app.push_screen(WhatWasRead(found))))


# --- steps ----------------------------------------------------------------------------------------


async def test_step_done(take: Any, said: Any) -> None:
    await take("step-done", packs_known)


async def test_step_with_an_error_and_a_warning(take: Any, said: Any) -> None:
    said.findings = [*FINE, CLASH, JAVA]
    await take("step-error", packs_known)


@two_looks
async def test_step_checking(take: Any, said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said.findings = FINE[:2]
    said.unfinished = ("all",)
    monkeypatch.setattr("screens.model.pair.OpenPair.at_rest", property(lambda self: bool(self.running)))
    await take("step-checking", packs_known)


async def test_step_with_wrong_fields(take: Any, said: Any) -> None:
    await take("step-wrong-field", "ctrl+n", *":3306", settled, filled("33o6", "mysql", "port"))


@two_looks
async def test_step_of_a_new_pair(take: Any, said: Any) -> None:
    nodes = "".join(f'[[nodes]]\nname = "node{number}"\n' for number in (1, 2))
    await take("step-empty", profile=f'schema_version = 1\n[cluster]\nname = "next"\n{nodes}')


async def test_step_mysql_and_its_fix(take: Any, said: Any) -> None:
    said.findings = [*FINE, CHARSET]
    await take("step-mysql-fix", "ctrl+n", filled("utf8mb4", "mysql", "charset"))


@two_looks
async def test_step_mysql_with_its_kinds_of_passwords(take: Any, said: Any) -> None:
    said.findings = [*FINE, CHARSET]

    def expanded(pilot: Pilot[Any]) -> Any:
        return until(pilot, lambda: pilot.app.screen.query_one("Select").expanded)

    await take("step-mysql", "ctrl+n", "tab", "tab", "tab", "enter", expanded)


@two_looks
@pytest.mark.parametrize("number", range(2, 8))
async def test_each_other_step(take: Any, said: Any, number: int) -> None:
    await take(f"step-{number + 1}", *["ctrl+n"] * number)


@two_looks
async def test_help(take: Any, said: Any) -> None:
    await take("help", "f1")


@two_looks
async def test_password_test(take: Any, said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = finding.error("apim cannot log in: wrong password", fix="correct mysql.password")
    monkeypatch.setattr("screens.dialogs.password.tried", lambda *given: [named("mysql.account", wrong)])
    keys = ["ctrl+n", "tab", "tab", "tab", "f7", *"secret", "enter"]
    await take("password-test", *keys, seen("wrong password"))


@two_looks
async def test_picker(take: Any, said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = "API Manager Analytics 2.0.0, offset 1"
    entries = [PathEntry(f"analytics-{number}", True, pack, True) for number in (1, 2)]
    entries += [PathEntry("lib", True), PathEntry("old", True)]
    monkeypatch.setattr("screens.model.paths.entries", lambda key, folder: entries)
    monkeypatch.setattr("screens.dialogs.picker._start", lambda text, folder: Path("/opt/wso2"))
    first = done(lambda app: app.screen.focus_field(("nodes", 0, "home")))
    await take("picker", first, "f3", options(5))


async def test_too_small(picture: Any, said: Any, profile: Path) -> None:
    async with wizard(profile, (60, 16)) as (app, _):
        picture(app, "too-small")


@two_looks
async def test_edited_meanwhile(take: Any, said: Any) -> None:
    def edited(app: Any) -> None:
        app.pair.draft.target = Path("/home/somebody/analytics.toml")
        app.ask_about_conflict()

    await take("conflict", done(edited))


# --- review and apply -----------------------------------------------------------------------------


@pytest.fixture
def planned(said: Any, make_pair: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The review shows the plan of a real pair of packs, and databases as a server would have them."""
    pair = make_pair()
    prepared = replay.prepare(
        load(pair.profile).profile, replay.Options(offline=True, skip=("prerequisites",)), Resolver()
    )
    names = {
        "userdb": True,
        "regdb": True,
        "WSO2_ANALYTICS_EVENT_STORE_DB": False,
        "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB": False,
    }
    needs = SimpleNamespace(
        pending=True,
        databases=[
            SimpleNamespace(
                database=SimpleNamespace(name=name),
                pending=True,
                create=True,
                grant_to=("'apim'@'%'",),
                script=script,
                lacking=False,
                result=DatabaseResult(name, "pending", 0),
            )
            for name, script in names.items()
        ],
    )
    said.prepare = staticmethod(lambda wanted: (prepared, needs))
    return said


async def reviewed(pilot: Pilot[Any]) -> None:
    await pilot.press("f2")
    await until(pilot, lambda: pilot.app.pair.prepared is not None, "the plan")
    await until(pilot, lambda: pilot.app.screen._shown is not None, "the review")


async def test_review_with_something_to_settle(take: Any, planned: Any) -> None:
    planned.findings = [*FINE, CLASH, JAVA]
    await take("review-settle", reviewed, "down")


async def test_review_of_a_file(take: Any, planned: Any) -> None:
    planned.findings = [*FINE, JAVA]
    await take("review-file", reviewed, "a", *["down"] * 5, "space", "down", "down")


@two_looks
async def test_review_of_a_database(take: Any, planned: Any) -> None:
    await take("review-database", reviewed, "end")


@two_looks
async def test_review_of_a_profile_with_gaps(take: Any, said: Any) -> None:
    await take("review-gaps", "f2", profile=PROFILE.replace('username = "apim"\n', ""))


async def writing(pilot: Pilot[Any]) -> None:
    """A run that has written the files of one node, and is creating the databases."""
    await reviewed(pilot)
    await pilot.press("f9")
    await until(pilot, lambda: isinstance(pilot.app.screen, Apply))
    screen = pilot.app.screen
    screen.say("Writing …")
    for change in screen.prepared.plan.nodes[0].pending:
        screen.show_file("node1", change.path)
    screen.show_file("node2", "repository/conf/axis2/axis2.xml")
    screen.show_database("userdb", 73, 73, "done")
    screen.show_database("regdb", 31, 73, "CREATE TABLE REG_RESOURCE")


def applied(app: Any) -> None:
    databases = [
        {"name": bar.label, "status": "created", "tables": 39 if "WSO2" not in bar.label else 0}
        for bar in [*app.screen.query("ProgressRow")][2:]
    ]
    result = Result("applied", 0, "20261124T101530Z-1f3a", [{"status": "changed"}] * 16, [], databases)
    path = Path("/home/admin/.config/apimha-wizard/profiles/analytics.toml")
    app.screen.show_result(result, list(next_steps(app.screen.prepared, result, "analytics", path)))


def failed(app: Any) -> None:
    error = "axis2.xml: no space left; everything in the homes is as before\n  fix: make room"
    app.screen.show_result(Result("failed", 1, error=error), [])


async def test_applying_and_what_comes_after(
    take: Any, planned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Apply, "on_mount", lambda self: self.query_one("KeyBar").without(self.KEYS, "back"))
    await take("apply-writing", writing)
    await take("apply-done", writing, done(applied), seen("Undo"))
    await take("apply-failed", writing, done(failed))


@two_looks
async def test_a_node_that_is_elsewhere(take: Any, said: Any) -> None:
    await take("elsewhere", done(lambda app: app.run_worker(elsewhere(app, app.pair, 1))), seen("Where is"))


# --- done and runs --------------------------------------------------------------------------------

NAMES = ("20261124T101530Z-1f3a", "20261125T081203Z-9c11", "20261125T094110Z-07be")


@pytest.fixture
def made(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three runs: one that a later one overwrote, one that was rolled back, and the rollback."""

    def run(name: str, kind: str, state: str, *, undoable: bool) -> dict[str, Any]:
        day, time = f"{name[:4]}-{name[4:6]}-{name[6:8]}", f"{name[9:11]}:{name[11:13]}:{name[13:15]}"
        return {
            "run": name, "kind": kind, "profile": "analytics", "profile_path": "/home/admin/analytics.toml",
            "nodes": ["node1", "node2"], "started": f"{day}T{time}.000000Z", "owner": "admin", "files": 16,
            "ignored": ["ports.clash"], "state": state, "can_be_undone": undoable,
        }  # fmt: skip

    runs = [
        run(NAMES[2], "rollback", f"undid {NAMES[1]}", undoable=False),
        run(NAMES[1], "replay", "rolled back", undoable=False),
        run(NAMES[0], "replay", "applied", undoable=True),
    ]
    before = b'<clustering\n    enable="false">\n  <parameter name="membershipScheme">multicast</parameter>\n'
    after = before.replace(b"false", b"true").replace(b"multicast", b"wka")
    line = Line("clustering/@enable: false → true")
    changes = [
        Change("node1", "repository/conf/axis2/axis2.xml", "edit", ("",), (line,), (), before, after),
        Change(
            "node1",
            "repository/components/lib/mysql.jar",
            "copy",
            ("",),
            (Line("copied from /opt/mysql.jar"),),
        ),
    ]
    monkeypatch.setattr("wizard.command_line.run.rollback.history", lambda name: runs)
    monkeypatch.setattr("wizard.command_line.run.rollback.changes", lambda name: changes)
    monkeypatch.setattr("wizard.command_line.run.rollback.later", lambda name: [NAMES[1]])


async def listed(pilot: Pilot[Any], *keys: str) -> None:
    await pilot.app.run_action("runs")
    await until(pilot, lambda: pilot.app.screen.query("Tree") and pilot.app.screen.current, "the list")
    for key in keys:
        await pilot.press(key)
        await pilot.pause(0.05)


@two_looks
async def test_runs(take: Any, made: None) -> None:
    await take("runs", lambda pilot: listed(pilot, "end"))


@two_looks
async def test_a_file_of_a_run(take: Any, made: None) -> None:
    await take(
        "runs-file", lambda pilot: listed(pilot, "end", "right"), seen("axis2.xml"), "down", seen("+ ")
    )


@two_looks
async def test_rolling_back_what_a_later_run_overwrote(take: Any, made: None) -> None:
    await take("roll-back", lambda pilot: listed(pilot, "end", "r"), seen("undo the later one first"))


@two_looks
async def test_no_runs(take: Any, said: Any) -> None:
    await take("runs-none", lambda pilot: pilot.app.run_action("runs"), seen("No runs yet"))


# --- other terminals ------------------------------------------------------------------------------


OTHERS = pytest.mark.parametrize("kind", ["ascii", "no-color", "200x60"])


@pytest.fixture
def other(kind: str, profile: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[WizardApp, tuple[int, int]]:
    """The wizard on another kind of terminal, and that terminal's size."""
    if kind == "ascii":
        monkeypatch.setattr("screens.signs.ASCII", True)
    if kind == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    return opened(profile), (200, 60) if kind == "200x60" else (80, 24)


@OTHERS
async def test_a_step_on_other_terminals(planned: Any, other: Any, picture: Any, kind: str) -> None:
    """On the widest one with the lines that the step changes."""
    planned.findings = [*FINE, CLASH, JAVA]
    app, size = other
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await app.screen.open_step("mysql")
        await reviewed(pilot)
        await pilot.press("ctrl+b")
        await settled(pilot)
        picture(app, f"step-{kind}")


@OTHERS
async def test_the_review_on_other_terminals(planned: Any, other: Any, picture: Any, kind: str) -> None:
    planned.findings = [*FINE, CLASH, JAVA]
    app, size = other
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await reviewed(pilot)
        await pilot.press("down", "down", "down", "right", "down")
        await pilot.pause()
        picture(app, f"review-{kind}")


@OTHERS
async def test_the_page_to_work_from_on_other_terminals(
    planned: Any, other: Any, picture: Any, kind: str
) -> None:
    """Also the longest one: a node is on another machine."""
    app, size = other
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        profile = app.pair.profile
        there, at = [profile.nodes[1]], Path("/home/admin/.config/apimha-wizard/profiles/analytics.toml")
        steps = list(steps_after(profile, {}, there, "analytics", at, run=NAMES[0]))
        app.push_screen(Done(app.pair, "Done: 8 files written", steps, NAMES[0]))
        await until(pilot, lambda: app.screen.query("#undo"))
        picture(app, f"done-{kind}")
