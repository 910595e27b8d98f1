"""Up to where nothing can slip in any more.

Positions come from a sequence, so a transaction may commit a low one after others have committed higher ones. Whoever inserts
takes the table's ROW EXCLUSIVE lock before it asks the sequence, and keeps it until its commit can be seen. So: read the
sequence, see who holds that lock, wait until all of those are gone; then every position up to the one read is there or never
will be. No transaction ids are compared, so a restore into another cluster, prepared transactions and savepoints make no
difference, and a long transaction that never touched this journal holds nobody up.
"""

import time

from messaging.journal.rows import rows

_LAST = "SELECT last_value, is_called FROM {positions}"
# Transactions that hold the lock now; our own, if it has inserted, sees what it wrote.
_WRITERS = """
    SELECT DISTINCT virtualtransaction FROM pg_locks
     WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND relation = %s::regclass AND pid IS DISTINCT FROM pg_backend_pid()
"""
_POLL_SECONDS = 0.01


def last_position(schema: str) -> int:
    """The last position given out; 0 when none was."""
    last_value, is_called = rows(_LAST, schema)[0]
    return int(last_value) if is_called else 0


def settled_position(schema: str, *, wait_seconds: float) -> int | None:
    """The last position given out, once all of up to there are settled; None when a writer outlasts `wait_seconds`."""
    last = last_position(schema)
    give_up = time.monotonic() + wait_seconds
    writers = _writers(schema)
    while writers:
        if time.monotonic() >= give_up:
            return None
        time.sleep(_POLL_SECONDS)
        writers &= _writers(schema)
    return last


def _writers(schema: str) -> set[str]:
    # Schemas are named in lower case without quotes (tenants.registry.naming).
    return {row[0] for row in rows(_WRITERS, schema, [f"{schema}.journal_message"])}
