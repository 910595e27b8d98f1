"""The request's part of a booking's story."""

from collections.abc import Iterable
from uuid import UUID

from rfq.models import AnswerChoice, Invitation, Rfq
from wildrydes.kernel.money import Money
from wildrydes.kernel.story import Kind, Lookup, Moment, Tone

_MOST = 20
LOOKUPS = (
    Lookup(
        kind="request for quotes",
        by="uuid",
        sql="SELECT booking_id, correlation_id, NULL::uuid FROM {s}rfq_rfq WHERE id = %(uuid)s",
    ),
    Lookup(
        kind="offer",
        by="uuid",
        sql="SELECT r.booking_id, r.correlation_id, NULL::uuid FROM {s}rfq_offer o"
        " JOIN {s}rfq_rfq r ON r.id = o.rfq_id WHERE o.id = %(uuid)s",
    ),
    Lookup(
        kind="unicorn's correlation id",
        by="uuid",
        sql="SELECT r.booking_id, r.correlation_id, NULL::uuid FROM {s}rfq_invitation i"
        " JOIN {s}rfq_rfq r ON r.id = i.rfq_id WHERE i.id = %(uuid)s",
    ),
)


def operations_of(correlation_ids: Iterable[UUID]) -> list[UUID]:
    """The operations of the requests with these correlation ids."""
    rows = Rfq.objects.filter(correlation_id__in=list(correlation_ids)).order_by("id")
    return list(rows.values_list("operation_id", flat=True)[:_MOST])


def correlation_of(booking_id: UUID) -> UUID | None:
    """The correlation id of the request that became this ride, if it came of one."""
    return Rfq.objects.filter(booking_id=booking_id).values_list("correlation_id", flat=True).first()


def story_of(correlation_ids: Iterable[UUID]) -> list[Moment]:
    """Asked for, who was asked, what they said, how it was closed. What the client wrote is not told."""
    found = Rfq.objects.filter(correlation_id__in=list(correlation_ids)).order_by("id")[:_MOST]
    return [moment for rfq in found for moment in (*_request(rfq), *_answers(rfq))]


def _request(rfq: Rfq) -> Iterable[Moment]:
    yield _moment(rfq.requested_at, "Quotes requested", id=rfq.id)
    if rfq.scattered_at is not None:
        yield _moment(rfq.scattered_at, f"{rfq.asked} unicorns asked")
    if rfq.closed_at is not None:
        tone = Tone.WARN if rfq.close_reason in ("nobody_near", "withdrawn") else Tone.INFO
        yield _moment(rfq.closed_at, "Request closed", f"{rfq.get_close_reason_display()}.", tone)


def _answers(rfq: Rfq) -> Iterable[Moment]:
    for each in Invitation.objects.filter(rfq=rfq).select_related("offer").order_by("id"):
        if each.answer == AnswerChoice.OFFER and each.answered_at is not None:
            price = Money(each.offer.price_minor, rfq.currency)
            taken = each.offer.id == rfq.accepted_offer_id
            detail = "It was accepted." if taken else f"In place {each.offer.rank}." if each.offer.rank else ""
            tone = Tone.GOOD if taken else Tone.INFO
            yield _moment(each.answered_at, f"{each.unicorn_name} offered", detail, tone, id=each.offer.id, money=price)
        elif each.answered_at is not None:
            yield _moment(each.answered_at, f"{each.unicorn_name} declined", id=each.id)
        elif each.late_at is not None:
            yield _moment(each.late_at, f"{each.unicorn_name} answered too late", tone=Tone.WARN, id=each.id)


def _moment(at: object, title: str, detail: str = "", tone: Tone = Tone.PLAIN, **more: object) -> Moment:
    return Moment(at=at, kind=Kind.UNICORN, title=title, detail=detail, tone=tone, lane="rfq", **more)  # type: ignore[arg-type]
