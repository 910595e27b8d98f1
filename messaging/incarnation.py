"""Which life of Redis we speak to: a stamp there, and one in PostgreSQL. When they differ, Redis has lost what it had."""

import time
from uuid import UUID

import redis
from django.conf import settings

from messaging.models import BrokerIncarnation
from wildrydes.kernel.ids import new_id
from wildrydes.kernel.redis_urls import client_url

_KEY = "wildrydes:incarnation"


class IncarnationWatch:
    """Looks at the stamp once in a while."""

    def __init__(self, *, every: float = 1.0) -> None:
        """`every` is the least time between two looks, in seconds."""
        self._every = every
        self._next = 0.0
        self._client = redis.Redis.from_url(client_url(settings.REDIS_URL), socket_timeout=2, socket_connect_timeout=2)

    def changed(self) -> UUID | None:
        """The stamp in Redis when it is not the one remembered; None when all is as before or it is not time to look.

        Raises:
            redis.RedisError: when Redis is away.
        """
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + self._every
        self._client.set(_KEY, str(new_id()), nx=True)
        raw = self._client.get(_KEY)
        stamp = UUID(raw.decode()) if isinstance(raw, bytes) else None
        known = BrokerIncarnation.objects.filter(id=1).values_list("stamp", flat=True).first()
        return stamp if stamp is not None and stamp != known else None

    def remember(self, stamp: UUID) -> None:
        """Note the stamp that everything waiting was sent to."""
        BrokerIncarnation.objects.update_or_create(id=1, defaults={"stamp": stamp})
