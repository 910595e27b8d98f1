"""Claims: who works on a delivery. Every statement names the claim, so a holder that lost its lease changes nothing.

All times are the database's (`clock_timestamp()`), so the clocks of workers may differ. A claim changes no indexed value of a
row that the sweeper looks at within the lease anyway, as it does at a fresh one; only a row that waits for a later look (it was
sent often, or parked) is looked at earlier from then on, so that a dead worker is noticed when its lease ends.
"""

import os
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from messaging.deadletters.settling import settle
from messaging.errors import StaleClaim
from messaging.journal.models import TraceOutcome
from messaging.posting import Post, expressions, values_of, write
from messaging.prepared import execute
from messaging.settings import lease_seconds, stranded_after_seconds
from tenants.registry.context import entered_schema
from wildrydes.kernel.ids import new_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A delivery as its holder sees it; `crashes` includes the holder that was just taken over from, if any."""

    id: UUID
    claim_id: UUID
    tenant_id: UUID | None
    message_id: UUID
    correlation_id: UUID
    topic: str
    version: int
    handler: str
    queue_class: str
    epoch: int
    attempts: int
    crashes: int
    claimed_at: datetime
    created_at: datetime
    letter_id: UUID | None
    put_backs: int
    expired: bool
    stranded: bool


_PLAIN = (
    "id, claim_id, tenant_id, message_id, correlation_id, topic, version, handler, queue_class, epoch, attempts, crashes, "
    "claimed_at, created_at, letter_id, put_backs"
)
_FIELDS = [*_PLAIN.split(", "), "expired", "stranded"]
_COLUMNS = (
    f"{_PLAIN}, coalesce(expires_at <= clock_timestamp(), false) AS expired, "
    "coalesce(put_back_since <= clock_timestamp() - make_interval(secs => %(strand)s), false) AS stranded"
)

# The claim's commit does not wait for the disk: one that a crash of PostgreSQL takes back was never made, and its holder, whose
# connection broke with it, can commit nothing under it. Everything that follows from a claim waits. That is set in passing,
# where `parked_in` is emptied: a table expression of its own took half as long to plan as all the rest.
CLAIM = f"""
    UPDATE messaging_delivery
       SET claim_id = %(claim)s, claimed_by = %(worker)s, claimed_at = clock_timestamp(),
           lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
           due_at = least(due_at, clock_timestamp() + make_interval(secs => %(lease)s + 0.2)),
           parked_in = left(set_config('synchronous_commit', 'off', true), 0),
           crashes = crashes + (claim_id IS NOT NULL)::int, epoch = epoch + (claim_id IS NOT NULL)::int
     WHERE id = %(id)s AND not_before <= clock_timestamp() AND (claim_id IS NULL OR lease_until <= clock_timestamp())
       AND (%(suspects)s OR (crashes = 0 AND claim_id IS NULL))
 RETURNING {_COLUMNS}
"""  # noqa: S608  # column names of our own
_IS_SUSPECT = """
    SELECT crashes > 0 OR claim_id IS NOT NULL FROM messaging_delivery
     WHERE id = %(id)s AND not_before <= clock_timestamp() AND (claim_id IS NULL OR lease_until <= clock_timestamp())
"""
_SOON = """
    UPDATE messaging_delivery SET due_at = clock_timestamp() + make_interval(secs => %(delay)s), parked_in = ''
     WHERE id = %(id)s AND claim_id IS NULL AND not_before <= clock_timestamp()
"""
_HAND_OVER = """
    WITH held AS (
        SELECT id FROM messaging_delivery
         WHERE claim_id IS NOT NULL AND claimed_by = ANY(%(workers)s) AND NOT claim_id = ANY(%(but)s::uuid[])
           FOR UPDATE SKIP LOCKED
    )
    UPDATE messaging_delivery d
       SET claim_id = NULL, lease_until = NULL, epoch = epoch + 1, sends = 0,
           not_before = clock_timestamp(), due_at = clock_timestamp()
      FROM held WHERE d.id = held.id
"""
_EXTEND = """
    UPDATE messaging_delivery d
       SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
      FROM unnest(%(ids)s::uuid[], %(claims)s::uuid[]) AS held (id, claim_id)
     WHERE d.id = held.id AND d.claim_id = held.claim_id
 RETURNING d.claim_id
"""
_RENEW = """
    UPDATE messaging_delivery SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
     WHERE id = %(id)s AND claim_id = %(claim)s
"""
_RELEASE = """
    UPDATE messaging_delivery
       SET claim_id = NULL, lease_until = NULL, epoch = epoch + 1, sends = 0, parked_in = '', attempts = %(attempts)s,
           put_backs = CASE %(counted)s WHEN 1 THEN 0 ELSE least(put_backs + 1, 32000) END,
           put_back_since = CASE %(counted)s WHEN 1 THEN NULL ELSE coalesce(put_back_since, clock_timestamp()) END,
           not_before = clock_timestamp() + make_interval(secs => %(delay)s),
           due_at = clock_timestamp() + make_interval(secs => %(delay)s)
     WHERE id = %(id)s AND claim_id = %(claim)s
