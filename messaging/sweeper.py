"""The sweeper: sends again what has not started, and takes over what was abandoned.

It polls PostgreSQL and is no Celery task: it works when the broker has lost everything. Sending is idempotent (a copy finds
nothing to claim). Any number of sweepers may run; `SKIP LOCKED` shares the rows out.
"""

from collections.abc import Callable, Sequence

import structlog
from django.db import connection, transaction

from messaging import metrics
from messaging.census import Census
from messaging.depths import Room, broker_client
from messaging.fairness.keeping import LimitsKeeper
from messaging.incarnation import IncarnationWatch
from messaging.outbox import WakeupSender
from messaging.resending import Row, due_rows, parked_lanes, parked_rows, settle
from messaging.settings import resend_up_to
from messaging.wording import story_of
from tenants.registry.context import enter_public

_log = structlog.get_logger(__name__)

BATCH = 500
# Of one pass: then queues are topped up and the sign of life is given, whatever else is due.
BATCHES = 20

_ALL_AT_ONCE = """
    UPDATE messaging_delivery SET due_at = clock_timestamp(), sends = 0
     WHERE claim_id IS NULL AND parked_in = '' AND not_before <= clock_timestamp() AND due_at > clock_timestamp()
"""


class Sweeper:
    """One sweeper; `pass_once` is a whole round."""

    def __init__(self, *, send_timeout: float = 5.0) -> None:
        """`send_timeout` is in seconds: nobody waits for the sweeper, so it is patient with the broker."""
        self._sender = WakeupSender(send_timeout)
        self._client = broker_client()
        self._watch = IncarnationWatch(self._client)
        self._limits = LimitsKeeper(self._client)
        self._census = Census()

    def pass_once(self, *, go_on: Callable[[], bool] = lambda: True) -> int:
        """Look after what is due; answers how many wake-ups were sent. `go_on` is asked before each batch.

        Raises:
            Exception: the broker's or database's, when they are away; the rows stay due and the next pass tries again.
        """
        with enter_public():
            self._notice_lost_broker()
            self._limits.keep()
            room = Room(self._client)
            sent = 0
            for _ in range(BATCHES):
                batch, seen = self._batch(lambda: due_rows(BATCH), room)
                sent += batch
                if seen < BATCH or not go_on():
                    break
            return sent + self._top_up(room, go_on)

    def _batch(self, rows_to_settle: Callable[[], Sequence[Row]], room: Room) -> tuple[int, int]:
        # Sending happens before the commit: if it fails, the rows are as due as before. A worker that is quicker than the
        # commit waits for the row's lock.
        with transaction.atomic():
            rows = rows_to_settle()
            wakeups = settle(rows, room)
            for row in rows:
                if row.abandoned:
                    told = story_of(row.tenant_id, row.correlation_id)
                    _log.warning("delivery.taken_over", delivery=str(row.id), handler=row.handler, **told)
            if wakeups:
                self._sender.send(wakeups)
        for row in rows:
            if row.abandoned:
                metrics.count(metrics.TAKEOVERS, metrics.tier_of(row.tenant_id), row.queue_class)
        if wakeups:
            metrics.count(metrics.WAKEUPS, "sweeper", by=len(wakeups))
        return len(wakeups), len(rows)

    def _top_up(self, room: Room, go_on: Callable[[], bool]) -> int:
        """Send what is parked to the lanes that have become shorter, or that hold less than waits for them."""
        lanes = parked_lanes()
        room.look(lanes)
        self._look_for_losses(lanes, room)
        sent = 0
        for lane in lanes:
            while go_on() and (most := min(BATCH, room.left(lane))) > 0:
                batch, seen = self._batch(lambda lane=lane, most=most: parked_rows(lane, most), room)  # type: ignore[misc]
                sent += batch
                if seen < most:
                    break
        return sent

    def _look_for_losses(self, lanes: Sequence[str], room: Room) -> None:
        """Let a long lane have its oldest rows again, a few at a time, as long as it holds hardly more than waits for it."""
        limit = resend_up_to()
        long = [lane for lane in lanes if room.left(lane) <= 0]
        waiting = self._census.take() if long else None
        if waiting is None:
            return
        few = max(1, limit // 10)
        for lane in long:
            length = limit - room.left(lane)
            room.grant(lane, min(few, waiting.get(lane, 0) + few - length))

    def _notice_lost_broker(self) -> None:
        """When Redis is another incarnation than before, what waits is sent again, no more at a time than workers can take."""
        stamp = self._watch.changed()
        if stamp is None:
            return
        # Before anything is sent to it.
        self._limits.keep(at_once=True)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_ALL_AT_ONCE)
            _log.warning("broker.new_incarnation", resent=cursor.rowcount)
            self._watch.remember(stamp)
