"""What unicorns can be asked to carry, from where to where, when: rules that bookings and requests for quotes share. Pure."""

import unicodedata
from datetime import datetime, timedelta

from fleet.domain import Point, distance_m
from wildrydes.kernel.errors import InvalidInput

MIN_DISTANCE_M = 100
MAX_DISTANCE_M = 300_000
MAX_PASSENGERS = 6
MAX_TEXT = 100
PAST_TOLERANCE = timedelta(minutes=5)
MAX_AHEAD = timedelta(days=30)

# Unicorns canter at 15 m/s; getting on and off takes a while; the one that comes may need time to get there.
_SPEED_M_PER_S = 15
_HANDLING = timedelta(minutes=5)
_APPROACH = timedelta(minutes=40)


def checked_distance(pickup: Point, dropoff: Point) -> int:
    """The distance in metres as the crow flies.

    Raises:
        InvalidInput: when it is too near or too far for a unicorn.
    """
    distance = round(distance_m(pickup, dropoff))
    if distance < MIN_DISTANCE_M:
        raise InvalidInput.at("/dropoff", f"The ride is {distance} m long; unicorns carry from {MIN_DISTANCE_M} m on.")
    if distance > MAX_DISTANCE_M:
        raise InvalidInput.at(
            "/dropoff", f"The ride is {distance // 1000} km long; unicorns carry up to {MAX_DISTANCE_M // 1000} km."
        )
    return distance


def checked_pickup_time(wanted: datetime | None, *, now: datetime) -> datetime:
    """When to come: `now` when nothing was asked for, or a moment that has only just passed.

    Raises:
        InvalidInput: when it lies in the past or too far ahead.
    """
    if wanted is None:
        return now
    if wanted < now - PAST_TOLERANCE:
        raise InvalidInput.at("/pickup_at", "The pick-up is in the past; leave it out for a ride as soon as possible.")
    if wanted > now + MAX_AHEAD:
        raise InvalidInput.at("/pickup_at", f"Rides can be booked up to {MAX_AHEAD.days} days ahead.")
    return max(wanted, now)


def checked_text(text: str, *, pointer: str) -> str:
    """A label or reference without what a database or a log would stumble over (control characters, lone surrogates).

    Raises:
        InvalidInput: when there is such a character.
    """
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise InvalidInput.at(pointer, "Control characters and unpaired surrogates are not allowed here.")
    return text


def ride_duration(distance: int) -> timedelta:
    """How long a ride of `distance` metres takes, getting on and off included."""
    return timedelta(seconds=-(-distance // _SPEED_M_PER_S)) + _HANDLING


def reserved_until(start: datetime, distance: int) -> datetime:
    """Until when the unicorn is kept for a ride that is to start at `start`, its way there included."""
    return start + _APPROACH + ride_duration(distance)
