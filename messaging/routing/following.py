"""A worker's queues follow what is in force: it looks every second, and begins and ends consuming while it works."""

import threading
import time
from collections.abc import Callable, Collection
from typing import Any

import structlog
from celery import bootsteps, current_app
from django.db import Error, connection

from messaging.routing.choices import reread
from messaging.routing.cycle import weigh
from messaging.routing.registry import served_queues
from messaging.settings import routing_grace_seconds

_log = structlog.get_logger(__name__)
EVERY_SECONDS = 1.0


class Following:
    """What one worker consumes.

    A queue is left when it has been neither in force nor in the list of served queues for the time of grace: then it is empty, or
    nobody keeps the list and the sweeper sends again what waits there.
    """

    def __init__(self, pools: Collection[str], queue_classes: Collection[str]) -> None:
        self._pools = tuple(pools)
        self._classes = tuple(queue_classes)
        self._wanted_at: dict[str, float] = {}

    def look(self) -> frozenset[str]:
        """What to consume now.

        Raises:
            django.db.Error: the database is away.
        """
        reread()
        served = served_queues(self._pools, self._classes)
        weigh({queue: each.weight for queue, each in served.items()})
        now = time.monotonic()
        self._wanted_at.update(dict.fromkeys(served, now))
        for queue, at in list(self._wanted_at.items()):
            if now - at > routing_grace_seconds():
                del self._wanted_at[queue]
        return frozenset(self._wanted_at)


def bring_in_line(consumer: Any, wanted: Collection[str]) -> None:
    """Let a Celery consumer consume these queues and no others; runs in its own loop."""
    consuming = {queue.name for queue in consumer.task_consumer.queues}
    for queue in sorted(set(wanted) - consuming):
        # Known by name: declared as those are that a worker begins with.
        current_app.amqp.queues[queue]
        consumer.add_task_queue(queue)
    for queue in sorted(consuming - set(wanted)):
        consumer.cancel_task_queue(queue)
    if consuming != set(wanted):
        _log.info("worker.queues", consuming=len(wanted))


class Follow(bootsteps.StartStopStep):
    """Looks in a thread of its own, so that a database that is slow holds up nobody."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    following: Following | None = None

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        self._ended = threading.Event()
        super().__init__(parent, **kwargs)

    def start(self, parent: Any) -> None:
        """Runs when the worker has connected, for the first time or again."""
        self._ended = threading.Event()
        following = self.following
        if following is not None:
            arguments = (following.look, parent, self._ended)
            threading.Thread(target=_follow, args=arguments, name="routing", daemon=True).start()

    def stop(self, parent: Any) -> None:
        """Runs when the connection is lost or the worker ends."""
        self._ended.set()


def _follow(look: Callable[[], frozenset[str]], consumer: Any, ended: threading.Event) -> None:
    known: frozenset[str] | None = None
    is_away = False
    while not ended.wait(EVERY_SECONDS):
        try:
            wanted = look()
            is_away = False
        except Error as error:
            if not is_away:  # said once, not every second
                _log.warning("worker.queues_unknown", error=type(error).__name__)
            is_away = True
            continue
        finally:
            # An idle process holds no connection for it, and a child that is forked meanwhile inherits none.
            connection.close()
        if wanted != known and not ended.is_set():
            known = wanted
            consumer.call_soon(bring_in_line, consumer, wanted)
