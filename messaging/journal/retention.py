"""Retention: what is older than its settings goes, in small batches, in the background, journal by journal.

Searching by age needs no index of its own: ids are UUIDv7, so the primary key is in order of age. Each journal is visited when
its row in `public` says so, four times a day, or again at the next round when there is more to do.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from messaging.journal.chains import Chain
from messaging.journal.directory import meet_new_schemas
from messaging.journal.errors import UnableToSeal
from messaging.journal.holding import RESOLVED_STATES, first_id_of, messages_in_use
from messaging.journal.purging import Slice, purge_segments
from messaging.journal.rows import rows, schema_has_journal

_log = structlog.get_logger(__name__)

BATCH = 1_000
_PAUSE_SECONDS = 0.02
_VISIT_EVERY = timedelta(hours=6)

# Ids that are lower and dates that are older: a worker whose clock was behind must not make rows look old.
_DELETE = """
    WITH old AS (
        SELECT id FROM {{{table}}}
         WHERE id > %(after)s AND id < %(before)s AND {date} < %(older_than)s AND message_id <> ALL(%(in_use)s)
         ORDER BY id LIMIT %(batch)s
    )
    DELETE FROM {{{table}}} USING old WHERE {{{table}}}.id = old.id RETURNING {{{table}}}.id
"""
_DELETE_LETTERS = """
    DELETE FROM messaging_deadletter WHERE id IN (
        SELECT id FROM messaging_deadletter
         WHERE state = ANY(%s) AND died_at < %s AND resolved_at < %s
         ORDER BY died_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
# Setting, table, date; and the gate in the triggers that has to be named, if any.
_KINDS = (
    ("TRACES", "trace", "finished_at", "traces"),
    ("HANDLER_ERRORS", "error", "happened_at", ""),
    ("OUTBOUND_CALLS", "call", "started_at", ""),
)


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """How many rows went, by kind."""

    rows: dict[str, int]


def clean_everywhere(*, seconds: float, pause: float = _PAUSE_SECONDS) -> Cleaned:
    """Delete what has expired for `seconds` at most; the next call goes on where this one stops.

    Raises:
        UnableToSeal: after the round, when the heads' file could not be written: no messages were deleted.
    """
    work = Slice(until=time.monotonic() + seconds, pause=pause)
    total: dict[str, int] = {"RESOLVED_DEAD_LETTERS": _clean_letters(work)}
    refusals: set[str] = set()
    meet_new_schemas()
    for chain in Chain.objects.filter(clean_at__lte=Now()).order_by("clean_at")[:2_000]:
        if work.is_over:
            break
        try:
            done = _clean_journal(chain, work, total)
        except UnableToSeal as error:
            refusals.add(str(error))
            done = True
        except DatabaseError as error:
            _log.warning(
                "retention.passed_over", schema=chain.schema_name, error=type(error.__cause__ or error).__name__
            )
            done = True
        # One with much to do goes behind those that have not been visited yet.
        Chain.objects.filter(id=chain.id).update(clean_at=Now() + _VISIT_EVERY if done else Now())
    if any(total.values()):
        _log.info("retention.deleted", **{kind.lower(): count for kind, count in total.items() if count})
    if refusals:
        raise UnableToSeal(" ".join(sorted(refusals)))
    return Cleaned(rows=total)


def _clean_journal(chain: Chain, work: Slice, total: dict[str, int]) -> bool:
    """Visit one journal; answers whether everything that may go is gone."""
    if not schema_has_journal(chain.schema_name):
        return True
    done = True
    for kind, table, date, gate in _KINDS:
        limit = _expired_before(kind)
        if limit is not None:
            count, finished = _delete_old(chain, table, date, gate, limit, work)
            total[kind] = total.get(kind, 0) + count
            done = done and finished
    limit = _expired_before("MESSAGES")
    if limit is not None:
        count, finished = purge_segments(chain, older_than=limit, work=work)
        total["MESSAGES"] = total.get("MESSAGES", 0) + count
        done = done and finished
    return done


def _delete_old(chain: Chain, table: str, date: str, gate: str, older_than: datetime, work: Slice) -> tuple[int, bool]:
    before = first_id_of(int(older_than.timestamp() * 1000))
    tenant_id = None if chain.schema_name == "public" else chain.id
    values = {
        "before": before,
        "older_than": older_than,
        "batch": BATCH,
        "in_use": messages_in_use(tenant_id, before=before),
    }
    statement = _DELETE.format(table=table, date=date)

    def batch(after: UUID) -> list[UUID]:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('wildrydes.journal_purge', %s, true)", [gate])
            gone = [row[0] for row in rows(statement, chain.schema_name, {**values, "after": after})]
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('wildrydes.journal_purge', '', true)")
        return gone

    return _in_batches(batch, work)


def _in_batches(batch: Callable[[UUID], list[UUID]], work: Slice) -> tuple[int, bool]:
    """Batch after batch, each above the last: the entries of rows just deleted are not read again."""
    deleted, after = 0, UUID(int=0)
    while not work.is_over:
        gone = batch(after)
        deleted += len(gone)
        if len(gone) < BATCH:
            return deleted, True
        after = max(gone)
        work.rest()
    return deleted, False


def _clean_letters(work: Slice) -> int:
    limit = _expired_before("RESOLVED_DEAD_LETTERS")
    deleted = 0
    while limit is not None and not work.is_over:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_LETTERS, [[str(state) for state in RESOLVED_STATES], limit, limit, BATCH])
            deleted += cursor.rowcount
            if cursor.rowcount < BATCH:
                break
        work.rest()
    return deleted


def _expired_before(kind: str) -> datetime | None:
    """What is older than this, by the database's clock, has expired; None keeps for ever."""
    days: int = settings.RETENTION[kind]
    if not days:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() - make_interval(days => %s)", [days])
        found: datetime = cursor.fetchone()[0]
    return found
