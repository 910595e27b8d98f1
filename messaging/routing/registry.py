"""Which queue a message goes to, and which queues a worker consumes: the strategies applied to what is in force."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from messaging.routing.choices import rules, seen_by, sent_to
from messaging.routing.models import ServedQueue
from messaging.routing.serving import Served, wanted_now
from messaging.routing.strategies import names
from messaging.routing.strategies.contract import EVERYBODY, Sender
from tenants.registry.context import enter_public
from tenants.registry.directory import TenantRef

PLATFORM = EVERYBODY
# Whose turn a message takes where nobody takes turns.
NOBODYS_TURN = "all"


@dataclass(frozen=True, slots=True)
class Routed:
    """A queue, and whose turn a message takes in it."""

    queue: str
    group: str


def route(tenant: TenantRef | None, queue_class: str) -> Routed:
    """Where a tenant's message of this class goes, or a platform message (no tenant), as things are now.

    Raises:
        django.db.Error: the database is away, and this process knows nothing fresh.
    """
    if tenant is None:
        return Routed(names.shared(queue_class, PLATFORM), PLATFORM)
    tier = tenant.tier.code
    choice = rules().of(tenant.id, tier, queue_class)
    strategy, options = choice.strategy, choice.options
    queue = strategy.queue_for(Sender(tenant.slug, tier), queue_class, options, seen_by(tenant.id, queue_class))
    if choice.name == "shuffle":
        sent_to(queue)
    return Routed(queue, str(tenant.id) if strategy.takes_turns(options) else NOBODYS_TURN)


def queue_for(tenant: TenantRef | None, queue_class: str) -> str:
    """The queue of `route`."""
    return route(tenant, queue_class).queue


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
