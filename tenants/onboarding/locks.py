"""Session-level advisory locks: held across commits, gone with the connection, however its process ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# Our own half of PostgreSQL's two-part advisory keys; the other half is hashed from the name.
_CLASS = 0x5752
_POLL_SECONDS = 0.1


class LockBusy(Exception):
    """Somebody else kept the lock for longer than we would wait."""


@contextmanager
def advisory_lock(name: str, *, wait_seconds: float) -> Iterator[None]:
    """Hold the lock called `name` on this connection; polls, so that no statement or lock time limit cuts the wait.

    Raises:
        LockBusy: somebody else has held it for `wait_seconds`.
    """
    deadline = time.monotonic() + wait_seconds
    while not _try(name):
        if time.monotonic() > deadline:
            raise LockBusy(f"{name} has been locked by another process for {wait_seconds:.0f} s.")
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (_CLASS, name))


def _try(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (_CLASS, name))
        row = cursor.fetchone()
    return bool(row and row[0])
