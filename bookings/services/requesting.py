"""Accepting a booking: everything that can be checked at once is, the rest happens after the answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from api.models import Operation
from api.services import open_operation
from bookings import domain, events, saga
from bookings.models import Booking
from bookings.paths import OPERATION_CREATE, booking_path
from bookings.services._locking import database_now
from fleet.domain import Point
from messaging.services import send
from payments.domain import check_source
from tenants.registry.context import current_tenant
from wildrydes.kernel.errors import InvalidInput
from wildrydes.kernel.ids import new_id


@dataclass(frozen=True, kw_only=True)
class RideRequest:
    """What a client asks for. No `pickup_at`: as soon as possible; no `payment_source`: the company's card on file."""

    pickup: Point
    dropoff: Point
    passengers: int
    pickup_label: str = ""
    dropoff_label: str = ""
    pickup_at: datetime | None = None
    reference: str = ""
    currency: str | None = None
    payment_source: str | None = None


def request_booking(*, user_id: UUID, wanted: RideRequest, correlation_id: UUID) -> tuple[Booking, Operation]:
    """Accept the booking: its row, its operation, the command that plans it and the one that keeps its deadline.

    Raises:
        InvalidInput: for a distance, a time, a text or a currency that cannot be.
    """
    tenant = current_tenant()
    now = database_now()
    distance = domain.checked_distance(wanted.pickup, wanted.dropoff)
    currency = domain.checked_currency(wanted.currency, tenant_currency=tenant.currency)
    price = domain.fare(distance=distance, passengers=wanted.passengers, currency=currency)
    time_allowed = timedelta(seconds=tenant.tier.booking_deadline_seconds)
    booking_id = new_id()
    operation = open_operation(
        kind=OPERATION_CREATE,
        user_id=user_id,
        resource_path=booking_path(booking_id),
        resource_id=booking_id,
        deadline_at=now + time_allowed,
        correlation_id=correlation_id,
    )
    booking = Booking.objects.create(
        id=booking_id,
        user_id=user_id,
        operation_id=operation.id,
        correlation_id=correlation_id,
        state=saga.FIRST.value,
        pickup_latitude=wanted.pickup.latitude,
        pickup_longitude=wanted.pickup.longitude,
        pickup_label=domain.checked_text(wanted.pickup_label, pointer="/pickup/label"),
        dropoff_latitude=wanted.dropoff.latitude,
        dropoff_longitude=wanted.dropoff.longitude,
        dropoff_label=domain.checked_text(wanted.dropoff_label, pointer="/dropoff/label"),
        passengers=wanted.passengers,
        pickup_at=domain.checked_pickup_time(wanted.pickup_at, now=now),
        reference=domain.checked_text(wanted.reference, pointer="/reference"),
        distance_m=distance,
        fare_minor=price.minor,
        currency=currency,
        payment_source=checked_source(wanted.payment_source),
        requested_at=now,
        deadline_at=now + time_allowed,
    )
    send(events.PlanRide(booking_id=booking_id), correlation_id=correlation_id)
    deadline = events.BookingDeadline(booking_id=booking_id, watches=saga.Deadline.BOOKING)
    send(deadline, correlation_id=correlation_id, delay=time_allowed)
    return booking, operation


def checked_source(wanted: str | None) -> str:
    """The payment source that was asked for, or the company's card.

    Raises:
        InvalidInput: it cannot be one.
    """
    if wanted is None:
        return domain.COMPANY_CARD
    try:
        return check_source(wanted)
    except InvalidInput as error:
        raise InvalidInput.at("/payment_source", error.detail) from error
