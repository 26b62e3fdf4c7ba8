"""Where things stand in a TOML file."""

from __future__ import annotations

import tomllib

import pytest

from wizard.profile.document import Layout, lookup

TEXT = '''\
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
    tables = tomllib.loads(TEXT)

    def test_the_line_of_each(self):
        layout = Layout(TEXT)
        lines = {".".join(map(str, place)): layout.line(place) for place in places(self.tables)}
        expected = LINES.replace("\n", " ").split()
        assert [f"{place.replace(' ', '_')}:{line}" for place, line in lines.items()] == expected

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_the_span_of_each_value_holds_that_value(self, newline):
        text = TEXT.replace("\n", newline)
        tables = tomllib.loads(text)
        entries = Layout(text).entries
        assert entries
        for place, entry in entries.items():
            value = tomllib.loads(f"v = {text[entry.value_start : entry.value_end]}")["v"]
            assert value == lookup(tables, place)

    def test_the_body_of_a_table_ends_where_the_next_begins(self):
        layout = Layout(TEXT)
        end = layout.body(("nodes", 0))[1]
        assert TEXT[end:].startswith("[nodes.sub]")
        assert TEXT[layout.body(())[1] :].startswith("[table]  #")
        assert layout.body(("table", "sub", "deeper"))[1] == len(TEXT)

    def test_what_is_missing_is_at_its_table_or_at_the_end(self):
        layout = Layout(TEXT)
        assert layout.line(("nodes", 1, "missing")) == 27
        assert layout.line(("table", "sub", "x", "y")) == 20
        assert layout.line(("missing",)) == 34


BROKEN = [
    "",
    "\n",
    "x",
    "=",
    "[",
    "[[",
    "a.",
    "a = ",
    *("a = " + end for end in ("{", "[}", "[#", "{]", "[", '"', "'''")),
]


@pytest.mark.parametrize("text", [*BROKEN, '"', "a = " + "[" * 100000])
def test_broken_text_gives_no_error(text):
    assert Layout(text).line(("a",)) == 1
