"""Loading, saving and naming profiles: every mistake with its line and its fix."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.profiles import MINIMAL_TEXT, valid_profiles
from wizard.profile import problems
from wizard.profile.document import written, written_key
from wizard.profile.files import MOST_BYTES, RESERVED, save
from wizard.profile.model import Profile
from wizard.profile.store import ProfileError, examine, load
from wizard.system import locations
from wizard.system.errors import Failed, UsageError

MARK = "mArk-7f3e"
PYDANTICS = re.compile(r"Input should|Field required|validation error|pydantic|type=|not permitted")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pair.toml"


def mistakes(path: Path, text: str) -> tuple[list[str], str]:
    """What is wrong with `text`: line, field and kind of each, and the whole message."""
    path.write_bytes(text.encode())
    with pytest.raises(ProfileError) as failure:
        load(str(path))
    error = failure.value
    assert error.exit_code == 2
    for one in error.mistakes[:50]:
        assert one.fix
        assert f"{path}:{one.line}: " in str(error)
        assert not PYDANTICS.search(one.message)
    return [f"{one.line} {one.field} {one.kind}" for one in error.mistakes], str(error)


def changed(old: str, new: str) -> str:
    assert MINIMAL_TEXT.count(old) >= 1
    return MINIMAL_TEXT.replace(old, new, 1)


def with_nodes(count: int) -> str:
    head, _, node = MINIMAL_TEXT.rpartition("[[nodes]]")
    nodes = ("[[nodes]]" + node.replace("node2", f"node{number}") for number in range(count))
    return head[: head.index("[[nodes]]")] + "".join(nodes)


# fmt: off
MYSQL, ADDRESS, SECRET = "[mysql]", 'host = "10.100.0.10"\n', '{ env = "APIM_DB_PASSWORD" }'
ALL_OF_NODES = [f"nodes.{node}.{key} missing" for node in (0, 1) for key in ("name", "home", "host")]
MISTAKES = [
    (["5 mysql.prot unknown"], "did you mean port?", changed(ADDRESS, f"{ADDRESS}prot = 3306\n")),
    (["9 spark.port_offset unknown"], "port_offset belongs in [[nodes]]",
        changed("[[nodes]]", "[spark]\nport_offset = 1\n\n[[nodes]]")),
    (["18 sparc unknown"], "did you mean spark?", MINIMAL_TEXT + "\n[sparc]\nmaster_count = 2\n"),
    (["4 mysql.zzz unknown"], "known keys: host, port, username", changed(MYSQL, "[mysql]\nzzz = 1")),
    (["4 mysql.port invalid"], "a port is a whole number from 1 to 65535", changed(MYSQL, '[mysql]\nport = "3306"')),
    (["3 mysql.host missing"], 'add host = "10.100.0.10" below [mysql]', changed(ADDRESS, "")),
    (["13 nodes.1.host missing"], "below the second [[nodes]]", changed('host = "10.100.0.47"\n', "")),
    ([f"6 {one}" for one in ALL_OF_NODES], "below the first [[nodes]]", with_nodes(0).rstrip() + "\n"),
    (["1 schema_version missing"], "in the first line", changed("schema_version = 1\n", "")),
    *((["1 schema_version invalid"], "write schema_version = 1", changed("= 1", f"= {value}"))
        for value in ("true", '"1"', "1.0", "0", "-1", "[]")),
    (["1 schema_version invalid"], "made by a newer apimha-wizard: this one knows the format up to 1, not 2\n"
        "  fix: update apimha-wizard", "schema_version = 2\n[new]\nkey = 1\n"),
    *((["8 nodes invalid"], f"two nodes are required, found {count}", with_nodes(count)) for count in (1, 3)),
    (["14 nodes.1.name invalid"], "both nodes have this name", changed('"node2"', '"node1"')),
    (["9 event_processor.presenter invalid"], 'the nodes are "node1" and "node2"',
        changed("[[nodes]]", '[event_processor]\npresenter = "node3"\n\n[[nodes]]')),
    (["12 nodes.0.hazelcast_port invalid"], "for example: hazelcast_port = 4000",
        changed('host = "10.100.0.46"', 'host = "10.100.0.46"\nhazelcast_port = 0')),
    (["3 mysql.admin_password missing"], "required by admin_username",
        changed(MYSQL, '[mysql]\nadmin_username = "root"')),
    (["3 mysql.username missing", "5 mysql.usrname unknown", "6 mysql.password invalid", "14 nodes.1.name invalid",
        "16 nodes.1.host invalid"], "a host is a name",
        MINIMAL_TEXT.replace('username = "apim"', 'usrname = "apim"').replace(SECRET, f'"{MARK}"')
        .replace('name = "node2"', 'name = "node1"').replace('host = "10.100.0.47"', 'host = "a b"')),
    (['7 mysql.url_parameters."a b" invalid'], "letters, digits, _ and . only", changed('username = "apim"',
        'username = """apim\\\n  """ # [[nodes]]\nurl_parameters = { useSSL = "false",\t"a b" = "x" } # x')),
    (["3 pool.max_active invalid", "4 spark.master_count invalid"], "this is a whole number from 1",
        changed(MYSQL, 'pool.max_active = 0\n"spark".master_count = 0\n\n[mysql]')),
    (["6 nodes.1.host missing", "6 nodes.1.hots unknown"], "did you mean host?",
        with_nodes(0).replace(MYSQL, 'nodes = [\n  { name = "a", home = "/a", host = "a" },\n  # second\n'
        '  { name = "b", home = "/b", hots = "b" },\n]\n[mysql]')),
    (["2 pool invalid"], "write [pool], followed by its keys", changed("\n[mysql]", "pool = 3\n\n[mysql]")),
    (["17 cluster.name invalid"], "letters, digits, _ and - only", MINIMAL_TEXT + "[cluster.name]\nx = 1\n"),
    (["9 deployment_sync.svn_url invalid"], "no user and no password",
        changed("[[nodes]]", f'[deployment_sync]\nsvn_url = "https://u:{MARK}@h/x"\n\n[[nodes]]')),
    ([f"1 {one}" for one in ("schema_version missing", "mysql.host missing", "mysql.username missing",
        "mysql.password missing", *ALL_OF_NODES)], "required key is missing", ""),
    *((["6 mysql.password invalid"], said, changed(SECRET, value)) for value, said in (
        ('{ env = "" }', "env is the name"), ("{ file = 3 }", "a path is text"), ('{ keyring = "x" }', "keyring is"),
        ('{ command = "pass show x" }', "command is a list"), ("{ prompt = false }", "prompt = true"))),
    (['4 mysql."a\\u001b[2Jb" unknown'], '"a\\u001b[2Jb"', changed(MYSQL, '[mysql]\n"a\\u001b[2Jb" = 1')),
]
# fmt: on


class TestEveryMistakeHasItsLine:
    @pytest.mark.parametrize(("found", "said", "text"), MISTAKES, ids=[said for _, said, _ in MISTAKES])
    def test_with_its_key_its_kind_and_its_fix(self, path, found, said, text):
        listed, shown = mistakes(path, text)
        assert listed == found
        assert said in shown and MARK not in shown and "\x1b" not in shown

    def test_a_plain_password_is_told_with_the_five_kinds_and_never_shown(self, path):
        for old, new in [
            ('{ env = "APIM_DB_PASSWORD" }', f'"{MARK}"'),
            ('{ env = "APIM_DB_PASSWORD" }', f'{{ env = "A", "{MARK}" = "x" }}'),
            ('{ env = "APIM_DB_PASSWORD" }', f'{{ "{MARK}" = true }}'),
            ("\n[[nodes]]", f'url_parameters = {{ password = "{MARK}" }}\n\n[[nodes]]'),
        ]:
            _, text = mistakes(path, changed(old, new))
            assert MARK not in text
            for kind in ("env", "file", "keyring", "command", "prompt"):
                assert f"{{ {kind} = " in text

    def test_no_error_shows_any_value(self, path):
        values = re.sub(r'"[^"]*"', f'"{MARK}\\\\n"', MINIMAL_TEXT)
        assert MARK not in mistakes(path, values)[1]


def test_a_thousand_mistakes_are_not_all_listed_and_long_texts_with_many_dots_are_no_deep_keys(path):
    _, text = mistakes(path, MINIMAL_TEXT + "[pool]\n" + "".join(f"x{n} = 1\n" for n in range(1000)))
    assert text.count("unknown key") == 50
    assert text.endswith("more")
    path.write_text(MINIMAL_TEXT + f'[cluster]\ndomain = "{"a." * 40}b"\n# {"a." * 40}\n')
    assert load(path).profile.cluster.domain == "a." * 40 + "b"


NO_TOML = [
    ("a = b\n", 1, "quotes"),
    ("\n\nkey\n", 3, "expected"),
    ("a = 1\n[b]\n[b]\n", 3, "[b] is defined twice"),
    ("a = 1\na = 2\n", 2, "twice"),
    *(
        (text, 1, "this is not TOML")
        for text in (
            f"password = {MARK}\n",
            f'password = "{MARK}\n',
            'a = "x\n',
            "a = 1 b = 2\n",
            "[a\n",
            "a = 1979-99-99\n",
        )
    ),
    ("a = [1,\n2\n", 2, ""),
    ("a = " + "[" * 5000, 1, "nested too deeply"),
    ("a = " + "1" * 5000, 1, "number"),
    ("\n" + "a." * 100000 + "a = 1\n", 2, "nested too deeply"),
    ("x = { " + "'a' ." * 20 + "a = 1 }\n", 1, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "part"), NO_TOML)
def test_the_line_and_reason_of_what_is_no_toml(path, text, line, part):
    listed, shown = mistakes(path, text)
    assert listed == [f"{line}  syntax"] and part in shown and MARK not in shown


VALUES = st.recursive(
    st.text(st.characters(codec="utf-8"), max_size=8)
    | st.integers(-(10**25), 10**25)
    | st.booleans()
    | st.floats()
    | st.sampled_from(["node1", "127.0.0.1", "WSO2UM_DB", "svn", "none", "", "~", "x" * 300]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["env", "file", "command", "prompt", "a b", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150)
@given(raw=valid_profiles(), data=st.data(), value=VALUES)
def test_one_wrong_value_in_any_profile_has_its_line_and_is_told_in_words(raw, data, value):
    name = data.draw(st.sampled_from(sorted(raw)))
    table = raw[name][data.draw(st.integers(0, 1))] if name == "nodes" else raw[name]
    if isinstance(table, dict) and table:
        table[data.draw(st.sampled_from(sorted(table)))] = value
    else:
        raw[name] = value
    text = "".join(f"{written_key(key)} = {written(item)}\n" for key, item in raw.items())
    found = examine(text, Path("/profiles"))
    for one in () if isinstance(found, Profile) else found:
        assert 1 <= one.line <= len(raw) and one.message and one.fix
        assert not PYDANTICS.search(one.message)
        assert f"{one.field}{one.message}{one.fix}".isprintable()


class TestFilesThatCannotBeRead:
    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("x.toml", None, "no such file"),
            ("folder/", None, "a folder"),
            ("file/x.toml", None, "cannot be read"),
            ("x.toml", b"#" * (MOST_BYTES + 1), "too large (more than 256 kB"),
            ("x.toml", b"\xef\xbb\xbfx = 1", "x.toml:1: begins with a byte order mark"),
            ("x.toml", "\ufeffx = 1".encode("utf-16-le"), "x.toml:1: not UTF-8"),
            ("x.toml", MINIMAL_TEXT.encode() + b"# \xe4\n", "x.toml:17: not UTF-8"),
        ],
    )
    def test_is_an_error_with_place_and_fix(self, tmp_path, name, content, said):
        (tmp_path / "folder").mkdir()
        (tmp_path / "file").touch()
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError) as failure:
            load(f"{tmp_path}/{name}")
        assert said in str(failure.value)
        assert failure.value.place.startswith(f"{tmp_path}/{name}")
        assert failure.value.fix

    def test_unreadable(self, path, request):
        path.write_text(MINIMAL_TEXT)
        path.chmod(0)
        if os.geteuid() == 0:  # who may read everything
            request.addfinalizer(lambda: os.seteuid(0))
            os.seteuid(65534)
        with pytest.raises(UsageError, match="Permission denied"):
            load(path)

    def test_crlf_is_fine_and_lines_are_right(self, path):
        path.write_bytes(MINIMAL_TEXT.replace("\n", "\r\n").encode())
        assert isinstance(load(path).profile, Profile)
        listed, _ = mistakes(path, changed('host = "10.100.0.47"', "hots = 1").replace("\n", "\r\n"))
        assert [one.split()[0] for one in listed] == ["13", "16"]


class TestNamesAndPaths:
    @pytest.fixture
    def named(self):
        save(MINIMAL_TEXT, locations.profile("prod"))

    def test_a_name_also_with_a_draft_beside_the_profile(self, named):
        save("broken", locations.draft("prod"))
        loaded = load("prod")
        assert (loaded.name, loaded.path, loaded.text) == ("prod", locations.profile("prod"), MINIMAL_TEXT)

    def test_a_path_by_its_separator_or_its_ending(self, path, monkeypatch, isolated):
        text = MINIMAL_TEXT.replace("/opt/wso2/", "packs/")
        for file in (path, path.with_suffix(""), isolated / "x.toml"):
            file.write_text(text)
        monkeypatch.chdir(path.parent)
        assert load("./pair")[1:3] == (path.with_suffix(""), "pair")
        assert load("pair.toml")[1:3] == (path, "pair")
        assert load("pair.toml").profile.nodes[0].home == path.parent / "packs/analytics-1"
        assert load("~/x.toml").path == isolated / "x.toml"

    def test_a_link_stays_when_it_is_saved_and_paths_count_from_its_folder(self, path, tmp_path):
        path.write_text("old")
        (tmp_path / "elsewhere").mkdir()
        link = tmp_path / "elsewhere" / "link.toml"
        link.symlink_to(path)
        save(MINIMAL_TEXT.replace("/opt/wso2/", "packs/"), link)
        assert link.is_symlink() and "packs/" in path.read_text()
        assert load(link).profile.nodes[0].home == tmp_path / "elsewhere/packs/analytics-1"

    def test_no_such_name(self, named, path, monkeypatch):
        path.write_text(MINIMAL_TEXT)
        monkeypatch.chdir(path.parent)
        fixes = {"prd": "did you mean prod?", "pair": "./pair.toml", "xyz": "apimha-wizard profile list"}
        for name, said in fixes.items():
            with pytest.raises(UsageError, match=f"no profile called {name}") as failure:
                load(name)
            assert said in failure.value.fix

    @pytest.mark.parametrize(
        "name", [*sorted(RESERVED), "", "a b", "ä", "a.b", "a\nb", "..", "--json", "a\x1b[2J"]
    )
    def test_a_name_that_is_a_command_or_cannot_be_one(self, name):
        if name in RESERVED:
            save(MINIMAL_TEXT, locations.profile(name))
        with pytest.raises(UsageError, match="a command" if name in RESERVED else None) as failure:
            load(name)
        assert "\x1b" not in str(failure.value)

    def test_a_draft_alone_says_what_is_missing(self):
        missing = "missing: mysql.username, mysql.password, nodes.0.name; wrong: mysql.port"
        nodes = '[[nodes]]\nhome = "/a"\nhost = "a"\n[[nodes]]\nname = "b"\nhome = "/b"\nhost = "b"\n'
        for text, state in {
            f'schema_version = 1\n[mysql]\nhost = "h"\nport = 0\n{nodes}': missing,
            "not toml": "wrong: the TOML syntax",
            MINIMAL_TEXT: "complete, but not saved as a profile",
        }.items():
            save(text, locations.draft("new"))
            with pytest.raises(UsageError) as failure:
                load("new")
            assert failure.value.message == f"new is only a draft; {state}"
            assert failure.value.fix == "apimha-wizard resume new"

    def test_the_reserved_names_are_the_commands(self):
        from wizard.command_line.cli import cli

        assert set(cli.commands) <= RESERVED


class TestSaving:
    def test_a_new_file_is_for_its_owner_alone_and_then_mode_owner_and_line_breaks_stay(self, tmp_path):
        path = tmp_path / "a/b/x.toml"
        save(MINIMAL_TEXT, path)
        assert path.read_text() == MINIMAL_TEXT
        assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]
        path.chmod(0o664)
        owner = (12345, 12346) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
        os.chown(path, *owner)
        save("a = 1\r\nb = 2\n", path)
        assert path.read_bytes() == b"a = 1\r\nb = 2\n"
        status = path.stat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o664, *owner)

    def test_a_failure_leaves_the_old_file_and_nothing_else(self, path, monkeypatch):
        path.write_text("old")

        def full(descriptor):
            raise OSError(28, "No space left on device")

        for target in (path.parent, path / "x.toml"):
            with pytest.raises(Failed, match=r"directory|exists"):
                save("new", target)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(Failed, match="No space left"):
            save("new", path)
        assert path.read_text() == "old"
        assert list(path.parent.iterdir()) == [path]


# --- older editions are migrated when they are loaded ------------------------------------------------------

# An edition that never was: it called the account `user` and had no list of nodes; the one before it, `account`.
ZERO = """\
schema_version = 0

