"""The strategies by the names that clients and companies choose from."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from rfq.ranking.base import Quote, Ranked, Strategy, Weights
from rfq.ranking.strategies import BestValue, Cheapest, Fastest, Unranked


class StrategyName(StrEnum):
    """What a client may ask for."""

    CHEAPEST = "cheapest"
    FASTEST = "fastest"
    BEST_VALUE = "best_value"
    ALL = "all"


STRATEGIES: Mapping[StrategyName, Strategy] = {
    StrategyName.CHEAPEST: Cheapest(),
    StrategyName.FASTEST: Fastest(),
    StrategyName.BEST_VALUE: BestValue(),
    StrategyName.ALL: Unranked(),
}


def rank(quotes: Sequence[Quote], *, strategy: StrategyName, weights: Weights) -> list[Ranked]:
    """The offers by their places, best first."""
    ordered = STRATEGIES[strategy].order(quotes, weights)
    return [Ranked(quote=quote, rank=place, score=score) for place, (quote, score) in enumerate(ordered, 1)]
