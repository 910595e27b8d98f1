"""What fairqueue ought to be told: each tenant's limits, as its tier and staff say. Read from PostgreSQL alone."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from fairqueue import Limits
from messaging.routing.choices import Rules, rules
from messaging.routing.models import ServedQueue
from messaging.routing.serving import wanted_now
from messaging.routing.strategies import ALL
from messaging.routing.strategies.contract import EVERYBODY, Sender
from messaging.topology import QueueClass
from tenants.registry.models import Tenant, Tier


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
    current = rules()
    found: defaultdict[str, Wish] = defaultdict(Wish)
    tiers = {tier.code: tier for tier in Tier.objects.all()}
    caps = {code: tier.max_in_work for code, tier in tiers.items() if tier.max_in_work is not None}
    paused = list(Tenant.objects.filter(processing_paused_at__isnull=False))
    if caps or paused:
        queues = _queues(current)
        for name, (pool, _) in queues.items():
            if pool in caps:
                found[name].each = caps[pool]
        for tenant in paused:
            for name, (pool, is_retiring) in queues.items():
                if pool in (tenant.tier_id, EVERYBODY) or is_retiring:
                    found[name].groups[str(tenant.id)] = Limits(paused=True)
    _where_tiers_meet(current, tiers, found)
    return dict(found)


def _queues(current: Rules) -> dict[str, tuple[str, bool]]:
    """Every queue that may hold tenants' messages: its pool, and whether it is only served to be emptied."""
    kept = {row.name: (row.pool, row.retiring_since is not None) for row in ServedQueue.objects.all()}
    wanted = {name: (served.pool, False) for name, served in wanted_now(current, QueueClass).items()}
    return {name: found for name, found in {**kept, **wanted}.items() if not name.endswith(f".{EVERYBODY}")}


def _where_tiers_meet(current: Rules, tiers: Mapping[str, Tier], found: "defaultdict[str, Wish]") -> None:
    """Give the tenants of tiers with a share or a cap theirs, in the queues of those strategies that mix tiers."""
    special = {code for code, tier in tiers.items() if tier.worker_share != 1.0 or tier.max_in_work is not None}
    if not special or not any(ALL[name].mixes_tiers for name in current.in_force):
        return
    for tenant in Tenant.objects.filter(tier_id__in=special):
        tier = tiers[tenant.tier_id]
        for queue_class in QueueClass:
            choice = current.of(tenant.id, tier.code, queue_class)
            if choice.strategy.mixes_tiers and choice.strategy.takes_turns(choice.options):
                limits = Limits(
                    weight=tier.worker_share,
                    cap=tier.max_in_work,
                    paused=tenant.processing_paused_at is not None,
                )
                (queue,) = choice.strategy.queues_of_tenant(Sender(tenant.slug, tier.code), queue_class, choice.options)
                found[queue].groups[str(tenant.id)] = limits
