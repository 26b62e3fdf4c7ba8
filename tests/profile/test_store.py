"""Loading, saving and naming profiles: every mistake with its line and its fix."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path

import pytest

from tests.support.profiles import MINIMAL_TEXT
from wizard.profile.files import MOST_BYTES, save
from wizard.profile.model import Profile
from wizard.profile.names import RESERVED
from wizard.profile.store import ProfileError, load
from wizard.system import locations
from wizard.system.errors import Failed, UsageError

MARK = "mArk-7f3e"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pair.toml"


def mistakes(path: Path, text: str):
    """What is wrong with `text`: (line, field, kind) of each."""
    path.write_text(text)
    with pytest.raises(ProfileError) as failure:
        load(str(path))
    error = failure.value
    assert error.exit_code == 2
    for one in error.mistakes:
        assert one.fix
        assert f"{path}:{one.line}: " in str(error)
        # Nothing of pydantic's own wording.
        assert not re.search(r"Input should|Field required|validation error|pydantic|type=", one.message)
    return [(one.line, one.field, one.kind) for one in error.mistakes]


def message(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(UsageError) as failure:
        load(str(path))
    return str(failure.value)


def changed(old: str, new: str) -> str:
    assert MINIMAL_TEXT.count(old) >= 1
    return MINIMAL_TEXT.replace(old, new, 1)


class TestEveryMistakeHasItsLine:
    def test_an_unknown_key_with_the_nearest_known_one(self, path):
        text = changed('host = "10.100.0.10"', 'host = "10.100.0.10"\nprot = 3306')
        assert mistakes(path, text) == [(5, "mysql.prot", "unknown")]
        assert "did you mean port?" in message(path, text)

    def test_a_key_that_belongs_to_another_table(self, path):
        text = changed("[[nodes]]", "[spark]\nport_offset = 1\n\n[[nodes]]")
        assert mistakes(path, text) == [(9, "spark.port_offset", "unknown")]
        assert "port_offset belongs in [[nodes]]" in message(path, text)

    def test_an_unknown_table(self, path):
        text = MINIMAL_TEXT + "\n[sparc]\nmaster_count = 2\n"
        assert mistakes(path, text) == [(18, "sparc", "unknown")]
        assert "did you mean spark?" in message(path, text)

    def test_an_unknown_key_that_is_like_none(self, path):
        text = changed("[mysql]", "[mysql]\nzzz = 1")
        assert "known keys: host, port, username" in message(path, text)

    def test_a_wrong_type(self, path):
        assert mistakes(path, changed("[mysql]", '[mysql]\nport = "3306"')) == [(4, "mysql.port", "invalid")]
        assert "a port is a whole number from 1 to 65535" in message(path, path.read_text())

    def test_a_missing_key_in_the_line_of_its_table(self, path):
        assert mistakes(path, changed('host = "10.100.0.10"\n', "")) == [(3, "mysql.host", "missing")]
        assert 'add host = "10.100.0.10" below [mysql]' in message(path, path.read_text())

    def test_a_missing_key_of_the_second_node(self, path):
        assert mistakes(path, changed('host = "10.100.0.47"\n', "")) == [(13, "nodes.1.host", "missing")]
        assert "below the second [[nodes]]" in message(path, path.read_text())

    def test_a_missing_table_key_by_key_at_the_end(self, path):
        text = MINIMAL_TEXT[: MINIMAL_TEXT.index("[[nodes]]")].rstrip() + "\n"
        assert mistakes(path, text) == [
            (6, f"nodes.{node}.{key}", "missing") for node in (0, 1) for key in ("name", "home", "host")
        ]

    def test_a_missing_schema_version_in_the_first_line(self, path):
        assert mistakes(path, changed("schema_version = 1\n", "")) == [(1, "schema_version", "missing")]

    @pytest.mark.parametrize("value", ["true", '"1"', "1.0", "0", "-1", "[]"])
    def test_a_wrong_schema_version(self, path, value):
        text = changed("schema_version = 1", f"schema_version = {value}")
        assert mistakes(path, text) == [(1, "schema_version", "invalid")]

    def test_a_newer_schema_says_so_and_nothing_else(self, path):
        text = "schema_version = 2\n[new]\nkey = 1\n"
        assert mistakes(path, text) == [(1, "schema_version", "invalid")]
        assert "made by a newer apimha-wizard" in message(path, text)
        assert "update apimha-wizard" in message(path, text)

    @pytest.mark.parametrize("count", [1, 3])
    def test_one_or_three_nodes(self, path, count):
        head, _, node = MINIMAL_TEXT.rpartition("[[nodes]]")
        head = head[: head.index("[[nodes]]")]
        nodes = "".join("[[nodes]]" + node.replace("node2", f"node{number}") for number in range(count))
        assert mistakes(path, head + nodes) == [(8, "nodes", "invalid")]
        assert "exactly two nodes are required" in message(path, path.read_text())

    @pytest.mark.parametrize(
        ("old", "new", "line", "field"),
        [
            ('name = "node2"', 'name = "node1"', 14, "nodes.1.name"),
            (
                "[[nodes]]",
                '[event_processor]\npresenter = "node3"\n\n[[nodes]]',
                9,
                "event_processor.presenter",
            ),
            (
                'host = "10.100.0.46"',
                'host = "10.100.0.46"\nhazelcast_port = 0',
                12,
                "nodes.0.hazelcast_port",
            ),
            ("[mysql]", '[mysql]\nadmin_username = "root"', 3, "mysql.admin_password"),
        ],
    )
    def test_what_does_not_fit_together(self, path, old, new, line, field):
        ((found_line, found_field, _),) = mistakes(path, changed(old, new))
        assert (found_line, found_field) == (line, field)

    def test_all_at_once_from_top_to_bottom(self, path):
        text = (
            MINIMAL_TEXT.replace('username = "apim"', 'usrname = "apim"')
            .replace('{ env = "APIM_DB_PASSWORD" }', f'"{MARK}"')
            .replace('name = "node2"', 'name = "node1"')
            .replace('host = "10.100.0.47"', 'host = "a b"')
        )
        assert mistakes(path, text) == [
            (3, "mysql.username", "missing"),
            (5, "mysql.usrname", "unknown"),
            (6, "mysql.password", "invalid"),
            (14, "nodes.1.name", "invalid"),
            (16, "nodes.1.host", "invalid"),
        ]

    def test_keys_in_inline_tables_and_after_long_strings_and_comments(self, path):
        text = changed(
            'username = "apim"',
            'username = """apim\\\n  """ # [[nodes]]\nurl_parameters = { useSSL = "false",\t"a b" = "x" } # x',
        )
        assert mistakes(path, text) == [(7, 'mysql.url_parameters."a b"', "invalid")]

    def test_dotted_and_quoted_keys(self, path):
        text = changed("[mysql]", 'pool.max_active = 0\n"spark".master_count = 0\n\n[mysql]')
        assert mistakes(path, text) == [
            (3, "pool.max_active", "invalid"),
            (4, "spark.master_count", "invalid"),
        ]

    def test_nodes_as_a_list_of_inline_tables(self, path):
        head = MINIMAL_TEXT[: MINIMAL_TEXT.index("[mysql]")]
        text = (
            head
            + 'nodes = [\n  { name = "a", home = "/a", host = "a" },\n  # second\n'
            + '  { name = "b", home = "/b", hots = "b" },\n]\n'
            + MINIMAL_TEXT[MINIMAL_TEXT.index("[mysql]") : MINIMAL_TEXT.index("[[nodes]]")]
        )
        assert mistakes(path, text) == [(6, "nodes.1.host", "missing"), (6, "nodes.1.hots", "unknown")]

    def test_a_value_where_a_table_belongs(self, path):
        assert mistakes(path, changed("\n[mysql]", "pool = 3\n\n[mysql]")) == [(2, "pool", "invalid")]
        assert "[pool]" in message(path, path.read_text())

    def test_a_table_where_a_value_belongs(self, path):
        text = MINIMAL_TEXT + "[cluster.name]\nx = 1\n"
        assert mistakes(path, text) == [(17, "cluster.name", "invalid")]

    def test_a_plain_password_is_told_with_the_five_kinds_and_never_shown(self, path):
        for old, new in [
            ('{ env = "APIM_DB_PASSWORD" }', f'"{MARK}"'),
            ('{ env = "APIM_DB_PASSWORD" }', f'{{ env = "A", "{MARK}" = "x" }}'),
            ('{ env = "APIM_DB_PASSWORD" }', f'{{ "{MARK}" = true }}'),
            ("\n[[nodes]]", f'url_parameters = {{ password = "{MARK}" }}\n\n[[nodes]]'),
        ]:
            text = message(path, changed(old, new))
            assert MARK not in text
            for kind in ("env", "file", "keyring", "command", "prompt"):
                assert f"{{ {kind} = " in text

    def test_a_password_in_the_address_of_the_repository_is_never_shown(self, path):
        text = changed("[[nodes]]", f'[deployment_sync]\nsvn_url = "https://u:{MARK}@h/x"\n\n[[nodes]]')
        assert mistakes(path, text) == [(9, "deployment_sync.svn_url", "invalid")]
        assert MARK not in message(path, text)

    def test_no_error_shows_any_value(self, path):
        values = re.sub(r'"[^"]*"', f'"{MARK}\\\\n"', MINIMAL_TEXT)
        assert MARK not in message(path, values)

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            ('{ env = "" }', "env"),
            ("{ file = 3 }", "path"),
            ('{ keyring = "x" }', "keyring"),
            ('{ command = "pass show x" }', "command"),
            ("{ prompt = false }", "prompt"),
        ],
    )
    def test_a_wrong_reference_says_how_that_kind_is_written(self, path, value, kind):
        text = changed('{ env = "APIM_DB_PASSWORD" }', value)
        assert mistakes(path, text) == [(6, "mysql.password", "invalid")]
        assert kind in message(path, text)

    def test_a_key_cannot_smuggle_terminal_escapes_into_the_message(self, path):
        text = message(path, changed("[mysql]", '[mysql]\n"a\\u001b[2Jb" = 1'))
        assert "\x1b" not in text
        assert '"a\\u001b[2Jb"' in text


def test_a_thousand_mistakes_are_not_all_told(path):
    text = message(path, MINIMAL_TEXT + "[pool]\n" + "".join(f"x{number} = 1\n" for number in range(1000)))
    assert text.count("unknown key") == 50
    assert text.endswith("more")


def test_long_texts_with_many_dots_are_no_deep_keys(path):
    path.write_text(MINIMAL_TEXT + f'[cluster]\ndomain = "{"a." * 40}b"\n# {"a." * 40}\n')
    assert load(path).profile.cluster.domain == "a." * 40 + "b"


class TestWhatIsNoToml:
    @pytest.mark.parametrize(
        ("text", "line", "part"),
        [
            ("a = ", 1, "quotes"),
            ("a = b\n", 1, "quotes"),
            ("\n\nkey\n", 3, "expected"),
            ("a = 1\n[b]\n[b]\n", 3, "[b] is defined twice"),
            ("a = 1\na = 2\n", 2, "twice"),
            ('a = "x\n', 1, ""),
            ("a = [1,\n2\n", 2, ""),
            ("a = 1 b = 2\n", 1, ""),
            ("[a\n", 1, ""),
            ("a = 1979-99-99\n", 1, ""),
            ('a = "\\q"\n', 1, ""),
            ("a = " + "[" * 5000, 1, "nested too deeply"),
            ("a = " + "1" * 5000, 1, "number"),
            ("\n" + "a." * 100000 + "a = 1\n", 2, "nested too deeply"),
            ("x = { " + "'a' ." * 20 + "a = 1 }\n", 1, "nested too deeply"),
            ("[" + "a." * 50 + "a]\n", 1, "nested too deeply"),
        ],
    )
    def test_line_and_reason(self, path, text, line, part):
        ((found, field, kind),) = mistakes(path, text)
        assert (found, field, kind) == (line, "", "syntax")
        assert part in message(path, text)

    def test_a_value_without_quotes_is_not_shown(self, path):
        assert MARK not in message(path, changed('{ env = "APIM_DB_PASSWORD" }', MARK))


class TestFilesThatCannotBeRead:
    def test_missing(self, path):
        with pytest.raises(UsageError, match="no such file"):
            load(path)

    def test_a_folder(self, tmp_path):
        with pytest.raises(UsageError, match="a folder"):
            load(f"{tmp_path}/")

    def test_a_folder_below_a_file(self, path):
        path.write_text("")
        with pytest.raises(UsageError, match="cannot be read"):
            load(path / "x.toml")

    def test_too_large(self, path):
        path.write_bytes(b"#" * (MOST_BYTES + 1))
        with pytest.raises(UsageError, match=r"too large \(more than 256 kB"):
            load(path)

    @pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
    def test_a_byte_order_mark(self, path, mark):
        path.write_bytes(mark + MINIMAL_TEXT.encode())
        with pytest.raises(UsageError, match="byte order mark"):
            load(path)

    def test_not_utf8_with_its_line(self, path):
        path.write_bytes(MINIMAL_TEXT.encode() + b"# \xe4\n")
        with pytest.raises(UsageError, match="not UTF-8") as failure:
            load(path)
        assert failure.value.place == f"{path}:17"

    def test_unreadable(self, path, request):
        path.write_text(MINIMAL_TEXT)
        path.chmod(0)
        if os.geteuid() == 0:  # who may read everything
            request.addfinalizer(lambda: os.seteuid(0))
            os.seteuid(65534)
        with pytest.raises(UsageError, match="Permission denied"):
            load(path)

    def test_empty(self, path):
        assert mistakes(path, "")[0][1] == "schema_version"

    def test_crlf_is_fine_and_lines_are_right(self, path):
        path.write_bytes(MINIMAL_TEXT.replace("\n", "\r\n").encode())
        assert isinstance(load(path).profile, Profile)
        path.write_bytes(changed('host = "10.100.0.47"', "hots = 1").replace("\n", "\r\n").encode())
        with pytest.raises(ProfileError) as failure:
            load(path)
        assert [one.line for one in failure.value.mistakes] == [13, 16]


class TestNamesAndPaths:
    @pytest.fixture
    def named(self):
        save(MINIMAL_TEXT, locations.profile("prod"))

    def test_a_name(self, named):
        loaded = load("prod")
        assert loaded.name == "prod"
        assert loaded.path == locations.profile("prod")
        assert loaded.text == MINIMAL_TEXT

    def test_a_path_by_its_separator(self, path, monkeypatch):
        path.with_suffix("").write_text(MINIMAL_TEXT)
        monkeypatch.chdir(path.parent)
        loaded = load("./pair")
        assert loaded.path == path.with_suffix("")
        assert loaded.name == "pair"

    def test_a_path_by_its_ending(self, path, monkeypatch):
        path.write_text(MINIMAL_TEXT.replace("/opt/wso2/", "packs/"))
        monkeypatch.chdir(path.parent)
        loaded = load("pair.toml")
        assert loaded.path == path
        assert loaded.profile.nodes[0].home == path.parent / "packs/analytics-1"

    def test_a_path_with_the_users_home(self, isolated):
        (isolated / "x.toml").write_text(MINIMAL_TEXT)
        assert load("~/x.toml").path == isolated / "x.toml"

    def test_a_linked_profile_counts_from_where_the_link_is(self, path, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        path.write_text(MINIMAL_TEXT.replace("/opt/wso2/", "packs/"))
        link = tmp_path / "elsewhere" / "link.toml"
        link.symlink_to(path)
        assert load(link).profile.nodes[0].home == tmp_path / "elsewhere/packs/analytics-1"

    def test_no_such_name_with_the_nearest(self, named):
        with pytest.raises(UsageError, match="no profile called prd") as failure:
            load("prd")
        assert failure.value.fix == "did you mean prod?"

    def test_no_such_name_but_a_file_here(self, path, monkeypatch):
        path.write_text(MINIMAL_TEXT)
        monkeypatch.chdir(path.parent)
        with pytest.raises(UsageError) as failure:
            load("pair")
        assert "./pair.toml" in failure.value.fix

    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_a_name_that_is_a_command(self, name):
        save(MINIMAL_TEXT, locations.profile(name))
        with pytest.raises(UsageError, match="a command"):
            load(name)

    @pytest.mark.parametrize("name", ["", "a b", "ä", "a.b", "a\nb", "..", "--json", "a\x1b[2J"])
    def test_a_name_that_cannot_be_one(self, name):
        with pytest.raises(UsageError) as failure:
            load(name)
        assert "\x1b" not in str(failure.value)

    def test_a_draft_alone_tells_what_is_missing(self):
        save('schema_version = 1\n[mysql]\nhost = "h"\nport = 0\n', locations.draft("new"))
        with pytest.raises(UsageError, match="only a draft") as failure:
            load("new")
        assert failure.value.exit_code == 2
        assert "missing: mysql.username, mysql.password, nodes.0.name" in failure.value.message
        assert "wrong: mysql.port" in failure.value.message
        assert failure.value.fix == "apimha-wizard resume new"

    def test_a_broken_draft_alone(self):
        save("not toml", locations.draft("new"))
        with pytest.raises(UsageError, match="only a draft; wrong: the TOML syntax"):
            load("new")

    def test_a_finished_draft_alone(self):
        save(MINIMAL_TEXT, locations.draft("new"))
        with pytest.raises(UsageError, match="not saved as a profile"):
            load("new")

    def test_a_draft_beside_its_profile_is_not_in_the_way(self, named):
        save("broken", locations.draft("prod"))
        assert load("prod").text == MINIMAL_TEXT

    def test_the_reserved_names_are_the_commands(self):
        from wizard.command_line.cli import cli

        assert set(cli.commands) - {"wizard"} <= RESERVED


class TestSaving:
    def test_a_new_file_is_for_its_owner_alone_and_folders_are_made(self, tmp_path):
        path = tmp_path / "a/b/x.toml"
        save(MINIMAL_TEXT, path)
        assert path.read_text() == MINIMAL_TEXT
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    @pytest.mark.parametrize("mode", [0o644, 0o600, 0o664])
    def test_the_mode_stays(self, path, mode):
        path.write_text("old")
        path.chmod(mode)
        save("new", path)
        assert path.read_text() == "new"
        assert stat.S_IMODE(path.stat().st_mode) == mode

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    def test_the_owner_stays(self, path):
        path.write_text("old")
        os.chown(path, 12345, 12346)
        save("new", path)
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)

    def test_a_link_stays_and_its_target_is_written(self, path, tmp_path):
        path.write_text("old")
        (tmp_path / "link.toml").symlink_to(path)
        save("new", tmp_path / "link.toml")
        assert (tmp_path / "link.toml").is_symlink()
        assert path.read_text() == "new"

    def test_line_breaks_stay_as_they_are(self, path):
        save("a = 1\r\nb = 2\n", path)
        assert path.read_bytes() == b"a = 1\r\nb = 2\n"

    def test_a_failure_leaves_the_old_file_and_nothing_else(self, path, monkeypatch):
        path.write_text("old")

        def full(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(Failed, match="No space left"):
            save("new", path)
        assert path.read_text() == "old"
        assert list(path.parent.iterdir()) == [path]

    def test_a_folder_in_its_place(self, tmp_path):
        with pytest.raises(Failed, match="directory"):
            save("new", tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_a_file_where_its_folder_belongs(self, path):
        path.write_text("")
        with pytest.raises(Failed):
            save("new", path / "x.toml")


def test_the_first_edition_loads_with_every_key_as_it_was_written():
    path = Path(__file__).parent / "editions/1.toml"
    raw = tomllib.loads(path.read_text())
    profile = load(path).profile
    dumped = profile.model_dump(mode="json")
    for table in (
        "cluster",
        "datasources",
        "pool",
        "registry",
        "event_processor",
        "spark",
        "deployment_sync",
    ):
        assert dumped[table] | raw[table] == dumped[table]
    assert dumped["nodes"] == raw["nodes"]
    assert dumped["mysql"].pop("driver_jar") == str(path.parent / raw["mysql"].pop("driver_jar"))
    assert dumped["mysql"].pop("admin_password") == {"file": str(path.parent / "admin-password")}
    del raw["mysql"]["admin_password"]
    assert dumped["mysql"] | raw["mysql"] == dumped["mysql"]
