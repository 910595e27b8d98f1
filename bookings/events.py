"""What bookings asks for and what it tells. Ids are UUIDs, times UTC, amounts integer minor units."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from messaging.messages import Command, Event


class PlanRide(Command, frozen=True, kw_only=True):
    """Find and reserve a unicorn, then ask for the fare."""

    topic: ClassVar[str] = "bookings.plan_ride"

    booking_id: UUID


class BookingDeadline(Command, frozen=True, kw_only=True):
    """End what is still waiting. `watches` is a `saga.Deadline`; sent delayed, on entering what it watches over."""

    topic: ClassVar[str] = "bookings.deadline"

    booking_id: UUID
    watches: str


class CompleteRide(Command, frozen=True, kw_only=True):
    """The ride's time is over; sent delayed, on confirmation."""

    topic: ClassVar[str] = "bookings.complete_ride"

    booking_id: UUID


class BookingEvent(Event, frozen=True, kw_only=True):
    """What every event about a booking says. `reference` is the client's own text, empty when none was given."""

    booking_id: UUID
    user_id: UUID
    reference: str
    fare_minor: int
    currency: str
    pickup_at: datetime


class BookingConfirmed(BookingEvent, frozen=True, kw_only=True):
    """The fare is paid and the unicorn comes. `paid_by` is `card` or `store_credit`."""

    topic: ClassVar[str] = "booking.confirmed"

    unicorn_id: UUID
    unicorn_name: str
    expected_pickup_at: datetime
    paid_by: str


class BookingFailed(BookingEvent, frozen=True, kw_only=True):
    """There will be no ride, and nothing is owed. `code` is stable, `detail` a sentence for a person."""

    topic: ClassVar[str] = "booking.failed"

    code: str
    detail: str


class BookingCancelled(BookingEvent, frozen=True, kw_only=True):
    """Cancelled at the client's wish, or missed by the rider (`no_show`).

    `was_confirmed` tells whether a confirmation went out before, `fee_minor` what is kept of the fare.
    """

    topic: ClassVar[str] = "booking.cancelled"

    was_confirmed: bool
    fee_minor: int = 0
    no_show: bool = False


class BookingCompleted(BookingEvent, frozen=True, kw_only=True):
    """The ride took place."""

    topic: ClassVar[str] = "booking.completed"

    unicorn_id: UUID
    unicorn_name: str
