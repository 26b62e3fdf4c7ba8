"""Scripts are read as the `mysql` client reads them, and what they create is known without running them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wizard.database.names import identifier, literal
from wizard.database.script import ForeignKey, Index, creates, statements
from wizard.system.errors import EditError

PACKS = ("apim-analytics-2.0.0", "apim-analytics-2.1.0", "das-3.0.1")


PIECES = st.one_of(
    st.sampled_from(["SELECT", "x", "(1, 2)", "-1", "a-b", "/*!40101 SET x='a;b' */", " ", "\n"]),
    st.text(max_size=8).map(literal),
    st.text(max_size=8).map(identifier),
)
BETWEEN = st.lists(st.sampled_from([" ", "\n", "-- c;'\n", "#;`\n", "/* ;' */", "\t"]), max_size=4).map(
    "".join
)


def texts(script: str) -> list[str]:
    return [statement.text for statement in statements(script)]


class TestStatements:
    def test_the_stock_scripts_have_as_many_as_the_procedure_measured(self, packs: Path) -> None:
        counts = {
            f"{pack}/{path.name}": len(texts(path.read_text()))
            for pack in PACKS
            for path in sorted((packs / pack / "dbscripts").glob("mysql*.sql"))
            if "cluster" not in path.name
        }
        assert counts == {
            "apim-analytics-2.0.0/mysql.sql": 73,
            "apim-analytics-2.0.0/mysql5.7.sql": 73,
            "apim-analytics-2.1.0/mysql.sql": 74,
            "apim-analytics-2.1.0/mysql5.7.sql": 74,
            "das-3.0.1/mysql.sql": 69,
        }

    def test_a_statement_knows_its_line(self) -> None:
        found = list(statements("-- first\r\n\nCREATE\n  TABLE a (i int);\r\n\n# more\n SELECT 1"))
        assert [(one.line, one.text) for one in found] == [(3, "CREATE\n  TABLE a (i int)"), (7, "SELECT 1")]

    def test_comments_go_and_version_comments_stay(self) -> None:
        script = "SELECT 1 /* one; two */ + 2; -- three; four\n# five; six\n/*!50000 SELECT ';' */; /* */ ;"
        assert texts(script) == ["SELECT 1   + 2", "/*!50000 SELECT ';' */"]

    def test_two_dashes_without_a_blank_are_no_comment(self) -> None:
        assert texts("SELECT 5--1; --") == ["SELECT 5--1"]

    @pytest.mark.parametrize(
        "string",
        [
            *("'a;b'", "'it''s; here'", r"'a\';b'", r"'ends with a backslash\\'", "'two\nlines;'"),
            *('"a;b"', '"say ""x;"""', r'"a\";b"', "`a;b`", "`a``;b`", r"`a\`"),
            *("'-- no comment'", "'# none'", "'/* none'"),
        ],
    )
    def test_a_string_holds_anything(self, string: str) -> None:
        assert texts(f"SELECT {string}; SELECT 2") == [f"SELECT {string}", "SELECT 2"]

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
    def test_the_stock_scripts_make_39_tables(self, packs: Path) -> None:
        for pack in PACKS:
            schema = creates((packs / pack / "dbscripts/mysql.sql").read_text())
            assert len(schema.tables) == 39
            assert len(schema.foreign_keys) == 28
            assert {table[:3] for table in schema.tables} == {"REG", "UM_"}

    def test_both_scripts_of_a_pack_create_the_same_under_other_names(self, packs: Path) -> None:
        for pack in PACKS[:2]:
            old, new = (
                creates((packs / pack / "dbscripts" / name).read_text())
                for name in ("mysql.sql", "mysql5.7.sql")
            )
            assert old.tables == new.tables
            assert {index.name for index in old.indexes} != {index.name for index in new.indexes}
            plain = [Counter((one.table, one.columns, one.unique) for one in it.indexes) for it in (old, new)]
            assert plain[0] == plain[1]

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
