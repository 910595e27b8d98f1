"""Redis for what the workers of all machines share about providers; without it each process is on its own."""

import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from wildrydes.kernel.redis_urls import client_url

# A Redis that answers later than this is as good as away; then it is left alone for a while.
_TIMEOUT_SECONDS = 0.2
_LEFT_ALONE_SECONDS = 2.0
_log = structlog.get_logger(__name__)
T = TypeVar("T")


class Shared:
    """A client that never raises and never takes long."""

    def __init__(self, url: str) -> None:
        """`url` as redis-py takes it."""
        self._client: Redis = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._left_alone_until = 0.0
        self._lock = threading.Lock()

    def ask(self, question: Callable[[Any], T]) -> T | None:
        """What Redis answers; None while it is away."""
        if time.monotonic() < self._left_alone_until:
            return None
        try:
            return question(self._client)
        except (RedisError, OSError) as error:
            with self._lock:
                self._left_alone_until = time.monotonic() + _LEFT_ALONE_SECONDS
            _log.warning("payments.redis_away", error=type(error).__name__)
            return None


@lru_cache(maxsize=1)
def shared() -> Shared:
    """This process's client, made on first use."""
    return Shared(client_url(settings.REDIS_URL))
