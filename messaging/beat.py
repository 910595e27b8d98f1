"""The scheduler's sign of life."""

from datetime import datetime
from typing import Any

import redis
import structlog
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from messaging.depths import broker_client, lengths
from messaging.life import Life
from messaging.scheduling import jobs_queue

_log = structlog.get_logger(__name__)
# So many ticks wait when no worker has taken any for minutes; more of them would do nothing but fill Redis.
MOST_TICKS = 100


class PresentEntry(ModelEntry):
    """An entry that was not run last in the future: the scheduler before this one may have had a fast clock."""

    last_run_at: datetime

    def is_due(self) -> Any:
        """Whether it is due, and the seconds until it is."""
        self.last_run_at = min(self.last_run_at, self._default_now())
        return super().is_due()


class BeatingScheduler(DatabaseScheduler):
    """Celery beat with its schedule in the database, where operators may change it, and a heartbeat for the process manager."""

    Entry = PresentEntry

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._client = broker_client()
        self._life = Life("scheduler", needs_broker=True)
        self._life.begin()
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Beat, then do what is due."""
        self._life.beat()
        return super().tick(*args, **kwargs)

    def close(self) -> None:
        """Say goodbye; Celery calls this more than once when it is told to stop."""
        super().close()
        self._life.end()

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send the tick, unless those before it wait for a worker already."""
        try:
            waiting = lengths(self._client, [jobs_queue()])[jobs_queue()]
        except redis.RedisError:
            waiting = 0  # sending will tell what is wrong
        if waiting < MOST_TICKS:
            super().apply_entry(entry, producer=producer)
        else:
            _log.warning("scheduler.nobody_works", job=entry.name, waiting=waiting)
