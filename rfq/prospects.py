"""What handling the messages of requests for quotes would come to now."""

from uuid import UUID

from django.db.models.functions import Now

from api.events import OperationCancelRequested
from fleet.selectors import push_target
from messaging.messages import Envelope
from messaging.prospects import cannot_tell, nothing_due, would
from messaging.topology import Prospect
from rfq import events
from rfq.domain import State, reason_to_close
from rfq.models import Offer, Rfq
from rfq.paths import OPERATION
from rfq.pushing import told
from rfq.selectors import counts_of
from rfq.services.telling import News
from wildrydes.kernel.http import OutboundRefused, origin_of

_NO_REQUEST = nothing_due("There is no such request.")


def of_scatter(message: Envelope[events.Scatter]) -> Prospect:
    """Of `rfq.scatter`."""
    rfq = _request(message.body.rfq_id)
    if rfq is None:
        return _NO_REQUEST
    if rfq.state != State.OPEN or rfq.scattered_at is not None:
        return nothing_due(f"The unicorns were asked, or the request has ended: it is {rfq.state}.")
    if rfq.db_now >= rfq.deadline_at:  # type: ignore[attr-defined]  # annotated
        return would("The deadline has passed: the request would be closed without offers.")
    return would("The unicorns of the vicinity would be asked.")


def of_answer(message: Envelope[events.ConsiderAnswer]) -> Prospect:
    """Of `rfq.consider_answer`."""
    rfq = _request(message.body.rfq_id)
    if rfq is None:
        return _NO_REQUEST
    offered = Offer.objects.filter(invitation_id=message.body.invitation_id, rfq=rfq).exists()
    closing = _closing(rfq)
    if not offered and not closing:
        return nothing_due("The unicorn declined, and there is nothing to close.")
    parts = (["the offer would be announced"] if offered else []) + (["the request would be closed"] if closing else [])
    return would(f"{' and '.join(parts).capitalize()}.")


def of_close(message: Envelope[events.CloseRfq]) -> Prospect:
    """Of `rfq.close`."""
    rfq = _request(message.body.rfq_id)
    if rfq is None:
        return _NO_REQUEST
    if not _closing(rfq):
        return nothing_due(f"There is nothing to close: the request is {rfq.state}.")
    return would("The request would be closed and its offers ranked.")


def of_cancel_request(message: Envelope[OperationCancelRequested]) -> Prospect:
    """Of `operation.cancel_requested`."""
    if message.body.kind != OPERATION:
        return nothing_due("Only an operation that asks for quotes can be withdrawn like this.")
    rfq = _request(message.body.resource_id)
    if rfq is None:
        return _NO_REQUEST
    if rfq.state != State.OPEN:
        return nothing_due(f"The request was decided before the wish was handled: it is {rfq.state}.")
    return would("The request would be withdrawn, and the unicorns told.")


def of_telling(message: Envelope[events.TellOperator]) -> Prospect:
    """Of `rfq.tell_operator`. Of the operator's address only the host is told."""
    rfq, target = _request(message.body.rfq_id), push_target(message.body.operator_id)
    if rfq is None:
        return _NO_REQUEST
    if target is None:
        return nothing_due("The operator has no address to push to.")
    if told(rfq, operator_id=message.body.operator_id, news=News(message.body.news)) is None:
        return nothing_due("There is nothing to tell any more.")
    try:
        return would(f"POST to {origin_of(target.url)}.")
    except OutboundRefused:
        return cannot_tell("The operator's address may not be called.")


def _request(rfq_id: UUID) -> Rfq | None:
    return Rfq.objects.annotate(db_now=Now()).filter(id=rfq_id).first()


def _closing(rfq: Rfq) -> bool:
    if rfq.state != State.OPEN:
        return False
    now = rfq.db_now  # type: ignore[attr-defined]  # annotated
    limits = {"wanted_offers": rfq.wanted_offers, "deadline_at": rfq.deadline_at, "now": now}
    return reason_to_close(counts_of(rfq), **limits) is not None
