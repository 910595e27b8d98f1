"""`shared`: one queue for all tenants. Simple, and one tenant's flood is everybody's wait."""

from collections.abc import Iterable

from messaging.routing.base import Strategy
from tenants.registry.directory import TenantRef


class Shared(Strategy):
    """One queue per class; served by the platform's workers, beside any tier's."""

    mixes_tiers = True

    def queue_for(self, tenant: TenantRef, queue_class: str) -> str:
        """The class's one queue."""
        return f"{queue_class}.shared"

    def queues_of(self, tier: str, queue_class: str) -> Iterable[str]:
        """Workers of the platform serve it."""
        return [f"{queue_class}.shared"] if tier == "platform" else []
