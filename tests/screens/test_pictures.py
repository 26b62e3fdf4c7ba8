"""Every screen in its states, as pictures: 80x24 and 120x40, dark and light; the main ones on other terminals, too.

The checks say what a test wants them to say, so that no picture depends on a network, a port or a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

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
from tests.support.driving import fill, runs_of
from tests.support.screens import PROFILE, Scripted, on, opened, settled, text_of, until, wizard
from wizard.command_line.run import replay
from wizard.command_line.run.from_homes import PairReading
from wizard.command_line.run.replay import Result
from wizard.command_line.text import next_steps
from wizard.database.needs import DatabaseResult
from wizard.edit.edits import Line
from wizard.passwords.resolver import Resolver
from wizard.plan.change import Change
from wizard.profile.store import load
from wizard.system import finding, locations
from wizard.system.finding import Finding, Fix, SetField


class Look(NamedTuple):
    """A terminal: its size, the theme, and what else is special about it."""

    width: int
    height: int
    theme: str = "dark"
    kind: str = ""

    def __str__(self) -> str:
        return self.kind or f"{self.width}x{self.height}-{self.theme}"


LOOKS = [Look(*size, theme) for size in ((80, 24), (120, 40)) for theme in ("dark", "light")]
OTHERS = [Look(80, 24, kind="ascii"), Look(80, 24, kind="no-color"), Look(200, 60, kind="200x60")]


FINE = [
    finding.ok(text, node=node)._replace(id=id)
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
CLASH = finding.error(
    "9444 is the port of console (HTTPS) of node1 and console (HTTPS) of node2",
    node="node2",
    fix=Fix("set port_offset = 2 for node2", SetField("nodes.node2.port_offset", 2, "port_offset = 2")),
)._replace(id="ports.clash")
JAVA = finding.warning(
    "neither java_home nor JAVA_HOME is set: the launcher refuses to start the server",
    node="node1",
    fix="set java_home of node1 to the JDK 1.7 or 1.8 that the server will use",
)._replace(id="prerequisites.java")
CHARSET = finding.error(
    "utf8mb4 does not fit MySQL 5.6",
    fix=Fix('set charset = "latin1"', SetField("mysql.charset", "latin1", 'charset = "latin1"')),
)._replace(id="mysql.charset")


@pytest.fixture(autouse=True)
def about_paths(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of each path; and all is fine where a scene says nothing else."""
    said.findings = FINE
    about = {"nodes.home": "API Manager Analytics 2.0.0, offset 1", "mysql.driver_jar": "Connector/J 5.1.49"}
    monkeypatch.setattr("screens.model.paths.about", lambda key, text, folder: about.get(key, ""))


DATABASES = {
    "userdb": True,
    "regdb": True,
    "WSO2_ANALYTICS_EVENT_STORE_DB": False,
    "WSO2_ANALYTICS_PROCESSED_DATA_STORE_DB": False,
}
"""The databases, and whether the pack's script creates tables in each."""


