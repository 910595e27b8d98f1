"""`tiered` (default): queues of the tier's own, so that each tier is scaled and disturbed by itself."""

from collections.abc import Iterable

from messaging.routing.base import Strategy
from tenants.registry.directory import TenantRef


class Tiered(Strategy):
    """One queue per class and tier."""

    mixes_tiers = False

    def queue_for(self, tenant: TenantRef, queue_class: str) -> str:
        """The class's queue of the tenant's tier."""
        return f"{queue_class}.{tenant.tier.code}"

    def queues_of(self, tier: str, queue_class: str) -> Iterable[str]:
        """A tier's workers serve its queue."""
        return [f"{queue_class}.{tier}"]
