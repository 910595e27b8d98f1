"""Which offer is the best: strategies that a client, or a company by its policy, chooses from."""

from rfq.ranking.base import Criterion, Quote, Ranked, Strategy, Weights
from rfq.ranking.registry import STRATEGIES, StrategyName, rank

__all__ = ["STRATEGIES", "Criterion", "Quote", "Ranked", "Strategy", "StrategyName", "Weights", "rank"]
