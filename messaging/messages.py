"""Messages: what use cases publish and handlers receive.

An app declares its own in `events.py`, as frozen structs whose fields are the payload. They are written to the journal as
JSON and read back strictly, so a handler gets the types it declares.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec

from tenants.registry.directory import TenantRef


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What events and commands have in common: a topic and a version of the payload's shape.

    A change that old consumers cannot read takes a new version; both are kept until the old ones are gone.
    """

    topic: ClassVar[str]
    version: ClassVar[int] = 1


class Event(Payload, frozen=True, kw_only=True):
    """Something that has happened, named in the past tense (`booking.confirmed`). Any number of handlers react."""


class Command(Payload, frozen=True, kw_only=True):
    """Something to be done, named in the imperative (`payments.capture`). Exactly one handler does it."""


P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope(Generic[P]):
    """A message as its handler gets it.

    `attempt` counts from 1. `correlation_id` is shared by everything that one request set in motion; `causation_id` is the
    message that caused this one. `tenant` is None for platform messages. `created_at` is the database's clock.
    """

    id: UUID
    body: P
    correlation_id: UUID
    causation_id: UUID | None
    occurred_at: datetime
    delivery_id: UUID
    attempt: int
    tenant: TenantRef | None


@dataclass(frozen=True, slots=True)
class Obsolete:
    """What a transactional handler answers when there is nothing to do any more; what it did change is still committed.

    Its delivery's trace, and the dead letter that it redrives, then say `obsolete` in place of `done`.
    """

    why: str = ""


_current: ContextVar[Envelope[Any] | None] = ContextVar("current_message", default=None)


def current_message() -> Envelope[Any] | None:
    """The message being handled, if any: what is published meanwhile inherits its correlation id."""
    return _current.get()


@contextmanager
def handling(message: Envelope[Any]) -> Iterator[None]:
    """Mark `message` as the one being handled."""
    token = _current.set(message)
    try:
        yield
    finally:
        _current.reset(token)


_correlation: ContextVar[UUID | None] = ContextVar("correlation", default=None)


def ambient_correlation() -> UUID | None:
    """The correlation id of what is being done: as `correlated` says, else that of the message being handled, else None."""
    if (given := _correlation.get()) is not None:
        return given
    message = current_message()
    return message.correlation_id if message else None


@contextmanager
def correlated(correlation_id: UUID) -> Iterator[None]:
    """What is published and sent inside, by whatever app, belongs to this story and not to that of the request at hand."""
    token = _correlation.set(correlation_id)
    try:
        yield
    finally:
        _correlation.reset(token)


def to_payload(body: Payload) -> dict[str, Any]:
    """The body as JSON-ready values: ids and times as text (RFC 3339)."""
    payload: dict[str, Any] = msgspec.to_builtins(body)
    return payload


def to_json(body: Payload) -> str:
    """The same as JSON text."""
    return msgspec.json.encode(body).decode()


def from_payload(payload: dict[str, Any], shape: type[P]) -> P:
    """Read a journal payload back.

    Raises:
        msgspec.ValidationError: when it does not fit the shape.
    """
    return msgspec.convert(payload, shape)
