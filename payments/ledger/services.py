"""Writing the books, in the caller's transaction."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from payments.ledger.domain import Line, Movement, Unbalanced
from payments.ledger.models import EntryKind
from wildrydes.kernel.ids import new_id

_POST = """
    WITH entry AS (
        INSERT INTO ledger_entry (id, kind, booking_id, once, provider_ref)
        VALUES (%(id)s, %(kind)s, %(booking_id)s, %(once)s, %(provider_ref)s)
        RETURNING id
    )
    INSERT INTO ledger_entryline (entry_id, account, amount_minor, currency)
    SELECT entry.id, line.account, line.minor, %(currency)s
      FROM entry, unnest(%(accounts)s::text[], %(minors)s::bigint[]) AS line (account, minor)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """What is booked: why, for which booking, under which name (`once`), and the provider's id where it has one."""

    kind: EntryKind
    once: str
    currency: str
    booking_id: UUID | None = None
    provider_ref: str = ""


def post(fact: Fact, movement: Movement) -> UUID:
    """Book a movement of a booking's money; answers the entry's id.

    Raises:
        IntegrityError: this fact is in the books already.
    """
    return _write(fact, movement.lines())


def post_lines(fact: Fact, lines: tuple[Line, ...]) -> UUID:
    """Book what concerns no single booking, such as an accepted difference; answers the entry's id.

    Raises:
        Unbalanced: the lines do not add up to zero.
        IntegrityError: this fact is in the books already.
    """
    if not lines or sum(line.minor for line in lines) != 0:
        raise Unbalanced("The lines of an entry add up to zero.")
    return _write(fact, lines)


def _write(fact: Fact, lines: tuple[Line, ...]) -> UUID:
    entry_id = new_id()
    with connection.cursor() as cursor:
        cursor.execute(
            _POST,
            {
                "id": entry_id,
                "kind": fact.kind.value,
                "booking_id": fact.booking_id,
                "once": fact.once,
                "provider_ref": fact.provider_ref,
                "currency": fact.currency,
                "accounts": [line.account.value for line in lines],
                "minors": [line.minor for line in lines],
            },
        )
    return entry_id
