"""The record tables of each pack, read from its own configuration, and the size of their rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.headless import PACKS
from tests.support.pairs import copy_pack
from wizard.pack.home import Pack
from wizard.pack.stores import (
    LARGEST_ROW,
    RDBMS_CONFIG,
    charset_width,
    expanded,
    largest_row,
    needs_single_byte,
    row_size,
    store_tables,
)
from wizard.system.errors import EditError


@pytest.mark.parametrize("name", PACKS)
def test_the_tables_of_a_stock_pack(packs: Path, name: str) -> None:
    pack = Pack(packs / name)
    assert len(store_tables(pack)) == 2
    assert needs_single_byte([pack]) is (name == "apim-analytics-2.1.0")
    assert largest_row([pack], 1) <= LARGEST_ROW


def test_the_query_is_expanded_as_the_server_does(packs: Path) -> None:
    statement = store_tables(Pack(packs / "apim-analytics-2.1.0"))[1]
    columns = ", ".join(f"ED{number} VARCHAR(4000)" for number in range(10))
    assert " ".join(statement.split()) == (
        "CREATE TABLE ANX___8GO8JC2Q_ (record_id VARCHAR(128), timestamp BIGINT, data LONGBLOB, "
        f"{columns}, partition_key INT, PRIMARY KEY(record_id)) ENGINE='InnoDB'"
    )
    assert expanded("a [{{EXT_FIELD}}=?] b [x] {{TABLE_NAME}}", 2, "T") == "a ED0=?, ED1=? b x, x T"
    assert expanded("a [{{EXT_FIELD}}] b", 0) == "a  b"


@pytest.mark.parametrize(
    ("columns", "sizes"),
    [
        ("a INT NOT NULL", (4, 4, 4)),
        ("a INT", (5, 5, 5)),
        ("a VARCHAR(255) NOT NULL", (256, 767, 1022)),
        ("a VARCHAR(256) NOT NULL", (258, 770, 1026)),
        ("`a, b` CHAR(10) NOT NULL, PRIMARY KEY(`a, b`)", (10, 30, 40)),
        ("a VARBINARY(300) NOT NULL, b LONGBLOB NOT NULL", (314, 314, 314)),
        ("a DECIMAL(10, 2) NOT NULL, KEY k (a)", (7, 7, 7)),
        ("a VARCHAR(1000) CHARACTER SET latin1 NOT NULL", (1002, 1002, 1002)),
        ("a VARCHAR(1000) COLLATE utf8mb4_bin NOT NULL", (4002, 4002, 4002)),
        ("a NVARCHAR(100) NOT NULL, b VARCHAR(1) DEFAULT ')' NOT NULL", (304, 306, 307)),
    ],
)
def test_row_sizes(columns: str, sizes: tuple[int, int, int]) -> None:
    """In a character set of 1, 3 and 4 bytes a character."""
    widths = tuple(map(charset_width, ("latin1", "utf8", "UTF8MB4")))
    assert (*widths, charset_width("ucs2"), charset_width("binary")) == (1, 3, 4, 2, 1)
    statement = f"CREATE TABLE t ({columns}) ENGINE='InnoDB'"
    assert tuple(row_size(statement, width) for width in widths) == sizes


def test_a_character_set_of_the_table_itself_counts() -> None:
    assert row_size("CREATE TABLE t LIKE u", 4) == 0
    for options in ("DEFAULT CHARSET=latin1", "CHARACTER SET 'latin1'", "COLLATE = latin1_bin"):
        assert row_size(f"CREATE TABLE t (a VARCHAR(1000) NOT NULL) ENGINE=InnoDB {options}", 4) == 1002


class TestOtherPeoplesConfigurations:
    def changed(self, packs: Path, folder: Path, old: str, new: str) -> Pack:
        home = copy_pack(packs / "apim-analytics-2.1.0", folder / "home")
        text = (home / RDBMS_CONFIG).read_text()
        assert old in text
        (home / RDBMS_CONFIG).write_text(text.replace(old, new))
        return Pack(home)

    @pytest.mark.parametrize(
        ("old", "new", "widest"),
        [
            ("<recordExtDataFieldCount>10<", "<recordExtDataFieldCount>4<", 4),
            ("<recordExtDataFieldCount>10<", "<recordExtDataFieldCount>5<", 3),
            ('name="mysql"', 'name="my.*"', 1),
            ('name="mysql"', 'name="MySQL"', 1),
            ('name="mysql"', 'name="("', 4),
            ('<database name="mysql"', '<database name="MariaDB"', 4),
            ("VARCHAR(4000)", "VARCHAR(400)", 4),
            ("VARCHAR(4000)", "VARCHAR(2000)", 3),
            ("VARCHAR(4000)", "VARCHAR(4000) CHARACTER SET ascii", 4),
        ],
    )
    def test_the_widest_character_set_that_fits(self, packs, tmp_path, old, new, widest):
        pack = self.changed(packs, tmp_path, old, new)
        assert max(width for width in (1, 3, 4) if largest_row([pack], width) <= LARGEST_ROW) == widest
        for own in ([pack], [Pack(packs / "apim-analytics-2.0.0"), pack]):
            assert needs_single_byte(own) is (widest < 4)

    def test_comments_do_not_count(self, packs: Path, tmp_path: Path) -> None:
        home = copy_pack(packs / "apim-analytics-2.1.0", tmp_path / "other")
        text = (home / RDBMS_CONFIG).read_text()
        old = (packs / "apim-analytics-2.0.0" / RDBMS_CONFIG).read_text()
        body = text[text.index('<database name="mysql"') : text.index('<database name = "oracle"')]
        (home / RDBMS_CONFIG).write_text(old.replace("<database", f"<!-- {body} --><database", 1))
        assert not needs_single_byte([Pack(home)])

    def test_no_file_and_a_broken_one(self, packs: Path, tmp_path: Path) -> None:
        home = copy_pack(packs / "apim-analytics-2.1.0", tmp_path / "home")
        (home / RDBMS_CONFIG).write_text("<rdbms-configuration><database name='mysql'>")
        with pytest.raises(EditError):
            store_tables(Pack(home))
        (home / RDBMS_CONFIG).unlink()
        assert store_tables(Pack(home)) == []
