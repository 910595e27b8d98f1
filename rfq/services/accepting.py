"""An offer becomes a ride, once. For bookings, which makes the ride in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fleet.services import award_call, revoke_award
from messaging.messages import correlated
from messaging.services import publish
from rfq import domain
from rfq.errors import OfferAccepted, OfferExpired, RequestWithdrawn
from rfq.events import RfqAccepted, RfqReopened
from rfq.models import Offer, Rfq, RfqState
from rfq.services._locking import locked
from rfq.services.closing import close
from rfq.services.telling import News, identity, tell_operators
from wildrydes.kernel.errors import NotFound


@dataclass(frozen=True)
class Taken:
    """The offer that was accepted, its request (whose row is held) and the database's time."""

    rfq: Rfq
    offer: Offer
    now: datetime


def take_offer(*, rfq_id: UUID, offer_id: UUID, booking_id: UUID) -> Taken:
    """Accept an offer on behalf of a ride. A request that is still open is closed by it.

    The caller makes the ride in the same transaction, or rolls it back.

    Raises:
        NotFound: there is no such request, or it has no such offer.
        RequestWithdrawn, OfferAccepted, OfferExpired: it is too late.
    """
    held = locked(rfq_id)
    offer = Offer.objects.filter(rfq_id=rfq_id, id=offer_id).first()
    if held is None or offer is None:
        raise NotFound("There is no such offer for this request.")
    rfq = held.rfq
    if rfq.state == domain.State.WITHDRAWN:
        raise RequestWithdrawn("Ask again for new offers.")
    if rfq.state == domain.State.ACCEPTED:
        raise OfferAccepted("Only one offer of a request becomes a ride.", extra={"booking_id": str(rfq.booking_id)})
    if offer.valid_until <= held.now:
        raise OfferExpired(f"It stood until {offer.valid_until:%Y-%m-%dT%H:%M:%SZ}. Take another one, or ask again.")
    if rfq.state == domain.State.OPEN:
        close(held, domain.Reason.ACCEPTED)
        offer.refresh_from_db()
    rfq.state, rfq.accepted_offer_id, rfq.booking_id = RfqState.ACCEPTED, offer.id, booking_id
    rfq.save(update_fields=["state", "accepted_offer_id", "booking_id"])
    award_call(request_id=rfq.id, unicorn_id=offer.unicorn_id)
    with correlated(rfq.correlation_id):
        tell_operators(rfq, [offer.unicorn_id], News.WON)
        publish(RfqAccepted(**identity(rfq), offer_id=offer.id, booking_id=booking_id))
    return Taken(rfq, offer, held.now)


def reopen_for(*, booking_id: UUID) -> bool:
    """The ride failed: its request's offers may be accepted again for as long as they stand. False: it came of no request."""
    found = Rfq.objects.filter(booking_id=booking_id).first()
    held = locked(found.id) if found else None
    if held is None or held.rfq.booking_id != booking_id:
        return False
    rfq = held.rfq
    winners = list(Offer.objects.filter(rfq=rfq, id__in=[rfq.accepted_offer_id]).values_list("unicorn_id", flat=True))
    rfq.state, rfq.accepted_offer_id, rfq.booking_id = RfqState.CLOSED, None, None
    rfq.save(update_fields=["state", "accepted_offer_id", "booking_id"])
    revoke_award(request_id=rfq.id)
    tell_operators(rfq, winners, News.RELEASED)
    publish(RfqReopened(**identity(rfq), booking_id=booking_id), correlation_id=rfq.correlation_id)
    return True
