"""Complete, partial, empty, absent, of another application: distinguished on real servers before anything runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.playground import Playground
from wizard.database.connection import DatabaseSession
from wizard.database.failure import DatabaseError
from wizard.database.names import identifier, literal
from wizard.database.schema import Contents, Verdict, compare, read_contents
from wizard.database.script import ForeignKey, Index, Schema, creates, statements
from wizard.database.server import LENIENT, read_server
from wizard.database.server import Server as Facts
from wizard.system.errors import EditError

SCRIPTS = (
    ("apim-analytics-2.0.0", "mysql.sql"),
    ("apim-analytics-2.0.0", "mysql5.7.sql"),
    ("apim-analytics-2.1.0", "mysql.sql"),
    ("apim-analytics-2.1.0", "mysql5.7.sql"),
    ("das-3.0.1", "mysql.sql"),
)


def session(ground: Playground) -> DatabaseSession:
    inside = ground.root_session()
    inside.work_limit = 60
    return inside


def facts(ground: Playground) -> Facts:
    with session(ground) as inside:
        return read_server(inside)


def run_script(ground: Playground, text: str, charset: str, most: int | None = None) -> DatabaseError | None:
    """Makes the user database with that script; the error that stopped it, if one did."""
    with session(ground) as inside:
        inside.make(f"CREATE DATABASE `{ground.user}` CHARACTER SET {charset}")
        inside.make(f"USE `{ground.user}`")
        for statement in list(statements(text))[:most]:
            try:
                inside.make(statement.text)
            except DatabaseError as problem:
                return problem
    return None


def seen(ground: Playground, name: str | None = None) -> Contents | None:
    with session(ground) as inside:
        return read_contents(inside, name or ground.user, fold=False)


def verdict(ground: Playground, *schemas: Schema) -> Verdict:
    return compare(seen(ground), schemas)


class TestTheMeasuredMatrix:
    """Procedure, chapter 2: which script on which server with which character set."""

    @pytest.mark.parametrize(("pack_name", "script"), SCRIPTS)
    @pytest.mark.parametrize("charset", ["latin1", "utf8mb4"])
    def test_script_and_character_set(
        self, ground: Playground, packs: Path, pack_name: str, script: str, charset: str
    ) -> None:
        text = (packs / pack_name / "dbscripts" / script).read_text()
        stopped = run_script(ground, text, charset)
        found = verdict(ground, creates(text))
        kind = ground.server.kind
        number, tables, missing = None, 39, None
        if kind == "mysql56" and charset == "utf8mb4":
            number, tables, missing = 1071, 17, "table UM_TENANT"
        elif kind == "mysql9" and script == "mysql.sql":
            number, tables, missing = 1067, 5, "table REG_RESOURCE"
        assert (stopped.number if stopped is not None else None) == number
        assert len(ground.server.tables(ground.user)) == tables
        assert missing in found.missing if missing else found == Verdict("whole")
        assert facts(ground).schema_fits(charset) is not (kind == "mysql56" and charset == "utf8mb4")

    @pytest.mark.parametrize(
        ("mode", "number"), [("STRICT_TRANS_TABLES", 1071), (LENIENT, None), ("NO_ZERO_DATE", 1067)]
    )
    def test_modes_of_56(self, ground56: Playground, pack: Path, mode: str, number: int | None) -> None:
        """Many a my.cnf is strict, and so is every session of Connector/J."""
        text = (pack / "dbscripts/mysql.sql").read_text()
        charset = "latin1" if mode == "NO_ZERO_DATE" else "utf8"
        with ground56.server.setting("sql_mode", f"'{mode}'"):
            stopped = run_script(ground56, text, charset)
        assert (stopped.number if stopped else None) == number
        assert facts(ground56).schema_fits("utf8", by_servers=True) is False
        assert facts(ground56).schema_fits("latin1", by_servers=True) is True

    def test_whole_by_the_other_script_is_whole(self, ground: Playground, pack: Path) -> None:
        old, new = ((pack / "dbscripts" / name).read_text() for name in ("mysql.sql", "mysql5.7.sql"))
        assert run_script(ground, new, "latin1") is None
        assert verdict(ground, creates(old), creates(new)).state == "whole"
        assert verdict(ground, creates(old)).state == "whole"


class TestWhatIsMissing:
    @pytest.mark.parametrize(
        ("statement", "missing"),
        [
            ("DROP TABLE UM_HYBRID_REMEMBER_ME", "table UM_HYBRID_REMEMBER_ME"),
            ("DROP INDEX REG_LOG_IND_BY_REGLOG ON REG_LOG", "index REG_LOG_IND_BY_REGLOG (reg_logged_time, "),
            ("DROP INDEX UM_DIALECT_URI ON UM_DIALECT", "unique index (um_dialect_uri, um_tenant_id) of UM_"),
            (
                "ALTER TABLE REG_SNAPSHOT DROP FOREIGN KEY REG_SNAPSHOT_FK_BY_PATH_ID",
                "foreign key REG_SNAPSHOT_FK_BY_PATH_ID (reg_path_id, reg_tenant_id) of REG_SNAPSHOT to REG_PATH",
            ),
            # The script creates this index twice, under two names.
            ("DROP INDEX REG_RESOURCE_HISTORY_IND_BY_PATH_ID_NAME ON REG_RESOURCE", "index "),
            ("ALTER TABLE REG_CLUSTER_LOCK DROP PRIMARY KEY", "primary key (reg_lock_name) of REG"),
        ],
    )
    def test_one_thing(self, ground: Playground, pack: Path, statement: str, missing: str) -> None:
        text = (pack / "dbscripts/mysql5.7.sql").read_text()
        assert run_script(ground, text, "latin1") is None
        ground.server.run(statement, database=ground.user)
        found = verdict(ground, creates(text))
        (name,) = found.missing
        assert found.state == "partial" and name.startswith(missing)

    def test_after_every_statement_it_is_partial_until_the_last(self, ground: Playground, pack: Path) -> None:
        """A run can be interrupted anywhere, also between a table and its index: none of it passes for whole."""
        text = (pack / "dbscripts/mysql5.7.sql").read_text()
        schema = creates(text)
        parts = [*schema.indexes, *schema.foreign_keys]
        before = len(schema.tables) + len(parts) + 1
        with session(ground) as inside:
            inside.make(f"CREATE DATABASE `{ground.user}` CHARACTER SET latin1")
            inside.make(f"USE `{ground.user}`")
            for left, statement in reversed([*enumerate(reversed([*statements(text)]))]):
                inside.make(statement.text)
                found = compare(read_contents(inside, ground.user, fold=False), [schema])
                assert found.state == ("partial" if left else "whole"), statement.text
                # Each statement creates something that was missing; with a table all of its parts are.
                tables = [name.split()[1] for name in found.missing if name.startswith("table")]
                now = len(found.missing) + sum(part.table in tables for part in parts)
                assert now < before, statement.text
                before = now

    def test_the_index_that_innodb_creates_for_a_key(self, ground: Playground) -> None:
        text = (
            "CREATE TABLE a (x INT, y INT, PRIMARY KEY (x, y)) ENGINE INNODB;"
            "CREATE TABLE b (x INT, y INT) ENGINE INNODB;"
            "ALTER TABLE b ADD CONSTRAINT b_to_a FOREIGN KEY (x, y) REFERENCES a (x, y);"
            "CREATE INDEX b_by_xy ON b (x, y);"
        )
        run_script(ground, text, "latin1", most=3)
        assert verdict(ground, creates(text)).missing == ("index b_by_xy (x, y) of b",)
        ground.server.run("CREATE INDEX b_by_xy ON b (x, y)", database=ground.user)
        assert verdict(ground, creates(text)).state == "whole"

    @pytest.mark.parametrize(
        ("wanted", "named", "missing"),
        [
            # The index of the key's name, or of its column's, is the script's where that has one of this name …
            ("KEY k (x), CONSTRAINT k FOREIGN KEY (x) REFERENCES a (x)", "k", 0),
            ("KEY (x), CONSTRAINT k FOREIGN KEY (x) REFERENCES a (x)", "x", 0),
            # … and else the one that the server made.
            ("KEY other (x), CONSTRAINT k FOREIGN KEY (x) REFERENCES a (x)", "k", 1),
            ("KEY other (x), CONSTRAINT k FOREIGN KEY (x) REFERENCES a (x)", "x", 1),
        ],
    )
    def test_whose_index_it_is_its_name_says(self, wanted: str, named: str, missing: int) -> None:
        script = creates(f"CREATE TABLE b (x INT, {wanted})")
        there = Schema(("b",), (Index("b", ("x",), False, named),), script.foreign_keys)
        assert len(compare(Contents("u", "latin1", there), [script]).missing) == missing


class TestOtherDatabases:
    def test_absent_empty_and_of_another_application(self, ground: Playground) -> None:
        schema = creates("CREATE TABLE a (i INT)")
        assert verdict(ground, schema) == Verdict("absent")
        ground.server.run(f"CREATE DATABASE `{ground.user}` CHARACTER SET latin1")
        assert verdict(ground, schema) == Verdict("empty")
        contents = seen(ground)
        assert contents is not None and contents.charset == "latin1"
        ground.server.run("CREATE TABLE orders (i INT)", database=ground.user)
        assert verdict(ground, schema) == Verdict("other", foreign=("orders",))

    @pytest.mark.parametrize(
        ("thing", "name"),
        [
            ("CREATE VIEW v AS SELECT 1", "view v"),
            ("CREATE PROCEDURE p() SELECT 1", "routine p"),
            ("CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO SELECT 1", "event e"),
        ],
    )
    def test_without_tables_yet_not_empty(self, ground: Playground, thing: str, name: str) -> None:
        ground.server.run(f"CREATE DATABASE `{ground.user}`")
        ground.server.run(thing, database=ground.user)
        contents = seen(ground)
        assert contents is not None and not contents.empty
        assert contents.others == (name,)
        assert verdict(ground, creates("CREATE TABLE a (i INT)")).state == "other"

    def test_more_than_the_script_is_still_complete(self, ground: Playground) -> None:
        text = "CREATE TABLE a (i INT, PRIMARY KEY (i))"
        run_script(ground, text, "latin1")
        ground.server.run("CREATE TABLE more (i INT)", "CREATE INDEX extra ON a (i)", database=ground.user)
        assert verdict(ground, creates(text)) == Verdict("whole", foreign=("more",))

    def test_a_name_that_differs_in_case_is_another_database(self, ground: Playground) -> None:
        ground.server.run(f"CREATE DATABASE `{ground.user.upper()}`")
        try:
            assert seen(ground) is None
            assert seen(ground, ground.user.upper()) is not None
        finally:
            ground.server.drop(ground.user.upper())

    def test_of_an_analytics_store_only_the_names_are_read(self, maria: Playground) -> None:
        maria.server.run(f"CREATE DATABASE `{maria.user}`")
        maria.server.run("CREATE TABLE b (i INT PRIMARY KEY)", "CREATE TABLE a (i INT)", database=maria.user)
        with session(maria) as inside:
            shallow = read_contents(inside, maria.user, fold=False, deep=False)
        assert shallow is not None
        assert shallow.schema == Schema(("a", "b"), (), ())


class TestFacts:
    def test_of_each_server(self, ground: Playground) -> None:
        found, kind = facts(ground), ground.server.kind
        own = "utf8mb4" if kind == "mysql9" else "latin1"
        assert (found.greeting.mariadb, found.charset) == (kind == "mariadb", own)
        assert found.index_limit == (767 if kind == "mysql56" else 3072)
        assert (found.folds_names, found.read_only, found.max_connections) == (False, False, 151)
        assert (found.width("utf8"), found.width("nonsense"), found.schema_fits("nonsense")) == (
            3,
            None,
            None,
        )
        assert (found.charset_for(None), found.charset_for("latin2")) == (own, "latin2")
        for os in ("Win64", "Win32"):
            assert dataclasses.replace(found, os=os).charset_for(None) == "latin1"

    def test_a_default_row_format_of_old_makes_short_indexes(self, ground9: Playground, pack: Path) -> None:
        with ground9.server.setting("innodb_default_row_format", "COMPACT"):
            found = facts(ground9)
            stopped = run_script(ground9, (pack / "dbscripts/mysql5.7.sql").read_text(), "utf8mb4")
        assert [found.schema_fits(one) for one in ("utf8mb4", "utf8", "latin1")] == [False, False, True]
        assert stopped is not None and stopped.number == 1709


# --- scripts: read as the `mysql` client reads them, and what they create is known without running them ------


PIECES = st.one_of(
    st.sampled_from(["SELECT", "x", "(1, 2)", "-1", "a-b", "/*!40101 SET x='a;b' */", " ", "\n"]),
    st.text(max_size=8).map(literal),
    st.text(max_size=8).map(json.dumps),  # double quotes, with backslashes
    st.sampled_from(['"say ""x;"""', r"'\';'", "'-- no comment'", '"# none"', "'/* none'"]),
    st.text(max_size=8).map(identifier),
)
BETWEEN = st.lists(st.sampled_from([" ", "\n", "-- c;'\n", "#;`\n", "/* ;' */", "\t"]), max_size=4).map(
    "".join
)


