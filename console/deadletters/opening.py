"""One letter, with what `messaging` knows of it and where the ride stands that it belongs to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bookings.models import RefundState
from bookings.selectors import ride_of
from messaging.deadletters import selectors
from messaging.deadletters.selectors import LetterDetail
from messaging.models import DeadReason
from tenants.registry.context import enter_tenant
from wildrydes.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class Saga:
    """Where a ride stands. Nothing of who rides from where to where."""

    booking_id: UUID
    state: str
    state_title: str
    fare: str
    deadline_at: datetime
    failure_code: str
    refund: str


@dataclass(frozen=True, kw_only=True)
class OpenedLetter:
    """What the page of a letter shows."""

    detail: LetterDetail
    title: str
    company: str
    saga: Saga | None
    is_open: bool


def opened(letter_id: UUID) -> OpenedLetter:
    """The letter.

    Raises:
        LetterNotFound: there is none with this id.
    """
    detail = selectors.letter(letter_id)
    letter = detail.letter
    return OpenedLetter(
        detail=detail,
        title=letter.error_class.rpartition(".")[2] or str(DeadReason(letter.reason).label),
        company=detail.tenant.name
        if detail.tenant
        else "Platform"
        if letter.tenant_id is None
        else "A company that is gone",
        saga=_saga(detail),
        is_open=letter.state == "open",
    )


def _saga(detail: LetterDetail) -> Saga | None:
    if detail.tenant is None:
        return None
    with enter_tenant(detail.tenant):
        ride = ride_of(detail.letter.correlation_id)
    if ride is None:
        return None
    return Saga(
        booking_id=ride.id,
        state=ride.state,
        state_title=str(ride.get_state_display()),
        fare=str(Money(ride.fare_minor, ride.currency)),
        deadline_at=ride.deadline_at,
        failure_code=ride.failure_code,
        refund="" if ride.refund_state == RefundState.NONE else str(ride.get_refund_state_display()),
    )
