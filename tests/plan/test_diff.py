"""The diff: only lines that an edit needs, each with its own line end; passwords masked wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest

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
        assert Masker(passwords, dict.fromkeys(parameters)).mask(text) == shown

    def test_lines_are_kept(self) -> None:
        text = "<a>\n<password>one\ntwo\n</password>\n</a>"
        assert Masker(["one\ntwo"]).mask(text).count("\n") == text.count("\n")
        assert "two" not in Masker(["one\ntwo"]).mask(text)
