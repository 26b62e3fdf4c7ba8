"""One pair on two hosts, by the playbooks: real ansible-core, a real sshd, a real database server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import pairs
from tests.support.fleet import fleet, stock
from tests.support.headless import AXIS2, text


@pytest.mark.timeout(900)
def test_both_nodes_are_configured_or_neither(packs: Path) -> None:
    with fleet(stock(packs)) as pair:
        first, second = pair.hosts
        pair.profile()
        pair.inventory()
        before = first.bytes_of_home()
        shown = pair.play("apimha.wizard.configure", "--check")
        assert shown.code == 0, shown.out  # although the driver jar is not on the host yet
        assert shown.changed()[second.name] > 0
        assert not (second.disk / "opt/driver.jar").exists()
        second.machine.run("mount", "-o", "remount,bind,ro", second.home)

        failed = pair.play("apimha.wizard.configure", "-vvv", ANSIBLE_NOCOLOR="1")

        assert failed.code == 2, failed.out
        assert [failed.recap[host.name]["failed"] for host in (first, second)] == [1, 1]
        assert "prerequisites.writable node2" in failed.out, "the program's own message"
        assert first.bytes_of_home() == before
        second.machine.run("mount", "-o", "remount,bind,rw", second.home)

        done = pair.play("apimha.wizard.configure", "-vvv")

        assert done.code == 0, done.out
        assert all(done.changed().values())
        for host in (first, second):
            enabled = text(host.real_home, AXIS2, "//clustering[@class]/@enable")
            assert enabled == "true"
        assert pair.database.run("SHOW DATABASES LIKE 'user0'")
        for out in (failed.out, done.out):
            assert pairs.PASSWORD not in out
            assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in out

        again = pair.play("apimha.wizard.configure")

        assert again.code == 0, again.out
        assert again.changed() == {first.name: 0, second.name: 0}
