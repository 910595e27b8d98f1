"""The shuffle-sharding figure: how many tenants share all of a flooding tenant's queues, by formula and by counting."""

import math
from collections import Counter

from messaging.routing.strategies import ALL
from messaging.routing.strategies.contract import Sender


def by_formula(queues: int, own: int) -> float:
    """The share of tenants with the same `own` of `queues`: one of all combinations."""
    return 1 / math.comb(queues, own)


def by_counting(queues: int, own: int, tenants: int) -> float:
    """The same, counted over all pairs of so many tenants, as the strategy itself spreads them."""
    shuffle, options = ALL["shuffle"], {"queues": queues, "own": own}
    alike = Counter(
        frozenset(shuffle.queues_of_tenant(Sender(f"tenant-{number}", "basic"), "rfq", options))
        for number in range(tenants)
    )
    pairs = tenants * (tenants - 1) / 2
    return sum(count * (count - 1) / 2 for count in alike.values()) / pairs
