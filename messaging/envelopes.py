"""From the journal's row to the envelope that a handler gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import msgspec
from django.db import connection

from messaging.claims import Claim
from messaging.errors import Reject
from messaging.messages import Envelope
from messaging.topology import Route
from tenants.registry.directory import TenantRef

# Of `journal_message`, as `message`: what `Written.of_texts` takes.
IN_ONE = (
    "ARRAY[message.payload::text, message.occurred_at::text, message.correlation_id::text, message.causation_id::text]"
)
_READ = f"SELECT {IN_ONE} FROM journal_message AS message WHERE message.id = %s"  # noqa: S608  # our own columns


class Unreadable(Reject):
    """The journal's message is gone, or its payload does not fit the shape this version of the code expects."""


@dataclass(frozen=True, slots=True)
class Written:
    """A message as the journal has it; `payload` is JSON."""

    payload: str
    occurred_at: datetime
    correlation_id: UUID
    causation_id: UUID | None

    @classmethod
    def of_texts(cls, texts: Sequence[str | None]) -> Self:
        """From PostgreSQL's texts of the four columns."""
        payload, occurred_at, correlation_id, causation_id = texts
        return cls(
            payload or "",
            datetime.fromisoformat(occurred_at or ""),
            UUID(correlation_id or ""),
            None if causation_id is None else UUID(causation_id),
        )


def read(message_id: UUID) -> Written | None:
    """The message in the entered schema's journal, or None."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [message_id])
        row = cursor.fetchone()
    return None if row is None else Written.of_texts(row[0])


def envelope_of(written: Written | None, claimed: Claim, route: Route, tenant: TenantRef | None) -> Envelope[Any]:
    """What the handler gets.

    Raises:
        Unreadable: there is no such message, or it does not fit.
    """
    if written is None:
        raise Unreadable(f"Message {claimed.message_id} is not in the journal.")
    try:
        body = msgspec.json.decode(written.payload, type=route.message)
    except msgspec.ValidationError as error:
        raise Unreadable(f"The payload does not fit {route.message.__name__}: {error}") from error
    return Envelope(
        id=claimed.message_id,
        body=body,
        correlation_id=written.correlation_id,
        causation_id=written.causation_id,
        occurred_at=written.occurred_at,
        delivery_id=claimed.id,
        attempt=claimed.attempts + 1,
        tenant=tenant,
    )