[mysql]
host = "10.100.0.10"
user = "apim"
password = { env = "APIM_DB_PASSWORD" }

[node1]
home = "/opt/wso2/analytics-1"
host = "10.100.0.46"

[node2]
home = "/opt/wso2/analytics-2"
host = "10.100.0.47"
"""


INCOMPLETE = "this profile of version 0 is incomplete and cannot be migrated"


def from_the_one_before(tables):
    tables["mysql"]["user"] = tables["mysql"].pop("account")


def from_zero(tables):
    tables["mysql"]["username"] = tables["mysql"].pop("user")
    tables["nodes"] = [{"name": name, **tables.pop(name)} for name in ("node1", "node2")]


@pytest.fixture
def zero(monkeypatch, tmp_path):
    monkeypatch.setitem(problems.MIGRATIONS, 0, from_zero)
    monkeypatch.setitem(problems.MIGRATIONS, -1, from_the_one_before)
    path = tmp_path / "old.toml"
    path.write_text(ZERO)
    return path


@pytest.mark.parametrize("text", [ZERO, ZERO.replace("= 0", "= -1").replace("user", "account")])
def test_an_older_profile_loads_as_the_same_one(zero, tmp_path, text):
    zero.write_text(text)
    (tmp_path / "new.toml").write_text(MINIMAL_TEXT)
    assert load(zero).profile == load(tmp_path / "new.toml").profile
    assert zero.read_text() == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ZERO.replace('host = "10.100.0.10"\n', ""), (3, "mysql.host", "required key is missing")),
        ("schema_version = 0\n", (1, "schema_version", INCOMPLETE)),
        (ZERO.replace("= 0", "= -2"), (1, "schema_version", "unknown version of the format")),
    ],
)
def test_what_is_wrong_with_an_older_profile_is_reported(zero, text, found):
    zero.write_text(text)
    with pytest.raises(ProfileError) as failure:
        load(zero)
    assert found in [(one.line, one.field, one.message) for one in failure.value.mistakes]
