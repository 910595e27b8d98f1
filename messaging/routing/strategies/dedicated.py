"""`dedicated`: a queue for each tenant. Nobody stands before another; each queue costs every look at the broker a little."""

from collections.abc import Iterable, Mapping

from messaging.routing.strategies import names
from messaging.routing.strategies.contract import UNSEEN, Options, Seen, Sender, Strategy

KIND = "own"


class Dedicated(Strategy):
    """One queue per class and tenant, served by the tier's workers, each queue in turn."""

    name = "dedicated"
    summary = "Dedicated: a queue for each tenant"
    parameters = ()
    mixes_tiers = False

    def takes_turns(self, options: Options) -> bool:
        """There is nobody to take turns with."""
        return True

    def names_tenants(self, options: Options) -> bool:
        """Yes: that is its point."""
        return True

    def queue_for(self, sender: Sender, queue_class: str, options: Options, seen: Seen = UNSEEN) -> str:
        """The tenant's own."""
        return names.of_tenant(queue_class, sender.tier, KIND, sender.key)

    def queues_of_tenant(self, sender: Sender, queue_class: str, options: Options) -> tuple[str, ...]:
        """That one."""
        return (self.queue_for(sender, queue_class, options),)

    def queues_of_pool(
        self, pool: str, queue_class: str, options: Options, senders: Iterable[Sender]
    ) -> Mapping[str, float]:
        """One for each tenant of the tier."""
        return {self.queue_for(sender, queue_class, options): 1.0 for sender in senders if sender.tier == pool}
