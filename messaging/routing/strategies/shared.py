"""`shared`: one queue for all, in the order in which messages came. Simple, and one tenant's flood is everybody's wait."""

from collections.abc import Iterable, Mapping

from messaging.routing.strategies import names
from messaging.routing.strategies.contract import EVERYBODY, UNSEEN, Options, Seen, Sender, Strategy


class Shared(Strategy):
    """One queue per class, served by every worker."""

    name = "shared"
    summary = "Shared: one queue for all, first come, first served"
    parameters = ()
    mixes_tiers = True

    def takes_turns(self, options: Options) -> bool:
        """No: that is its point."""
        return False

    def names_tenants(self, options: Options) -> bool:
        """No."""
        return False

    def queue_for(self, sender: Sender, queue_class: str, options: Options, seen: Seen = UNSEEN) -> str:
        """The class's one queue."""
        return names.shared(queue_class, "shared")

    def queues_of_tenant(self, sender: Sender, queue_class: str, options: Options) -> tuple[str, ...]:
        """That one."""
        return (names.shared(queue_class, "shared"),)

    def queues_of_pool(
        self, pool: str, queue_class: str, options: Options, senders: Iterable[Sender]
    ) -> Mapping[str, float]:
        """Every worker serves it."""
        return {names.shared(queue_class, "shared"): 1.0} if pool == EVERYBODY else {}
