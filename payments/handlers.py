"""Payments' side of the messages: gateway handlers to the provider, and the outcomes of their dead letters."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from messaging.errors import OutcomeUnknown, PutBack, Reject, Retry
from messaging.messages import Envelope
from messaging.topology import DeadCause
from payments import services
from payments.domain import Standing
from payments.events import CaptureCredit, CapturePayment, HearNotification, RefundPayment, ResolveUnknown
from payments.guarding.guard import check_breaker, guarded
from payments.providers.base import ChargeOrder, ProviderAnswer, Remember
from payments.services.captures import CaptureIntent
from payments.services.notifications import Hearing
from payments.services.refunds import RefundIntent

_ASK_AGAIN_AFTER = 5.0
# A moment later it is surely over, by the database's clock too.
_AFTER_DEADLINE = 0.1


class CaptureGateway:
    """Takes a fare before its deadline."""

    def prepare(self, message: Envelope[CapturePayment]) -> CaptureIntent | None:
        """Commit the intent; None when there is nothing to take any more."""
        intent = services.begin_capture(charge_id=message.body.charge_id)
        if intent is not None and not intent.is_late:
            with _before_deadline(intent):
                check_breaker(intent.access)
        return intent

    def lookup(self, intent: CaptureIntent) -> ProviderAnswer | None:
        """What became of an earlier try."""
        try:
            with _before_deadline(intent):
                answer = guarded(intent.access, again=not intent.awaits_answer).find_charge(intent.order)
        except (Retry, OutcomeUnknown, PutBack) as error:
            if intent.is_late:
                raise Reject(
                    f"The deadline has passed and the provider does not say what became of it: {error}"
                ) from error
            raise
        if intent.is_late and answer is not None and answer.standing is Standing.PROCESSING:
            raise Reject("The deadline has passed and the provider has not decided yet.")
        return answer

    def call(self, intent: CaptureIntent) -> ProviderAnswer:
        """Take the money, unless it is too late to begin."""
        if intent.is_late:
            raise Reject("The deadline passed before the provider took the charge.")
        with _before_deadline(intent):
            return guarded(intent.access).charge(intent.order, remember=_remembering(intent))

    def settle(self, message: Envelope[CapturePayment], intent: CaptureIntent, result: ProviderAnswer) -> None:
        """Commit what the provider said."""
        services.settle_capture(charge_id=message.body.charge_id, answer=result)


class CreditGateway:
    """Takes the fare of a ride on store credit, with all the patience there is."""

    def prepare(self, message: Envelope[CaptureCredit]) -> CaptureIntent | None:
        """Commit the intent; None when it was taken or forgiven meanwhile."""
        return services.begin_capture(charge_id=message.body.charge_id)

    def lookup(self, intent: CaptureIntent) -> ProviderAnswer | None:
        """What became of an earlier try."""
        answer = guarded(intent.access, again=True).find_charge(intent.order)
        return None if answer is None else _not_declined(_decided(answer))

    def call(self, intent: CaptureIntent) -> ProviderAnswer:
        """Take the money, with the key of the first try."""
        return _not_declined(_decided(guarded(intent.access).charge(intent.order, remember=_remembering(intent))))

    def settle(self, message: Envelope[CaptureCredit], intent: CaptureIntent, result: ProviderAnswer) -> None:
        """Commit that what was owed is paid."""
        services.settle_capture(charge_id=message.body.charge_id, answer=result)


class ResolveGateway:
    """Finds out what became of a charge that was given up. It only ever looks."""

    def prepare(self, message: Envelope[ResolveUnknown]) -> CaptureIntent | None:
        """What to look for; None when there is no doubt any more."""
        return services.begin_resolution(charge_id=message.body.charge_id)

    def lookup(self, intent: CaptureIntent) -> ProviderAnswer | None:
        """What became of it."""
        answer = guarded(intent.access).find_charge(intent.order)
        return None if answer is None else _decided(answer)

    def call(self, intent: CaptureIntent) -> ProviderAnswer:
        """The provider knows of no charge, and none is made now."""
        return ProviderAnswer(standing=Standing.ABSENT)

    def settle(self, message: Envelope[ResolveUnknown], intent: CaptureIntent, result: ProviderAnswer) -> None:
        """Commit what was found; what was taken goes back."""
        services.settle_capture(charge_id=message.body.charge_id, answer=result)


class RefundGateway:
    """Gives money back."""

    def prepare(self, message: Envelope[RefundPayment]) -> RefundIntent | None:
        """Commit the intent; None when the money is back already."""
        return services.begin_refund(refund_id=message.body.refund_id)

    def lookup(self, intent: RefundIntent) -> ProviderAnswer | None:
        """What became of an earlier try."""
        answer = guarded(intent.access, again=True).find_refund(intent.order)
        return None if answer is None else _given_back(_decided(answer))

    def call(self, intent: RefundIntent) -> ProviderAnswer:
        """Give the money back."""
        return _given_back(_decided(guarded(intent.access).refund(intent.order)))

    def settle(self, message: Envelope[RefundPayment], intent: RefundIntent, result: ProviderAnswer) -> None:
        """Commit that the money is back."""
        services.settle_refund(refund_id=message.body.refund_id, answer=result)


class NotificationGateway:
    """Asks the provider about what it has notified us of: its word is booked, the notification's is not."""

    def prepare(self, message: Envelope[HearNotification]) -> Hearing | None:
        """What to ask; None when there is nothing to hear any more."""
        return services.begin_hearing(notification_id=message.body.notification_id)

    def lookup(self, intent: Hearing) -> ProviderAnswer | None:
        """Nothing was sent before."""
        return None

    def call(self, intent: Hearing) -> ProviderAnswer | None:
        """How it stands."""
        provider = guarded(intent.access)
        if isinstance(intent.order, ChargeOrder):
            return provider.find_charge(intent.order)
        return provider.find_refund(intent.order)

    def settle(self, message: Envelope[HearNotification], intent: Hearing, result: ProviderAnswer | None) -> None:
        """Commit how it stands."""
        services.settle_hearing(notification_id=message.body.notification_id, hearing=intent, answer=result)


