"""Finding the unicorn: quick database work, so it is a call in the same transaction and not a message."""

from datetime import timedelta
from uuid import UUID

from bookings import domain
from bookings.errors import FleetOutOfSight, NoUnicornFree, PlanningFailed
from bookings.saga import State, Trigger
from bookings.services._locking import locked
from bookings.services.process import Facts, advance, end_if_overdue
from fleet.domain import Point
from fleet.selectors import fleet_is_out_of_sight
from fleet.services import reserve_unicorn
from tenants.registry.context import current_tenant

# A hold outlives the booking's deadline, which gives the unicorn back by itself; this is for when even that is lost.
HOLD_GRACE = timedelta(minutes=5)


def plan_ride(*, booking_id: UUID) -> bool:
    """Reserve the nearest unicorn and ask for the fare; without one the booking fails and nothing is charged.

    False when nothing was done: the ride was planned before, or has ended.

    Raises:
        FleetOutOfSight: the positions are all too old to tell whether one is free (the feed was away for a while).
    """
    held = locked(booking_id)
    if held is None:
        return False
    ended = end_if_overdue(held)
    booking = held.booking
    if booking.state != State.REQUESTED:
        return ended
    start = max(booking.pickup_at, held.now)
    reserved = reserve_unicorn(
        tenant_id=current_tenant().id,
        booking_id=booking.id,
        pickup=Point(booking.pickup_latitude, booking.pickup_longitude),
        passengers=booking.passengers,
        start=start,
        end=domain.reserved_until(start, booking.distance_m),
        hold_until=booking.deadline_at + HOLD_GRACE,
    )
    if reserved is None and fleet_is_out_of_sight():
        raise FleetOutOfSight("No unicorn has been seen lately; the ride is planned when the fleet is in sight again.")
    if reserved is None:
        detail = f"No unicorn with {booking.passengers} seats is free near the pick-up. Try another time or place."
        return advance(held, Trigger.NO_UNICORN, Facts(now=held.now, error=NoUnicornFree(detail)))
    booking.unicorn_id = reserved.unicorn_id
    booking.unicorn_name = reserved.name
    booking.expected_pickup_at = max(booking.pickup_at, held.now + timedelta(seconds=reserved.eta_seconds))
    return advance(held, Trigger.PLANNED)


def give_up_planning(*, booking_id: UUID) -> None:
    """The outcome when the plan's message is dead-lettered."""
    held = locked(booking_id)
    if held is not None and held.booking.state == State.REQUESTED:
        error = PlanningFailed("We could not plan this ride; nothing was charged. Try again, or ask our support staff.")
        advance(held, Trigger.PLANNING_FAILED, Facts(now=held.now, error=error))
