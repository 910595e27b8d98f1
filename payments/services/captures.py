"""Taking a fare, step by step: asked for, begun, settled."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from messaging.services import publish, send
from payments.domain import Standing, check_amount, check_source
from payments.events import CapturePayment, PaymentCaptured, PaymentDeclined, PaymentRefunded
from payments.models import Charge, ChargeState, Totals
from payments.providers.base import ChargeOrder, ProviderAnswer
from payments.services.refunds import open_refund
from payments.services.totals import move_captured
from tenants.registry.context import current_tenant
from wildrydes.kernel.ids import new_id
from wildrydes.kernel.money import Money


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptureIntent:
    """A charge that is about to be asked for. `is_late`: its deadline has passed, so that nothing new may be sent."""

    tenant_slug: str
    order: ChargeOrder
    may_have_been_sent: bool
    is_late: bool


def request_capture(
    *, booking_id: UUID, amount: Money, source: str, deadline: timedelta, user_id: UUID | None = None
) -> None:
    """Ask for a booking's fare to be taken, in the caller's transaction. A second time for a booking changes nothing.

    The answer is one of the events `payment.captured`, `payment.declined`, `payment.failed` and `payment.on_credit`.
    `deadline` is how long from now it may be tried; then the tier's outcome is taken.

    Raises:
        InvalidInput: the amount is out of bounds or `source` is no token of the provider.
    """
    check_amount(amount)
    check_source(source)
    charge_id = new_id()
    charge, is_new = Charge.objects.get_or_create(
        booking_id=booking_id,
        defaults={
            "id": charge_id,
            "user_id": user_id,
            "amount_minor": amount.minor,
            "currency": amount.currency,
            "source": source,
            "idempotency_key": f"charge-{charge_id}",
            "deadline_at": Now() + deadline,
        },
    )
    if is_new:
        Totals.objects.create(booking_id=booking_id)
        send(CapturePayment(charge_id=charge.id))


def begin_capture(*, charge_id: UUID) -> CaptureIntent | None:
    """Commit that the provider is about to be asked; None when the fare is settled or not wanted any more."""
    charge = (
        Charge.objects.select_for_update()
        .annotate(is_late=ExpressionWrapper(Q(deadline_at__lt=Now()), output_field=BooleanField()))
        .get(id=charge_id)
    )
    if charge.state not in (ChargeState.PENDING, ChargeState.CALLING, ChargeState.ON_CREDIT):
        return None
    tried_before = charge.state != ChargeState.PENDING
    is_late = charge.is_late and charge.state != ChargeState.ON_CREDIT
    if charge.state == ChargeState.PENDING and not is_late:
        Charge.objects.filter(id=charge.id).update(state=ChargeState.CALLING)
    return _intent(charge, may_have_been_sent=tried_before, is_late=is_late)


def begin_resolution(*, charge_id: UUID) -> CaptureIntent | None:
    """What to look up at the provider for a charge that was given up; None when it is no longer in doubt."""
    charge = Charge.objects.get(id=charge_id)
    if charge.state != ChargeState.IN_DOUBT:
        return None
    return _intent(charge, may_have_been_sent=True, is_late=True)


def settle_capture(*, charge_id: UUID, answer: ProviderAnswer) -> None:
    """Record what the provider said, whatever has become of the ride meanwhile; a second time changes nothing.

    Money that was taken for a ride that does not want it any more goes back.
    """
    charge = Charge.objects.select_for_update().get(id=charge_id)
    if answer.standing is Standing.SUCCEEDED:
        _record_capture(charge, answer)
    elif charge.state in (ChargeState.PENDING, ChargeState.CALLING) and answer.standing is Standing.DECLINED:
        _close(charge, ChargeState.DECLINED, code=answer.code)
        publish(PaymentDeclined(booking_id=charge.booking_id, code=answer.code))
    elif charge.state == ChargeState.IN_DOUBT:
        _close(charge, ChargeState.WITHDRAWN if charge.refund_reason else ChargeState.FAILED, code=answer.code)
        if charge.refund_answer_due:
            publish(nothing_to_refund(charge.booking_id, charge.currency))


def nothing_to_refund(booking_id: UUID, currency: str) -> PaymentRefunded:
    """The answer to a request for a refund when nothing had been taken."""
    return PaymentRefunded(booking_id=booking_id, refund_id=None, amount_minor=0, currency=currency)


def _record_capture(charge: Charge, answer: ProviderAnswer) -> None:
    state = charge.state
    if state == ChargeState.CAPTURED:
        return
    _close(charge, ChargeState.CAPTURED, ref=answer.ref)
    amount = charge.amount_minor
    move_captured(charge, ref=answer.ref, paid_off=amount if state == ChargeState.ON_CREDIT else 0)
    if state not in (ChargeState.PENDING, ChargeState.CALLING, ChargeState.ON_CREDIT):
        open_refund(charge, amount_minor=amount, reason=charge.refund_reason or "Taken after the ride had ended")
        return
    publish(
        PaymentCaptured(
            booking_id=charge.booking_id, charge_id=charge.id, amount_minor=amount, currency=charge.currency
        )
    )


def _close(charge: Charge, state: ChargeState, *, ref: str = "", code: str = "") -> None:
    Charge.objects.filter(id=charge.id).update(
        state=state, provider_ref=ref, failure_code=code, settled_at=Now(), refund_answer_due=False
    )


def _intent(charge: Charge, *, may_have_been_sent: bool, is_late: bool) -> CaptureIntent:
    return CaptureIntent(
        tenant_slug=current_tenant().slug,
        order=ChargeOrder(
            idempotency_key=charge.idempotency_key,
            amount_minor=charge.amount_minor,
            currency=charge.currency,
            source=charge.source,
            reference=str(charge.booking_id),
        ),
        may_have_been_sent=may_have_been_sent,
        is_late=is_late,
    )
