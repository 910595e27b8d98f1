"""`fair`: one queue for all, in which `fairqueue` gives each tenant its turn. Nobody waits behind another's flood."""

from collections.abc import Iterable, Mapping

from messaging.routing.strategies import names
from messaging.routing.strategies.contract import EVERYBODY, UNSEEN, Options, Seen, Sender, Strategy


class Fair(Strategy):
    """One queue per class, served by every worker, by turns of worker time."""

    name = "fair"
    summary = "Fair: one queue for all, tenants take turns in it"
    parameters = ()
    mixes_tiers = True

    def takes_turns(self, options: Options) -> bool:
        """Yes: that is its point."""
        return True

    def names_tenants(self, options: Options) -> bool:
        """No."""
        return False

    def queue_for(self, sender: Sender, queue_class: str, options: Options, seen: Seen = UNSEEN) -> str:
        """The class's one queue."""
        return names.shared(queue_class, "fair")

    def queues_of_tenant(self, sender: Sender, queue_class: str, options: Options) -> tuple[str, ...]:
        """That one."""
        return (names.shared(queue_class, "fair"),)

    def queues_of_pool(
        self, pool: str, queue_class: str, options: Options, senders: Iterable[Sender]
    ) -> Mapping[str, float]:
        """Every worker serves it."""
        return {names.shared(queue_class, "fair"): 1.0} if pool == EVERYBODY else {}
