"""The checks of the MySQL step."""

from __future__ import annotations

from wizard.preflight.checks import Check
from wizard.preflight.mysql.databases import charset, missing, names, schema, script, stale_index
from wizard.preflight.mysql.server import account, administrator, connect, connections, driver, loopback

CHECKS: tuple[Check, ...] = (
    connect,
    account,
    administrator,
    script,
    charset,
    schema,
    missing,
    connections,
    stale_index,
    loopback,
    names,
    driver,
)
