"""What the real command prints about logs that are written into their homes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.server_logs import Side
from wizard.command_line.verify import run_verify
from wizard.profile.model import Profile
from wizard.verify.pair import Pair

EXIT_CODES = {"healthy": 0, "waiting": 4, "unhealthy": 3}


class UpPair(Pair):
    """A pair whose logs say that both nodes are up."""

    def running(self, node: Any) -> bool:
        return True


@dataclass(frozen=True)
class Printed:
    """The object that the command printed."""

    outcome: str
    findings: list[dict[str, Any]]

    def __str__(self) -> str:
        lines = (f"{one['status']} {one['id']} {one['node']}: {one['message']}" for one in self.findings)
        return "\n".join((self.outcome, *lines))

    def of(self, status: str, node: str | None = None) -> list[dict[str, Any]]:
        """Return the findings of that status, of one node or of both."""
        return [one for one in self.findings if one["status"] == status and node in (None, one["node"])]


@dataclass(frozen=True)
class Replayed:
    """A pair whose profile was replayed onto both homes."""

    homes: list[Path]
    profile: Profile

    def verify(self, logs: Mapping[str, bytes]) -> Printed:
        """`verify PROFILE --offline --json` with these logs in the homes; the exit code is the contract's."""
        for home, node in zip(self.homes, self.profile.nodes, strict=True):
            place = home / "repository/logs/wso2carbon.log"
            place.unlink(missing_ok=True)
            if node.name in logs:
                place.write_bytes(logs[node.name])
        code, printed = run_verify(
            self.profile, "pair", offline=True, as_json=True, out=io.StringIO(), err=io.StringIO()
        )
        assert printed is not None
        assert code == EXIT_CODES[printed["outcome"]]
        return Printed(printed["outcome"], printed["findings"])

    def of(self, *sides: Side, outcome: str | None = None) -> Printed:
        """Return what `verify` prints about these nodes' logs; its outcome must be this one."""
        printed = self.verify({f"node{number}": side.log.content for number, side in enumerate(sides, 1)})
        assert outcome in (None, printed.outcome), str(printed)
        return printed
