"""What one strategy promises and the others do not."""

from itertools import combinations

from messaging.routing.strategies import ALL
from messaging.routing.strategies.contract import Seen, Sender, neighbours
from messaging.routing.strategies.parameters import complete

SENDERS = [Sender(f"tenant-{number}", "basic") for number in range(2_000)]
ACME = Sender("acme", "enterprise")


def test_dedicated_has_no_neighbours():
    assert neighbours(ALL["dedicated"], SENDERS[0], "rfq", {}, SENDERS) == {}


def test_one_more_cell_moves_its_share_of_the_tenants():
    cell = ALL["cell"]
    before, after = ({s: cell.queue_for(s, "rfq", {"cells": cells}) for s in SENDERS} for cells in (4, 5))
    assert abs(sum(before[s] != after[s] for s in SENDERS) / len(SENDERS) - 1 / 5) < 0.04


def test_a_tenant_is_in_the_same_cell_for_every_class():
    options = {"cells": 16}
    bookings, payments = (
        ALL["cell"].queue_for(ACME, name, options).removeprefix(name) for name in ("bookings", "payments")
    )
    assert bookings == payments


def test_shuffle_writes_to_the_shorter_of_its_own():
    shuffle, options = ALL["shuffle"], complete(ALL["shuffle"].parameters, {})
    first, second = shuffle.queues_of_tenant(ACME, "rfq", options)
    assert shuffle.queue_for(ACME, "rfq", options) == first
    assert shuffle.queue_for(ACME, "rfq", options, Seen({first: 3, second: 2})) == second
    assert shuffle.queue_for(ACME, "rfq", options, Seen({first: 3, second: 3})) == first


def test_shuffle_gives_few_the_same_pair():
    shuffle, options = ALL["shuffle"], complete(ALL["shuffle"].parameters, {"queues": 20})
    found = [frozenset(shuffle.queues_of_tenant(sender, "rfq", options)) for sender in SENDERS]
    same = sum(a == b for a, b in combinations(found, 2)) / (len(SENDERS) * (len(SENDERS) - 1) / 2)
    assert abs(same - 1 / 190) < 0.0005


def test_shuffle_with_more_to_own_than_there_are_owns_all():
    options = complete(ALL["shuffle"].parameters, {"queues": 2, "own": 5})
    assert len(ALL["shuffle"].queues_of_tenant(ACME, "rfq", options)) == 2


def test_tiered_can_give_each_tenant_of_a_tier_its_own():
    tiered = ALL["tiered"]
    assert tiered.queue_for(ACME, "rfq", {"per_tenant": 0}) == "rfq.enterprise"
    assert tiered.queue_for(ACME, "rfq", {"per_tenant": 1}) == "rfq.enterprise.own-acme"


def test_overflow_moves_and_comes_back():
    overflow, options = ALL["overflow"], complete(ALL["overflow"].parameters, {})
    assert overflow.queue_for(ACME, "rfq", options) == "rfq.enterprise"
    assert overflow.queue_for(ACME, "rfq", options, Seen(moved=True)) == "rfq.enterprise.over-acme"
    assert overflow.queues_of_pool("enterprise", "rfq", options, []) == {"rfq.enterprise": 1.0}
    assert overflow.queues_of_pool("enterprise", "rfq", options, [ACME]) == {
        "rfq.enterprise": 1.0,
        "rfq.enterprise.over-acme": 0.25,
    }


def test_only_shared_makes_nobody_take_turns():
    turns = {name: strategy.takes_turns(complete(strategy.parameters, {})) for name, strategy in ALL.items()}
    assert turns == {**dict.fromkeys(ALL, True), "shared": False}
