"""What handling payments' commands would move now, read from the charge's or refund's state (README.md has the table)."""

from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from messaging.messages import Envelope
from messaging.prospects import cannot_tell, nothing_due, would
from messaging.topology import Prospect
from payments.events import CaptureCredit, CapturePayment, HearNotification, RefundPayment, ResolveUnknown
from payments.models import Charge, ChargeState, Notification, Refund, RefundState
from payments.services.notifications import subject_of
from wildrydes.kernel.money import Money

_NO_CHARGE = "There is no such charge in the company's books; it would fail again."


def of_capture(message: Envelope[CapturePayment] | Envelope[CaptureCredit]) -> Prospect:
    """Of `payments.capture` and `payments.capture_credit`: both take a fare that is still wanted, with the same key."""
    late = ExpressionWrapper(Q(deadline_at__lt=Now()), output_field=BooleanField())
    charge = Charge.objects.annotate(is_late=late).filter(id=message.body.charge_id).first()
    if charge is None:
        return cannot_tell(_NO_CHARGE)
    fare = Money(charge.amount_minor, charge.currency)
    if charge.state == ChargeState.ON_CREDIT:
        return would(f"{fare} that is owed as store credit would be taken from the card.", fare)
    if charge.state == ChargeState.PROCESSING and not charge.is_late:
        return would(f"The provider would be asked again what has become of {fare} that it has taken on.", fare)
    if charge.state not in (ChargeState.PENDING, ChargeState.CALLING, ChargeState.PROCESSING):
        return nothing_due(f"The fare is settled: {charge.get_state_display().lower()}.")
    if charge.is_late and charge.state == ChargeState.PENDING:
        return would("Its time is over: nothing would be taken, and the tier's outcome would be decided.")
    if charge.is_late:
        return would("Its time is over: what the provider has taken would be recorded, and nothing new taken.")
    return would(f"{fare} would be taken from the card, unless the provider has taken it already.", fare)


def of_resolution(message: Envelope[ResolveUnknown]) -> Prospect:
    """Of `payments.resolve_unknown`."""
    charge = Charge.objects.filter(id=message.body.charge_id).first()
    if charge is None:
        return cannot_tell(_NO_CHARGE)
    if charge.state != ChargeState.IN_DOUBT:
        return nothing_due(f"The charge is not in doubt any more: {charge.get_state_display().lower()}.")
    fare = Money(charge.amount_minor, charge.currency)
    return would(f"The charge would be looked up at the provider; if it was taken, {fare} go back to the card.", fare)


def of_refund(message: Envelope[RefundPayment]) -> Prospect:
    """Of `payments.refund`."""
    refund = Refund.objects.filter(id=message.body.refund_id).first()
    if refund is None:
        return cannot_tell("There is no such refund in the company's books; it would fail again.")
    amount = Money(refund.amount_minor, refund.currency)
    if refund.state == RefundState.SUCCEEDED:
        return nothing_due(f"{amount} were given back already.")
    return would(f"{amount} would be given back to the card, unless the provider has done so already.", amount)


def of_notification(message: Envelope[HearNotification]) -> Prospect:
    """Of `payments.hear_notification`."""
    notification = Notification.objects.filter(id=message.body.notification_id).first()
    if notification is None:
        return cannot_tell("There is no such notification in the company's books; it would fail again.")
    subject = subject_of(notification)
    if subject is None:
        return nothing_due("The notification is about no charge or refund of this company.")
    if subject.state in (ChargeState.CAPTURED, RefundState.SUCCEEDED):
        return nothing_due("What the notification is about is settled already.")
    return would("The provider would be asked how it stands, and what it says would be recorded.")


def goes_back(booking_id: UUID) -> Money | None:
    """What asking for a booking's money back would give back to the card now; None when nothing was captured."""
    charge = Charge.objects.filter(booking_id=booking_id, state=ChargeState.CAPTURED, refund_reason="").first()
    return Money(charge.amount_minor, charge.currency) if charge else None
