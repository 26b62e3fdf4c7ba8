"""What the screens promise: nothing is lost, nothing is overwritten, no password shows, nothing is written unasked."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Button

from screens import signs
from screens.dialogs.ask import Ask
from screens.dialogs.password import Typed
from screens.help import Help
from screens.model.draft import open_profile
from screens.review import Review
from screens.step import StepScreen
from screens.theme import DARK, LIGHT
from screens.welcome import Welcome
from tests.support.driving import applied, configured, ended, fill, go_to, place_of, planned, review, runs_of
from tests.support.headless import replayed, standing
from tests.support.screens import PROFILE, on, opened, pressed, seen, settled, text_of, typed, until, wizard
from wizard.command_line.text import step_lines
from wizard.preflight import checks
from wizard.profile.document import set_field, unset_field
from wizard.profile.store import load
from wizard.system import locations
from wizard.system.errors import Failed, UsageError
from wizard.system.finding import Finding, Fix
from wizard.transaction import apply as applying

pytestmark = pytest.mark.usefixtures("quiet", "no_programs")


def test_wizard_imports_nothing_of_the_screens() -> None:
    code = (
        "import pkgutil, importlib, sys, wizard\n"
        "for one in pkgutil.walk_packages(wizard.__path__, 'wizard.'):\n"
        "    if not one.name.endswith('__main__'): importlib.import_module(one.name)\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] in {'screens', 'textual'}]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_comments_and_order_of_a_profile_survive(tmp_path: Path) -> None:
    text, path = "# ours\n" + PROFILE.replace("[mysql]", "[mysql]   # the old server"), tmp_path / "a.toml"
    path.write_text(text, "utf-8")
    async with wizard(path, offline=True) as (_, pilot):
        await fill(pilot, "10.100.0.48", "nodes", 1, "host")
        await pressed(pilot, "ctrl+n")
        await settled(pilot)
        await pressed(pilot, "ctrl+q")
    assert path.read_text("utf-8") == text.replace("10.100.0.47", "10.100.0.48")


BY_HAND = PROFILE.replace("10.100.0.46", "10.100.0.99")


def becomes(profile: Path, now: str | None) -> None:
    profile.unlink()
    if now is not None:
        profile.write_text(now, "utf-8")


@pytest.mark.parametrize("answer", ["file", "draft"])
@pytest.mark.parametrize("now", [BY_HAND, None], ids=["edited", "deleted"])
async def test_a_profile_that_changed_outside_is_asked_about(
    profile: Path, now: str | None, answer: str
) -> None:
    async with wizard(profile, offline=True) as (app, pilot):
        await fill(pilot, "10.100.0.48", "nodes", 1, "host")
        await settled(pilot)
        becomes(profile, now)
        await pressed(pilot, "ctrl+n")
        await on(pilot, Ask)
        assert (profile.read_text("utf-8") if profile.exists() else None) == now
        await pilot.click(f"#{answer}")
        if answer == "draft":
            await until(pilot, lambda: profile.exists() and "10.100.0.48" in profile.read_text("utf-8"))
            assert now is None or Path(f"{profile}~").read_text("utf-8") == now
            return
        await on(pilot, StepScreen if now else Welcome)
        await until(pilot, lambda: not list(locations.drafts().glob("*.toml")), "no draft is left")
        assert (profile.read_text("utf-8") if profile.exists() else None) == now
        if now:
            await settled(pilot)
            hosts = [app.pair.draft.value(("nodes", number, "host")) for number in (0, 1)]
            assert hosts == ["10.100.0.99", "10.100.0.47"]


@pytest.mark.parametrize(("now", "word"), [(BY_HAND, "edited"), (None, "deleted")])
async def test_a_draft_whose_profile_changed_is_asked_about_when_it_is_opened(
    profile: Path, now: str | None, word: str
) -> None:
    async with wizard(profile, offline=True) as (app, pilot):
        await fill(pilot, "", "mysql", "driver_jar")
        await fill(pilot, "wrong host!", "nodes", 1, "host")
        await settled(pilot)
        await pressed(pilot, "ctrl+q")
    becomes(profile, now)
    async with wizard(profile) as (app, pilot):
        await seen(pilot, f"The profile was {word} meanwhile", f"was {'changed' if now else word} outside")
        await pressed(pilot, "escape")
        assert app.pair.draft.value(("nodes", 1, "host")) == "wrong host!"


async def test_the_first_step_is_checked_before_a_server_is_named(pair: Any) -> None:
    """Only what is about a value that is missing is not checked: here the password, and not the jar."""
    text = pair.profile.read_text("utf-8")
    for name in ("driver_jar", "host", "username", "password"):
        text = unset_field(text, f"mysql.{name}")
    pair.profile.write_text(text, "utf-8")
    async with wizard(pair.profile) as (app, _):
        (jar, _) = app.pair.findings["prerequisites.driver-jar"]
        assert jar.status == "error" and "driver_jar is not set" in jar.message
        assert app.pair.state("prerequisites") == "error"
        assert "prerequisites.secret" not in app.pair.findings


async def test_a_folder_that_cannot_be_written_is_told(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(draft: Any) -> None:
        raise Failed("it cannot be saved: No space left on device", place="draft", fix="make room")

    monkeypatch.setattr("wizard.profile.drafts.keep", full)
    async with wizard(pair.profile) as (app, pilot):
        await typed(pilot, "x")
        await seen(pilot, "NOT SAVED")
        assert any(one.message.startswith("pair: ") for one in app._notifications)


async def test_nothing_is_applied_before_every_warning_is_accepted(pair: Any) -> None:
    async with wizard(pair.profile, offline=True) as (app, pilot):
        await review(pilot)
        assert app.screen.query_one("#apply", Button).disabled
        await pressed(pilot, "f9")
        assert isinstance(app.screen, Review)
        warnings = [one for one in app.pair.all_findings() if one.status == "warning"]
        assert warnings
        await pressed(pilot, "a", "space")
        assert app.screen.query_one("#apply", Button).disabled, "one was taken back"
        await pressed(pilot, "space", "f9")
        assert await ended(pilot) == "applied"
    assert all(map(configured, pair.homes))


async def test_a_file_that_changes_after_the_review_stops_the_run(pair: Any) -> None:
    async with wizard(pair.profile, offline=True) as (app, pilot):
        await review(pilot)
        path = pair.homes[1] / "repository/conf/registry.xml"
        path.write_bytes(path.read_bytes().replace(b"</wso2registry>", b"<!-- by hand --></wso2registry>"))
        assert await applied(pilot) == "refused"
        assert "changed since the plan was shown" in text_of(app)
    assert not any(map(configured, pair.homes))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> tuple[Callable[[Any], Awaitable[None]], threading.Event]:
    """Applies what is reviewed as far as the fifth file; and the event that lets the run go on."""
    reached, go_on = threading.Event(), threading.Event()
    real = applying.apply

    async def fifth_file(pilot: Any) -> None:
        await review(pilot)
        await pressed(pilot, "a", "f9")
        await until(pilot, reached.is_set, "the fifth file")

    def slow(moves: Any, run: Any, *, progress: Any, **given: Any) -> Any:
        def watched(node: str, path: str, done: int, total: int) -> None:
            progress(node, path, done, total)
            if done == 5:
                reached.set()
                go_on.wait(20)

        return real(moves, run, progress=watched, **given)

    monkeypatch.setattr(applying, "apply", slow)
    return fifth_file, go_on


async def test_what_is_above_a_run_stays_until_it_is_closed_and_no_other_pair_is_opened(
    pair: Any, held: Any
) -> None:
    fifth_file, go_on = held
    async with wizard(pair.profile, offline=True) as (app, pilot):
        await fifth_file(pilot)
        run = app.screen
        await app.action_profiles()
        assert app.screen is run and app.pair is not None, "leaving would not wait for it any more"
        await pressed(pilot, "f1")
        await on(pilot, Help)
        go_on.set()
        await until(pilot, lambda: run.result is not None, "the end")
        assert isinstance(app.screen, Help)
        await pressed(pilot, "escape")
        assert await ended(pilot) == "applied"
        assert run not in app.screen_stack


@pytest.mark.parametrize("leave", [False, True])
async def test_cancelled_or_left_while_it_writes_everything_is_as_before(
    pair: Any, held: Any, leave: bool
) -> None:
    before = standing(*pair.homes)
    fifth_file, go_on = held
    async with wizard(pair.profile, offline=True) as (app, pilot):
        await fifth_file(pilot)
        await seen(pilot, "5/")
        if leave:
            threading.Timer(0.3, go_on.set).start()
            await pressed(pilot, "ctrl+q")
            await until(pilot, lambda: not app._running)
        else:
            await pressed(pilot, "escape")
            go_on.set()
            await until(pilot, lambda: app.screen.result is not None)
            assert app.screen.result.outcome == "cancelled"
            assert "as before" in text_of(app)
    assert standing(*pair.homes) == before


async def test_a_run_that_was_cut_off_is_put_back_when_somebody_says_so(pair: Any) -> None:
    before = standing(*pair.homes)
    cut_off = (
        "import os, sys\n"
        "from wizard.command_line.run import replay\n"
        "from wizard.system.errors import Cancel\n"
        "from wizard.profile.store import load\n"
        "from wizard.passwords.resolver import Resolver\n"
        "def die(node, path, done, total):\n"
        "    if done == 4: os.kill(os.getpid(), 9)\n"
        "replay.replay(load(sys.argv[1]), replay.Options(offline=True), Resolver(), progress=die, cancel=Cancel())\n"
    )
    subprocess.run([sys.executable, "-c", cut_off, str(pair.profile)], check=False)
    async with wizard(pair.profile, offline=True) as (app, pilot):
        await on(pilot, Ask)
        assert "interrupted" in text_of(app)
        await pilot.click("#restore")
        await on(pilot, StepScreen)
        await settled(pilot)
        await until(
            pilot, lambda: [one.status for one in app.pair.findings.get("apply.unfinished", ())] == ["ok"]
        )
    assert standing(*pair.homes) == before


async def test_a_missing_host_is_filled_in_from_this_machine(
    pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wizard.system.network.own_addresses", lambda: ["10.9.8.7", "192.168.1.2"])
    text = pair.profile.read_text("utf-8")
    pair.profile.write_text(text.replace('host = "127.0.0.1"\nhazelcast_port', "hazelcast_port"), "utf-8")
    async with wizard(pair.profile) as (app, pilot):
        await seen(pilot, "10.9.8.7")
        for node in (0, 1):
            await pressed(pilot, "f4")
            await settled(pilot)
            assert app.pair.draft.value(("nodes", node, "host")) == "10.9.8.7"
        assert app.pair.profile is not None


async def test_a_node_elsewhere_is_asked_about_and_not_written(make_pair: Any, tmp_path: Path) -> None:
    pair = make_pair(
        nodes=[{}, {"home": "/opt/not-here/analytics", "host": "203.0.113.9"}],
        spark={"symbolic_link": str(tmp_path / "link")},
    )
    async with wizard(pair.profile, (110, 50), offline=True) as (app, pilot):
        await pressed(pilot, "f2")
        await on(pilot, Ask)
        assert "Where is node2?" in text_of(app)
        await pilot.click("#there")
        await planned(pilot)
        await until(pilot, lambda: app.pair.prepared is not None)
        labels = [str(node.label) for node in app.screen.branches.root.children]
        assert "node2  on another machine" in labels
        assert await applied(pilot) == "applied", text_of(app)
        text = "\n".join(step_lines(app.screen.steps))
        assert "--node node2" in text and f"scp {pair.profile} 203.0.113.9:" in text
        assert "the environment variable APIM_DB_PASSWORD" in text and "apimha-wizard ansible" in text
    assert configured(pair.homes[0]) and not configured(pair.homes[1])


async def test_an_error_can_be_taken_for_a_warning_where_ignore_could(make_pair: Any) -> None:
    pair = make_pair(nodes=[{}, {"hazelcast_port": 4000}])
    async with wizard(pair.profile, offline=True) as (app, pilot):
        await review(pilot)
        await pressed(pilot, "space")
        await until(pilot, lambda: app.pair.prepared and app.pair.progress.ignore == ["ports.clash"])
        assert await applied(pilot) == "applied"


def everything_logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Textual's devtools would show, were they connected."""
    logged: list[str] = []
    monkeypatch.setattr("textual.app.App._is_devtools_connected", property(lambda self: True))
    monkeypatch.setattr(
        "textual.app.App._log",
        lambda self, group, verbosity, frame, *objects, **kw: logged.append(" ".join(map(repr, objects))),
    )
    return logged


