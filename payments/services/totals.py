"""The one way to change what a booking owes."""

from uuid import UUID

from django.db.models import F

from payments.models import Totals


def move_totals(booking_id: UUID, *, due: int = 0, captured: int = 0, credit: int = 0, refunded: int = 0) -> None:
    """Add to a booking's totals, in minor units; the database refuses what does not balance."""
    Totals.objects.filter(booking_id=booking_id).update(
        due_minor=F("due_minor") + due,
        captured_minor=F("captured_minor") + captured,
        credit_minor=F("credit_minor") + credit,
        refunded_minor=F("refunded_minor") + refunded,
    )
