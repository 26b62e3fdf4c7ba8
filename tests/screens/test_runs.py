"""What was done: the page to work from after a run, the list of runs, and the way back through both."""

from __future__ import annotations

import re
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.app import WizardApp, farewell
from screens.apply import Done
from screens.dialogs.ask import Ask
from screens.model.values import step_of
from screens.review import Item, Review
from screens.runs import Runs
from screens.widgets.bars import KeyBar
from screens.widgets.diff_view import DiffView
from tests.support import pairs
from tests.support.driving import configured, review, runs_of
from tests.support.headless import applied, standing
from tests.support.screens import at_step, on, pressed, seen, settled, text_of, until, wizard
from wizard.command_line.run import rollback
from wizard.profile.document import set_field
from wizard.profile.fields import key_of
from wizard.profile.store import load
from wizard.system.errors import Cancel
from wizard.system.finding import Finding

pytestmark = pytest.mark.usefixtures("quiet")


def run_of(pair: Any) -> str:
    """Apply a pair's profile offline; gives the run's name."""
    return applied(pair).run or ""


def changed(profile: Any, field: str, value: Any) -> None:
    profile.write_text(set_field(profile.read_text("utf-8"), field, value), "utf-8")


async def answer(pilot: Pilot[Any], title: str, *keys: str) -> None:
    app = pilot.app
    await until(pilot, lambda: isinstance(app.screen, Ask) and title in text_of(app), title)
    await pressed(pilot, *keys)
    await until(pilot, lambda: title not in text_of(app), f"the end of {title}")


async def test_runs_list_who_did_what_and_show_the_diff_without_passwords(pair: Any) -> None:
    name = run_of(pair)
    (run,) = rollback.history(str(pair.profile))
    async with wizard(pair.profile, (120, 40)) as (app, pilot):
        await runs_of(pilot)
        text = text_of(app)
        assert f"Run {name}" in text and run["owner"] in text and run["started"][:10] in text
        assert f"{run['files']} files" in text and "applied" in text
        await pressed(pilot, "right")
        await seen(pilot, "axis2.xml")
        wanted = "repository/conf/datasources/master-datasources.xml"
        while app.screen.current.change is None or app.screen.current.change.path != wanted:
            await pressed(pilot, "down")
        await seen(pilot, "datasources/master-datasources.xml")
        shown = "\n".join(row.text for row in app.screen.query_one(DiffView)._rows)
        assert "********" in shown and "com.mysql.jdbc.Driver" in shown and pairs.PASSWORD not in shown


async def test_the_next_steps_of_a_run_are_shown_again_and_lead_back(pair: Any) -> None:
    name = run_of(pair)
    async with wizard(pair.profile, (80, 40)) as (app, pilot):
        await runs_of(pilot)
        await pressed(pilot, "n")
        await seen(pilot, "1 Start both nodes")
        lines = [line.strip() for line in text_of(app).splitlines()]
        assert "2 Verify" in lines and "3 " in text_of(app) and "apimha-wizard start" in text_of(app)
        assert f"apimha-wizard rollback {name}" in lines, "a command is alone on its line"
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert len(titles) == len(set(titles)), "no command is in the palette twice"
        await pressed(pilot, "escape")
        await on(pilot, Runs)
        await pressed(pilot, "escape")
        await until(pilot, lambda: not isinstance(app.screen, Runs))


async def test_a_run_that_a_later_one_overwrote_is_undone_after_that_one(pair: Any) -> None:
    before = standing(*pair.homes)
    first = run_of(pair)
    changed(pair.profile, "cluster.domain", "another.domain")
    second = run_of(pair)
    assert rollback.later(first) == [second] and rollback.later(second) == []
    async with wizard(pair.profile) as (app, pilot):
        await runs_of(pilot)
        await pressed(pilot, "down")
        assert app.screen.current.run["run"] == first
        await pressed(pilot, "r")
        await until(pilot, lambda: isinstance(app.screen, Ask) and second in text_of(app), "the later run")
        await answer(pilot, "Roll back?", "right", "enter")
        await answer(pilot, "Rolled back", "enter")
        await until(pilot, lambda: isinstance(app.screen, Runs) and "rollback of" in text_of(app))
        assert "n shows" not in text_of(app), "that is no run with next steps"
    assert standing(*pair.homes) == before
    assert {run["state"] for run in rollback.history()} >= {"rolled back"}


