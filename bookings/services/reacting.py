"""What payments tell the ride. Each answers whether anything was done: False for a copy, or what was overtaken."""

from uuid import UUID

from bookings.errors import PaymentDeclined, PaymentUnavailable
from bookings.models import PaidBy
from bookings.saga import Trigger
from bookings.services._locking import locked
from bookings.services.process import Facts, advance, end_if_overdue
from messaging.errors import Reject
from wildrydes.kernel.errors import DomainError


def payment_captured(*, booking_id: UUID) -> bool:
    """The card was charged."""
    return _tell(booking_id, Trigger.CAPTURED, paid_by=PaidBy.CARD)


def payment_on_credit(*, booking_id: UUID) -> bool:
    """The tier lets the ride go ahead; the card is charged later."""
    return _tell(booking_id, Trigger.ON_CREDIT, paid_by=PaidBy.STORE_CREDIT)


def payment_declined(*, booking_id: UUID, code: str) -> bool:
    """The provider said no."""
    error = PaymentDeclined(f"The provider declined the payment ({code}). Use another payment source.")
    return _tell(booking_id, Trigger.DECLINED, error=error)


def payment_failed(*, booking_id: UUID) -> bool:
    """The provider gave no answer in time, and the tier has no other way. What exactly went wrong is support staff's to see."""
    error = PaymentUnavailable("The fare could not be captured in time. Nothing stays charged; try again later.")
    return _tell(booking_id, Trigger.PAYMENT_FAILED, error=error)


def payment_refunded(*, booking_id: UUID, amount_minor: int) -> bool:
    """The payment is taken back; nothing had been charged when `amount_minor` is 0."""
    return _tell(booking_id, Trigger.REFUNDED, refunded_minor=amount_minor)


def refund_failed(*, booking_id: UUID) -> bool:
    """The money could not be given back for now; support staff see the dead letter."""
    return _tell(booking_id, Trigger.REFUND_FAILED)


def _tell(
    booking_id: UUID,
    trigger: Trigger,
    *,
    error: DomainError | None = None,
    paid_by: PaidBy | None = None,
    refunded_minor: int = 0,
) -> bool:
    held = locked(booking_id)
    if held is None:
        raise Reject(f"There is no booking {booking_id} for this payment.")
    ended = end_if_overdue(held)
    moved = advance(held, trigger, Facts(now=held.now, error=error, paid_by=paid_by, refunded_minor=refunded_minor))
    return ended or moved
