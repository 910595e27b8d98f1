"""What bookings reacts to; each translates and makes one call."""

from api.events import OperationCancelRequested
from bookings import events, services
from bookings.errors import FleetOutOfSight
from bookings.paths import OPERATION_CREATE
from bookings.saga import Deadline
from messaging.errors import PutBack
from messaging.messages import Envelope, Obsolete
from messaging.topology import DeadCause
from payments.events import (
    PaymentCaptured,
    PaymentDeclined,
    PaymentFailed,
    PaymentOnCredit,
    PaymentRefunded,
    RefundFailed,
)


def plan_ride(message: Envelope[events.PlanRide]) -> Obsolete | None:
    """Find and reserve a unicorn; while nobody knows where they are, wait, up to the booking's deadline."""
    try:
        return _unless(services.plan_ride(booking_id=message.body.booking_id))
    except FleetOutOfSight as error:
        raise PutBack(str(error), after=2.0) from error


def plan_ride_is_dead(message: Envelope[events.PlanRide], cause: DeadCause) -> None:
    """The booking fails with its message."""
    services.give_up_planning(booking_id=message.body.booking_id)


def meet_deadline(message: Envelope[events.BookingDeadline]) -> Obsolete | None:
    """End what still waits."""
    return _unless(services.meet_deadline(booking_id=message.body.booking_id, watches=Deadline(message.body.watches)))


def deadline_is_dead(message: Envelope[events.BookingDeadline], cause: DeadCause) -> None:
    """The deadline ends the booking even when its worker kept dying over it."""
    services.meet_deadline(booking_id=message.body.booking_id, watches=Deadline(message.body.watches))


def complete_ride(message: Envelope[events.CompleteRide]) -> Obsolete | None:
    """Close a ride whose time is over."""
    return _unless(services.complete_ride(booking_id=message.body.booking_id))


def complete_ride_is_dead(message: Envelope[events.CompleteRide], cause: DeadCause) -> None:
    """The ride took place, whatever became of the message."""
    services.complete_ride(booking_id=message.body.booking_id)


def payment_captured(message: Envelope[PaymentCaptured]) -> Obsolete | None:
    """Confirm, or give the money back when the ride is off."""
    return _unless(services.payment_captured(booking_id=message.body.booking_id))


def payment_on_credit(message: Envelope[PaymentOnCredit]) -> Obsolete | None:
    """Confirm on store credit."""
    return _unless(services.payment_on_credit(booking_id=message.body.booking_id))


def payment_declined(message: Envelope[PaymentDeclined]) -> Obsolete | None:
    """Release and fail."""
    return _unless(services.payment_declined(booking_id=message.body.booking_id, code=message.body.code))


def payment_failed(message: Envelope[PaymentFailed]) -> Obsolete | None:
    """Release and fail."""
    return _unless(services.payment_failed(booking_id=message.body.booking_id))


def payment_refunded(message: Envelope[PaymentRefunded]) -> Obsolete | None:
    """The compensation is complete."""
    return _unless(
        services.payment_refunded(booking_id=message.body.booking_id, amount_minor=message.body.amount_minor)
    )


def refund_failed(message: Envelope[RefundFailed]) -> Obsolete | None:
    """The compensation is owed."""
    return _unless(services.refund_failed(booking_id=message.body.booking_id))


def operation_cancel_requested(message: Envelope[OperationCancelRequested]) -> Obsolete | None:
    """A client asked to cancel an operation; only one that makes a booking is ours to cancel."""
    ours = message.body.kind == OPERATION_CREATE
    return _unless(ours and services.cancel_by_operation(booking_id=message.body.resource_id))


def _unless(done: bool) -> Obsolete | None:  # reads as a sentence
    """The handler's answer: nothing special when something was done, else that there was nothing to do any more."""
    return None if done else Obsolete("The ride has gone on without it.")
