"""The messaging core's settings, with their units in their names."""

from typing import Any

from django.conf import settings


def _setting(name: str) -> Any:
    return settings.MESSAGING[name]


def transport() -> str:
    """What carries wake-ups: `fairqueue`, or `redis` for Celery's own."""
    return str(_setting("TRANSPORT"))


def is_fair() -> bool:
    """Whether the broker serves each queue by turns of its tenants."""
    return transport() == "fairqueue"


def lease_seconds() -> float:
    """How long a claim holds without a heartbeat."""
    return float(_setting("LEASE_SECONDS"))


def send_timeout_seconds() -> float:
    """How long a request may wait for the broker after its commit."""
    return float(_setting("SEND_TIMEOUT_SECONDS"))


def sweep_interval_seconds() -> float:
    """How often the sweeper looks for due deliveries."""
    return float(_setting("SWEEP_INTERVAL_SECONDS"))


def resend_backoff_seconds() -> tuple[float, ...]:
    """The waits between two wake-ups for a delivery that nobody has started; the last one repeats."""
    return tuple(float(seconds) for seconds in _setting("RESEND_BACKOFF_SECONDS"))


def first_resend_seconds() -> float:
    """How long the fast path has before the sweeper sends again."""
    return resend_backoff_seconds()[0]


def resend_up_to() -> int:
    """How many messages a lane of a queue may hold for the sweeper to send again what waits for it already."""
    return int(_setting("RESEND_UP_TO"))


def stranded_after_seconds() -> float:
    """How long a delivery that nobody can work on is put back before it is given up."""
    return float(_setting("STRANDED_AFTER_SECONDS"))


def worker_grace_seconds() -> float:
    """How long a worker that was told to stop may finish what it is at, before the rest is handed over."""
    return float(_setting("WORKER_GRACE_SECONDS"))


def routing_grace_seconds() -> float:
    """How long a queue that is not in force any more is served at least; longer than a process remembers what was."""
    return float(_setting("ROUTING_GRACE_SECONDS"))
