"""The steward: keeps the list of served queues in line with what is in force, and judges who overflows.

It runs beside the sweeper; of several only one is at work, by a lock of the database. Without it nothing is lost: workers consume
what is in force by themselves, and what it has written stays.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

import redis
import structlog
from celery import current_app
from django.db import connection, transaction

from messaging.depths import broker_client, lengths
from messaging.routing import choices, overflowing
from messaging.routing.models import EpisodeStage, OverflowEpisode, ServedQueue
from messaging.routing.serving import Served, wanted_now
from messaging.routing.strategies.shuffle import KIND as SHARD
from messaging.routing.turnover import Standing, Turnover, candidates, turn_over
from messaging.settings import routing_grace_seconds
from messaging.topology import QueueClass
from tenants.registry.context import enter_public

_log = structlog.get_logger(__name__)
EVERY_SECONDS = 1.0
# What it looks at grows with the backlog: then it looks less often.
_SHARE = 10
_LEAST_OFTEN_SECONDS = 5.0
_LOCK = 0x726F757465  # "route"


class Steward:
    """One of them; `step` is a whole look."""

    def __init__(self) -> None:
        self._client = broker_client()
        self._next = 0.0

    def step_if_due(self) -> None:
        """Look, if it is time.

        Raises:
            django.db.Error, redis.RedisError: somebody is away; the next step does what this one did not.
        """
        began = time.monotonic()
        if began < self._next:
            return
        self._next = began + EVERY_SECONDS
        self.step()
        ended = time.monotonic()
        self._next = ended + max(EVERY_SECONDS, min(_LEAST_OFTEN_SECONDS, _SHARE * (ended - began)))

    def step(self) -> Turnover | None:
        """Look now; None when another steward is at it."""
        try:
            turnover = self._look()
        except BaseException:
            # What was read in a transaction that did not commit must not be taken for what is in force.
            choices.forget()
            raise
        for queue in sorted(turnover.gone) if turnover else ():
            self._remove(queue)
        return turnover

    def _look(self) -> Turnover | None:
        with enter_public(), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s), clock_timestamp()", [_LOCK])
                is_ours, now = cursor.fetchone()
            if not is_ours:
                return None
            rules = choices.reread()
            if overflowing.is_needed(rules):
                self._judge(rules, now)
                rules = choices.reread()
            return self._turn_over(wanted_now(rules, QueueClass), now)

    def _judge(self, rules: choices.Rules, now: datetime) -> None:
        queues = OverflowEpisode.objects.exclude(stage=EpisodeStage.OVER).values_list("queue", flat=True)
        overflowing.look(rules, now=now, depths=lengths(self._client, queues))

    def _turn_over(self, wanted: Mapping[str, Served], now: datetime) -> Turnover:
        rows = {row.name: row for row in ServedQueue.objects.all()}
        known = {name: Standing(_seconds(row.retiring_since)) for name, row in rows.items()}
        grace = routing_grace_seconds()
        leaving = candidates(known, wanted, now=now.timestamp(), grace=grace)
        shards = {name for name in wanted if f".{SHARD}-" in name}
        depths = lengths(self._client, {*leaving, *shards})
        empty = {name for name in leaving if not depths[name]}
        turnover = turn_over(known, wanted.keys(), empty, now=now.timestamp(), grace=grace)
        _write(rows, wanted, turnover, depths)
        return turnover

    def _remove(self, queue: str) -> None:
        """Let the broker forget the queue, unless somebody has sent there after all."""
        try:
            with current_app.connection_for_write() as broker:
                bound = current_app.amqp.queues[queue](broker.default_channel)
                bound.queue_declare()
                bound.delete(if_empty=True)
        except (redis.RedisError, *broker.recoverable_connection_errors) as error:
            _log.warning("routing.queue_left_at_the_broker", queue=queue, error=type(error).__name__)
        else:
            _log.info("routing.queue_removed", queue=queue)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _write(
    rows: Mapping[str, ServedQueue], wanted: Mapping[str, Served], turnover: Turnover, depths: Mapping[str, int]
) -> None:
    """Make the table what was decided; rows that stay as they are are not touched."""
    new, changed = [], []
    for name, standing in turnover.served.items():
        since = None if standing.retiring_since is None else datetime.fromtimestamp(standing.retiring_since, UTC)
        row = rows.get(name)
        served = wanted.get(name) or Served(row.queue_class, row.pool, row.weight)  # type: ignore[union-attr]  # one of both
        values = (served.queue_class, served.pool, served.weight, depths.get(name, 0))
        if row is None:
            new.append(_row(name, values, since))
        elif (row.queue_class, row.pool, row.weight, row.depth) != values or bool(row.retiring_since) != bool(since):
            changed.append(_row(name, values, since))
    ServedQueue.objects.bulk_create(new, ignore_conflicts=True)
    if changed:
        ServedQueue.objects.bulk_update(changed, ["queue_class", "pool", "weight", "depth", "retiring_since"])
    if turnover.gone:
        ServedQueue.objects.filter(name__in=turnover.gone).delete()


def _row(name: str, values: tuple[str, str, float, int], since: datetime | None) -> ServedQueue:
    queue_class, pool, weight, depth = values
    return ServedQueue(name=name, queue_class=queue_class, pool=pool, weight=weight, depth=depth, retiring_since=since)
