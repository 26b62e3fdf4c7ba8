"""The diff: only lines that an edit needs, each with its own line end; passwords masked wherever they stand."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest

from tests.support import pairs
from tests.support.documents import changed_lines
from tests.support.headless import (  # noqa: F401  (a fixture is used by its name)
    ANALYTICS,
    API_MANAGER_PACKS,
    AXIS2,
    CARBON,
    EVENT_PROCESSOR,
    LIB,
    MASTER,
    PACKS,
    REGISTRY,
    SPARK,
    SPARK_BAT,
    SPARK_SH,
    STATS,
    STORES,
    USER_MGT,
    applied,
    quick_disk,
    replayed,
)
from tests.support.pairs import Pair
from wizard.command_line.text import diff_lines
from wizard.passwords.masking import Masker
from wizard.passwords.secret import MASK
from wizard.plan.change import Change
from wizard.plan.diff import rows, unified
from wizard.profile.jdbc_url import jdbc_url

XML = (CARBON, AXIS2, EVENT_PROCESSOR, REGISTRY, USER_MGT, MASTER, ANALYTICS, STATS, STORES)
TEXT_FILES = (*XML, SPARK, SPARK_SH, SPARK_BAT)


def counts(stock: Path, home: Path) -> dict[str, int]:
    """Lines removed plus added of every file of a home that is not as in the stock pack."""
    found = {}
    for path in sorted(home.rglob("*")):
        relative = str(path.relative_to(home))
        if path.is_file() and (stock / relative).is_file():
            removed, added = changed_lines((stock / relative).read_bytes(), path.read_bytes())
            if removed or added:
                found[relative] = len(removed) + len(added)
    return found


FIRST = {AXIS2: 8, EVENT_PROCESSOR: 6, REGISTRY: 23, MASTER: 42, ANALYTICS: 20, USER_MGT: 2, SPARK: 2}
# The second node has a Hazelcast port, two event processor ports and an offset of its own.
SECOND = {**FIRST, AXIS2: 10, EVENT_PROCESSOR: 10, CARBON: 2}
OWN = {"das-3.0.1": {EVENT_PROCESSOR: 2}}
"""DAS 3.0.1 also has a mode SingleNode to be turned off: two lines more."""


class TestNoNoise:
    @pytest.mark.parametrize("pack", PACKS)
    def test_as_few_lines_as_a_careful_person_changes(
        self, pack: str, make_pair: Callable[..., Pair], packs: Path
    ) -> None:
        pair = make_pair(pack)
        applied(pair)
        more = OWN.get(pack, {})
        for home, wanted in zip(pair.homes, (FIRST, SECOND), strict=True):
            assert counts(packs / pack, home) == {
                path: count + more.get(path, 0) for path, count in wanted.items()
            }
        for path in (REGISTRY, MASTER):
            removed, added = changed_lines(
                (packs / pack / path).read_bytes(), (pair.homes[0] / path).read_bytes()
            )
            assert removed == [], path
            assert all(line.endswith(b"\n") and not line.endswith(b"\r\n") for line in added)

    @pytest.mark.parametrize("pack", API_MANAGER_PACKS)
    def test_also_where_all_is_asked_for(
        self, pack: str, make_pair: Callable[..., Pair], packs: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SVN", "secret")
        svn = {"svn_url": "http://svn.example.com/r", "svn_username": "u", "svn_password": {"env": "SVN"}}
        pair = make_pair(
            pack,
            mysql={"url_parameters": {"useSSL": "false"}, "databases": {"stats": "S", "event_store": "E"}},
            event_processor={"presenter": "node1"},
            deployment_sync={"method": "svn", **svn},
            nodes=[{"spark_local_ip": "127.0.0.1"}, {}],
        )
        applied(pair)
        assert counts(packs / pack, pair.homes[0]) == {
            **FIRST,
            EVENT_PROCESSOR: FIRST[EVENT_PROCESSOR] + 4,  # node type presenter, the presentation's host
            ANALYTICS: FIRST[ANALYTICS] + 2,  # the name of one datasource
            STORES: 4,  # both record stores of the events
            STATS: 8,  # url, username, password, driver
            CARBON: 10,  # Enabled, AutoCommit, SvnUrl, SvnUser, SvnPassword
            SPARK_SH: 1,
            SPARK_BAT: 1,
        }

    def test_a_new_datasource_looks_like_its_neighbour(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        applied(pair)
        master = (pair.homes[0] / MASTER).read_text("utf-8")
        blocks = re.findall(r"(?ms)^        <datasource>\n.*?^        </datasource>\n", master)
        shapes = [re.sub(r">[^<\n]+<", "><", block) for block in blocks]
        own = shapes[0].replace("                    <defaultAutoCommit></defaultAutoCommit>\n", "")
        assert shapes[1:] == [own, own]
        assert "        </datasource>\n\n        <datasource>\n" in master, "an empty line, as in the pack"


# --- every file keeps its own ways --------------------------------------------------------------------------


def is_latin(data: bytes) -> bool:
    return b"ISO-8859-1" in data[:80]


def is_xml(data: bytes) -> bool:
    return data.lstrip().startswith(b"<")


LATIN = "\n<!-- Änderungen: Groß & klein, ©, \xa0 -->\n".encode("iso-8859-1")
STYLES: dict[str, Callable[[bytes], bytes]] = {
    "CRLF": lambda data: re.sub(rb"\r?\n", b"\r\n", data),
    "LF": lambda data: data.replace(b"\r\n", b"\n"),
    # Where the encoding has one.
    "mark": lambda data: codecs.BOM_UTF8 + data if is_xml(data) and not is_latin(data) else data,
    "no newline at the end": bytes.rstrip,
    "a comment in the encoding": lambda data: data.rstrip() + LATIN if is_latin(data) else data,
}


def with_tabs(data: bytes) -> bytes:
    return re.sub(rb"(?m)^(?: {4})+", lambda found: b"\t" * (len(found[0]) // 4), data)


def on_one_line(data: bytes) -> bytes:
    """XML without a single line break, but for those inside of comments and texts."""
    return re.sub(rb">\s+<", b"><", data.strip()) if is_xml(data) else data


def rewritten(home: Path, style: Callable[[bytes], bytes]) -> None:
    for relative in TEXT_FILES:
        path = home / relative
        if path.exists():
            path.write_bytes(style(path.read_bytes()))


class TestEachFileKeepsItsOwnWays:
    @pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
    @pytest.mark.parametrize("pack", PACKS)
    def test_the_edit_of_a_rewritten_file_is_the_rewritten_edit(
        self,
        pack: str,
        style: Callable[[bytes], bytes],
        make_pair: Callable[..., Pair],
        packs: Path,
        tmp_path: Path,
    ) -> None:
        nodes = [{"spark_local_ip": "127.0.0.1"}, {"spark_local_ip": "127.0.0.2"}]
        stats = {} if pack not in API_MANAGER_PACKS else {"databases": {"stats": "S"}}
        plain = make_pair(pack, nodes=nodes, mysql=stats)
        other = pairs.make_pair(packs / pack, tmp_path / "other", nodes=nodes, mysql=stats)
        for home in other.homes:
            rewritten(home, style)
        applied(plain)
        applied(other)
        for home, twin in zip(plain.homes, other.homes, strict=True):
            for relative in TEXT_FILES:
                if (home / relative).exists() and relative not in {SPARK_SH, SPARK_BAT}:
                    assert (twin / relative).read_bytes() == style((home / relative).read_bytes()), relative
        assert replayed(other)[0].outcome == "unchanged"

    @pytest.mark.parametrize("pack", PACKS)
    def test_tabs_stay_tabs(self, pack: str, make_pair: Callable[..., Pair], packs: Path) -> None:
        pair = make_pair(pack)
        for home in pair.homes:
            rewritten(home, with_tabs)
        before = {path: (pair.homes[0] / path).read_bytes() for path in (MASTER, REGISTRY, AXIS2)}
        applied(pair)
        for path, data in before.items():
            _, added = changed_lines(data, (pair.homes[0] / path).read_bytes())
            assert added
            for line in added:
                if path != AXIS2 or b"ember" in line:
                    assert re.match(rb"\t+[^ \t]|\s*$| {16}enable", line), (path, line)

    @pytest.mark.parametrize("pack", PACKS)
    def test_one_line_files_stay_one_line(self, pack: str, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair(pack)
        for home in pair.homes:
            rewritten(home, on_one_line)
        files = [path for path in (pair.homes[0] / name for name in TEXT_FILES) if path.exists()]
        lines = {path: path.read_bytes().count(b"\n") for path in files}
        applied(pair)
        assert {path: path.read_bytes().count(b"\n") for path in files} == lines
        assert replayed(pair)[0].outcome == "unchanged"


# --- what is shown ------------------------------------------------------------------------------------------


def change(before: bytes, after: bytes) -> Change:
    return Change("node1", "a/file.xml", "edit", ("registry",), before=before, after=after)


class TestTheDiff:
    def test_it_is_a_unified_diff(self) -> None:
        before = b"".join(b"%d\n" % number for number in range(1, 21))
        after = before.replace(b"5\n", b"five\n", 1).replace(b"18\n", b"18\n18b\n")
        assert "\n".join(unified(change(before, after), Masker())) == (
            "--- node1/a/file.xml\n+++ node1/a/file.xml\n"
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
            "@@ -16,6 +16,7 @@\n 16\n 17\n 18\n+18b\n 19\n 20\n "
        )
        assert list(unified(change(before, before), Masker())) == []

    def test_rows_have_the_numbers_of_both_sides(self) -> None:
        found = rows(change(b"a\nb\nc", b"a\nB\nc"), Masker())
        assert [(row.kind, row.before, row.after, row.text) for row in found] == [
            ("same", 1, 1, "a"),
            ("removed", 2, None, "b"),
            ("added", None, 2, "B"),
            ("same", 3, 3, "c"),
        ]

    def test_a_password_that_changes_is_a_line_that_changes(self) -> None:
        before, after = b"<password>old one</password>\n", b"<password>new one</password>\n"
        found = [(row.kind, row.text) for row in rows(change(before, after), Masker(["new one"]))]
        assert found[:2] == [
            ("removed", f"<password>{MASK}</password>"),
            ("added", f"<password>{MASK}</password>"),
        ]

    def test_the_whole_dry_run_shows_every_file(self, make_pair: Callable[..., Pair]) -> None:
        pair = make_pair()
        _, prepared = replayed(pair, dry_run=True)
        shown = list(diff_lines(prepared.plan, prepared.masker()))
        heads = [line.removeprefix("+++ ") for line in shown if line.startswith("+++ ")]
        edited = [f"node1/{path}" for path in FIRST] + [f"node2/{path}" for path in SECOND]
        assert sorted(heads) == sorted(edited)
        assert f"node1/{LIB}" not in "\n".join(heads)
        for home, node, wanted in zip(pair.homes, ("node1", "node2"), (FIRST, SECOND), strict=True):
            assert home.exists()
            for path, count in wanted.items():
                at = shown.index(f"--- {node}/{path}") + 2
                body = shown[at:]
                end = next((i for i, line in enumerate(body) if line.startswith("--- node")), len(body))
                assert sum(line[:1] in {"+", "-"} for line in body[:end]) == count


SECRETS = [
    "s3cret",
    "aa&bb",
    "a<b>c",
    "quo\"te'd",
    "pä€中",
    "semi;colon",
    "per%cent",
    "back\\slash",
    "p=q+r s",
]
TEMPLATES = [
    "<password>{xml}</password>",
    '<password svns:secretAlias="x">{xml}</password>',
    "<password><![CDATA[{plain}]]></password>",
    "<SvnPassword>{xml}</SvnPassword>",
    "<ns:Password >{xml}</ns:Password >",
    '<Property name="ConnectionPassword">{xml}</Property>',
    "<property key='password'>{xml}</property>",
    '<x password="{attribute}"/>',
    "<url>jdbc:mysql://h/d?a=b&amp;password={url}&amp;c=d</url>",
    "<url>jdbc:mysql://h/d?trustStorePassword={url}</url>",
    "<cacheId>{xml}@jdbc:mysql://h/d</cacheId>",
    "{plain}",
]
URL = "<url>jdbc:mysql://h/d?user=a&amp;{}</url>"
MASKED: list[
    tuple[list[str], list[str], str, str]
] = [  # passwords, parameters of URLs, a text, what is shown
    ([], [], "<password>wso2carbon</password>", f"<password>{MASK}</password>"),
    ([], [], URL.format("password=1"), URL.format(f"password={MASK}")),
    ([], [], "<username>wso2carbon</username>", "<username>wso2carbon</username>"),
    (["e"], [], "<name>the</name>", "<name>the</name>"),  # too short: it would hide half of the file
    (["e"], [], "<password>e</password>", f"<password>{MASK}</password>"),
    (["x;y'z"], ["token"], URL.format("token=x;y'z&amp;c=d"), URL.format(f"token={MASK}&amp;c=d")),
    (["x;y"], ["token"], URL.format("token=x;y"), URL.format(f"token={MASK}")),
]


class TestMasking:
    @pytest.mark.parametrize("secret", SECRETS)
    @pytest.mark.parametrize("template", TEMPLATES)
    def test_neither_the_secret_nor_a_piece_of_it_shows(self, template: str, secret: str) -> None:
        url = jdbc_url("h", 1, "d", {"p": secret}).partition("?p=")[2]
        line = template.format(
            xml=escape(secret),
            plain=secret,
            attribute=escape(secret, {'"': "&quot;", "'": "&apos;"}),
            url=escape(url),
        )
        shown = Masker([secret]).mask(line)
        assert MASK in shown
        around = template.split("{", maxsplit=1)[0] + MASK + template.rsplit("}", maxsplit=1)[-1]
        assert shown in {around, around.replace("<![CDATA[", "").replace("]]>", "")}
        assert quote(secret) not in shown

    @pytest.mark.parametrize(("passwords", "parameters", "text", "shown"), MASKED)
    def test_what_is_masked_by_its_place(
        self, passwords: list[str], parameters: list[str], text: str, shown: str
    ) -> None:
        assert Masker(passwords, parameters).mask(text) == shown

    def test_lines_are_kept(self) -> None:
        text = "<a>\n<password>one\ntwo\n</password>\n</a>"
        assert Masker(["one\ntwo"]).mask(text).count("\n") == text.count("\n")
        assert "two" not in Masker(["one\ntwo"]).mask(text)
