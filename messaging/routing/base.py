"""The contract of a routing strategy."""

from collections.abc import Iterable
from typing import Protocol

from tenants.registry.directory import TenantRef


class Strategy(Protocol):
    """Decides where a tenant's messages go. Pure: the same tenant and class give the same queue."""

    # Whether tenants of several tiers meet in a queue of this strategy.
    mixes_tiers: bool

    def queue_for(self, tenant: TenantRef, queue_class: str) -> str:
        """The queue's name, of the form `<class>.<rest>`."""

    def queues_of(self, tier: str, queue_class: str) -> Iterable[str]:
        """The queues that workers of a tier consume because of this strategy."""
