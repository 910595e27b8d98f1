from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfq.ranking import Quote, StrategyName, Weights, rank
from wildrydes.kernel.ids import new_id

THEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def quote(price=1_000, eta=100, extras=0, after=0):
    return Quote(
        offer_id=new_id(), price_minor=price, eta_seconds=eta, extras=extras,
        received_at=THEN + timedelta(seconds=after),
    )  # fmt: skip


def first(quotes, strategy, weights=None):
    return rank(quotes, strategy=strategy, weights=weights or Weights())[0].quote


def test_each_strategy_has_its_own_first():
    cheap, fast, fancy = quote(500, 600), quote(1_500, 30), quote(900, 300, extras=3, after=-5)
    offers = [fast, cheap, fancy]
    assert first(offers, StrategyName.CHEAPEST) is cheap
    assert first(offers, StrategyName.FASTEST) is fast
    assert first(offers, StrategyName.ALL) is fancy


@pytest.mark.parametrize(
    ("weights", "winner"), [((1, 0, 0), 0), ((0, 1, 0), 1), ((0, 0, 1), 2)], ids=["price", "arrival", "extras"]
)
def test_the_companys_weights_decide_what_is_best_value(weights, winner):
    offers = [quote(500, 600), quote(1_500, 30), quote(900, 300, extras=3)]
    price, arrival, extras = weights
    chosen = first(offers, StrategyName.BEST_VALUE, Weights(price=price, arrival=arrival, extras=extras))
    assert chosen is offers[winner]


def test_equal_offers_stand_in_the_order_in_which_they_came():
    late, early = quote(after=2), quote(after=1)
    for strategy in StrategyName:
        assert first([late, early], strategy) is early


quotes = st.builds(quote, st.integers(1, 10**6), st.integers(0, 7200), st.integers(0, 8), st.integers(0, 3))


@given(st.lists(quotes, max_size=12), st.sampled_from(list(StrategyName)), st.randoms(use_true_random=False))
def test_the_order_of_arrival_at_the_aggregator_decides_nothing(offers, strategy, dice):
    shuffled = offers[:]
    dice.shuffle(shuffled)
    ranked, again = (rank(some, strategy=strategy, weights=Weights()) for some in (offers, shuffled))
    assert ranked == again
    assert [each.rank for each in ranked] == list(range(1, len(offers) + 1))
    assert all(0 <= each.score <= 1 for each in ranked if each.score is not None)


@given(quotes, quotes, st.sampled_from([StrategyName.CHEAPEST, StrategyName.FASTEST, StrategyName.BEST_VALUE]))
def test_who_is_better_in_everything_stands_before(one, other, strategy):
    better = replace(one, price_minor=other.price_minor, eta_seconds=other.eta_seconds, extras=other.extras)
    better = replace(better, price_minor=max(1, better.price_minor - 1), eta_seconds=max(0, better.eta_seconds - 1))
    if (better.price_minor, better.eta_seconds) != (other.price_minor, other.eta_seconds):
        ranked = rank([other, better], strategy=strategy, weights=Weights())
        scores = {each.score for each in ranked}
        assert ranked[0].quote == better or len(scores) == 1
