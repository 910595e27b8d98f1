"""The aggregator: works off the response queue."""

from uuid import UUID

from api.services import record_step
from messaging.services import publish
from rfq.domain import State
from rfq.events import OfferReceived
from rfq.models import Offer
from rfq.services.closing import close_if_complete
from rfq.services.telling import identity


def consider_answer(*, rfq_id: UUID, invitation_id: UUID) -> bool:
    """Tell of an offer that has arrived, and close the request when it is complete; False when there was nothing to do."""
    offer = Offer.objects.select_related("rfq").filter(invitation_id=invitation_id, rfq_id=rfq_id).first()
    if offer is not None:
        if offer.rfq.state == State.OPEN:
            record_step(operation_id=offer.rfq.operation_id, step="first offer")
        publish(
            OfferReceived(
                **identity(offer.rfq),
                offer_id=offer.id,
                price_minor=offer.price_minor,
                currency=offer.rfq.currency,
                eta_seconds=offer.eta_seconds,
                valid_until=offer.valid_until,
            )
        )
    closed = close_if_complete(rfq_id=rfq_id)
    return offer is not None or closed