async def test_a_file_edited_by_hand_is_kept_and_restored_only_when_asked(pair: Any) -> None:
    run_of(pair)
    path = pair.homes[0] / "repository/conf/axis2/axis2.xml"
    path.write_bytes(path.read_bytes() + b"<!-- by hand -->")
    async with wizard(pair.profile) as (_, pilot):
        await runs_of(pilot)
        await pressed(pilot, "r")
        await answer(pilot, "Roll back?", "right", "enter")
        await seen(pilot, "edited since the run")
        assert configured(pair.homes[0])
        await pressed(pilot, "right", "enter")
        await answer(pilot, "Rolled back", "enter")
    assert not any(map(configured, pair.homes))


def test_a_rollback_that_keeps_files_of_a_later_run_names_it(pair: Any) -> None:
    first = run_of(pair)
    changed(pair.profile, "cluster.domain", "another.domain")
    second = run_of(pair)
    result = rollback.rollback(first, force=False, cancel=Cancel())
    assert result.exit_code == 3 and f"apimha-wizard rollback {second}" in (result.error or "")


async def test_without_a_pair_the_runs_of_all_pairs_are_listed_and_one_opens_its_pair(pair: Any) -> None:
    run_of(pair)
    app = WizardApp(None)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await runs_of(pilot)
        assert load(pair.profile).profile.cluster.name in text_of(app) or "pair" in text_of(app)
        await pressed(pilot, "n")
        await on(pilot, Done)
        assert app.pair is not None and app.pair.draft.target == pair.profile


def here(screen: Review) -> Item:
    """What the current line of the tree is about."""
    return screen.current or Item()


async def test_the_review_keeps_its_place_and_what_was_accepted(pair: Any) -> None:
    async with wizard(pair.profile, offline=True) as (app, pilot):
        screen = await review(pilot)
        assert "2 nodes · " in text_of(app) and "files" in text_of(app).splitlines()[1]
        await pressed(pilot, "a")
        assert screen._open == ""
        while here(screen).change is None:
            await pressed(pilot, "down")
        await pressed(pilot, "right", "down")
        line = here(screen).line
        assert line is not None, "Right unfolds"
        await pressed(pilot, "ctrl+b")
        await until(pilot, lambda: not isinstance(app.screen, Review))
        screen = await review(pilot)
        await until(pilot, lambda: here(screen).line is not None and here(screen).line.text == line.text)
        assert screen._open == "", "what was accepted stays accepted"
        await pressed(pilot, "left")
        assert here(screen).line is None and here(screen).change is not None, "Left goes up"
        await pressed(pilot, "left")
        assert not screen.branches.cursor_node.is_expanded, "and folds"


async def test_the_review_says_what_is_open(make_pair: Any) -> None:
    pair = make_pair(nodes=[{}, {"hazelcast_port": 4000}])
    async with wizard(pair.profile, (120, 40), offline=True) as (_, pilot):
        screen = await review(pilot)
        await pressed(pilot, "f9")
        await seen(pilot, "Not applied: 1 error to fix: ports.clash")
        assert "to accept" in screen._open
        await pressed(pilot, "a")
        await seen(pilot, "Still open: 1 error to fix: ports.clash")
        assert "to accept" not in screen._open


