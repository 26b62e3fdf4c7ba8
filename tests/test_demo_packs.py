"""The miniature packs are true to the product: whatever they hold is at the same place in the stock pack."""

from __future__ import annotations

import re
from pathlib import Path

import pymysql
import pytest
from lxml import etree

from tests.support import servers
from tests.support.headless import properties
from wizard.demo.sandbox import DRIVER_JAR, PACKS, make_sandbox
from wizard.pack.driver import holds_class
from wizard.profile.store import load
from wizard.system.errors import UsageError

MINIATURE = PACKS / "analytics"
FILES = sorted(str(path.relative_to(MINIATURE)) for path in MINIATURE.rglob("*") if path.is_file())
XML = [name for name in FILES if name.endswith(".xml")]
SCRIPTS = ["dbscripts/mysql.sql", "dbscripts/mysql5.7.sql"]
DECLARATION = re.compile(rb"\A<\?xml .*?\?>")
IDENTIFYING = ("name", "class", "key", "path", "type")
OWN_WORDS = {"description"}
"""Elements whose text is for people: the miniature has its own."""


@pytest.fixture
def stock(packs: Path) -> Path:
    return packs / "apim-analytics-2.0.0"


def step_of(element: etree._Element) -> str:
    """One step of a path: the local name with the attributes that tell elements of one name apart."""
    known = "".join(f"[@{key}={element.get(key)!r}]" for key in IDENTIFYING if element.get(key) is not None)
    return etree.QName(element).localname + known


def paths(element: etree._Element, above: str = "") -> dict[str, list[etree._Element]]:
    """Every live element below (and with) `element`, by its path."""
    here = f"{above}/{step_of(element)}"
    found: dict[str, list[etree._Element]] = {here: [element]}
    for child in element.iterchildren(etree.Element):
        for path, elements in paths(child, here).items():
            found.setdefault(path, []).extend(elements)
    return found


def parsed(path: Path) -> dict[str, list[etree._Element]]:
    return paths(etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)).getroot())


def endings(content: bytes) -> tuple[bool, bool, bool]:
    """How the lines of a file end: whether any does with CRLF, any with LF alone, and the last one at all."""
    return b"\r\n" in content, b"\n" in content.replace(b"\r\n", b""), content.endswith(b"\n")


def prose(content: bytes) -> set[bytes]:
    """The lines of a file's comments that have at least four words and no markup."""
    comment = re.compile(rb"<!--(.*?)-->|(?m:^\s*(?:#|--|rem )([^\n]*)$)", re.DOTALL)
    lines = {line.strip() for found in comment.findall(content) for line in b"\n".join(found).splitlines()}
    return {line for line in lines if len(line.split()) > 3 and b"<" not in line}


def test_the_stock_pack_has_every_file_with_the_same_line_ends(stock: Path) -> None:
    setting = re.compile(rb"^(?:export|set) (\w+)=(.*?)\r?$", re.MULTILINE)
    found = set()
    for name in FILES:
        ours, theirs = ((pack / name).read_bytes() for pack in (MINIATURE, stock))
        assert endings(ours) == endings(theirs), name
        assert not prose(ours) & prose(theirs), "own comments, no copies"
        assert not name.endswith("version.txt") or ours == theirs
        if "load-spark-env-vars" in name:
            assert setting.findall(ours) and set(setting.findall(ours)) <= set(setting.findall(theirs))
        found.add(endings(ours)[:2])
    assert found == {(True, False), (False, True)}
    ours, theirs = properties(MINIATURE), properties(stock)
    assert ours.items() <= theirs.items()
    assert {key for key in theirs if key.endswith(".port")} <= set(ours), "a port that the wizard must know"


