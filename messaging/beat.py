"""The scheduler's sign of life."""

from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from messaging.life import Life


class BeatingScheduler(DatabaseScheduler):
    """Celery beat with its schedule in the database, where operators may change it, and a heartbeat for the process manager."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._life = Life("scheduler", needs_broker=True)
        self._life.begin()
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Beat, then do what is due."""
        self._life.beat()
        return super().tick(*args, **kwargs)
