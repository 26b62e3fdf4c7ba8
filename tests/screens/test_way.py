"""The whole way through the wizard on real packs: by keyboard, by mouse, with detours, left and taken up again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button, Input

from screens.app import WizardApp
from screens.dialogs.ask import Ask
from screens.model.draft import open_profile
from screens.model.memory import Memory
from tests.support import driving, pairs
from tests.support.driving import applied, configured, ended, fill, go_to, place_of, planned, review
from tests.support.headless import applied as replayed
from tests.support.playground import playground
from tests.support.screens import at_step, on, pressed, seen, settled, text_of, typed, until, wizard
from tests.support.servers import Server
from wizard.profile.cross_field import DATABASES
from wizard.profile.store import load
from wizard.steps.procedure import STEP_IDS
from wizard.system import locations

pytestmark = pytest.mark.usefixtures("quiet", "no_programs")


class User:
    """Does what a user does with keyboard, mouse and clipboard, and counts it."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self.pilot, self.app = pilot, pilot.app
        self.keys = self.clicks = self.pastes = 0
        self.pastes_values = False
        self.fields: list[Any] = []
        """The places of the fields that got a value from the user; the profile's name is one of them."""

    async def press(self, *names: str) -> None:
        self.keys += len(names)
        await pressed(self.pilot, *names)

    async def type(self, text: str) -> None:
        """Type into the field that has the focus."""
        self.fields.append(place_of(self.app))
        await self.press(*text)

    async def click(self, text: str, last: bool = False) -> None:
        self.clicks += 1
        await click_text(self.pilot, text, last)

    async def click_field(self, *place: Any) -> None:
        """Click into the line of a field."""
        self.clicks += 1
        field = self.app.screen.form.field_at(place)
        field.scroll_visible(animate=False)
        await self.pilot.pause()
        await self.pilot.click(next(iter(field.query(Input)), field))
        assert place_of(self.app) == place, text_of(self.app)

    async def enter(self, *texts: str) -> None:
        """Give texts to the field that has the focus and the ones after it, and go on behind the last."""
        if self.pastes_values:
            fields = list(self.app.screen.form.fields())
            at = next(number for number, field in enumerate(fields) if field.place == place_of(self.app))
            self.pastes += 1
            self.fields += [field.place for field in fields[at : at + len(texts)]]
            self.app.post_message(events.Paste("\r\n".join(texts)))
            await self.pilot.pause()
            await self.press("enter")
            return
        for text in texts:
            if text != "wizard":  # the choice that holds already
                await self.type(text)
            await self.press("enter")

    async def settle(self) -> None:
        await settled(self.pilot)

    async def name_it(self) -> None:
        await self.press("n")
        await until(self.pilot, lambda: isinstance(self.app.focused, Input), "the question for the name")
        await self.type("first")
        await self.press("enter")
        await self.step("prerequisites")

    async def fix_all(self) -> None:
        """Let the wizard choose the ports of two nodes on one host."""
        await self.press("shift+f4")
        await on(self.pilot, Ask)
        await self.press("tab", "enter")
        await self.settle()

    async def step(self, id: str) -> None:
        await at_step(self.pilot, id)
        await self.settle()


async def by_keyboard(user: User, homes: list[str], logins: list[str], port: str) -> None:
    """Everything is typed, or pasted where `user.pastes_values`."""
    await user.name_it()
    await user.enter(*homes)
    await user.settle()
    await user.fix_all()
    await user.press("ctrl+n")
    await user.step("mysql")
    await user.enter(*logins[:3], "wizard", *logins[3:])
    await user.press("enter", "tab", "ctrl+u")  # Advanced, only because this server's port is not MySQL's
    await user.enter(port)
    await user.settle()
    await user.press("f2")


async def by_paste(user: User, *values: Any) -> None:
    user.pastes_values = True
    await by_keyboard(user, *values)


