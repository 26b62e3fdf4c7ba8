"""The template of `profile new`, `profile show`, and the JSON Schema."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given

from tests.support.cli import ROOT, process
from tests.support.profiles import MINIMAL, valid_profiles
from wizard.profile.fields import keys, tables
from wizard.profile.model import Profile
from wizard.profile.store import ProfileError, examine, load, parse
from wizard.profile.template import new_template, schema, show

FOLDER = Path("/profiles")


class TestTemplate:
    def test_it_is_toml_and_lacks_only_what_is_required(self):
        with pytest.raises(ProfileError) as failure:
            parse(new_template(), FOLDER / "x.toml")
        assert {one.kind for one in failure.value.mistakes} == {"missing"}
        nodes = [f"nodes.{node}.{key}" for node in (0, 1) for key in ("name", "home", "host")]
        fields = ["mysql.host", "mysql.username", "mysql.password", *nodes]
        assert [one.field for one in failure.value.mistakes] == fields

    def test_it_is_valid_when_the_lines_marked_required_or_all_others_are_filled_in(self):
        text = re.sub(r"^# (.* = .*)   # required$", r"\1", new_template(), flags=re.MULTILINE)
        assert examine(text, FOLDER) == Profile.model_validate(MINIMAL)
        text = re.sub(r"^# ([a-z_]+ = .*)$", r"\1", new_template(), flags=re.MULTILINE)
        found = examine(text, FOLDER)
        assert isinstance(found, Profile) and found.nodes[0].port_offset == 1

    def test_every_key_stands_in_it_with_its_help(self):
        text = new_template()
        assert max(map(len, text.splitlines())) <= 110
        for key in keys().values():
            assert re.search(rf"^(# )?{key.name} = ", text, re.MULTILINE)
            assert f"# {key.help}\n" in text


class TestShow:
    def test_it_loads_to_the_same_profile(self):
        loaded = load(ROOT / "tests/profiles_of_old/1-full.toml")
        assert parse(show(loaded.profile), Path("/elsewhere/x.toml")).profile == loaded.profile
        text = show(Profile.model_validate(MINIMAL))
        for line in ('# event_store = "WSO2_ANALYTICS_EVENT_STORE_DB"', '# manager = "node1"'):
            assert line in text, "what follows from other keys"

    @given(raw=valid_profiles())
    def test_any_profile_survives_being_shown(self, raw):
        profile = Profile.model_validate(raw, context={"folder": FOLDER})
        assert parse(show(profile), FOLDER / "x.toml").profile == profile


class TestSchema:
    made = schema()

    def property(self, dotted):
        node = self.made
        for part in dotted.split("."):
            node = node["properties"][part]
            node = node["items"] if part == "nodes" else node
            if "$ref" in node:
                node = {**self.made["$defs"][node["$ref"].rpartition("/")[2]], **node}
        return node

    def test_label_help_and_default_are_those_of_the_model_and_tables_are_closed(self):
        for key in keys().values():
            found = self.property(key.key)
            assert (found["title"], found["description"]) == (key.title, key.help)
            assert found.get("default") == key.default
        for name in tables():
            assert (self.property(name) if name else self.made)["additionalProperties"] is False

    def test_what_is_required_and_what_values_may_be(self):
        assert '"null"' not in json.dumps(self.made)
        assert self.made["required"] == ["schema_version", "mysql", "nodes"]
        assert self.property("mysql")["required"] == ["host", "username", "password"]
        assert self.property("nodes")["required"] == ["name", "home", "host"]
        nodes, port = self.made["properties"]["nodes"], self.property("mysql.port")
        assert (nodes["minItems"], nodes["maxItems"]) == (2, 2)
        assert (port["minimum"], port["maximum"]) == (1, 65535)
        assert self.property("mysql.provisioning")["enum"] == ["wizard", "server", "dba"]
        assert len(self.property("mysql.password")["oneOf"]) == 5
        assert len(self.property("mysql.admin_password")["oneOf"]) == 5

    def test_it_is_printed_as_it_is_documented_by_every_version_of_pydantic(self):
        # In a process of its own: here other tests have built the models already.
        printed = process("profile", "schema").out
        assert printed == (ROOT / "docs/reference/profile.schema.json").read_text("utf-8")

    def test_the_patterns_are_those_of_every_regular_expression_engine(self):
        found = re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(self.made))
        assert found
        for pattern in map(json.loads, found):
            re.compile(pattern)
            assert "\\u{" not in pattern
