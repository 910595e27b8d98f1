"""Giving money back, step by step."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models.functions import Now

from messaging.services import publish, send
from payments.accounts.directory import access_of
from payments.events import PaymentRefunded, RefundFailed, RefundPayment
from payments.models import Charge, Refund, RefundState
from payments.providers.base import Access, ProviderAnswer, RefundOrder
from payments.services.totals import move_refunded
from tenants.registry.context import current_tenant
from wildrydes.kernel.ids import new_id


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundIntent:
    """A refund that is about to be asked for."""

    access: Access
    order: RefundOrder
    may_have_been_sent: bool


def open_refund(charge: Charge, *, amount_minor: int, reason: str) -> None:
    """Decide that a captured charge goes back, once; the caller holds the charge's lock."""
    refund_id = new_id()
    refund, is_new = Refund.objects.get_or_create(
        charge=charge,
        defaults={
            "id": refund_id,
            "amount_minor": amount_minor,
            "currency": charge.currency,
            "reason": reason[:200],
            "idempotency_key": f"refund-{refund_id}",
        },
    )
    if is_new:
        send(RefundPayment(refund_id=refund.id))


def begin_refund(*, refund_id: UUID) -> RefundIntent | None:
    """Commit that the provider is about to be asked; None when the money is back already.

    A refund that was given up may be begun again: that is what redriving its dead letter does.
    """
    refund = Refund.objects.select_for_update(of=("self",)).select_related("charge").get(id=refund_id)
    if refund.state == RefundState.SUCCEEDED:
        return None
    tried_before = refund.state != RefundState.PENDING
    refund.state = RefundState.CALLING
    refund.save(update_fields=["state"])
    return RefundIntent(
        access=access_of(current_tenant(), refund.charge.account_id),
        order=refund_order_of(refund),
        may_have_been_sent=tried_before,
    )


def refund_order_of(refund: Refund) -> RefundOrder:
    """What the provider was, or is to be, asked for."""
    return RefundOrder(
        idempotency_key=refund.idempotency_key,
        charge_ref=refund.charge.provider_ref,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        reference=str(refund.charge.booking_id),
    )


def settle_refund(*, refund_id: UUID, answer: ProviderAnswer) -> None:
    """Record that the money is back, and tell. A second time changes nothing."""
    refund = Refund.objects.select_for_update(of=("self",)).select_related("charge").get(id=refund_id)
    if refund.state == RefundState.SUCCEEDED:
        return
    Refund.objects.filter(id=refund.id).update(
        state=RefundState.SUCCEEDED, provider_ref=answer.ref, failure_code="", settled_at=Now()
    )
    booking_id = refund.charge.booking_id
    move_refunded(refund, ref=answer.ref)
    publish(
        PaymentRefunded(
            booking_id=booking_id, refund_id=refund.id, amount_minor=refund.amount_minor, currency=refund.currency
        )
    )


def give_up_refund(*, refund_id: UUID, reason: str) -> None:
    """The outcome of a refund's dead letter: the money is still owed, and people must look. A second time changes nothing."""
    refund = Refund.objects.select_for_update(of=("self",)).select_related("charge").get(id=refund_id)
    if refund.state not in (RefundState.PENDING, RefundState.CALLING):
        return
    Refund.objects.filter(id=refund.id).update(state=RefundState.FAILED, failure_code=reason[:100], settled_at=Now())
    publish(RefundFailed(booking_id=refund.charge.booking_id, reason=reason[:200]))
