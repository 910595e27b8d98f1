"""Asking for the money back, whatever has become of it so far."""

from uuid import UUID

from django.db.models.functions import Now

from messaging.services import publish, send
from payments.domain import RESOLVE_AFTER, UnableToRefund
from payments.events import ResolveUnknown
from payments.models import Charge, ChargeState
from payments.services.captures import nothing_to_refund
from payments.services.refunds import open_refund
from payments.services.totals import move_forgiven
from wildrydes.kernel.money import Money


def request_refund(*, booking_id: UUID, amount: Money, reason: str) -> None:
    """Say that a booking does not want its payment any more, in the caller's transaction. A second time changes nothing.

    The answer is `payment.refunded` (with amount 0 when nothing had been taken) or `payment.refund_failed`. Only what was
    captured is refunded, in full or in part; a charge that is not captured yet is withdrawn as a whole. Of a fare that is owed on
    store credit the part is forgiven at once; the provider knows one amount for the key, so that it is captured as a whole later
    and the part given back then.

    Raises:
        UnableToRefund: the booking was charged less than `amount`, or in another currency.
    """
    charge = Charge.objects.select_for_update().filter(booking_id=booking_id).first()
    if charge is None:
        publish(nothing_to_refund(booking_id, amount.currency))
        return
    if charge.refund_reason or charge.forgiven_minor:
        return
    if charge.currency != amount.currency or not 0 < amount.minor <= charge.amount_minor:
        raise UnableToRefund(f"{amount} cannot be refunded of {Money(charge.amount_minor, charge.currency)}.")
    if charge.state == ChargeState.ON_CREDIT and amount.minor < charge.amount_minor:
        _forgive(charge, minor=amount.minor)
    else:
        _withdraw(charge, amount_minor=amount.minor, reason=reason[:200] or "refund")


def keep_payment(*, booking_id: UUID, currency: str) -> None:
    """Say that a booking ends and all of its fare is kept, in the caller's transaction; answered by `payment.refunded` of 0."""
    publish(nothing_to_refund(booking_id, currency))


def _forgive(charge: Charge, *, minor: int) -> None:
    move_forgiven(charge, minor=minor)
    Charge.objects.filter(id=charge.id).update(forgiven_minor=minor)
    publish(nothing_to_refund(charge.booking_id, charge.currency))


def _withdraw(charge: Charge, *, amount_minor: int, reason: str) -> None:
    state = after = charge.state
    # A charge in flight or in doubt answers when the provider has said what became of it, a captured one when it is back.
    in_flight = state in (ChargeState.CALLING, ChargeState.PROCESSING, ChargeState.IN_DOUBT)
    if state == ChargeState.CAPTURED:
        open_refund(charge, amount_minor=amount_minor, reason=reason)
    elif state in (ChargeState.CALLING, ChargeState.PROCESSING, ChargeState.ON_CREDIT):
        after = ChargeState.IN_DOUBT
        send(ResolveUnknown(charge_id=charge.id), delay=RESOLVE_AFTER)
    elif state == ChargeState.PENDING:
        after = ChargeState.WITHDRAWN
    if state == ChargeState.ON_CREDIT:
        move_forgiven(charge, minor=charge.amount_minor)
    Charge.objects.filter(id=charge.id).update(
        state=after, refund_reason=reason, refund_answer_due=in_flight, settled_at=charge.settled_at or Now()
    )
    if state != ChargeState.CAPTURED and not in_flight:
        publish(nothing_to_refund(charge.booking_id, charge.currency))
