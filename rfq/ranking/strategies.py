"""The strategies there are."""

from collections.abc import Callable, Sequence
from typing import Any

from rfq.ranking.base import Criterion, Quote, Strategy, Weights

# A unicorn that is there at once is not infinitely better than one that takes a minute.
_A_MOMENT_S = 60


class Cheapest(Strategy):
    """The lowest price; of equal ones the earlier arrival."""

    criteria = (Criterion.PRICE, Criterion.ARRIVAL, Criterion.ORDER)

    def order(self, quotes: Sequence[Quote], weights: Weights) -> list[tuple[Quote, float | None]]:
        """By price."""
        return _sorted(quotes, lambda quote: (quote.price_minor, quote.eta_seconds))


class Fastest(Strategy):
    """The earliest arrival; of equal ones the lower price."""

    criteria = (Criterion.ARRIVAL, Criterion.PRICE, Criterion.ORDER)

    def order(self, quotes: Sequence[Quote], weights: Weights) -> list[tuple[Quote, float | None]]:
        """By arrival."""
        return _sorted(quotes, lambda quote: (quote.eta_seconds, quote.price_minor))


class Unranked(Strategy):
    """All offers in the order in which they came."""

    criteria = (Criterion.ORDER,)

    def order(self, quotes: Sequence[Quote], weights: Weights) -> list[tuple[Quote, float | None]]:
        """As they came."""
        return _sorted(quotes, lambda _: ())


class BestValue(Strategy):
    """Price, arrival and extras, weighed as the company wants: each counts by how near it comes to the best among the offers."""

    criteria = (Criterion.VALUE, Criterion.PRICE, Criterion.ARRIVAL, Criterion.ORDER)

    def order(self, quotes: Sequence[Quote], weights: Weights) -> list[tuple[Quote, float | None]]:
        """By the weighed sum."""
        if not quotes:
            return []
        cheapest = min(quote.price_minor for quote in quotes)
        soonest = min(quote.eta_seconds for quote in quotes) + _A_MOMENT_S
        most = max(quote.extras for quote in quotes)
        total = (weights.price + weights.arrival + weights.extras) or 1

        def score(quote: Quote) -> float:
            price = cheapest / quote.price_minor if quote.price_minor else 1.0
            arrival = soonest / (quote.eta_seconds + _A_MOMENT_S)
            extras = quote.extras / most if most else 1.0
            # Rounded, so that what looks equal is equal.
            weighed = weights.price * price + weights.arrival * arrival + weights.extras * extras
            return round(weighed / total, 4)

        scores = {quote.offer_id: score(quote) for quote in quotes}
        ordered = _sorted(quotes, lambda q: (-scores[q.offer_id], q.price_minor, q.eta_seconds))
        return [(quote, scores[quote.offer_id]) for quote, _ in ordered]


def _sorted(quotes: Sequence[Quote], key: Callable[[Quote], tuple[Any, ...]]) -> list[tuple[Quote, float | None]]:
    best_first = sorted(quotes, key=lambda quote: (*key(quote), quote.received_at, quote.offer_id))
    return [(quote, None) for quote in best_first]
