"""Retention: what is older than its settings goes, in small batches, in the background, journal by journal.

Searching by age needs no index of its own: ids are UUIDv7, so the primary key is in order of age. Each journal is visited when
its row in `public` says so, four times a day, or again at the next round when there is more to do.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
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
from wildrydes.kernel.clock import utcnow

_log = structlog.get_logger(__name__)

BATCH = 1_000
_PAUSE_SECONDS = 0.02
_VISIT_EVERY = timedelta(hours=6)
_CLOCKS_AGREE_WITHIN = timedelta(hours=1)

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
_OLDEST = """
    SELECT (SELECT id FROM {trace} ORDER BY id LIMIT 1), (SELECT id FROM {error} ORDER BY id LIMIT 1),
           (SELECT id FROM {call} ORDER BY id LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Rows of one table: their setting, their date, and the gate in the triggers that has to be named, if any."""

    setting: str
    table: str
    date: str
    gate: str


# In the order of `_OLDEST`.
_KINDS = (
    _Kind("TRACES", "trace", "finished_at", "traces"),
    _Kind("HANDLER_ERRORS", "error", "happened_at", ""),
    _Kind("OUTBOUND_CALLS", "call", "started_at", ""),
)
# What is older has expired; kinds that are kept for ever are not in it.
_Limits = Mapping[str, datetime]


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """How many rows went, by kind."""

    rows: dict[str, int]


def clean_everywhere(*, seconds: float, pause: float = _PAUSE_SECONDS) -> Cleaned:
    """Delete what has expired for `seconds` at most; the next call goes on where this one stops.

    Raises:
        UnableToSeal: after the round, when the heads' file could not be written: no messages were deleted.
    """
    work, limits = Slice(until=time.monotonic() + seconds, pause=pause), _limits()
    total: Counter[str] = Counter({"RESOLVED_DEAD_LETTERS": _clean_letters(limits.get("RESOLVED_DEAD_LETTERS"), work)})
    refusals: set[str] = set()
    meet_new_schemas()
    for chain in Chain.objects.filter(clean_at__lte=Now()).order_by("clean_at")[:2_000]:
        if work.is_over:
            break
        try:
            done = _clean_journal(chain, limits, work, total)
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


def _clean_journal(chain: Chain, limits: _Limits, work: Slice, total: Counter[str]) -> bool:
    """Visit one journal; answers whether everything that may go is gone. One statement when there is nothing to do."""
    if not schema_has_journal(chain.schema_name):
        return True
    done = True
    for kind, oldest in zip(_KINDS, rows(_OLDEST, chain.schema_name)[0], strict=True):
        limit = limits.get(kind.setting)
        if limit is not None and oldest is not None and oldest < _first_id(limit):
            count, finished = _delete_old(chain, kind, limit, work)
            total[kind.setting] += count
            done = done and finished
    if "MESSAGES" in limits:
        count, finished = purge_segments(chain, older_than=limits["MESSAGES"], work=work)
        total["MESSAGES"] += count
        done = done and finished
    return done


def _delete_old(chain: Chain, kind: _Kind, older_than: datetime, work: Slice) -> tuple[int, bool]:
    before = _first_id(older_than)
    tenant_id = None if chain.schema_name == "public" else chain.id
    values = {
        "before": before,
        "older_than": older_than,
        "batch": BATCH,
        "in_use": messages_in_use(tenant_id, before=before),
    }
    statement = _DELETE.format(table=kind.table, date=kind.date)

    def batch(after: UUID) -> list[UUID]:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('wildrydes.journal_purge', %s, true)", [kind.gate])
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


def _clean_letters(older_than: datetime | None, work: Slice) -> int:
    deleted = 0
    while older_than is not None and not work.is_over:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_LETTERS, [[str(state) for state in RESOLVED_STATES], older_than, older_than, BATCH])
            deleted += cursor.rowcount
            if cursor.rowcount < BATCH:
                break
        work.rest()
    return deleted


def _limits() -> _Limits:
    """By the database's clock, if this process' clock agrees: one that has jumped ahead must not delete everything."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    if abs(now - utcnow()) > _CLOCKS_AGREE_WITHIN:
        _log.error("retention.clocks_disagree", database=now.isoformat(), here=utcnow().isoformat())
        return {}
    return {kind: now - timedelta(days=days) for kind, days in settings.RETENTION.items() if days}


def _first_id(moment: datetime) -> UUID:
    return first_id_of(int(moment.timestamp() * 1000))
