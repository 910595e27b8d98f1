"""What a process of the messaging core needs to do its work, looked at for its `/readyz`, each with a reason in words."""

import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string
from redis.backoff import NoBackoff
from redis.retry import Retry

from messaging.beats import MISSING_AFTER, Seen, seen_lately
from tenants.registry.context import enter_public
from wildrydes.kernel.redis_urls import client_url
from wildrydes.kernel.telemetry import Health, Part

_BROKER_TIMEOUT_SECONDS = 0.5
_ASKED = "wildrydes:asked"
# Probes come from many sides; each part is looked at once in this time.
_REMEMBERED_SECONDS = 1.0


class Needs:
    """What one process needs, looked at no more than once a second. Safe for threads."""

    def __init__(self, *, needs_broker: bool, wants: tuple[str, ...] = (), asks_others: bool = False) -> None:
        """What to look at.

        `needs_broker`: without it the process can do nothing. `wants`: other processes whose absence is told. `asks_others`:
        the apps above us too (`MESSAGING["HEALTH"]`); it is enough that the web does, and costs less.
        """
        self._asks_others = asks_others
        self._needs_broker = needs_broker
        self._wants = wants
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._health = Health(())
        self._migrated = False
        self._redis: redis.Redis | None = None

    def look(self) -> Health:
        """What is there and what is not."""
        with self._lock:
            if time.monotonic() - self._looked_at >= _REMEMBERED_SECONDS:
                self._health = self._look()
                self._looked_at = time.monotonic()
            return self._health

    def look_and_hang_up(self) -> Health:
        """As `look`, for a thread that is no request's: it keeps no connection."""
        try:
            return self.look()
        finally:
            connection.close()

    def _look(self) -> Health:
        parts = [*self._database(), Part(name="broker", trouble=self._broker(), needed=self._needs_broker)]
        return Health(tuple(parts))

    def _database(self) -> list[Part]:
        try:
            with enter_public(), connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            # Once applied they stay applied for as long as this code runs.
            self._migrated = self._migrated or not pending_migrations()
            others = self._others() if self._migrated else []
        except (DatabaseError, InterfaceError) as error:
            why = f"PostgreSQL does not answer ({type(error.__cause__ or error).__name__})"
            return [Part(name="database", trouble=why), Part(name="migrations", trouble="unknown", needed=False)]
        trouble = "" if self._migrated else "some are not applied: run `manage.py migrate_schemas --shared`"
        return [Part(name="database"), Part(name="migrations", trouble=trouble), *others]

    def _others(self) -> list[Part]:
        return [*self._missing(), *(ask() for ask in (_askers() if self._asks_others else []))]

    def _missing(self) -> list[Part]:
        if not self._wants:
            return []
        seen = seen_lately()
        return [Part(name=kind, trouble=_why_missing(kind, seen), needed=False) for kind in self._wants]

    def _broker(self) -> str:
        try:
            if self._redis is None:
                self._redis = redis.Redis.from_url(
                    client_url(settings.REDIS_URL),
                    socket_timeout=_BROKER_TIMEOUT_SECONDS,
                    socket_connect_timeout=_BROKER_TIMEOUT_SECONDS,
                    retry=Retry(NoBackoff(), 0),
                )
            # A write: a full Redis, and one that has become a replica, still answer a PING.
            self._redis.set(_ASKED, "", ex=60)
        except redis.ResponseError as error:
            return f"Redis refuses writes ({error}); what is accepted waits in PostgreSQL"
        except (redis.RedisError, OSError, ValueError) as error:
            return f"Redis does not answer ({type(error).__name__}); what is accepted waits in PostgreSQL"
        return ""


@lru_cache(maxsize=1)
def _askers() -> list[Callable[[], Part]]:
    """What the apps above us have to say, found by settings paths so that this layer imports nothing above it."""
    return [import_string(path) for path in settings.MESSAGING["HEALTH"]]


def pending_migrations() -> list[str]:
    """What `public` lacks of this code's migrations, as `app.name`."""
    executor = MigrationExecutor(connection)
    return [str(migration) for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def _why_missing(kind: str, seen: Mapping[str, Seen]) -> str:
    """In words, when no process of this kind was seen lately."""
    if kind in seen and seen[kind].alive:
        return ""
    when = f"the last was seen {seen[kind].seconds_ago:.0f} s ago" if kind in seen else "none was seen within a day"
    return f"no {kind} runs ({when}; {MISSING_AFTER.seconds} s are normal): {_CONSEQUENCES.get(kind, 'start one')}"


_CONSEQUENCES = {
    "sweeper": "nothing is sent again or taken over; start `manage.py sweep`",
    "worker": "what is accepted waits; start `manage.py worker --tier …`",
    "scheduler": "no scheduled job runs; start `manage.py scheduler`",
}
