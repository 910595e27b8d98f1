"""Which life of Redis we speak to. When it is not the one that PostgreSQL remembers, Redis may have lost what it had.

A life is told by a stamp that we leave in Redis, gone when Redis was emptied, and by the server's own run id, another one after
every start: a server that came back with its file may still lack the last second, or have an older file. Under another
transport nobody looks where messages waited before, which comes to the same.
"""

import time
import uuid
from uuid import UUID

import redis

from messaging.models import BrokerIncarnation
from messaging.settings import transport
from wildrydes.kernel.ids import new_id

_KEY = "wildrydes:incarnation"


class IncarnationWatch:
    """Looks at the stamp once in a while."""

    def __init__(self, client: redis.Redis, *, every: float = 1.0) -> None:
        """`every` is the least time between two looks, in seconds."""
        self._every = every
        self._next = 0.0
        self._client = client

    def changed(self) -> UUID | None:
        """The life of Redis when it is not the one remembered; None when all is as before or it is not time to look.

        Raises:
            redis.RedisError: when Redis is away.
        """
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + self._every
        self._client.set(_KEY, str(new_id()), nx=True)
        raw = self._client.get(_KEY)
        if not isinstance(raw, bytes):
            return None
        life = uuid.uuid5(UUID(raw.decode()), self._run_id() + transport())
        known = BrokerIncarnation.objects.filter(id=1).values_list("stamp", flat=True).first()
        return life if life != known else None

    def remember(self, life: UUID) -> None:
        """Note the life that everything waiting was sent to."""
        BrokerIncarnation.objects.update_or_create(id=1, defaults={"stamp": life})

    def _run_id(self) -> str:
        try:
            told = self._client.info("server")
        except redis.ResponseError:
            return ""  # a managed Redis may not tell; then only the stamp counts
        return str(told.get("run_id", "")) if isinstance(told, dict) else ""
