"""The contract of a ranking strategy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Criterion(StrEnum):
    """By what one offer stands before another."""

    PRICE = "price_minor"
    ARRIVAL = "eta_seconds"
    VALUE = "score"
    ORDER = "received_at"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """What is known of an offer: price in minor units, seconds until the unicorn is there, number of extras."""

    offer_id: UUID
    price_minor: int
    eta_seconds: int
    extras: int
    received_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """How much a company makes of each: whole numbers of which only the proportions count, not all of them zero."""

    price: int = 60
    arrival: int = 30
    extras: int = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """An offer's place, counted from 1. `score` is from 0 to 1 where the strategy has one."""

    quote: Quote
    rank: int
    score: float | None = None

    def value_of(self, criterion: Criterion) -> int | float | datetime | None:
        """What the offer has to say for itself by a criterion."""
        if criterion is Criterion.VALUE:
            return self.score
        value: int | datetime = getattr(self.quote, criterion.value)
        return value


class Strategy(Protocol):
    """Puts offers in order. Pure: the same offers and weights give the same order, whatever order they come in."""

    criteria: Sequence[Criterion]
    """What decides, first to last; what is equal in all of them is ordered by the offers' ids."""

    def order(self, quotes: Sequence[Quote], weights: Weights) -> list[tuple[Quote, float | None]]:
        """Best first, each with its score where there is one."""
