"""`tiered` (default): each tier has a queue of its own, in which tenants take turns, or a queue for each of its tenants."""

from collections.abc import Iterable, Mapping

from messaging.routing.strategies import names
from messaging.routing.strategies.contract import EVERYBODY, UNSEEN, Options, Seen, Sender, Strategy
from messaging.routing.strategies.dedicated import Dedicated
from messaging.routing.strategies.parameters import TURNS, Parameter


class Tiered(Strategy):
    """The tier's queue per class; with `per_tenant`, as enterprise has it, one per class and tenant."""

    name = "tiered"
    summary = "Tiered: queues of the tier's own, fair among its tenants"
    parameters = (
        Parameter(name="per_tenant", default=0, least=0, most=1, help="1: a queue for each of the tier's tenants."),
        TURNS,
    )
    mixes_tiers = False
    _dedicated = Dedicated()

    def takes_turns(self, options: Options) -> bool:
        """As it was chosen."""
        return bool(options["turns"])

    def names_tenants(self, options: Options) -> bool:
        """As it was chosen."""
        return bool(options["per_tenant"])

    def queue_for(self, sender: Sender, queue_class: str, options: Options, seen: Seen = UNSEEN) -> str:
        """The tier's, or the tenant's own."""
        if options["per_tenant"]:
            return self._dedicated.queue_for(sender, queue_class, options)
        return names.shared(queue_class, sender.tier)

    def queues_of_tenant(self, sender: Sender, queue_class: str, options: Options) -> tuple[str, ...]:
        """That one."""
        return (self.queue_for(sender, queue_class, options),)

    def queues_of_pool(
        self, pool: str, queue_class: str, options: Options, senders: Iterable[Sender]
    ) -> Mapping[str, float]:
        """The tier's, and its tenants' own."""
        if pool == EVERYBODY:
            return {}
        if options["per_tenant"]:
            return self._dedicated.queues_of_pool(pool, queue_class, options, senders)
        return {names.shared(queue_class, pool): 1.0}
