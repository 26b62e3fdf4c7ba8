"""Where each key of a profile is, and that one value changes while every other byte stays."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.profiles import MINIMAL_TEXT, get_field
from wizard.profile.document import Layout, lookup, set_field, unset_field, written
from wizard.profile.fields import keys
from wizard.profile.template import new_template
from wizard.system.errors import WizardError

TEXT = """\
# About this pair

schema_version = 1   # the first

[mysql]
  host = "10.100.0.10"	# a tab
  # charset = "latin1"      # for 5.6
  # not a sample
url_parameters = { useSSL = "false" } # why
password = { env = "A" }

# The heading of the next table
[spark]
# nothing set

[[nodes]]
name = "node1"

[[nodes]]
name = "node2"
home = [ # no home
  "a",
]
# the end"""


def diff(old, new):
    """The lines that went and came."""
    lines = difflib.ndiff(old.splitlines(keepends=True), new.splitlines(keepends=True))
    return [line for line in lines if line[0] in "+-"]


# fmt: off
SET = [
    ("mysql.host", "db", '-   host = "10.100.0.10"\t# a tab\n', '+   host = "db"\t# a tab\n'),
    ("mysql.charset", "utf8", '-   # charset = "latin1"      # for 5.6\n', '+   charset = "utf8"      # for 5.6\n'),
    ("mysql.password", {"command": ["pass", 'a "b"']}, '- password = { env = "A" }\n',
        '+ password = { command = ["pass", "a \\"b\\""] }\n'),
    (("mysql", "url_parameters", "a.b"), "x", '- url_parameters = { useSSL = "false" } # why\n',
        '+ url_parameters = { useSSL = "false", "a.b" = "x" } # why\n'),
    ("nodes.1.home", Path("/a b"), "- home = [ # no home\n", '-   "a",\n', "- ]\n", '+ home = "/a b"\n'),
]
ADDED = [
    (TEXT, "mysql.port", 3307, 'password = { env = "A" }\nport = 3307\n\n# The heading'),
    (TEXT, "spark.master_count", 1, "[spark]\nmaster_count = 1\n# nothing set\n"),
    (TEXT, "nodes.0.port_offset", 2, 'name = "node1"\nport_offset = 2\n\n[[nodes]]'),
    (TEXT, "nodes.1.port_offset", 2, '  "a",\n]\nport_offset = 2\n# the end'),
    (TEXT, "title", "x", 'schema_version = 1   # the first\ntitle = "x"\n'),
    (TEXT, "pool.max_active", 9, "# the end\n\n[pool]\nmax_active = 9\n"),
    (TEXT, "mysql.databases.user", "u", '\n\n[mysql.databases]\nuser = "u"\n'),
    ('[[nodes]]\nname = "a"\n', "nodes.1.name", "b", 'name = "a"\n\n[[nodes]]\nname = "b"\n'),
    ('mysql.host = "a"\n', "mysql.port", 1, 'mysql.host = "a"\nmysql.port = 1\n'),
    ('[mysql]\nnote = """\n# charset = "x"\n"""\n', "mysql.charset", "y", '# charset = "x"\n"""\ncharset = "y"\n'),
    ("[spark]", "spark.master_count", 1, "[spark]\nmaster_count = 1\n"),
]
# fmt: on