async def by_mouse(user: User, homes: list[str], logins: list[str], port: str) -> None:
    """Letters are typed, everything else is done by clicks."""
    await user.click("+ New pair")
    await user.click("analytics", last=True)
    await user.type("first")
    await user.click("begin")
    await user.step("prerequisites")
    places = [("nodes", 0, "home"), ("nodes", 0, "host"), ("nodes", 1, "home"), ("nodes", 1, "host")]
    for place, value in zip([*places, ("mysql", "driver_jar")], homes, strict=True):
        await user.click_field(*place)
        await user.type(value)
    await user.settle()
    await user.click("fix all")
    await user.click("change 2 values")
    await user.settle()
    await user.click("· MySQL")
    await user.step("mysql")
    names = ("host", "username", "password", "admin_username", "admin_password")
    for name, value in zip(names, logins, strict=True):
        await user.click_field("mysql", name)
        await user.type(value)
    await user.click("Advanced")
    await user.pilot.pause()
    await user.click_field("mysql", "port")
    await user.press("ctrl+e", "ctrl+u")
    await user.type(port)
    assert user.app.focused.value == port, text_of(user.app)
    await user.settle()
    await user.click("Review")


@pytest.mark.servers
@pytest.mark.parametrize(
    ("way", "size", "most_keys"),
    [(by_keyboard, (80, 24), 120), (by_mouse, (120, 40), 110), (by_paste, (80, 24), 30)],
)
async def test_from_nothing_to_the_applied_pair(
    mariadb: Server, packs: Path, tmp_path: Path, isolated: Path, way: Any, size: Any, most_keys: int
) -> None:
    """A name, two steps, the review, and one run: two nodes are configured and four databases exist.

    Passwords are typed, and the databases have the names that the wizard gives them. The port is asked for only
    because the server of the tests does not listen on 3306.
    """
    pack = packs / "apim-analytics-2.0.0"
    names = {role: name for role, name in DATABASES.items() if name}
    with playground(mariadb, pack, tmp_path / "play", password="a typed secret", names=names) as play:
        homes = [pairs.copy_pack(pack, isolated / f"a{n}") for n in (1, 2)]
        pairs.driver_jar(isolated / "mysql.jar")
        app = WizardApp(None)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.screen.query_one("OptionList").option_count > 1)
            user = User(pilot)
            await way(
                user,
                ["~/a1", "127.0.0.1", "~/a2", "127.0.0.1", "~/mysql.jar"],
                ["127.0.0.1", play.account, play.password, mariadb.root, mariadb.root_password],
                str(mariadb.port),
            )
            await planned(pilot)
            if way is by_mouse:
                await apply_by_mouse(pilot)
            else:
                await user.press("a", "f9")
            assert await ended(pilot) == "applied", text_of(app)
            assert "apimha-wizard start first" in text_of(app)
            await pressed(pilot, "ctrl+q")
        done = f"{len(user.fields)} fields, {user.keys} keys, {user.clicks} clicks, {user.pastes} pastes"
        print(f"\n{way.__name__}: {done}")
        assert user.keys <= most_keys and len(user.fields) <= 13
        assert all(map(configured, homes))
        with play.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SHOW DATABASES")
            assert set(names.values()) <= {row[0] for row in cursor.fetchall()}
        assert load("first").profile.nodes[1].port_offset is not None
        assert play.password not in locations.profile("first").read_text("utf-8")


def contents(homes: list[Path]) -> dict[Path, bytes]:
    return {path: path.read_bytes() for home in homes for path in home.rglob("*") if path.is_file()}


async def test_the_saved_profile_replayed_headless_gives_the_same_bytes(make_pair: Any, packs: Path) -> None:
    pair = make_pair(nodes=[{}, {"port_offset": None}])
    async with wizard(pair.profile, (100, 30)) as (_, pilot):
        await pressed(pilot, "f8")
        await fill(pilot, "3", "nodes", 1, "port_offset")
        await pressed(pilot, "ctrl+n", "ctrl+n")
        await fill(pilot, "75", "pool", "max_active")
        await pressed(pilot, "ctrl+n", "ctrl+n")
        await fill(pilot, "my.domain", "cluster", "domain")
        await settled(pilot)
        await review(pilot)
        assert await applied(pilot) == "applied"
        await pressed(pilot, "ctrl+q")
    after = contents(pair.homes)
    for home in pair.homes:  # fresh copies in the same places
        shutil.rmtree(home)
        pairs.copy_pack(packs / "apim-analytics-2.0.0", home)
    replayed(pair)
    assert contents(pair.homes) == after
    assert "my.domain" in (pair.homes[0] / "repository/conf/axis2/axis2.xml").read_text("utf-8")


