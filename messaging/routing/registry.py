"""The strategies there are, by the name that staff choose in the Admin."""

from messaging.routing.base import Strategy
from messaging.routing.shared import Shared
from messaging.routing.tiered import Tiered
from tenants.registry.directory import TenantRef
from tenants.registry.models import RoutingStrategy

PLATFORM = "platform"
STRATEGIES: dict[str, Strategy] = {RoutingStrategy.SHARED: Shared(), RoutingStrategy.TIERED: Tiered()}


def queue_for(tenant: TenantRef | None, queue_class: str) -> str:
    """The queue for a tenant's message of this class, or for a platform message (no tenant)."""
    if tenant is None:
        return f"{queue_class}.{PLATFORM}"
    return STRATEGIES[tenant.tier.routing_strategy].queue_for(tenant, queue_class)


def queues_of(tier: str, queue_classes: list[str]) -> list[str]:
    """Every queue that workers of a tier (or `platform`) consume for these classes, whatever strategies are in force."""
    return sorted(
        {
            queue
            for name in queue_classes
            for strategy in STRATEGIES.values()
            for queue in strategy.queues_of(tier, name)
        }
    )
