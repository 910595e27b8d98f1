"""Publishing: a message and its deliveries are written in the caller's transaction; nothing leaves the process before commit."""

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from messaging.journal.models import Message, MessageKind
from messaging.messages import Command, Event, Payload, ambient_correlation, current_message, to_payload
from messaging.metrics import count_after_commit
from messaging.models import Delivery
from messaging.outbox import Wakeup, wake_after_commit
from messaging.settings import first_resend_seconds
from messaging.topology import Route, Scope, get_topology
from tenants.registry.context import current_tenant, entered_schema
from tenants.registry.directory import TenantRef
from wildrydes.kernel.ids import new_id


class NotInTransaction(RuntimeError):
    """`publish` and `send` belong in the transaction of the change they tell of."""


class WrongScope(RuntimeError):
    """A tenant's message was sent in `public`, or a platform message inside a tenant's schema."""


def publish(event: Event, *, correlation_id: UUID | None = None) -> UUID:
    """Record that something happened and give each subscriber a delivery; answers the message's id.

    The correlation id is, in this order: the one given, that of `messages.correlated`, that of the message being handled, a
    new one.

    Raises:
        NotInTransaction: outside of `transaction.atomic()`.
        NoTenant: in `public`, unless all subscribers are the platform's.
    """
    return _post(event, MessageKind.EVENT, correlation_id=correlation_id, delay=timedelta(0))


def send(command: Command, *, correlation_id: UUID | None = None, delay: timedelta = timedelta(0)) -> UUID:
    """Ask the command's one handler to act, `delay` after the commit or as soon as may be; answers the message's id.

    Delayed commands are how deadlines are kept: a handler that finds its reason gone does nothing.

    Raises:
        NotDeclared: when the topology has no handler for it.
        NotInTransaction, NoTenant: as for `publish`.
    """
    return _post(command, MessageKind.COMMAND, correlation_id=correlation_id, delay=delay)


def _post(body: Payload, kind: MessageKind, *, correlation_id: UUID | None, delay: timedelta) -> UUID:
    if not connection.in_atomic_block:
        raise NotInTransaction(f"{body.topic} was posted outside of a transaction.")
    routes = get_topology().routes_for(body)
    tenant = _tenant_for(body, routes)
    cause = current_message()
    message = Message(
        id=new_id(),
        kind=kind,
        topic=body.topic,
        version=body.version,
        payload=to_payload(body),
        correlation_id=correlation_id or ambient_correlation() or new_id(),
        causation_id=cause.id if cause else None,
    )
    message.save(force_insert=True)
    deliver_to(message, routes, tenant=tenant, delay=delay)
    return message.id


def _tenant_for(body: Payload, routes: tuple[Route, ...]) -> TenantRef | None:
    in_public = entered_schema() == "public"
    scopes = {route.scope for route in routes}
    if in_public and (scopes == {Scope.PLATFORM} or not scopes):
        return None
    tenant = current_tenant()
    if Scope.PLATFORM in scopes:
        raise WrongScope(f"{body.topic} is a platform message; send it in `public`.")
    return tenant


def deliver_to(
    message: Message, routes: tuple[Route, ...], *, tenant: TenantRef | None, delay: timedelta = timedelta(0)
) -> None:
    """Write one delivery per route and, unless delayed, wake workers after the commit. Runs in the caller's transaction."""
    if not routes:
        return
    not_before = Now() + delay if delay else Now()
    due_at = not_before if delay else Now() + timedelta(seconds=first_resend_seconds())
    rows = [
        Delivery(
            tenant_id=tenant.id if tenant else None,
            message_id=message.id,
            correlation_id=message.correlation_id,
            topic=message.topic,
            version=message.version,
            handler=route.name,
            queue_class=route.queue_class,
            not_before=not_before,
            due_at=due_at,
            expires_at=None if route.time_to_live is None else not_before + route.time_to_live,
        )
        for route in routes
    ]
    Delivery.objects.bulk_create(rows)
    count_after_commit(tenant, [route.queue_class for route in routes])
    if not delay:
        wake_after_commit([Wakeup.of(row.id, 0, row.queue_class, tenant) for row in rows])
