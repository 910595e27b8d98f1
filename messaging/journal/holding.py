"""Messages that somebody still works on: retention leaves them, and what is known of them, alone."""

from collections.abc import Sequence
from typing import Any
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
# Two spellings, because IS NOT DISTINCT FROM finds no index.
_A_TENANTS, _THE_PLATFORMS = "tenant_id = %(tenant)s", "tenant_id IS NULL"
_IN_USE = """
    SELECT message_id FROM public.messaging_delivery WHERE {whose} AND {which}
     UNION
    SELECT message_id FROM public.messaging_deadletter WHERE {whose} AND state <> ALL(%(resolved)s) AND {which}
"""


def first_id_of(milliseconds: int) -> UUID:
    """The lowest UUIDv7 of a moment, in milliseconds since 1970: all ids made earlier sort before it."""
    return UUID(int=max(0, milliseconds) << 80)


def is_any_in_use(tenant_id: UUID | None, ids: Sequence[UUID]) -> bool:
    """Whether a delivery or an unresolved dead letter points at one of these messages."""
    return bool(_in_use(tenant_id, "message_id = ANY(%(ids)s)", {"ids": list(ids)}))


def messages_in_use(tenant_id: UUID | None, *, before: UUID) -> list[UUID]:
    """The messages with lower ids than `before` that a delivery or an unresolved dead letter points at."""
    return _in_use(tenant_id, "message_id < %(before)s", {"before": before})


def _in_use(tenant_id: UUID | None, which: str, values: dict[str, Any]) -> list[UUID]:
    statement = _IN_USE.format(whose=_A_TENANTS if tenant_id else _THE_PLATFORMS, which=which)
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "tenant": tenant_id, "resolved": _RESOLVED})
        return [row[0] for row in cursor.fetchall()]
