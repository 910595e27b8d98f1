"""Reading payments."""

from dataclasses import dataclass
from uuid import UUID

from payments.models import Charge, Totals
from wildrydes.kernel.money import Money


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentView:
    """How a booking's payment stands; `state` is one of `ChargeState`, `failure_code` says why it is not captured."""

    charge_id: UUID
    state: str
    failure_code: str
    amount: Money
    due: Money
    captured: Money
    credit: Money
    refunded: Money


def payment_of(booking_id: UUID) -> PaymentView | None:
    """The payment of a booking; None before one was asked for."""
    charge = Charge.objects.filter(booking_id=booking_id).first()
    if charge is None:
        return None
    totals = Totals.objects.get(booking_id=booking_id)
    currency = charge.currency
    return PaymentView(
        charge_id=charge.id,
        state=charge.state,
        failure_code=charge.failure_code,
        amount=Money(charge.amount_minor, currency),
        due=Money(totals.due_minor, currency),
        captured=Money(totals.captured_minor, currency),
        credit=Money(totals.credit_minor, currency),
        refunded=Money(totals.refunded_minor, currency),
    )
