"""A step: essentials first, what is required, fixes, pasting, paths, typed passwords, and a home elsewhere."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import OptionList, Select

from screens.app import WizardApp
from screens.dialogs.ask import Ask
from screens.dialogs.picker import Picker
from screens.model.session import chosen_checks
from screens.model.values import help_of
from screens.review import Review
from screens.widgets.bars import KeyBar
from screens.widgets.check_list import CheckList
from screens.widgets.form import Fold
from tests.support.driving import go_to, place_of
from tests.support.screens import at_step, on, opened, pressed, seen, settled, text_of, typed, until, wizard
from wizard.profile.fields import ESSENTIAL, keys
from wizard.steps.procedure import STEPS
from wizard.system import finding, locations
from wizard.system.finding import Finding, Fix, SetField

pytestmark = pytest.mark.usefixtures("said")


def offers(app: WizardApp, action: str) -> bool:
    return action in [key.action for key in app.screen.query_one(KeyBar).keys]


def setting(id: str, field: str, value: Any, status: Any = finding.error) -> Finding:
    fix = Fix(f"Set {field} = {value}", SetField(field, value, f"{field} = {value}"))
    return status(f"{field} does not fit", fix=fix)._replace(id=id)


ASKED = sorted(key for key, condition in ESSENTIAL.items() if condition != ("deployment_sync.method", "svn"))
"""The questions of a new pair."""


def test_a_new_pair_is_about_ten_questions() -> None:
    folded = {key.key for key in keys().values() if key.required and not key.essential}
    assert len(ASKED) == 10 and folded == {"nodes.name", "schema_version"}


async def test_each_essential_field_shows_once_and_every_other_one_under_advanced(profile: Path) -> None:
    shown: list[str] = []
    async with wizard(profile, (120, 40)) as (app, _):
        for step in STEPS:
            await app.screen.open_step(step.id)
            form = app.screen.form
            shown += {field.field.key for field in form.fields()}
            await form.open()
            folded = {key for key in step.fields if ESSENTIAL.get(key) is None}
            assert folded <= {field.field.key for field in form.fields()}
    assert sorted(shown) == ASKED


async def test_fields_that_depend_on_a_choice_come_and_go(profile: Path) -> None:
    async with wizard(profile) as (app, pilot):
        await app.screen.open_step("mysql")
        assert app.screen.form.field_at(("mysql", "admin_username")) is not None
        await go_to(pilot, "mysql", "provisioning")
        await pressed(pilot, "right")
        await until(pilot, lambda: app.screen.form.field_at(("mysql", "admin_username")) is None)
        await pressed(pilot, "left")
        await until(pilot, lambda: app.screen.form.field_at(("mysql", "admin_username")) is not None)
        await app.screen.open_step("deployment-sync")
        assert "Repository" not in text_of(app)
        await pressed(pilot, "right")
        await seen(pilot, "Repository")


async def test_required_shows_after_a_field_was_left_and_nothing_moves() -> None:
    async with wizard(None) as (app, pilot):
        assert "required" not in text_of(app) and "Home *" in text_of(app)
        rows = [field.region for field in app.screen.form.fields()]
        await pressed(pilot, "tab")
        await until(pilot, lambda: text_of(app).count("required") == 1)
        assert rows == [field.region for field in app.screen.form.fields()]
        await pressed(pilot, "ctrl+n")
        await until(pilot, lambda: text_of(app).count("required") == 4)
        assert app.screen.step.id == "prerequisites" and place_of(app) == ("nodes", 0, "home")
        await pressed(pilot, "ctrl+n")
        await at_step(pilot, "mysql")


async def test_no_finding_is_about_a_value_that_nobody_entered(said: Any) -> None:
    """Only the MySQL server is named: only what logs in there is checked."""
    started: list[str] = []

    def prepare(order: Any) -> tuple[None, None]:
        started[:] = [one.id for one in chosen_checks(order)]
        return None, None

    said.prepare = staticmethod(prepare)
    async with wizard(None) as (app, pilot):
        assert started == [] and not offers(app, "again")
        for name, value in (("host", "db"), ("username", "apim"), ("password", {"env": "HOME"})):
            app.pair.set(("mysql", name), value)
        await settled(pilot)
        assert "mysql.connect" in started and offers(app, "again")
        assert not [id for id in started if not id.startswith("mysql.")]
        assert not {"mysql.loopback", "mysql.driver"} & set(started)


async def test_the_help_line_says_what_enter_does_with_the_fold(profile: Path) -> None:
    async with wizard(profile, (120, 40)) as (app, pilot):
        app.screen.query_one(Fold).focus()
        for said in ("Enter shows them.", "Enter folds them.", "Enter shows them."):
            await seen(pilot, said)
            await pressed(pilot, "enter")


async def test_what_is_wrong_is_in_full_and_what_passed_is_folded(profile: Path, said: Any) -> None:
    long = "a message that is much longer than a line of the panel and must not be cut at the scroll bar " * 2
    wrong = finding.warning(long + "END", fix="do something")._replace(id="prerequisites.java")
    passed = [finding.ok(f"home {n}")._replace(id="prerequisites.home") for n in range(3)]
    said.findings = [*passed, wrong, wrong]
    async with wizard(profile, (80, 40)) as (app, pilot):
        shown = text_of(app)
        assert shown.count("END") == 1, "one finding once, to its end"
        assert shown.index("prerequisites.java") < shown.index("3 passed")
        assert "home 1" not in shown
        app.screen.query_one(CheckList).focus()
        await pressed(pilot, "down", "enter")
        await seen(pilot, "home 1")


async def test_keys_that_can_do_nothing_are_not_in_the_footer(profile: Path, said: Any) -> None:
    async with wizard(profile) as (app, pilot):
        assert not [one for one in ("fix", "fix_all", "copy", "back", "test") if offers(app, one)]
        assert offers(app, "pick") and offers(app, "again")
        said.findings = [setting("ports.clash", "nodes.node2.port_offset", 2)]
        await pressed(pilot, "f5")
        await until(pilot, lambda: offers(app, "fix") and offers(app, "copy"))
        assert not offers(app, "fix_all")


async def test_shift_f4_lists_the_safe_fixes_and_applies_them(profile: Path, said: Any) -> None:
    said.findings = [
        setting("ports.clash", "nodes.node2.port_offset", 2),
        setting("hazelcast.host", "nodes.node1.host", "10.9.9.9"),
        setting("mysql.charset", "mysql.charset", "latin1"),
    ]
    async with wizard(profile) as (app, pilot):
        await until(pilot, lambda: offers(app, "fix_all"))
        for answer in ("escape", "enter"):
            await pressed(pilot, "shift+f4")
            await on(pilot, Ask)
            assert "Port offset of node2: not set" in text_of(app) and "10.100.0.46" in text_of(app)
            assert "charset" not in text_of(app), "it is not one of the safe ones"
            await pilot.press(*(["right"] if answer == "enter" else []), answer)
            changed = app.pair.draft.value(("nodes", 1, "port_offset")) == 2
            assert changed == (answer == "enter")
        assert app.pair.draft.value(("nodes", 0, "host")) == "10.9.9.9"
        assert app.pair.draft.value(("mysql", "charset")) is None


async def test_help_and_checks_use_the_words_of_the_form(profile: Path) -> None:
    for key in keys().values():
        assert not any(f'"{word}"' in help_of(key) for word in key.choices), key.key
    async with wizard(profile) as (app, pilot):
        assert " node1 " in text_of(app), "the name of the first node is not scrolled away"
        await app.screen.open_step("mysql", ("mysql", "provisioning"))  # type: ignore[attr-defined]
        await seen(pilot, "this wizard, the server (first")


async def test_going_up_in_the_picker_points_to_the_folder_that_was_left(
    profile: Path, tmp_path: Path
) -> None:
    for name in ("one", "three", *map("two{}".format, range(20))):
        (tmp_path / name).mkdir()
    async with wizard(profile) as (app, pilot):
        app.push_screen(Picker(keys()["nodes.home"], f"{tmp_path}/three/x", tmp_path))
        await until(pilot, lambda: str(tmp_path)[-9:] in text_of(app) and app.focused is not None)
        assert "Choose: Home" in text_of(app) and "Esc leaves" in text_of(app)
        await pressed(pilot, "backspace")
        listing = app.screen.query_one(OptionList)
        await until(pilot, lambda: listing.highlighted and "three" in str(listing.highlighted_option.prompt))
        assert "Esc leaves" in text_of(app), "the keys are in sight also below a long list"


async def paste(pilot: Pilot[Any], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await settled(pilot)


@pytest.mark.parametrize("between", ["\n", "\t", " \r\n"])
async def test_a_paste_of_several_values_goes_field_by_field(between: str) -> None:
    values = ["/opt/a", "10.0.0.1", "/opt/b", "10.0.0.2", "/opt/mysql.jar"]
    async with wizard(None) as (app, pilot):
        await paste(pilot, f"  {between.join(values)}\n")
        nodes = [app.pair.draft.value(("nodes", n, name)) for n in (0, 1) for name in ("home", "host")]
        assert [*nodes, app.pair.draft.value(("mysql", "driver_jar"))] == values
        await pressed(pilot, "ctrl+n")
        await at_step(pilot, "mysql")
        await paste(pilot, "db.example\tapim\thunter2\tdba")
        await until(pilot, lambda: app.pair.draft.value(("mysql", "password")) is not None)
        assert app.pair.draft.value(("mysql", "username")) == "apim"
        assert app.pair.draft.value(("mysql", "provisioning")) == "dba"
        assert "hunter2" not in app.pair.draft.keeper.draft.text


async def test_tab_completes_a_path_while_there_is_something_to_complete(
    tmp_path: Path, packs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screens.widgets.field.PATIENCE", 30)  # the disk of a busy machine
    (tmp_path / "homes/other").mkdir(parents=True)
    for n in (1, 2):
        os.symlink(packs / "apim-analytics-2.0.0", tmp_path / "homes" / f"analytics-{n}")
    async with wizard(None) as (app, pilot):
        await typed(pilot, f"{tmp_path}/ho")
        await pressed(pilot, "tab", "a", "tab")
        assert app.focused.value == f"{tmp_path}/homes/analytics-", "as far as there is one way"
        await pressed(pilot, "2", "tab")
        assert place_of(app) == ("nodes", 0, "host"), "a pack is complete"
        await pressed(pilot, "tab")
        assert place_of(app) == ("nodes", 1, "home"), "nothing to complete"


@pytest.mark.parametrize("leave", ["tab", "enter", "ctrl+n", "ctrl+q"])
async def test_a_typed_password_is_kept_outside_the_profile(profile: Path, leave: str) -> None:
    profile.write_text(
        profile.read_text("utf-8").replace('password = { env = "APIM_DB_PASSWORD" }\n', ""), "utf-8"
    )
    async with wizard(profile) as (app, pilot):
        await app.screen.open_step("mysql")
        await go_to(pilot, "mysql", "password")
        await typed(pilot, "hunter2")
        assert "hunter2" not in text_of(app)
        await pressed(pilot, leave)
        await until(pilot, lambda: app.pair.draft.value(("mysql", "password")) is not None)
        reference = app.pair.draft.value(("mysql", "password"))
        assert Path(reference["file"]).read_text("utf-8") == "hunter2\n"
        if leave != "ctrl+q":
            await pressed(pilot, "ctrl+q")
    assert f'password = {{ file = "{reference["file"]}" }}' in profile.read_text("utf-8")
    assert profile.parent not in Path(reference["file"]).parents


@pytest.mark.parametrize("answer", ["no", "empty"])
async def test_an_empty_password_is_a_value_after_a_question(answer: str) -> None:
    async with wizard(None) as (app, pilot):
        await app.screen.open_step("mysql")
        await go_to(pilot, "mysql", "password")
        await pressed(pilot, "enter")
        await on(pilot, Ask)
        await pilot.click(f"#{answer}")
        await settled(pilot)
        reference = app.pair.draft.value(("mysql", "password"))
        assert (reference is not None) == (answer == "empty")
        if reference:
            assert Path(reference["file"]).read_text("utf-8") == "\n"


async def test_a_variable_that_is_not_set_can_be_typed_for_the_session(profile: Path) -> None:
    async with wizard(profile) as (app, pilot):
        await app.screen.open_step("mysql")
        await seen(pilot, "not set here")
        assert app.pair.passwords.untyped() == ["mysql.password"]
        app.pair.passwords.type("mysql.password", "hunter2")
        reference = app.pair.profile.mysql.password
        assert app.pair.passwords.resolver().resolve(reference, "mysql.password").reveal() == "hunter2"
        await pressed(pilot, "ctrl+q")
    found = [path for path in locations.state().rglob("*") if path.is_file()]
    assert not [path for path in (*found, profile) if b"hunter2" in path.read_bytes()]


async def test_tab_stops_at_a_password_and_at_its_kind_which_is_chosen(profile: Path) -> None:
    """The kind has no other key; the test has F7, in both."""
    async with wizard(profile) as (app, pilot):
        await app.screen.open_step("mysql")
        await go_to(pilot, "mysql", "password")
        for stops in ("Line", "Select"):
            assert type(app.focused).__name__ == stops and place_of(app) == ("mysql", "password")
            assert offers(app, "test")
            await pressed(pilot, "tab")
        assert place_of(app) == ("mysql", "provisioning")
        await pressed(pilot, "shift+tab")
        await pilot.press("enter", "down", "enter")  # each in its turn: the list opens beside the screen
        await until(pilot, lambda: isinstance(app.focused, Select))
        await pressed(pilot, "shift+tab", "ctrl+u")
        await typed(pilot, "~/pw")
        await settled(pilot)
        assert app.pair.draft.value(("mysql", "password")) == {"file": "~/pw"}


@pytest.mark.parametrize(("answer", "expected"), [("there", "node1"), ("later", None), ("wrong", None)])
async def test_a_home_that_is_not_here_is_asked_about_once_in_step_1(
    make_pair: Callable[..., Any], answer: str, expected: str | None
) -> None:
    pair = make_pair(nodes=[{}, {"home": "/opt/not-here/analytics", "host": "203.0.113.9"}])
    async with wizard(pair.profile) as (app, pilot):
        await pressed(pilot, "ctrl+n")
        await on(pilot, Ask)
        assert "Where is node2?" in text_of(app)
        await pilot.click(f"#{answer}")
        await until(pilot, lambda: not isinstance(app.screen, Ask))
        assert app.pair.progress.only_node == expected
        if answer == "wrong":
            await until(pilot, lambda: place_of(app) == ("nodes", 1, "home"))
            return
        await at_step(pilot, "mysql")
        await pressed(pilot, "ctrl+b")
        await at_step(pilot, "prerequisites")
        await pressed(pilot, "f2")
        await on(pilot, Review)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("before", [(), ("ctrl+n",), ("ctrl+n", "ctrl+b", "x"), ("f2",)], ids=repr)
async def test_leaving_while_a_form_is_made_is_no_error(
    profile: Path, before: tuple[str, ...], number: int
) -> None:
    """Ctrl+Q right behind the keys that open another form, and behind its first messages."""
    app = opened(profile)
    async with app.run_test(size=(80, 24)) as pilot:
        if before:
            await settled(pilot)
        for key in before:
            app.post_message(events.Key(key, None))
        for _ in range(number):
            await asyncio.sleep(0)
        app.post_message(events.Key("ctrl+q", None))
        await until(pilot, lambda: app._exit, "the end")  # run_test raises what broke inside
    assert app.return_code == 0
