"""What happens because time has passed."""

from uuid import UUID

from bookings.saga import Deadline, Trigger
from bookings.services._locking import locked
from bookings.services.process import advance, is_watched, meet


def meet_deadline(*, booking_id: UUID, watches: Deadline) -> None:
    """End what is still waiting; does nothing once the states that this deadline watches over are left."""
    held = locked(booking_id)
    if held is not None and is_watched(held, watches):
        meet(held)


def complete_ride(*, booking_id: UUID) -> None:
    """The ride's time is over."""
    held = locked(booking_id)
    if held is not None:
        advance(held, Trigger.RIDE_OVER)
