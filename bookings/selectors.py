"""Reading bookings: a rider sees their own, managers and administrators all of the company's."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from api.principal import Principal
from bookings.models import Booking
from wildrydes.kernel.errors import NotFound


def visible_bookings(principal: Principal) -> QuerySet[Booking]:
    """The bookings that the caller may see."""
    bookings = Booking.objects.all()
    return bookings if principal.sees_everyone else bookings.filter(user_id=principal.user_id)


def booking_for(principal: Principal, booking_id: UUID) -> Booking:
    """One of them.

    Raises:
        NotFound: there is none with this id, or it is another user's.
    """
    booking = visible_bookings(principal).filter(id=booking_id).first()
    if booking is None:
        raise NotFound("There is no such booking, or it is not yours.")
    return booking


def filtered(
    bookings: QuerySet[Booking],
    *,
    state: str | None = None,
    pickup_from: datetime | None = None,
    pickup_to: datetime | None = None,
    reference: str | None = None,
) -> QuerySet[Booking]:
    """Those in a state, with the client's reference, and to be picked up from one moment until before another."""
    if state is not None:
        bookings = bookings.filter(state=state)
    if pickup_from is not None:
        bookings = bookings.filter(pickup_at__gte=pickup_from)
    if pickup_to is not None:
        bookings = bookings.filter(pickup_at__lt=pickup_to)
    if reference is not None:
        bookings = bookings.filter(reference=reference)
    return bookings


def ride_of(correlation_id: UUID) -> Booking | None:
    """The booking whose story has this correlation id, for support staff; None when it belongs to no ride."""
    return Booking.objects.filter(correlation_id=correlation_id).order_by("requested_at").first()