class TestSetting:
    @pytest.mark.parametrize(("field", "value", "changes"), [(one[0], one[1], [*one[2:]]) for one in SET])
    def test_only_the_line_of_the_value_changes(self, field, value, changes):
        assert sorted(diff(TEXT, set_field(TEXT, field, value))) == sorted(changes)

    @pytest.mark.parametrize(("text", "field", "value", "place"), ADDED)
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_a_new_value_gets_a_line_in_its_table_or_a_table(self, text, field, value, place, newline):
        new = set_field(text.replace("\n", newline), field, value)
        if "\n" in text:
            assert new.count("\n") == new.count(newline)
        plain = new.replace("\r\n", "\n")
        assert place in plain
        assert [line for line in diff(text, plain) if line[0] == "-" and line[2:].strip() not in text] == []
        assert get_field(new, field) == value

    def test_a_table_with_a_header_key_by_key(self):
        text = '[mysql]\nport = 1\n[mysql.password]\n# why\nenv = "A"\n'
        new = set_field(text, "mysql.password", {"file": "x"})
        assert tomllib.loads(new) == {"mysql": {"port": 1, "password": {"file": "x"}}}
        assert "# why" in new

    def test_what_is_there_already_changes_nothing_and_what_cannot_be_is_an_error(self):
        assert set_field(TEXT, "mysql.host", "10.100.0.10") is TEXT
        assert set_field(TEXT, "mysql.password", {"env": "A"}) is TEXT
        assert get_field(set_field(TEXT, "schema_version", True), "schema_version") is True
        for field in ("schema_version.x", "mysql.host.x", "mysql.0", "nodes.name", "nodes.3.name"):
            with pytest.raises(WizardError):
                set_field(TEXT, field, 1)
        with pytest.raises(TypeError):
            written(None)

    def test_nothing_else_moves_for_any_key_of_the_template(self):
        """Every key that is commented in `profile new` is set on its own line."""
        text = new_template()
        for key in keys().values():
            name = key.key.replace("nodes.", "nodes.1.")
            if get_field(text, name) is None:
                gone, come = diff(text, set_field(text, name, key.example(1)))
                assert gone.startswith(f"- # {key.name} = ")
                assert come.startswith(f"+ {key.name} = ")


class TestTakingOut:
    @pytest.mark.parametrize("field", ["mysql.host", "schema_version", "nodes.0.name"])
    def test_a_line_becomes_a_comment_and_comes_back(self, field):
        gone, come = diff(TEXT, new := unset_field(TEXT, field))
        assert come.replace("# ", "", 1)[1:] == gone[1:]
        assert get_field(new, field) is None
        assert set_field(new, field, get_field(TEXT, field)) == TEXT

    def test_several_lines_go_and_an_inline_table_and_dotted_keys_stay(self):
        assert "no home" not in unset_field(TEXT, "nodes.1.home")
        assert "url_parameters = {} # why" in unset_field(TEXT, "mysql.url_parameters.useSSL")
        assert unset_field("a.b = 1\n", "a.b") == "# a.b = 1\n"
        assert unset_field(TEXT, "mysql.port") is unset_field(TEXT, "a.b.c") is TEXT
        new = unset_field(TEXT, "mysql")
        assert tomllib.loads(new)["mysql"] == {}
        assert "[mysql]" in new


PLACES = '''\
# [not.a.table]
top = 1
"quoted key" = { a = 1, "b.c" = [1, { d = 2 }] } # trailing
dotted . inner = "x # no comment = [no]"

[table]  # [[nodes]]
long = """
[not.a.table]
key = "not one" \\""" ""
""""
literal = \'\'\'
c = 1\'\'\'\'
array = [ # one
  1, "]", # two ]
  [ 3, 4 ],
  { e = 5 }
]
after = 1979-05-27 07:32:00

  [table.sub]
  deep = true

[[nodes]]
a = 1
[nodes.sub]
b = 2
[[nodes]]
a = 3
[[nodes.inner]]
c = 4
[[nodes.inner]]
c = 5
[table.sub.deeper]
f = 6'''


LINES = """
top:2 quoted_key.a:3 quoted_key.b.c.0:3 quoted_key.b.c.1.d:3 quoted_key.b.c.1:3 quoted_key.b.c:3 quoted_key:3
dotted.inner:4 dotted:4 table.long:7 table.literal:11 table.array.0:14 table.array.1:14 table.array.2.0:15
table.array.2.1:15 table.array.2:15 table.array.3.e:16 table.array.3:16 table.array:13 table.after:18
table.sub.deep:21 table.sub.deeper.f:34 table.sub.deeper:33 table.sub:20 table:6
nodes.0.a:24 nodes.0.sub.b:26 nodes.0.sub:25 nodes.0:23 nodes.1.a:28 nodes.1.inner.0.c:30 nodes.1.inner.0:29
nodes.1.inner.1.c:32 nodes.1.inner.1:31 nodes.1.inner:29 nodes.1:27 nodes:23
"""