async def click_text(pilot: Pilot[Any], text: str, last: bool = False) -> None:
    """Click on a text that stands on the screen."""
    await until(pilot, lambda: text in text_of(pilot.app), text)
    lines = text_of(pilot.app).split("\n")
    found = [(line.index(text), y) for y, line in enumerate(lines) if text in line]
    await pilot.click(offset=found[-1 if last else 0])


async def apply_by_mouse(pilot: Pilot[Any]) -> None:
    """Accept every warning and apply."""
    while pilot.app.screen.query_one("#apply", Button).disabled:
        await click_text(pilot, "[ ]")
        await pilot.pause()
    await click_text(pilot, "Apply", last=True)


async def test_a_step_a_choice_a_warning_and_the_way_back_by_mouse(pair: Any) -> None:
    async with wizard(pair.profile, (120, 40), offline=True) as (app, pilot):
        await click_text(pilot, "✓ Event processor")
        await at_step(pilot, "event-processor")
        await click_text(pilot, "Advanced")
        await click_text(pilot, "( ) yes")
        await settled(pilot)
        assert app.pair.draft.value(("event_processor", "duplicated_events")) is True
        await click_text(pilot, "review", last=True)
        await planned(pilot)
        await apply_by_mouse(pilot)
        assert await ended(pilot) == "applied", text_of(app)
        assert all(map(configured, pair.homes))
        await until(pilot, lambda: app.screen.query("#undo"))
        await click_text(pilot, "roll back", last=False)
        await seen(pilot, "Every file that the run")
        await pilot.click("#yes")
        await seen(pilot, "Rolled back")
        assert not any(map(configured, pair.homes))


async def test_from_a_change_to_its_field(make_pair: Any) -> None:
    pair = make_pair(mysql={"username": "somebody"})
    async with wizard(pair.profile, (120, 40)) as (app, pilot):
        await pressed(pilot, "f8")
        screen = await review(pilot)
        of_file = [
            one for one in screen.lines() if one[1].line is not None and "analytics-" in one[1].change.path
        ]
        line = next(node for node, item in of_file if "/username" in item.line.text)
        line.parent.expand()
        await pilot.pause()
        screen.branches.move_cursor(line)
        await pressed(pilot, "f3")
        await at_step(pilot, "mysql")
        await until(pilot, lambda: place_of(app) == ("mysql", "username"))


