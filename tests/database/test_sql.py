"""What is printed for a DBA runs in the `mysql` client of each server, whatever the names and passwords hold."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.playground import Playground, playground
from tests.support.servers import Server
from wizard.database.accounts import Account
from wizard.database.connection import Greeting, greeting
from wizard.database.failure import Endpoint
from wizard.database.needs import Database, Login, WantedDatabases
from wizard.database.script import scripts_for
from wizard.database.sql import sql_text
from wizard.pack.home import Pack
from wizard.passwords.secret import Secret


def text_for(ground: Playground, *, with_password: bool = True, **changes: object) -> str:
    said = greeting(ground.endpoint)
    scripts = scripts_for([Pack(ground.pack)], said)
    assert scripts is not None
    return sql_text(ground.wanted(**changes), scripts.fitting, said, with_password=with_password)


def runs(ground: Playground, sql: str) -> None:
    done = ground.server.client(sql)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr


def nothing_is_missing(ground: Playground) -> None:
    needs = ground.pending()
    assert not needs.pending
    assert [result.status for result in needs.results] == ["present"] * 4
    assert [result.tables for result in needs.results] == [39, 39, 0, 0]


class TestInTheClient:
    def test_without_the_password_the_account_gets_a_random_one(self, ground: Playground) -> None:
        texts = [text_for(ground, with_password=False) for _ in range(2)]
        passwords = {found for text in texts for found in re.findall(r"IDENTIFIED BY '+([^']{20,})'", text)}
        assert len(passwords) == 2 and ground.password not in texts[0]
        runs(ground, texts[0])
        # The text itself says how the password of the profile is set.
        line = next(line for line in texts[0].splitlines() if "'...'" in line).removeprefix("--").strip(" ;")
        ground.server.run(line.replace("'%'", "'%%'").replace("'...'", "%s"), values=(ground.password,))
        nothing_is_missing(ground)

    def test_an_account_that_exists_keeps_its_password(self, ground: Playground) -> None:
        ground.make_account()
        runs(ground, text_for(ground, with_password=False))
        nothing_is_missing(ground)

    def test_the_part_before_the_tables_can_be_run_twice(self, ground: Playground) -> None:
        sql = text_for(ground, mode="server")
        assert "CREATE TABLE" not in sql
        runs(ground, sql)
        runs(ground, sql)
        ground.connect().close()

    def test_names_and_passwords_with_everything(self, server: Server, pack: Path, tmp_path: Path) -> None:
        evil = {"user": "a'b\"c`d;e-f.g h", "registry": "regdb` ; DROP DATABASE x --", "event_store": "ünï_x"}
        with playground(server, pack, tmp_path, names=evil) as ground:
            ground.account = "a'p`i\"m\\ --"[:16]
            ground.password = "p'a\"s\\s\\\\w`o%r;d -- # /* ü ß 漢"
            runs(ground, text_for(ground))
            nothing_is_missing(ground)
            ground.connect().close()

    def test_in_another_sql_mode(self, ground: Playground) -> None:
        with ground.server.setting("sql_mode", "CONCAT(@@GLOBAL.sql_mode, ',ANSI,NO_BACKSLASH_ESCAPES')"):
            runs(ground, text_for(ground))
        nothing_is_missing(ground)

    @pytest.mark.parametrize("charset", ["latin1", "utf8", "gbk", "cp1251"])
    def test_whatever_the_clients_character_set(self, maria: Playground, charset: str) -> None:
        sql = text_for(maria)
        done = maria.server.client(sql, f"--default-character-set={charset}")
        assert done.returncode == 0, done.stderr
        nothing_is_missing(maria)

    def test_the_sql_mode_of_the_session_is_restored(self, ground: Playground) -> None:
        done = ground.server.client(text_for(ground) + "SELECT @@SESSION.sql_mode = @@GLOBAL.sql_mode;\n")
        assert done.stdout.split()[-1] == "1"

    def test_no_password_stays_in_a_variable(self, ground56: Playground) -> None:
        done = ground56.server.client(text_for(ground56) + "SELECT @apimha_make;\n")
        assert done.stdout.split()[-1] == "NULL"


class TestTheText:
    WANTED = WantedDatabases(
        *(Endpoint("db", 3306), Login("apim", Secret("s3cret")), None, "%", None, "wizard"),
        databases=(Database("user_db", ("user",)), Database("store", ("event_store",))),
    )

    def test_a_store_that_exists_gets_the_character_set_too(self) -> None:
        text = sql_text(dataclasses.replace(self.WANTED, store_charset="latin1"), None, Greeting("8.4"))
        assert "ALTER DATABASE `store` CHARACTER SET latin1;" in text
        assert "ALTER DATABASE `user_db`" not in text
        assert "ALTER DATABASE" not in sql_text(self.WANTED, None, Greeting("8.4"))

    @given(st.text(max_size=30), st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
    def test_nothing_breaks_out(self, password: str, username: str, name: str) -> None:
        """Every line is a comment of ours, or a statement whose quotes all close."""
        wanted = dataclasses.replace(
            self.WANTED,
            login=Login(username, Secret(password)),
            databases=(Database(name, ("user",)), Database("store", ("event_store",))),
        )
        assert wanted.account == Account(username, "%")
        texts = [sql_text(one, None, Greeting("8.4"), with_password=True) for one in (wanted, self.WANTED)]
        assert self.skeleton(texts[0]) == self.skeleton(texts[1])

    @staticmethod
    def skeleton(sql: str) -> list[str]:
        """The text without what is quoted, as a client with backslash escapes reads it."""
        quotes = r"'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`"
        without = re.sub(quotes, "?", re.sub(r"(?m)^--.*$", "", sql), flags=re.DOTALL)
        assert "'" not in without and "`" not in without
        return [line for line in without.splitlines() if line]
