"""What the messaging core counts, named after OpenTelemetry's messaging conventions where they exist, as Prometheus spells them.

Labels are the tenant's tier and the queue class and never the tenant: their number stays small, and nobody's business is told.
Counting is on the hot path, so each pair of labels is bound once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache
from time import perf_counter
from uuid import UUID

from django.db import transaction

from messaging.topology import QueueClass
from messaging.wording import tenant_if_known
from tenants.registry.directory import TenantRef
from wildrydes.kernel.telemetry import Counter, Histogram

PLATFORM = "platform"
# A tenant that is not there any more, or a database that cannot be asked.
UNKNOWN = "unknown"
_LABELS = ("tier", "queue_class")
# OpenTelemetry's advice for these durations, in seconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

SENT = Counter(
    "messaging_client_sent_messages", "Deliveries that were committed: one per message and handler.", _LABELS
)
CONSUMED = Counter("messaging_client_consumed_messages", "Deliveries that a worker claimed.", _LABELS)
DURATION = Histogram(
    "messaging_process_duration_seconds", "From the claim to the end of the attempt.", _LABELS, buckets=_BUCKETS
)
RETRIES = Counter("wildrydes_messaging_retries", "Attempts that failed and will be made again.", _LABELS)
DEAD_LETTERS = Counter("wildrydes_messaging_dead_letters", "Deliveries that were given up.", (*_LABELS, "reason"))
PUT_BACKS = Counter("wildrydes_messaging_put_backs", "Deliveries put back uncounted.", (*_LABELS, "reason"))
LEASES_LOST = Counter("wildrydes_messaging_leases_lost", "Claims that ended before their holder did.", _LABELS)
TAKEOVERS = Counter("wildrydes_messaging_takeovers", "Deliveries taken over from a worker that fell silent.", _LABELS)
WAKEUPS = Counter("wildrydes_messaging_wakeups", "Wake-ups that the broker took.", ("path",))
WAKEUPS_FAILED = Counter("wildrydes_messaging_wakeups_failed", "Wake-ups left to the sweeper.", ("path",))
JOBS = Counter("wildrydes_jobs", "Runs of scheduled jobs, by how they ended.", ("name", "outcome"))
SWEEPS = Counter("wildrydes_messaging_sweeps", "Rounds of the sweeper, by how they ended.", ("outcome",))


class PutBackReason(StrEnum):
    """Why a delivery was put back without being counted."""

    NEWER_CODE = "newer_code"
    TENANT = "tenant_not_ready"
    SCHEMA = "schema_behind"
    ASKED = "asked"
    DATABASE = "database_lost"


def tier_of(tenant_id: UUID | None) -> str:
    """The label of a tenant's tier; the directory remembers it."""
    if tenant_id is None:
        return PLATFORM
    tenant = tenant_if_known(tenant_id)
    return UNKNOWN if tenant is None else tenant.tier.code


@lru_cache(maxsize=1024)
def _counter(metric: Counter, *labels: str) -> Counter:
    return metric.labels(*labels)


@lru_cache(maxsize=256)
def _duration(tier: str, queue_class: str) -> Histogram:
    return DURATION.labels(tier, queue_class)


def count(metric: Counter, *labels: str, by: int = 1) -> None:
    """Add to the counter with these labels' values, in the order they are declared."""
    _counter(metric, *labels).inc(by)


def count_after_commit(tenant: TenantRef | None, queue_classes: Sequence[str]) -> None:
    """Count deliveries of these classes as sent when the current transaction commits."""
    tier = PLATFORM if tenant is None else tenant.tier.code

    def sent() -> None:
        for queue_class in queue_classes:
            count(SENT, tier, queue_class)

    transaction.on_commit(sent, robust=True)


def count_dead_after_commit(tenant_id: UUID | None, queue_class: str, reason: str) -> None:
    """Count a delivery as given up when the current transaction commits."""
    transaction.on_commit(lambda: count(DEAD_LETTERS, tier_of(tenant_id), queue_class, reason), robust=True)


def begin_at_zero(tiers: Iterable[str]) -> None:
    """Tell zero of what has not happened yet, so that its first time is seen as a rise. Called when a worker starts."""
    for tier in (*tiers, PLATFORM):
        for queue_class in QueueClass:
            for metric in (CONSUMED, RETRIES, LEASES_LOST):
                count(metric, tier, queue_class, by=0)
            for reason in PutBackReason:
                count(PUT_BACKS, tier, queue_class, reason, by=0)


def sweeps_at_zero(tiers: Iterable[str]) -> None:
    """As `begin_at_zero`, for a sweeper."""
    for tier in (*tiers, PLATFORM):
        for queue_class in QueueClass:
            count(TAKEOVERS, tier, queue_class, by=0)
    count(SWEEPS, "interrupted", by=0)


@contextmanager
def processing(tenant_id: UUID | None, queue_class: str) -> Iterator[Callable[[], float]]:
    """Count a claimed delivery, and how long its attempt takes; yields how many seconds ago it began."""
    began = perf_counter()
    tier = tier_of(tenant_id)
    count(CONSUMED, tier, queue_class)
    try:
        yield lambda: perf_counter() - began
    finally:
        _duration(tier, queue_class).observe(perf_counter() - began)
