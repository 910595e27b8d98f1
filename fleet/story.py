"""The unicorn's part of a booking's story. In `public`; reservations know their tenant, which makes them quick to find by."""

from uuid import UUID

from django.db.models import Q

from fleet.models import Reservation
from wildrydes.kernel.story import Kind, Moment, Tone


def reserved_for(some_id: UUID) -> tuple[UUID, UUID] | None:
    """Tenant and booking of the reservation with this id, or for the booking with this id."""
    found = Reservation.objects.filter(Q(booking_id=some_id) | Q(id=some_id))
    return found.values_list("tenant_id", "booking_id").first()


def story_of(booking_id: UUID, *, tenant_id: UUID) -> list[Moment]:
    """Reserved, and given back."""
    reservation = (
        Reservation.objects.select_related("unicorn").filter(booking_id=booking_id, tenant_id=tenant_id).first()
    )
    if reservation is None:
        return []
    name = reservation.unicorn.name
    told = [
        Moment(
            at=reservation.reserved_at, kind=Kind.UNICORN, title=f"{name} reserved", id=reservation.id,
            detail=f"{reservation.distance_m} m from the pick-up.", lane="bookings",
        )
    ]  # fmt: skip
    if reservation.released_at is not None:
        told.append(
            Moment(
                at=reservation.released_at, kind=Kind.UNICORN, title=f"{name} released", tone=Tone.WARN, lane="bookings"
            )
        )
    return told
