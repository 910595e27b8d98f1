"""The company's ranking policy."""

from rfq.models import RankingPolicy, StrategyChoice
from rfq.selectors import Policy
from wildrydes.kernel.errors import InvalidInput


def set_policy(*, wanted: Policy) -> None:
    """Rank like this from now on; what was closed before keeps its ranks.

    Raises:
        InvalidInput: all weights are zero.
    """
    weights = wanted.weights
    if not (weights.price or weights.arrival or weights.extras):
        raise InvalidInput.at("/weights", "At least one weight is more than zero.")
    RankingPolicy.objects.update_or_create(
        id=1,
        defaults={
            "strategy": StrategyChoice(wanted.strategy.value),
            "weight_price": weights.price,
            "weight_arrival": weights.arrival,
            "weight_extras": weights.extras,
        },
    )
