"""Taking a fare, step by step: asked for, begun, settled."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from messaging.errors import Reject
from messaging.services import publish, send
from payments.accounts.directory import access_in_use, access_of
from payments.domain import Standing, check_amount, check_source, next_check
from payments.events import CapturePayment, PaymentCaptured, PaymentDeclined, PaymentRefunded
from payments.models import Charge, ChargeState, Totals
from payments.providers.base import Access, ChargeOrder, ProviderAnswer
from payments.services.refunds import open_refund
from payments.services.totals import move_captured
from tenants.registry.context import current_tenant
from wildrydes.kernel.ids import new_id
from wildrydes.kernel.money import Money

OPEN = (ChargeState.PENDING, ChargeState.CALLING, ChargeState.PROCESSING)
"""While the ride still waits to hear of its fare."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptureIntent:
    """A charge that is about to be asked for. `is_late`: its deadline has passed, so that nothing new may be sent.

    `seconds_left` is the time until the deadline, None when trying has none. `awaits_answer`: the provider has taken it on.
    """

    charge_id: UUID
    access: Access
    order: ChargeOrder
    may_have_been_sent: bool
    is_late: bool
    seconds_left: float | None = None
    awaits_answer: bool = False


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
        .annotate(left=ExpressionWrapper(F("deadline_at") - Now(), output_field=DurationField()))
        .get(id=charge_id)
    )
    if charge.state not in (*OPEN, ChargeState.ON_CREDIT):
        return None
    left = charge.left if charge.state != ChargeState.ON_CREDIT else None
    is_late = left is not None and left < timedelta(0)
    tenant = current_tenant()
    tried_before = charge.state != ChargeState.PENDING
    access = access_of(tenant, charge.account_id) if tried_before else access_in_use(tenant)
    if not tried_before and not is_late:
        # Wherever it is sent first, there it stays, whichever account the company uses later.
        Charge.objects.filter(id=charge.id).update(
            state=ChargeState.CALLING, provider=access.provider, account_id=access.account_id
        )
    return _intent(charge, access, may_have_been_sent=tried_before, is_late=is_late, left=left)


def remember_ref(*, charge_id: UUID, ref: str) -> None:
    """Commit the provider's id of a charge before the money is asked for.

    Raises:
        Reject: the charge has another id there already: the provider has forgotten our key, and people must look.
    """
    if not Charge.objects.filter(id=charge_id, provider_ref__in=("", ref)).update(provider_ref=ref):
        raise Reject("The provider has made a second charge for our key; neither was confirmed by this attempt.")


def begin_resolution(*, charge_id: UUID) -> CaptureIntent | None:
    """What to look up at the provider for a charge that was given up; None when it is no longer in doubt."""
    charge = Charge.objects.get(id=charge_id)
    if charge.state != ChargeState.IN_DOUBT:
        return None
    return _intent(charge, access_of(current_tenant(), charge.account_id), may_have_been_sent=True, is_late=True)


def settle_capture(*, charge_id: UUID, answer: ProviderAnswer) -> None:
    """Record what the provider said, whatever has become of the ride meanwhile; a second time changes nothing.

    Money that was taken for a ride that does not want it any more goes back. What is answered later is looked up again, should
    no notification come.
    """
    charge = Charge.objects.select_for_update().get(id=charge_id)
    if answer.standing is Standing.SUCCEEDED:
        _record_capture(charge, answer)
    elif answer.standing is Standing.PROCESSING:
        if charge.state in OPEN:
            _await_answer(charge, answer)
    elif charge.state in OPEN and answer.standing is Standing.DECLINED:
        _close(charge, ChargeState.DECLINED, ref=answer.ref, code=answer.code)
        publish(PaymentDeclined(booking_id=charge.booking_id, code=answer.code))
    elif charge.state == ChargeState.IN_DOUBT:
        _close(charge, ChargeState.WITHDRAWN if charge.refund_reason else ChargeState.FAILED, code=answer.code)
        if charge.refund_answer_due:
            publish(nothing_to_refund(charge.booking_id, charge.currency))


def _await_answer(charge: Charge, answer: ProviderAnswer) -> None:
    Charge.objects.filter(id=charge.id).update(state=ChargeState.PROCESSING, provider_ref=answer.ref)
    [(waited, left)] = Charge.objects.filter(id=charge.id).values_list(
        ExpressionWrapper(Now() - F("created_at"), output_field=DurationField()),
        ExpressionWrapper(F("deadline_at") - Now(), output_field=DurationField()),
    )
    wait = next_check(waited=waited, left=left)
    send(CapturePayment(charge_id=charge.id), delay=wait)


def nothing_to_refund(booking_id: UUID, currency: str) -> PaymentRefunded:
    """The answer to a request for a refund when nothing had been taken."""
    return PaymentRefunded(booking_id=booking_id, refund_id=None, amount_minor=0, currency=currency)


def _record_capture(charge: Charge, answer: ProviderAnswer) -> None:
    state = charge.state
    if state == ChargeState.CAPTURED:
        return
    _close(charge, ChargeState.CAPTURED, ref=answer.ref)
    amount = charge.amount_minor
    owed = amount - charge.forgiven_minor if state == ChargeState.ON_CREDIT else 0
    move_captured(charge, ref=answer.ref, paid_off=owed)
    if state not in (*OPEN, ChargeState.ON_CREDIT):
        open_refund(charge, amount_minor=amount, reason=charge.refund_reason or "Taken after the ride had ended")
        return
    if charge.forgiven_minor:
        open_refund(charge, amount_minor=charge.forgiven_minor, reason="Not owed any more when it was captured")
    publish(
        PaymentCaptured(
            booking_id=charge.booking_id, charge_id=charge.id, amount_minor=amount, currency=charge.currency
        )
    )


def _close(charge: Charge, state: ChargeState, *, ref: str = "", code: str = "") -> None:
    Charge.objects.filter(id=charge.id).update(
        state=state,
        provider_ref=ref or charge.provider_ref,
        failure_code=code,
        settled_at=Now(),
        refund_answer_due=False,
    )


def order_of(charge: Charge) -> ChargeOrder:
    """What the provider was, or is to be, asked for."""
    return ChargeOrder(
        idempotency_key=charge.idempotency_key,
        amount_minor=charge.amount_minor,
        currency=charge.currency,
        source=charge.source,
        reference=str(charge.booking_id),
        ref=charge.provider_ref,
    )


def _intent(
    charge: Charge, access: Access, *, may_have_been_sent: bool, is_late: bool, left: timedelta | None = None
) -> CaptureIntent:
    return CaptureIntent(
        charge_id=charge.id,
        access=access,
        order=order_of(charge),
        may_have_been_sent=may_have_been_sent,
        is_late=is_late,
        seconds_left=None if left is None else left.total_seconds(),
        awaits_answer=charge.state == ChargeState.PROCESSING,
    )