@pytest.mark.servers
async def test_a_wrong_password_corrected(
    mariadb: Server, packs: Path, make_pair: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with playground(mariadb, packs / "apim-analytics-2.0.0", tmp_path / "play") as play:
        monkeypatch.setenv("WRONG_PASSWORD", "not this one")
        monkeypatch.setenv("MYSQL_ROOT_PASSWORD", mariadb.root_password)
        pair = make_pair(mysql=play.table("WRONG_PASSWORD"))
        async with wizard(pair.profile) as (app, pilot):
            await pressed(pilot, "ctrl+n")
            assert app.pair.state("mysql") == "error"
            told = [one for one in app.pair.findings["mysql.administrator"] if one.status == "error"]
            assert told and "not this one" not in text_of(app)
            await driving.fill_password(pilot, "MYSQL_ROOT_PASSWORD", "mysql", "admin_password")
            await settled(pilot)
            assert [one.status for one in app.pair.findings["mysql.administrator"]] == ["ok"]
            await pressed(pilot, "f7")
            await typed(pilot, "wrong again")
            await pressed(pilot, "enter")
            await seen(pilot, "fix:")
            await pressed(pilot, "escape", "f7", "enter")
            await until(pilot, lambda: "✓" in str(app.screen.query_one(".result").visual), "the log-in")
            await pressed(pilot, "escape")
            await pressed(pilot, "ctrl+q")
        for file in (*locations.state().rglob("*"), *pair.profile.parent.rglob("*")):
            if file.is_file() and "analytics-" not in str(file):
                assert b"wrong again" not in file.read_bytes()
                assert mariadb.root_password.encode() not in file.read_bytes()


async def test_resized_in_the_middle(pair: Any) -> None:
    async with wizard(pair.profile) as (app, pilot):
        await go_to(pilot, "nodes", 1, "host")
        await typed(pilot, "9")
        for size in ((200, 60), (60, 15), (120, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            if size == (60, 15):
                assert "too small" in text_of(app)
                continue
            assert place_of(app) == ("nodes", 1, "host")
            assert app.focused.value == "127.0.0.19"
            assert ("node1" in text_of(app)) and ("node2" in text_of(app))
        await typed(pilot, "8")
        assert app.focused.value == "127.0.0.198"
        await settled(pilot)
        await review(pilot)
        for size in ((200, 60), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert "master-datasources.xml" in text_of(app)


async def test_a_question_that_came_while_there_was_no_room_leads_back_to_the_form(pair: Any) -> None:
    async with wizard(pair.profile) as (app, pilot):
        form = app.screen
        await pilot.resize_terminal(60, 15)
        await seen(pilot, "too small")
        app.ask_about_conflict()
        await on(pilot, Ask)
        await pilot.resize_terminal(80, 24)
        await pressed(pilot, "escape")
        await until(pilot, lambda: app.screen is form, "the form")


async def test_left_and_taken_up_at_every_step(pair: Any) -> None:
    """What was typed is there again, and the wizard goes on where it was left."""
    for number in range(len(STEP_IDS)):
        async with wizard(pair.profile) as (app, pilot):
            if number == 0:
                await pressed(pilot, "f8")
                await settled(pilot)
            assert app.screen.step.id == STEP_IDS[number], text_of(app)
            assert app.focused is not None
            if number:
                assert STEP_IDS[number - 1] in app.pair.progress.passed
            if not number:
                await fill(pilot, "first0", "nodes", 0, "name")
            await pressed(pilot, "ctrl+n")
            await until(pilot, lambda app=app, left=STEP_IDS[number]: left in app.pair.progress.passed)
            await until(pilot, lambda app=app: app.pair.draft.keeper.settled(0))
            await pressed(pilot, "ctrl+q")
    assert load(pair.profile).profile.nodes[0].name == "first0"
    async with wizard(pair.profile) as (app, pilot):
        assert app.pair.first_unfinished() is None
        assert app.pair.progress.offline


@pytest.mark.parametrize("key", ["f2", "ctrl+b", "ctrl+q"])
async def test_a_key_that_leaves_overtakes_no_letter(pair: Any, key: str) -> None:
    """All keys are there at once, as from a paste tool or over a slow line."""
    async with wizard(pair.profile) as (app, pilot):
        await pressed(pilot, "f8", "ctrl+n")
        await go_to(pilot, "mysql", "host")
        await pressed(pilot, "ctrl+e", "ctrl+u")
        await settled(pilot)
        for letter in ("d", "b", "1", key):
            app.post_message(events.Key(letter, None))
        left = app.screen
        await until(pilot, lambda: not app.is_running or app.screen is not left or left.step.id != "mysql")
        assert app.pair.draft.value(("mysql", "host")) == "db1"
        assert app.pair.draft.keeper.settled(5)
    assert load(pair.profile).profile.mysql.host == "db1"


async def test_a_step_that_is_left_before_its_last_key_is_judged(pair: Any) -> None:
    """What is remembered of it is the state of its last value, not of the one before."""
    async with wizard(pair.profile) as (app, pilot):
        await fill(pilot, "", "nodes", 0, "name")
        await settled(pilot)
        await pressed(pilot, "a", "ctrl+n")
        await until(pilot, lambda: app.pair.progress.passed == [STEP_IDS[0]])
        await until(pilot, lambda: app.pair.draft.keeper.settled(0))
        await pressed(pilot, "ctrl+q")
    progress = Memory().progress(pair.profile)
    assert progress is not None
    assert STEP_IDS[0] not in progress.wrong


async def test_a_draft_that_is_not_whole_goes_on_at_its_gap(pair: Any) -> None:
    async with wizard(pair.profile) as (app, pilot):
        await pressed(pilot, "f8", "ctrl+n")
        await go_to(pilot, "mysql", "username")
        await pressed(pilot, "ctrl+e", "ctrl+u")
        await settled(pilot)
        await pressed(pilot, "ctrl+n", "ctrl+n", "ctrl+q")
    assert load(pair.profile).profile.mysql.username == "apim", "the profile is never saved with a gap"
    assert not open_profile(str(pair.profile)).saved
    async with wizard(pair.profile) as (app, _):
        assert app.screen.step.id == "mysql"
        assert "required" in text_of(app)
