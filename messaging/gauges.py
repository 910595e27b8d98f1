"""What only the database knows: how much waits and for how long, what has died, who was seen. For the exporter.

One look answers all of it; it costs one scan of what is due and of the open letters, a few milliseconds each per ten thousand.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from messaging.beats import abouts_of, seen_lately
from messaging.metrics import PLATFORM, UNKNOWN
from messaging.topology import QueueClass
from tenants.registry.context import enter_public
from tenants.registry.models import Tenant, Tier
from wildrydes.kernel.telemetry import GaugeMetricFamily, Metric

_TIER = f"coalesce(t.tier_id, CASE WHEN r.tenant_id IS NULL THEN '{PLATFORM}' ELSE '{UNKNOWN}' END)"
# What is delayed (retries, deadlines) does not wait for a worker; what is put back is delayed, and is not as it should be. What a
# paused tenant has waits because somebody wanted it: it is part of the backlog and makes nothing late.
_BACKLOG = f"""
    SELECT {_TIER}, r.queue_class, count(*) FILTER (WHERE r.not_before <= clock_timestamp()),
           extract(epoch FROM clock_timestamp() - min(r.not_before) FILTER (WHERE t.processing_paused_at IS NULL))::float8,
           extract(epoch FROM clock_timestamp() - min(r.put_back_since))::float8
      FROM messaging_delivery r LEFT JOIN registry_tenant t ON t.id = r.tenant_id
     GROUP BY 1, 2
"""  # noqa: S608  # words of our own
_LETTERS = f"""
    SELECT {_TIER}, count(*), extract(epoch FROM clock_timestamp() - min(r.died_at))::float8,
           count(*) FILTER (WHERE NOT r.outcome_committed)
      FROM messaging_deadletter r LEFT JOIN registry_tenant t ON t.id = r.tenant_id
     WHERE r.state = 'open'
     GROUP BY 1
"""  # noqa: S608  # as above
_CHAINS = """
    SELECT coalesce(sum(greatest(sealed_number - exported_number, 0)), 0)::float8,
           coalesce(extract(epoch FROM clock_timestamp() - min(behind_since)), 0)::float8
      FROM messaging_chain
"""
EXPECTED = ("worker", "sweeper", "scheduler", "exporter")


def look() -> list[Metric]:
    """All of it, now. A tier or class without anything is told as zero, so that "nothing" differs from "nobody looked".

    Raises:
        django.db.Error: the database is away.
    """
    with enter_public():
        levels = dict(Tier.objects.values_list("code", "service_level_seconds"))
        tiers = [*levels, PLATFORM]
        return [*_backlog(tiers), *_letters(tiers), _levels(levels), _paused(levels), *_processes(levels), *_journal()]


def _rows(statement: str) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _backlog(tiers: Iterable[str]) -> list[Metric]:
    labels = ["tier", "queue_class"]
    waiting = GaugeMetricFamily(
        "wildrydes_messaging_backlog_messages", "Deliveries that are due and not done.", labels=labels
    )
    oldest = GaugeMetricFamily(
        "wildrydes_messaging_oldest_age_seconds", "How long the oldest of them has been due.", labels=labels
    )
    put_back = GaugeMetricFamily(
        "wildrydes_messaging_put_back_age_seconds", "For how long the oldest of what nobody can work on.", labels=labels
    )
    found = {(tier, str(queue_class)): (0, 0.0, 0.0) for tier in tiers for queue_class in QueueClass}
    found |= {(row[0], row[1]): (row[2], row[3] or 0.0, row[4] or 0.0) for row in _rows(_BACKLOG)}
    for pair, (count, age, nobodys) in found.items():
        waiting.add_metric([*pair], count)
        oldest.add_metric([*pair], max(0.0, age))
        put_back.add_metric([*pair], max(0.0, nobodys))
    return [waiting, oldest, put_back]


def _letters(tiers: Iterable[str]) -> list[Metric]:
    count = GaugeMetricFamily(
        "wildrydes_messaging_dead_letters_open", "Dead letters that nobody has dealt with.", labels=["tier"]
    )
    oldest = GaugeMetricFamily(
        "wildrydes_messaging_dead_letters_oldest_age_seconds", "How long ago the oldest of them died.", labels=["tier"]
    )
    without = GaugeMetricFamily(
        "wildrydes_messaging_dead_letters_without_outcome", "Those whose business outcome is missing.", labels=["tier"]
    )
    found = dict.fromkeys(tiers, (0, 0.0, 0)) | {row[0]: row[1:] for row in _rows(_LETTERS)}
    for tier, (letters, age, missing) in found.items():
        count.add_metric([tier], letters)
        oldest.add_metric([tier], max(0.0, age))
        without.add_metric([tier], missing)
    return [count, oldest, without]


def _levels(levels: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(
        "wildrydes_tier_service_level_seconds", "How soon a tier's bookings should be confirmed.", labels=["tier"]
    )
    for tier, seconds in levels.items():
        family.add_metric([tier], seconds)
    return family


def _paused(tiers: Iterable[str]) -> Metric:
    family = GaugeMetricFamily("wildrydes_tenants_paused", "Tenants whose work is paused.", labels=["tier"])
    found = Counter(Tenant.objects.exclude(processing_paused_at=None).values_list("tier", flat=True))
    for tier in tiers:
        family.add_metric([tier], found[tier])
    return family


def _processes(tiers: Iterable[str]) -> list[Metric]:
    alive = GaugeMetricFamily("wildrydes_processes", "Processes seen lately.", labels=["process"])
    workers = GaugeMetricFamily("wildrydes_workers", "Workers seen lately that serve the tier.", labels=["tier"])
    seen = seen_lately()
    for kind in EXPECTED:
        alive.add_metric([kind], seen[kind].alive if kind in seen else 0)
    serving = Counter(tier for about in abouts_of("worker") for tier in about.split(","))
    for tier in tiers:
        workers.add_metric([tier], serving[tier])
    return [alive, workers]


def _journal() -> list[Metric]:
    row = _rows(_CHAINS)[0]
    return [
        GaugeMetricFamily(
            "wildrydes_journal_heads_unwritten", "Sealed segments whose head is not outside the database.", row[0]
        ),
        GaugeMetricFamily(
            "wildrydes_journal_behind_seconds", "For how long the sealer has not reached a journal's end.", row[1]
        ),
    ]
