"""The one way to change what a booking owes: its totals and the books, in the same transaction."""

from uuid import UUID

from django.db.models import F

from payments.ledger import services as ledger
from payments.ledger.domain import Movement
from payments.ledger.models import EntryKind
from payments.models import Charge, Refund, Totals


def move_captured(charge: Charge, *, ref: str, paid_off: int = 0) -> None:
    """The provider took the charge, under its id `ref`. `paid_off` is how much of it was owed as store credit, in minor units."""
    amount = charge.amount_minor
    kind = EntryKind.CREDIT_CAPTURED if paid_off else EntryKind.CAPTURED
    movement = Movement(captured=amount, credit=-paid_off, due=amount - paid_off)
    _move(charge, movement, kind=kind, once=f"captured:{charge.id}", provider_ref=ref)


def move_on_credit(charge: Charge) -> None:
    """The charge is owed as store credit."""
    amount = charge.amount_minor
    _move(charge, Movement(credit=amount, due=amount), kind=EntryKind.CREDIT_GIVEN, once=f"credit:{charge.id}")


def move_forgiven(charge: Charge, *, minor: int) -> None:
    """So much of a charge on store credit, in minor units, is not owed any more."""
    _move(charge, Movement(credit=-minor, due=-minor), kind=EntryKind.CREDIT_FORGIVEN, once=f"forgiven:{charge.id}")


def move_refunded(refund: Refund, *, ref: str) -> None:
    """The provider gave the refund back, under its id `ref`."""
    movement = Movement(refunded=refund.amount_minor, due=-refund.amount_minor)
    _move(refund.charge, movement, kind=EntryKind.REFUNDED, once=f"refunded:{refund.id}", provider_ref=ref)


def _move(charge: Charge, movement: Movement, *, kind: EntryKind, once: str, provider_ref: str = "") -> None:
    """Add to the totals and book it; the database refuses totals that do not balance, and the same fact twice."""
    _add(charge.booking_id, movement)
    ledger.post(
        ledger.Fact(
            kind=kind, once=once, booking_id=charge.booking_id, currency=charge.currency, provider_ref=provider_ref
        ),
        movement,
    )


def _add(booking_id: UUID, movement: Movement) -> None:
    Totals.objects.filter(booking_id=booking_id).update(
        due_minor=F("due_minor") + movement.due,
        captured_minor=F("captured_minor") + movement.captured,
        credit_minor=F("credit_minor") + movement.credit,
        refunded_minor=F("refunded_minor") + movement.refunded,
    )
