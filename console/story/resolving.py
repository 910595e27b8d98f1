"""From what was found to the booking it belongs to. In the company's schema, by indexes only."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from uuid import UUID

import api.story
import bookings.story
import messaging.story
import payments.story
from console.story.finding import Found
from messaging.story import Said
from tenants.registry.context import enter_public, enter_tenant


def entered(found: Found) -> AbstractContextManager[Any]:
    """Inside the schema that holds it; `public` for the platform's own."""
    return enter_public() if found.tenant is None else enter_tenant(found.tenant)


def has_schema(found: Found) -> bool:
    """Whether there is a company's schema to look into: not for the platform's own, a company that is gone or half made."""
    return found.tenant is not None and found.tenant.is_working


def with_bookings(found: Found) -> list[Found]:
    """The same with its booking; several where one correlation id is shared by several, the thing itself where there is none."""
    if found.booking_id is not None or not has_schema(found):
        return [found]
    with entered(found):
        ids = _bookings(found)
    return [replace(found, booking_id=booking_id) for booking_id in ids] or [found]


def _bookings(found: Found) -> list[UUID]:
    if found.message_id is not None:
        named = _named(messaging.story.messages_of(ids=[found.message_id]))
        if named:
            return named
    if found.correlation_id is None:
        return []
    correlated = bookings.story.bookings_correlated([found.correlation_id])
    return correlated or _named(messaging.story.messages_of([found.correlation_id])[:100])


def _named(messages: Iterable[Said]) -> list[UUID]:
    """The bookings that these messages are about, directly or by a charge, a refund or an operation; each once."""
    ids: dict[UUID, None] = {}
    for message in messages:
        about = message.about
        if (booking_id := about.get("booking_id")) is not None:
            ids[booking_id] = None
        elif (charge_id := about.get("charge_id")) is not None:
            _add(ids, payments.story.booking_of_charge(charge_id))
        elif (refund_id := about.get("refund_id")) is not None:
            _add(ids, payments.story.booking_of_refund(refund_id))
        elif (operation_id := about.get("operation_id")) is not None:
            for operation in api.story.operations_of([operation_id]):
                ids[operation.resource_id] = None
    return [booking_id for booking_id in ids if bookings.story.booking_of(booking_id) is not None]


def _add(ids: dict[UUID, None], found: UUID | None) -> None:
    if found is not None:
        ids[found] = None
