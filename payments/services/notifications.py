"""What a provider notifies us of: kept once, looked into, and believed only when the provider repeats it on being asked."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from messaging.services import send
from payments.accounts.directory import access_of
from payments.domain import Standing
from payments.events import HearNotification
from payments.models import Charge, ChargeState, Notification, Refund, RefundState
from payments.providers.base import About, Access, ChargeOrder, Notice, ProviderAnswer, RefundOrder
from payments.services.captures import order_of, settle_capture
from payments.services.refunds import refund_order_of, settle_refund
from tenants.registry.context import current_tenant


@dataclass(frozen=True, kw_only=True, slots=True)
class Hearing:
    """What is to be asked because of a notification. Asking changes nothing, so nothing has to be looked up first."""

    access: Access
    subject_id: UUID
    order: ChargeOrder | RefundOrder
    may_have_been_sent: bool = False


def receive_notification(*, account_id: UUID, notice: Notice) -> bool:
    """Keep a genuine notification and have it looked into, in the caller's transaction; False when it is a copy."""
    notification, is_new = Notification.objects.get_or_create(
        account_id=account_id,
        event_id=notice.event_id,
        defaults={"type": notice.type, "about": notice.about.value, "key": notice.key},
    )
    if not is_new:
        Notification.objects.filter(id=notification.id).update(copies=F("copies") + 1)
        return False
    if notice.about is About.OTHER:
        _heard(notification.id, "not about a charge or refund")
    else:
        send(HearNotification(notification_id=notification.id))
    return True


def begin_hearing(*, notification_id: UUID) -> Hearing | None:
    """What to ask the provider; None when there is nothing that it could still tell us."""
    notification = Notification.objects.get(id=notification_id)
    subject = subject_of(notification)
    if subject is None:
        _heard(notification.id, "about nothing of ours")
        return None
    if subject.state in (ChargeState.CAPTURED, RefundState.SUCCEEDED):
        _heard(notification.id, "known already")
        return None
    order = order_of(subject) if isinstance(subject, Charge) else refund_order_of(subject)
    access = access_of(current_tenant(), notification.account_id)
    return Hearing(access=access, subject_id=subject.id, order=order)


def settle_hearing(*, notification_id: UUID, hearing: Hearing, answer: ProviderAnswer | None) -> None:
    """Record what the provider said when it was asked; what it has not decided is left to the look-ups."""
    decided = answer is not None and answer.standing in (Standing.SUCCEEDED, Standing.DECLINED)
    if answer is not None and decided:
        if isinstance(hearing.order, ChargeOrder):
            settle_capture(charge_id=hearing.subject_id, answer=answer)
        elif answer.standing is Standing.SUCCEEDED:
            settle_refund(refund_id=hearing.subject_id, answer=answer)
    _heard(notification_id, Standing.ABSENT.value if answer is None else answer.standing.value)


def give_up_hearing(*, notification_id: UUID) -> None:
    """Note that the provider could not be asked."""
    _heard(notification_id, "could not be looked into")


def subject_of(notification: Notification) -> Charge | Refund | None:
    """The charge or refund of ours that it is about, if there is one."""
    if notification.about == About.CHARGE:
        return Charge.objects.filter(idempotency_key=notification.key, account_id=notification.account_id).first()
    refunds = Refund.objects.select_related("charge")
    return refunds.filter(idempotency_key=notification.key, charge__account_id=notification.account_id).first()


def _heard(notification_id: UUID, outcome: str) -> None:
    Notification.objects.filter(id=notification_id).update(heard_at=Now(), outcome=outcome)
