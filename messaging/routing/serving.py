"""Which queues have to be served because of what is in force, and by whose workers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from messaging.routing.choices import Choice, Rules
from messaging.routing.strategies import names
from messaging.routing.strategies.contract import EVERYBODY, Sender
from tenants.registry.models import Tenant, TenantStatus, Tier


@dataclass(frozen=True, slots=True)
class Served:
    """A queue's class, the pool whose workers consume it, and how often they do beside others (1: as often as usual)."""

    queue_class: str
    pool: str
    weight: float = 1.0


def wanted(
    rules: Rules, *, tiers: Iterable[str], tenants: Iterable[Sender], queue_classes: Iterable[str]
) -> dict[str, Served]:
    """Every queue that may be sent to. `tenants` are those of the tiers in which each has a queue of its own (`to_be_named`)."""
    by_tier: defaultdict[str, list[Sender]] = defaultdict(list)
    for sender in tenants:
        by_tier[sender.tier].append(sender)
    found: dict[str, Served] = {}
    for queue_class in queue_classes:
        found[names.shared(queue_class, EVERYBODY)] = Served(queue_class, EVERYBODY)
        for tier in tiers:
            # Always there: it is what a process sends to that knows nothing yet.
            found[names.shared(queue_class, tier)] = Served(queue_class, tier)
            choice = rules.of_tier(tier, queue_class)
            _add(found, choice, queue_class, tier, [*by_tier[tier], *_moved(rules, tier, queue_class)])
        for (tenant_id, of_class), choice in rules.tenants.items():
            if of_class in ("", queue_class):
                member = rules.members[tenant_id]
                named = [] if choice.name == "overflow" and (tenant_id, queue_class) not in rules.episodes else [member]
                _add(found, choice, queue_class, member.tier, named)
    return found


def _add(found: dict[str, Served], choice: Choice, queue_class: str, tier: str, senders: list[Sender]) -> None:
    for pool in (tier, EVERYBODY):
        queues = choice.strategy.queues_of_pool(pool, queue_class, choice.options, senders)
        found.update({name: Served(queue_class, pool, weight) for name, weight in queues.items()})


def _moved(rules: Rules, tier: str, queue_class: str) -> list[Sender]:
    return [
        rules.members[tenant_id]
        for tenant_id, of_class in rules.episodes
        if of_class == queue_class and rules.members[tenant_id].tier == tier
    ]


def to_be_named(rules: Rules, *, tiers: Iterable[str], queue_classes: Iterable[str]) -> list[Sender]:
    """The tenants of those tiers in which each has a queue of its own. One statement, where there is such a tier."""
    classes = list(queue_classes)
    asking = [
        tier
        for tier in tiers
        if any(
            choice.strategy.names_tenants(choice.options)
            for choice in (rules.of_tier(tier, queue_class) for queue_class in classes)
        )
    ]
    if not asking:
        return []
    rows = Tenant.objects.filter(tier_id__in=asking).exclude(status=TenantStatus.FAILED).values_list("slug", "tier_id")
    return [Sender(slug, tier) for slug, tier in rows]


def wanted_now(rules: Rules, queue_classes: Iterable[str]) -> Mapping[str, Served]:
    """`wanted` for all tiers and tenants there are. In `public`.

    Raises:
        django.db.Error: the database is away.
    """
    classes = [str(queue_class) for queue_class in queue_classes]
    tiers = list(Tier.objects.values_list("code", flat=True))
    named = to_be_named(rules, tiers=tiers, queue_classes=classes)
    return wanted(rules, tiers=tiers, tenants=named, queue_classes=classes)
