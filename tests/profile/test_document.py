"""One value changes and every other byte of a profile stays."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.profiles import MINIMAL_TEXT, get_field, valid_profiles
from wizard.profile.document import lookup, set_field, unset_field, written
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
    return [
        line
        for line in difflib.ndiff(old.splitlines(keepends=True), new.splitlines(keepends=True))
        if line[0] in "+-"
    ]


class TestSetting:
    def test_a_value_that_is_there(self):
        new = set_field(TEXT, "mysql.host", "db")
        assert diff(TEXT, new) == ['-   host = "10.100.0.10"\t# a tab\n', '+   host = "db"\t# a tab\n']

    def test_the_value_that_is_there_already_changes_nothing(self):
        assert set_field(TEXT, "mysql.host", "10.100.0.10") is TEXT
        assert set_field(TEXT, "mysql.password", {"env": "A"}) is TEXT

    def test_true_is_not_1(self):
        assert get_field(set_field(TEXT, "schema_version", True), "schema_version") is True

    def test_a_commented_sample_becomes_the_line(self):
        new = set_field(TEXT, "mysql.charset", "utf8")
        assert diff(TEXT, new) == [
            '-   # charset = "latin1"      # for 5.6\n',
            '+   charset = "utf8"      # for 5.6\n',
        ]

    def test_a_new_key_goes_behind_the_last_of_its_table(self):
        new = set_field(TEXT, "mysql.port", 3307)
        assert diff(TEXT, new) == ["+ port = 3307\n"]
        assert 'password = { env = "A" }\nport = 3307\n\n# The heading' in new

    def test_a_new_key_in_a_table_without_any(self):
        new = set_field(TEXT, "spark.master_count", 1)
        assert "[spark]\nmaster_count = 1\n# nothing set\n" in new

    def test_a_new_key_of_a_node(self):
        new = set_field(TEXT, "nodes.0.port_offset", 2)
        assert 'name = "node1"\nport_offset = 2\n\n[[nodes]]' in new

    def test_a_new_key_behind_a_value_of_several_lines(self):
        new = set_field(TEXT, "nodes.1.port_offset", 2)
        assert '  "a",\n]\nport_offset = 2\n# the end' in new

    def test_a_new_key_at_the_top(self):
        new = set_field(TEXT, "title", "x")
        assert "schema_version = 1   # the first\ntitle" in new

    def test_a_new_table(self):
        new = set_field(TEXT, "pool.max_active", 9)
        assert new == TEXT + "\n\n[pool]\nmax_active = 9\n"

    def test_a_table_within_a_table(self):
        new = set_field(TEXT, "mysql.databases.user", "u")
        assert new.endswith('[mysql.databases]\nuser = "u"\n')

    def test_a_node_that_is_not_there_yet(self):
        new = set_field("", "nodes.0.name", "a")
        new = set_field(new, "nodes.1.name", "b")
        assert new == '[[nodes]]\nname = "a"\n\n[[nodes]]\nname = "b"\n'

    def test_a_node_before_which_one_is_missing_is_refused(self):
        with pytest.raises(WizardError):
            set_field("", "nodes.1.name", "b")

    def test_a_key_within_an_inline_table(self):
        new = set_field(TEXT, ("mysql", "url_parameters", "a.b"), "x")
        assert 'url_parameters = { useSSL = "false", "a.b" = "x" } # why' in new

    def test_a_reference(self):
        new = set_field(TEXT, "mysql.password", {"command": ["pass", 'a "b"']})
        assert 'password = { command = ["pass", "a \\"b\\""] }\n' in new

    def test_a_table_with_a_header_key_by_key(self):
        text = '[mysql]\nport = 1\n[mysql.password]\n# why\nenv = "A"\n'
        new = set_field(text, "mysql.password", {"file": "x"})
        assert tomllib.loads(new) == {"mysql": {"port": 1, "password": {"file": "x"}}}
        assert "# why" in new

    def test_dotted_keys_stay_dotted(self):
        new = set_field('mysql.host = "a"\n', "mysql.port", 1)
        assert new == 'mysql.host = "a"\nmysql.port = 1\n'

    def test_a_path_is_text(self):
        assert get_field(set_field(TEXT, "nodes.0.home", Path("/a b")), "nodes.0.home") == "/a b"

    def test_in_the_way(self):
        for field in ("schema_version.x", "mysql.host.x", "mysql.0", "nodes.name"):
            with pytest.raises(WizardError):
                set_field(TEXT, field, 1)

    def test_text_that_looks_like_a_sample_in_a_long_string_is_left_alone(self):
        text = '[mysql]\nnote = """\n# charset = "x"\n"""\n'
        new = set_field(text, "mysql.charset", "y")
        assert new == text + 'charset = "y"\n'

    def test_crlf(self):
        text = TEXT.replace("\n", "\r\n")
        for field, value in (
            ("mysql.port", 1),
            ("mysql.charset", "x"),
            ("pool.max_active", 2),
            ("spark.x", 1),
        ):
            new = set_field(text, field, value)
            assert new.count("\n") == new.count("\r\n")
            assert get_field(new, field) == value

    def test_nothing_else_moves_for_any_key_of_the_template(self):
        """Every key that is commented in `profile new` is set on its own line."""
        from wizard.profile.fields import keys

        text = new_template()
        for key in keys().values():
            name = key.key.replace("nodes.", "nodes.1.")
            if get_field(text, name) is None:
                gone, come = diff(text, set_field(text, name, key.example(1)))
                assert gone.startswith(f"- # {key.name} = ")
                assert come.startswith(f"+ {key.name} = ")


