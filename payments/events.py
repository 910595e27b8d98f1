"""What payments publish, and the commands they send themselves."""

from typing import ClassVar
from uuid import UUID

from messaging.messages import Command, Event


class PaymentCaptured(Event, frozen=True, kw_only=True):
    """The fare was taken: first of all, or later for a ride that went ahead on store credit."""

    topic: ClassVar[str] = "payment.captured"
    booking_id: UUID
    charge_id: UUID
    amount_minor: int
    currency: str


class PaymentDeclined(Event, frozen=True, kw_only=True):
    """The card was refused; `code` is the provider's word for why, such as `expired_card`. Nothing was charged."""

    topic: ClassVar[str] = "payment.declined"
    booking_id: UUID
    code: str


class PaymentFailed(Event, frozen=True, kw_only=True):
    """The fare could not be taken in time. Should it turn out to have been taken after all, it is refunded by itself."""

    topic: ClassVar[str] = "payment.failed"
    booking_id: UUID
    reason: str


class PaymentOnCredit(Event, frozen=True, kw_only=True):
    """The fare could not be taken in time and is owed as store credit; capturing it goes on in the background."""

    topic: ClassVar[str] = "payment.on_credit"
    booking_id: UUID
    amount_minor: int
    currency: str


class PaymentRefunded(Event, frozen=True, kw_only=True):
    """What was asked to be refunded is back; with amount 0 and no `refund_id` when nothing had been taken."""

    topic: ClassVar[str] = "payment.refunded"
    booking_id: UUID
    refund_id: UUID | None
    amount_minor: int
    currency: str


class RefundFailed(Event, frozen=True, kw_only=True):
    """The refund could not be made; its dead letter waits for support staff."""

    topic: ClassVar[str] = "payment.refund_failed"
    booking_id: UUID
    reason: str


class CapturePayment(Command, frozen=True, kw_only=True):
    """Take the fare of a booking."""

    topic: ClassVar[str] = "payments.capture"
    charge_id: UUID


class CaptureCredit(Command, frozen=True, kw_only=True):
    """Take the fare of a ride that went ahead on store credit."""

    topic: ClassVar[str] = "payments.capture_credit"
    charge_id: UUID


class ResolveUnknown(Command, frozen=True, kw_only=True):
    """Find out whether a charge that was given up did happen, and give the money back if so."""

    topic: ClassVar[str] = "payments.resolve_unknown"
    charge_id: UUID


class RefundPayment(Command, frozen=True, kw_only=True):
    """Give money back."""

    topic: ClassVar[str] = "payments.refund"
    refund_id: UUID


class HearNotification(Command, frozen=True, kw_only=True):
    """Look into what a provider notified us of."""

    topic: ClassVar[str] = "payments.hear_notification"
    notification_id: UUID
