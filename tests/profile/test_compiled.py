"""A valid profile is the same, and an invalid one as invalid, whether the models are loaded for it or not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.profile.test_fuzz_profile import values, whole
from tests.support.profiles import MINIMAL_TEXT, valid_profiles
from wizard.profile import compile, quick, table
from wizard.profile.model import Profile
from wizard.profile.store import examine
from wizard.profile.written import written, written_key
from wizard.secrets import Resolver, Source

FOLDER = Path("/profiles")
many = settings(max_examples=200)


def test_what_is_compiled_is_what_the_models_say() -> None:
    """After a change of the models: `python -m wizard.profile.compile`."""
    assert compile.COMPILED.read_text("utf-8") == compile.compiled()


def toml(tables: dict[str, Any]) -> str:
    return "".join(f"{written_key(key)} = {written(value)}\n" for key, value in tables.items())


def plain(value: Any) -> Any:
    """A profile's tables, references and all, whatever they are made of; each with the name of its class."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (table.Table, Profile)) or hasattr(value, "model_dump"):
        return type(value).__name__, {key: plain(item) for key, item in vars(value).items()}
    return value


def same(text: str) -> bool:
    """Whether both ways agree; gives whether the profile is valid."""
    judged = examine(text, FOLDER)
    found = quick.valid(text, FOLDER)
    if not isinstance(judged, Profile):
        assert found is None
        return False
    assert found is not None
    assert plain(found) == plain(judged)
    return True


@many
@given(raw=valid_profiles())
def test_any_valid_profile(raw: dict[str, Any]) -> None:
    assert same(toml(raw))


@many
@given(raw=whole)
def test_any_tables(raw: dict[str, Any]) -> None:
    same(toml(raw))


@many
@given(raw=valid_profiles(), data=st.data())
def test_one_wrong_value_in_a_valid_profile(raw: dict[str, Any], data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(sorted(raw)))
    value = data.draw(values)
    if isinstance(raw[table], dict) and raw[table]:
        raw[table][data.draw(st.sampled_from(sorted(raw[table])))] = value
    elif isinstance(raw[table], list):
        node = raw[table][data.draw(st.integers(0, 1))]
        node[data.draw(st.sampled_from(sorted(node)))] = value
    else:
        raw[table] = value
    same(toml(raw))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        MINIMAL_TEXT.replace("= 1", "= 2"),
        MINIMAL_TEXT.replace("= 1", "= true"),
        "a." * 40 + "b = 1\n",
    ],
)
def test_what_is_no_profile_of_this_edition(text: str) -> None:
    assert not same(text)


def test_what_a_profile_says_of_itself() -> None:
    found = quick.valid(MINIMAL_TEXT, FOLDER)
    judged = examine(MINIMAL_TEXT, FOLDER)
    assert found is not None
    assert isinstance(judged, Profile)
    assert found.mysql.database_names() == judged.mysql.database_names()
    assert found.datasource_name("event_store") == judged.datasource_name("event_store")
    assert (found.manager.name, found.presenter) == (judged.manager.name, judged.presenter)
    assert found.partner(found.nodes[0]) is found.nodes[1]
    assert found.node("node2") is found.nodes[1]
    with pytest.raises(KeyError):
        found.node("node3")


def test_a_table_is_a_value_that_does_not_change() -> None:
    one, other = (quick.valid(MINIMAL_TEXT, FOLDER) for _ in range(2))
    assert one is not None
    assert one == other
    assert one.mysql != one.pool
    assert repr(one.pool).startswith("Pool(max_active=50, ")
    with pytest.raises(AttributeError, match="Pool is not changed"):
        one.pool.max_active = 1


def test_a_reference_leads_to_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APIM_DB_PASSWORD", "pass")
    found = quick.valid(MINIMAL_TEXT, FOLDER)
    assert found is not None
    assert isinstance(found.mysql.password, Source)
    assert found.mysql.password.describe() == "the environment variable APIM_DB_PASSWORD"
    resolver = Resolver()
    password = resolver.resolve(found.mysql.password, "mysql.password")
    assert password.reveal() == "pass"
    again = quick.valid(MINIMAL_TEXT, FOLDER)
    assert again is not None
    assert resolver.resolve(again.mysql.password, "mysql.password") is password


def test_a_good_profile_needs_none_of_the_models(tmp_path: Path) -> None:
    path = tmp_path / "pair.toml"
    path.write_text(MINIMAL_TEXT)
    code = (
        "import json, sys\nfrom wizard.profile.quick import load\nloaded = load(sys.argv[1])\n"
        "print(json.dumps([loaded.name, sorted(sys.modules)]))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    ).stdout
    name, modules = json.loads(out)
    assert name == "pair"
    assert not {"pydantic", "wizard.profile.model", "wizard.profile.store"} & set(modules)
    path.write_text(MINIMAL_TEXT.replace("host", "hosst", 1))
    ran = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert "did you mean host?" in ran.stderr


def in_a_new_process(code: str) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.split()


def test_the_core_is_loaded_once_and_without_its_descriptions() -> None:
    alone = "from wizard.profile.core import core\nimport sys\nprint(core().__name__, *sys.modules)"
    name, *modules = in_a_new_process(alone)
    assert name == "pydantic_core._pydantic_core"
    assert not {"pydantic_core", "pydantic_core.core_schema", "typing_extensions"} & set(modules)
    both = "from wizard.profile.core import core\nmine = core()\nimport pydantic_core\n"
    same = "print(mine.SchemaValidator is pydantic_core.SchemaValidator, core() is mine)"
    assert in_a_new_process(both + same) == ["True", "True"]


def test_a_core_that_is_built_otherwise_is_taken_as_the_package() -> None:
    hidden = (
        "from importlib.machinery import PathFinder\nreal = PathFinder.find_spec\n"
        "PathFinder.find_spec = staticmethod(lambda name, path=None, target=None:"
        " None if name.startswith('pydantic_core') and not started else real(name, path, target))\n"
        "started = False\nfrom wizard.profile import core\n"
        "found = core.PathFinder.find_spec('pydantic_core')\n"
        "import builtins\nplain = builtins.__import__\n"
        "def importing(*words, **more):\n    global started\n    started = True\n    return plain(*words, **more)\n"
        "builtins.__import__ = importing\nprint(found, core.core().__name__)"
    )
    assert in_a_new_process(hidden) == ["None", "pydantic_core"]
