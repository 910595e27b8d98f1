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
from messaging.outbox import Wakeup, outgoing, outgoing_of_transaction, wake_after_commit
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
    with collecting():
        yield
    write(collected())


@contextmanager
def collecting() -> Iterator[None]:
    """Collect what is posted in this block, for the caller to take with `collected`. Nested ones leave it to the outermost.

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


def collected() -> list[Post]:
    """Take what was collected; nothing while an outer block collects."""
    posts: list[Post] = []
    if not _collecting.get():
        for unsent in outgoing_of_transaction():
            posts += unsent.posts
            unsent.posts.clear()
    return posts


def post(message: Post) -> None:
    """Write the message, or collect it; workers are woken after the commit unless it is delayed."""
    if _collecting.get():
        outgoing().posts.append(message)
    else:
        write([message])


def write(posts: Sequence[Post]) -> None:
    """Write them, each schema's in one statement."""
    for schema in dict.fromkeys(message.schema for message in posts):
        mine = [message for message in posts if message.schema == schema]
        with connection.cursor() as cursor:
            execute(cursor, _statement(schema, len(mine), _deliveries_of(mine)), values_of(mine))


def _deliveries_of(posts: Sequence[Post]) -> int:
    return sum(len(each.routes) for each in posts)


_MESSAGE_COLUMNS = "(id, kind, topic, version, payload, correlation_id, causation_id)"
_INSERT_DELIVERIES = (
    "INSERT INTO public.messaging_delivery (id, tenant_id, message_id, correlation_id, topic, version, handler, queue_class,"
    " epoch, attempts, crashes, sends, claimed_by, not_before, due_at, expires_at)"
)
_MESSAGE = "(%s, %s, %s, %s, %s::jsonb, %s, %s)"
_DELIVERY = (
    "(%s, %s, %s, %s, %s, %s, %s, %s, 0, 0, 0, 0, '', statement_timestamp() + make_interval(secs => %s),"
    " statement_timestamp() + make_interval(secs => %s), statement_timestamp() + make_interval(secs => %s))"
)


@lru_cache(maxsize=1024)
def _statement(schema: str, messages: int, deliveries: int) -> str:
    """Both inserts in one statement, or the one there is."""
    write_messages, write_deliveries = _inserts(schema, messages, deliveries)
    return f"WITH journal AS ({write_messages}) {write_deliveries}" if deliveries else write_messages


def expressions(posts: Sequence[Post]) -> str:
    """What a statement of another purpose has to have in its WITH to write posts of one schema; see `values_of`."""
    return _expressions(posts[0].schema, len(posts), _deliveries_of(posts))


@lru_cache(maxsize=1024)
def _expressions(schema: str, messages: int, deliveries: int) -> str:
    write_messages, write_deliveries = _inserts(schema, messages, deliveries)
    return f"journal AS ({write_messages})" + (f", sent AS ({write_deliveries})" if deliveries else "")


def _inserts(schema: str, messages: int, deliveries: int) -> tuple[str, str]:
    journal = connection.ops.quote_name(schema).replace("%", "%%") + ".journal_message"
    write_messages = f"INSERT INTO {journal} {_MESSAGE_COLUMNS} VALUES {', '.join([_MESSAGE] * messages)}"  # noqa: S608
    write_deliveries = f"{_INSERT_DELIVERIES} VALUES {', '.join([_DELIVERY] * deliveries)}"
    return write_messages, write_deliveries


def values_of(posts: Sequence[Post]) -> list[Any]:
    """The values of the statement that writes these posts; their wake-ups go when the transaction commits."""
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
    wake_after_commit(wakeups)
    return [*values, *deliveries]


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
