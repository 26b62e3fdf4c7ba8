"""What hands did to a pair before a run, as data for tables, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tomlkit

from tests.support import headless, pairs
from tests.support.headless import ANALYTICS, MASTER, checked, errors, live, of, replayed, texts, untouched
from tests.support.pairs import Pair
from wizard.command_line.run.replay import Result

Hand = Callable[[Pair], object] | tuple[str, str, str]
"""What is done to both homes, or to the profile; a tuple is a file, a text in it, and the text in its place."""

SVN: dict[str, Any] = {
    "deployment_sync": {
        "method": "svn",
        "svn_url": "http://svn.example.com/r",
        "svn_username": "u",
        "svn_password": {"env": "APIM_DB_PASSWORD"},
    }
}


def do(pair: Pair, *hands: Hand) -> Pair:
    """The same pair, once all hands have done their work."""
    for hand in hands:
        if callable(hand):
            hand(pair)
        else:
            touch(pair, *hand)
    return pair


def on(number: int, *hands: Hand) -> Hand:
    """What is done to one home only, 1 or 2."""
    return lambda pair: do(Pair(pair.profile, [pair.homes[number - 1]], pair.env), *hands)


def touch(pair: Pair, relative: str, old: str, new: str, *, count: int = 1) -> None:
    """A file of each home, with `old` (which has to be there) as `new`, in the line ends of the file."""
    for home in pair.homes:
        data = (home / relative).read_bytes()
        before, after = old.encode(), new.encode()
        if b"\r\n" in data:
            before, after = before.replace(b"\n", b"\r\n"), after.replace(b"\n", b"\r\n")
        assert before in data, f"{old!r} is not in {relative}"
        (home / relative).write_bytes(data.replace(before, after, count))


def rewrite(relative: str, pattern: str, new: str = "", *, count: int = 1) -> Hand:
    """A file of each home, with the first match of `pattern` (which has to be there) as `new`."""

    def hand(pair: Pair) -> None:
        for home in pair.homes:
            text = (home / relative).read_bytes().decode("iso-8859-1")
            text, found = re.subn(pattern, lambda _: new, text, count=count, flags=re.DOTALL)
            assert found, f"{pattern} is not in {relative}"
            (home / relative).write_bytes(text.encode("iso-8859-1"))

    return hand


def put(relative: str, content: str | bytes = b"") -> Hand:
    """A file of each home, whose folder is made."""

    def hand(pair: Pair) -> None:
        for path in (home / relative for home in pair.homes):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    return hand


def before(relative: str, anchor: str, *new: str) -> Hand:
    """New text in front of a text of each home's file."""
    return (relative, anchor, "".join(new) + anchor)


def profiled(**tables: Any) -> Hand:
    """The same profile with other values."""

    def hand(pair: Pair) -> None:
        document = tomlkit.parse(pair.profile.read_text("utf-8")).unwrap()
        pair.profile.write_text(tomlkit.dumps(pairs.merged(document, tables)), "utf-8")

    return hand


# --- what comes of it ----------------------------------------------------------------------------------------


def applied(pair: Pair, **options: Any) -> Result:
    """The result of a replay that works, after which another one changes nothing."""
    result = headless.applied(pair, **options)
    assert replayed(pair, **options)[0].outcome == "unchanged"
    return result


Expected = Mapping[tuple[str, str], list[str] | tuple[list[str], list[str]]]
"""File and XPath → the texts found there; two lists where the nodes differ."""


def written(pair: Pair, expected: Expected, **options: Any) -> Result:
    """The result of `applied`, after which the homes hold what is expected, and no datasource twice."""
    result = applied(pair, **options)
    for number, home in enumerate(pair.homes):
        wanted = {place: one[number] if isinstance(one, tuple) else one for place, one in expected.items()}
        assert {place: texts(home, *place) for place in wanted} == wanted
        for relative in (MASTER, ANALYTICS):
            datasources(home, relative)
    return result


def refused(pair: Pair, check: str, *parts: str, **options: Any) -> str:
    """The messages of that check, and no other, against a replay in which nothing is written; `parts` are in them."""
    before = untouched(*pair.homes)
    result, _ = replayed(pair, **options)
    assert (result.outcome, result.exit_code) == ("refused", 3)
    assert {id for id, _, _ in errors(result)} == {check}
    assert untouched(*pair.homes) == before
    message = "\n".join(one.message for one in result.checks if one.status == "error")
    assert [part for part in parts if part not in message] == [], message
    return message


def judged(pair: Pair, check: str, statuses: str, *parts: str, **options: Any) -> str:
    """The messages and fixes of a check, whose findings have these statuses, and a fix where it fails."""
    found = of(checked(pair, **options), check)
    assert [one.status for one in found] == statuses.split(), [one.message for one in found]
    assert all(one.fix for one in found if one.status in ("error", "warning"))
    message = "\n".join(f"{one.node}: {one.message} {one.fix}" for one in found)
    assert [part for part in parts if part not in message] == [], message
    return message


# --- pieces of the servers' files -----------------------------------------------------------------------------

SAMPLE = "        <!-- For an explanation of the properties"
"""Where `master-datasources.xml` takes another datasource."""

ANCHOR = "   <!--<handler"
"""Where `registry.xml` takes another element."""


def datasources(home: Path, relative: str) -> dict[str, dict[str, str]]:
    """Name → the settings of each live datasource of a file, none of them doubled."""
    found = live(home, relative)("//datasources/datasource")
    result = {}
    for one in found:
        (inner,) = one.xpath("definition/configuration")
        names = [child.tag for child in inner if isinstance(child.tag, str)]
        assert len(names) == len(set(names)), "an element is doubled"
        result[one.findtext("name")] = {name: inner.findtext(name) or "" for name in names}
    assert len(result) == len(found), "a datasource is doubled"
    return result


def datasource(name: str, url: str, jndi: str | None = None, more: str = "") -> str:
    return (
        f"        <datasource>\n            <name>{name}</name>\n            <jndiConfig>\n"
        f"                <name>{jndi or f'jdbc/{name}'}</name>\n            </jndiConfig>\n"
        '            <definition type="RDBMS">\n                <configuration>\n'
        f"                    <url>{url}</url>{more}\n"
        "                </configuration>\n            </definition>\n        </datasource>\n\n"
    )


def mount(path: str, instance: str = "gov", target: str = "", overwrite: str = "true") -> str:
    shown = f"<targetPath>{target}</targetPath>" if target else ""
    return (
        f'    <mount path="{path}" overwrite="{overwrite}">\n'
        f"        <instanceId>{instance}</instanceId>{shown}\n    </mount>\n\n"
    )


def instance(id: str = "gov", config: str = "govregistry", host: str = "localhost", more: str = "") -> str:
    return (
        f'    <remoteInstance url="https://{host}:9443/registry">\n'
        f"        <id>{id}</id>{more}\n        <dbConfig>{config}</dbConfig>\n    </remoteInstance>\n\n"
    )


def db_config(name: str = "govregistry", source: str = "jdbc/WSO2REG_DB") -> str:
    return f'    <dbConfig name="{name}">\n        <dataSource>{source}</dataSource>\n    </dbConfig>\n\n'
