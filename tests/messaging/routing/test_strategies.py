"""One conformance suite over all strategies; what only one of them promises is in a module of its own."""

from itertools import permutations

import pytest

from messaging.routing.strategies import ALL, names
from messaging.routing.strategies.contract import EVERYBODY, Seen, Sender, neighbours
from messaging.routing.strategies.parameters import InvalidOption, complete
from messaging.routing.turnover import Standing, turn_over
from messaging.topology import QueueClass

CLASSES = [str(queue_class) for queue_class in QueueClass]
TIERS = ["basic", "premium", "enterprise"]
HOSTILE = [
    "", " ", ".", "..", "platform", "basic", "shared", "cell-1", "own-acme", "a" * 500, "A,b;c|d", "x\n~y", "../../etc", "\x00",
    "ß𝕏", "\ud800", "-", "a.b", "*", "_", "%s{}", "' OR 1=1 --",
]  # fmt: skip
SENDERS = [
    *(Sender(f"tenant-{number}", TIERS[number % 3]) for number in range(60)),
    *(Sender(key, TIERS[number % 3]) for number, key in enumerate(HOSTILE)),
]
GRACE = 30.0
strategies = pytest.mark.parametrize("strategy", ALL.values(), ids=list(ALL))


def choices(strategy):
    """Its defaults, and the ends of every parameter."""
    yield complete(strategy.parameters, {})
    for parameter in strategy.parameters:
        for value in (parameter.least, parameter.most):
            yield complete(strategy.parameters, {parameter.name: value})


def served(strategy, options, queue_class, senders=SENDERS):
    """What all pools together consume."""
    return {
        queue: weight
        for pool in [*TIERS, EVERYBODY]
        for queue, weight in strategy.queues_of_pool(pool, queue_class, options, senders).items()
    }


@strategies
def test_it_says_what_it_is(strategy):
    assert ALL[strategy.name] is strategy
    assert strategy.summary.lower().startswith(strategy.name)
    assert all(parameter.help for parameter in strategy.parameters)


@strategies
def test_a_message_goes_to_one_of_its_tenants_queues_whatever_was_seen(strategy):
    for options in choices(strategy):
        for sender in SENDERS:
            own = strategy.queues_of_tenant(sender, "payments", options)
            assert own
            assert len(set(own)) == len(own)
            for moved in (False, True):
                for depths in ({}, dict.fromkeys(own, 7), {own[0]: 10**9}, {"another.queue": 3}):
                    assert strategy.queue_for(sender, "payments", options, Seen(depths, moved)) in own


@strategies
def test_every_queue_that_can_be_sent_to_is_consumed_by_exactly_one_pool(strategy):
    for options in choices(strategy):
        for queue_class in ("bookings", "control"):
            pools = [strategy.queues_of_pool(pool, queue_class, options, SENDERS) for pool in [*TIERS, EVERYBODY]]
            for sender in SENDERS:
                for queue in strategy.queues_of_tenant(sender, queue_class, options):
                    assert sum(queue in pool for pool in pools) == 1, queue


@strategies
def test_a_pool_serves_its_own_tier_or_everybody(strategy):
    options = complete(strategy.parameters, {})
    for sender in SENDERS:
        pools = [sender.tier, EVERYBODY]
        own = set().union(*(strategy.queues_of_pool(pool, "rfq", options, SENDERS) for pool in pools))
        assert own.issuperset(strategy.queues_of_tenant(sender, "rfq", options))
    everybodys = strategy.queues_of_pool(EVERYBODY, "rfq", options, SENDERS)
    assert bool(everybodys) == strategy.mixes_tiers


@strategies
def test_tiers_meet_only_where_it_says_so(strategy):
    for options in choices(strategy):
        by_tier = [
            {queue for sender in SENDERS if sender.tier == tier for queue in strategy.queues_of_tenant(sender, "rfq", options)}
            for tier in TIERS
        ]  # fmt: skip
        assert bool(by_tier[0] & by_tier[1]) == strategy.mixes_tiers


@strategies
def test_names_are_valid_bounded_and_tell_their_class(strategy):
    for options in choices(strategy):
        for queue_class in CLASSES:
            found = set(served(strategy, options, queue_class))
            for queue in found:
                assert names.VALID.match(queue), queue
                assert len(queue) <= names.LONGEST
                assert queue.startswith(f"{queue_class}.")
            assert f"{queue_class}.{EVERYBODY}" not in found


@strategies
def test_weights_are_positive(strategy):
    for options in choices(strategy):
        assert all(weight > 0 for weight in served(strategy, options, "rfq").values())


@strategies
def test_hostile_names_are_nobody_elses(strategy):
    """No tenant gets into another's queue by its name: whoever shares one, shares it by the strategy's rule."""
    options = complete(strategy.parameters, {})
    own = {key: strategy.queues_of_tenant(Sender(key, "basic"), "rfq", options) for key in HOSTILE}
    if strategy.name == "dedicated":
        assert len(set(own.values())) == len(HOSTILE)
    if strategy.name == "overflow":
        assert len({queues[1] for queues in own.values()}) == len(HOSTILE)
    for key in ("platform", "basic", "shared", "cell-1", "own-acme"):
        assert f"rfq.{key}" not in own[key] or f"rfq.{key}" in ("rfq.basic", "rfq.shared")


@strategies
def test_neighbours_are_mutual(strategy):
    options = complete(strategy.parameters, {})
    found = {sender.key: neighbours(strategy, sender, "rfq", options, SENDERS) for sender in SENDERS}
    for key, others in found.items():
        assert key not in others
        assert all(found[other][key] == count for other, count in others.items())


@strategies
def test_options_are_checked(strategy):
    for given in ({"no such": 1}, *({each.name: value} for each in strategy.parameters for value in (
        each.least - 1, each.most + 1, "1", None, True, float("nan"), float("inf"), [1],
    ))):  # fmt: skip
        with pytest.raises(InvalidOption):
            complete(strategy.parameters, given)


@pytest.mark.parametrize(("old", "new"), list(permutations(ALL, 2)))
def test_a_change_of_strategy_drains_the_old_queues_before_they_vanish(old, new):
    options = {name: complete(ALL[name].parameters, {}) for name in (old, new)}
    before, after = (set(served(ALL[name], options[name], "rfq")) for name in (old, new))
    known = dict.fromkeys(before, Standing())
    # At once, although all are empty: a process that does not know yet may send to them.
    step = turn_over(known, after, before | after, now=1_000.0, grace=GRACE)
    assert set(step.served) == before | after
    assert not step.gone
    # Much later, as long as there is something in them.
    step = turn_over(step.served, after, (), now=9_000.0, grace=GRACE)
    assert set(step.served) == before | after
    assert {queue for queue, standing in step.served.items() if standing.is_retiring} == before - after
    # Empty at last.
    step = turn_over(step.served, after, before | after, now=9_001.0, grace=GRACE)
    assert set(step.served) == after
    assert step.gone == before - after


def test_a_queue_that_is_wanted_again_stays():
    known = {"rfq.old": Standing(1_000.0)}
    step = turn_over(known, {"rfq.old"}, {"rfq.old"}, now=1_000.0 + GRACE, grace=GRACE)
    assert step.served == {"rfq.old": Standing()}


def test_an_empty_queue_waits_for_those_who_do_not_know_yet():
    known = {"rfq.old": Standing(1_000.0)}
    assert not turn_over(known, (), {"rfq.old"}, now=1_000.0 + GRACE - 1, grace=GRACE).gone
    assert turn_over(known, (), {"rfq.old"}, now=1_000.0 + GRACE, grace=GRACE).gone == {"rfq.old"}