def capture_given_up(message: Envelope[CapturePayment], cause: DeadCause) -> None:
    """The tier's outcome for a fare that could not be taken."""
    services.give_up_capture(charge_id=message.body.charge_id, reason=_reason(cause))


def left_unfinished(message: Envelope[CaptureCredit] | Envelope[ResolveUnknown], cause: DeadCause) -> None:
    """What is owed or in doubt stays so until people have looked."""
    services.note_unfinished(charge_id=message.body.charge_id, reason=_reason(cause))


def refund_given_up(message: Envelope[RefundPayment], cause: DeadCause) -> None:
    """The ride hears that its refund has not been made."""
    services.give_up_refund(refund_id=message.body.refund_id, reason=_reason(cause))


def notification_given_up(message: Envelope[HearNotification], cause: DeadCause) -> None:
    """Nothing is lost with a hint: the charge's own look-ups go on."""
    services.give_up_hearing(notification_id=message.body.notification_id)


def _reason(cause: DeadCause) -> str:
    return cause.detail or cause.error_class or cause.reason


def _remembering(intent: CaptureIntent) -> Remember:
    return lambda ref: services.remember_ref(charge_id=intent.charge_id, ref=ref)


@contextmanager
def _before_deadline(intent: CaptureIntent) -> Iterator[None]:
    """Let no wait reach beyond the moment when the tier's outcome is due."""
    began = time.monotonic()
    try:
        yield
    except (Retry, OutcomeUnknown, PutBack) as error:
        if intent.seconds_left is not None:
            error.at_most = max(0.0, intent.seconds_left - (time.monotonic() - began)) + _AFTER_DEADLINE
        raise


def _decided(answer: ProviderAnswer) -> ProviderAnswer:
    if answer.standing is Standing.PROCESSING:
        raise Retry("The provider has taken it on and not decided yet.", after=_ASK_AGAIN_AFTER)
    return answer


def _given_back(answer: ProviderAnswer) -> ProviderAnswer:
    if answer.standing is Standing.DECLINED:
        raise Reject(f"The provider could not give the money back ({answer.code or 'no reason told'}).")
    return answer


def _not_declined(answer: ProviderAnswer) -> ProviderAnswer:
    """The answer, unless it is a refusal: with the same key it never changes, and a ride was driven on credit."""
    if answer.standing is Standing.DECLINED:
        raise Reject(f"The card was declined ({answer.code}); the fare stays owed as store credit.")
    return answer
