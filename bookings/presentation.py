"""A booking as clients read it: in the API, and as the result of its operation."""

from datetime import UTC, datetime
from typing import Any

from bookings.models import Booking
from bookings.paths import booking_path


def ride(booking: Booking) -> dict[str, Any]:
    """The booking's representation: JSON-ready, times in UTC (RFC 3339), amounts in minor units."""
    return {
        "id": str(booking.id),
        "state": str(booking.state),
        "user_id": str(booking.user_id),
        "pickup": _place(booking.pickup_latitude, booking.pickup_longitude, booking.pickup_label),
        "dropoff": _place(booking.dropoff_latitude, booking.dropoff_longitude, booking.dropoff_label),
        "passengers": booking.passengers,
        "pickup_at": _time(booking.pickup_at),
        "expected_pickup_at": _time(booking.expected_pickup_at),
        "reference": booking.reference,
        "distance_m": booking.distance_m,
        "fare": {"amount_minor": booking.fare_minor, "currency": booking.currency},
        "paid_by": str(booking.paid_by) or None,
        "refund": str(booking.refund_state),
        "fee": {"amount_minor": booking.fee_minor, "currency": booking.currency},
        "no_show": booking.no_show_at is not None,
        "unicorn": None
        if booking.unicorn_id is None
        else {"id": str(booking.unicorn_id), "name": booking.unicorn_name},
        "failure": {"code": booking.failure_code, "detail": booking.failure_detail} if booking.failure_code else None,
        "requested_at": _time(booking.requested_at),
        "confirmed_at": _time(booking.confirmed_at),
        "completed_at": _time(booking.completed_at),
        "cancelled_at": _time(booking.cancelled_at),
        "failed_at": _time(booking.failed_at),
        "links": {"self": booking_path(booking.id), "operation": f"/api/v1/operations/{booking.operation_id}"},
    }


def _place(latitude: float, longitude: float, label: str) -> dict[str, Any]:
    return {"latitude": latitude, "longitude": longitude, "label": label}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
