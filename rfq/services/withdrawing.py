"""Calling a request off."""

from uuid import UUID

from api.services import cancel_operation
from fleet.services import withdraw_call
from messaging.messages import correlated
from messaging.services import publish
from rfq.domain import Reason, State
from rfq.errors import OfferAccepted
from rfq.events import RfqWithdrawn
from rfq.models import CloseReason, Rfq, RfqState
from rfq.services._locking import locked
from rfq.services.telling import News, identity, tell_operators
from wildrydes.kernel.errors import NotFound


def withdraw(*, rfq_id: UUID) -> Rfq:
    """Call it off, and let the unicorns know. Asking twice changes nothing.

    Raises:
        NotFound: there is no such request.
        OfferAccepted: it has become a ride, which is cancelled as rides are.
    """
    held = locked(rfq_id)
    if held is None:
        raise NotFound("There is no such request for quotes.")
    rfq = held.rfq
    if rfq.state == State.ACCEPTED:
        raise OfferAccepted("It has become a ride: cancel the booking.")
    if rfq.state == State.WITHDRAWN:
        return rfq
    was_open = rfq.state == State.OPEN
    rfq.state = RfqState.WITHDRAWN
    if was_open:
        rfq.closed_at, rfq.close_reason = held.now, CloseReason(Reason.WITHDRAWN.value)
    rfq.save(update_fields=["state", "closed_at", "close_reason"])
    with correlated(rfq.correlation_id):
        if was_open:
            cancel_operation(operation_id=rfq.operation_id)
        tell_operators(rfq, withdraw_call(request_id=rfq.id), News.WITHDRAWN)
        publish(RfqWithdrawn(**identity(rfq)))
    return rfq


def withdraw_by_operation(*, rfq_id: UUID) -> bool:
    """The client asked to cancel the operation: False when the request is closed by now, and its operation with it."""
    held = locked(rfq_id)
    if held is None or held.rfq.state != State.OPEN:
        return False
    withdraw(rfq_id=rfq_id)
    return True
