"""Messages that somebody still works on: retention leaves them, and what is known of them, alone."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from messaging.models import DeadLetterState

# What is done with a letter; in all other states its message is needed.
RESOLVED_STATES = (
    DeadLetterState.REDRIVEN,
    DeadLetterState.OBSOLETE,
    DeadLetterState.REPLACED,
    DeadLetterState.DISCARDED,
)
_RESOLVED = [str(state) for state in RESOLVED_STATES]
_HELD = """
    SELECT message_id FROM public.messaging_delivery
     WHERE tenant_id IS NOT DISTINCT FROM %(tenant)s AND message_id < %(before)s
     UNION
    SELECT message_id FROM public.messaging_deadletter
     WHERE tenant_id IS NOT DISTINCT FROM %(tenant)s AND state <> ALL(%(resolved)s) AND message_id < %(before)s
"""


def first_id_of(milliseconds: int) -> UUID:
    """The lowest UUIDv7 of a moment, in milliseconds since 1970: all ids made earlier sort before it."""
    return UUID(int=max(0, milliseconds) << 80)


_ANY_HELD = """
    SELECT EXISTS (SELECT FROM public.messaging_delivery
                    WHERE tenant_id IS NOT DISTINCT FROM %(tenant)s AND message_id = ANY(%(ids)s))
        OR EXISTS (SELECT FROM public.messaging_deadletter
                    WHERE tenant_id IS NOT DISTINCT FROM %(tenant)s AND state <> ALL(%(resolved)s)
                      AND message_id = ANY(%(ids)s))
"""


def is_any_in_use(tenant_id: UUID | None, ids: Sequence[UUID]) -> bool:
    """Whether a delivery or an unresolved dead letter points at one of these messages."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY_HELD, {"tenant": tenant_id, "ids": list(ids), "resolved": _RESOLVED})
        return bool(cursor.fetchone()[0])


def messages_in_use(tenant_id: UUID | None, *, before: UUID) -> list[UUID]:
    """The messages with lower ids than `before` that a delivery or an unresolved dead letter points at."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"tenant": tenant_id, "before": before, "resolved": _RESOLVED})
        return [row[0] for row in cursor.fetchall()]
