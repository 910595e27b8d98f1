"""An accepted offer becomes a ride: at its price, with its unicorn, once."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from api.models import Operation
from api.services import open_operation
from bookings import domain, events, saga
from bookings.models import Booking
from bookings.paths import OPERATION_CREATE, booking_path
from bookings.saga import Trigger
from bookings.services._locking import Locked
from bookings.services.planning import HOLD_GRACE
from bookings.services.process import advance
from bookings.services.requesting import checked_source
from fleet.domain import Point
from fleet.services import reserve_unicorn
from messaging.messages import correlated
from messaging.services import send
from rfq.errors import OfferGone
from rfq.presentation import offer_body
from rfq.selectors import next_best
from rfq.services import Taken, take_offer
from tenants.registry.context import current_tenant
from wildrydes.kernel.ids import new_id


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """Which offer of which request; no `payment_source`: the company's card on file."""

    rfq_id: UUID
    offer_id: UUID
    payment_source: str | None = None


def accept_offer(*, user_id: UUID, wanted: Acceptance) -> tuple[Booking, Operation]:
    """Book the offer for the user: its unicorn is reserved and its price asked for in the caller's transaction.

    The ride belongs to the request's story: it has the request's correlation id.

    Raises:
        NotFound, RequestWithdrawn, OfferAccepted, OfferExpired: there is nothing to accept any more.
        OfferGone: the unicorn took another ride; `next_offer` is the best of what is left, None when nothing is.
        InvalidInput: the payment source cannot be.
    """
    source = checked_source(wanted.payment_source)
    booking_id = new_id()
    taken = take_offer(rfq_id=wanted.rfq_id, offer_id=wanted.offer_id, booking_id=booking_id)
    rfq = taken.rfq
    time_allowed = timedelta(seconds=current_tenant().tier.booking_deadline_seconds)
    with correlated(rfq.correlation_id):
        operation = open_operation(
            kind=OPERATION_CREATE,
            user_id=user_id,
            resource_path=booking_path(booking_id),
            resource_id=booking_id,
            deadline_at=taken.now + time_allowed,
            correlation_id=rfq.correlation_id,
        )
        booking = _ride_of(taken, operation, source=source, time_allowed=time_allowed)
        deadline = events.BookingDeadline(booking_id=booking_id, watches=saga.Deadline.BOOKING)
        send(deadline, delay=time_allowed)
        _plan(booking, taken)
    operation.refresh_from_db()
    return booking, operation


def _ride_of(taken: Taken, operation: Operation, *, source: str, time_allowed: timedelta) -> Booking:
    rfq, offer = taken.rfq, taken.offer
    return Booking.objects.create(
        id=operation.resource_id,
        user_id=operation.user_id,
        operation_id=operation.id,
        correlation_id=rfq.correlation_id,
        state=saga.FIRST.value,
        pickup_latitude=rfq.pickup_latitude,
        pickup_longitude=rfq.pickup_longitude,
        pickup_label=rfq.pickup_label,
        dropoff_latitude=rfq.dropoff_latitude,
        dropoff_longitude=rfq.dropoff_longitude,
        dropoff_label=rfq.dropoff_label,
        passengers=rfq.passengers,
        pickup_at=max(rfq.pickup_at, taken.now),
        reference=rfq.reference,
        distance_m=rfq.distance_m,
        fare_minor=offer.price_minor,
        currency=rfq.currency,
        payment_source=source,
        requested_at=taken.now,
        deadline_at=taken.now + time_allowed,
    )


def _plan(booking: Booking, taken: Taken) -> None:
    """Reserve the offer's unicorn, and no other; then the ride goes on as every ride does.

    Raises:
        OfferGone: somebody else has it.
    """
    start = booking.pickup_at
    reserved = reserve_unicorn(
        tenant_id=current_tenant().id,
        booking_id=booking.id,
        pickup=Point(booking.pickup_latitude, booking.pickup_longitude),
        passengers=booking.passengers,
        start=start,
        end=domain.reserved_until(start, booking.distance_m),
        hold_until=booking.deadline_at + HOLD_GRACE,
        unicorn_id=taken.offer.unicorn_id,
    )
    if reserved is None:
        following = next_best(taken.rfq, but=taken.offer.id, now=taken.now)
        left = (
            "The next best offer is in `next_offer`." if following else "None of the other offers is left: ask again."
        )
        # As it is without this acceptance, which is rolled back.
        taken.rfq.accepted_offer_id = None
        told = None if following is None else offer_body(taken.rfq, following, now=taken.now)
        raise OfferGone(f"{taken.offer.unicorn_name} took another ride. {left}", extra={"next_offer": told})
    booking.unicorn_id = reserved.unicorn_id
    booking.unicorn_name = reserved.name
    booking.expected_pickup_at = max(booking.pickup_at, taken.now + timedelta(seconds=taken.offer.eta_seconds))
    advance(Locked(booking, taken.now), Trigger.PLANNED)
