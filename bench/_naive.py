"""The naive pipeline: the same handlers, started by `transaction.on_commit(task.delay)`.

No journal, no deliveries, no leases, no traces, no retries: what is lost is lost.

Its timers (deadlines, the end of the ride) go to a queue that nobody serves during the run: it pays for sending them and not
for holding them, which favours it.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import close_old_connections, transaction

from messaging import services
from messaging.journal.models import MessageKind
from messaging.messages import Envelope, Payload, current_message, from_payload, handling, to_payload
from messaging.routing import queue_for
from messaging.topology import Gateway, Route, get_topology
from tenants.registry.context import current_tenant, enter_tenant
from tenants.registry.directory import tenant_by_id
from wildrydes.kernel.clock import utcnow
from wildrydes.kernel.ids import new_id

TIMERS = "timers"


def install() -> None:
    """Let this process publish and send the naive way."""
    services._post = _post  # type: ignore[assignment]  # noqa: SLF001  # the one seam between use cases and messaging


def _post(body: Payload, kind: MessageKind, *, correlation_id: UUID | None, delay: timedelta) -> UUID:
    tenant, cause = current_tenant(), current_message()
    message_id = new_id()
    correlation = str(correlation_id or (cause.correlation_id if cause else new_id()))
    for route in get_topology().routes_for(body):
        args = (route.name, str(tenant.id), str(message_id), correlation, to_payload(body))
        options: dict[str, Any] = {"queue": queue_for(tenant, route.queue_class)}
        if delay:
            options = {"queue": TIMERS, "countdown": delay.total_seconds()}
        transaction.on_commit(lambda args=args, options=options: handle.apply_async(args, **options))
    return message_id


@shared_task(name="bench.handle")
def handle(name: str, tenant_id: str, message_id: str, correlation_id: str, payload: dict[str, Any]) -> None:
    """Run the handler in its tenant's schema, in a transaction as it expects."""
    close_old_connections()
    route, tenant = get_topology().route(name), tenant_by_id(UUID(tenant_id))
    if route is None or tenant is None:
        raise LookupError(name)
    message: Envelope[Any] = Envelope(
        id=UUID(message_id),
        body=from_payload(payload, route.message),
        correlation_id=UUID(correlation_id),
        causation_id=None,
        occurred_at=utcnow(),
        delivery_id=UUID(message_id),
        attempt=1,
        tenant=tenant,
    )
    with enter_tenant(tenant), handling(message):
        _run(route, message)


def _run(route: Route, message: Envelope[Any]) -> None:
    if callable(route.handler):
        with transaction.atomic():
            route.handler(message)
        return
    gateway: Gateway[Any, Any, Any] = route.handler
    with transaction.atomic():
        intent = gateway.prepare(message)
    if intent is None:
        return
    result = gateway.call(intent)
    with transaction.atomic():
        gateway.settle(message, intent, result)
