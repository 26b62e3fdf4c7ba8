"""What a user relies on: a password comes from where the profile says, is kept safely, and shows nowhere."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import select
import stat
import sys
import time
import traceback
from io import StringIO
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.traceback import Traceback

from wizard.passwords.masking import Masker, without_passwords, without_quoted_passwords
from wizard.passwords.references import (
    CommandReference,
    EnvReference,
    FileReference,
    KeyringReference,
    PromptReference,
    SecretReference,
)
from wizard.passwords.resolver import Resolver, is_kept, keep
from wizard.passwords.secret import MASK, Secret
from wizard.system import locations
from wizard.system.errors import Failed, SecretError

MARK = "mArk-7f3e"
PROMPT = PromptReference(prompt=True)


def resolve(reference, *, trusted=True, **options):
    return Resolver(trusted=trusted, **options).resolve(reference, "mysql.password").reveal()


def refused(reference, why, **options):
    """The error of a reference that is not resolved; no part of a traceback shows what was read."""
    with pytest.raises(SecretError, match=why) as failure:
        resolve(reference, **options)
    assert MARK not in everything_in(failure.value)
    return failure.value


def file_with(tmp_path, content, mode=0o600):
    path = tmp_path / "password"
    path.write_bytes(content)
    path.chmod(mode)
    return FileReference(file=path)


def python(code):
    return CommandReference(command=(sys.executable, "-c", code))


def never(text):
    pytest.fail(f"asked: {text}")


def everything_in(error: BaseException) -> str:
    """All that a traceback could show: the texts of the whole chain, and the variables of every frame."""
    seen = []
    while error is not None:
        seen += [str(error), repr(error), repr(error.args), repr(vars(error))]
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename != __file__:
                seen.append(repr(trace.tb_frame.f_locals))
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return "\n".join(seen)


def in_a_crash_of_textual(secret):
    """What rich shows of an error, with the variables."""
    out = StringIO()
    try:
        raise ValueError(secret)
    except ValueError:
        Console(file=out, width=200).print(Traceback(show_locals=True))
    assert "secret" in out.getvalue()
    return out.getvalue()


class TestSecretNeverShowsItself:
    @pytest.mark.parametrize(
        "show",
        [
            *(str, repr, lambda s: f"{s}", lambda s: f"{s!r:>30}", lambda s: f"{s:>30}"),
            lambda s: "%s %r" % (s, s),  # noqa: UP031
            lambda s: "{} {!s}".format(s, s),  # noqa: UP032
            lambda s: repr([s, {"a": s}, (s,)]),
            *(lambda s, form=form: json.dumps({"a": s}, default=form) for form in (str, repr)),
            lambda s: repr(copy.deepcopy({"a": s})),
            lambda s: repr(getattr(s, "__dict__", None)),
            dataclasses.make_dataclass("Holder", ["secret"]),
            lambda s: traceback.format_exception(ValueError(s)),
            in_a_crash_of_textual,
        ],
    )
    def test_in_text(self, show):
        assert MARK not in str(show(Secret(MARK)))

    @pytest.mark.parametrize("protocol", [*range(pickle.HIGHEST_PROTOCOL + 1), None])
    def test_it_refuses_to_be_pickled_and_to_be_json(self, protocol):
        with pytest.raises(TypeError) as failure:
            json.dumps(Secret(MARK)) if protocol is None else pickle.dumps(Secret(MARK), protocol)
        assert MARK not in str(failure.value)

    def test_it_is_a_value_that_reveals_itself_only_when_asked(self):
        assert Secret(MARK).reveal() == MARK
        assert f"<{Secret(MARK):>10}>" == f"<{MASK:>10}>"
        assert str(Secret("")) == str(Secret("x" * 100)) == MASK
        assert Secret("a") == Secret("a") not in (Secret("b"), "a")
        assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


RAW = {
    EnvReference: {"env": "NAME"},
    KeyringReference: {"keyring": "mysql/apim"},
    CommandReference: {"command": ["pass", "show", "x"]},
    PromptReference: {"prompt": True},
}


class TestReferences:
    adapter = TypeAdapter(SecretReference)

    @pytest.mark.parametrize("kind", RAW)
    def test_each_kind_is_read(self, kind):
        reference = self.adapter.validate_python(RAW[kind])
        assert type(reference) is kind
        assert hash(reference) == hash(self.adapter.validate_python(RAW[kind]))

    def test_a_file_counts_from_the_folder_of_the_profile_or_the_users_home(self, tmp_path, isolated):
        for written, folder in (("secrets/db", tmp_path), ("~/db", isolated)):
            reference = self.adapter.validate_python({"file": written}, context={"folder": tmp_path})
            assert reference.file == folder / written.removeprefix("~/")

    @pytest.mark.parametrize("raw", [{}, None, [], 3, MARK, {"evn": "A"}, {"env": "A", "file": "b"}, {"env": ""},
        {"env": "A=B"}, {"env": 1}, {"file": ""}, {"file": "a\0b"}, {"keyring": "noslash"}, {"keyring": "service/"},
        {"keyring": "/user"}, {"command": []}, {"command": "pass show x"}, {"command": ["a", 1]}, {"prompt": False},
        {"prompt": 1}])  # fmt: skip
    def test_what_is_no_reference_is_refused(self, raw):
        with pytest.raises(ValidationError):
            self.adapter.validate_python(raw)

    def test_the_description_of_a_command_holds_no_argument(self):
        assert MARK not in CommandReference(command=("sh", "-c", f"echo {MARK}")).describe()


class TestEnvironment:
    def test_the_value_or_what_to_export(self, monkeypatch):
        reference = EnvReference(env="A_PASSWORD")
        for value in ("s3cret\n", ""):
            monkeypatch.setenv("A_PASSWORD", value)
            assert resolve(reference) == value
        monkeypatch.delenv("A_PASSWORD")
        failure = refused(reference, "A_PASSWORD")
        assert (failure.exit_code, failure.place) == (3, "mysql.password")
        assert "export A_PASSWORD" in failure.fix

    @pytest.mark.parametrize(("end", "why"), [(b"\xff", "not UTF-8"), (b"\x01", "not allowed in XML")])
    def test_what_no_file_can_hold_is_refused_without_showing_it(self, monkeypatch, end, why):
        monkeypatch.setenv("A_PASSWORD", os.fsdecode(MARK.encode() + end))
        refused(EnvReference(env="A_PASSWORD"), why)


class TestFile:
    def test_one_line_break_at_the_end_is_dropped(self, tmp_path):
        for password in ("s3cret", " s3cret ", "", "pässwörd €", "s3cret\n"):
            for end in ("\n", "\r\n"):
                assert resolve(file_with(tmp_path, f"{password}{end}".encode())) == password
        for whole in ("s3cret", "s3cret\r", ""):
            assert resolve(file_with(tmp_path, whole.encode())) == whole

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666])
    def test_one_that_is_open_to_others_is_refused_until_its_fix_was_run(self, tmp_path, mode):
        """Also where a link leads to it, and whatever its path."""
        (folder := tmp_path / "a b'c").mkdir()
        reference = file_with(folder, MARK.encode(), mode)
        (tmp_path / "link").symlink_to(reference.file)
        refused(FileReference(file=tmp_path / "link"), "open to others")
        assert os.system(refused(reference, "open to others").fix) == 0
        assert stat.S_IMODE(reference.file.stat().st_mode) == 0o600
        for own in (0o600, 0o400, 0o700):
            reference.file.chmod(own)
            assert resolve(FileReference(file=tmp_path / "link")) == MARK

    def test_what_is_no_password_of_this_user_is_refused_at_once(self, tmp_path):
        os.mkfifo(tmp_path / "pipe", 0o600)
        places = {"none": "No such file", "": "is a folder", "pipe": "not a reg", "/dev/zero": "not a reg"}
        for place, why in places.items():
            fix = refused(FileReference(file=tmp_path / place), why).fix
            assert str(tmp_path / place) in fix
        for content, why in ((MARK.encode() * 20000, "too large"), (MARK.encode() + b"\xff", "not UTF-8")):
            refused(file_with(tmp_path, content), why)
        if os.geteuid() == 0:  # who can give files away
            os.chown((reference := file_with(tmp_path, b"x")).file, 12345, 12345)
            refused(reference, "belongs to another user")

    @pytest.mark.parametrize(
        ("folder", "beside"),
        [
            ("clone", ["clone", "clone/sub"]),
            ("", [""]),
            ("..", ["..", "", "clone", "clone/sub"]),
            ("clone/sub", ["clone/sub"]),
        ],
    )
    def test_without_agreement_only_what_is_beside_the_profile_is_read(self, isolated, folder, beside):
        """Below its folder too, unless that is the user's home: there are the user's own secrets."""
        how = {"trusted": False, "folder": isolated / folder}
        (isolated / "clone/sub").mkdir(parents=True)
        for place in ("..", "", "clone", "clone/sub"):
            reference = file_with(isolated / place, b"x")
            if place in beside:
                assert resolve(reference, **how) == "x"
            else:
                refused(reference, "is read only for a profile that you have agreed to", **how)


class Memory(KeyringBackend):
    """A keyring of a few entries; one that `forgets` only pretends to keep a password."""

    priority = 5

    def __init__(self, forgets=False):
        super().__init__()
        self.forgets = forgets
        self.entries = {("mysql", "apim"): "s3cret", ("a/b", "user"): "two", ("empty", "user"): ""}

    def get_password(self, service, username):
        return self.entries.get((service, username))

    def set_password(self, service, username, password):
        self.entries[service, username] = "" if self.forgets else password


@pytest.fixture
def backend(request):
    before = keyring.get_keyring()
    keyring.set_keyring(Memory(getattr(request, "param", False)))
    yield keyring.get_keyring()
    keyring.set_keyring(before)


class TestKeyring:
    @pytest.mark.parametrize(
        ("entry", "password"), [("mysql/apim", "s3cret"), ("a/b/user", "two"), ("empty/user", "")]
    )
    def test_the_entry(self, backend, entry, password):
        """It splits at the last slash, and an empty value is a value."""
        assert resolve(KeyringReference(keyring=entry)) == password

    def test_a_missing_one_comes_with_its_command_and_a_failure_without_its_text(self, backend, monkeypatch):
        fix = refused(KeyringReference(keyring="mysql/other"), "no entry").fix
        assert fix == "keyring set mysql other"

        def fail(service, username):
            raise RuntimeError(MARK)

        monkeypatch.setattr(backend, "get_password", fail)
        with pytest.raises(SecretError, match="the keyring failed") as failure:
            resolve(KeyringReference(keyring="mysql/apim"))
        assert MARK not in "".join(traceback.format_exception(failure.value))


class TestCommand:
    def test_its_output_without_a_shell_an_input_or_what_it_says_on_standard_error(self, tmp_path, capfd):
        command = CommandReference(command=("echo", f"$(touch {tmp_path}/made)", ";", "touch", "x"))
        assert resolve(command) == f"$(touch {tmp_path}/made) ; touch x"
        assert list(tmp_path.iterdir()) == []
        assert resolve(python("import sys; print(repr(sys.stdin.read()))")) == "''"
        assert resolve(python(f"import sys; sys.stderr.write('{MARK}'); print('x')")) == "x"
        assert MARK not in "".join(capfd.readouterr())

    @pytest.mark.parametrize(
        ("code", "why"),
        [
            (f"import sys; print('{MARK}'); sys.stderr.write('{MARK}'); sys.exit(3)", "exit code 3"),
            (f"import os; os.write(1, b'{MARK}\\xff')", "not UTF-8"),
            (f"import os; print('{MARK}', flush=True); os.kill(os.getpid(), 9)", "exit code -9"),
            (f"import os, time; os.write(1, b'{MARK}'); os.close(1); time.sleep(600)", "within 2 s"),
        ],
    )
    def test_a_failing_one_shows_nothing_of_its_output(self, tmp_path, code, why):
        """From a file: the command line itself may be in a traceback."""
        (tmp_path / "code.py").write_text(code)
        limit = 2 if "sleep" in code else 60
        refused(CommandReference(command=(sys.executable, str(tmp_path / "code.py"))), why, time_limit=limit)

    @pytest.mark.parametrize("program", ["/no/such/program", "/", "a\0b", ""])
    def test_a_program_that_cannot_be_run(self, program):
        failure = refused(CommandReference(command=(program, "4rgument")), "cannot be run")
        assert failure.fix and not {"\0", "4rgument"} & {*str(failure).split(), *str(failure)}

    def test_one_that_never_ends_is_ended_with_its_children(self, tmp_path):
        # The child says that it lives, and holds the pipe open after its parent has ended.
        code = (
            "import os, sys, time\n"
            f"path = {str(tmp_path / 'pid')!r}\n"
            "pid = os.fork()\n"
            "if pid == 0:\n"
            "    open(path + '.new', 'w').write(str(os.getpid())); os.rename(path + '.new', path)\n"
            "    time.sleep(60)\n"
            "while not os.path.exists(path): time.sleep(0.01)\n"
        )
        began = time.monotonic()
        with pytest.raises(SecretError, match="did not end within 2 s"):
            resolve(python(code), time_limit=2)
        assert time.monotonic() - began < 20
        try:
            descriptor = os.pidfd_open(int((tmp_path / "pid").read_text()))
        except ProcessLookupError:
            return
        try:
            assert select.select([descriptor], [], [], 10)[0]
        finally:
            os.close(descriptor)

    def test_no_more_is_read_than_a_password_can_have(self):
        refused(CommandReference(command=("yes",)), "prints more")
        longest = 64 * 1024
        assert resolve(python(f"print('x' * {longest}, end='')")) == "x" * longest
        refused(python(f"print('x' * {longest + 1}, end='')"), "prints more")

    def test_headless_it_needs_to_be_allowed_and_no_question_is_asked(self, tmp_path):
        command = CommandReference(command=("touch", str(tmp_path / "made")))
        failure = refused(command, "agreed to", trusted=False, confirm=never)
        assert "--allow-commands" in failure.fix
        assert not (tmp_path / "made").exists()

    @pytest.mark.parametrize("answer", [True, False])
    def test_on_a_terminal_each_command_is_asked_for_once(self, answer):
        asked = []
        resolver = Resolver(interactive=True, confirm=lambda text: asked.append(text) or answer)
        for code, place in (("'x'", "password"), ("'x'", "admin_password"), ("'y'", "password")):
            if answer:
                assert resolver.resolve(python(f"print({code})"), f"mysql.{place}").reveal() == code.strip(
                    "'"
                )
            else:
                with pytest.raises(SecretError, match="you have agreed to"):
                    resolver.resolve(python(f"print({code})"), f"mysql.{place}")
        assert len(asked) == 2
        assert sys.executable in asked[0] and "print" in asked[0]

    def test_the_question_shows_what_runs(self):
        asked = []
        command = CommandReference(command=("true", "a b", "\x1b[2K\rharmless"))
        resolve(command, trusted=False, interactive=True, confirm=lambda text: asked.append(text) or True)
        assert "'a b'" in asked[0]
        assert not {"\x1b", "\r"} & set(asked[0])


def test_on_a_terminal_each_key_is_asked_for_once():
    answers = {"Password for mysql.password": "one", "Password for mysql.admin_password": ""}
    resolver = Resolver(interactive=True, ask=answers.pop)
    for key, password in (("password", "one"), ("admin_password", ""), ("password", "one")):
        assert resolver.resolve(PROMPT, f"mysql.{key}").reveal() == password

    def end_of_input(text):
        raise EOFError

    refused(PROMPT, "no password was typed", interactive=True, ask=end_of_input)
    refused(PROMPT, "no terminal", ask=never)


def test_a_password_is_resolved_once_and_an_error_is_not_remembered(tmp_path):
    resolver = Resolver(trusted=True)
    reference = FileReference(file=tmp_path / "password")
    with pytest.raises(SecretError):
        resolver.resolve(reference, "mysql.password")
    file_with(tmp_path, b"first")
    assert resolver.resolve(reference, "mysql.password").reveal() == "first"
    reference.file.write_text("second")
    assert resolver.resolve(reference, "deployment_sync.svn_password").reveal() == "first"


class TestKeeping:
    @pytest.mark.parametrize("password", ["hunter2", "", " blanks \n", "ü\t€"])
    def test_without_a_keyring_it_is_a_file_that_only_the_user_can_read(self, password):
        locations.passwords().mkdir(parents=True, mode=0o755)
        keep(Secret("the one before"), "analytics.mysql.password")
        reference = keep(Secret(password), "analytics.mysql.password")
        path = Path(reference["file"])
        assert list(locations.passwords().iterdir()) == [path] and is_kept(reference)
        assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
        assert resolve(FileReference(file=path)) == password

    @pytest.mark.parametrize("backend", [False, True], ids=["keeps", "forgets"], indirect=True)
    def test_a_keyring_is_used_if_it_keeps_what_it_gets(self, backend):
        reference = keep(Secret("hunter2"), "analytics.mysql.password")
        assert is_kept(reference)
        if backend.forgets:
            assert "file" in reference
        else:
            assert reference == {"keyring": "apimha-wizard/analytics.mysql.password"}
            assert not locations.passwords().exists()
            assert resolve(KeyringReference(keyring=reference["keyring"])) == "hunter2"

    def test_a_folder_that_cannot_be_written_is_an_error_without_the_password(self):
        locations.passwords().parent.mkdir(parents=True)
        locations.passwords().write_text("in the way", "utf-8")
        with pytest.raises(Failed) as raised:
            keep(Secret("hunter2"), "analytics.mysql.password")
        assert "hunter2" not in str(raised.value)
        others = (None, {"env": "X"}, {"file": "/etc/passwd"}, {"keyring": "mysql/apim"}, {"prompt": True})
        assert not any(map(is_kept, others))


# --- masking: passwords are hidden in the forms in which people and programs write them ----------------------


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
    "SET PASSWORD FOR 'a'@'h' TO '{}'",
    "set password to '{}'",
    "the password was reset to '{}'",
    "ALTER USER a IDENTIFIED BY '{}' REPLACE 'before'",
    "DB_PASS={}",
    "db.pass: {}",
    "MYSQL_ROOT_PWD={}",
    "export apiToken={}",
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
    "the second pass took 3 s and bypass=1, compass: x",
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
    assert shown.rpartition(MASK)[2].lstrip("'") == after.lstrip("\\\"'").removesuffix(" REPLACE 'before'")
    if form in VALUES:
        assert without_passwords(form.format(password)) == shown
    assert without_quoted_passwords(shown) == shown


NAMES = "db.password dbPasswd DB_PASS dbPass storepass clientSecret api_token MYSQL_PWD Passphrase passcode"


@pytest.mark.parametrize("form", ["<{}>X1y</{}>", '<p name="{}">X1y</p>', '<p {}="X1y"/>', "a=b?c=d&{}=X1y",
    "export {}=X1y", "{} = X1y", "spark.{}  X1y"])  # fmt: skip
@pytest.mark.parametrize("name", [*NAMES.split(), "userCredentials"])
def test_every_text_hides_what_any_name_of_a_password_has(form: str, name: str) -> None:
    assert Masker().mask(form.replace("{}", name)) == form.replace("{}", name).replace("X1y", MASK)
    for other in ("secretAlias", "bypass", "compass.x", "passive", "username"):
        assert Masker().mask(text := form.replace("{}", other)) == text


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
