"""Why the offers stand as they do: for every unicorn that was asked, what became of it. Pure but for the reading."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from rfq.domain import State
from rfq.models import AnswerChoice, Invitation, Offer, Rfq
from rfq.presentation import time_text
from rfq.ranking import STRATEGIES, Ranked, StrategyName
from rfq.selectors import policy, quote_of


def explain(rfq: Rfq, *, now: datetime) -> dict[str, Any]:
    """Every unicorn that was asked, nearest first, with its outcome; and by what the offers are ordered."""
    strategy = StrategyName(rfq.strategy)
    offers = {offer.invitation_id: offer for offer in Offer.objects.filter(rfq=rfq)}
    first = next((offer for offer in offers.values() if offer.rank == 1), None)
    taken = next((offer for offer in offers.values() if offer.id == rfq.accepted_offer_id), None)
    asked = Invitation.objects.filter(rfq=rfq).order_by("distance_m", "id")
    weights = policy().weights
    return {
        "id": str(rfq.id),
        "state": str(rfq.state),
        "close_reason": str(rfq.close_reason) or None,
        "strategy": strategy.value,
        "criteria": [criterion.value for criterion in STRATEGIES[strategy].criteria],
        "weights": {"price": weights.price, "arrival": weights.arrival, "extras": weights.extras}
        if strategy is StrategyName.BEST_VALUE
        else None,
        "unicorns": [_unicorn(rfq, each, offers, taken or first, now) for each in asked],
    }


def _unicorn(
    rfq: Rfq, invitation: Invitation, offers: Mapping[UUID, Offer], best: Offer | None, now: datetime
) -> dict[str, Any]:
    offer = offers.get(invitation.id)
    outcome = _outcome(rfq, invitation, offer, best, now)
    return {
        "unicorn": {"id": str(invitation.unicorn_id), "name": invitation.unicorn_name},
        "distance_m": invitation.distance_m,
        "ring": invitation.ring,
        "outcome": outcome,
        "answered_at": time_text(invitation.answered_at or invitation.late_at),
        "offer_id": None if offer is None else str(offer.id),
        "rank": None if offer is None else offer.rank,
        "outranked_by": _by_what(rfq, offer, best) if offer and best and outcome == "outranked" else None,
    }


def _outcome(rfq: Rfq, invitation: Invitation, offer: Offer | None, best: Offer | None, now: datetime) -> str:
    if offer is None:
        return _without_offer(rfq, invitation)
    if offer.id == rfq.accepted_offer_id:
        return "accepted"
    if rfq.state == State.OPEN:
        return "offered"
    if best is not None and offer.id != best.id:
        return "outranked"
    return "expired" if offer.valid_until <= now else "best"


def _without_offer(rfq: Rfq, invitation: Invitation) -> str:
    if invitation.answer == AnswerChoice.DECLINE:
        return "declined"
    if invitation.late_at is not None:
        return "late"
    return "asked" if rfq.state == State.OPEN else "silent"


def _by_what(rfq: Rfq, offer: Offer, best: Offer) -> dict[str, Any]:
    """The first criterion in which the two differ. A client may accept another than the first: then that is by choice."""
    told: dict[str, Any] = {"offer_id": str(best.id), "unicorn": best.unicorn_name}
    if (best.rank or 0) > (offer.rank or 0):
        return {**told, "by": "choice", "own": None, "theirs": None}
    mine, theirs = (_ranked(each) for each in (offer, best))
    for criterion in STRATEGIES[StrategyName(rfq.strategy)].criteria:
        own, better = mine.value_of(criterion), theirs.value_of(criterion)
        if own != better:
            return {**told, "by": criterion.value, "own": _plain(own), "theirs": _plain(better)}
    return {**told, "by": "id", "own": None, "theirs": None}


def _ranked(offer: Offer) -> Ranked:
    return Ranked(quote=quote_of(offer), rank=offer.rank or 0, score=offer.score)


def _plain(value: float | datetime | None) -> float | str | None:
    return time_text(value) if isinstance(value, datetime) else value