async def test_a_password_that_is_asked_for_is_asked_for_once_and_kept_nowhere(
    make_pair: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = "Geheim-9f3a-zzz"
    logged = everything_logged(monkeypatch)
    pair = make_pair(mysql={"password": {"env": None, "prompt": True}})
    pictures = []
    async with wizard(pair.profile, offline=True) as (app, pilot):
        await on(pilot, Typed)
        await pressed(pilot, "escape")
        await settled(pilot)
        assert app.pair.state("mysql") == "error", "not typed yet"
        assert not isinstance(app.screen, Typed), "it is asked once"
        await pressed(pilot, "f2")
        await on(pilot, Typed)
        await typed(pilot, secret[:4])
        app.post_message(events.Paste(secret[4:]))
        await pilot.pause()
        pictures.append(app.export_screenshot())
        await pressed(pilot, "enter")
        await planned(pilot)
        for node in [*app.screen.branches.root.children]:
            for leaf in node.children:
                app.screen.branches.move_cursor(leaf)
                await pilot.pause()
                pictures.append(app.export_screenshot())
        assert await applied(pilot) == "applied"
        pictures.append(app.export_screenshot())
        await pressed(pilot, "ctrl+q")
    written = (pair.homes[0] / "repository/conf/datasources/master-datasources.xml").read_text("utf-8")
    assert secret in written, "the servers need it"
    assert not any(secret in picture or secret[4:] in picture for picture in pictures)
    assert not any(secret[4:] in line for line in logged)
    folders = (locations.state(), locations.config(), pair.profile.parent)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    for path in (path for path in files if secret.encode() in path.read_bytes()):
        if not any(home in path.parents for home in pair.homes):
            assert locations.state() in path.parents and {"runs", "left"} & set(path.parts)
            assert path.stat().st_mode & 0o077 == 0


async def test_a_password_in_the_clear_never_gets_into_the_log_of_a_form(
    pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = everything_logged(monkeypatch)
    async with wizard(pair.profile) as (app, pilot):
        await pressed(pilot, "ctrl+n")
        await go_to(pilot, "mysql", "password")
        await pressed(pilot, "ctrl+u")
        await typed(pilot, "oops-my-password")
        assert app.pair.draft.value(("mysql", "password")) == {"env": "oops-my-password"}
    assert logged
    assert [line for line in logged if "oops-my" in line] == []


async def test_a_key_does_what_mends_a_finding(make_pair: Any) -> None:
    pair = make_pair(nodes=[{}, {"port_offset": None}])
    async with wizard(pair.profile) as (app, pilot):
        await pressed(pilot, "f8")
        await settled(pilot)
        assert app.pair.state("prerequisites") == "error"
        before = standing(*pair.homes)
        await pressed(pilot, "f4")
        await settled(pilot)
        assert isinstance(app.pair.draft.value(("nodes", 1, "port_offset")), int)
        assert place_of(app) == ("nodes", 1, "port_offset"), "an advanced field is opened"
        await seen(pilot, f"{signs.sign('mark')}Port offset")
        assert "Changed: Port offset of node2 = " in text_of(app) and not app._notifications
        assert not any(one.status == "error" for one in app.pair.findings["ports.clash"])
        await pressed(pilot, "f6")
        assert app.clipboard
        assert standing(*pair.homes) == before


async def test_older_rounds_are_given_up_and_what_they_owe_is_run(
    pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change in the middle of a round neither shows what is out of date nor loses a check."""
    hang = threading.Event()
    real = checks.run
    rounds: list[set[str]] = []

    def run(chosen: Any, context: Any, **more: Any) -> Any:
        chosen = list(chosen)
        rounds.append({one.id for one in chosen})
        if len(rounds) == 1:
            while not context.cancel.is_set():
                hang.wait(0.01)
            return
        yield from real(chosen, context, **more)

    monkeypatch.setattr(checks, "run", run)
    app = opened(pair.profile)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(rounds) == 1 and app.pair.running, "the first round")
        await typed(pilot, "x")
        await settled(pilot)
        assert len(rounds) >= 2
        assert {"hazelcast.host", "mysql.connect"} <= set().union(*rounds[1:])
        assert "mysql.connect" in app.pair.findings


async def test_the_theme_is_remembered(pair: Any) -> None:
    async with wizard(pair.profile) as (app, _):
        app.action_theme()
    assert opened(pair.profile).theme == "apimha-light"


async def test_a_title_names_the_pair_and_is_cut_at_the_left(profile: Path) -> None:
    async with wizard(profile, offline=True) as (app, pilot):
        for title in ("another", "a-name-" * 20 + "end"):
            app.pair.set(("cluster", "name"), title)
            await until(pilot, lambda title=title: f"{title[-20:]}  " in text_of(app).partition("\n")[0])
            await pressed(pilot, "f2")
            await seen(pilot, f"{title[-20:]} → review  ")
            await pressed(pilot, "escape")


@pytest.mark.parametrize("screen", ["runs", "review", "gaps"])
async def test_another_theme_leaves_no_ink_of_the_one_before_and_folds_nothing(
    pair: Any, screen: str
) -> None:
    replayed(pair)
    async with wizard(pair.profile, (120, 40), offline=True) as (app, pilot):
        if screen == "runs":
            await runs_of(pilot)
            await pressed(pilot, "right")
            await seen(pilot, "axis2.xml")
            await pressed(pilot, "down")
            await until(pilot, lambda: app.screen.view._rows, "a diff")
        elif screen == "review":
            await review(pilot)
            await pressed(pilot, "down", "down", "down", "left", "left")
        else:
            app.pair.set(("mysql", "username"), None)
            await settled(pilot)
            await pressed(pilot, "f2")
            await seen(pilot, "Account is required")
        tree = app.screen.branches
        before = [(str(node.label), node.is_expanded) for node, _ in app.screen.lines()], tree.cursor_line
        for now, then in (("light", "dark"), ("dark", "light")):
            app.action_theme()
            await until(pilot, lambda then=then: not INKS[then] & inks(app), f"the colours of {now}")
            assert INKS[now] & inks(app)
            labels = [(str(node.label), node.is_expanded) for node, _ in app.screen.lines()]
            assert (labels, tree.cursor_line) == before


INKS = {
    name: {palette[one] for one in ("primary", "secondary", "error", "success", "quiet")}
    for name, palette in (("dark", DARK), ("light", LIGHT))
}


def styles(app: Any) -> list[Any]:
    """The styles of all that is on the screen."""
    strips = app.screen._compositor.render_strips()
    return [segment.style for strip in strips for segment in strip if segment.style]


def inks(app: Any) -> set[str]:
    """The colours of the letters on the screen."""
    return {
        style.color.triplet.hex for style in styles(app) if style.color is not None and style.color.triplet
    }


async def test_no_color_sends_no_colours(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with wizard(pair.profile) as (app, _):
        shown = styles(app)
        assert not [style for style in shown if style.color is not None or style.bgcolor is not None]
        assert [style for style in shown if style.reverse], "the cursor shows"
        assert signs.WORDS[app.pair.state("prerequisites")] in text_of(app), "a word for the state"


async def test_ascii_where_nothing_else_can_be_shown(pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.signs.ASCII", True)
    async with wizard(pair.profile) as (app, pilot):
        for keys in (("ctrl+n",), ("ctrl+n",), ("ctrl+n", "ctrl+n"), ("f1",), ("escape", "f2")):
            await pressed(pilot, *keys)
            await pilot.pause()
            odd = {character for character in text_of(app) if ord(character) > 126}
            assert not odd, f"{odd} after {keys}\n{text_of(app)}"


@pytest.mark.parametrize(
    ("environ", "encoding", "needed"),
    [
        ({"TERM": "linux", "LANG": "de_DE.UTF-8"}, "utf-8", True),
        ({"TERM": "xterm", "LC_ALL": "C"}, "utf-8", True),
        ({"TERM": "xterm", "LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8", True),
        ({"TERM": "xterm", "LANG": "de_DE"}, "iso8859-1", True),
        ({"TERM": "xterm-256color"}, "utf-8", False),
        ({"TERM": "xterm", "LANG": "C.UTF-8"}, "utf-8", False),
    ],
)
def test_when_ascii_is_needed(environ: dict[str, str], encoding: str, needed: bool) -> None:
    assert signs.needs_ascii(environ, encoding) is needed


async def test_the_palette_has_every_action(pair: Any) -> None:
    async with wizard(pair.profile) as (app, pilot):
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Review", "Next", "Check again", "Leave", "Suspend", "Step: Spark"} <= titles
        for word in ("theme", "roll back", "start", "runs"):
            assert [title for title in titles if word in title.lower()], word
        await pressed(pilot, "ctrl+p")
        await pilot.pause()
        await typed(pilot, "hazel")
        await seen(pilot, "Step: Hazelcast")
        await pressed(pilot, "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, StepScreen) and app.screen.step.id == "hazelcast")


async def test_paths_are_completed_and_say_what_they_are(pair: Any) -> None:
    async with wizard(pair.profile) as (app, pilot):
        await go_to(pilot, "nodes", 0, "home")
        await until(pilot, lambda: "2.0.0" in app.focused.note, "the pack's version")
        await pressed(pilot, "ctrl+e", "ctrl+u")
        await typed(pilot, "analytics-")
        await pressed(pilot, "2")
        await pressed(pilot, "backspace", "2")
        await until(pilot, lambda: app.focused._suggestion.endswith("analytics-2/"), "the completion")
        await pressed(pilot, "right")
        assert app.focused.value == "analytics-2/"
        await until(pilot, lambda: "2.0.0" in app.focused.note)
        await pressed(pilot, "f3")
        await seen(pilot, "analytics-1", "2.0.0")
        await pressed(pilot, "escape")


def test_open_wizard_tells_what_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("[mysql\n", "utf-8")
    with pytest.raises(UsageError, match=r"broken\.toml:1"):
        open_profile(str(path))
    with pytest.raises(UsageError, match="no such file"):
        open_profile(str(tmp_path / "missing.toml"))


async def test_a_command_of_a_profile_from_elsewhere_runs_once_the_user_agrees(
    make_pair: Any, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    command = ["/bin/sh", "-c", f": > {trace}; echo secret"]
    pair = make_pair(mysql={"password": {"env": None, "command": command}})
    async with wizard(pair.profile, (110, 50), offline=True) as (app, pilot):
        await pilot.press("ctrl+n")
        await settled(pilot)
        (found,) = app.pair.findings["prerequisites.secret"]
        assert found.status == "error" and f"profile allow {pair.profile}" in (found.fix or "")
        assert "F4: agree" in text_of(app)
        app.action_verify()  # reads passwords too, so as to hide them in what it shows
        await until(pilot, lambda: "needs your agreement" in text_of(app) or "agree" in text_of(app))
        assert isinstance(app.screen, StepScreen)
        await pilot.resize_terminal(80, 20)
        await pilot.press("f4")
        assert not isinstance(app.screen, Ask), "a part of what would run would be out of sight"
        await pilot.resize_terminal(110, 50)
        for answer in ("escape", "enter"):
            await pilot.press("f4")
            await on(pilot, Ask)
            assert "Do you trust this profile?" in text_of(app)
            assert ": > " in text_of(app) and "driver jar" in text_of(app)
            assert not trace.exists()
            await pilot.press(*(["right"] if answer == "enter" else []), answer)
        await settled(pilot)
        assert trace.exists()
        assert [one.status for one in app.pair.findings["prerequisites.secret"]] == ["ok"]
        assert load(pair.profile).is_agreed
        await fill(pilot, "3307", "mysql", "port")
        await pilot.press("ctrl+n")
        await settled(pilot)
        assert load(pair.profile).profile.mysql.port == 3307
        assert load(pair.profile).is_agreed, "what the wizard saves of an agreed profile stays agreed"


async def test_saving_a_profile_of_unknown_origin_agrees_to_nothing(make_pair: Any) -> None:
    pair = make_pair(mysql={"password": {"env": None, "command": ["/bin/false"]}})
    for size in ((80, 24), (200, 60)):  # also when the draft is taken up again
        async with wizard(pair.profile, size, offline=True) as (_, pilot):
            await fill(pilot, f"named{size[0]}", "nodes", 0, "name")
            await pilot.press("ctrl+q")
    assert load(pair.profile).profile.nodes[0].name == "named200"
    assert not load(pair.profile).is_agreed


async def test_a_file_that_was_replaced_after_it_was_shown_runs_nothing(pair: Any, tmp_path: Path) -> None:
    """What is agreed to is what was shown: another content is judged by itself."""
    async with wizard(pair.profile, offline=True) as (app, pilot):
        app.pair.agree()
        await settled(pilot)
        await review(pilot)
        text = pair.profile.read_text("utf-8")
        command = ["/bin/sh", "-c", f": > {tmp_path}/t"]
        pair.profile.write_text(set_field(text, "mysql.password", {"command": command}), "utf-8")
        assert await applied(pilot) == "refused"
    assert not (tmp_path / "t").exists()


async def test_a_foreign_text_is_shown_escaped_and_commands_nothing(pair: Any, said: Any) -> None:
    evil, shown = "[b]\x1b\u202e", "[b]\\x1b\\u202e"
    said.findings = [Finding("error", evil, remedy=Fix(evil), id="mysql.connect", evidence=evil)]
    async with wizard(pair.profile, (120, 50)) as (app, pilot):
        await pilot.press("ctrl+n")
        await until(pilot, lambda: text_of(app).count(shown) == 2, "the finding and its fix")
        app.say(evil, "error")
        app.push_screen(Ask("A question", f"{evil}\n{evil}", {"no": "no"}))
        await until(pilot, lambda: text_of(app).count(shown) >= 3, "the message and the question")
        app.copy_to_clipboard(f"{evil}\n")
        assert app.clipboard == f"{shown}\n"
        assert not set(evil[-2:]) & set(text_of(app))
