"""`shuffle`: each tenant owns k of N queues and writes to the shorter one. Few share all of a flooding tenant's queues.

With 100 queues taken two at a time there are 4,950 pairs: one tenant in 4,950, 0.02 %, has the same pair.
"""

from collections.abc import Iterable, Mapping

from messaging.routing.strategies import names
from messaging.routing.strategies.contract import EVERYBODY, UNSEEN, Options, Seen, Sender, Strategy
from messaging.routing.strategies.hashing import ranked
from messaging.routing.strategies.parameters import TURNS, Parameter

KIND = "shard"


class Shuffle(Strategy):
    """k of the tier's N queues per tenant, by its hash; the same numbers for every class."""

    name = "shuffle"
    summary = "Shuffle: each tenant owns k of N queues and uses the shorter one"
    parameters = (
        Parameter(name="queues", default=16, least=1, most=256, help="N: how many queues the tier has."),
        Parameter(name="own", default=2, least=1, most=8, help="k: how many of them a tenant owns."),
        TURNS,
    )
    mixes_tiers = False

    def takes_turns(self, options: Options) -> bool:
        """As it was chosen."""
        return bool(options["turns"])

    def names_tenants(self, options: Options) -> bool:
        """No."""
        return False

    def queue_for(self, sender: Sender, queue_class: str, options: Options, seen: Seen = UNSEEN) -> str:
        """The shorter of the tenant's queues as they were seen; its first one when they are equal or nobody looked."""
        own = self.queues_of_tenant(sender, queue_class, options)
        return min(own, key=lambda queue: seen.depths.get(queue, 0))

    def queues_of_tenant(self, sender: Sender, queue_class: str, options: Options) -> tuple[str, ...]:
        """Its k queues, in its own order."""
        places = int(options["queues"])
        own = ranked(sender.key, places, min(places, int(options["own"])))
        return tuple(names.numbered(queue_class, sender.tier, KIND, place) for place in own)

    def queues_of_pool(
        self, pool: str, queue_class: str, options: Options, senders: Iterable[Sender]
    ) -> Mapping[str, float]:
        """All N of the tier."""
        if pool == EVERYBODY:
            return {}
        return {names.numbered(queue_class, pool, KIND, place): 1.0 for place in range(int(options["queues"]))}
