"""The pure rules of a request for quotes: its limits, and when it is complete."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MIN_DEADLINE_S = 2
MAX_DEADLINE_S = 600
DEFAULT_DEADLINE_S = 30
MAX_OFFERS = 20
DEFAULT_OFFERS = 3
MIN_RADIUS_M = 500
MAX_RADIUS_M = 25_000
DEFAULT_RADIUS_M = 10_000

MAX_PRICE_MINOR = 100_000_000
MAX_ETA_S = 7_200
# How long an offer stands after the request's deadline.
MIN_VALID_S = 30
MAX_VALID_S = 3_600
DEFAULT_VALID_S = 300

# A return address outlives its deadline for so long, so that a late answer is told that it is late.
ADDRESS_GRACE = timedelta(hours=1)
# How long after its deadline a request may close; the watch looks when the deadline's own message is this late.
CLOSED_WITHIN = timedelta(seconds=5)
WATCH_GRACE = timedelta(seconds=1)

_PER_OFFER = 3
_LEAST_ASKED = 10
MOST_ASKED = 50


class State(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    CLOSED = "closed"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


MOVES = frozenset(
    {
        (State.OPEN, State.CLOSED),
        (State.OPEN, State.ACCEPTED),
        (State.OPEN, State.WITHDRAWN),
        (State.CLOSED, State.ACCEPTED),
        (State.CLOSED, State.WITHDRAWN),
        (State.ACCEPTED, State.CLOSED),
    }
)
"""Every change of state there is; a trigger in the database refuses all others."""


class Reason(StrEnum):
    """Why no more answers are taken."""

    DEADLINE = "deadline"
    ALL_ANSWERED = "all_answered"
    ENOUGH_OFFERS = "enough_offers"
    NOBODY_NEAR = "nobody_near"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


class AnswerKind(StrEnum):
    """What a unicorn says."""

    OFFER = "offer"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many were asked, have answered, and have made an offer. `asked` is None while it is not known yet."""

    asked: int | None
    answered: int
    offers: int


def reason_to_close(counts: Counts, *, wanted_offers: int, deadline_at: datetime, now: datetime) -> Reason | None:
    """Why the request is to be closed now; None while it is worth waiting."""
    if counts.offers >= wanted_offers:
        return Reason.ENOUGH_OFFERS
    if counts.asked is not None and counts.answered >= counts.asked:
        return Reason.ALL_ANSWERED if counts.asked else Reason.NOBODY_NEAR
    return Reason.DEADLINE if now >= deadline_at else None


def how_many_to_ask(wanted_offers: int) -> int:
    """For so many the rings grow: some decline, some stay silent."""
    return min(MOST_ASKED, max(_LEAST_ASKED, _PER_OFFER * wanted_offers))
