"""Writing what is posted: messages and their deliveries, all of a schema's in one statement.

Without `together` each post is written at once. Inside it they are collected and written at its end, still in the same
transaction: a request that posts three messages writes once. Until then they cannot be read; what a savepoint rolls back, or
what is left by an exception, is never written.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection

from messaging.metrics import count_after_commit
from messaging.outbox import Wakeup, outgoing, outgoing_of_transaction
from messaging.prepared import execute
from messaging.settings import first_resend_seconds
from messaging.topology import Route
from tenants.registry.directory import TenantRef
from wildrydes.kernel.ids import new_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Post:
    """A message and who gets it. `schema` holds its journal, `payload` is JSON, `delay` is in seconds; no tenant: platform."""

    id: UUID
    kind: str
    topic: str
    version: int
    payload: str
    correlation_id: UUID
    causation_id: UUID | None
    schema: str
    tenant: TenantRef | None
    routes: tuple[Route, ...]
    delay: float = 0.0


class NotInTransaction(RuntimeError):
    """`publish` and `send` belong in the transaction of the change they tell of."""


def require_transaction(what: str) -> None:
    """Refuse to post where nothing would commit the message with its cause.

    Raises:
        NotInTransaction: outside of `transaction.atomic()`.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction(f"{what} outside of a transaction.")


_collecting: ContextVar[bool] = ContextVar("posts_are_collected", default=False)


@contextmanager
def together() -> Iterator[None]:
    """Collect what is posted in this block and write it at its end. Nested ones leave it to the outermost.

    Raises:
        NotInTransaction: outside of `transaction.atomic()`.
    """
    if _collecting.get():
        yield
        return
    require_transaction("Messages are collected")
    token = _collecting.set(True)
    try:
        yield
    except BaseException:
        for unsent in outgoing_of_transaction():
            unsent.posts.clear()
        raise
    finally:
        _collecting.reset(token)
    for unsent in outgoing_of_transaction():
        posts = unsent.posts[:]
        unsent.posts.clear()
        unsent.wakeups += _write(posts)


def post(message: Post) -> None:
    """Write the message, or collect it; workers are woken after the commit unless it is delayed."""
    unsent = outgoing()
    if _collecting.get():
        unsent.posts.append(message)
    else:
        unsent.wakeups += _write([message])


def _write(posts: Sequence[Post]) -> list[Wakeup]:
    wakeups: list[Wakeup] = []
    for schema in dict.fromkeys(message.schema for message in posts):
        wakeups += _write_in(schema, [message for message in posts if message.schema == schema])
    return wakeups


_MESSAGE = "(%s, %s, %s, %s, %s::jsonb, %s, %s)"
_DELIVERY = (
    "(%s, %s, %s, %s, %s, %s, %s, %s, 0, 0, 0, 0, '', statement_timestamp() + make_interval(secs => %s),"
    " statement_timestamp() + make_interval(secs => %s), statement_timestamp() + make_interval(secs => %s))"
)


@lru_cache(maxsize=1024)
def _statement(schema: str, messages: int, deliveries: int) -> str:
    journal = connection.ops.quote_name(schema).replace("%", "%%") + ".journal_message"
    write_messages = (
        f"INSERT INTO {journal} (id, kind, topic, version, payload, correlation_id, causation_id)"  # noqa: S608
        f" VALUES {', '.join([_MESSAGE] * messages)}"
    )
    if not deliveries:
        return write_messages
    return (
        f"WITH journal AS ({write_messages}) "  # noqa: S608  # a quoted name and counts of our own
        "INSERT INTO public.messaging_delivery (id, tenant_id, message_id, correlation_id, topic, version, handler, queue_class,"
        " epoch, attempts, crashes, sends, claimed_by, not_before, due_at, expires_at)"
        f" VALUES {', '.join([_DELIVERY] * deliveries)}"
    )


def _write_in(schema: str, posts: Sequence[Post]) -> list[Wakeup]:
    values: list[Any] = []
    deliveries: list[Any] = []
    wakeups: list[Wakeup] = []
    for each in posts:
        if each.routes:
            count_after_commit(each.tenant, [route.queue_class for route in each.routes])
        cause = None if each.causation_id is None else str(each.causation_id)
        values += (each.id, each.kind, each.topic, each.version, each.payload, each.correlation_id, cause)
        for route in each.routes:
            delivery_id = new_id()
            deliveries += _delivery(delivery_id, each, route)
            if not each.delay:
                wakeups.append(Wakeup.of(delivery_id, 0, route.queue_class, each.tenant))
    count = sum(len(each.routes) for each in posts)
    with connection.cursor() as cursor:
        execute(cursor, _statement(schema, len(posts), count), [*values, *deliveries])
    return wakeups


def _delivery(delivery_id: UUID, message: Post, route: Route) -> tuple[Any, ...]:
    """One row; what may be null is text, whose type is PostgreSQL's to find, so that the statement stays the same."""
    return (
        delivery_id,
        str(message.tenant.id) if message.tenant else None,
        message.id,
        message.correlation_id,
        message.topic,
        message.version,
        route.name,
        str(route.queue_class),
        float(message.delay),
        float(message.delay or first_resend_seconds()),
        None if route.time_to_live is None else str(message.delay + route.time_to_live.total_seconds()),
    )