class TestTakingOut:
    def test_a_line_becomes_a_comment(self):
        new = unset_field(TEXT, "mysql.host")
        assert '  # host = "10.100.0.10"\t# a tab\n' in new
        assert get_field(new, "mysql.host") is None

    def test_and_comes_back(self):
        for field in ("mysql.host", "schema_version", "nodes.0.name"):
            value = get_field(TEXT, field)
            assert set_field(unset_field(TEXT, field), field, value) == TEXT

    def test_a_value_of_several_lines_goes(self):
        assert "no home" not in unset_field(TEXT, "nodes.1.home")

    def test_out_of_an_inline_table(self):
        new = unset_field(TEXT, "mysql.url_parameters.useSSL")
        assert "url_parameters = {} # why" in new

    def test_what_is_not_there(self):
        assert unset_field(TEXT, "mysql.port") is TEXT
        assert unset_field(TEXT, "a.b.c") is TEXT

    def test_a_whole_table_key_by_key(self):
        new = unset_field(TEXT, "mysql")
        assert tomllib.loads(new)["mysql"] == {}
        assert "[mysql]" in new

    def test_a_dotted_key(self):
        assert unset_field("a.b = 1\n", "a.b") == "# a.b = 1\n"


def edits():
    fields = st.sampled_from(
        [
            "mysql.host",
            "mysql.port",
            "mysql.password",
            "mysql.databases.user",
            "mysql.url_parameters",
            "datasources.event_store",
            "pool.max_active",
            "spark.symbolic_link",
            "deployment_sync.method",
            "nodes.0.name",
            "nodes.1.port_offset",
            "schema_version",
        ]
    )
    texts = st.text(st.characters(codec="utf-8"), max_size=20)
    values = st.one_of(
        texts,
        st.integers(-(2**62), 2**62),
        st.booleans(),
        st.lists(texts, max_size=3),
        st.dictionaries(texts, texts, max_size=3),
    )
    return st.lists(st.tuples(fields, st.one_of(values, st.none())), max_size=12)


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
        assert _others(before, place) == _others(after, place)
    comments = [line for line in start.splitlines() if line.startswith("# ") and " = " not in line]
    assert all(line in text.splitlines() for line in comments)


def _others(tables, place):
    """Everything but what stands at `place`, without empty tables."""

    def pruned(value, here):
        if here == place:
            return None
        if isinstance(value, dict):
            inner = {key: pruned(item, (*here, key)) for key, item in value.items()}
            return {key: item for key, item in inner.items() if item not in (None, {}, [])}
        if isinstance(value, list):
            inner = [pruned(item, (*here, number)) for number, item in enumerate(value)]
            return [item for item in inner if item not in (None, {}, [])]
        return (type(value).__name__, value)

    return pruned(tables, ())


@given(raw=valid_profiles())
def test_a_profile_can_be_written_field_by_field_into_the_template(raw):
    """As the wizard does: every value set one by one into the text of `profile new` is the same profile."""

    values = ("password", "admin_password", "svn_password", "url_parameters")

    def leaves(value, place=()):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, dict | list) and key not in values:
                yield from leaves(item, (*place, key))
            else:
                yield (*place, key), item

    text = new_template()
    for place, value in leaves(raw):
        text = set_field(text, place, value)
    tables = tomllib.loads(text)
    for place, value in leaves(raw):
        assert lookup(tables, place) == value


@given(
    st.recursive(
        st.one_of(
            st.text(st.characters(codec="utf-8")),
            st.booleans(),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False),
        ),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_any_value_is_written_as_toml_on_one_line_that_a_terminal_may_see(value):
    text = written(value)
    assert tomllib.loads(f"value = {text}")["value"] == value
    assert text.isprintable()


def test_what_toml_has_not_is_refused():
    with pytest.raises(TypeError):
        written(None)
