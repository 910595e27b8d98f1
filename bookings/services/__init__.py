"""What can be done with bookings. Every function runs in the caller's transaction, inside the tenant's schema."""

from bookings.services.accepting import Acceptance, accept_offer
from bookings.services.cancelling import cancel_booking, cancel_by_operation, report_no_show
from bookings.services.planning import give_up_planning, plan_ride
from bookings.services.reacting import (
    payment_captured,
    payment_declined,
    payment_failed,
    payment_on_credit,
    payment_refunded,
    refund_failed,
)
from bookings.services.requesting import RideRequest, request_booking
from bookings.services.timing import complete_ride, meet_deadline

__all__ = [
    "Acceptance",
    "RideRequest",
    "accept_offer",
    "cancel_booking",
    "cancel_by_operation",
    "complete_ride",
    "give_up_planning",
    "meet_deadline",
    "payment_captured",
    "payment_declined",
    "payment_failed",
    "payment_on_credit",
    "payment_refunded",
    "plan_ride",
    "refund_failed",
    "report_no_show",
    "request_booking",
]
