"""Storing a unicorn's answer: on arrival, holding the request's row `FOR SHARE`, in time by the database's clock.

Whoever closes the request holds the row `FOR UPDATE`, and so waits for answers that are just being stored; an answer that
waits for the close finds the request closed. Nothing that was in time is lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from fleet.principal import Speaker
from fleet.selectors import spoken_for
from fleet.services import answered
from messaging.services import send, together
from rfq import domain, metrics
from rfq.errors import AlreadyAnswered, AnswerLate, NotAsked, UnknownRequest
from rfq.events import ConsiderAnswer
from rfq.models import Offer
from rfq.return_address import ReturnAddress, read_address
from tenants.registry.context import enter_public, enter_tenant
from tenants.registry.directory import tenant_by_id
from wildrydes.kernel.errors import DomainError, InvalidInput
from wildrydes.kernel.ids import new_id

# Late ones are told so without waiting for anybody.
_LOOK = "SELECT state = 'open' FROM rfq_rfq WHERE id = %s"
_SHARE = "SELECT state, currency, deadline_at, correlation_id FROM rfq_rfq WHERE id = %s FOR SHARE"
# A statement of its own: the clock is read after the wait for the row.
_STORE = """
    UPDATE rfq_invitation SET answer = %(answer)s, answered_at = clock_timestamp()
     WHERE rfq_id = %(rfq)s AND unicorn_id = %(unicorn)s AND answer = '' AND clock_timestamp() < %(deadline)s
 RETURNING id, unicorn_name, answered_at
"""
_LATE = """
    UPDATE rfq_invitation SET late_at = coalesce(late_at, clock_timestamp())
     WHERE rfq_id = %(rfq)s AND unicorn_id = %(unicorn)s AND answer = ''
"""
_BEFORE = "SELECT id, answer, answered_at FROM rfq_invitation WHERE rfq_id = %(rfq)s AND unicorn_id = %(unicorn)s"


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferMade:
    """What a unicorn would do it for: minor units of `currency`, seconds until it is there, how long the offer stands."""

    price_minor: int
    currency: str
    eta_seconds: int
    extras: tuple[str, ...] = ()
    valid_seconds: int = domain.DEFAULT_VALID_S


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer as it arrived. No offer: the unicorn declines."""

    reply_to: str
    correlation_id: UUID
    offer: OfferMade | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """It was stored in time; an offer stands until `valid_until`."""

    answer: domain.AnswerKind
    received_at: datetime
    valid_until: datetime | None


class _Verdict(StrEnum):
    LATE = "late"
    SECOND = "second"
    UNKNOWN = "unknown"


def take_answer(*, speaker: Speaker, answer: Answer) -> Receipt:
    """Store the answer, or say why not.

    Raises:
        ForgedReturnAddress, UnknownRequest, NotAsked: it is not an answer to what the caller was asked.
        AnswerLate, AlreadyAnswered: it is, but does not count.
        InvalidInput: the offer cannot be; it may be corrected while there is time.
    """
    try:
        receipt = _take(speaker, answer)
    except DomainError as error:
        metrics.answered(error.code)
        raise
    metrics.answered(receipt.answer.value)
    return receipt


def _take(speaker: Speaker, answer: Answer) -> Receipt:
    address = read_address(answer.reply_to)
    with enter_public():
        if not spoken_for(speaker).filter(id=address.unicorn_id).exists():
            raise NotAsked("Answer for the unicorns that you speak for, each at its own return address.")
        tenant = tenant_by_id(address.tenant_id)
    if tenant is None or not tenant.is_working:
        raise UnknownRequest("Whoever asked is not there any more.")
    with enter_tenant(tenant), transaction.atomic(), together():
        stored = _store(address, answer)
    if isinstance(stored, Receipt):
        return stored
    if stored is _Verdict.LATE:
        raise AnswerLate("No more answers are taken for this request. Answer before `answer_by`.")
    if stored is _Verdict.SECOND:
        raise AlreadyAnswered("The first answer counts. Nothing was changed.")
    raise UnknownRequest("The correlation id does not belong to this return address, or the request is long gone.")


def _store(address: ReturnAddress, answer: Answer) -> Receipt | _Verdict:
    whose: dict[str, Any] = {"rfq": address.rfq_id, "unicorn": address.unicorn_id}
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE, whose)
        before = cursor.fetchone()
        if before is None or before[0] != answer.correlation_id:
            return _Verdict.UNKNOWN
        if before[1]:
            return _Verdict.SECOND
        cursor.execute(_LOOK, [address.rfq_id])
        is_open = cursor.fetchone()
        if is_open is None:
            return _Verdict.UNKNOWN
        if is_open[0]:
            cursor.execute(_SHARE, [address.rfq_id])
            state, currency, deadline, correlation_id = cursor.fetchone()
            if state == domain.State.OPEN:
                _check_currency(answer, currency)
                kind = domain.AnswerKind.OFFER if answer.offer else domain.AnswerKind.DECLINE
                cursor.execute(_STORE, {**whose, "answer": kind.value, "deadline": deadline})
                row = cursor.fetchone()
                if row is not None:
                    return _stored(address, answer, row, deadline=deadline, correlation_id=correlation_id)
                cursor.execute(_BEFORE, whose)
                if cursor.fetchone()[1]:
                    return _Verdict.SECOND
        cursor.execute(_LATE, whose)
    return _Verdict.LATE


def _check_currency(answer: Answer, currency: str) -> None:
    if answer.offer is not None and answer.offer.currency != currency:
        raise InvalidInput.at("/offer/currency", f"Offers to this request are in {currency}.")


def _stored(
    address: ReturnAddress, answer: Answer, row: tuple[UUID, str, datetime], *, deadline: datetime, correlation_id: UUID
) -> Receipt:
    invitation_id, name, received_at = row
    valid_until = None
    if answer.offer is not None:
        valid_until = deadline + timedelta(seconds=answer.offer.valid_seconds)
        Offer.objects.create(
            id=new_id(),
            rfq_id=address.rfq_id,
            invitation_id=invitation_id,
            unicorn_id=address.unicorn_id,
            unicorn_name=name,
            price_minor=answer.offer.price_minor,
            eta_seconds=answer.offer.eta_seconds,
            extras=sorted(set(answer.offer.extras)),
            received_at=received_at,
            valid_until=valid_until,
        )
    answered(request_id=address.rfq_id, unicorn_id=address.unicorn_id)
    send(ConsiderAnswer(rfq_id=address.rfq_id, invitation_id=invitation_id), correlation_id=correlation_id)
    kind = domain.AnswerKind.OFFER if answer.offer else domain.AnswerKind.DECLINE
    return Receipt(answer=kind, received_at=received_at, valid_until=valid_until)
