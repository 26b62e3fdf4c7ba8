"""Passwords are hidden in what servers and programs write, in the forms in which people and programs write them."""

from __future__ import annotations

import time

import pytest

from wizard.passwords.masking import Masker, without_passwords, without_quoted_passwords
from wizard.passwords.secret import MASK

VALUES = [
    "jdbc:mysql://h/d?user=a&password={}&x=1",
    "jdbc:h2:mem;PASSWORD={};x=1",
    "--password={}",
    "password: {}",
    "Password is: {}",
    'he sent ["password":"{}","user":"a"]',
    r"he sent [\"password\": \"{}\", 1]",
    "-Djavax.net.ssl.trustStorePassword={} -jar x",
    "client_secret = {}",
    "jdbc:mysql://apim:{}@10.0.0.1:3306/d",
    "https://svn:{}@host/repo?mail=a@b",
    "jdbc:oracle:thin:scott/{}@//h:1521/x",
    "CREATE USER 'a'@'%' IDENTIFIED BY '{}'",
    'create user a identified by "{}" require ssl',
    "GRANT ALL ON *.* TO a IDENTIFIED BY PASSWORD '{}'",
    "ALTER USER a IDENTIFIED WITH mysql_native_password BY '{}'",
    "IDENTIFIED BY '{}",
    "SET PASSWORD FOR 'a'@'h' = '{}'",
    "SELECT PASSWORD('{}')",
    "password => {}",
    "Authorization: Basic {}",
]
LINES = [
    "login of apim with password {}",
    "login with password '{}' failed",
    "the password is '{}'",
    "mysqldump --password {} db",
    "mysql -u apim -p {} db",
    "mysql -uapim -p{} db",
    "mysql '-p{}'",
    "keytool -storepass {} -list",
    "openssl -passin {}",
    "<password>{}</password>",
    '<Property name="password">{}</Property>',
    '<p:dbPassword encrypted="false">{}</p:dbPassword>',
]
INNOCENT = [
    "the password is wrong",
    "Access denied for user 'a'@'h' (using password: YES)",
    "Access denied for user 'a'@'h' (using password: NO)",
    "password for apim expired, and the Password Callback failed.",
    "password=null",
    "Your password has expired. To log in you must change it",
    "password doesn't match",
    "no password",
    "java -port 9443 -path /opt/x -properties y",
    "http://10.0.0.1:9443/carbon?mail=a@b",
    "org.wso2.carbon.user.core.UserStoreException: Error when authenticating user",
    "Member [10.0.0.1]:4000 - 7f joined",
]


@pytest.mark.parametrize("password", ["hunter", "S3cr,et!", "p@ss.w0rd", "pass/word1"])
@pytest.mark.parametrize("form", [*VALUES, *LINES])
def test_a_password_is_hidden_in_every_form(form: str, password: str) -> None:
    if "scott" in form:  # where either would end the password
        password = password.replace("@", "").replace("/", "")
    shown = without_quoted_passwords(form.format(password))
    before, after = form.split("{}")
    assert shown.startswith(before.rstrip("\\\"'") + MASK)
    assert shown.rpartition(MASK)[2].lstrip("'") == after.lstrip("\\\"'")
    if form in VALUES:
        assert without_passwords(form.format(password)) == shown
    assert without_quoted_passwords(shown) == shown


@pytest.mark.parametrize("line", INNOCENT)
def test_what_only_speaks_of_passwords_stays(line: str) -> None:
    assert without_quoted_passwords(line) == line


@pytest.mark.parametrize(
    "piece", ["password", "//a:", "password ", "identified by ", "'", "jdbc:a:b", "-p ", '"\\', "pass:@"]
)
def test_a_long_value_takes_no_time_without_end(piece: str) -> None:
    """The square of its length would be hours."""
    begun = time.monotonic()
    without_passwords(piece * (1_000_000 // len(piece)))
    assert time.monotonic() - begun < 60


def test_masking_takes_no_more_time_than_a_file_is_long() -> None:
    text = "a." * 500_000
    assert Masker(["correct horse"]).mask(text) == text
