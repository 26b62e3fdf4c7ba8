"""No key is ever lost: typing into every kind of field, while the machine is loaded and checks wait for answers.

In a real terminal, at 8 ms and at 30 ms a key; and by a pilot that refreshes between each key and its message.
`make test` types five values at each speed, `make typing` (APIMHA_TYPING=50) fifty.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual import events

from screens.model.draft import open_profile
from tests.support import listeners
from tests.support.driving import go_to, place_of
from tests.support.process import Process
from tests.support.screens import PROFILE, pressed, settled, typed, wizard
from wizard.profile.document import set_field

VALUES = int(os.environ.get("APIMHA_TYPING", "5"))
LETTERS = "abcdefghijklmnopqrstuvwxyz"
FIELDS = ("home", "host", "home", "host", "driver_jar")
"""The fields of the first step, in the order of Tab."""


@pytest.fixture
def busy() -> Iterator[None]:
    """Three processes that take all of the processors they get."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    yield
    for one in running:
        one.kill()
        one.wait()


@pytest.fixture
def black_hole() -> Iterator[int]:
    with listeners.black_hole() as port:
        yield port


def value_for(field: str, letters: random.Random) -> str:
    word = "".join(letters.choices(LETTERS, k=12))
    return f"{word}.example" if field == "host" else f"/nowhere/{word}"


@pytest.mark.parametrize("pause", [0.008, 0.030])
def test_every_key_arrives_in_a_real_terminal(
    tmp_path: Path, environ: dict[str, str], black_hole: int, busy: None, pause: float
) -> None:
    """The draft, the form and the last verdict are about what was typed, field by field, with Tab between them."""
    profile = tmp_path / "analytics.toml"
    profile.write_text(set_field(PROFILE, "mysql.port", black_hole), "utf-8")
    letters = random.Random(pause)
    with Process([sys.executable, "-m", "wizard", str(profile)], environ) as process:
        process.until(lambda text: "step 1 of 8" in text)
        for _ in range(max(1, VALUES // len(FIELDS))):
            values = [value_for(field, letters) for field in FIELDS]
            for value in values:
                for key in ["\x05\x15", *value, "\t"]:
                    process.press(key.encode())
                    time.sleep(pause)
            process.press(b"\x1b[Z" * len(FIELDS))
            expected = {
                "nodes": [{"home": values[0], "host": values[1]}, {"home": values[2], "host": values[3]}]
            }
            held = until_draft(profile, expected, values[4], process)
            assert held == (expected, values[4])
            process.press(b"\x1bOP")  # the help covers the screen, which is painted anew without it
            process.until(lambda text: "Esc closes" in text)
            process.forget()
            process.press(b"\x1b")
            verdict = f"node1: {values[0]}"
            process.until(lambda text, verdict=verdict: verdict in text.partition("Checks")[2])  # type: ignore[misc]


def until_draft(
    profile: Path, nodes: dict[str, Any], jar: str, process: Process
) -> tuple[dict[str, Any], str]:
    """What the draft holds when it is as expected, else what it holds after a while."""
    deadline = time.monotonic() + 60
    while True:
        process.forget()
        tables = tomllib.loads(open_profile(str(profile)).draft.text)
        held = {"nodes": [{key: node.get(key) for key in ("home", "host")} for node in tables["nodes"]]}
        found = held, tables["mysql"].get("driver_jar", "")  # none of them while it is typed anew
        if found == (nodes, jar) or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


async def test_a_refresh_between_a_key_and_its_message_loses_nothing(
    profile: Path, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind of field: a text, a number, a profile, a choice, and a reference to a password."""
    monkeypatch.setattr("screens.model.pair.SETTLE", 0.0)
    async with wizard(profile) as (app, pilot):

        async def type_with_refreshes(text: str) -> None:
            for key in text:
                await app.focused._on_key(events.Key(key, key))
                app.screen._show_pair()  # before the field's message has come to the screen
            await settled(pilot)

        await go_to(pilot, "nodes", 0, "host")
        await pressed(pilot, "ctrl+u")
        await type_with_refreshes("nohost.example")
        assert app.pair.draft.value(("nodes", 0, "host")) == "nohost.example" == app.focused.value
        await go_to(pilot, "nodes", 1, "port_offset")
        await type_with_refreshes("31")
        assert app.pair.draft.value(("nodes", 1, "port_offset")) == 31
        assert app.pair.profile.nodes[1].port_offset == 31, "the last verdict is about the last value"
        await pressed(pilot, "ctrl+n")
        await settled(pilot)
        await go_to(pilot, "mysql", "password")
        await pressed(pilot, "ctrl+u")
        await type_with_refreshes("OTHER_VARIABLE")
        assert app.pair.draft.value(("mysql", "password")) == {"env": "OTHER_VARIABLE"}
        await go_to(pilot, "mysql", "provisioning")
        for _ in range(2):
            await pressed(pilot, "right")
            app.screen._show_pair()
        await settled(pilot)
        assert app.pair.draft.value(("mysql", "provisioning")) == "dba"
        assert app.pair.at_rest and app.pair.profile.mysql.provisioning == "dba"


async def test_what_is_typed_behind_tab_is_for_the_next_field(profile: Path, said: Any) -> None:
    async with wizard(profile) as (app, pilot):
        await go_to(pilot, "nodes", 0, "host")
        await pressed(pilot, "x", "tab", "y", "enter", "z")
        await settled(pilot)
        assert app.pair.draft.value(("nodes", 0, "host")) == "10.100.0.46x"
        assert str(app.pair.draft.value(("nodes", 1, "home"))).endswith("analytics-2y")
        assert place_of(app) == ("nodes", 1, "host")
        await typed(pilot, "9")
        await settled(pilot)
        assert app.pair.draft.value(("nodes", 1, "host")) == "10.100.0.47z9"
