"""What happens because time has passed."""

from uuid import UUID

from bookings.saga import Deadline, Trigger
from bookings.services._locking import locked
from bookings.services.process import advance, is_watched, meet


def meet_deadline(*, booking_id: UUID, watches: Deadline) -> bool:
    """End what is still waiting; False once the states that this deadline watches over are left."""
    held = locked(booking_id)
    return held is not None and is_watched(held, watches) and meet(held)


def complete_ride(*, booking_id: UUID) -> bool:
    """The ride's time is over; False when there is no ride to close."""
    held = locked(booking_id)
    return held is not None and advance(held, Trigger.RIDE_OVER)