def places(value, place=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*place, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*place, number))
    if place:
        yield place


class TestEveryPlace:
    tables = tomllib.loads(PLACES)

    def test_the_line_of_each(self):
        layout = Layout(PLACES)
        lines = {".".join(map(str, place)): layout.line(place) for place in places(self.tables)}
        expected = LINES.replace("\n", " ").split()
        assert [f"{place.replace(' ', '_')}:{line}" for place, line in lines.items()] == expected

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_the_span_of_each_value_holds_that_value(self, newline):
        text = PLACES.replace("\n", newline)
        tables = tomllib.loads(text)
        entries = Layout(text).entries
        assert entries
        for place, entry in entries.items():
            value = tomllib.loads(f"v = {text[entry.value_start : entry.value_end]}")["v"]
            assert value == lookup(tables, place)

    def test_the_body_of_a_table_ends_where_the_next_begins(self):
        layout = Layout(PLACES)
        end = layout.body(("nodes", 0))[1]
        assert PLACES[end:].startswith("[nodes.sub]")
        assert PLACES[layout.body(())[1] :].startswith("[table]  #")
        assert layout.body(("table", "sub", "deeper"))[1] == len(PLACES)
        missing = (("nodes", 1, "missing"), ("table", "sub", "x", "y"), ("missing",))
        assert list(map(layout.line, missing)) == [27, 20, 34], "at its table, or at the end"


def test_broken_text_gives_no_error():
    ends = ["", "{", "[}", "[#", "{]", "[", '"', "'''", "[" * 100_000]
    for text in ("", "\n", "x", "=", "[", "[[", "a.", '"', *("a = " + end for end in ends)):
        assert Layout(text).line(("a",)) == 1


FIELDS = """mysql.host mysql.port mysql.password mysql.databases.user mysql.url_parameters datasources.event_store
    pool.max_active spark.symbolic_link deployment_sync.method nodes.0.name nodes.1.port_offset schema_version"""


def edits():
    texts = st.text(st.characters(codec="utf-8"), max_size=20)
    scalars = (st.none(), texts, st.integers(-(2**62), 2**62), st.booleans())
    values = st.one_of(*scalars, st.lists(texts, max_size=3), st.dictionaries(texts, texts, max_size=3))
    return st.lists(st.tuples(st.sampled_from(FIELDS.split()), values), max_size=12)


@pytest.mark.parametrize(
    "start", [TEXT, MINIMAL_TEXT, new_template(), ""], ids=["text", "minimal", "template", "empty"]
)
@given(edits=edits())
def test_any_edits_mean_what_was_wanted_and_keep_all_comments(start, edits):
    """After any row of edits each field holds what was set last, and every comment of the start is still there."""
    text = start
    for field, value in edits:
        before = tomllib.loads(text)
        try:
            text = unset_field(text, field) if value is None else set_field(text, field, value)
        except WizardError:
            continue  # a node after a missing one, or something in the way
        after = tomllib.loads(text)
        place = tuple(int(part) if part.isdigit() else part for part in field.split("."))
        if value is None:
            assert get_field(text, field) in (None, {})
        else:
            assert get_field(text, field) == value
        assert others(before, place) == others(after, place)
    comments = [line for line in start.splitlines() if line.startswith("# ") and " = " not in line]
    assert all(line in text.splitlines() for line in comments)


def others(tables, place):
    """The values that are no tables or lists, but for what is at `place`."""
    found = {one: lookup(tables, one) for one in places(tables) if one[: len(place)] != place}
    return {one: (type(value), value) for one, value in found.items() if not isinstance(value, dict | list)}


texts = st.text(st.characters(codec="utf-8"))
scalars = st.one_of(texts, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))


@given(st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=10))
def test_any_value_is_written_as_toml_on_one_line_that_a_terminal_may_see(value):
    text = written(value)
    assert tomllib.loads(f"value = {text}")["value"] == value
    assert text.isprintable()
