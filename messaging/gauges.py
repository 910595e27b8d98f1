"""What only the database knows: how much waits and for how long, what has died, who was seen. For the exporter.

One look answers all of it; it costs one scan of what is due and of the open letters, a few milliseconds each per ten thousand.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from messaging.beats import seen_lately
from messaging.metrics import PLATFORM, UNKNOWN
from messaging.topology import QueueClass
from tenants.registry.context import enter_public
from tenants.registry.models import Tier
from wildrydes.kernel.telemetry import GaugeMetricFamily, Metric

_TIER = f"coalesce(t.tier_id, CASE WHEN r.tenant_id IS NULL THEN '{PLATFORM}' ELSE '{UNKNOWN}' END)"
# What is delayed (retries, deadlines) does not wait for a worker.
_BACKLOG = f"""
    SELECT {_TIER}, r.queue_class, count(*), extract(epoch FROM clock_timestamp() - min(r.not_before))::float8
      FROM messaging_delivery r LEFT JOIN registry_tenant t ON t.id = r.tenant_id
     WHERE r.not_before <= clock_timestamp()
     GROUP BY 1, 2
"""  # noqa: S608  # words of our own
_LETTERS = f"""
    SELECT {_TIER}, count(*), extract(epoch FROM clock_timestamp() - min(r.died_at))::float8,
           count(*) FILTER (WHERE NOT r.outcome_committed)
      FROM messaging_deadletter r LEFT JOIN registry_tenant t ON t.id = r.tenant_id
     WHERE r.state = 'open'
     GROUP BY 1
"""  # noqa: S608  # as above


def look() -> list[Metric]:
    """All of it, now. A tier or class without anything is told as zero, so that "nothing" differs from "nobody looked".

    Raises:
        django.db.Error: the database is away.
    """
    with enter_public():
        levels = dict(Tier.objects.values_list("code", "service_level_seconds"))
        return [*_backlog([*levels, PLATFORM]), *_letters([*levels, PLATFORM]), _levels(levels), *_processes()]


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
    found = {(tier, queue_class): (0, 0.0) for tier in tiers for queue_class in QueueClass}
    found |= {(row[0], row[1]): (row[2], max(0.0, row[3])) for row in _rows(_BACKLOG)}
    for (tier, queue_class), (count, age) in found.items():
        waiting.add_metric([tier, str(queue_class)], count)
        oldest.add_metric([tier, str(queue_class)], age)
    return [waiting, oldest]


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


def _processes() -> list[Metric]:
    alive = GaugeMetricFamily("wildrydes_processes", "Processes seen lately.", labels=["process"])
    ago = GaugeMetricFamily(
        "wildrydes_process_seen_seconds", "How long ago the last one of a kind was seen.", labels=["process"]
    )
    for seen in seen_lately().values():
        alive.add_metric([seen.kind], seen.alive)
        ago.add_metric([seen.kind], seen.seconds_ago)
    return [alive, ago]
