"""What fairqueue ought to be told: each tenant's limits, as its tier and staff say. Read from PostgreSQL alone."""

from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, NullIf

from fairqueue import Limits
from messaging.routing.registry import STRATEGIES
from messaging.topology import QueueClass
from tenants.registry.directory import snapshot
from tenants.registry.models import Tenant, Tier

_MIXING = [name for name, strategy in STRATEGIES.items() if strategy.mixes_tiers]


@dataclass(slots=True)
class Wish:
    """For one queue: the cap of each group without one of its own, and the limits of groups that have some."""

    each: int | None = None
    groups: dict[str, Limits] = field(default_factory=dict)


def wishes() -> dict[str, Wish]:
    """The wish for every queue that has any limits.

    In a tier's own queue its cap holds for all, and shares are equal; where tiers meet, each tenant has its tier's share and cap.
    A paused tenant is paused in every queue that may hold its messages.
    """
    found: defaultdict[str, Wish] = defaultdict(Wish)
    for code, cap in Tier.objects.exclude(max_in_work=None).values_list("code", "max_in_work"):
        for strategy in STRATEGIES.values():
            if not strategy.mixes_tiers:
                for queue_class in QueueClass:
                    for queue in strategy.queues_of(code, queue_class):
                        found[queue].each = cap
    for tenant in _special_tenants():
        ref = snapshot(tenant)
        paused = tenant.processing_paused_at is not None
        for name, strategy in STRATEGIES.items():
            limits = Limits(
                weight=tenant.tier.worker_share if strategy.mixes_tiers else 1.0,
                cap=tenant.tier.max_in_work if strategy.mixes_tiers else None,
                paused=paused,
            )
            if limits != Limits() and (paused or name == ref.tier.routing_strategy):
                for queue_class in QueueClass:
                    found[strategy.queue_for(ref, queue_class)].groups[str(ref.id)] = limits
    return dict(found)


def _special_tenants() -> "list[Tenant]":
    strategy = Coalesce(NullIf(F("routing_strategy"), Value("")), F("tier__routing_strategy"))
    limited = Q(strategy__in=_MIXING) & (~Q(tier__worker_share=1.0) | Q(tier__max_in_work__isnull=False))
    rows = Tenant.objects.annotate(strategy=strategy).filter(Q(processing_paused_at__isnull=False) | limited)
    return list(rows.select_related("tier"))
