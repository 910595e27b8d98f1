"""Sealing: settled messages become a segment, which names the one before it by its hash.

A segment and the pointer to it are one commit under the lock of the chain's row: two sealers make one chain, and one that
dies has sealed nothing by half.
"""

import time
from dataclasses import dataclass

import structlog
from django.db import DatabaseError, connection, transaction

from messaging.journal import encoding
from messaging.journal.chains import Chain
from messaging.journal.directory import DueChain, Look, chains_to_seal, remember_looks
from messaging.journal.encoding import LAST_ID, LOWEST, NO_ID, Bound, Header
from messaging.journal.errors import UnableToSeal
from messaging.journal.rows import StoredSegment, insert_segment, last_segment, leaves_between, span_between
from messaging.journal.settling import settled_position

_log = structlog.get_logger(__name__)

# Messages in one segment at most: what a sealer or verifier holds in memory, and what retention deletes at a time.
SEGMENT_SIZE = 1_000
_WAIT_FOR_WRITERS_SECONDS = 0.5
BEGINNING = Bound(LOWEST, NO_ID)


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """What a round did: schemas looked at, segments and messages sealed, schemas whose end could not be reached."""

    chains: int = 0
    segments: int = 0
    messages: int = 0
    behind: int = 0


def seal_everywhere(*, seconds: float) -> Sealed:
    """Seal what is settled in every schema that has something, those that have waited longest first, for `seconds` at most.

    A schema whose database work fails is logged and passed over until the next round.

    Raises:
        UnableToSeal: after the round, when a journal was set back: its new messages cannot be sealed.
    """
    until = time.monotonic() + seconds
    counts: list[int] = []
    looks: list[Look] = []
    refused: list[str] = []
    for due in chains_to_seal():
        if time.monotonic() >= until:
            break
        try:
            sealed, complete = seal_chain(due, until=until)
        except UnableToSeal as error:
            refused.append(str(error))
            continue
        except DatabaseError as error:
            _log.warning("journal.passed_over", schema=due.schema_name, error=type(error.__cause__ or error).__name__)
            continue
        counts += sealed
        looks.append(Look(due, complete))
    if looks:
        remember_looks(looks)
    if refused:
        raise UnableToSeal(" ".join(refused))
    behind = sum(not look.complete for look in looks)
    return Sealed(chains=len(looks), segments=len(counts), messages=sum(counts), behind=behind)


def seal_chain(due: DueChain, *, until: float, segment_size: int = SEGMENT_SIZE) -> tuple[list[int], bool]:
    """Seal one schema until its settled end, or until the monotonic clock says `until`.

    Answers the number of messages in each new segment, and whether the end was reached.

    Raises:
        UnableToSeal: when the sequence stands below what is sealed already, or sealed segments are gone.
    """
    counts: list[int] = []
    settled = settled_position(due.schema_name, wait_seconds=_WAIT_FOR_WRITERS_SECONDS)
    if settled is None:
        _log.info("journal.writers_outlast", schema=due.schema_name)
        return counts, False
    while True:
        count = _seal_next(due, settled, segment_size)
        if count is None:
            return counts, False
        if count:
            counts.append(count)
        if count < segment_size:
            return counts, True
        if time.monotonic() >= until:
            return counts, False


def _seal_next(due: DueChain, settled: int, size: int) -> int | None:
    """Seal up to `size` messages in one commit; answers how many, or None when another sealer is at it."""
    schema = due.schema_name
    with transaction.atomic():
        chain = Chain.objects.select_for_update(skip_locked=True).filter(id=due.id).first()
        if chain is None:
            return None
        last = last_segment(schema)
        if (last.number if last else 0) != chain.sealed_number:
            raise UnableToSeal(
                f"{schema} ends with segment {last.number if last else 0} and not with {chain.sealed_number}, the last one"
                " sealed: see docs/runbooks/journal.md."
            )
        after = last.header.upto if last else BEGINNING
        if settled < after.position:
            raise UnableToSeal(
                f"{schema}.journal_message_position_seq stands at {settled}, below {after.position} which is sealed:"
                " see docs/runbooks/journal.md."
            )
        end = Bound(settled, LAST_ID)
        leaves = leaves_between(schema, after, end, limit=size)
        if not leaves:
            return 0
        upto = Bound(leaves[-1].position, leaves[-1].id) if len(leaves) == size else end
        packed = encoding.pack(leaves)
        _write(due, last, after, upto, count=len(leaves), packed=packed)
    return len(leaves)


def _write(due: DueChain, last: StoredSegment | None, after: Bound, upto: Bound, *, count: int, packed: bytes) -> None:
    span = span_between(due.schema_name, after, upto)
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM t)::text, t::text FROM clock_timestamp() AS t")
        sealed_at, sealed_stored = cursor.fetchone()
    header = Header(
        encoding=encoding.VERSION,
        number=last.number + 1 if last else 1,
        previous_hash=last.hash if last else encoding.genesis_hash(due.id),
        after=after,
        upto=upto,
        count=count,
        first_at=span.first,
        last_at=span.last,
        sealed_at=sealed_at,
        content_hash=encoding.content_hash(packed),
    )
    hashed = encoding.segment_hash(due.id, header)
    insert_segment(due.schema_name, header, span, sealed_stored=sealed_stored, hashed=hashed, leaves=packed)
    Chain.objects.filter(id=due.id).update(sealed_number=header.number)
