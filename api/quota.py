"""The quota of requests per tenant and minute, counted in Redis; without it, per process.

The limit is the tier's, as the access token states it, so that a client can pace itself. The window slides: the previous
minute counts in proportion to how much of it lies within the last sixty seconds, so a burst at the turn of a minute gains
nothing.
"""

import math
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog
from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from api.errors import QuotaExceeded
from tenants.registry.directory import TenantRef
from wildrydes.kernel.redis_urls import client_url

WINDOW_SECONDS = 60
# A Redis that answers later than this is as good as away; then it is left alone for a while.
_TIMEOUT_SECONDS = 0.05
_LEFT_ALONE_SECONDS = 2.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Quota:
    """Where a tenant stands after a request. Times are in seconds.

    `refused` is how long to wait until the next request is served, None when this one is.
    """

    limit: int
    remaining: int
    reset: float
    refused: float | None

    @property
    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit` as structured fields (draft-ietf-httpapi-ratelimit-headers-10)."""
        return {
            "RateLimit-Policy": f'"tenant";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"tenant";r={self.remaining};t={math.ceil(self.reset)}',
        }

    def error(self) -> QuotaExceeded | None:
        """What to answer when the request is refused."""
        if self.refused is None:
            return None
        return QuotaExceeded(
            f"Your company may send {self.limit} requests per minute. Wait as Retry-After says; RateLimit tells what is left.",
            retry_after=self.refused,
        )


class QuotaMeter:
    """Counts requests, in Redis while it answers in time, otherwise in this process."""

    def __init__(self, redis_url: str) -> None:
        """`redis_url` as redis-py takes it."""
        url = redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
        options: dict[str, Any] = {
            "socket_timeout": _TIMEOUT_SECONDS,
            "socket_connect_timeout": _TIMEOUT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        self._redis = RedisStorage(url, key_prefix="quota", **options)
        self._memory = MemoryStorage()
        self._left_alone_until = 0.0
        self._lock = threading.Lock()

    def charge(self, tenant: TenantRef) -> Quota:
        """Count one request of the tenant. Never raises and never takes long."""
        item = RateLimitItemPerMinute(tenant.tier.requests_per_minute)
        key = item.key_for(str(tenant.id))
        if time.monotonic() >= self._left_alone_until:
            try:
                return _charge(self._redis, key, item.amount)
            except (RedisError, OSError) as error:
                self._leave_alone(error)
        return _charge(self._memory, key, item.amount)

    def _leave_alone(self, error: Exception) -> None:
        with self._lock:
            self._left_alone_until = time.monotonic() + _LEFT_ALONE_SECONDS
        _log.warning("quota.redis_away", error=type(error).__name__)


def _charge(storage: RedisStorage | MemoryStorage, key: str, limit: int) -> Quota:
    taken = storage.acquire_sliding_window_entry(key, limit, WINDOW_SECONDS)
    previous, previous_left, current, current_left = storage.get_sliding_window(key, WINDOW_SECONDS)
    # A counter lives for two windows: as the current one first, then as the previous one.
    until_shift = max(0.0, current_left - WINDOW_SECONDS) if current else float(WINDOW_SECONDS)
    used = math.floor(previous * previous_left / WINDOW_SECONDS) + current
    refused = None if taken else _wait(limit, previous, previous_left, current, until_shift)
    return Quota(limit, max(0, limit - used) if taken else 0, until_shift if taken else refused or 0.0, refused)


def _wait(limit: int, previous: int, previous_left: float, current: int, until_shift: float) -> float:
    """When the weighted count falls below the limit, if nobody else asks meanwhile: within this window, or when it turns."""
    if previous and current < limit:
        until_room = previous_left - (limit - current) * WINDOW_SECONDS / previous
        if until_room < until_shift:
            return max(0.0, until_room) + 0.001
    return until_shift + 0.001


@lru_cache(maxsize=1)
def quota_meter() -> QuotaMeter:
    """This process's meter, made on first use."""
    return QuotaMeter(client_url(settings.REDIS_URL))
