"""Which queue a message goes to, and which queues a worker consumes: the strategies applied to what is in force."""

from collections.abc import Collection, Iterable

from messaging.routing.choices import remembered, rules, seen_by, sent_to
from messaging.routing.models import ServedQueue
from messaging.routing.serving import Served, wanted_now
from messaging.routing.shared import Shared
from messaging.routing.strategies import names
from messaging.routing.strategies.contract import EVERYBODY, Sender
from messaging.routing.tiered import Tiered
from tenants.registry.context import enter_public
from tenants.registry.directory import TenantRef
from tenants.registry.models import RoutingStrategy

PLATFORM = EVERYBODY
STRATEGIES = {RoutingStrategy.SHARED: Shared(), RoutingStrategy.TIERED: Tiered()}


def queue_for(tenant: TenantRef | None, queue_class: str) -> str:
    """The queue for a tenant's message of this class, or for a platform message (no tenant), as things are now.

    Raises:
        django.db.Error: the database is away, and this process knows nothing fresh.
    """
    if tenant is None:
        return names.shared(queue_class, PLATFORM)
    tier = tenant.tier.code
    choice = rules().of(tenant.id, tier, queue_class)
    seen = seen_by(tenant.id, queue_class)
    queue = choice.strategy.queue_for(Sender(tenant.slug, tier), queue_class, choice.options, seen)
    sent_to(queue)
    return queue


def queues_of_tenant(tenant: TenantRef, queue_class: str) -> tuple[str, ...]:
    """Every queue that may get the tenant's messages of this class, as things are now."""
    choice = remembered().of(tenant.id, tenant.tier.code, queue_class)
    return choice.strategy.queues_of_tenant(Sender(tenant.slug, tenant.tier.code), queue_class, choice.options)


def served_queues(pools: Collection[str], queue_classes: Iterable[str]) -> dict[str, Served]:
    """What workers of these pools consume now for these classes: what may be sent to, and what is served to be emptied.

    Raises:
        django.db.Error: the database is away.
    """
    classes = [str(queue_class) for queue_class in queue_classes]
    everywhere = {*pools, EVERYBODY}
    with enter_public():
        kept = ServedQueue.objects.filter(pool__in=everywhere, queue_class__in=classes)
        found = {row.name: Served(row.queue_class, row.pool, row.weight) for row in kept}
        found.update(wanted_now(rules(), classes))
    return {name: served for name, served in found.items() if served.pool in everywhere}


def queues_of(tier: str, queue_classes: Iterable[str]) -> list[str]:
    """The names of `served_queues` for one pool."""
    return sorted(served_queues([tier], queue_classes))
