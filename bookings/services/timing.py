"""What happens because time has passed."""

from uuid import UUID

from bookings import saga
from bookings.errors import BookingTookTooLong
from bookings.saga import State, Trigger
from bookings.services._locking import locked
from bookings.services.process import Facts, advance


def meet_deadline(*, booking_id: UUID, watches: saga.Deadline) -> None:
    """End what is still waiting; does nothing once the states that this deadline watches over are left."""
    held = locked(booking_id)
    if held is None or saga.TABLE[State(held.booking.state)].deadline is not watches:
        return
    error = BookingTookTooLong("The ride was not confirmed in time. Nothing stays charged; try again.")
    advance(held, Trigger.DEADLINE, Facts(now=held.now, error=error))


def complete_ride(*, booking_id: UUID) -> None:
    """The ride's time is over."""
    held = locked(booking_id)
    if held is not None:
        advance(held, Trigger.RIDE_OVER)
