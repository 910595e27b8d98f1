"""Reading the books."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from payments.ledger.domain import Account
from payments.ledger.models import Entry, EntryLine


def entries_of(booking_id: UUID) -> list[Entry]:
    """A booking's entries with their lines, oldest first."""
    return list(Entry.objects.filter(booking_id=booking_id).prefetch_related("lines").order_by("occurred_at", "id"))


def balances(*, currency: str, until: datetime | None = None) -> Mapping[Account, int]:
    """What is on each account, in minor units; debits are positive. `until` leaves out what was booked then or later."""
    lines = EntryLine.objects.filter(currency=currency)
    if until is not None:
        lines = lines.filter(entry__occurred_at__lt=until)
    found = {row["account"]: int(row["sum"]) for row in lines.values("account").annotate(sum=Sum("amount_minor"))}
    return {account: found.get(account.value, 0) for account in Account}


_UNBALANCED = """
    SELECT DISTINCT entry_id FROM (
        SELECT entry_id FROM ledger_entryline GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0
        UNION ALL
        SELECT e.id FROM ledger_entry e WHERE NOT EXISTS (SELECT FROM ledger_entryline l WHERE l.entry_id = e.id)
    ) AS wrong LIMIT %s
"""


def unbalanced_entries(*, most: int = 100) -> list[UUID]:
    """Entries without lines, or whose lines do not add up: none, unless somebody switched the triggers off."""
    with connection.cursor() as cursor:
        cursor.execute(_UNBALANCED, [most])
        return [row[0] for row in cursor.fetchall()]


GUARDS = frozenset(
    {
        "ledger_entry_balances",
        "ledger_entry_keeps",
        "ledger_entry_whole",
        "ledger_entryline_balances",
        "ledger_entryline_keeps",
        "ledger_entryline_whole",
    }
)
_ON = """
    SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND t.tgenabled IN ('O', 'A')
"""


def guards_missing() -> list[str]:
    """The names of triggers of the present schema's books that are missing or switched off."""
    with connection.cursor() as cursor:
        cursor.execute(_ON)
        return sorted(GUARDS - {row[0] for row in cursor.fetchall()})
