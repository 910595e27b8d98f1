"""The story: what every app tells of one booking (or of one correlation id), on one time line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import api.story
import audit.story
import bookings.story
import fleet.story
import loyalty.story
import messaging.story
import notifications.story
import payments.story
import rfq.story
from api.models import Operation
from bookings.models import Booking
from bookings.saga import State
from console.story.finding import Found
from console.story.foreseeing import Ahead, foreseen
from console.story.resolving import entered, has_schema
from messaging.models import DeadLetter
from messaging.story import Said
from payments.selectors import PaymentView, payment_of
from tenants.registry.context import enter_public
from tenants.registry.directory import TenantRef
from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.money import Money
from wildrydes.kernel.story import MOST, Kind, Moment, Tone

_KINDS = {
    Kind.REQUEST: "Requests",
    Kind.RIDE: "The ride",
    Kind.EVENT: "Events",
    Kind.COMMAND: "Commands",
    Kind.DELIVERY: "Deliveries",
    Kind.ATTEMPT: "Failed attempts",
    Kind.CALL: "Calls to the outside",
    Kind.MONEY: "Money",
    Kind.POINTS: "Points",
    Kind.WEBHOOK: "Webhooks",
    Kind.UNICORN: "Unicorn",
    Kind.LETTER: "Dead letters",
    Kind.STAFF: "Staff",
}


@dataclass(frozen=True, kw_only=True)
class Story:
    """What happened, oldest first; `moments` later than `told_at` are planned.

    `booking` is None for what is no ride's. `others` are further bookings that share the correlation id (a client chose it);
    their messages are left out. `is_cut`: there is more than is told. `letters` are the dead letters with what redriving each
    would do now.
    """

    tenant_id: UUID | None
    tenant: TenantRef | None
    booking: Booking | None
    operations: tuple[Operation, ...] = ()
    payment: PaymentView | None = None
    correlation_ids: tuple[UUID, ...]
    others: tuple[UUID, ...] = ()
    letters: tuple[Ahead, ...] = ()
    moments: tuple[Moment, ...]
    told_at: datetime
    is_cut: bool = False

    @property
    def started_at(self) -> datetime | None:
        """When it began."""
        return self.moments[0].at if self.moments else None

    @property
    def tone(self) -> str:
        """How the ride stands, as a colour."""
        return bookings.story.TONES.get(State(self.booking.state), Tone.INFO) if self.booking else Tone.INFO

    @property
    def fare(self) -> Money | None:
        """What the ride costs."""
        return Money(self.booking.fare_minor, self.booking.currency) if self.booking else None

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The kinds of moments that there are, with their names."""
        there = {moment.kind for moment in self.moments}
        return [(kind.value, _KINDS[kind]) for kind in Kind if kind in there]


@dataclass
class _Parts:
    """What has been gathered so far."""

    moments: list[Moment] = field(default_factory=list)
    messages: list[Said] = field(default_factory=list)
    booking: Booking | None = None
    operations: list[Operation] = field(default_factory=list)
    payment: PaymentView | None = None
    correlation_ids: tuple[UUID, ...] = ()
    others: tuple[UUID, ...] = ()
    is_cut: bool = False
    # The messages that are this story's; None: all of its correlation ids.
    only: frozenset[UUID] | None = None


def tell(found: Found) -> Story:
    """Everything that is known. Reads only; a company that is gone or half made has no more than `public` knows."""
    parts = _Parts(correlation_ids=(found.correlation_id,) if found.correlation_id else ())
    if has_schema(found):
        with entered(found):
            _in_tenant(found, parts)
    elif found.tenant_id is None:
        with enter_public():
            _messages(parts, mine=None)
    with enter_public():
        letters = _in_public(found, parts)
    told_at = utcnow()
    return Story(
        tenant_id=found.tenant_id,
        tenant=found.tenant,
        booking=parts.booking,
        operations=tuple(parts.operations),
        payment=parts.payment,
        correlation_ids=parts.correlation_ids,
        others=parts.others,
        letters=foreseen(letters),
        moments=tuple(sorted(parts.moments, key=_order)),
        told_at=told_at,
        is_cut=parts.is_cut,
    )


