"""The lock in the server that keeps two machines from creating the databases at once.

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
"""Seconds to wait for another run."""


def holder(session: DatabaseSession) -> int | None:
    """Return the connection that holds the lock; None if the lock is free."""
    found = session.value("SELECT IS_USED_LOCK(%s)", (NAME,))
    return None if found is None else int(found)


@contextlib.contextmanager
def held(
    session: DatabaseSession, *, cancelled: Callable[[], bool], waiting: Callable[[], object]
) -> Iterator[int]:
    """Hold the lock; yields this session's connection number.  Calls `waiting` once if another run holds the lock.

    Raises Cancelled, and Failed after `WAIT_LIMIT`.
    """
    limit = time.monotonic() + WAIT_LIMIT
    first = True
    # In short pieces, so that a cancel does not wait for the other run.
    while session.value("SELECT GET_LOCK(%s, 1)", (NAME,)) != 1:
        if cancelled():
            raise Cancelled("cancelled while waiting for another run in the databases")
        if time.monotonic() > limit:
            raise Failed(
                f"another run has held the database lock for {WAIT_LIMIT:g} s",
                place=f"MySQL at {session.endpoint}",
                fix=f"wait for it; its connection holds the lock {NAME} (SHOW PROCESSLIST)",
            )
        if first:
            waiting()
            first = False
    try:
        yield int(session.value("SELECT CONNECTION_ID()"))
    finally:
        with contextlib.suppress(DatabaseError):  # a closed connection holds no lock
            session.make("DO RELEASE_LOCK(%s)", (NAME,))
