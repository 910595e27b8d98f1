"""Queues are served by weight."""

from collections import Counter

import pytest

from messaging.routing import cycle
from messaging.routing.cycle import WeightedCycle, weigh


@pytest.fixture(autouse=True)
def no_weights():
    weigh({})
    yield
    weigh({})


def served(queues, turns, has=lambda queue, turn: True):
    """How often each is served when the first one asked that has a message gives it."""
    counts = Counter()
    for turn in range(turns):
        for queue in queues.consume(99):
            if has(queue, turn):
                queues.rotate(queue)
                counts[queue] += 1
                break
    return counts


def test_without_weights_all_are_served_alike():
    assert served(WeightedCycle(["a", "b", "c"]), 300) == {"a": 100, "b": 100, "c": 100}


def test_a_quarter_of_the_weight_is_a_quarter_of_the_turns():
    weigh({"main": 1.0, "over": 0.25})
    assert served(WeightedCycle(["main", "over"]), 500) == {"main": 400, "over": 100}


def test_who_is_alone_gets_everything():
    weigh({"over": 0.01})
    assert served(WeightedCycle(["main", "over"]), 50, lambda queue, turn: queue == "over") == {"over": 50}


def test_a_queue_that_was_empty_keeps_no_credit():
    queues = WeightedCycle(["main", "over"])
    served(queues, 1_000, lambda queue, turn: queue == "main")
    assert served(queues, 100) == {"main": 50, "over": 50}


def test_a_new_queue_begins_where_the_others_stand():
    queues = WeightedCycle(["main"])
    served(queues, 1_000)
    queues.update(["main", "new"])
    assert served(queues, 100) == {"main": 50, "new": 50}
    queues.update(["new"])
    assert queues.consume(9) == ["new"]


def test_all_are_looked_at_every_time():
    weigh({"b": 0.01})
    queues = WeightedCycle(["a", "b", "c"])
    served(queues, 10)
    assert sorted(queues.consume(99)) == ["a", "b", "c"]
    assert len(queues.consume(2)) == 2


def test_what_is_not_named_any_more_weighs_one_again():
    weigh({"b": 0.5})
    weigh({"c": 0.5})
    assert cycle.weights == {"c": 0.5}


def test_kombu_knows_it_by_its_name():
    from kombu.utils.scheduling import cycle_by_name

    assert cycle_by_name("messaging.routing.cycle:WeightedCycle") is WeightedCycle
