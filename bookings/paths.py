"""Where a booking is found, and what its operations are called."""

from uuid import UUID

OPERATION_CREATE = "booking"
OPERATION_CANCEL = "cancellation"


def booking_path(booking_id: UUID) -> str:
    """The booking's path on the tenant's host."""
    return f"/api/v1/bookings/{booking_id}"