@pytest.mark.parametrize(
    ("id", "node", "place"),
    [
        ("prerequisites.driver-jar", "node1", ("mysql", "driver_jar")),
        ("prerequisites.java", "node2", ("nodes", 1, "java_home")),
        ("hazelcast.host", "node2", ("nodes", 1, "host")),
        ("mysql.administrator", None, ("mysql", "admin_username")),
        ("prerequisites.files", "node1", None),
    ],
)
async def test_f3_goes_to_the_field_that_corrects_a_finding_or_is_not_offered(
    pair: Any, id: str, node: str | None, place: Any
) -> None:
    async with wizard(pair.profile, (120, 40)) as (_, pilot):
        screen = await review(pilot)
        item = Item(finding=Finding("error", "broken", node=node, id=id))
        screen._show_item(item)
        offered = "go" in {key.action for key in screen.query_one(KeyBar).keys}
        assert offered == (place is not None)
        if place is not None:
            step, found = screen._target(item)  # type: ignore[misc]
            assert found == place and key_of(place) in step_of(step).fields


async def test_a_field_that_is_missing_or_invalid_cannot_be_planned_and_f3_goes_there(pair: Any) -> None:
    with pair.profile.open("a", encoding="utf-8") as lines:
        lines.write("[nonsense]\n")
    async with wizard(pair.profile, (120, 40)) as (app, pilot):
        await seen(pilot, "nonsense: unknown key")
        app.pair.set(("spark", "master_count"), "two")
        app.pair.set(("mysql", "username"), None)
        app.pair.set(("nodes", 1, "host"), None)
        await settled(pilot)
        await pressed(pilot, "f2")
        await seen(
            pilot,
            "cannot be planned: Prerequisites › Host of node2 is required (and 3 more)",
            "nonsense: unknown key",
        )
        assert "[mysql]" not in text_of(app), "no word of the file"
        await pressed(pilot, "f9")
        await seen(pilot, "Not applied: cannot be planned")
        await pressed(pilot, "down", "down", "f3")
        await at_step(pilot, "spark")
    assert "master_count" not in pair.profile.read_text("utf-8")


LONG = "a-very-long-name-of-a-database-server.in-some-department.of-the-company.example"


@pytest.mark.parametrize(
    ("field", "value"), [("mysql.host", LONG), ("cluster.domain", "数据库" * 20)], ids=["narrow", "wide"]
)
async def test_a_long_new_value_is_whole_on_the_screen(pair: Any, field: str, value: str) -> None:
    changed(pair.profile, field, value)
    changed(pair.profile, "mysql.url_parameters", {"useSSL": "false", "connectTimeout": "60000"})
    async with wizard(pair.profile, offline=True) as (app, pilot):
        screen = await review(pilot)
        while not (here(screen).line is not None and value in here(screen).line.text):
            await pressed(pilot, "right", "down")
        await pilot.pause()
        line = here(screen).line.text
        rows = (re.sub("[\u2581-\u2588]", "", row) for row in text_of(app).splitlines())
        shown = "".join(rows).replace(" ", "")
        assert line.replace(" ", "") in shown, text_of(app)
        diff = "\n".join(strip.text for strip in screen.view._lines)
        assert value in re.sub(r" *\n {6}\+ ", "", diff), "also in the diff"


async def test_leaving_says_where_it_was_saved_and_how_to_continue(pair: Any) -> None:
    async with wizard(pair.profile) as (app, pilot):
        assert farewell(app.pair) == [
            f"{app.pair.draft.title}: saved in {pair.profile}",
            f"Continue with: apimha-wizard {pair.profile}",
        ]
        await pressed(pilot, "x")
        await settled(pilot)
        assert "draft saved in" in farewell(app.pair)[0]


async def test_what_is_copied_is_sent_to_the_terminal(pair: Any) -> None:
    async with wizard(pair.profile) as (app, pilot):
        app.action_copy_path()
        sent = "Sent to the terminal's clipboard."
        await until(pilot, lambda: [one.message for one in app._notifications] == [sent])


async def test_ctrl_z_suspends_also_from_a_field(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    suspended: list[bool] = []
    monkeypatch.setattr(WizardApp, "action_suspend_process", lambda self: suspended.append(True))
    async with wizard(pair.profile) as (_, pilot):
        await pressed(pilot, "ctrl+z")
        assert suspended == [True]
