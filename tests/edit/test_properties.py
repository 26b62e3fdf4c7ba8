"""Spark's defaults: what is read, what is changed, what is kept, and that Java reads them the same way."""

from __future__ import annotations

import base64
import random
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.headless import PACKS
from tests.support.need import need
from wizard.edit.edits import Note
from wizard.edit.settings import PropertiesDocument
from wizard.passwords.secret import Secret
from wizard.system.errors import EditError

READER = Path(__file__).resolve().parent.parent / "support" / "PropertiesReader.java"


def document(text: str | bytes) -> PropertiesDocument:
    return PropertiesDocument(text.encode() if isinstance(text, str) else text, "spark-defaults.conf")


def values(source: bytes | str) -> dict[str, str | None]:
    read = document(source)
    return {key: read.get(key) for key in read.counting}


def set_in(source: str | bytes, key: str, value: str) -> bytes:
    edited = document(source)
    edited.set(key, value)
    return edited.result()


class TestStockFiles:
    @pytest.fixture(params=PACKS)
    def stock(self, packs: Path, request: pytest.FixtureRequest) -> bytes:
        return (packs / request.param / "repository/conf/analytics/spark/spark-defaults.conf").read_bytes()

    def test_the_step_s_edits_change_two_lines(self, stock: bytes) -> None:
        edited = document(stock)
        edited.set("carbon.spark.master", "local")
        edited.set("carbon.spark.master.count", "2")
        before, after = stock.splitlines(True), edited.result().splitlines(True)
        different = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
        assert different == [(b"carbon.spark.master.count  1\n", b"carbon.spark.master.count  2\n")]
        assert [edit.text for edit in edited.edits] == ["carbon.spark.master.count: 1 → 2"]

    def test_the_symbolic_link_goes_behind_the_last_live_line_of_its_prefix(self, stock: bytes) -> None:
        result = set_in(stock, "carbon.das.symbolic.link", "/opt/analytics/")
        last = b"carbon.spark.results.limit 1000\n"
        assert result == stock.replace(last, last + b"carbon.das.symbolic.link /opt/analytics/\n")
        assert set_in(result, "carbon.das.symbolic.link", "/opt/analytics/") is result

    def test_every_key_can_be_changed_alone(self, stock: bytes) -> None:
        for key, value in values(stock).items():
            result = set_in(stock, key, "x y")
            assert values(result) == {**values(stock), key: "x y"}
            assert set_in(result, key, value or "") == stock


# fmt: off
CHANGED = {  # the value of the last live line of `a` becomes 2
    "a 1": "a 2", "a  1\n": "a  2\n", "a\t=  1  \n": "a\t=  2  \n", "  a:1\r\n": "  a:2\r\n",
    "a=1\nb 2": "a=2\nb 2", "a\n": "a 2\n", "a=\n": "a=2\n", "a = \n": "a = 2\n", "a": "a 2",
    "#a 0\n!a 0\n a 1\n": "#a 0\n!a 0\n a 2\n", "a 0\na 1\n# a 3\n": "a 0\na 2\n# a 3\n",
    "a 1\\\n  2\\\r\n\t3\nb 1\n": "a 2\nb 1\n", "a \\\n  1\nb 1\n": "a \\\n  2\nb 1\n",
    "\\u0061 1\n": "\\u0061 2\n", "a 1\\ \n": "a 2\n", "b \xe4\na 1\n": "b \xe4\na 2\n",
    "\xef\xbb\xbf# head\na 1\n": "\xef\xbb\xbf# head\na 2\n",
}
ADDED = {  # `a.b` gets a line behind the last of its prefix
    "": "a.b 2\n", "x 1": "x 1\na.b 2", "x 1\n": "x 1\na.b 2\n", "x 1\r\n": "x 1\r\na.b 2\r\n",
    "x 1\r\ny 2": "x 1\r\ny 2\r\na.b 2", "a.c 1\nx 1\n": "a.c 1\na.b 2\nx 1\n", "a.c 1": "a.c 1\na.b 2",
    "a.c 1\n# a.b 1\na.d \\\n 1\nab 1\n": "a.c 1\n# a.b 1\na.d \\\n 1\na.b 2\nab 1\n",
    "# only a comment\\": "# only a comment\\\na.b 2",
}
# fmt: on