def texts(script: str) -> list[str]:
    return [statement.text for statement in statements(script)]


class TestStatements:
    def test_a_statement_knows_its_line(self) -> None:
        found = list(statements("-- first\r\n\nCREATE\n  TABLE a (i int);\r\n\n# more\n SELECT 1"))
        assert [(one.line, one.text) for one in found] == [(3, "CREATE\n  TABLE a (i int)"), (7, "SELECT 1")]

    def test_comments_go_and_version_comments_stay(self) -> None:
        script = "SELECT 1 /* one; two */ + 2; -- three; four\n# five; six\n/*!50000 SELECT ';' */; /* */ ;"
        assert texts(script) == ["SELECT 1   + 2", "/*!50000 SELECT ';' */"]

    def test_two_dashes_without_a_blank_are_no_comment(self) -> None:
        assert texts("SELECT 5--1; --") == ["SELECT 5--1"]

    @pytest.mark.parametrize("broken", ["SELECT 'a", 'SELECT "a', "SELECT `a", "SELECT 1 /* a"])
    def test_an_unclosed_string_or_comment_is_reported_with_its_line(self, broken: str) -> None:
        with pytest.raises(EditError, match="line 2") as raised:
            texts(f"SELECT 1;\n{broken}")
        assert raised.value.place == "script:2"

    @given(st.lists(st.lists(PIECES, min_size=1, max_size=6).map(" ".join), max_size=5), BETWEEN)
    def test_joined_statements_are_split_again(self, parts: list[str], between: str) -> None:
        joined = between + "".join(f"{part};{between}" for part in parts)
        assert texts(joined) == [part.strip() for part in parts if part.strip()]


