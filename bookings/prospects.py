"""What handling the ride's messages would come to now, read from the saga's table and the booking's row."""

from uuid import UUID

from django.db.models.functions import Now

from api.events import OperationCancelRequested
from bookings import events
from bookings.models import Booking, PaidBy, RefundState
from bookings.paths import OPERATION_CREATE
from bookings.saga import TABLE, Action, Deadline, Ignore, Move, Refuse, State, Trigger, decide
from messaging.messages import Envelope
from messaging.prospects import cannot_tell, nothing_due, would
from messaging.topology import Prospect
from payments.events import (
    PaymentCaptured,
    PaymentDeclined,
    PaymentFailed,
    PaymentOnCredit,
    PaymentRefunded,
    RefundFailed,
)
from payments.prospects import goes_back
from wildrydes.kernel.money import Money

_NO_BOOKING = nothing_due("There is no such booking.")


def of_plan(message: Envelope[events.PlanRide]) -> Prospect:
    """Of `bookings.plan_ride`."""
    booking = _booking(message.body.booking_id)
    if booking is None:
        return _NO_BOOKING
    if _is_overdue(booking):
        return _moved(booking, Trigger.DEADLINE)
    if booking.state != State.REQUESTED:
        return nothing_due(f"The ride was planned, or has ended: it is {booking.state}.")
    fare = Money(booking.fare_minor, booking.currency)
    return would(f"A unicorn would be looked for; when one is free, {fare} would be asked for.", fare)


def of_deadline(message: Envelope[events.BookingDeadline]) -> Prospect:
    """Of `bookings.deadline`."""
    booking = _booking(message.body.booking_id)
    if booking is None:
        return _NO_BOOKING
    if message.body.watches not in set(Deadline):
        return cannot_tell("It watches over something that this version does not know; it would fail again.")
    if TABLE[State(booking.state)].deadline != message.body.watches:
        return nothing_due(f"What the deadline watched over has ended: the ride is {booking.state}.")
    return _moved(booking, Trigger.DEADLINE)


def of_completion(message: Envelope[events.CompleteRide]) -> Prospect:
    """Of `bookings.complete_ride`."""
    booking = _booking(message.body.booking_id)
    return _NO_BOOKING if booking is None else _moved(booking, Trigger.RIDE_OVER)


def of_captured(message: Envelope[PaymentCaptured]) -> Prospect:
    """Of `payment.captured`."""
    return _told(message.body.booking_id, Trigger.CAPTURED)


def of_on_credit(message: Envelope[PaymentOnCredit]) -> Prospect:
    """Of `payment.on_credit`."""
    return _told(message.body.booking_id, Trigger.ON_CREDIT)


def of_declined(message: Envelope[PaymentDeclined]) -> Prospect:
    """Of `payment.declined`."""
    return _told(message.body.booking_id, Trigger.DECLINED)


def of_payment_failed(message: Envelope[PaymentFailed]) -> Prospect:
    """Of `payment.failed`."""
    return _told(message.body.booking_id, Trigger.PAYMENT_FAILED)


def of_refunded(message: Envelope[PaymentRefunded]) -> Prospect:
    """Of `payment.refunded`."""
    return _told(message.body.booking_id, Trigger.REFUNDED, refunded_minor=message.body.amount_minor)


def of_refund_failed(message: Envelope[RefundFailed]) -> Prospect:
    """Of `payment.refund_failed`."""
    return _told(message.body.booking_id, Trigger.REFUND_FAILED)


def of_cancel_request(message: Envelope[OperationCancelRequested]) -> Prospect:
    """Of `operation.cancel_requested`."""
    if message.body.kind != OPERATION_CREATE:
        return nothing_due("Only an operation that makes a booking can be cancelled like this.")
    booking = _booking(message.body.resource_id)
    if booking is None:
        return _NO_BOOKING
    if booking.state not in (State.REQUESTED, State.PAYING):
        return nothing_due(f"The ride was decided before the wish was handled: it is {booking.state}.")
    return _moved(booking, Trigger.CANCEL)


def _booking(booking_id: UUID) -> Booking | None:
    return Booking.objects.annotate(db_now=Now()).filter(id=booking_id).first()


def _is_overdue(booking: Booking) -> bool:
    watched = TABLE[State(booking.state)].deadline is Deadline.BOOKING
    return watched and booking.db_now >= booking.deadline_at  # type: ignore[attr-defined]  # annotated above


def _told(booking_id: UUID, trigger: Trigger, *, refunded_minor: int = 0) -> Prospect:
    """What hearing from payments would do: a booking whose time is over fails first, whatever was heard."""
    booking = _booking(booking_id)
    if booking is None:
        return cannot_tell("There is no booking for this payment; it would be refused again.")
    if _is_overdue(booking):
        return _moved(booking, Trigger.DEADLINE)
    return _moved(booking, trigger, refunded_minor=refunded_minor)


def _moved(booking: Booking, trigger: Trigger, *, refunded_minor: int = 0) -> Prospect:
    """The table's answer in words; a move that would write what is written already is nothing."""
    state = State(booking.state)
    decision = decide(state, trigger)
    if isinstance(decision, Refuse):
        return cannot_tell(f"The ride is {state}; it would be refused again: {decision.why}.")
    if isinstance(decision, Ignore):
        return nothing_due(f"The ride is {state}: {decision.why}.")
    actions = [action for action in decision.actions if _has_effect(booking, action, refunded_minor)]
    if decision.to is state and not actions:
        return nothing_due(f"The ride is {state}, and all of this was done before.")
    money = goes_back(booking.id) if Action.REQUEST_REFUND in actions else None
    return would(_sentence(state, decision, actions, money), money)


def _sentence(state: State, move: Move, actions: list[Action], money: Money | None) -> str:
    begin = f"The ride stays {state}" if move.to is state else f"The ride goes from {state} to {move.to}"
    doing = f": {', '.join(actions)}" if actions else ""
    return f"{begin}{doing}{f' ({money})' if money else ''}."


def _has_effect(booking: Booking, action: Action, refunded_minor: int) -> bool:
    """Whether doing it now would change anything."""
    if action is Action.NOTE_CAPTURED:
        return booking.paid_by != PaidBy.CARD
    if action is Action.REQUEST_REFUND:
        return booking.refund_requested_at is None
    if action is Action.NOTE_REFUNDED:
        return booking.refund_state != (RefundState.DONE if refunded_minor else RefundState.NONE)
    if action is Action.NOTE_REFUND_FAILED:
        return booking.refund_state != RefundState.OWED
    return True
