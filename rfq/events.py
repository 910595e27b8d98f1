"""What requests for quotes tell and ask for. Ids are UUIDs, times UTC, amounts integer minor units.

Every event names the request, its operation and its user: a stream by any of them needs no look into a table.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from messaging.messages import Command, Event


class Scatter(Command, frozen=True, kw_only=True):
    """Find the unicorns of the vicinity and ask them."""

    topic: ClassVar[str] = "rfq.scatter"

    rfq_id: UUID


class ConsiderAnswer(Command, frozen=True, kw_only=True):
    """The response queue: an answer was stored. `invitation_id` says whose."""

    topic: ClassVar[str] = "rfq.consider_answer"

    rfq_id: UUID
    invitation_id: UUID


class CloseRfq(Command, frozen=True, kw_only=True):
    """The deadline has come; sent delayed."""

    topic: ClassVar[str] = "rfq.close"

    rfq_id: UUID


class TellOperator(Command, frozen=True, kw_only=True):
    """Push news of a request to one operator. `news` is `asked`, `withdrawn`, `won` or `released`."""

    topic: ClassVar[str] = "rfq.tell_operator"

    rfq_id: UUID
    operator_id: UUID
    news: str


class RfqEvent(Event, frozen=True, kw_only=True):
    """What every event about a request says."""

    rfq_id: UUID
    operation_id: UUID
    user_id: UUID


class RfqScattered(RfqEvent, frozen=True, kw_only=True):
    """So many unicorns were asked."""

    topic: ClassVar[str] = "rfq.scattered"

    asked: int


class OfferReceived(RfqEvent, frozen=True, kw_only=True):
    """An offer arrived in time."""

    topic: ClassVar[str] = "rfq.offer_received"

    offer_id: UUID
    price_minor: int
    currency: str
    eta_seconds: int
    valid_until: datetime


class RfqClosed(RfqEvent, frozen=True, kw_only=True):
    """No more answers are taken. `reason` is a `domain.Reason`; `best_offer_id` is None when nobody offered."""

    topic: ClassVar[str] = "rfq.closed"

    reason: str
    offers: int
    best_offer_id: UUID | None


class RfqWithdrawn(RfqEvent, frozen=True, kw_only=True):
    """The client called it off."""

    topic: ClassVar[str] = "rfq.withdrawn"


class RfqAccepted(RfqEvent, frozen=True, kw_only=True):
    """An offer was accepted and becomes a ride."""

    topic: ClassVar[str] = "rfq.accepted"

    offer_id: UUID
    booking_id: UUID


class RfqReopened(RfqEvent, frozen=True, kw_only=True):
    """The ride came to nothing; the offers that still stand may be accepted again."""

    topic: ClassVar[str] = "rfq.reopened"

    booking_id: UUID
