"""The owners of the event store's index: read from real tables in both layouts, and the warning about strangers."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.database.conftest import Look, MakeContext
from tests.support.playground import Playground
from wizard.database.schema import LARGEST_RECORD, TABLE, keys_of
from wizard.pack.home import NODE_IDS, Pack
from wizard.pack.stores import store_tables
from wizard.preflight.checks import CheckContext
from wizard.system.finding import Finding

OLD = ("0b1c2d3e-0000-4000-8000-000000000001", "0b1c2d3e-0000-4000-8000-000000000002")
OTHER = "0b1c2d3e-0000-4000-8000-000000000003"
FIELD = 4000
"""Characters of each extra column of the stock configuration."""


def record(*keys: str) -> bytes:
    """A record with these keys, each with itself as its value, as the servers write it."""
    texts = [(key.encode(), len(key.encode()).to_bytes(4, "big")) for key in keys]
    return b"".join(size + text + b"\0" + size + text for text, size in texts)


def split(content: bytes, columns: int) -> tuple[list[str], bytes | None]:
    """What the servers put into the extra columns and into `data`."""
    inside = (FIELD * columns - 4) // 4 * 3 if columns else 0
    encoded = base64.b64encode(content[:inside]).decode()
    fields = [encoded[at : at + FIELD] for at in range(0, FIELD * columns, FIELD)]
    return fields, content[inside:] or None


class Store:
    """An event store with the table of the index, as a pack creates it."""

    def __init__(self, ground: Playground, pack: Path) -> None:
        self.server, self.name = ground.server, ground.names["event_store"]
        self.columns = 10 if pack.name == "apim-analytics-2.1.0" else 0
        # Without the scripts, whose tables nothing reads here.
        ground.provision(ground.wanted(mode="server", store_charset="latin1"))
        self.server.run(store_tables(Pack(pack))[1], database=self.name)

    def put(self, shard: int, fields: Sequence[str | None], data: bytes | None) -> None:
        places = ["record_id", "timestamp", "data", *(f"ED{number}" for number in range(self.columns))]
        marks = ", ".join(["%s"] * len(places))
        with contextlib.closing(self.server.connect(database=self.name)) as inside, inside.cursor() as cursor:
            statement = f"INSERT INTO {TABLE} ({', '.join(places)}) VALUES ({marks})"
            cursor.execute(statement, (str(shard), 0, data, *fields))

    def owned(self, *owners: Sequence[str]) -> None:
        """One record a shard, with the ids of its owners."""
        for shard, ids in enumerate(owners):
            self.put(shard, *split(record(*ids), self.columns))


@pytest.fixture(params=["apim-analytics-2.0.0", "apim-analytics-2.1.0"])
def pack_name(request: pytest.FixtureRequest) -> str:
    """A pack of either layout: without and with extra columns."""
    return str(request.param)


Begin = Callable[..., CheckContext]
Found = Callable[[CheckContext], Finding]


@pytest.fixture
def begin(ground: Playground, pack_name: str, context_for: MakeContext) -> Begin:
    """A pair whose nodes have these ids (None: never started)."""

    def begun(*ids: str | None, **changes: object) -> CheckContext:
        context = context_for(ground, pack=pack_name, **changes)
        for pack, id in zip(context.packs.values(), ids, strict=True):
            if id is not None:
                pack.path(NODE_IDS[0]).parent.mkdir(parents=True, exist_ok=True)
                pack.path(NODE_IDS[0]).write_text(id + "\n")
        return context

    return begun


@pytest.fixture
def store(ground: Playground, packs: Path, pack_name: str) -> Store:
    return Store(ground, packs / pack_name)


@pytest.fixture
def found(look: Look) -> Found:
    """The one finding of the check."""

    def only(context: CheckContext) -> Finding:
        (finding,) = look(context, "connect", "stale-index")["stale-index"]
        return finding

    return only


class TestOnRealServers:
    def test_whose_index_it_is(self, store: Store, begin: Begin, found: Found) -> None:
        assert found(begin(None, None)).status == "ok"
        store.owned([OLD[0]], [OLD[1]], OLD)
        new = found(begin(None, None))
        assert new.status == "warning"
        assert all(id in new.message for id in OLD)
        assert "my-node-id.dat" in (new.fix or "") and "none yet: node1 and node2" in (new.fix or "")
        assert found(begin(*OLD)).status == "ok"
        # One home was replaced by a new one.
        replaced = found(begin(OLD[0], OTHER))
        assert replaced.status == "warning"
        assert OLD[1] in replaced.message and OLD[0] not in replaced.message

    def test_a_home_on_another_machine(self, store: Store, begin: Begin, found: Found) -> None:
        """It may have one of the ids."""
        store.owned(OLD)
        context = begin(OLD[0], None)
        context.packs = {"node1": context.packs["node1"]}
        assert found(context).status == "ok"
        store.put(7, *split(record(OTHER), store.columns))
        two = found(context)
        assert two.status == "warning" and OLD[1] in two.message and OTHER in two.message

    def test_without_an_administrator(self, store: Store, begin: Begin, found: Found) -> None:
        store.owned(OLD)
        assert found(begin(None, None, admin=False)).status == "warning"

    def test_rubbish_in_the_table(self, store: Store, begin: Begin, found: Found) -> None:
        empty = [""] * store.columns
        store.put(0, [None] * store.columns, None)
        store.put(1, ["no base64 !"] + [None] * 9 if store.columns else [], b"\xff\xff\xff\xff")
        for number, data in enumerate(
            (b"\x00\x00\x00\x05ab", record("bell \x07"), bytes(LARGEST_RECORD + 1)), 2
        ):
            store.put(number, empty, data)
        finding = found(begin(None, None))
        assert (finding.status, "4 records could not be read" in finding.message) == ("ok", True), finding
        store.put(5, *split(record(*OLD), store.columns))
        finding = found(begin(None, None))
        assert finding.status == "warning" and "4 records" in finding.message

    def test_another_table(self, maria: Playground, context_for: MakeContext, found: Found) -> None:
        maria.provision(maria.wanted(mode="server"))
        name = maria.names["event_store"]
        maria.server.run(f"CREATE TABLE {TABLE} (i INT)", f"INSERT INTO {TABLE} VALUES (1)", database=name)
        assert found(context_for(maria)).status == "ok"

    def test_from_1_3_19_on_it_is_not_read(
        self, maria: Playground, packs: Path, context_for: MakeContext, found: Found
    ) -> None:
        Store(maria, packs / "apim-analytics-2.1.0").owned(OLD)
        for version, status in (("1.3.18", "warning"), ("1.3.19", "ok"), ("1.3.31", "ok")):
            context = context_for(maria, pack="apim-analytics-2.1.0")
            for pack in context.packs.values():
                plugins = pack.path("repository/components/plugins")
                for jar in plugins.glob("org.wso2.carbon.analytics.*.jar"):
                    jar.unlink()
                (plugins / f"org.wso2.carbon.analytics.spark.core_{version}.jar").touch()
            assert found(context).status == status, version


class TestARecord:
    @pytest.mark.parametrize("columns", [0, 1, 10])
    @pytest.mark.parametrize("count", [0, 1, 2, 60, 900])
    def test_what_the_servers_write_reads_back(self, columns: int, count: int) -> None:
        ids = [f"{number:036d}" for number in range(count)]
        fields, data = split(record(*ids), columns)
        assert all(len(field) <= FIELD for field in fields)
        assert keys_of(fields, data) == set(ids)

    @given(
        st.lists(st.text(max_size=20) | st.binary(max_size=20), max_size=3),
        st.binary(max_size=60) | st.none(),
    )
    def test_anything_else_gives_keys_or_nothing(self, fields: list[str | bytes], data: bytes | None) -> None:
        found = keys_of(fields, data)
        assert found is None or all(key.isprintable() for key in found)

    @given(st.integers(1, 60))
    def test_a_record_that_was_cut_counts_for_nothing(self, cut: int) -> None:
        assert keys_of([], record(OLD[0])[:-cut]) is None
