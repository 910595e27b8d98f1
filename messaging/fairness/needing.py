"""How many messages each tier's workers must work on at once to keep its service level: for operators, and for autoscalers."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fairqueue.views import GroupView
from messaging.fairness.looking import BrokerUnreadable, fair_groups
from messaging.metrics import PLATFORM
from messaging.routing.models import ServedQueue
from tenants.registry.context import enter_public
from tenants.registry.models import Tier
from wildrydes.kernel.telemetry import GaugeMetricFamily, Metric


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """For the queues of one pool: a tier's own, or those that every worker serves (`platform`).

    `work_seconds` is how long what waits will keep workers busy, by what each tenant's messages took lately; `busy` how many were
    worked on at once in the last minute, on average; `level_seconds` the service level, of `platform` the shortest of all tiers'.
    """

    pool: str
    waiting: int
    oldest_seconds: float
    work_seconds: float
    busy: float
    level_seconds: int

    @property
    def needed(self) -> int:
        """What comes in is done as before, and what waits within the service level; at least 1.

        What comes in is known by what is done: with too few workers it is more, and the figure rises as the backlog does.
        """
        return max(1, math.ceil(self.busy + self.work_seconds / self.level_seconds))


@dataclass(slots=True)
class _Sum:
    waiting: int = 0
    oldest: float = 0.0
    work: float = 0.0
    busy: float = 0.0

    def add(self, groups: Iterable[GroupView], busy: float) -> None:
        """One queue. What is paused waits because somebody wanted it."""
        self.busy += busy
        for group in groups:
            if not group.paused:
                self.waiting += group.waiting
                self.work += group.waiting * group.expected
                self.oldest = max(self.oldest, group.oldest or 0.0)


def needs() -> list[Need]:
    """One for each tier, and one for what every worker serves.

    Raises:
        BrokerUnreadable: Redis is away, or the transport is the stock one.
        django.db.Error: the database is away.
    """
    with enter_public():
        levels = dict(Tier.objects.order_by("code").values_list("code", "service_level_seconds"))
        pools = dict(ServedQueue.objects.values_list("name", "pool"))
    sums: defaultdict[str, _Sum] = defaultdict(_Sum)
    for queue, busy, groups in fair_groups():
        # One that is in no list is a tier's by its name, or nobody's: then every worker's figure shows it.
        named = queue.split(".")[1] if "." in queue else ""
        sums[pools.get(queue) or (named if named in levels else PLATFORM)].add(groups, busy)
    shortest = min(levels.values(), default=60)
    return [
        Need(
            pool=pool,
            waiting=sums[pool].waiting,
            oldest_seconds=sums[pool].oldest,
            work_seconds=sums[pool].work,
            busy=sums[pool].busy,
            level_seconds=levels.get(pool, shortest),
        )
        for pool in (*levels, PLATFORM)
    ]


def need_figures() -> list[Metric]:
    """The same for the exporter; nothing where the broker cannot be looked at."""
    try:
        found = needs()
    except BrokerUnreadable:
        return []
    needed = GaugeMetricFamily(
        "wildrydes_workers_needed", "Messages to work on at once, to keep the tier's service level.", labels=["tier"]
    )
    for need in found:
        needed.add_metric([need.pool], need.needed)
    return [needed]