"""
_GONE = "done AS (DELETE FROM public.messaging_delivery WHERE id = %s AND claim_id = %s RETURNING *)"
_LEAVE_TRACE = """
    INSERT INTO journal_trace
           (id, message_id, correlation_id, handler, outcome, attempts, crashes, started_at, finished_at, worker)
    SELECT id, message_id, correlation_id, handler, %s, attempts, crashes, claimed_at, clock_timestamp(), claimed_by
      FROM done
"""
_FINISH = f"WITH {_GONE} {_LEAVE_TRACE}"


def worker_name(pid: int | None = None) -> str:
    """Who claims: host and process, this one unless named; threads share their process's fate."""
    return f"{socket.gethostname()}:{pid or os.getpid()}"[:100]


def claim_values(delivery_id: UUID, *, suspects: bool) -> dict[str, Any]:
    """The parameters of `CLAIM`, with a new claim id."""
    return {
        "id": delivery_id,
        "claim": new_id(),
        "worker": worker_name(),
        "lease": lease_seconds(),
        "strand": float(stranded_after_seconds()),
        "suspects": suspects,
    }


def claim_from(row: Sequence[Any]) -> Claim:
    """The claim that `CLAIM` returned."""
    fields: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    return Claim(**fields)


def claim(delivery_id: UUID, *, suspects: bool = True) -> Claim | None:
    """Take the delivery, or answer None: done already, not due yet, or held by someone whose lease holds.

    Without `suspects`, one whose worker died is left alone too.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, claim_values(delivery_id, suspects=suspects))
        row = cursor.fetchone()
    return None if row is None else claim_from(row)


def is_suspect(delivery_id: UUID) -> bool:
    """Whether the delivery could be claimed now, but its worker died before."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_SUSPECT, {"id": delivery_id})
        row = cursor.fetchone()
    return bool(row and row[0])


def have_sent_soon(delivery_id: UUID, *, delay: float) -> None:
    """Let the sweeper send a wake-up for it in `delay` seconds, if it still waits."""
    with connection.cursor() as cursor:
        cursor.execute(_SOON, {"id": delivery_id, "delay": delay})


def hand_over(workers: Sequence[str], *, but: Collection[UUID]) -> int:
    """Release, uncounted, what these workers hold, except the claims in `but`; answers how many deliveries that were.

    What is being finished at this moment is left alone. Their handlers may go on: they cannot commit any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HAND_OVER, {"workers": list(workers), "but": list(but)})
        return int(cursor.rowcount)


def extend(held: dict[UUID, UUID]) -> set[UUID]:
    """Renew the leases of these deliveries (id → claim id); answers the claim ids that still hold."""
    with connection.cursor() as cursor:
        cursor.execute(_EXTEND, {"lease": lease_seconds(), "ids": list(held), "claims": list(held.values())})
        return {row[0] for row in cursor.fetchall()}


def renew(claimed: Claim) -> None:
    """Renew one lease inside the caller's transaction.

    Raises:
        StaleClaim: when the lease ran out and someone else has the row.
    """
    with connection.cursor() as cursor:
        execute(cursor, _RENEW, {"lease": lease_seconds(), "id": claimed.id, "claim": claimed.claim_id})
        if cursor.rowcount != 1:
            raise StaleClaim(f"The claim on {claimed.id} was lost.")


def release(claimed: Claim, *, delay: float, counted: bool, attempts: int | None = None) -> None:
    """Put the delivery back for `delay` seconds; `counted` says whether this was an attempt or nobody's fault.

    What is put back uncounted again and again is counted in `put_backs`, until an attempt was made of it. `attempts` says how
    many have been used up, when that is not one more than before.

    Raises:
        StaleClaim: when someone else has the row.
    """
    used = claimed.attempts + counted if attempts is None else attempts
    values: dict[str, Any] = {
        "id": claimed.id,
        "claim": claimed.claim_id,
        "delay": delay,
        "counted": int(counted),
        "attempts": used,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, values)
        if cursor.rowcount != 1:
            raise StaleClaim(f"The claim on {claimed.id} was lost.")


def finish(claimed: Claim, *, outcome: str, posts: Sequence[Post] = ()) -> None:
    """Delete the delivery and leave its trace in the entered schema, inside the handler's own transaction.

    `posts` are written with it. The letter that it redrives, if any, is settled; one that died again is for `bury` to open
    again.

    Raises:
        StaleClaim: when someone else has the row; the transaction must be rolled back.
    """
    values: list[Any] = [claimed.id, claimed.claim_id, str(outcome)]
    if any(each.schema != entered_schema() for each in posts):
        write(posts)
        posts = ()
    with connection.cursor() as cursor:
        if posts:
            statement = f"WITH {_GONE}, trace AS ({_LEAVE_TRACE}), {expressions(posts)} SELECT count(*) FROM done"  # noqa: S608  # our own
            execute(cursor, statement, values + values_of(posts))
            [finished] = cursor.fetchone()
        else:
            execute(cursor, _FINISH, values)
            finished = cursor.rowcount
    if finished != 1:
        raise StaleClaim(f"The claim on {claimed.id} was lost.")
    if claimed.letter_id is not None and outcome != TraceOutcome.DEAD:
        settle(claimed.letter_id, claimed.id, obsolete=outcome == TraceOutcome.OBSOLETE)