@pytest.mark.parametrize("name", XML)
def test_every_element_attribute_and_value_is_at_the_same_path_in_the_stock_file(
    name: str, stock: Path
) -> None:
    ours, theirs = parsed(MINIATURE / name), parsed(stock / name)
    assert set(ours) <= set(theirs)
    for path, elements in ours.items():
        others = theirs[path]
        assert len(elements) <= len(others), path
        known = {item for other in others for item in other.attrib.items()}
        assert {item for element in elements for item in element.attrib.items()} <= known, path
        if etree.QName(elements[0]).localname not in OWN_WORDS:
            values = {(other.text or "").strip() for other in others}
            assert {(element.text or "").strip() for element in elements} <= values, path
    for read in (
        lambda file: etree.parse(file).getroot().nsmap,
        lambda file: DECLARATION.findall(file.read_bytes()),
    ):
        assert read(MINIATURE / name) == read(stock / name)


def statements(path: Path) -> list[str]:
    """The statements of a script in one line each, without comments, spaced alike."""
    text = re.sub(r"--[^\n]*", " ", path.read_text())
    spaced = (re.sub(r"\s*([(),])\s*", r" \1 ", statement) for statement in text.split(";"))
    return [" ".join(statement.split()) for statement in spaced if statement.strip()]


def table_of(statement: str) -> tuple[str, list[str]] | None:
    """Name and definitions (columns, keys) of the table that a statement creates."""
    found = re.fullmatch(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) \( (.*) \) ?ENGINE INNODB", statement)
    # A comma in parentheses is part of a definition.
    return None if found is None else (found[1], re.split(r" , (?![^(]*\))", found[2]))


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_table_column_key_and_index_is_the_stock_scripts_own(name: str, stock: Path) -> None:
    theirs = statements(stock / name)
    stock_tables = dict(filter(None, map(table_of, theirs)))
    tables = dict(filter(None, map(table_of, statements(MINIATURE / name))))
    assert len(tables) >= 5
    for table, definitions in tables.items():
        assert set(definitions) <= set(stock_tables[table]), table
    others = [statement for statement in statements(MINIATURE / name) if table_of(statement) is None]
    assert others
    assert set(others) <= set(theirs)


@pytest.mark.servers
@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("kind", servers.KINDS)
def test_the_scripts_run_where_the_stock_ones_do(kind: servers.Kind, name: str) -> None:
    """As measured with the stock ones: either everywhere, but the older one not on MySQL 9 (error 1067)."""
    server = servers.shared_server(kind)
    server.drop("miniature")
    server.run("CREATE DATABASE miniature")
    try:
        if (kind, name) == ("mysql9", "dbscripts/mysql.sql"):
            with pytest.raises(pymysql.OperationalError, match=r"1067.*REG_CREATED_TIME"):
                server.run(*statements(MINIATURE / name), database="miniature")
        else:
            server.run(*statements(MINIATURE / name), database="miniature")
            assert len(server.tables("miniature")) == 7
    finally:
        server.drop("miniature")


def test_two_homes_one_profile_and_a_secret_that_only_the_user_can_read(tmp_path: Path) -> None:
    sandbox = make_sandbox(tmp_path / "play")
    for home in sandbox.homes:
        assert {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()} == set(FILES)
        assert (home / "repository/components/lib").is_dir()
        assert (home / "repository/deployment/server/carbonapps").is_dir()
        assert (home / "bin/wso2server.sh").stat().st_mode & 0o777 == 0o755
    secret = sandbox.folder / "secrets/apim"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text().strip() not in sandbox.profile.read_text()
    assert secret.read_bytes() != (make_sandbox(tmp_path / "other").folder / "secrets/apim").read_bytes()
    assert all(Path(value).is_relative_to(sandbox.folder) for value in sandbox.env.values())
    profile = load(sandbox.profile).profile
    assert [Path(node.home) for node in profile.nodes] == list(sandbox.homes)
    assert profile.mysql.driver_jar == sandbox.folder / DRIVER_JAR
    assert holds_class(sandbox.folder / DRIVER_JAR, profile.mysql.driver_class)


@pytest.mark.parametrize(("target", "place"), [(".", "."), ("mine", "mine"), ("mine/below", "mine")])
def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path, target: str, place: str) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match=re.escape(str(tmp_path / place))) as refused:
        make_sandbox(tmp_path / target)
    assert refused.value.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
