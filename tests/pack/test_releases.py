"""The releases that this tool knows, and the components of a home: from its bundles, else from the table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.fuzz import no_hang
from tests.support.pairs import copy_pack
from wizard.pack.home import PLUGINS, Pack
from wizard.pack.releases import APIM, DAS, ESB, IS, Components, components_of, is_known

PACKS = {
    "das-3.0.1": ((4, 4, 3), (1, 0, 5), (5, 0, 8)),
    "apim-analytics-2.0.0": ((4, 4, 7), (1, 1, 3), (5, 1, 0)),
    "das-3.1.0": ((4, 4, 9), (1, 2, 7), (5, 1, 3)),
    "is-analytics-5.3.0": ((4, 4, 11), (1, 2, 8), (5, 1, 7)),
    "apim-analytics-2.1.0": ((4, 4, 11), (1, 3, 0), (5, 1, 7)),
}


@pytest.mark.parametrize("name", PACKS)
def test_the_bundles_and_the_table_agree_about_a_stock_pack(packs: Path, tmp_path: Path, name: str) -> None:
    assert Pack(packs / name).components == PACKS[name]
    home = copy_pack(packs / name, tmp_path / "home")
    shutil.rmtree(home / PLUGINS)
    assert Pack(home).components == PACKS[name]
    assert is_known(Pack(packs / name).product, Pack(packs / name).version)


def test_the_bundles_win_over_the_table_and_of_two_the_newer(packs: Path, tmp_path: Path) -> None:
    home = copy_pack(packs / "apim-analytics-2.1.0", tmp_path / "home")
    for name in ("spark.core_1.3.16", "spark.core_1.3.9", "spark.core.stub_9.9.9"):
        (home / PLUGINS / f"org.wso2.carbon.analytics.{name}.jar").touch()
    (home / PLUGINS / "org.wso2.carbon.event.processor.manager.core_5.1.31.wso2v1.jar").touch()
    assert Pack(home).components == ((4, 4, 11), (1, 3, 16), (5, 1, 31))


@pytest.mark.parametrize(
    ("product", "version", "kernel", "components"),
    [
        # One version string for several releases: the kernel tells them apart.
        (APIM, "2.1.1.SNAPSHOT", (4, 4, 23), ((1, 3, 16), (5, 1, 31))),
        (APIM, "2.1.1.SNAPSHOT", (4, 4, 26), ((1, 3, 25), (5, 1, 37))),
        (APIM, "2.1.1.SNAPSHOT", (4, 4, 30), ((1, 3, 25), (5, 1, 37))),
        (APIM, "2.1.1.SNAPSHOT", (4, 4, 40), ((1, 3, 31), (5, 1, 42))),
        (IS, "5.4.0-SNAPSHOT", (4, 4, 20), ((1, 2, 8), (5, 1, 21))),
        (IS, "5.4.0", (4, 4, 17), ((1, 2, 8), (5, 1, 21))),
        (ESB, "5.0.0", (), ((1, 2, 3), (5, 1, 1))),
        # Not in the table: the same product's nearest kernel, else that of any product.
        (DAS, "3.1.5", (4, 4, 12), ((1, 2, 7), (5, 1, 3))),
        ("WSO2 EI-Analytics Server", "6.1.1", (4, 4, 16), ((1, 3, 0), (5, 1, 7))),
        ("WSO2 EI-Analytics Server", "6.1.1", (4, 2, 0), ((1, 0, 5), (5, 0, 8))),
        ("", "", (), ((1, 3, 31), (5, 1, 42))),
    ],
)
def test_the_components_of_a_pack_without_bundles(product, version, kernel, components):
    assert components_of(product, version, kernel)[1:] == components


def test_known_releases() -> None:
    known = {APIM: "2.0.0 2.1.1.SNAPSHOT 2.5.0", IS: "5.6.0 5.5.0-SNAPSHOT", ESB: "5.0.0"}
    assert all(is_known(product, one) for product, versions in known.items() for one in versions.split())
    unknown = ((APIM, "2.6.0"), (DAS, "2.1.1.SNAPSHOT"), ("WSO2 Enterprise Service Bus", "5.0.0"))
    assert not any(is_known(*one) for one in unknown)


def test_a_placeholder_of_the_build_is_told_and_the_bundles_decide(packs: Path, tmp_path: Path) -> None:
    home = copy_pack(packs / "is-analytics-5.3.0", tmp_path / "home")
    (home / "bin/version.txt").write_text("WSO2 Identity Server Analytics v${pom.version}\n")
    (home / "bin/wso2carbon-version.txt").write_text("WSO2 Carbon Framework v${carbon.kernel.version}\n")
    pack = Pack(home)
    assert (pack.product, pack.version, pack.placeholder) == (IS, "${pom.version}", "${pom.version}")
    assert pack.kernel == ()
    assert pack.components[1:] == ((1, 2, 8), (5, 1, 7))


@pytest.mark.parametrize(
    ("text", "product", "version"),
    [
        ("WSO2 API Manager Analytics Server v2.0.0\n", "WSO2 API Manager Analytics Server", "2.0.0"),
        ("  WSO2 X   v9.9 \r\nmore", "WSO2 X", "9.9"),
        (" " * 1_000_000 + "x", "x", ""),
        ("v2.0.0" + " v" * 500_000, "", ""),
        ("é" * 100, "\ufffd" * 79, ""),
    ],
    ids=["stock", "more blanks and lines", "a million blanks", "a million words", "not UTF-8"],
)
def test_a_version_file_of_any_shape_is_read_at_once(tmp_path, text, product, version):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/version.txt").write_bytes(text.encode("latin-1"))
    with no_hang():
        pack = Pack(tmp_path)
        assert pack.version == version
        assert pack.product.startswith(product)


@pytest.mark.parametrize(
    ("rule", "component", "before", "after"),
    [
        ("shifts_event_processor_ports", "common", (5, 0, 13), (5, 1, 0)),
        ("reads_hazelcast_xml", "kernel", (4, 4, 5), (4, 4, 6)),
        ("binds_spark_to_local_ip", "analytics", (1, 0, 6), (1, 1, 0)),
        ("assigns_index_shards_to_node_ids", "analytics", (1, 3, 19), (1, 3, 18)),
    ],
)
def test_rules_change_between_two_versions(rule, component, before, after):
    some = Components((4, 4, 3), (1, 0, 5), (5, 0, 8))
    assert not getattr(some._replace(**{component: before}), rule)
    assert getattr(some._replace(**{component: after}), rule)
