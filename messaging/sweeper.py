"""The sweeper: sends again what has not started, and takes over what was abandoned.

It polls PostgreSQL and is no Celery task: it works when the broker has lost everything. Sending is idempotent (a copy finds
nothing to claim), so it needs no cleverness. Any number of sweepers may run; `SKIP LOCKED` shares the rows out.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction

from messaging.incarnation import IncarnationWatch
from messaging.outbox import Wakeup, WakeupSender
from messaging.settings import resend_backoff_seconds
from tenants.registry.context import enter_public
from tenants.registry.directory import tenant_by_id

_log = structlog.get_logger(__name__)

BATCH = 500

# One pass over what is due: abandoned rows are freed (and the crash counted), waiting ones are sent, held ones are looked at
# again when their lease ends. Whether a row is sent is told by the last column.
_SWEEP = """
    WITH due AS (
        SELECT id, claim_id IS NOT NULL AND lease_until <= clock_timestamp() AS abandoned,
               claim_id IS NOT NULL AND lease_until > clock_timestamp() AS held
          FROM messaging_delivery
         WHERE due_at <= clock_timestamp()
         ORDER BY due_at
         LIMIT %(batch)s
           FOR UPDATE SKIP LOCKED
    )
    UPDATE messaging_delivery d
       SET claim_id = CASE WHEN due.abandoned THEN NULL ELSE d.claim_id END,
           lease_until = CASE WHEN due.abandoned THEN NULL ELSE d.lease_until END,
           crashes = d.crashes + due.abandoned::int,
           epoch = d.epoch + due.abandoned::int,
           sends = CASE WHEN due.held THEN d.sends WHEN due.abandoned THEN 1 ELSE d.sends + 1 END,
           due_at = CASE WHEN due.held THEN d.lease_until + interval '0.2 seconds'
                         ELSE clock_timestamp() + make_interval(secs => (%(backoff)s::float8[])[
                              least(CASE WHEN due.abandoned THEN 1 ELSE d.sends + 1 END, %(steps)s)]) END
      FROM due
     WHERE d.id = due.id
 RETURNING d.id, d.epoch, d.tenant_id, d.queue_class, d.handler, due.abandoned, NOT due.held
"""

_ALL_AT_ONCE = """
    UPDATE messaging_delivery SET due_at = clock_timestamp(), sends = 0
     WHERE claim_id IS NULL AND not_before <= clock_timestamp() AND due_at > clock_timestamp()
"""


class Sweeper:
    """One sweeper; `pass_once` is a whole round."""

    def __init__(self, *, send_timeout: float = 5.0) -> None:
        """`send_timeout` is in seconds: nobody waits for the sweeper, so it is patient with the broker."""
        self._sender = WakeupSender(send_timeout)
        self._watch = IncarnationWatch()

    def pass_once(self) -> int:
        """Look after what is due; answers how many wake-ups were sent.

        Raises:
            Exception: the broker's or database's, when they are away; the rows stay due and the next pass tries again.
        """
        sent = 0
        with enter_public():
            self._notice_lost_broker()
            while True:
                batch, seen = self._sweep_batch()
                sent += batch
                if seen < BATCH:
                    return sent

    def _sweep_batch(self) -> tuple[int, int]:
        # Sending happens before the commit: if it fails, the rows are as due as before. A worker that is quicker than the
        # commit waits for the row's lock.
        with transaction.atomic():
            rows = self._due()
            wakeups = [_wakeup(row) for row in rows if row[6]]
            for row in rows:
                if row[5]:
                    _log.warning("delivery.taken_over", delivery=str(row[0]), handler=row[4])
            if wakeups:
                self._sender.send(wakeups)
        return len(wakeups), len(rows)

    @staticmethod
    def _due() -> Sequence[Sequence[Any]]:
        backoff = resend_backoff_seconds()
        with connection.cursor() as cursor:
            cursor.execute(_SWEEP, {"batch": BATCH, "backoff": list(backoff), "steps": len(backoff)})
            rows: list[Sequence[Any]] = cursor.fetchall()
        return rows

    def _notice_lost_broker(self) -> None:
        """When Redis is another incarnation than before, everything waiting is sent at once."""
        stamp = self._watch.changed()
        if stamp is None:
            return
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_ALL_AT_ONCE)
            _log.warning("broker.new_incarnation", resent=cursor.rowcount)
            self._watch.remember(stamp)


def _wakeup(row: Sequence[Any]) -> Wakeup:
    delivery_id, epoch, tenant_id, queue_class = row[:4]
    tenant = tenant_by_id(UUID(str(tenant_id))) if tenant_id else None
    return Wakeup.of(delivery_id, epoch, queue_class, tenant)
