"""What becomes of a letter when the delivery that redrives it ends, in the same transaction.

Only deliveries with a `letter_id` pay for it.
"""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from messaging.models import DeadReason

# The item of the run that sent it, if one did, ends with the letter. A letter that was sent again since is not this delivery's.
_SETTLE = """
    WITH letter AS (
        UPDATE messaging_deadletter
           SET state = %(state)s, resolved_at = clock_timestamp(), resolved_by = redriven_by
         WHERE id = %(letter)s AND delivery_id = %(delivery)s AND state = 'redriving'
    )
    UPDATE messaging_redriveitem SET state = %(state)s, finished_at = clock_timestamp()
     WHERE delivery_id = %(delivery)s AND state = 'sent'
"""
_OPEN_AGAIN = """
    UPDATE messaging_deadletter
       SET state = 'open', last_died_at = clock_timestamp(), reason = %(reason)s, error_class = %(error_class)s,
           fingerprint = %(fingerprint)s, attempts = %(attempts)s, crashes = %(crashes)s,
           outcome_committed = %(outcome_committed)s
     WHERE id = %(letter)s AND delivery_id = %(delivery)s AND state = 'redriving'
"""
_FAIL_ITEM = """
    UPDATE messaging_redriveitem SET state = 'failed', finished_at = clock_timestamp(), result = %(result)s
     WHERE delivery_id = %(delivery)s AND state = 'sent'
"""


@dataclass(frozen=True, kw_only=True)
class Death:
    """What a delivery died of, as its letter says it."""

    reason: DeadReason
    error_class: str
    fingerprint: str
    attempts: int
    crashes: int
    outcome_committed: bool

    def as_fields(self) -> dict[str, Any]:
        """By the names of the letter's columns."""
        return {**asdict(self), "reason": str(self.reason)}


def settle(letter_id: UUID, delivery_id: UUID, *, obsolete: bool) -> None:
    """The redriven delivery did its work, or found that there was none."""
    state = "obsolete" if obsolete else "redriven"
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, {"letter": letter_id, "delivery": delivery_id, "state": state})


def open_again(letter_id: UUID, delivery_id: UUID, death: Death) -> bool:
    """The redriven delivery died too: its letter is open again, with the cause of now. False when there is no such letter."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_AGAIN, {"letter": letter_id, "delivery": delivery_id, **death.as_fields()})
        found = bool(cursor.rowcount)
        result = death.error_class or str(death.reason)
        cursor.execute(_FAIL_ITEM, {"delivery": delivery_id, "result": result[:300]})
    return found
