"""Publishing: a message and its deliveries are written in the caller's transaction; nothing leaves the process before commit."""

from datetime import timedelta
from uuid import UUID

from messaging.journal.models import MessageKind
from messaging.messages import Command, Event, Payload, ambient_correlation, current_message, to_json
from messaging.posting import NotInTransaction, Post, post, require_transaction, together
from messaging.topology import Route, Scope, get_topology
from tenants.registry.context import current_tenant, entered_schema
from tenants.registry.directory import TenantRef
from wildrydes.kernel.ids import new_id

__all__ = ["NotInTransaction", "WrongScope", "publish", "send", "together"]


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
    require_transaction(f"{body.topic} was posted")
    routes = get_topology().routes_for(body)
    tenant = _tenant_for(body, routes)
    cause = current_message()
    message_id = new_id()
    post(
        Post(
            id=message_id,
            kind=kind.value,
            topic=body.topic,
            version=body.version,
            payload=to_json(body),
            correlation_id=correlation_id or ambient_correlation() or new_id(),
            causation_id=cause.id if cause else None,
            schema=entered_schema(),
            tenant=tenant,
            routes=routes,
            delay=delay.total_seconds(),
        )
    )
    return message_id


def _tenant_for(body: Payload, routes: tuple[Route, ...]) -> TenantRef | None:
    in_public = entered_schema() == "public"
    scopes = {route.scope for route in routes}
    if in_public and (scopes == {Scope.PLATFORM} or not scopes):
        return None
    tenant = current_tenant()
    if Scope.PLATFORM in scopes:
        raise WrongScope(f"{body.topic} is a platform message; send it in `public`.")
    return tenant
