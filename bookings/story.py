"""The ride's part of its story."""

from collections.abc import Iterable
from uuid import UUID

from bookings.models import Booking, RefundState
from bookings.saga import State
from wildrydes.kernel.money import Money
from wildrydes.kernel.story import Kind, Lookup, Moment, Tone

# More rides than a person would choose from.
_SOME = 21

LOOKUPS = (
    Lookup(
        kind="booking",
        by="uuid",
        sql="SELECT id, correlation_id, NULL::uuid FROM {s}bookings_booking WHERE id = %(uuid)s",
    ),
    Lookup(
        kind="the client's reference",
        unique=False,
        by="text",
        sql="SELECT id, correlation_id, NULL::uuid FROM {s}bookings_booking"
        " WHERE reference = %(text)s AND reference <> '' LIMIT 21",
    ),
)
TONES = {
    State.CONFIRMED: Tone.GOOD,
    State.COMPLETED: Tone.GOOD,
    State.FAILED: Tone.BAD,
    State.FAILING: Tone.BAD,
    State.CANCELLED: Tone.WARN,
    State.CANCELLING: Tone.WARN,
}


def booking_of(booking_id: UUID) -> Booking | None:
    """The ride itself."""
    return Booking.objects.filter(id=booking_id).first()


def bookings_correlated(correlation_ids: Iterable[UUID]) -> list[UUID]:
    """Rides that share a correlation id: one as a rule, more when a client used one for several requests."""
    found = Booking.objects.filter(correlation_id__in=list(correlation_ids)).order_by("id")
    return list(found.values_list("id", flat=True)[:_SOME])


def story_of(booking: Booking) -> list[Moment]:
    """When the ride was asked for and how it was decided. What the client wrote is not told."""
    fare = Money(booking.fare_minor, booking.currency)
    told = [
        Moment(
            at=booking.requested_at, kind=Kind.RIDE, title="Ride requested", lane="bookings", id=booking.id, money=fare
        )
    ]
    failed = f"{booking.failure_detail} ({booking.failure_code})"
    unicorn = f"{booking.unicorn_name} comes." if booking.unicorn_name else ""
    paid = f"Paid by {booking.get_paid_by_display().lower()}." if booking.paid_by else ""
    for at, title, detail, tone in (
        (booking.confirmed_at, "Ride confirmed", f"{unicorn} {paid}".strip(), Tone.GOOD),
        (booking.completed_at, "Ride completed", "", Tone.GOOD),
        (booking.no_show_at, "The rider did not come", _fee(booking), Tone.WARN),
        (booking.cancelled_at if booking.no_show_at is None else None, "Ride cancelled", _fee(booking), Tone.WARN),
        (booking.failed_at, "Ride failed", failed, Tone.BAD),
        (booking.refund_requested_at, "Payment asked back", _refund(booking), Tone.INFO),
    ):
        if at is not None:
            told.append(Moment(at=at, kind=Kind.RIDE, title=title, detail=detail, tone=tone, lane="bookings"))
    return told


def _fee(booking: Booking) -> str:
    return f"{Money(booking.fee_minor, booking.currency)} are kept." if booking.fee_minor else ""


def _refund(booking: Booking) -> str:
    return "" if booking.refund_state == RefundState.NONE else f"{booking.get_refund_state_display()}."
