"""Acting on the saga's decisions: the one place where a booking changes its state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from api.services import cancel_operation, fail_operation, record_step, succeed_operation
from bookings import domain, events, saga
from bookings.errors import BookingTookTooLong, CannotCancel, CannotReportNoShow
from bookings.models import Booking, BookingState, PaidBy, RefundState
from bookings.presentation import ride
from bookings.saga import Action, Deadline, Ignore, Move, Refuse, State, Trigger
from bookings.services._locking import Locked
from fleet.services import confirm_reservation, release_unicorn
from messaging.errors import Reject
from messaging.messages import correlated
from messaging.services import publish, send
from payments.services import keep_payment, request_capture, request_refund
from tenants.registry.context import current_tenant
from wildrydes.kernel.errors import DomainError
from wildrydes.kernel.money import Money

_log = structlog.get_logger(__name__)
# How long a payment that never answered may keep a failed booking waiting for its refund before that is left to payments.
_COMPENSATION_TIME = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What came with the trigger: the database's time and, where there is one, the error, how it was paid, what came back."""

    now: datetime
    error: DomainError | None = None
    paid_by: PaidBy | None = None
    refunded_minor: int = 0


def advance(held: Locked, trigger: Trigger, facts: Facts | None = None) -> bool:
    """Apply the table to a locked booking; answers whether anything was done.

    Raises:
        CannotCancel, CannotReportNoShow: when a person asked for what the table refuses.
        Reject: when an event cannot have happened here; it is dead-lettered for support staff to look at.
    """
    booking = held.booking
    state = State(booking.state)
    decision = saga.decide(state, trigger)
    if isinstance(decision, Ignore):
        _log.info("saga.ignored", booking=str(booking.id), state=state, trigger=trigger, why=decision.why)
        return False
    if isinstance(decision, Refuse):
        if trigger is Trigger.CANCEL:
            raise CannotCancel(f"It cannot be cancelled: {decision.why}.")
        if trigger is Trigger.NO_SHOW:
            raise CannotReportNoShow(f"It cannot be reported as missed: {decision.why}.")
        raise Reject(f"A booking that is {state} got {trigger}: {decision.why}.")
    _apply(booking, state, decision, facts or Facts(now=held.now))
    _log.info("saga.moved", booking=str(booking.id), trigger=trigger, state=state, to=decision.to)
    return True


def end_if_overdue(held: Locked) -> bool:
    """Fail a booking whose deadline has passed before anything else happens to it; answers whether it did.

    Its deadline's own message may be late when workers were away, and its operation may have ended as expired meanwhile: a
    client that was told so must not find itself charged for a ride.
    """
    if is_watched(held, Deadline.BOOKING) and held.now >= held.booking.deadline_at:
        return meet(held)
    return False


def is_watched(held: Locked, watches: Deadline) -> bool:
    """Whether the booking is in a state that this deadline watches over."""
    return saga.TABLE[State(held.booking.state)].deadline is watches


def meet(held: Locked) -> bool:
    """The deadline of the booking's state has come; answers whether anything was done."""
    error = BookingTookTooLong("The ride was not confirmed in time. Nothing stays charged; try again.")
    return advance(held, Trigger.DEADLINE, Facts(now=held.now, error=error))


def _apply(booking: Booking, before: State, move: Move, facts: Facts) -> None:
    booking.state = BookingState(move.to.value)
    # A refund that a cancellation's request sets in motion belongs to the ride's story too.
    with correlated(booking.correlation_id):
        for action in move.actions:
            _ACTIONS[action](booking, facts)
        booking.save(force_update=True)
        watches = saga.TABLE[move.to].deadline
        if watches is not None and watches is not saga.TABLE[before].deadline:
            send(events.BookingDeadline(booking_id=booking.id, watches=watches), delay=_time_for(watches))


def _time_for(watches: Deadline) -> timedelta:
    if watches is Deadline.COMPENSATION:
        return _COMPENSATION_TIME
    return timedelta(seconds=current_tenant().tier.booking_deadline_seconds)


def _request_capture(booking: Booking, facts: Facts) -> None:
    request_capture(
        booking_id=booking.id,
        amount=Money(booking.fare_minor, booking.currency),
        source=booking.payment_source,
        user_id=booking.user_id,
        deadline=domain.payment_deadline(booking.deadline_at - facts.now),
    )
    record_step(operation_id=booking.operation_id, step="planned")


