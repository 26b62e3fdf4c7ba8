"""The lock in the server that keeps two machines from making the databases at once.

One name for all databases, since two profiles may share some.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from wizard.database.failure import DatabaseError
from wizard.system.errors import Cancelled, Failed

if TYPE_CHECKING:
    from wizard.database.connection import DatabaseSession

NAME = "apimha-wizard"

WAIT_LIMIT = 300.0
"""Seconds that another run is waited for."""


def holder(session: DatabaseSession) -> int | None:
    """The connection that holds the lock; None where nobody does."""
    found = session.value("SELECT IS_USED_LOCK(%s)", (NAME,))
    return None if found is None else int(found)


@contextlib.contextmanager
def held(
    session: DatabaseSession, *, cancelled: Callable[[], bool], waiting: Callable[[], object]
) -> Iterator[int]:
    """The lock, held by this session; its connection's number.  `waiting` is called once where another has it.

    Raises Cancelled, and Failed after `WAIT_LIMIT`.
    """
    limit = time.monotonic() + WAIT_LIMIT
    told = False
    # In short pieces, so that a cancel does not wait for the other run.
    while session.value("SELECT GET_LOCK(%s, 1)", (NAME,)) != 1:
        if cancelled():
            raise Cancelled("cancelled while another run was at work in the databases")
        if time.monotonic() > limit:
            raise Failed(
                "another run has been at work in the databases for minutes",
                place=f"MySQL at {session.endpoint}",
                fix=f"wait for it; its connection holds the lock {NAME} (SHOW PROCESSLIST)",
            )
        if not told:
            waiting()
            told = True
    try:
        yield int(session.value("SELECT CONNECTION_ID()"))
    finally:
        with contextlib.suppress(DatabaseError):  # a connection that is gone holds no lock
            session.make("DO RELEASE_LOCK(%s)", (NAME,))
