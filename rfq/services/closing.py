"""Closing a request: once, by whoever holds its row, with every answer that came in time."""

from uuid import UUID

import structlog

from api.services import fail_operation, succeed_operation
from fleet.services import close_call
from messaging.messages import correlated
from messaging.services import publish
from rfq import domain, metrics
from rfq.errors import NoOffers
from rfq.events import RfqClosed
from rfq.models import CloseReason, Offer, Rfq, RfqState
from rfq.presentation import quotes
from rfq.selectors import counts_of, place_offers
from rfq.services._locking import Locked, locked
from rfq.services.telling import identity

_log = structlog.get_logger(__name__)


def close_if_complete(*, rfq_id: UUID) -> bool:
    """Close it when the deadline has passed, all have answered or enough offers are there; answers whether this call did.

    An answer is stored holding the row `FOR SHARE`: while we hold it `FOR UPDATE`, everything that came in time is there.
    """
    rfq = Rfq.objects.filter(id=rfq_id, state=RfqState.OPEN).first()
    if rfq is None:
        return False
    held = locked(rfq_id)
    if held is None or held.rfq.state != domain.State.OPEN:
        return False
    reason = domain.reason_to_close(
        counts_of(held.rfq), wanted_offers=held.rfq.wanted_offers, deadline_at=held.rfq.deadline_at, now=held.now
    )
    if reason is None:
        return False
    close(held, reason)
    return True


def close(held: Locked, reason: domain.Reason) -> None:
    """Rank what is there and end the operation; the request must be open and held."""
    rfq = held.rfq
    offers = list(Offer.objects.filter(rfq=rfq))
    ranking = place_offers(rfq, offers)
    Offer.objects.bulk_update(offers, ["rank", "score"])
    rfq.state = RfqState.CLOSED
    rfq.close_reason = CloseReason(reason.value)
    rfq.closed_at = held.now
    rfq.save(force_update=True)
    close_call(request_id=rfq.id)
    # The client's wish to accept or a watch may be what closes it; it belongs to the request's story all the same.
    with correlated(rfq.correlation_id):
        if offers:
            succeed_operation(operation_id=rfq.operation_id, result=quotes(rfq, offers, now=held.now))
        else:
            fail_operation(operation_id=rfq.operation_id, error=_no_offers(rfq, reason))
        publish(
            RfqClosed(
                **identity(rfq),
                reason=reason.value,
                offers=len(offers),
                best_offer_id=ranking[0].quote.offer_id if ranking else None,
            )
        )
    metrics.closed(reason, late=(held.now - rfq.deadline_at).total_seconds(), offers=len(offers))
    _log.info("rfq.closed", rfq=str(rfq.id), reason=reason.value, offers=len(offers))


def _no_offers(rfq: Rfq, reason: domain.Reason) -> NoOffers:
    if reason is domain.Reason.NOBODY_NEAR:
        return NoOffers("No unicorn that would do is near the pick-up. Widen the radius, or wish for less.")
    return NoOffers(
        f"Of {rfq.asked or 0} unicorns that were asked none made an offer in time. Ask again a little later."
    )
