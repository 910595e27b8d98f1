"""A request and its offers as clients read them: in the API, and as the result of the operation."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rfq.domain import State
from rfq.models import Offer, Rfq
from rfq.paths import request_path

OFFER_STATES = [(each, each) for each in ("standing", "expired", "accepted", "not_taken", "withdrawn")]


def quotes(rfq: Rfq, offers: Sequence[Offer], *, now: datetime) -> dict[str, Any]:
    """The request with its offers, best first: JSON-ready, times in UTC (RFC 3339), amounts in minor units."""
    path = request_path(rfq.id)
    return {
        "id": str(rfq.id),
        "state": str(rfq.state),
        "close_reason": str(rfq.close_reason) or None,
        "user_id": str(rfq.user_id),
        "pickup": _place(rfq.pickup_latitude, rfq.pickup_longitude, rfq.pickup_label),
        "dropoff": _place(rfq.dropoff_latitude, rfq.dropoff_longitude, rfq.dropoff_label),
        "passengers": rfq.passengers,
        "pickup_at": time_text(rfq.pickup_at),
        "reference": rfq.reference,
        "distance_m": rfq.distance_m,
        "wishes": {"extras": list(rfq.extras), "slowest": rfq.slowest or None},
        "radius_m": rfq.radius_m,
        "wanted_offers": rfq.wanted_offers,
        "strategy": str(rfq.strategy),
        "asked": rfq.asked,
        "offers": [
            offer_body(rfq, offer, now=now)
            for offer in sorted(offers, key=lambda each: (each.rank or len(offers), each.id))
        ],
        "booking_id": None if rfq.booking_id is None else str(rfq.booking_id),
        "requested_at": time_text(rfq.requested_at),
        "deadline_at": time_text(rfq.deadline_at),
        "closed_at": time_text(rfq.closed_at),
        "links": {
            "self": path,
            "operation": f"/api/v1/operations/{rfq.operation_id}",
            "explanation": f"{path}/explanation",
            "acceptance": f"{path}/acceptance",
            "withdrawal": f"{path}/withdrawal",
            "booking": None if rfq.booking_id is None else f"/api/v1/bookings/{rfq.booking_id}",
        },
    }


def offer_body(rfq: Rfq, offer: Offer, *, now: datetime) -> dict[str, Any]:
    """One offer. `rank` is as of now while the request is open."""
    return {
        "id": str(offer.id),
        "rank": offer.rank,
        "score": offer.score,
        "state": _state(rfq, offer, now),
        "unicorn": {"id": str(offer.unicorn_id), "name": offer.unicorn_name},
        "price": {"amount_minor": offer.price_minor, "currency": rfq.currency},
        "eta_seconds": offer.eta_seconds,
        "extras": list(offer.extras),
        "received_at": time_text(offer.received_at),
        "valid_until": time_text(offer.valid_until),
    }


def _state(rfq: Rfq, offer: Offer, now: datetime) -> str:
    if rfq.accepted_offer_id is not None:
        return "accepted" if offer.id == rfq.accepted_offer_id else "not_taken"
    if rfq.state == State.WITHDRAWN:
        return "withdrawn"
    return "expired" if offer.valid_until <= now else "standing"


def _place(latitude: float, longitude: float, label: str) -> dict[str, Any]:
    return {"latitude": latitude, "longitude": longitude, "label": label}


def time_text(moment: datetime | None) -> str | None:
    """A time as everywhere in the API."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
