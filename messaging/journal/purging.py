"""Retention of messages: expired segments are emptied, and their rows stay, so that the chain still verifies.

Nothing is deleted unseen. A segment is verified first, its head must be outside the database, and that it goes is written
outside as well: whoever empties one by hand is found by `verify_journal`.
"""

import time
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import connection, transaction

from messaging.journal import encoding, exporting
from messaging.journal.chains import Chain
from messaging.journal.comparing import compare
from messaging.journal.encoding import unpack
from messaging.journal.heads import ToPurge
from messaging.journal.holding import is_any_in_use
from messaging.journal.rows import StoredSegment, change, rows, segment_numbered

_log = structlog.get_logger(__name__)

_NEXT = """
    SELECT number FROM {segment}
     WHERE purged_at IS NULL AND number > %s AND number <= %s AND greatest(sealed_at, last_at) < %s
     ORDER BY number LIMIT 1
"""
_LOCK = "SELECT number FROM {segment} WHERE number = %s AND purged_at IS NULL FOR UPDATE SKIP LOCKED"
_MARK = "UPDATE {segment} SET purged_at = now(), leaves = NULL WHERE number = %s"
_DELETE = """
    DELETE FROM {message}
     WHERE (position, id) > (%(after)s, %(after_id)s::uuid) AND (position, id) <= (%(upto)s, %(upto_id)s::uuid)
"""


@dataclass(frozen=True, kw_only=True)
class Slice:
    """How much work may be done now: until the monotonic clock says `until`, resting `pause` seconds after each batch."""

    until: float
    pause: float

    @property
    def is_over(self) -> bool:
        """Whether it is time to stop."""
        return time.monotonic() >= self.until

    def rest(self) -> None:
        """Let others have the disk."""
        time.sleep(self.pause)


def purge_segments(chain: Chain, *, older_than: datetime, work: Slice) -> tuple[int, bool]:
    """Empty the expired segments of one journal, each in a commit of its own.

    Answers how many messages went, and whether all that may go is gone. Left for later are segments with a message that is
    still in use, and for a person those that are not as they were sealed.

    Raises:
        UnableToSeal: the file of heads cannot be written.
    """
    purged, number = 0, 0
    while not work.is_over:
        found = rows(_NEXT, chain.schema_name, [number, chain.exported_number, older_than])
        if not found:
            return purged, True
        number = int(found[0][0])
        purged += _purge(chain, number)
        work.rest()
    return purged, False


def _purge(chain: Chain, number: int) -> int:
    schema = chain.schema_name
    with transaction.atomic():
        if not rows(_LOCK, schema, [number]):
            return 0  # another cleaner has it
        segment = segment_numbered(schema, number)
        if segment is None or segment.leaves is None or not _is_whole(chain, segment):
            return 0
        ids = [leaf.id for leaf in unpack(segment.leaves)]
        tenant_id = None if schema == "public" else chain.id
        if is_any_in_use(tenant_id, ids):
            return 0
        entry = ToPurge(chain_id=chain.id, schema_name=schema, segment=number, hash=segment.hash)
        exporting.record([entry])
        _empty(schema, segment)
    _log.info("journal.purged", schema=schema, segment=number, count=len(ids))
    return len(ids)


def _is_whole(chain: Chain, segment: StoredSegment) -> bool:
    """Evidence of a change is not deleted."""
    found = compare(chain.schema_name, segment)
    if not found and encoding.segment_hash(chain.id, segment.header) == segment.hash:
        return True
    _log.error("journal.purge_refused", schema=chain.schema_name, segment=segment.number, findings=len(found))
    return False


def _empty(schema: str, segment: StoredSegment) -> None:
    with connection.cursor() as cursor:
        # The triggers let go what this names, in this transaction, and nothing else.
        cursor.execute("SELECT set_config('wildrydes.journal_purge', %s, true)", [f"segment {segment.number}"])
    change(_MARK, schema, [segment.number])
    after, upto = segment.header.after, segment.header.upto
    between = {"after": after.position, "after_id": after.id, "upto": upto.position, "upto_id": upto.id}
    change(_DELETE, schema, between)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('wildrydes.journal_purge', '', true)")
