"""What bookings reacts to; each translates and makes one call."""

from api.events import OperationCancelRequested
from bookings import events, services
from bookings.errors import FleetOutOfSight
from bookings.paths import OPERATION_CREATE
from bookings.saga import Deadline
from messaging.errors import PutBack
from messaging.messages import Envelope
from messaging.topology import DeadCause
from payments.events import (
    PaymentCaptured,
    PaymentDeclined,
    PaymentFailed,
    PaymentOnCredit,
    PaymentRefunded,
    RefundFailed,
)


def plan_ride(message: Envelope[events.PlanRide]) -> None:
    """Find and reserve a unicorn; while nobody knows where they are, wait, up to the booking's deadline."""
    try:
        services.plan_ride(booking_id=message.body.booking_id)
    except FleetOutOfSight as error:
        raise PutBack(str(error), after=2.0) from error


def plan_ride_is_dead(message: Envelope[events.PlanRide], cause: DeadCause) -> None:
    """The booking fails with its message."""
    services.give_up_planning(booking_id=message.body.booking_id)


def meet_deadline(message: Envelope[events.BookingDeadline]) -> None:
    """End what still waits."""
    services.meet_deadline(booking_id=message.body.booking_id, watches=Deadline(message.body.watches))


def deadline_is_dead(message: Envelope[events.BookingDeadline], cause: DeadCause) -> None:
    """The deadline ends the booking even when its worker kept dying over it."""
    services.meet_deadline(booking_id=message.body.booking_id, watches=Deadline(message.body.watches))


def complete_ride(message: Envelope[events.CompleteRide]) -> None:
    """Close a ride whose time is over."""
    services.complete_ride(booking_id=message.body.booking_id)


def complete_ride_is_dead(message: Envelope[events.CompleteRide], cause: DeadCause) -> None:
    """The ride took place, whatever became of the message."""
    services.complete_ride(booking_id=message.body.booking_id)


def payment_captured(message: Envelope[PaymentCaptured]) -> None:
    """Confirm, or give the money back when the ride is off."""
    services.payment_captured(booking_id=message.body.booking_id)


def payment_on_credit(message: Envelope[PaymentOnCredit]) -> None:
    """Confirm on store credit."""
    services.payment_on_credit(booking_id=message.body.booking_id)


def payment_declined(message: Envelope[PaymentDeclined]) -> None:
    """Release and fail."""
    services.payment_declined(booking_id=message.body.booking_id, code=message.body.code)


def payment_failed(message: Envelope[PaymentFailed]) -> None:
    """Release and fail."""
    services.payment_failed(booking_id=message.body.booking_id)


def payment_refunded(message: Envelope[PaymentRefunded]) -> None:
    """The compensation is complete."""
    services.payment_refunded(booking_id=message.body.booking_id, amount_minor=message.body.amount_minor)


def refund_failed(message: Envelope[RefundFailed]) -> None:
    """The compensation is owed."""
    services.refund_failed(booking_id=message.body.booking_id)


def operation_cancel_requested(message: Envelope[OperationCancelRequested]) -> None:
    """A client asked to cancel an operation; only one that makes a booking is ours to cancel."""
    if message.body.kind == OPERATION_CREATE:
        services.cancel_by_operation(booking_id=message.body.resource_id)