def _order(moment: Moment) -> tuple[datetime, timedelta]:
    # What lasts begins before what happens in it at the same instant.
    return moment.at, -(moment.took or timedelta(0))


def _in_tenant(found: Found, parts: _Parts) -> None:
    booking = bookings.story.booking_of(found.booking_id) if found.booking_id else None
    if booking is None:
        parts.operations = api.story.operations_of(rfq.story.operations_of(parts.correlation_ids))
        parts.moments += api.story.story_of(parts.operations)
        parts.moments += rfq.story.story_of(parts.correlation_ids)
        _messages(parts, mine=None)
        return
    parts.booking = booking
    asked = rfq.story.operations_of([booking.correlation_id])
    named = [booking.operation_id, *asked, *([booking.cancel_operation_id] if booking.cancel_operation_id else [])]
    parts.operations = api.story.operations_of(named)
    ids = dict.fromkeys([booking.correlation_id, *(operation.correlation_id for operation in parts.operations)])
    parts.correlation_ids = tuple(ids)
    parts.others = tuple(
        other for other in bookings.story.bookings_correlated(parts.correlation_ids) if other != booking.id
    )
    parts.moments += bookings.story.story_of(booking)
    parts.moments += api.story.story_of(parts.operations)
    parts.moments += rfq.story.story_of([booking.correlation_id])
    parts.moments += loyalty.story.story_of(booking.id)
    parts.payment = payment_of(booking.id)
    mine = {booking.id, *named}
    charge = payments.story.charge_of(booking.id)
    if charge is not None:
        parts.moments += payments.story.story_of(charge)
        refund = payments.story.refund_of(charge)
        mine |= {charge.id, *([refund.id] if refund else [])}
    _messages(parts, mine=mine)
    parts.moments += notifications.story.story_of(message.id for message in parts.messages)


def _messages(parts: _Parts, *, mine: set[UUID] | None) -> None:
    # A client may use one correlation id for thousands of rides: what is older than this one is not its own.
    since = parts.booking.requested_at if parts.booking and parts.others else None
    messages = messaging.story.messages_of(parts.correlation_ids, since=since)
    parts.is_cut = len(messages) >= MOST
    if mine is not None and parts.others:
        messages = messaging.story.only_of(messages, mine)
        parts.only = frozenset(message.id for message in messages)
    parts.messages = messages
    parts.moments += messaging.story.story_of_messages(messages)
    work = messaging.story.story_of_work(parts.correlation_ids, message_ids=parts.only, since=since)
    parts.is_cut = parts.is_cut or len(work) >= MOST
    parts.moments += work


def _in_public(found: Found, parts: _Parts) -> list[DeadLetter]:
    ids, tenant_id = parts.correlation_ids, found.tenant_id
    live = messaging.story.live_deliveries(ids, tenant_id=tenant_id)
    parts.moments += messaging.story.story_of_deliveries(live, message_ids=parts.only)
    letters = messaging.story.letters_of(ids, tenant_id=tenant_id)
    if parts.only is not None:
        letters = [letter for letter in letters if letter.message_id in parts.only]
    parts.moments += messaging.story.story_of_letters(letters)
    if parts.booking is not None and tenant_id is not None:
        parts.moments += fleet.story.story_of(parts.booking.id, tenant_id=tenant_id)
    parts.moments += audit.story.story_of(_subjects(parts, letters), tenant_id=tenant_id)
    return letters


def _subjects(parts: _Parts, letters: Sequence[DeadLetter]) -> Iterable[tuple[str, UUID]]:
    """What staff may have done something to."""
    yield from (("deadletter", letter.id) for letter in letters)
    if parts.booking is not None:
        yield ("booking", parts.booking.id)
    yield from (("correlation", correlation_id) for correlation_id in parts.correlation_ids)