def _confirm(booking: Booking, facts: Facts) -> None:
    confirm_reservation(booking_id=booking.id)
    booking.confirmed_at = facts.now
    booking.paid_by = facts.paid_by or PaidBy.CARD
    expected = booking.expected_pickup_at or booking.pickup_at
    succeed_operation(operation_id=booking.operation_id, result=ride(booking))
    publish(
        events.BookingConfirmed(
            **_identity(booking),
            unicorn_id=_unicorn(booking),
            unicorn_name=booking.unicorn_name,
            expected_pickup_at=expected,
            paid_by=booking.paid_by,
        ),
    )
    send(
        events.CompleteRide(booking_id=booking.id),
        delay=max(expected + domain.ride_duration(booking.distance_m) - facts.now, timedelta(seconds=1)),
    )


def _note_captured(booking: Booking, facts: Facts) -> None:
    booking.paid_by = PaidBy.CARD


def _complete(booking: Booking, facts: Facts) -> None:
    booking.completed_at = facts.now
    publish(
        events.BookingCompleted(**_identity(booking), unicorn_id=_unicorn(booking), unicorn_name=booking.unicorn_name),
    )


def _identity(booking: Booking) -> dict[str, Any]:
    return {
        "booking_id": booking.id,
        "user_id": booking.user_id,
        "reference": booking.reference,
        "fare_minor": booking.fare_minor,
        "currency": booking.currency,
        "pickup_at": booking.pickup_at,
    }


def _unicorn(booking: Booking) -> UUID:
    if booking.unicorn_id is None:
        raise LookupError(f"Booking {booking.id} has no unicorn.")
    return booking.unicorn_id


def _release_unicorn(booking: Booking, facts: Facts) -> None:
    release_unicorn(booking_id=booking.id)


def _request_refund(booking: Booking, facts: Facts) -> None:
    """Once: payments answer one request, and take back whatever becomes of a capture that is still under way. A fee is kept."""
    if booking.refund_requested_at is not None:
        return
    booking.refund_requested_at = facts.now
    booking.refund_state = RefundState.PENDING
    goes_back = Money(booking.fare_minor - booking.fee_minor, booking.currency)
    if goes_back.minor:
        request_refund(booking_id=booking.id, amount=goes_back, reason=_why(booking))
    else:
        keep_payment(booking_id=booking.id, currency=booking.currency)


def _why(booking: Booking) -> str:
    if booking.no_show_at is not None:
        return "The rider did not come"
    return "The ride was cancelled" if booking.state == BookingState.CANCELLING else "The booking failed"


def _note_refunded(booking: Booking, facts: Facts) -> None:
    booking.refund_state = RefundState.DONE if facts.refunded_minor else RefundState.NONE


def _note_refund_failed(booking: Booking, facts: Facts) -> None:
    booking.refund_state = RefundState.OWED


def _announce_failure(booking: Booking, facts: Facts) -> None:
    error = facts.error or DomainError("The booking failed.")
    booking.failed_at = facts.now
    booking.failure_code = error.code
    booking.failure_detail = error.detail[:300]
    fail_operation(operation_id=booking.operation_id, error=error)
    publish(
        events.BookingFailed(**_identity(booking), code=booking.failure_code, detail=booking.failure_detail),
    )


def _announce_cancellation(booking: Booking, facts: Facts) -> None:
    booking.cancelled_at = facts.now
    cancel_operation(operation_id=booking.operation_id)
    publish(
        events.BookingCancelled(
            **_identity(booking),
            was_confirmed=booking.confirmed_at is not None,
            fee_minor=booking.fee_minor,
            no_show=booking.no_show_at is not None,
        ),
    )


def _end_cancellation(booking: Booking, facts: Facts) -> None:
    if booking.cancel_operation_id is not None:
        succeed_operation(operation_id=booking.cancel_operation_id, result=ride(booking))


_ACTIONS: Mapping[Action, Callable[[Booking, Facts], None]] = {
    Action.REQUEST_CAPTURE: _request_capture,
    Action.CONFIRM: _confirm,
    Action.NOTE_CAPTURED: _note_captured,
    Action.COMPLETE: _complete,
    Action.RELEASE_UNICORN: _release_unicorn,
    Action.REQUEST_REFUND: _request_refund,
    Action.NOTE_REFUNDED: _note_refunded,
    Action.NOTE_REFUND_FAILED: _note_refund_failed,
    Action.ANNOUNCE_FAILURE: _announce_failure,
    Action.ANNOUNCE_CANCELLATION: _announce_cancellation,
    Action.END_CANCELLATION: _end_cancellation,
}
