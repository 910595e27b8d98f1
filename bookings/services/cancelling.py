"""Calling a ride off: the row's lock decides whether that, the capture or the confirmation came first."""

from datetime import timedelta
from uuid import UUID

from api.models import Operation
from api.services import open_operation, succeed_operation
from audit.services import Actor, record
from bookings import domain
from bookings.errors import CannotCancel, CannotReportNoShow
from bookings.models import Booking
from bookings.paths import OPERATION_CANCEL, booking_path
from bookings.presentation import ride
from bookings.saga import Refuse, State, Trigger, decide
from bookings.services._locking import Locked, locked
from bookings.services.process import advance
from tenants.registry.context import current_tenant
from wildrydes.kernel.errors import NotFound


def cancel_booking(*, booking_id: UUID, correlation_id: UUID) -> Operation:
    """Call the ride off and answer the operation that tells when the fare is back, less the fee that the tier keeps.

    Asking twice answers the same operation.

    Raises:
        NotFound: for an unknown booking.
        CannotCancel: once the pick-up is due, or when the booking has failed.
    """
    held = locked(booking_id)
    if held is None:
        raise NotFound("There is no such booking.")
    booking = held.booking
    if booking.cancel_operation_id is not None:
        return Operation.objects.get(id=booking.cancel_operation_id)
    _check(held)
    operation = open_operation(
        kind=OPERATION_CANCEL,
        user_id=booking.user_id,
        resource_path=booking_path(booking.id),
        resource_id=booking.id,
        deadline_at=held.now + timedelta(seconds=current_tenant().tier.booking_deadline_seconds),
        correlation_id=correlation_id,
    )
    booking.cancel_operation_id = operation.id
    if booking.state == State.CONFIRMED:
        booking.fee_minor = _fee(held)
    if not advance(held, Trigger.CANCEL):
        _join(booking)
    return operation


def report_no_show(*, booking_id: UUID, actor: Actor) -> Booking:
    """The rider did not come: the ride ends, and the tier's fee is kept. Reported twice it is the same.

    Raises:
        NotFound: for an unknown booking.
        CannotReportNoShow: the rider may still come, the ride was never confirmed, or it has ended.
    """
    held = locked(booking_id)
    if held is None:
        raise NotFound("There is no such booking.")
    booking = held.booking
    if booking.state == State.CONFIRMED:
        pickup_at = booking.expected_pickup_at or booking.pickup_at
        if not domain.may_be_no_show(pickup_at=pickup_at, now=held.now):
            minutes = domain.NO_SHOW_GRACE // timedelta(minutes=1)
            raise CannotReportNoShow(f"The rider may still come: wait until {minutes} minutes after the pick-up.")
        booking.no_show_at = held.now
        booking.fee_minor = domain.no_show_fee(booking.fare_minor, percent=current_tenant().tier.no_show_fee_percent)
    if advance(held, Trigger.NO_SHOW):
        record(
            actor=actor,
            action="booking.no_show",
            subject_type="booking",
            subject_id=str(booking.id),
            tenant_id=current_tenant().id,
            details={"fee_minor": booking.fee_minor, "currency": booking.currency},
        )
    return booking


def cancel_by_operation(*, booking_id: UUID) -> bool:
    """The client asked to cancel the operation that makes the booking: False when the booking is decided by now."""
    held = locked(booking_id)
    undecided = held is not None and held.booking.state in (State.REQUESTED, State.PAYING)
    return held is not None and undecided and advance(held, Trigger.CANCEL)


def _check(held: Locked) -> None:
    booking = held.booking
    decision = decide(State(booking.state), Trigger.CANCEL)
    if isinstance(decision, Refuse):
        raise CannotCancel(f"It cannot be cancelled: {decision.why}.")
    pickup_at = booking.expected_pickup_at or booking.pickup_at
    if booking.state == State.CONFIRMED and not domain.may_cancel(pickup_at=pickup_at, now=held.now):
        raise CannotCancel("The pick-up is due; a ride can be cancelled until then.")


def _fee(held: Locked) -> int:
    """What the tier keeps of a confirmed ride that is called off now; one that is not confirmed yet is free."""
    booking, tier = held.booking, current_tenant().tier
    return domain.cancellation_fee(
        booking.fare_minor,
        pickup_at=booking.expected_pickup_at or booking.pickup_at,
        now=held.now,
        free_for=timedelta(minutes=tier.free_cancellation_minutes),
        percent=tier.late_cancellation_fee_percent,
    )


def _join(booking: Booking) -> None:
    """It was called off before, by way of its first operation: this one only follows."""
    booking.save(update_fields=["cancel_operation_id"])
    if booking.state == State.CANCELLED and booking.cancel_operation_id is not None:
        succeed_operation(operation_id=booking.cancel_operation_id, result=ride(booking))
