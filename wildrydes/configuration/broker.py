"""The broker's transport: `fairqueue`, which lets no tenant starve, or Celery's own over Redis. One setting chooses."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

import fairqueue  # noqa: F401  # importing it makes its transport known to Celery

FAIRQUEUE, STOCK = "fairqueue", "redis"
_OPTIONS: dict[str, Any] = {
    # All messages have the same: one list per queue to wait at instead of four.
    "priority_steps": [0],
    "unacked_restore_interval": 3,
    "unacked_restore_throttle": 1,
    "max_connections": 200,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
# In seconds. With fairqueue a worker keeps alive what it works on, so that only what a dead one held comes back, and soon:
# until then its deduplication id keeps it from being sent again. The stock transport knows no such sign of life.
_VISIBILITY = {FAIRQUEUE: 10, STOCK: 120}


def transport_setting(env: environ.Env) -> str:
    """Which transport carries the wake-ups.

    Raises:
        ImproperlyConfigured: there is no such transport.
    """
    chosen = str(env.str("BROKER_TRANSPORT", default=FAIRQUEUE))
    if chosen not in _VISIBILITY:
        raise ImproperlyConfigured(f"BROKER_TRANSPORT is {FAIRQUEUE} or {STOCK}, not {chosen!r}.")
    return chosen


def broker_url(transport: str, redis_url: str) -> str:
    """The address as Celery takes it for this transport, made of `REDIS_URL`."""
    if transport == STOCK:
        return redis_url
    return f"fair+{redis_url.removeprefix('redis+')}"


def transport_options(transport: str) -> dict[str, Any]:
    """Celery's `broker_transport_options`. Times are in seconds."""
    return {**_OPTIONS, "visibility_timeout": _VISIBILITY[transport]}
