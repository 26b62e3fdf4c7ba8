"""Whatever stands in a file: it is read or refused with its place, it never hangs, and an edit touches nothing else."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from xml.parsers import expat

import pytest
from hypothesis import strategies as st

from tests.support import pairs
from tests.support.documents import spans
from tests.support.fuzz import ODD, XML, fuzz, mutated
from tests.support.headless import PACKS, SPARK, SPARK_BAT, SPARK_SH, XML_FILES
from tests.support.profiles import get_field
from wizard.database.script import creates, statements
from wizard.edit.settings import BatchScript, PropertiesDocument, ShellScript
from wizard.edit.xml import XmlDocument, XmlElement
from wizard.pack.driver import DriverError, holds_class, inspect, is_mysql_driver
from wizard.passwords.secret import Secret
from wizard.profile.document import set_field
from wizard.profile.model import Profile
from wizard.profile.store import examine
from wizard.profile.template import new_template
from wizard.system.errors import EditError, WizardError
from wizard.verify.log import FileLog, PipeLog
from wizard.verify.story import Story

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pack(packs: Path) -> Path:
    return packs / PACKS[1]


def test_profiles() -> None:
    demo = (ROOT / "wizard/demo/packs/demo.toml").read_bytes()
    whole = (ROOT / "tests/profiles_of_old/1-full.toml").read_bytes()
    words = b"""[[ ]] { } [nodes] [[nodes]]\n ''' \"\"\" = 1e400""".split(b" ")
    pieces = (*ODD, *words, b"[a" * 500)

    def judged(text: bytes, value: str) -> None:
        decoded = text.decode("utf-8", "replace")
        found = examine(decoded, Path("/profiles"))
        if not isinstance(found, Profile):
            assert found
            assert all(1 <= one.line <= decoded.count("\n") + 1 and one.message and one.fix for one in found)
        try:
            changed = set_field(decoded, "cluster.domain", value)
        except (WizardError, ValueError):
            return
        assert get_field(changed, "cluster.domain") == value

    starts = st.sampled_from([demo, whole, new_template().encode()])
    texts = starts.flatmap(lambda data: mutated(data, pieces))
    fuzz(0.07, judged, text=texts, value=st.text(max_size=20))


def _comments(data: bytes) -> list[str]:
    """The comments and processing instructions of a document, in order."""
    found: list[str] = []
    parser = expat.ParserCreate()
    parser.CommentHandler = found.append
    parser.ProcessingInstructionHandler = lambda target, text: found.append(f"{target} {text}")
    parser.Parse(data, True)
    return found


def _elements(document: XmlDocument) -> list[XmlElement]:
    return [XmlElement(document, node) for node in document.tree.getroot().iter("*")]


def test_xml(pack: Path) -> None:
    files = [(pack / file).read_bytes() for file in XML_FILES]

    def edited(data: bytes, pick: int, value: str) -> None:
        try:
            document = XmlDocument(data, "x.xml")
        except EditError as problem:
            assert (problem.place or "").startswith("x.xml")
            assert "passwd" not in str(problem)
            return
        elements = _elements(document)
        number = pick % len(elements)
        one = elements[number]
        try:
            one.set("enable", value)
            if not one.children:
                one.set_text(value)
            result = document.result()
        except EditError as problem:
            assert "internal" not in problem.message
            return
        after = XmlDocument(result, "x.xml")
        assert len(_elements(after)) == len(elements)
        again = _elements(after)[number]
        assert again.get("enable") == value
        if not one.children:
            assert again.text == value
        assert _comments(result) == _comments(data)
        start, _, _, end = spans(data)[number]
        assert result.startswith(data[: start + 1])
        assert result.endswith(data[end:])

    characters = st.characters(codec="utf-8", exclude_categories=("Cc",), exclude_characters="\ufffe\uffff")
    trimmed = st.text(characters, max_size=9).map(str.strip)
    sources = st.sampled_from(files).flatmap(lambda data: mutated(data, (*ODD, *XML)))
    fuzz(0.1, edited, data=sources, pick=st.integers(0, 2000), value=trimmed)


def test_properties(pack: Path) -> None:
    data = (pack / SPARK).read_bytes()
    pieces = (*ODD, b"carbon.spark.master", b"=", b":", b"#", b"!", b"\\u0041", b"\\uzzzz", b"\t", b"\f")

    def edited(text: bytes, value: str) -> None:
        try:
            document = PropertiesDocument(text, "x.conf")
            before = {key: document.get(key) for key in document.counting}
            document.set("carbon.spark.master.count", value)
            result = document.result()
        except EditError as problem:
            assert "internal" not in problem.message
            return
        after = PropertiesDocument(result, "x.conf")
        now = {key: after.get(key) for key in after.counting}
        wanted = value.strip("".join(map(chr, range(33))))
        assert now == {**before, "carbon.spark.master.count": wanted}
        assert _lines_that_went(text, result) <= 1 + text.count(b"\\")

    fuzz(0.04, edited, text=mutated(data, pieces), value=st.text(st.characters(codec="utf-8"), max_size=9))


def _lines_that_went(before: bytes, after: bytes) -> int:
    kept = before.splitlines()
    for line in after.splitlines():
        if line in kept:
            kept.remove(line)
    return len(kept)


@pytest.mark.parametrize(("file", "kind"), [(SPARK_SH, ShellScript), (SPARK_BAT, BatchScript)])
def test_scripts(pack: Path, file: str, kind: type[ShellScript] | type[BatchScript]) -> None:
    data = (pack / file).read_bytes() + b"\nexport SPARK_LOCAL_IP=1.2.3.4\nset SPARK_LOCAL_IP=1.2.3.4\n"
    words = b"SPARK_LOCAL_IP= <<EOF ` %X% ; ^".split(b" ")
    pieces = (*ODD, *words, b"export ", b"set ", b"$(touch pwned)")

    def edited(text: bytes) -> None:
        try:
            script = kind(text, "x")
            script.set("SPARK_LOCAL_IP", "10.1.2.3")
            result = script.result()
        except EditError as problem:
            assert "internal" not in problem.message
            return
        assert kind(result, "x").get("SPARK_LOCAL_IP") == "10.1.2.3"
        assert _lines_that_went(text, result) <= 1

    fuzz(0.02, edited, text=mutated(data, pieces))


def test_sql(pack: Path) -> None:
    data = (pack / "dbscripts/mysql.sql").read_bytes()[:6000]
    words = b"/* */ /*! -- # ; ( ) `".split(b" ")
    pieces = (*ODD, *words, b"DELIMITER //\n", b"CREATE TABLE x (")

    def read(text: bytes) -> None:
        decoded = text.decode("utf-8", "replace")
        try:
            found = list(statements(decoded, "x.sql"))
            schema = creates(decoded, "x.sql")
        except EditError as problem:
            assert (problem.place or "").startswith("x.sql")
            return
        lines = decoded.count("\n") + 1
        assert all(one.text.strip() == one.text and 1 <= one.line <= lines for one in found)
        assert [one.line for one in found] == sorted(one.line for one in found)
        assert len(schema.tables) <= len(found)

    fuzz(0.06, read, text=mutated(data, pieces))


def test_jars(tmp_path: Path) -> None:
    path = pairs.driver_jar(tmp_path / "driver.jar")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as jar:
        jar.writestr("zeros", bytes(100_000))
    data = path.read_bytes()
    pieces = (*ODD, b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"\xff" * 8, b"\0" * 8)

    def looked_into(content: bytes) -> None:
        path.write_bytes(content)
        is_mysql_driver(path)
        for look in (inspect, lambda jar: holds_class(jar, "com.mysql.jdbc.Driver")):
            try:
                look(path)
            except DriverError as problem:
                assert problem.fix

    fuzz(0.04, looked_into, content=mutated(data, pieces, most=8))


def test_logs(tmp_path: Path) -> None:
    words = (b"Starting WSO2 Carbon...", b"TID: [-1] [] [", b"] INFO {", b"Member left [", b"\tat x(y)\n")
    pieces = (*ODD, *words, b"Caused by:")
    path = tmp_path / "wso2carbon.log"

    def read(content: bytes, piped: bool) -> None:
        if piped:
            reading, writing = os.pipe()
            os.write(writing, content[:60_000])
            os.close(writing)
            log: FileLog | PipeLog = PipeLog(reading)
        else:
            path.write_bytes(content)
            log = FileLog(path)
        story = Story()
        story.read(log.drain(first_byte=5, pause=1) if isinstance(log, PipeLog) else log.read())
        story.read(log.finish())
        log.close()

    fuzz(0.06, read, content=mutated(A_LOG, pieces, most=8), piped=st.booleans())


A_LOG = "".join(
    f"TID: [-1] [] [2017-11-27 06:56:{second:02},713]  INFO {{x.Class}} -  {message} {{x.Class}}\n"
    for second, message in enumerate(
        [
            "Starting WSO2 Carbon...",
            "Using wka based membership management scheme",
            "Local member: [5c5d] - Host:10.0.0.1, Remote Host:null, Port: 4000, HTTP:9763, HTTPS:9443, "
            "Domain: wso2.carbon.domain, Sub-domain:worker, Active:true",
            "Member joined [5c5e]: /10.0.0.2:4000",
            "Became CEP HA Active Member",
            "CEP HA State syncing failed, No execution plans exist for tenant  -1234",
            "Spark Master map size after starting masters : 2",
            "WSO2 Carbon started in 60 sec",
            "Member left [5c5e]: /10.0.0.2:4000",
        ]
    )
).encode()


def test_passwords_as_files_hold_them(pack: Path) -> None:
    """Any password that a profile can lead to is written so that the server reads the same."""
    data = (pack / "repository/conf/datasources/master-datasources.xml").read_bytes()
    characters = st.characters(codec="utf-8", exclude_categories=("Cc",), exclude_characters="\ufffe\uffff")

    def written(password: str) -> None:
        document = XmlDocument(data, "x.xml")
        path = "datasources/datasource/definition/configuration/password"
        document.all(path)[0].set_text(Secret(password))
        result = document.result()
        assert XmlDocument(result, "x.xml").all(path)[0].text == password
        told = [edit.text.rpartition("/")[2] for edit in document.edits]
        assert told in ([], ["password: ******** → ********"])

    fuzz(0.03, written, password=st.text(characters | st.sampled_from("\t\r\n&<>]'\""), max_size=20))
