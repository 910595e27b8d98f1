"""Whether the books say what the totals say, booking by booking; and taking over what they do not have."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from payments.ledger import services as ledger
from payments.ledger.domain import Movement
from payments.ledger.models import EntryKind
from payments.models import Charge, Totals
from wildrydes.kernel.ids import new_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What one booking owes and how it is covered, in minor units."""

    due: int
    captured: int
    credit: int
    refunded: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """A booking whose totals are not what its entries add up to; `receivable` is what should be nothing."""

    booking_id: UUID
    totals: Sums
    booked: Sums
    receivable: int


_BOOKED = """
    SELECT e.booking_id,
           -coalesce(sum(l.amount_minor) FILTER (WHERE l.account IN ('revenue', 'refunds')), 0)::bigint AS due,
           coalesce(sum(l.amount_minor) FILTER (WHERE l.account = 'provider' AND l.amount_minor > 0), 0)::bigint AS captured,
           coalesce(sum(l.amount_minor) FILTER (WHERE l.account = 'store_credit'), 0)::bigint AS credit,
           -coalesce(sum(l.amount_minor) FILTER (WHERE l.account = 'provider' AND l.amount_minor < 0), 0)::bigint AS refunded,
           coalesce(sum(l.amount_minor) FILTER (WHERE l.account = 'receivable'), 0)::bigint AS receivable
      FROM ledger_entry e JOIN ledger_entryline l ON l.entry_id = e.id
     WHERE e.booking_id IS NOT NULL AND (%(only)s::uuid IS NULL OR e.booking_id = %(only)s)
     GROUP BY e.booking_id
"""
_COMPARED = f"""
    WITH booked AS ({_BOOKED})
    SELECT coalesce(t.booking_id, b.booking_id),
           coalesce(t.due_minor, 0), coalesce(t.captured_minor, 0), coalesce(t.credit_minor, 0),
           coalesce(t.refunded_minor, 0),
           coalesce(b.due, 0), coalesce(b.captured, 0), coalesce(b.credit, 0), coalesce(b.refunded, 0),
           coalesce(b.receivable, 0)
      FROM (SELECT * FROM payments_totals WHERE %(only)s::uuid IS NULL OR booking_id = %(only)s) t
      FULL JOIN booked b ON b.booking_id = t.booking_id
     WHERE (coalesce(t.due_minor, 0), coalesce(t.captured_minor, 0), coalesce(t.credit_minor, 0),
            coalesce(t.refunded_minor, 0), 0::bigint)
           IS DISTINCT FROM
           (coalesce(b.due, 0), coalesce(b.captured, 0), coalesce(b.credit, 0), coalesce(b.refunded, 0),
            coalesce(b.receivable, 0))
     ORDER BY 1 LIMIT %(most)s
"""  # noqa: S608  # no part of it comes from outside


def disagreements(*, most: int = 100, booking_id: UUID | None = None) -> list[Disagreement]:
    """Bookings of the present schema whose totals and entries differ, all or the one named; none, while all is well."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPARED, {"only": booking_id, "most": most})
        return [
            Disagreement(
                booking_id=row[0],
                totals=Sums(due=row[1], captured=row[2], credit=row[3], refunded=row[4]),
                booked=Sums(due=row[5], captured=row[6], credit=row[7], refunded=row[8]),
                receivable=row[9],
            )
            for row in cursor.fetchall()
        ]


def adopt(*, most: int = 1_000) -> int:
    """Book what the totals have and the books have not; answers for how many bookings.

    For what processes of a version before the ledger moved while it was rolled out. Each booking is looked at again under its
    row's lock, so that nothing is booked twice.
    """
    adopted = 0
    for found in disagreements(most=most):
        with transaction.atomic():
            adopted += _adopt(found.booking_id)
    return adopted


def _adopt(booking_id: UUID) -> bool:
    charge = Charge.objects.select_for_update().filter(booking_id=booking_id).order_by("created_at").first()
    held = Totals.objects.select_for_update().filter(booking_id=booking_id).first()
    found = disagreements(booking_id=booking_id)
    if charge is None or held is None or not found:
        return False
    totals, booked = found[0].totals, found[0].booked
    movement = Movement(
        due=totals.due - booked.due,
        captured=totals.captured - booked.captured,
        credit=totals.credit - booked.credit,
        refunded=totals.refunded - booked.refunded,
    )
    fact = ledger.Fact(
        kind=EntryKind.ADOPTED, once=f"adopted:{new_id()}", booking_id=booking_id, currency=charge.currency
    )
    ledger.post(fact, movement)
    return True