@pytest.fixture
def planned(said: Any, make_pair: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The review shows the plan of a real pair of packs, and databases as a server would have them."""
    pair = make_pair()
    prepared = replay.prepare(
        load(pair.profile).profile, replay.Options(offline=True, skip=("prerequisites",)), Resolver()
    )
    how = {"pending": True, "create": True, "grant_to": ("'apim'@'%'",), "lacking": False}
    needs = [
        SimpleNamespace(
            database=SimpleNamespace(name=name),
            script=script,
            result=DatabaseResult(name, "pending", 0),
            **how,
        )
        for name, script in DATABASES.items()
    ]
    found = prepared, SimpleNamespace(pending=True, databases=needs)
    said.prepare = staticmethod(lambda wanted: found)
    return said


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
    copied, jar = Line("copied from /opt/mysql.jar"), "repository/components/lib/mysql.jar"
    changes = [
        Change("node1", "repository/conf/axis2/axis2.xml", "edit", ("",), (line,), (), before, after),
        Change("node1", jar, "copy", ("",), (copied,)),
    ]
    monkeypatch.setattr("wizard.command_line.run.rollback.history", lambda name: runs)
    monkeypatch.setattr("wizard.command_line.run.rollback.changes", lambda name: changes)
    monkeypatch.setattr("wizard.command_line.run.rollback.later", lambda name: [NAMES[1]])


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


async def reviewed(pilot: Pilot[Any]) -> None:
    await pilot.press("f2")
    await until(pilot, lambda: pilot.app.pair.prepared is not None, "the plan")
    await until(pilot, lambda: pilot.app.screen._shown is not None, "the review")


async def writing(pilot: Pilot[Any]) -> None:
    """A run that has written the files of one node, and is creating the databases."""
    await pilot.press("f9")
    await on(pilot, Apply)
    screen = pilot.app.screen
    screen.say("Writing …")
    for change in screen.prepared.plan.nodes[0].pending:
        screen.show_file("node1", change.path)
    screen.show_file("node2", "repository/conf/axis2/axis2.xml")
    screen.show_database("userdb", 73, 73, "done")
    screen.show_database("regdb", 31, 73, "CREATE TABLE REG_RESOURCE")


AT = Path("/home/admin/.config/apimha-wizard/profiles/analytics.toml")


def applied(app: Any) -> None:
    databases = [
        {"name": bar.label, "status": "created", "tables": 39 if "WSO2" not in bar.label else 0}
        for bar in [*app.screen.query("ProgressRow")][2:]
    ]
    result = Result("applied", 0, "20261124T101530Z-1f3a", [{"status": "changed"}] * 16, [], databases)
    prepared = app.screen.prepared
    about = (prepared.profile, prepared.packs, ["node1", "node2"], "analytics", AT)
    app.screen.show_result(result, next_steps(*about, run=result.run))


def failed(app: Any) -> None:
    error = "axis2.xml: no space left; everything in the homes is as before\n  fix: make room"
    app.screen.show_result(Result("failed", 1, error=error), [])


class Scene(NamedTuple):
    """How a picture comes about."""

    acts: Sequence[Any] = ()
    """What is done, in order: keys, and what is awaited or done with the pilot between them."""
    findings: Sequence[Finding] = FINE
    profile: str | None = PROFILE
    """The profile that is open; None: none, but the list of pairs."""
    prepare: Callable[[pytest.MonkeyPatch], None] = lambda monkeypatch: None
    looks: Sequence[Look] = (LOOKS[0], LOOKS[3])
    """All of them where a screen looks like no other one."""


def three_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = locations.profiles()
    folder.mkdir(parents=True)
    (folder / "analytics.toml").write_text(PROFILE, "utf-8")
    (folder / "old.toml").write_text(PROFILE.replace('host = "10.100.0.10"', "hsot = 1"), "utf-8")
    locations.drafts().mkdir(parents=True)
    locations.draft("next").write_text('schema_version = 1\n[cluster]\nname = "next"\n', "utf-8")


def unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "unfinished", ("all",))
    monkeypatch.setattr("screens.model.pair.OpenPair.at_rest", property(lambda self: bool(self.running)))


def wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = finding.error("apim cannot log in: wrong password", fix="correct mysql.password")
    monkeypatch.setattr("screens.dialogs.password.tried", lambda *given: [wrong._replace(id="mysql.account")])


def folder_of_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = "API Manager Analytics 2.0.0, offset 1"
    entries = [PathEntry(f"analytics-{number}", True, pack, True) for number in (1, 2)]
    entries += [PathEntry("lib", True), PathEntry("old", True)]
    monkeypatch.setattr("screens.model.paths.entries", lambda key, folder: entries)
    monkeypatch.setattr("screens.dialogs.picker._start", lambda text, folder: Path("/opt/wso2"))


def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Apply, "on_mount", lambda self: self.offer("back"))


def what_was_read(app: Any) -> None:
    found = PairReading(missing=["nodes.node1.host", "mysql.driver_jar"])
    found.note("cluster.domain", 'node1 says "wso2.analytics", node2 "wso2.carbon.domain"')
    found.note("mysql.url_parameters", "both nodes: autoReconnect of EVENT_STORE is not that of the others")
    found.note("", "node2: repository/conf/registry.xml: a mount of a third node is left as it is")
    app.push_screen(WhatWasRead(found))


class There(type(Path())):  # type: ignore[misc]
    """A file that is there on every machine."""

    def exists(self) -> bool:
        return True


def conflict(kind: type[Path]) -> Callable[[Pilot[Any]], Any]:
    def ask(app: Any) -> None:
        app.pair.draft.target = kind("/home/somebody/analytics.toml")
        app.ask_about_conflict()

    return done(ask)


def a_node_elsewhere(app: Any) -> None:
    """Shows the longest page to work from."""
    steps = next_steps(app.pair.profile, {}, ["node1"], "analytics", AT, run=NAMES[0])
    app.push_screen(Done(app.pair, "Done: 8 files written", steps, NAMES[0]))


def listed(*keys: str) -> Callable[[Pilot[Any]], Any]:
    """The list of runs is shown, and these keys are pressed in it."""

    async def act(pilot: Pilot[Any]) -> None:
        await runs_of(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.05)

    return act


def has(query: str) -> Callable[[Pilot[Any]], Any]:
    return lambda pilot: until(pilot, lambda: pilot.app.screen.query(query), query)


def lacks(query: str) -> Callable[[Pilot[Any]], Any]:
    return lambda pilot: until(pilot, lambda: not pilot.app.screen.query(query), query)


NEW = 'schema_version = 1\n[cluster]\nname = "next"\n[[nodes]]\nname = "node1"\n[[nodes]]\nname = "node2"\n'
HOMES = [filled(f"/opt/wso2/analytics-{n + 1}", "nodes", n, "home") for n in (0, 1)]
NO_PACK = (*HOMES, *["tab"] * 3, "enter", seen("not an unpacked pack"), packs_known, lacks("Button.-active"))
PASSWORD = ("ctrl+n", "tab", "tab", "tab")
SCENES = {
    "welcome-empty": Scene([options(2)], profile=None),
    "welcome-filled": Scene([options(6)], profile=None, prepare=three_profiles, looks=LOOKS),
    "new-pair": Scene([options(2), "n", *"replay", "enter"], profile=None),
    "existing-pair": Scene([options(2), "e", *NO_PACK], profile=None),
    "what-was-read": Scene([done(what_was_read)]),
    "step-done": Scene([packs_known], looks=LOOKS),
    "step-error": Scene([packs_known], [*FINE, CLASH, JAVA], looks=LOOKS),
    "step-checking": Scene([packs_known], FINE[:2], prepare=unfinished),
    "step-wrong-field": Scene(["ctrl+n", *":3306", settled, filled("33o6", "mysql", "port")], looks=LOOKS),
    "step-empty": Scene(profile=NEW),
    "step-mysql-fix": Scene(["ctrl+n", filled("utf8mb4", "mysql", "charset")], [*FINE, CHARSET], looks=LOOKS),
    "step-mysql": Scene([*PASSWORD, "enter", has("Select.-expanded")], [*FINE, CHARSET]),
    **{f"step-{number + 1}": Scene(["ctrl+n"] * number) for number in range(2, 8)},
    "help": Scene(["f1"]),
    "too-small": Scene(looks=[Look(60, 16)]),
    "password-test": Scene(
        [*PASSWORD, "f7", *"secret", "enter", seen("wrong password")], prepare=wrong_password
    ),
    "picker": Scene(
        [done(lambda app: app.screen.focus_field(("nodes", 0, "home"))), "f3", options(5)],
        prepare=folder_of_packs,
    ),
    "conflict": Scene([conflict(There)]),
    "deleted": Scene([conflict(Path)]),
    "elsewhere": Scene([done(lambda app: app.run_worker(elsewhere(app, app.pair, 1))), seen("Where is")]),
    "review-settle": Scene([reviewed, "down"], [*FINE, CLASH, JAVA], looks=LOOKS),
    "review-file": Scene([reviewed, "a", *["down"] * 5, "space", "down", "down"], [*FINE, JAVA], looks=LOOKS),
    "review-database": Scene([reviewed, "end"]),
    "review-gaps": Scene(["f2"], profile=PROFILE.replace('username = "apim"\n', "")),
    "apply-writing": Scene([reviewed, writing], prepare=nothing_runs, looks=LOOKS),
    "apply-done": Scene([reviewed, writing, done(applied), seen("Undo")], prepare=nothing_runs, looks=LOOKS),
    "apply-failed": Scene([reviewed, writing, done(failed)], prepare=nothing_runs, looks=LOOKS),
    "other-step": Scene(["ctrl+n", reviewed, "ctrl+b", settled], [*FINE, CLASH, JAVA], looks=OTHERS),
    "other-review": Scene([reviewed, *["down"] * 3, "right", "down"], [*FINE, CLASH, JAVA], looks=OTHERS),
    "other-done": Scene([done(a_node_elsewhere), has("#undo")], looks=OTHERS),
    "runs": Scene([listed("end")]),
    "runs-file": Scene([listed("end", "right"), seen("axis2.xml"), "down", seen("+ ")]),
    "roll-back": Scene([listed("end", "r"), seen("undo the later one first")]),
}


PICTURES = {f"{name}-{look}": (name, look) for name, scene in SCENES.items() for look in scene.looks}


@pytest.mark.parametrize(("name", "look"), PICTURES.values(), ids=PICTURES)
async def test_screen(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, picture: Any, tmp_path: Path, said: Any,
    name: str, look: Look,
) -> None:  # fmt: skip
    scene = SCENES[name]
    if reviewed in scene.acts:
        request.getfixturevalue("planned")
    if name.startswith("r"):
        request.getfixturevalue("made")
    said.findings = scene.findings
    scene.prepare(monkeypatch)
    monkeypatch.setattr("screens.signs.ASCII", look.kind == "ascii")
    if look.kind == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    path = tmp_path / "analytics.toml"
    if scene.profile is not None:
        path.write_text(scene.profile, "utf-8")
    app = opened(path) if scene.profile is not None else WizardApp(None)
    app.theme = THEMES[look.theme].name
    async with app.run_test(size=look[:2]) as pilot:
        if scene.profile is not None:
            await settled(pilot)
        for one in scene.acts:
            await (pilot.press(one) if isinstance(one, str) else one(pilot))
        await pilot.pause()
        await pilot.wait_for_scheduled_animations()
        picture(app)


async def test_no_runs(said: Any, profile: Path, picture: Any) -> None:
    async with wizard(profile) as (app, pilot):
        await app.run_action("runs")
        await seen("No runs yet")(pilot)
        picture(app)
        shown = app.screen
        await pilot.press("r", "n")
        assert app.screen is shown, "there is nothing to roll back, and no next step"