class TestKept:
    @pytest.mark.parametrize(
        ("key", "before", "after"),
        [(key, *pair) for key, pairs in (("a", CHANGED), ("a.b", ADDED)) for pair in pairs.items()],
    )
    def test_only_one_line_changes(self, key: str, before: str, after: str) -> None:
        result = set_in(before.encode("iso-8859-1"), key, "2")
        assert result == after.encode("iso-8859-1")
        assert set_in(result, key, "2") is result

    def test_several_new_keys_keep_their_order(self) -> None:
        edited = document("x 1\n")
        for key in ("a.1", "a.2", "x.1"):
            edited.set(key, "v")
        assert edited.result() == b"x 1\na.1 v\na.2 v\nx.1 v\n"

    def test_no_change_no_other_object(self) -> None:
        edited = document("a 1\n")
        edited.set("a", " 1 ")
        assert edited.result() is edited.data
        edited.set("a", "2")
        edited.set("a", "1")
        assert edited.result() is edited.data
        assert edited.edits == []

    @pytest.mark.parametrize("source", ["x 1\nb 1\\", "b 1\\\n", "b \\\n  1\\\r\n"])
    def test_nothing_is_put_behind_a_line_that_never_ends(self, source: str) -> None:
        with pytest.raises(EditError, match="backslash") as refused:
            set_in(source, "a", "1")
        assert refused.value.place == f"spark-defaults.conf:{len(source.splitlines())}"
        assert b"b 2" in set_in(source, "b", "2").replace(b"\\\n  ", b"")


class TestValues:
    VALUES = ("C:\\a\\b", "a=b:c #d!", "", "=x", ":x", "= :", "#x", "!x", "é€😀", "a\tb\nc", "\\u0041", "x\\")
    KEYS = ("a b", "a=b", "a:b", "#a", "!a", "é", "a\\b", " a")

    @pytest.mark.parametrize(("key", "value"), [*(("a", v) for v in VALUES), *((k, "2") for k in KEYS)])
    def test_whatever_is_set_comes_back(self, key: str, value: str) -> None:
        result = set_in("b 1\n", key, value)
        assert values(result) == {"b": "1", key: value}
        assert result.isascii()

    def test_a_broken_escape_is_told_with_its_line(self) -> None:
        with pytest.raises(EditError, match="hexadecimal") as refused:
            document("a 1\n# \\u\nb \\u12\n")
        assert refused.value.place == "spark-defaults.conf:3"

    def test_passwords_are_masked(self) -> None:
        edited = document("x.password old\nspark.ssl.keyPassword old\n")
        edited.set("x.password", "new")
        edited.set("spark.ssl.keyPassword", Secret("new"))
        edited.set("plain", Secret("new"), note=Note("the plain one"))
        assert [edit.text for edit in edited.edits] == [
            "x.password: ******** → ********",
            "spark.ssl.keyPassword: ******** → ********",
            "the plain one: (none) → ********",
        ]
        assert "new" not in repr(edited.edits)


PIECES = [
    *"ab \t=:#!\\\n\r\fu",
    *("\\u0041", "\\u00e9", "\r\n", "ä", "€", "key", "\\\n", " = ", "\\ ", "\n#", "\\u"),
]


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.sampled_from(["a", "key", "new.key"]),
    st.text(),
)
def test_a_new_value_leaves_all_others_alone(text: str, key: str, value: str) -> None:
    try:
        edited = document(text)
        before = values(text)
        value = value.encode("utf-8", "replace").decode().strip("".join(map(chr, range(33))))
        edited.set(key, value)
        result = edited.result()
    except EditError as refused:
        assert "nothing is written" not in str(refused)
        return
    assert values(result) == {**before, key: value}
    changed = [line for line in text.encode().splitlines() if line not in result.splitlines()]
    continued = text.count("\\\n") + text.count("\\\r")
    assert len(changed) <= 1 + continued


def test_java_reads_the_same_keys_and_values(tmp_path: Path) -> None:
    """Thousands of awkward files, and what the editor made of some of them, through java.util.Properties."""
    need("java", "javac")
    chance = random.Random(20_160_128)
    texts = ("".join(chance.choices(PIECES, k=chance.randrange(25))) for _ in range(2500))
    # Java 8 and 17 do not agree whether a comment can follow a line of nothing but a backslash.
    sources = [text.encode() for text in texts if not re.search(r"(?:^|[\r\n])[ \t\f]*\\[\r\n]", text)]
    for source in sources[:1000]:
        try:
            sources.append(
                set_in(source, chance.choice(["a", "key", "new.key"]), chance.choice(["1", "\\ é#", "=x"]))
            )
        except EditError:
            sources.append(source)
    subprocess.run(["javac", "-d", tmp_path, READER], check=True, capture_output=True)
    done = subprocess.run(
        ["java", "-cp", tmp_path, "PropertiesReader"],
        input=b"".join(base64.b64encode(source) + b"\n" for source in sources),
        check=True,
        capture_output=True,
    )
    answers = done.stdout.decode().splitlines()
    assert len(answers) == len(sources)
    malformed = 0
    for source, answer in zip(sources, answers, strict=True):
        if answer == "malformed":
            malformed += 1
            with pytest.raises(EditError):
                document(source)
            continue
        pairs = (pair.split("=") for pair in answer.split())
        assert values(source) == {decoded(key): decoded(value) for key, value in pairs}, source
    assert malformed < len(sources) / 2


def decoded(text: str) -> str:
    return base64.b64decode(text + "=" * (-len(text) % 4)).decode()