class TestWhatAScriptCreates:
    def test_every_way_to_write_an_index(self) -> None:
        schema = creates(
            """
            CREATE TABLE IF NOT EXISTS `db`.`t` (
                id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY,
                `a` VARCHAR(20) DEFAULT 'UNIQUE, (really)' COMMENT ', KEY (b)',
                b DECIMAL(10, 2) UNIQUE,
                c INT CHECK (c > 0),
                UNIQUE (a, b),
                UNIQUE KEY named (a(10) DESC),
                CONSTRAINT u UNIQUE INDEX (c),
                KEY k1 (b), INDEX USING BTREE (c),
                FULLTEXT KEY ft (a),
                CONSTRAINT fk FOREIGN KEY (b, c) REFERENCES other (x, y) ON DELETE CASCADE,
                FOREIGN KEY idx (c) REFERENCES `db`.other(z)
            ) ENGINE INNODB;
            CREATE UNIQUE INDEX i1 USING HASH ON t (c, a);
            CREATE INDEX i2 ON t(a) USING BTREE;
            ALTER TABLE t ADD CONSTRAINT fk2 FOREIGN KEY (a) REFERENCES o2 (q), ADD INDEX i3 (a, c);
            """
        )
        assert schema.tables == ("t",)
        assert schema.indexes == (
            Index("t", ("id",), True, "PRIMARY"),
            Index("t", ("b",), True),
            Index("t", ("a", "b"), True),
            Index("t", ("a",), True, "named"),
            Index("t", ("c",), True, "u"),
            Index("t", ("b",), False, "k1"),
            Index("t", ("c",), False),
            Index("t", ("a",), False, "ft"),
            Index("t", ("c", "a"), True, "i1"),
            Index("t", ("a",), False, "i2"),
            Index("t", ("a", "c"), False, "i3"),
        )
        assert schema.foreign_keys == (
            ForeignKey("t", ("b", "c"), "other", ("x", "y"), "fk"),
            ForeignKey("t", ("c",), "other", ("z",)),
            ForeignKey("t", ("a",), "o2", ("q",), "fk2"),
        )

    @pytest.mark.parametrize(
        "text",
        [
            "CREATE TABLE t (, a INT, KEY k (a, ),, )",
            "CREATE TABLE t (a INT); ALTER TABLE t ADD KEY k (a),, ;",
            ";; CREATE INDEX k ON t (,a); /* */; CREATE TABLE t (a INT);",
        ],
    )
    def test_an_empty_part_is_no_column_and_no_index(self, text: str) -> None:
        schema = creates(text)
        assert (schema.tables, schema.indexes) == (("t",), (Index("t", ("a",), False, "k"),))

    def test_what_creates_nothing_is_passed_over(self) -> None:
        schema = creates(
            "INSERT INTO t VALUES ('CREATE TABLE x (i INT)'); DROP TABLE y; CREATE TABLE z LIKE t;"
        )
        assert schema.tables == ("z",)
        assert schema.indexes == schema.foreign_keys == ()

    @given(st.text(max_size=200))
    def test_any_text_gives_an_answer_or_a_clear_error(self, text: str) -> None:
        try:
            creates(text)
        except EditError as problem:
            assert problem.fix
